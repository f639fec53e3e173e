// SPDX-License-Identifier: GPL-2.0-or-later

package bootheader

import (
	"bytes"
	"crypto/rsa"
	"crypto/sha256"
	"fmt"
	"math/big"

	"binman/format/verify"
	"binman/internal/binfmt"
)

// TOC0 is the header of signed programs for the boot ROMs of Allwinner, at the
// places of eGON. Package mkimage has its layout, and that of its key item and its
// certificate. Other programs make certificates that look otherwise: these are
// listed, not judged.
const (
	toc0Header   = 48
	toc0Item     = 32
	toc0MaxItems = 32 // in all images known there are two or three
	toc0Magic    = 0x89119800
	toc0KeyItem  = 1336
	toc0KeyRoom  = 512
	toc0SigSize  = 20 // where the size of the signature is
	toc0KeysAt   = 24
	toc0SigRoom  = 256
	toc0Cert     = 603
)

// Kinds of items.
const (
	toc0IsCert    = 0x010101
	toc0IsProgram = 0x010202
	toc0IsKeys    = 0x010303
)

func parseTOC0(src binfmt.Source) (*Image, error) {
	h, err := src.Bytes(0, toc0Header, "header")
	if err != nil {
		return nil, err
	}
	stored, n, size := word(h, egonSumAt), word(h, 24), int64(word(h, 28))
	end := toc0Header + int64(n)*toc0Item
	switch {
	case word(h, 8) != toc0Magic || string(h[44:]) != "MIE;":
		return nil, errMagic
	case n == 0 || n > toc0MaxItems:
		return nil, fmt.Errorf("it has %d items, not 1 to %d", n, toc0MaxItems)
	case size < end || size%4 != 0:
		return nil, fmt.Errorf("it says that it has %#x bytes", size)
	}
	table, err := src.Bytes(toc0Header, end-toc0Header, "table of items")
	if err != nil {
		return nil, err
	}
	im := &Image{Items: []binfmt.Item{{Name: "header", Type: "TOC0", Size: end}}}
	found := map[uint32]*binfmt.Item{}
	last := end
	for b := table; len(b) >= toc0Item; b = b[toc0Item:] {
		kind, it := word(b, 0), binfmt.Item{Offset: int64(word(b, 4)), Size: int64(word(b, 8))}
		if it.Size > size || it.Offset > size-it.Size {
			return nil, fmt.Errorf("item %#x is at %#x, with %#x bytes: the image has %#x", kind, it.Offset, it.Size, size)
		}
		switch kind {
		case toc0IsCert:
			it.Name, it.Type = "certificate", "certificate"
		case toc0IsProgram:
			it.Name, it.Type, it.Details = "program", fmt.Sprintf("program, load %#x", word(b, 20)), binfmt.Details{}.With("load", word(b, 20))
		case toc0IsKeys:
			it.Name, it.Type = "keys", "key item"
		default: // the boot ROM skips it
			it.Name, it.Type = fmt.Sprintf("item%#x", kind), "unknown"
		}
		if found[kind] == nil { // the boot ROM takes the first of a kind
			found[kind] = &it
		}
		im.Items = append(im.Items, it)
		last = max(last, it.Offset+it.Size)
	}
	if last < size {
		im.Items = append(im.Items, binfmt.Item{Name: "padding", Type: "padding", Offset: last, Size: size - last})
	}
	im.claims = []claim{{what: "sum of the words", size: size, want: number(stored), sum: counted(egonStamp-stored, wordSum, same)}}
	chain := im.trustTOC0(src, found)
	im.signatures = func(keys []verify.Key) ([]verify.Finding, error) { return verifyChain(chain, src, keys) }
	return im, nil
}

// trustTOC0 returns the chain of signatures: the root key signs the key item, the
// firmware key the certificate, and that has the hash of the program. Without a key
// item the root key signs the certificate.
func (im *Image) trustTOC0(src binfmt.Source, found map[uint32]*binfmt.Item) (chain []signature) {
	cert, program := found[toc0IsCert], found[toc0IsProgram]
	if cert == nil || program == nil {
		im.notJudged("", "signature", "there is no certificate or no program", 0, src.Size)
		return chain
	}
	var firmware *rsa.PublicKey
	if it := found[toc0IsKeys]; it != nil {
		var link *signature
		if link, firmware = parseTOC0KeyItem(src, it); link == nil {
			im.notJudged(it.Name, "signature", "the key item has a form that is not known here", it.Offset, it.Size)
			return chain
		}
		chain = append(chain, *link)
	}
	b, err := src.Bytes(cert.Offset, min(cert.Size, toc0Cert), "certificate")
	c := parseTOC0Certificate(b)
	if err != nil || c == nil {
		im.notJudged(cert.Name, "signature", "the certificate has a form that is not known here", cert.Offset, cert.Size)
		return chain
	}
	s := signature{
		path: cert.Name, off: cert.Offset + 4, size: toc0CertSigned, sig: c.sig, key: c.key, root: firmware == nil,
		hash: &claim{what: "sha256 in the certificate", path: program.Name, off: program.Offset, size: program.Size, want: c.digest, sum: hashed(sha256.New)},
	}
	if firmware != nil && !firmware.Equal(c.key) {
		s.why = "the key in it is another one than the firmware key in the key item"
	}
	return append(chain, s)
}

// parseTOC0KeyItem returns the signature and the firmware key of a key item, or nil if
// it has another form.
func parseTOC0KeyItem(src binfmt.Source, it *binfmt.Item) (*signature, *rsa.PublicKey) {
	const sigAt = toc0KeyItem - toc0SigRoom
	b, err := src.Bytes(it.Offset, min(it.Size, toc0KeyItem), it.Name)
	if err != nil || len(b) != toc0KeyItem || word(b, toc0SigSize) > toc0SigRoom {
		return nil, nil
	}
	root, firmware := toc0Key(b, 0), toc0Key(b, 1)
	if root == nil || firmware == nil {
		return nil, nil
	}
	return &signature{path: it.Name, off: it.Offset, size: sigAt, sig: b[sigAt:][:word(b, toc0SigSize)], key: root, root: true}, firmware
}

// toc0Key returns a key of a key item, or nil: 0 is the root key, 1 the firmware key.
func toc0Key(item []byte, i int) *rsa.PublicKey {
	n, e := word(item, 4+8*i), word(item, 8+8*i)
	if n > toc0KeyRoom || e > toc0KeyRoom-n {
		return nil
	}
	b := item[toc0KeysAt+i*toc0KeyRoom:]
	return publicRSA(b[:n], b[n:n+e])
}

// publicRSA returns the key of a modulus and an exponent, both big-endian, or nil.
func publicRSA(n, e []byte) *rsa.PublicKey {
	modulus, exponent := new(big.Int).SetBytes(n), new(big.Int).SetBytes(e)
	if modulus.Bit(0) == 0 || exponent.Bit(0) == 0 || exponent.BitLen() > 31 {
		return nil
	}
	return &rsa.PublicKey{N: modulus, E: int(exponent.Int64())}
}

// toc0Certificate is what a certificate of mkimage has.
type toc0Certificate struct {
	key         *rsa.PublicKey
	digest, sig []byte
}

// toc0CertSigned is the size of what the signature of a certificate covers: the
// boot ROM does not count the tag in front.
const toc0CertSigned = 329

// parseTOC0Certificate returns what a certificate has, or nil if it has another form.
func parseTOC0Certificate(b []byte) *toc0Certificate {
	if len(b) != toc0Cert {
		return nil
	}
	tags := []struct {
		at   int
		want string
	}{
		{0, "\x30\x82\x02\x57\x30\x82\x01\x49\xa0\x03\x02\x01"}, // all, what is signed, version
		{13, "\x02\x01"}, // serial number
		{16, "\x30\x00\x30\x00\x30\x00\x30\x00\x30\x82\x01\x0f\x30\x00\x30\x82\x01\x09\x02\x82\x01\x00"}, // empty fields, key, modulus
		{294, "\x02\x03"},                                 // exponent
		{299, "\xa3\x24\x30\x22\x02\x20"},                 // digest
		{337, "\x03\x82\x01\x06\x30\x00\x03\x82\x01\x00"}, // signature
	}
	for _, tag := range tags {
		if !bytes.HasPrefix(b[tag.at:], []byte(tag.want)) {
			return nil
		}
	}
	c := &toc0Certificate{key: publicRSA(b[38:294], b[296:299]), digest: b[305:337], sig: b[347:]}
	if c.key == nil {
		return nil
	}
	return c
}
