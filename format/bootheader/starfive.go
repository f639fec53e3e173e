// SPDX-License-Identifier: GPL-2.0-or-later

package bootheader

import (
	"fmt"
	"hash"
	"hash/crc32"

	"binman/internal/binfmt"
)

// The header for the boot ROM of the JH7110 has no magic but two offsets at its
// start. Package mkimage has its layout.
const sfHeader = 1024

func starFiveFormats() []Format {
	magic := []byte{0x40, 2, 0, 0, 0, 0, 0x20, 0} // 0x240 and 0x200000
	return []Format{{Name: "StarFive image", Short: "starfive", Magic: magic, Align: 512, parse: parseStarFive}}
}

func parseStarFive(src binfmt.Source) (*Image, error) {
	h, err := src.Bytes(0, sfHeader, "header")
	if err != nil {
		return nil, err
	}
	at, size := int64(word(h, 652)), int64(word(h, 648))
	if at < sfHeader || size == 0 {
		return nil, fmt.Errorf("the program is at %#x with %#x bytes", at, size)
	}
	im := &Image{Items: []binfmt.Item{
		{Name: "header", Type: "header", Size: at},
		{Name: "spl", Type: fmt.Sprintf("program, version %#x", word(h, 644)), Offset: at, Size: size, Details: binfmt.Details{}.With("version", int(word(h, 644)))},
	}}
	im.claims = []claim{{what: "crc32", path: "spl", off: at, size: size, want: number(word(h, 656)), sum: hashed(newCRC)}}
	return im, nil
}

func newCRC() hash.Hash { return crc32.NewIEEE() }
