// SPDX-License-Identifier: GPL-2.0-or-later

package avb

import (
	"bytes"
	"crypto"
	"crypto/rsa"
	_ "crypto/sha1" // what descriptors may name
	_ "crypto/sha512"
	"fmt"
	"io"

	"binman/format/verify"
)

// Verify judges the hash and the signature of the image. What it says of partitions,
// [Descriptor.Verify] judges: here it is not covered.
func (im *Image) Verify(_ io.ReaderAt, _ int64, keys []verify.Key) ([]verify.Finding, error) {
	list := []verify.Finding{verify.Structure(im.Size, nil)}
	hash, _ := im.Algorithm.params()
	if hash == 0 {
		f := verify.Finding{What: "signature", Verdict: verify.NotCovered, Why: "the image is not signed", Size: im.Size, Warn: im.warning()}
		if im.Algorithm != 0 {
			f.Why = fmt.Sprintf("%s is not known here", im.Algorithm)
		}
		list = append(list, f)
	} else {
		sum := sumOf(hash, im.signed)
		f := verify.Finding{What: hashNames[hash], Size: im.Size}
		if !bytes.Equal(sum, im.digest) {
			f.Verdict, f.Why = verify.Bad, fmt.Sprintf("%s does not match: %x is stored, the image has %x", f.What, im.digest, sum)
		}
		sig := im.judge(hash, sum, keys)
		f.Signed = sig.Signed && f.Verdict == verify.Good
		list = append(list, f, sig)
	}
	for i := range im.Descriptors {
		d := &im.Descriptors[i]
		if d.Kind.ofPartition() {
			list = append(list, verify.Finding{Path: d.Name, What: d.What(), Verdict: verify.NotCovered, Why: fmt.Sprintf("there is no partition '%s' here", d.Partition), Offset: d.Offset, Size: d.Size})
		}
	}
	return list, nil
}

func (im *Image) warning() string {
	if im.Flags&noVerification != 0 {
		return "its flags say that a device which is not locked checks nothing"
	}
	if im.Flags&noHashtree != 0 {
		return "its flags say that a device which is not locked checks no hash trees"
	}
	return ""
}

// judge compares the signature with the digest.
func (im *Image) judge(hash crypto.Hash, sum []byte, keys []verify.Key) verify.Finding {
	f := verify.Finding{What: "signature " + im.Algorithm.String(), Size: im.Size, Warn: im.warning()}
	_, bits := im.Algorithm.params()
	switch {
	case im.Key == nil || im.Key.N.BitLen() != bits:
		f.Verdict, f.Why = verify.Bad, fmt.Sprintf("the image has no public key of %d bits", bits)
	case rsa.VerifyPKCS1v15(im.Key, hash, sum, im.sig) != nil:
		f.Verdict, f.Why = verify.Bad, "the key in the image has not signed it, or it has changed"
	case verify.Among(keys, im.Key):
		f.Signed = true
	case len(keys) == 0:
		f.Verdict, f.Why = verify.NotCovered, fmt.Sprintf("the key in the image, sha256 %x, has signed it, and no key is given to judge that one by", im.KeyDigest)
	default:
		f.Verdict, f.Why = verify.Bad, fmt.Sprintf("the key in the image, sha256 %x, is none of the keys given", im.KeyDigest)
	}
	return f
}

func sumOf(hash crypto.Hash, b ...[]byte) []byte {
	h := hash.New()
	for _, b := range b {
		h.Write(b)
	}
	return h.Sum(nil)
}

// Signed says whether one of the keys has signed the image.
func (im *Image) Signed(keys []verify.Key) bool {
	hash, _ := im.Algorithm.params()
	return len(keys) > 0 && hash != 0 && im.judge(hash, sumOf(hash, im.signed), keys).Signed
}

// hasDigest says whether such a descriptor has a digest of what a partition holds.
func (k Kind) hasDigest() bool { return k == Hashtree || k == Hash }

// What names what the descriptor claims.
func (d *Descriptor) What() string {
	switch d.Kind {
	case Hashtree:
		return d.HashName + " tree"
	case Hash:
		return d.HashName
	}
	return "key of the vbmeta image"
}

// Verify judges what the descriptor says of a partition. It counts offsets from the
// start of that.
func (d *Descriptor) Verify(r io.ReaderAt, size int64) (verify.Finding, error) {
	f := verify.Finding{What: d.What(), Size: min(d.ImageSize, size)}
	if d.Kind == Chain {
		d.verifyChain(&f, r, size)
		return f, nil
	}
	var hash crypto.Hash
	for h, name := range hashNames {
		if name == d.HashName {
			hash = h
		}
	}
	switch {
	case hash == 0:
		f.Verdict, f.Why = verify.NotCovered, fmt.Sprintf("the hash '%s' is not known here", d.HashName)
	case d.ImageSize > size:
		f.Verdict, f.Why = verify.Bad, fmt.Sprintf("it is of %#x bytes, and the partition has %#x", d.ImageSize, size)
	case d.Kind == Hashtree:
		return f, d.verifyTree(&f, hash, r, size)
	default:
		h := hash.New()
		h.Write(d.Salt)
		if _, err := io.Copy(h, io.NewSectionReader(r, 0, d.ImageSize)); err != nil {
			return f, err
		}
		d.compare(&f, h.Sum(nil))
	}
	return f, nil
}

// compare says whether a digest is that of the descriptor.
func (d *Descriptor) compare(f *verify.Finding, sum []byte) {
	if !bytes.Equal(sum, d.Digest) {
		f.Verdict, f.Why = verify.Bad, fmt.Sprintf("%s does not match: %x is stored, the partition has %x", f.What, d.Digest, sum)
	}
}

// verifyChain says whether the partition has a vbmeta image with the key that it should
// have: the image is all of it, or its footer names it.
func (d *Descriptor) verifyChain(f *verify.Finding, r io.ReaderAt, size int64) {
	im, err := Parse(r, size)
	if p, perr := ParsePartition(r, size); perr == nil {
		im, err = p.Image, p.err
	}
	f.Size = size
	switch {
	case err != nil:
		f.Verdict, f.Why = verify.Bad, fmt.Sprintf("the partition has no vbmeta image: %v", err)
	case !d.Signs(im):
		f.Verdict, f.Why = verify.Bad, "the vbmeta image in the partition has another key"
	default:
		f.Size = im.Size
	}
}

// Signs says whether the key of a descriptor of kind Chain is that of an image.
func (d *Descriptor) Signs(im *Image) bool {
	key := publicKey(d.Key)
	return key != nil && im.Key != nil && key.Equal(im.Key)
}

// PublicKey returns the key of a descriptor of kind Chain, or nil if it is none.
func (d *Descriptor) PublicKey() *rsa.PublicKey { return publicKey(d.Key) }
