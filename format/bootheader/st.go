// SPDX-License-Identifier: GPL-2.0-or-later

package bootheader

import (
	"fmt"

	"binman/internal/binfmt"
)

// The headers for the boot ROMs of STM32MP1 (version 1, 256 bytes) and of STM32MP13
// and MP2 (version 2, 512 bytes and more). Package mkimage has their layout.
const (
	stHeader1 = 256
	stHeader2 = 128 // and the extensions
)

func stFormats() []Format {
	return []Format{{Name: "STM32 image", Short: "stm32", Magic: []byte("STM2"), Align: 512, parse: parseSTM32}}
}

func parseSTM32(src binfmt.Source) (*Image, error) {
	h, err := src.Bytes(0, stHeader1, "header")
	if err != nil {
		return nil, err
	}
	version := h[74]
	header, signed, encrypted := int64(stHeader1), word(h, 100)&1 == 0, false
	switch version {
	case 1:
	case 2:
		header = stHeader2 + int64(word(h, 104))
		signed, encrypted = word(h, 100)&1 != 0, word(h, 100)&2 != 0
	default:
		return nil, fmt.Errorf("version %d of the header is not known", version)
	}
	size := int64(word(h, 76))
	kind := fmt.Sprintf("program, load %#x, entry %#x, version %d", word(h, 88), word(h, 80), word(h, 96))
	im := &Image{Items: []binfmt.Item{
		{Name: "header", Type: fmt.Sprintf("header, version %d.%d", version, h[73]), Size: header},
		{Name: "program", Type: kind, Offset: header, Size: size, Details: binfmt.Details{}.With("load", word(h, 88)).With("entry", word(h, 80)).With("version", int(word(h, 96)))},
	}}
	if encrypted {
		im.notJudged("program", "sum of the bytes", "the program is encrypted", header, size)
	} else {
		im.claims = []claim{{what: "sum of the bytes", path: "program", off: header, size: size, want: number(word(h, 68)), sum: counted(0, byteSum, same)}}
	}
	why := "the image has none"
	if signed {
		why = "it is not judged here"
	}
	im.notJudged("", "signature", why, 0, header+size)
	return im, nil
}
