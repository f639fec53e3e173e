// SPDX-License-Identifier: GPL-2.0-or-later

package mkimage

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"math/big"
	"strings"

	"binman/content"
)

// Offsets in the secure header of version 1, in bytes.
const (
	kwbKAK       = 8
	kwbJTAG      = 0x214
	kwbBox       = 0x218
	kwbFlash     = 0x21c
	kwbHeaderSig = 0x220
	kwbImageSig  = 0x320
	kwbCSKs      = 0x420
	kwbCSKSig    = 0x24e0
	kwbSecureEnd = 0x25e0

	kwbSecureSize = kwbSecureEnd + 4
	kwbKeySize    = 524
	kwbKeys       = 16
	kwbModulus    = 256 // of a key, and size of a signature
)

// sign fills in the secure header, for the data with what fills the last word:
//
//	offset  size  secure header
//	     0     4  as in all optional headers; type 1
//	     8   524  key that signs keys (KAK)
//	 0x214     1  delay of the JTAG port
//	 0x218     4  number of the box, or 0
//	 0x21c     4  number of the flash memory, or 0
//	 0x220   256  signature of all headers, in which this and the sum are 0
//	 0x320   256  signature of the program
//	 0x420   524  keys that sign images (CSK), 16 of them; the others are 0
//	0x24e0   256  signature of the 16 keys, and of zeros instead of itself, with the KAK
//	0x25e0     4  as in all optional headers
//
// Signatures are RSA with 2048 bits (PKCS #1 v1.5) of the SHA-256.
func (h *kwbHeader) sign(in Inputs, data content.Data) error {
	c, b := h.kwbConfig, h.bytes[h.secure:]
	kak, err := kwbOpen(in, "KAK", c.kakName)
	if err != nil {
		return err
	}
	csk, err := kwbOpen(in, "CSK", c.cskName)
	if err != nil {
		return err
	}
	b[kwbJTAG] = c.jtagDelay
	if c.specialized {
		words(b, map[int]uint32{kwbBox: c.boxID, kwbFlash: c.flashID})
	}
	if err := kwbSignAll(h.bytes, h.secure, int(c.csk), data, kak, csk); err != nil {
		return err
	}
	return c.note(in, sha256.Sum256(kwbPublic(kak)))
}

// kwbSignAll puts the keys and the signatures of the program and of all headers, whose sum
// has to be 0, into the secure header at an offset of them. The key that signs images is
// the one with an index.
func kwbSignAll(headers []byte, secure, index int, data content.Data, kak, csk crypto.Signer) error {
	b := headers[secure:]
	copy(b[kwbKAK:], kwbPublic(kak))
	copy(b[kwbCSKs+kwbKeySize*index:], kwbPublic(csk))
	clear(b[kwbHeaderSig:kwbCSKs])
	clear(b[kwbCSKSig:kwbSecureEnd])
	sum := sha256.New()
	if err := data.Hash(sum); err != nil {
		return err
	}
	keys := sha256.Sum256(b[kwbCSKs:kwbSecureEnd])
	if err := kwbSign(kak, keys[:], b[kwbCSKSig:]); err != nil {
		return err
	}
	if err := kwbSign(csk, sum.Sum(nil), b[kwbImageSig:]); err != nil {
		return err
	}
	all := sha256.Sum256(headers)
	return kwbSign(csk, all[:], b[kwbHeaderSig:])
}

// ResignMarvell signs a signed image for boot ROMs of Marvell anew, with a key that signs
// keys (KAK) and one that signs images (CSK), RSA with 2048 bits. Its program, without
// what fills the last word, is where and as large as package bootheader says; all but
// keys, signatures and the sum of the headers stays as it is.
func ResignMarvell(image content.Data, programAt, programSize int64, kak, csk crypto.Signer) (content.Data, error) {
	for what, key := range map[string]crypto.Signer{"KAK": kak, "CSK": csk} {
		if err := kwbSuits(what, key); err != nil {
			return content.Data{}, err
		}
	}
	h, err := image.Peek(kwbMaxHeader)
	if err != nil {
		return content.Data{}, err
	}
	if len(h) < kwbMain+kwbSecureSize || h[8] != 1 {
		return content.Data{}, errors.New("it is no image of version 1")
	}
	size := int(h[9])<<16 | int(binary.LittleEndian.Uint16(h[10:]))
	if size > len(h) || size < kwbMain+kwbSecureSize || h[kwbMain] != kwbTypeSecure {
		return content.Data{}, errors.New("its first header is not a secure one")
	}
	h = bytes.Clone(h[:size])
	index := -1
	for i := range kwbKeys {
		switch slot := h[kwbMain+kwbCSKs+kwbKeySize*i:]; {
		case slot[0] == 0:
		case index >= 0:
			return content.Data{}, errors.New("it has several keys that sign images (CSK), of which one would be yours")
		default:
			index = i
		}
	}
	if index < 0 {
		return content.Data{}, errors.New("it has no key that signs images (CSK)")
	}
	h[31] = 0
	clear(h[kwbMain+kwbCSKs+kwbKeySize*index:][:kwbKeySize])
	clear(h[kwbMain+kwbKAK:][:kwbKeySize])
	if err := kwbSignAll(h, kwbMain, index, image.Slice(programAt, programSize), kak, csk); err != nil {
		return content.Data{}, err
	}
	var sum byteSum
	sum.Write(h)
	h[31] = byte(sum)
	return image.Replace(0, content.Bytes(h)), nil
}

// kwbOpen opens a key.
func kwbOpen(in Inputs, what, hint string) (crypto.Signer, error) {
	if hint == "" {
		return nil, fmt.Errorf("%s not configured: the configuration needs a line '%s NAME', and NAME.key is looked for in the directory of -k", what, what)
	}
	key, err := in.key(hint)
	if err != nil {
		return nil, err
	}
	if err := kwbSuits(what, key); err != nil {
		return nil, fmt.Errorf("key '%s': %w", hint, err)
	}
	return key, nil
}

// kwbSuits says why a key cannot be used.
func kwbSuits(what string, key crypto.Signer) error {
	if pub, ok := key.Public().(*rsa.PublicKey); !ok || pub.Size() != kwbModulus {
		return fmt.Errorf("the %s has to be an RSA key with %d bits", what, 8*kwbModulus)
	}
	return nil
}

// kwbSign puts a signature in front of b.
func kwbSign(key crypto.Signer, digest, b []byte) error {
	sig, err := key.Sign(rand.Reader, digest, crypto.SHA256)
	if err != nil {
		return err
	}
	if len(sig) != kwbModulus {
		return fmt.Errorf("the signature has %d bytes, not %d", len(sig), kwbModulus)
	}
	copy(b, sig)
	return nil
}

// kwbPublic encodes a public key as boot ROMs want it: an RSAPublicKey (RFC 8017,
// A.1.1) with all lengths in two bytes, and no zero before the highest byte of a number.
func kwbPublic(key crypto.Signer) []byte {
	pub := key.Public().(*rsa.PublicKey)
	head := func(tag byte, b []byte) []byte {
		return append(binary.BigEndian.AppendUint16([]byte{tag, 0x82}, uint16(len(b))), b...)
	}
	numbers := append(head(2, pub.N.Bytes()), head(2, big.NewInt(int64(pub.E)).Bytes())...)
	return head(0x30, numbers)
}

// note writes what those need who burn the fuses: the hash of the KAK, and the commands
// of U-Boot. A line of fuses has 7 bytes of the hash in two words, lowest byte first.
func (c *kwbConfig) note(in Inputs, hash [sha256.Size]byte) error {
	if in.Note == nil {
		return nil
	}
	if err := in.Note("pub_kak_hash.txt", fmt.Sprintf("SHA256 = %X\n", hash)); err != nil || !c.fuses {
		return err
	}
	var t strings.Builder
	t.WriteString("# burn KAK pub key hash\n")
	line := func(number, low, high any) { fmt.Fprintf(&t, "fuse prog -y %v 0 %08x %08x 1\n", number, low, high) }
	padded := append(hash[:], 0, 0, 0)
	for i := range 5 {
		b := append(padded[7*i:7*i+7:7*i+7], 0)
		line(26+i, binary.LittleEndian.Uint32(b), binary.LittleEndian.Uint32(b[4:]))
	}
	t.WriteString("# burn CSK selection\n")
	if c.csk == 0 {
		t.WriteString("# CSK index is 0; no mods needed\n")
	}
	for i := range c.csk {
		line(31+i, 1, 0)
	}
	if c.boxID != 0 {
		t.WriteString("# set box ID\n")
		line(48, c.boxID, 0)
	}
	if c.flashID != 0 {
		t.WriteString("# set flash ID\n")
		line(47, c.flashID, 0)
	}
	t.WriteString("# enable secure mode (must be the last fuse line written)\n")
	line(24, 1|c.bootDevice<<8, 0x0103e0a9)
	t.WriteString("# lock (unused) fuse lines (0-23)s\n")
	for i := range 24 {
		fmt.Fprintf(&t, "fuse prog -y %d 2 1\n", i)
	}
	t.WriteString("# OK, that's all :-)\n")
	return in.Note("kwb_fuses_a38x.txt", t.String())
}
