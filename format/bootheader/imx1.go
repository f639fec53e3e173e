// SPDX-License-Identifier: GPL-2.0-or-later

package bootheader

import (
	"fmt"

	"binman/internal/binfmt"
)

// The flash header for the boot ROMs of i.MX25, 35 and 51 gives addresses in memory.
// Little-endian words:
//
//	offset  size  header
//	     0     4  address of the entry point
//	     4     4  0xb1
//	     8     4  address of the signature (CSF), or 0
//	    12     4  address of the word at 20
//	    16     4  address of the key, or 0
//	    20     4  address of the table (DCD)
//	    24     4  address that the start of the boot medium is loaded to
//	    28     8  table: 0xb17219e9, size of its rest; sizes, addresses and values follow
//	          4  behind the table: size of all from the start of the boot medium
const (
	imx1Marker = 0xb1
	imx1Header = 28
	imx1Table  = 0xb17219e9
	imx1Entry  = 12
)

func imx1Formats() []Format {
	return []Format{{Name: "i.MX image 1", Short: "imx", Magic: []byte{0xe9, 0x19, 0x72, 0xb1}, At: imx1Header, Align: 256, parse: parseIMX1}}
}

func parseIMX1(src binfmt.Source) (*Image, error) {
	h, err := src.Bytes(0, imx1Header+8, "flash header")
	if err != nil {
		return nil, err
	}
	self, table := int64(word(h, 12))-20, int64(word(h, imx1Header+4))
	switch {
	case word(h, 4) != imx1Marker:
		return nil, errMagic
	case int64(word(h, 20)) != self+imx1Header || table%imx1Entry != 0:
		return nil, fmt.Errorf("the table of %#x bytes is at address %#x, and the header at %#x", table, word(h, 20), self)
	}
	tableEnd := imx1Header + 8 + table
	last, err := src.Bytes(tableEnd, 4, "size of the image")
	if err != nil {
		return nil, err
	}
	end := min(int64(word(last, 0))-(self-int64(word(h, 24))), src.Size) // the ROM may load more than there is
	tableEnd += 4
	start := int64(word(h, 0)) - self
	if start < tableEnd || start >= end { // a program somewhere else
		start = tableEnd
	}
	if start >= end {
		return nil, fmt.Errorf("the program at %#x ends at %#x", start, end)
	}
	im := &Image{Items: []binfmt.Item{
		{Name: "header", Type: fmt.Sprintf("flash header, load %#x", word(h, 24)), Size: imx1Header, Details: binfmt.Details{}.With("load", word(h, 24))},
		{Name: "dcd", Type: "device configuration data", Offset: imx1Header, Size: tableEnd - imx1Header},
		{Name: "program", Type: fmt.Sprintf("program, entry %#x", word(h, 0)), Offset: start, Size: end - start, Details: binfmt.Details{}.With("entry", word(h, 0))},
	}}
	why := "the image has none"
	if word(h, 8) != 0 {
		why = "it is not judged here"
	}
	im.notJudged("", "signature", why, 0, end)
	return im, nil
}
