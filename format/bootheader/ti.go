// SPDX-License-Identifier: GPL-2.0-or-later

package bootheader

import (
	"encoding/binary"
	"errors"
	"fmt"

	"binman/internal/binfmt"
)

// The configuration header for the boot ROMs of OMAP and AM33xx, and the two words
// in front of the program. Package mkimage has the layout. For SPI flash of some the
// bytes of all words are turned round. Keystone has the two words alone, big-endian.
const (
	chHeader = 512
	gpHeader = 8
	chNameAt = 20

	keystoneRAM  = 0x0c000000 // that programs of all Keystones are loaded to
	keystoneSize = 0x00600000
)

func tiFormats() []Format {
	return []Format{
		{Name: "OMAP image", Short: "omap", Magic: []byte("CHSETTINGS"), At: chNameAt, Align: 512, parse: parseOMAP},
		{Name: "OMAP image, bytes swapped", Short: "omap", Magic: []byte("ESHCNITT"), At: chNameAt, Align: 512, parse: parseOMAP},
		{Name: "Keystone image", Short: "keystone", Whole: true, parse: parseKeystone},
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

// parseKeystone takes for an image what is as long as its header says. More may follow
// the program if the boot ROM can read it: then zeros, instead of the next header, end
// what is loaded to the RAM on the chip.
func parseKeystone(src binfmt.Source) (*Image, error) {
	h, err := src.Bytes(0, gpHeader, "header")
	if err != nil {
		return nil, err
	}
	size, load := int64(binary.BigEndian.Uint32(h)), binary.BigEndian.Uint32(h[4:])
	if size == 0 || load == 0 {
		return nil, errMagic
	}
	if gpHeader+size != src.Size {
		next, err := src.Bytes(gpHeader+size, gpHeader, "next header")
		if err != nil || [gpHeader]byte(next) != [gpHeader]byte{} || load-keystoneRAM >= keystoneSize {
			return nil, errMagic
		}
	}
	im := &Image{Items: []binfmt.Item{
		{Name: "header", Type: "header", Size: gpHeader},
		{Name: "program", Type: fmt.Sprintf("program, load %#x", load), Offset: gpHeader, Size: size, Details: binfmt.Details{}.With("load", load)},
	}}
	im.notJudged("program", "contents", "this header has no checksum of them", gpHeader, size)
	return im, nil
}
