// SPDX-License-Identifier: GPL-2.0-or-later

package cli

import (
	"crypto"
	"encoding/base64"
	"fmt"
	"strings"

	"binman/content"
	"binman/format/addressed"
	"binman/format/ihex"
	"binman/format/mcuboot"
	"binman/internal/atomicfile"
	"binman/internal/click"
	"binman/internal/host"
	"binman/signer"
)

// run signs, in two steps if it is asked to.
func (s *imgtoolSign) run() error {
	if s.part {
		if s.asJSON || s.keys.signLater != "" || s.keys.attach != "" {
			return click.Wrong("--json, --sign-later and --attach stand in front of --, since they are for all images at once")
		}
		return s.sign()
	}
	l, err := s.newLater(&s.keys)
	if err != nil {
		return err
	}
	if s.asJSON {
		s.signed = &[]signedImage{}
	}
	if l == nil {
		err = s.sign()
	} else {
		step := func(trial bool) func() error {
			return func() error {
				s.trial = trial
				return s.sign()
			}
		}
		err = l.run(&s.keys, s.stdout, step(true), step(false))
	}
	if err != nil || !s.asJSON || l != nil && l.first {
		return err
	}
	return s.printSigned(*s.signed)
}

// sign signs. What is wrong is found in imgtool's order.
func (s *imgtoolSign) sign() error {
	p := &s.params
	in, err := readSlot(s.in, "Input file not found")
	if err != nil {
		return err
	}
	if err := p.Check(in.Data); err != nil {
		return asWrong(err)
	}
	if err := s.chooseKeys(); err != nil {
		return asWrong(err)
	}
	if p.Custom, err = s.customTLVs(); err != nil {
		return err
	}
	if err := s.fixedSignature(); err != nil {
		return err
	}
	if p.Pure && p.Hash != 0 {
		return click.Wrong("Pure signatures, currently, enforces preferred hash algorithm, and forbids sha selection by user.")
	}
	if err := s.identify(); err != nil {
		return asWrong(err)
	}
	if p.BootRecord != nil {
		if err := mcuboot.CheckRole(*p.BootRecord); err != nil {
			return asWrong(err)
		}
	}
	if s.late != nil {
		return s.late
	}
	made, err := mcuboot.Make(in.Data, p)
	if err != nil {
		return asWrong(err)
	}
	if s.sigOut != "" && made.Signature == nil {
		return click.Wrong("--sig-out: there is no signature to write")
	}
	if s.trial {
		return nil
	}
	if err := s.claim(); err != nil {
		return err
	}
	s.tell(made)
	return asWrong(s.write(in, made))
}

// claim says where it would write over what it reads; over the image, it may.
func (s *imgtoolSign) claim() error {
	err := s.used.claim(s.out, "the image")
	if err == nil && s.sigOut != "" {
		s.used.Note(s.in, nil)
		err = s.used.claim(s.sigOut, "the signature")
	}
	return err
}

// write writes the image and the signature.
func (s *imgtoolSign) write(in slotImage, made *mcuboot.Made) error {
	image, err := s.writing().Create(s.out)
	if err != nil {
		return err
	}
	defer image.Abort()
	if err := s.save(image, in, made); err != nil {
		return err
	}
	if s.sigOut == "" {
		return image.Commit()
	}
	sig, err := atomicfile.Options{}.Prepare(s.sigOut, content.String(base64.StdEncoding.EncodeToString(made.Signature)))
	if err != nil {
		return err
	}
	return atomicfile.CommitAll(sig, image)
}

// chooseKeys opens the keys, and says what is made with them.
func (s *imgtoolSign) chooseKeys() error {
	p := &s.params
	p.Hash = map[string]crypto.Hash{"256": crypto.SHA256, "384": crypto.SHA384, "512": crypto.SHA512}[s.hash]
	p.Export = map[string]mcuboot.Export{"payload": mcuboot.ExportPayload, "digest": mcuboot.ExportDigest}[s.export]
	p.Compress = map[string]mcuboot.Compression{"lzma2": mcuboot.CompressLZMA2, "lzma2armthumb": mcuboot.CompressLZMA2Thumb}[s.compression]
	if err := s.signingKey(); err != nil {
		return err
	}
	return s.encryption()
}

// signingKey opens the key to sign with.
func (s *imgtoolSign) signingKey() error {
	if s.key == "" {
		return nil
	}
	if s.keys.notes != nil {
		o, err := s.keys.signerOptions()
		if err != nil {
			return err
		}
		s.params.Key, err = signer.Open("", s.key, o)
		return err
	}
	key, err := s.imgtool.key(s.key)
	if err != nil {
		return err
	}
	if _, private := signer.PublicOf(key); !private {
		return click.Wrong("Cannot sign with a public-only PEM; signing requires the private key.")
	}
	private, ok := key.(*signer.Signer)
	if !ok {
		return click.Wrong("A key of X25519 is for encryption: it signs nothing")
	}
	s.params.Key = private
	return nil
}

// encryption opens the key to encrypt with.
func (s *imgtoolSign) encryption() error {
	if s.encrypt == "" && s.wrap == "" {
		return nil
	}
	e := &mcuboot.Encryption{KeySize: 16, Clear: s.clear}
	if s.keyBits == "256" {
		e.KeySize = 32
	}
	if s.hmac == "512" {
		e.Hash = crypto.SHA512
	}
	s.params.Encrypt = e
	switch {
	case s.keys.reproducible:
		return click.Wrong("What is encrypted is never the same twice: --reproducible cannot be used with it")
	case s.encrypt != "" && s.wrap != "":
		return click.Wrong("--encrypt and --encrypt-kw are two ways to encrypt: give one")
	case s.wrap != "":
		var err error
		e.Wrap, err = s.readWrapKey(s.wrap)
		return err
	}
	key, err := s.imgtool.key(s.encrypt)
	if err != nil {
		return err
	}
	e.Public, _ = signer.PublicOf(key)
	return s.sameKind(e.Public)
}

// sameKind says whether signature and encryption go together.
func (s *imgtoolSign) sameKind(pub crypto.PublicKey) error {
	if s.params.Key == nil {
		return nil
	}
	own, err := mcuboot.KindOf(s.params.Key.Public())
	if err != nil {
		return err
	}
	other, err := mcuboot.KindOf(pub)
	if err != nil {
		return err
	}
	if own.Short != other.Short && own.Short != "ed25519" {
		return click.Wrong("Signing and encryption must use the same type of key")
	}
	return nil
}

// readWrapKey reads a key that wraps others.
func (s *imgtoolSign) readWrapKey(path string) ([]byte, error) {
	b, err := s.smallInput(path)
	if err != nil || len(b) == 16 || len(b) == 32 {
		return b, err
	}
	key, err := base64.StdEncoding.DecodeString(strings.TrimSpace(string(b)))
	if err != nil || len(key) != 16 && len(key) != 32 {
		return nil, fmt.Errorf("'%s' is no key to wrap with: 16 or 32 bytes, as they are or in base64", path)
	}
	return key, nil
}

// fixedSignature reads a signature that has been made elsewhere.
func (s *imgtoolSign) fixedSignature() error {
	if s.fixed == "" {
		return nil
	}
	value, err := readBase64(s.fixed)
	s.used.Note(s.fixed, err)
	if err != nil {
		return err
	}
	if s.fixedKey == "" {
		return click.Wrong("public key of the fixed signature is not specified")
	}
	key, err := s.imgtool.key(s.fixedKey)
	if err != nil {
		return err
	}
	pub, private := signer.PublicOf(key)
	s.params.Signature = &mcuboot.Signature{Public: pub, Private: private, Value: value}
	return nil
}

// identify makes the identities of vendor and class.
func (s *imgtoolSign) identify() (err error) {
	p := &s.params
	if s.vid != nil {
		if p.VendorID, err = mcuboot.ParseVendorID(*s.vid); err != nil {
			return err
		}
	}
	if s.cid != nil {
		p.ClassID, err = mcuboot.ParseClassID(*s.cid, p.VendorID)
	}
	return err
}

// tell prints what has been done, in imgtool's words: twice with compression, since
// the uncompressed image is signed, too.
func (s *imgtoolSign) tell(made *mcuboot.Made) {
	if s.signed != nil {
		*s.signed = append(*s.signed, s.image(made))
	} else {
		s.tellSigned()
	}
	if s.signed == nil && s.params.Compress != mcuboot.Uncompressed {
		fmt.Fprintf(s.stdout, "compressed image size: %d bytes\noriginal image size: %d bytes\n", made.Packed, made.Unpacked)
		if made.Compressed {
			s.tellSigned()
		}
	}
	if made.Warning != "" {
		fmt.Fprintf(s.stderr, "Warning: %s\n", made.Warning)
	}
}

func (s *imgtoolSign) tellSigned() {
	p := &s.params
	say := func(text string) { fmt.Fprintf(s.stdout, "image.py: %s\n", text) }
	if f := p.Signature; f != nil && p.Key == nil && f.Private && !signsDigest(f.Public) {
		say("sign the payload")
	}
	switch {
	case p.Export == mcuboot.ExportPayload:
		say("export payload")
	case p.Export == mcuboot.ExportDigest:
		say("export digest")
	case p.Key == nil:
	case signsDigest(p.Key.Public()):
		say("sign the digest")
	default:
		say("sign the payload")
	}
}

func signsDigest(pub crypto.PublicKey) bool {
	kind, err := mcuboot.KindOf(pub)
	return err == nil && kind.Short == "ed25519"
}

// save writes the image into the file.
func (s *imgtoolSign) save(to *atomicfile.File, in slotImage, made *mcuboot.Made) error {
	p := &s.params
	var trailer []mcuboot.Piece
	if (s.pad || s.confirm || s.test) && p.Export == mcuboot.ExportNothing {
		trailer = p.Slot.Trailer(made.Order, p.Erased, s.confirm || s.test, s.confirm)
	}
	if isHex(s.out) {
		return s.saveHex(to, in, made, trailer)
	}
	image := made.Data
	if trailer != nil {
		var err error
		if image, err = p.Slot.Fill(image, p.Erased, trailer); err != nil {
			return err
		}
	}
	return to.WriteData(image)
}

// writing says how the image is written. It can be made again, and is not waited for
// until the disk has it, unless it takes the place of what it was made of.
func (s *imgtoolSign) writing() atomicfile.Options {
	return atomicfile.Options{NoSync: !host.SameFile(s.in, s.out)}
}

// saveHex writes the image as a HEX file; erased flash in front of the trailer is
// not in it.
func (s *imgtoolSign) saveHex(to *atomicfile.File, in slotImage, made *mcuboot.Made, trailer []mcuboot.Piece) error {
	base, err := s.base(in)
	if err != nil {
		return err
	}
	pieces := []addressed.Piece{{Addr: base, Data: made.Data}}
	for _, t := range trailer {
		pieces = append(pieces, addressed.Piece{Addr: base + t.Offset, Data: content.Bytes(t.Data)})
	}
	if err := addressed.Check(pieces); err != nil {
		return err
	}
	return ihex.Write(to, pieces)
}

// base returns the address of the image in a HEX file.
func (s *imgtoolSign) base(in slotImage) (int64, error) {
	switch {
	case s.hexAddr != nil:
		return *s.hexAddr, nil
	case in.base == nil:
		return 0, click.Wrong("No address exists in input file neither was it provided by user")
	case !s.params.PadHeader:
		return *in.base, nil
	case *in.base < s.params.HeaderSize:
		return 0, click.Wrong(fmt.Sprintf("There is no room for a header of %#x bytes below the address %#x; say where the image is to be with --hex-addr", s.params.HeaderSize, *in.base))
	}
	return *in.base - s.params.HeaderSize, nil
}
