// SPDX-License-Identifier: GPL-2.0-or-later

package cli

import (
	"crypto"
	"encoding/base64"
	"fmt"

	"binman/content"
	"binman/format/ihex"
	"binman/format/mcuboot"
	"binman/internal/atomicfile"
	"binman/internal/click"
	"binman/signer"
)

// run signs. What is wrong is found in imgtool's order.
func (s *imgtoolSign) run() error {
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
	if s.sigOut != "" && (p.Export != mcuboot.ExportNothing || p.Key == nil && p.Signature == nil) {
		return click.Wrong("--sig-out: there is no signature to write")
	}
	made, err := mcuboot.Make(in.Data, p)
	if err != nil {
		return asWrong(err)
	}
	s.tell(made)
	if err := s.save(in, made); err != nil {
		return asWrong(err)
	}
	if s.sigOut == "" {
		return nil
	}
	return atomicfile.Write(s.sigOut, content.String(base64.StdEncoding.EncodeToString(made.Signature)))
}

// chooseKeys opens the keys, and says what is made with them.
func (s *imgtoolSign) chooseKeys() error {
	p := &s.params
	p.Hash = map[string]crypto.Hash{"256": crypto.SHA256, "384": crypto.SHA384, "512": crypto.SHA512}[s.hash]
	p.Export = map[string]mcuboot.Export{"payload": mcuboot.ExportPayload, "digest": mcuboot.ExportDigest}[s.export]
	p.Compress = map[string]mcuboot.Compression{"lzma2": mcuboot.CompressLZMA2, "lzma2armthumb": mcuboot.CompressLZMA2Thumb}[s.compression]
	if s.key == "" {
		return nil
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
	p.Key = private
	return nil
}

// fixedSignature reads a signature that has been made elsewhere.
func (s *imgtoolSign) fixedSignature() error {
	if s.fixed == "" {
		return nil
	}
	value, err := readBase64(s.fixed)
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

// tell prints what has been done, in imgtool's words.
func (s *imgtoolSign) tell(made *mcuboot.Made) {
	word := ""
	switch p := &s.params; {
	case p.Export == mcuboot.ExportPayload:
		word = "export payload"
	case p.Export == mcuboot.ExportDigest:
		word = "export digest"
	case p.Key != nil && signsDigest(p.Key.Public()):
		word = "sign the digest"
	case p.Key != nil:
		word = "sign the payload"
	}
	if word != "" {
		fmt.Fprintf(s.stdout, "image.py: %s\n", word)
	}
	if made.Warning != "" {
		fmt.Fprintf(s.stderr, "Warning: %s\n", made.Warning)
	}
}

func signsDigest(pub crypto.PublicKey) bool {
	kind, err := mcuboot.KindOf(pub)
	return err == nil && kind.Short == "ed25519"
}

// save writes the image.
func (s *imgtoolSign) save(in slotImage, made *mcuboot.Made) error {
	p := &s.params
	var trailer []mcuboot.Piece
	if (s.pad || s.confirm || s.test) && p.Export == mcuboot.ExportNothing {
		trailer = p.Slot.Trailer(made.Order, p.Erased, s.confirm || s.test, s.confirm)
	}
	if isHex(s.out) {
		return s.saveHex(in, made, trailer)
	}
	image := made.Data
	if trailer != nil {
		var err error
		if image, err = p.Slot.Fill(image, p.Erased, trailer); err != nil {
			return err
		}
	}
	return atomicfile.Write(s.out, image)
}

// saveHex writes the image as a HEX file; erased flash in front of the trailer is
// not in it.
func (s *imgtoolSign) saveHex(in slotImage, made *mcuboot.Made, trailer []mcuboot.Piece) error {
	base, err := s.base(in)
	if err != nil {
		return err
	}
	pieces := []ihex.Piece{{Addr: base, Data: made.Data}}
	for _, t := range trailer {
		pieces = append(pieces, ihex.Piece{Addr: base + t.Offset, Data: content.Bytes(t.Data)})
	}
	if err := ihex.Check(pieces); err != nil {
		return err
	}
	file, err := atomicfile.Create(s.out)
	if err != nil {
		return err
	}
	defer file.Abort()
	if err := ihex.Write(file, pieces); err != nil {
		return err
	}
	return file.Commit()
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
