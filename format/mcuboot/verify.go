// SPDX-License-Identifier: GPL-2.0-or-later

package mcuboot

import (
	"bytes"
	"crypto"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"binman/content"
	"binman/format/verify"
	"binman/internal/binfmt"
)

// List returns the parts of the image, and the trailer of the slot if the file is one.
func (im *Image) List() []binfmt.Item {
	h := &im.Header
	what := "image, version " + h.Version.String()
	var notes []string
	for _, f := range FlagNames() {
		if h.Flags&f.Flag != 0 {
			notes = append(notes, strings.ToLower(strings.ReplaceAll(f.Name, "_", " ")))
		}
	}
	if im.Order.String() == "BigEndian" {
		notes = append(notes, "big-endian")
	}
	if len(notes) > 0 {
		what += ", " + strings.Join(notes, ", ")
	}
	payload := binfmt.Item{Name: "payload", Type: what, Offset: int64(h.Size), Size: int64(h.ImageSize)}
	list := []binfmt.Item{{Name: "header", Type: "header", Size: int64(h.Size)}, payload}
	if im.Protected.Size > 0 {
		list = append(list, binfmt.Item{Name: "protected-tlvs", Type: tlvText(&im.Protected), Offset: im.Protected.Offset, Size: im.Protected.Size})
	}
	list = append(list, binfmt.Item{Name: "tlvs", Type: tlvText(&im.TLVs), Offset: im.TLVs.Offset, Size: im.TLVs.Size})
	if trailer, ok := im.slotEnd(); ok {
		list = append(list, trailer)
	}
	return list
}

// Details returns the version, where the image runs, what flags it has, and the
// fingerprints of the keys that have signed it: SHA-256 of their public parts.
func (im *Image) Details() binfmt.Details {
	h := &im.Header
	d := binfmt.Details{}.With("version", h.Version.String())
	if h.Flags&(RAMLoad|ROMFixed) != 0 {
		d = d.With("load", h.LoadAddr)
	}
	var flags, hashes, signatures []string
	for _, f := range FlagNames() {
		if h.Flags&f.Flag != 0 {
			flags = append(flags, strings.ToLower(f.Name))
		}
	}
	key := ""
	for _, t := range im.TLVs.List {
		switch name := strings.ToLower(t.Type.String()); {
		case t.Type.hash() != 0:
			hashes = append(hashes, name)
		case t.Type == KeyHash:
			key = fmt.Sprintf("%x", t.Value)
		case t.Type.signature():
			signatures = append(signatures, name+":"+key)
		}
	}
	for _, t := range im.Protected.List {
		if t.Type == SecurityCounter && len(t.Value) == 4 {
			d = d.With("security-counter", int64(im.Order.Uint32(t.Value)))
		}
	}
	return d.With("flags", flags).With("hashes", hashes).With("signatures", signatures)
}

// tlvText lists the types of TLVs.
func tlvText(a *Area) string {
	var names []string
	for _, t := range a.List {
		name := t.Type.String()
		if !t.Type.Known() {
			name = fmt.Sprintf("0x%04x", uint16(t.Type))
		}
		names = append(names, name)
	}
	return "TLVs: " + strings.Join(names, " ")
}

// Verify judges the hashes and the signatures of the image, with public keys. What
// has been encrypted can be judged only after Decrypt. The bootloader takes an
// image that has one good signature by a key that it knows.
func (im *Image) Verify(_ io.ReaderAt, _ int64, keys []verify.Key) ([]verify.Finding, error) {
	list := []verify.Finding{verify.Structure(im.End(), errors.Join(im.Damage...))}
	if n := len(im.Protected.List); n > 0 {
		list[0].Warn = emptyLast(im.Protected.List[n-1].TLV)
	}
	signed := im.Signed()
	var digest []byte
	claims := 0
	for _, t := range im.TLVs.List {
		f := verify.Finding{Size: signed.Len()}
		var err error
		switch hash := t.Type.hash(); {
		case hash != 0:
			f.What = strings.ToLower(t.Type.String())
			if digest, err = sum(signed, hash); err == nil && !bytes.Equal(digest, t.Value) {
				f.Verdict, f.Why = im.unlike("the image has changed since it was hashed")
			}
		case t.Type.signature():
			err = im.judge(&f, t, signed, digest, keys)
		default:
			continue
		}
		if err != nil {
			return nil, err
		}
		claims++
		list = append(list, f)
	}
	if claims == 0 {
		list = append(list, verify.Finding{What: "contents", Verdict: verify.NotCovered, Why: "there is no hash and no signature of them", Size: signed.Len()})
	}
	if im.Compressed() {
		list = append(list, im.judgeUnpacked())
	}
	if slices.ContainsFunc(list, func(f verify.Finding) bool { return f.Signed }) {
		for i := range list[1:] { // the signature speaks for what the hash does
			list[i+1].Signed = list[i+1].Signed || list[i+1].Verdict == verify.Good
		}
	}
	return list, nil
}

// unlike is the verdict on what does not go with the bytes that there are.
func (im *Image) unlike(why string) (verify.Verdict, string) {
	if im.Encrypted() {
		return verify.NotCovered, "the payload is encrypted: what is hashed and signed is not"
	}
	return verify.Bad, why
}

// signature says whether a type is that of signatures.
func (t Type) signature() bool {
	return t == RSA2048 || t == RSA3072 || t == ECDSASig || t == Ed25519
}

// judge judges a signature by all keys of its kind.
func (im *Image) judge(f *verify.Finding, t FoundTLV, signed content.Data, digest []byte, keys []verify.Key) error {
	f.What = "signature " + t.Type.String()
	some := false
	for _, k := range keys {
		kind, err := KindOf(k.Public)
		if err != nil || kind.sig != t.Type || im.Pure() && kind.sig != Ed25519 {
			continue
		}
		if b, err := PublicBytes(k.Public); err != nil || !im.names(b) {
			continue // it names another key
		}
		some = true
		good, err := (&signature{kind: kind, public: k.Public, pure: im.Pure(), value: t.Value}).verify(signed, digest)
		if err != nil {
			return err
		}
		if good {
			f.What, f.Signed = f.What+":"+k.Name, true
			return nil
		}
	}
	if some {
		f.Verdict, f.Why = im.unlike("the key that it names has not signed the image as it is")
		return nil
	}
	f.Verdict, f.Why = verify.NotCovered, "the key that it names is not given"
	return nil
}

// names says whether the image names the key with these bytes, or none at all. An
// image with several signatures names several.
func (im *Image) names(key []byte) bool {
	var hash crypto.Hash
	some := false
	for _, t := range im.TLVs.List {
		switch h := t.Type.hash(); {
		case h != 0:
			hash = h
		case t.Type == PubKey, t.Type == KeyHash && hash == 0:
			some = true
			if bytes.Equal(t.Value, key) {
				return true
			}
		case t.Type == KeyHash:
			some = true
			h := hash.New()
			h.Write(key)
			if bytes.Equal(h.Sum(nil), t.Value) {
				return true
			}
		}
	}
	return !some
}

// judgeUnpacked judges the hash of the decompressed image.
func (im *Image) judgeUnpacked() verify.Finding {
	f := verify.Finding{What: "hash of the decompressed image", Offset: int64(im.Header.Size), Size: int64(im.Header.ImageSize)}
	d, err := im.Unpack()
	if err != nil {
		f.Verdict, f.Why = im.unlike(err.Error())
		return f
	}
	for _, t := range im.TLVs.List {
		if hash := t.Type.hash(); hash != 0 {
			if digest, err := sum(d, hash); err != nil || !bytes.Equal(digest, im.Protected.First(DecompSHA)) {
				f.Verdict, f.Why = im.unlike("it decompresses to another image")
			}
			return f
		}
	}
	f.Verdict, f.Why = verify.NotCovered, "there is no hash"
	return f
}
