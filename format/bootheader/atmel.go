// SPDX-License-Identifier: GPL-2.0-or-later

package bootheader

import (
	"errors"
	"fmt"

	"binman/internal/binfmt"
)

// The boot ROMs of Atmel's SAM9 and SAMA5 take a program for one if its first seven
// vectors are instructions of ARM: B, or LDR PC. The sixth one is its size instead. For
// NAND flash, 52 equal words in front of that describe the ECC; package mkimage has
// their bits.
const (
	atmelVectors = 7 * 4
	atmelSizeAt  = 20
	atmelECC     = 52 * 4
)

func atmelFormats() []Format {
	return []Format{{Name: "Atmel image", Short: "atmel", Whole: true, parse: parseAtmel}}
}

func parseAtmel(src binfmt.Source) (*Image, error) {
	h, err := src.Bytes(0, 4, "vectors")
	if err != nil {
		return nil, err
	}
	im := &Image{}
	start := int64(0)
	if h[3]>>4 == 0xc {
		copies, err := src.Bytes(0, atmelECC, "description of the ECC")
		if err != nil {
			return nil, err
		}
		for at := 4; at < atmelECC; at += 4 {
			if word(copies, at) != word(h, 0) {
				return nil, errMagic
			}
		}
		im.Items, start = []binfmt.Item{{Name: "header", Type: fmt.Sprintf("description of the ECC of NAND flash, %#x", word(h, 0)), Size: atmelECC}}, atmelECC
	}
	v, err := src.Bytes(start, atmelVectors, "vectors")
	if err != nil {
		return nil, err
	}
	for at := 0; at < atmelVectors; at += 4 {
		if op := word(v, at); at != atmelSizeAt && op&0xff000000 != 0xea000000 && op&0xfffff000 != 0xe59ff000 {
			return nil, errMagic
		}
	}
	size := int64(word(v, atmelSizeAt))
	if size < atmelVectors {
		return nil, errors.New("the program has no bytes")
	}
	im.Items = append(im.Items, binfmt.Item{Name: "program", Type: "program", Offset: start, Size: size})
	im.notJudged("program", "contents", "there is no checksum of them", start, size)
	return im, nil
}
