// SPDX-License-Identifier: GPL-2.0-or-later

package bootheader

import (
	"encoding/binary"
	"fmt"
	"slices"

	"binman/internal/binfmt"
)

// The image vector table of the boot ROMs of i.MX53, 6, 7, 8M and Vybrid gives
// addresses in memory; they are relative to its own one here. Little-endian words,
// but for the lengths of table and DCD:
//
//	offset  size  table
//	     0     1  tag 0xd1
//	     1     2  length 32, big-endian
//	     3     1  version 0x40 to 0x43
//	     4     4  address of the entry point
//	    12     4  of the device configuration data (DCD), or 0
//	    16     4  of the boot data
//	    20     4  of this table
//	    24     4  of the signature (CSF), or 0
//
//	offset  size  boot data
//	     0     4  address that the start of the boot medium is loaded to
//	     4     4  size of all from there, with the signature
//	     8     4  1 for a plugin
//
// The DCD has a tag 0xd2, and its length at 1. The CSF has a tag 0xd4.
const (
	ivtSize  = 32
	bootData = 12
	tagDCD   = 0xd2
	tagCSF   = 0xd4
)

func imxFormats() []Format {
	return []Format{{Name: "i.MX image", Short: "imx", Magic: []byte{0xd1, 0, ivtSize}, Align: 512, parse: parseIVT}}
}

func parseIVT(src binfmt.Source) (*Image, error) {
	h, err := src.Bytes(0, ivtSize, "image vector table")
	if err != nil {
		return nil, err
	}
	self := int64(word(h, 20))
	rel := func(off int) int64 { return int64(word(h, off)) - self }
	boot, err := src.Bytes(rel(16), bootData, "boot data")
	switch {
	case h[3]&^3 != 0x40:
		return nil, fmt.Errorf("version %#x of the table is not known", h[3])
	case err != nil:
		return nil, err
	}
	end := int64(word(boot, 0)) + int64(word(boot, 4)) - self
	if end <= ivtSize {
		return nil, fmt.Errorf("the boot data end at %#x", end)
	}
	headers := []binfmt.Item{{Name: "ivt", Type: fmt.Sprintf("image vector table, version %d.%d", h[3]>>4, h[3]&15), Size: ivtSize}}
	headers = append(headers, binfmt.Item{Name: "boot-data", Type: fmt.Sprintf("boot data, load %#x", word(boot, 0)), Offset: rel(16), Size: bootData, Details: binfmt.Details{}.With("load", word(boot, 0))})
	tagged := func(off int, tag byte, name, kind string) error {
		if word(h, off) == 0 {
			return nil
		}
		b, err := src.Bytes(rel(off), 4, kind)
		if err != nil {
			return err
		}
		it := binfmt.Item{Name: name, Type: kind, Offset: rel(off), Size: int64(binary.BigEndian.Uint16(b[1:]))}
		if b[0] != tag {
			return fmt.Errorf("there is no %s at %#x", kind, it.Offset)
		}
		headers = append(headers, it)
		return nil
	}
	if err := tagged(12, tagDCD, "dcd", "device configuration data"); err != nil {
		return nil, err
	}
	im := &Image{}
	why := "the image has none"
	stop := min(end, src.Size) // the ROM may load more than there is
	if word(h, 24) != 0 {
		why = "the image has room for one, and none is in it"
		if tagged(24, tagCSF, "csf", "command sequence file") == nil {
			why = "it is not judged here"
		}
		stop = min(stop, rel(24))
	}
	start := rel(4)
	if start < ivtSize || start >= stop { // a plugin, or a program somewhere else
		start = ivtSize
		for _, it := range headers {
			if it.Offset < stop {
				start = max(start, it.Offset+it.Size)
			}
		}
	}
	if start >= stop {
		return nil, fmt.Errorf("the program at %#x ends at %#x", start, stop)
	}
	program := binfmt.Item{Name: "program", Type: fmt.Sprintf("program, entry %#x", word(h, 4)), Offset: start, Size: stop - start, Details: binfmt.Details{}.With("entry", word(h, 4))}
	im.Items = append(headers, program)
	slices.SortStableFunc(im.Items, func(a, b binfmt.Item) int { return int(a.Offset - b.Offset) })
	im.notJudged("", "signature", why, 0, stop)
	return im, nil
}
