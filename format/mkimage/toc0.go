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
	"io/fs"
	"math/big"
	"path/filepath"

	"binman/content"
	"binman/internal/binfmt"
)

// Sizes of what a TOC0 image has, in bytes.
const (
	toc0Main     = 48
	toc0Item     = 32
	toc0KeyItem  = 1336
	toc0Cert     = 603
	toc0Program  = 2112 // offset of the program
	toc0Block    = 8192 // NAND flash needs it; other media, 512
	toc0Modulus  = 256  // of RSA-2048, and so its signatures
	toc0Exponent = 3    // in the certificate
	toc0Key      = 512  // room for a key in the key item
)

// Offsets in the key item.
const (
	toc0SizesAt = 4 // two words for each key
	toc0SigSize = 20
	toc0KeysAt  = 24
	toc0SigAt   = toc0KeyItem - toc0Modulus
)

// Names of the keys, and of the file with a key item.
const (
	toc0RootHint     = "root_key"
	toc0FirmwareHint = "fw_key"
	toc0KeyItemFile  = "key_item.bin"
)

// makeTOC0 makes an image for the secure boot ROMs of Allwinner. They have the
// hash of the root key in fuses. That key signs the key item, which has the
// firmware key. The firmware key signs the certificate, which has the SHA-256 of
// the program. Without a firmware key the root key signs both: boot ROMs but that
// of the H6 know nothing else, and skip the key item.
//
// Numbers are little-endian words. Signatures are RSA-2048 of SHA-256, with the
// padding of PKCS #1 v1.5:
//
//	offset  size  header
//	     0     8  magic "TOC0.GLH"
//	     8     4  magic 0x89119800
//	    12     4  sum of all words, with 0x5f0a6c39 in this place
//	    24     4  number of items: 3
//	    28     4  size of the image
//	    44     4  "MIE;"
//	    48    32  key item: kind 0x010303, offset, size, "IIE;" at 28
//	    80    32  certificate: likewise, 0x010101
//	   112    32  program: likewise, 0x010202; its load address (-a) at 20
//	   144  1336  key item
//	  1480   603  certificate: see toc0Certificate
//	  2112        program, and 0xff up to a multiple of 8 KiB
//
//	offset  size  key item
//	     0     4  vendor: 0
//	     4     4  root key: size of the modulus
//	     8     4  size of the exponent
//	    12     8  firmware key: likewise
//	    20     4  size of the signature
//	    24   512  root key: modulus and exponent, big-endian, one behind the other
//	   536   512  firmware key: likewise
//	  1080   256  signature by the root key of what stands before it
//
// The directory of -k has the private keys root_key and fw_key. If it has a file
// key_item.bin too, that becomes the key item, and the root key can be elsewhere.
func makeTOC0(p Params, in Inputs) (content.Data, error) {
	keys, err := findTOC0Keys(p, in)
	if err != nil {
		return content.Data{}, err
	}
	data := in.Files[0]
	sum := sha256.New()
	if err := data.Hash(sum); err != nil {
		return content.Data{}, err
	}
	cert, err := toc0Certificate(keys.firmware, sum.Sum(nil))
	if err != nil {
		return content.Data{}, err
	}
	size := binfmt.Align(toc0Program+data.Len(), toc0Block)
	h := make([]byte, toc0Program)
	copy(h, "TOC0.GLH")
	words(h, map[int]uint32{8: 0x89119800, 12: 0x5f0a6c39, 24: 3, 28: uint32(size)})
	copy(h[44:], "MIE;")
	const certAt = toc0Main + 3*toc0Item + toc0KeyItem
	for i, item := range []struct{ kind, at, size, load uint32 }{
		{0x010303, certAt - toc0KeyItem, toc0KeyItem, 0},
		{0x010101, certAt, toc0Cert, 0},
		{0x010202, toc0Program, uint32(data.Len()), p.Load},
	} {
		b := h[toc0Main+i*toc0Item:]
		words(b, map[int]uint32{0: item.kind, 4: item.at, 8: item.size, 20: item.load})
		copy(b[28:], "IIE;")
	}
	copy(h[certAt-toc0KeyItem:], keys.item)
	copy(h[certAt:], cert)
	body := content.Join(data, content.Fill(0xff, size-toc0Program-data.Len()))
	var total wordSum
	if _, err := content.Join(content.Bytes(h), body).WriteTo(&total); err != nil {
		return content.Data{}, err
	}
	words(h, map[int]uint32{12: total.sum})
	return content.Join(content.Bytes(h), body), nil
}

// toc0Keys is what a TOC0 image is signed with.
type toc0Keys struct {
	item     []byte // the key item
	firmware toc0Signer
}

// toc0Signer is a private key with its public half.
type toc0Signer struct {
	crypto.Signer
	public *rsa.PublicKey
}

// findTOC0Keys finds the keys, and makes the key item if there is none.
func findTOC0Keys(p Params, in Inputs) (keys toc0Keys, err error) {
	keys.item, err = findTOC0KeyItem(p, in)
	if err != nil {
		return keys, err
	}
	root, rootErr := findTOC0Key(in, toc0RootHint)
	if rootErr != nil && (keys.item == nil || !errors.Is(rootErr, fs.ErrNotExist)) {
		return keys, rootErr
	}
	keys.firmware, err = findTOC0Key(in, toc0FirmwareHint)
	if errors.Is(err, fs.ErrNotExist) && rootErr == nil {
		keys.firmware, err = root, nil
	}
	if err != nil {
		return keys, err
	}
	if keys.item == nil {
		keys.item, err = makeTOC0KeyItem(root, keys.firmware)
		return keys, err
	}
	if err := checkTOC0KeyItem(keys.item, root.public, keys.firmware.public); err != nil {
		return keys, fmt.Errorf("key item '%s': %w", filepath.Join(p.KeyDir, toc0KeyItemFile), err)
	}
	return keys, nil
}

// findTOC0KeyItem returns the key item that is there already, or nil.
func findTOC0KeyItem(p Params, in Inputs) ([]byte, error) {
	if in.Open == nil {
		return nil, nil
	}
	name := filepath.Join(p.KeyDir, toc0KeyItemFile)
	d, err := in.open(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil
	case err != nil:
		return nil, err
	case d.Len() < toc0KeyItem:
		return nil, fmt.Errorf("key item '%s' has %d bytes, not %d", name, d.Len(), toc0KeyItem)
	}
	return d.Slice(0, toc0KeyItem).Bytes()
}

// findTOC0Key returns a private key, which the boot ROM can use.
func findTOC0Key(in Inputs, hint string) (s toc0Signer, err error) {
	if s.Signer, err = in.key(hint); err != nil {
		return s, err
	}
	var ok bool
	if s.public, ok = s.Public().(*rsa.PublicKey); !ok {
		return s, fmt.Errorf("key '%s' is no RSA key: the boot ROM knows RSA-2048 only", hint)
	}
	if s.public.Size() != toc0Modulus {
		return s, fmt.Errorf("key '%s' has %d bits: the boot ROM knows RSA-2048 only", hint, s.public.N.BitLen())
	}
	return s, nil
}

// sign signs bytes.
func (s toc0Signer) sign(b []byte) ([]byte, error) {
	digest := sha256.Sum256(b)
	sig, err := s.Sign(rand.Reader, digest[:], crypto.SHA256)
	if err == nil && len(sig) != toc0Modulus {
		err = fmt.Errorf("the signature has %d bytes, not %d", len(sig), toc0Modulus)
	}
	return sig, err
}

// exponent returns the exponent of a key, big-endian.
func exponent(key *rsa.PublicKey) []byte {
	return bytes.TrimLeft(binary.BigEndian.AppendUint64(nil, uint64(key.E)), "\x00")
}

// makeTOC0KeyItem makes the key item: see makeTOC0.
func makeTOC0KeyItem(root, firmware toc0Signer) ([]byte, error) {
	b := make([]byte, toc0KeyItem)
	for i, key := range []*rsa.PublicKey{root.public, firmware.public} {
		e := exponent(key)
		words(b[toc0SizesAt+8*i:], map[int]uint32{0: toc0Modulus, 4: uint32(len(e))})
		at := b[toc0KeysAt+i*toc0Key:]
		key.N.FillBytes(at[:toc0Modulus])
		copy(at[toc0Modulus:], e)
	}
	words(b, map[int]uint32{toc0SigSize: toc0Modulus})
	sig, err := root.sign(b[:toc0SigAt])
	if err != nil {
		return nil, err
	}
	copy(b[toc0SigAt:], sig)
	return b, nil
}

// toc0PublicKey returns a key of a key item: 0 is the root key, 1 the firmware key.
func toc0PublicKey(item []byte, i int) (*rsa.PublicKey, error) {
	sizes := item[toc0SizesAt+8*i:]
	n, e := binary.LittleEndian.Uint32(sizes), binary.LittleEndian.Uint32(sizes[4:])
	if n > toc0Key || e > toc0Key-n {
		return nil, fmt.Errorf("its key %d has a modulus of %#x bytes and an exponent of %#x: there is room for %#x", i, n, e, toc0Key)
	}
	b := item[toc0KeysAt+i*toc0Key:]
	exponent := new(big.Int).SetBytes(b[n : n+e])
	if exponent.BitLen() > 31 {
		return nil, fmt.Errorf("its key %d has an exponent of %d bits", i, exponent.BitLen())
	}
	return &rsa.PublicKey{N: new(big.Int).SetBytes(b[:n]), E: int(exponent.Int64())}, nil
}

// checkTOC0KeyItem says what is wrong with a key item. The root key may be nil: then
// that of the item is not compared.
func checkTOC0KeyItem(b []byte, root, firmware *rsa.PublicKey) error {
	own, err := toc0PublicKey(b, 0)
	if err != nil {
		return err
	}
	if root != nil && !own.Equal(root) {
		return fmt.Errorf("its root key is another one than '%s'", toc0RootHint)
	}
	digest := sha256.Sum256(b[:toc0SigAt])
	size := binary.LittleEndian.Uint32(b[toc0SigSize:])
	if size > toc0Modulus || rsa.VerifyPKCS1v15(own, crypto.SHA256, digest[:], b[toc0SigAt:][:size]) != nil {
		return errors.New("its root key has not signed it, or it has changed")
	}
	second, err := toc0PublicKey(b, 1)
	if err == nil && !second.Equal(firmware) {
		err = fmt.Errorf("its firmware key is another one than the one to sign with: give that as '%s'", toc0FirmwareHint)
	}
	return err
}

// toc0Certificate returns the certificate of a program with the digest. It is no
// X.509 certificate: fields are missing, are in another order, or are empty.
// Sizes are in bytes:
//
//	offset  size  certificate
//	     0   4+4  tags of all, and of what is signed
//	     8     8  version 0, serial number 0
//	    16     8  algorithm, issuer, validity, subject: empty
//	    24    10  tags of the key, its algorithm: empty
//	    34   4+n  modulus: n = 256
//	   294   2+3  exponent
//	   299   6+d  SHA-256 of the program: d = 32
//	   337    10  tags of the signature, its algorithm: empty
//	   347   256  signature
//
// The signature covers what stands from 4 up to 333: the size that boot ROMs take
// does not count the tag in front.
func toc0Certificate(key toc0Signer, digest []byte) ([]byte, error) {
	e := exponent(key.public)
	if len(e) > toc0Exponent {
		return nil, fmt.Errorf("the exponent of key '%s' has %d bytes: the certificate has room for %d", toc0FirmwareHint, len(e), toc0Exponent)
	}
	const number, bits, sequence, explicit = 0x02, 0x03, 0x30, 0xa0
	small := func(tag byte, parts ...[]byte) []byte {
		body := bytes.Join(parts, nil)
		return append([]byte{tag, byte(len(body))}, body...)
	}
	large := func(tag byte, parts ...[]byte) []byte {
		body := bytes.Join(parts, nil)
		return append([]byte{tag, 0x82, byte(len(body) >> 8), byte(len(body))}, body...)
	}
	zero, empty := []byte{0}, small(sequence)
	modulus := key.public.N.FillBytes(make([]byte, toc0Modulus))
	padded := append(make([]byte, toc0Exponent-len(e)), e...)
	signed := large(sequence,
		small(explicit, small(number, zero)), small(number, zero), empty, empty, empty, empty,
		large(sequence, empty, large(sequence, large(number, modulus), small(number, padded))),
		small(explicit|3, small(sequence, small(number, digest))))
	sig, err := key.sign(signed[:len(signed)-4])
	if err != nil {
		return nil, err
	}
	return large(sequence, signed, large(bits, empty, large(bits, sig))), nil
}
