// SPDX-License-Identifier: GPL-2.0-or-later

package bootheader

import (
	"errors"
	"fmt"

	"binman/internal/binfmt"
)

// Headers that say how NAND flash is organised. Package mkimage has the layouts.
const (
	lpcPage   = 2048
	fcbHeader = 512
)

func nandFormats() []Format {
	return []Format{
		{
			Name: "LPC32xx image", Short: "lpc32xx", Magic: []byte{0x96, 0, 0, 0, 0x69, 0, 0, 0, 0x96, 0, 0, 0, 0x69, 0, 0, 0}, Align: lpcPage,
			parse: parseLPC32xx,
		},
		{Name: "NXP firmware configuration block", Short: "fcb", Magic: []byte("FCB "), At: 4, Align: 512, parse: parseFCB},
		{Name: "Vybrid firmware configuration block", Short: "fcb", Magic: []byte(" BCF"), At: 4, Align: 512, parse: parseFCB},
	}
}

func parseLPC32xx(src binfmt.Source) (*Image, error) {
	h, err := src.Bytes(0, lpcPage, "first page")
	if err != nil {
		return nil, err
	}
	pages := int64(h[16])
	if pages < 2 || h[20] != ^h[16] {
		return nil, errors.New("the number of pages and its inverse do not match")
	}
	size := min(src.Size, pages*lpcPage) // the last page is not padded
	im := &Image{Items: []binfmt.Item{
		{Name: "header", Type: "first page", Size: lpcPage},
		{Name: "program", Type: "program", Offset: lpcPage, Size: size - lpcPage},
	}}
	im.notJudged("program", "contents", "this header has no checksum of them", lpcPage, size-lpcPage)
	return im, nil
}

// parseFCB reads a block of an i.MX28, i.MX6, i.MX7 or Vybrid, or the one that
// U-Boot makes for the Vybrid, whose magic is written the other way round.
func parseFCB(src binfmt.Source) (*Image, error) {
	h, err := src.Bytes(0, fcbHeader, "block")
	if err != nil {
		return nil, err
	}
	page, spare, pages := word(h, 20), word(h, 24), word(h, 28)
	if page < 512 || page > 1<<16 || spare < page || spare > 2*page || pages == 0 || pages > 1<<16 {
		return nil, fmt.Errorf("pages of %d and %d bytes, %d in a block, cannot be", page, spare, pages)
	}
	im := &Image{Items: []binfmt.Item{{Name: "fcb", Type: fmt.Sprintf("pages of %d+%d bytes, %d in a block", page, spare-page, pages), Size: fcbHeader}}}
	im.notJudged("fcb", "contents", "its checksum is not judged here", 0, fcbHeader)
	return im, nil
}
