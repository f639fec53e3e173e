// SPDX-License-Identifier: GPL-2.0-or-later

package zynqmp

import (
	"bytes"
	"cmp"
	"crypto"
	"errors"
	"fmt"

	"binman/content"
)

// Boot is an image with a boot loader and firmware for the platform management unit
// (PMU), for the application processor in 64-bit mode.
type Boot struct {
	Name    string // of the boot loader
	Entry   uint32 // where it is loaded, and starts
	Loader  content.Data
	PMU     content.Data
	PPK     int    // which of the primary keys in fuses, 0 or 1
	SPKID   uint32 // number of the secondary key, for its revocation
	Attrs   Attributes
	KeyFrom uint32 // source of the key for decryption, see KeySources; 0 for none
	Shutter uint32 // of the PUF; 0 for the usual value
}

// Attributes say what the boot ROM shall do.
type Attributes struct {
	HeaderAuth bool // check signatures, and not that the key is in fuses
	AuthOnly   bool // decrypt nothing, though KeyFrom is given
	PUF4K      bool // the PUF has 4 kbits of syndrome data
}

func (a Attributes) word() uint32 {
	word := uint32(core64)
	for bits, set := range map[uint32]bool{headerAuth: a.HeaderAuth, authOnly: a.AuthOnly, puf4K: a.PUF4K} {
		if set {
			word |= bits
		}
	}
	return word
}

// Sign makes the image. The primary key signs the secondary one, which signs the
// image.
func (b *Boot) Sign(primary, secondary crypto.Signer) (content.Data, error) {
	pmu, loader := padded(b.PMU, 0, 4), padded(b.Loader, 0, 4)
	const most = 1 << 30 // the on-chip memory has 256 KiB
	switch {
	case loader.Len() == 0 || loader.Len() > most:
		return content.Data{}, fmt.Errorf("the boot loader has %#x bytes", loader.Len())
	case pmu.Len() == 0 || pmu.Len() > most:
		return content.Data{}, fmt.Errorf("the PMU firmware has %#x bytes", pmu.Len())
	case b.PPK < 0 || b.PPK > 1:
		return content.Data{}, fmt.Errorf("there are the primary keys 0 and 1, not %d", b.PPK)
	case b.Attrs.AuthOnly != (b.KeyFrom != 0):
		return content.Data{}, errors.New("a source of the key goes with 'auth_only', and that with one")
	case len(b.Name) > 200:
		return content.Data{}, fmt.Errorf("the name '%s' has more than 200 characters", b.Name)
	}
	data := padded(content.Join(pmu, loader), 0xff, dataAlign)
	certAt := dataAt + data.Len()

	head := bytes.Repeat([]byte{0xff}, dataAt)
	b.header(head[:headerSize], uint32(pmu.Len()), uint32(loader.Len()), uint32(data.Len()))
	put(head[tableAt:tableAt+tableSize], map[int]uint32{0: version, 4: 1, 8: partitionAt / 4, 12: imageAt / 4, 16: headerCertAt / 4}, tableSize-4, 0)
	put(head[imageAt:imageAt+16], map[int]uint32{4: partitionAt / 4, 12: 1}, 0, -1)
	name := swapWords(b.Name)
	copy(head[imageAt+16:], append(name, 0, 0, 0, 0))
	size := uint32(pmu.Len()+loader.Len()) / 4
	put(head[partitionAt:partitionAt+partSize], map[int]uint32{
		0: size, 4: size, 8: uint32(data.Len()+certSize) / 4, 16: b.Entry, 24: b.Entry,
		32: dataAt / 4, 36: attributes, 40: 1, 48: imageAt / 4, 52: uint32(certAt) / 4,
	}, partSize-4, 0)
	put(head[partitionAt+partSize:partitionAt+2*partSize], nil, partSize-4, 0) // the end of the table

	c, err := b.certificate(primary, secondary, digest(false, head[:headerSize]))
	if err != nil {
		return content.Data{}, err
	}
	ofHeaders := &Certificate{raw: head[headerCertAt:dataAt][:certSize]}
	copy(ofHeaders.raw, c.raw)
	if err := ofHeaders.sign(dataSigAt, secondary, digest(true, head[tableAt:headerCertAt], c.raw[:dataSigAt])); err != nil {
		return content.Data{}, fmt.Errorf("signing the tables: %w", err)
	}
	h := newHash(false)
	if err := data.Hash(h); err != nil {
		return content.Data{}, err
	}
	h.Write(c.raw[:dataSigAt])
	if err := c.sign(dataSigAt, secondary, h.Sum(nil)); err != nil {
		return content.Data{}, fmt.Errorf("signing the boot loader: %w", err)
	}
	return content.Join(content.Bytes(head), data, content.Bytes(c.raw)), nil
}

// header writes the boot header.
func (b *Boot) header(head []byte, pmu, loader, data uint32) {
	words := map[int]uint32{
		magicAt: magic, 36: magicXLNX, 40: b.KeyFrom, 44: b.Entry, 48: dataAt, 52: pmu, 56: pmu,
		60: loader, 64: data - pmu + certSize, 68: b.Attrs.word(), shutterAt: cmp.Or(b.Shutter, shutter), 152: tableAt, 156: partitionAt,
	}
	for at := 0; at < magicAt; at += 4 {
		words[at] = vector
	}
	for at := registersAt; at < headerSize; at += 8 {
		words[at] = 0xffffffff
	}
	put(head, words, sumAt, magicAt)
}

// certificate makes a certificate with the signatures that all of an image have in
// common.
func (b *Boot) certificate(primary, secondary crypto.Signer, header []byte) (*Certificate, error) {
	c := &Certificate{raw: make([]byte, certSize), PPK: b.PPK, SPK: spkEFuse, SPKID: b.SPKID}
	le.PutUint32(c.raw, certWord|uint32(b.PPK)<<ppkBit|spkEFuse<<spkBits)
	le.PutUint32(c.raw[4:], b.SPKID)
	err := errors.Join(putKey(c.raw[ppkAt:], primary.Public(), "primary"), putKey(c.raw[spkAt:], secondary.Public(), "secondary"))
	if err != nil {
		return nil, err
	}
	if err := c.sign(spkSigAt, primary, c.secondaryDigest()); err != nil {
		return nil, fmt.Errorf("signing the secondary key: %w", err)
	}
	if err := c.sign(bootSigAt, secondary, header); err != nil {
		return nil, fmt.Errorf("signing the boot header: %w", err)
	}
	return c, nil
}

// put writes words, with zeros between them. An inverted sum of those from an offset
// on goes to another, unless from is negative.
func put(b []byte, words map[int]uint32, sum, from int) {
	clear(b)
	for at, v := range words {
		le.PutUint32(b[at:], v)
	}
	if from >= 0 {
		le.PutUint32(b[sum:], invertedSum(b[from:sum]))
	}
}

// padded returns data with bytes behind it, up to a multiple of align.
func padded(data content.Data, pad byte, align int64) content.Data {
	return content.Join(data, content.Fill(pad, -data.Len()&(align-1)))
}
