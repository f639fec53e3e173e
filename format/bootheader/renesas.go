// SPDX-License-Identifier: GPL-2.0-or-later

package bootheader

import (
	"bytes"
	"fmt"
	"hash/crc32"

	"binman/internal/binfmt"
)

// The package for the boot ROM of the RZ/N1 has eight copies of its header.
// Package mkimage has the layout.
const (
	spkgHeader = 24
	spkgCopies = 8
)

func renesasFormats() []Format {
	return []Format{{Name: "Renesas SPKG image", Short: "spkg", Magic: []byte("RZN1"), Align: 512, parse: parseSPKG}}
}

func parseSPKG(src binfmt.Source) (*Image, error) {
	h, err := src.Bytes(0, spkgHeader*spkgCopies, "headers")
	if err != nil {
		return nil, err
	}
	first := h[:spkgHeader]
	payload := int64(word(first, 8) >> 8)
	if sum := crc32.ChecksumIEEE(first[:20]); sum != word(first, 20) || payload < 4 {
		return nil, fmt.Errorf("crc32 of the header does not match: %#x is stored, the data has %#x", word(first, 20), sum)
	}
	data := payload - 4
	end, err := src.Bytes(int64(len(h))+data, 4, "CRC")
	if err != nil {
		return nil, err
	}
	load := word(first, 12)
	im := &Image{Items: []binfmt.Item{
		{Name: "headers", Type: fmt.Sprintf("headers, version %d", first[4]), Size: int64(len(h))},
		{Name: "payload", Type: fmt.Sprintf("program, load %#x, entry %#x", load, load+word(first, 16)), Offset: int64(len(h)), Size: data, Details: binfmt.Details{}.With("load", load).With("entry", load+word(first, 16))},
		{Name: "crc32", Type: "checksum", Offset: int64(len(h)) + data, Size: 4},
	}}
	im.claims = []claim{
		{what: "copies of the header", size: int64(len(h)), want: bytes.Repeat(first, spkgCopies), sum: all},
		{what: "crc32", path: "payload", off: int64(len(h)), size: data, want: number(word(end, 0)), sum: hashed(newCRC)},
	}
	return im, nil
}
