// SPDX-License-Identifier: GPL-2.0-or-later

package bootheader

import (
	"encoding/binary"
	"fmt"

	"binman/internal/binfmt"
)

// eGON is the header of programs for the boot ROMs of Allwinner, at 8 KiB or
// 128 KiB of a disk, or the start of SPI flash. Package mkimage has its layout.
const (
	egonHeader = 96
	egonStamp  = 0x5f0a6c39 // stands for the sum while it is made
	egonSumAt  = 12
)

func allwinnerFormats() []Format {
	return []Format{
		{Name: "Allwinner eGON image", Short: "egon", Magic: []byte("eGON.BT"), At: 4, Align: 512, parse: parseEGON},
		{Name: "Allwinner TOC0 image", Short: "toc0", Magic: []byte("TOC0.GLH"), Align: 512, parse: parseTOC0},
	}
}

func parseEGON(src binfmt.Source) (*Image, error) {
	h, err := src.Bytes(0, egonHeader, "header")
	if err != nil {
		return nil, err
	}
	size, stored := int64(word(h, 16)), word(h, egonSumAt)
	if size < egonHeader || size%4 != 0 {
		return nil, fmt.Errorf("it says that it has %#x bytes", size)
	}
	kind := "program"
	if string(h[20:23]) == "SPL" {
		kind = "U-Boot SPL"
	}
	if at := int(word(h, 32)); at >= 36 && at < egonHeader && string(h[20:23]) == "SPL" && h[23] >= 2 {
		if name, ok := binfmt.CString(h[at:]); ok {
			kind += " for " + name
		}
	}
	im := &Image{Items: []binfmt.Item{
		{Name: "header", Type: string(h[4:12]), Size: egonHeader},
		{Name: "program", Type: kind, Offset: egonHeader, Size: size - egonHeader},
	}}
	im.claims = []claim{{
		what: "sum of the words", size: size, want: number(stored),
		sum: counted(egonStamp-stored, wordSum, same),
	}}
	return im, nil
}

// wordSum adds up little-endian words. It is given whole ones.
func wordSum(sum uint32, b []byte) uint32 {
	for ; len(b) >= 4; b = b[4:] {
		sum += binary.LittleEndian.Uint32(b)
	}
	return sum
}
