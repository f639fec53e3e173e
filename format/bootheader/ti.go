// SPDX-License-Identifier: GPL-2.0-or-later

package bootheader

import (
	"errors"
	"fmt"

	"binman/internal/binfmt"
)

// The configuration header for the boot ROMs of OMAP and AM33xx, and the two words
// in front of the program. Package mkimage has the layout. For SPI flash of some the
// bytes of all words are turned round.
const (
	chHeader = 512
	gpHeader = 8
	chNameAt = 20
)

func tiFormats() []Format {
	return []Format{
		{Name: "OMAP image", Short: "omap", Magic: []byte("CHSETTINGS"), At: chNameAt, Align: 512, parse: parseOMAP},
		{Name: "OMAP image, bytes swapped", Short: "omap", Magic: []byte("ESHCNITT"), At: chNameAt, Align: 512, parse: parseOMAP},
	}
}

func parseOMAP(src binfmt.Source) (*Image, error) {
	b, err := src.Bytes(0, chHeader+gpHeader, "header")
	if err != nil {
		return nil, err
	}
	kind := "program"
	if b[chNameAt] == 'E' {
		for at := 0; at < len(b); at += 4 {
			b[at], b[at+1], b[at+2], b[at+3] = b[at+3], b[at+2], b[at+1], b[at]
		}
		kind = "program, bytes swapped"
	}
	size := int64(word(b, chHeader))
	if size < gpHeader {
		return nil, errors.New("the program has no bytes")
	}
	im := &Image{Items: []binfmt.Item{
		{Name: "header", Type: "configuration header", Size: chHeader + gpHeader},
		{Name: "program", Type: fmt.Sprintf("%s, load %#x", kind, word(b, chHeader+4)), Offset: chHeader + gpHeader, Size: size - gpHeader, Details: binfmt.Details{}.With("load", word(b, chHeader+4))},
	}}
	im.notJudged("program", "contents", "this header has no checksum of them", chHeader+gpHeader, size-gpHeader)
	return im, nil
}
