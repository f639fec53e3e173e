// SPDX-License-Identifier: GPL-2.0-or-later

package mkimage

import (
	"encoding/binary"
	"fmt"

	"binman/content"
	"binman/internal/binfmt"
)

// makeSoCFPGA makes an image for the boot ROM of the SoCFPGA: the program, which
// leaves room for a header at 64, zeros up to a multiple of 16 bytes, and a CRC-32
// as of bzip2 in the last 4 of these. All numbers are little-endian:
//
//	offset  size  header of version 0 (Cyclone V, Arria V)
//	     0     4  magic 0x31305341
//	     4     2  version, flags
//	     6     2  size of the image in words
//	    10     2  sum of the 9 bytes from 0
//
//	offset  size  header of version 1 (Arria 10)
//	     0     4  magic 0x31305341
//	     4     2  version, flags
//	     6     2  size of the header
//	     8     4  size of the image
//	    12     4  offset of the entry point: 20 unless the option -e is given
//	    18     2  sum of the 17 bytes from 0
func makeSoCFPGA(p Params, in Inputs, version byte) (content.Data, error) {
	const (
		headerAt = 64
		entry    = 20
		align    = 16
		crcSize  = 4
	)
	most, header, summed := int64(64<<10), 12, 9
	if version == 1 {
		most, header, summed = 256<<10, 20, 17
		if p.EntrySet && (p.Entry < entry || p.Entry%4 != 0) {
			return content.Data{}, fmt.Errorf("the entry point %#x (-e) has to be a multiple of 4, and at least %#x", p.Entry, entry)
		}
	}
	n := in.Files[0].Len()
	switch {
	case n > most-crcSize:
		return content.Data{}, fmt.Errorf("the program has %#x bytes: at most %#x can be loaded", n, most-crcSize)
	case n < int64(headerAt+header):
		return content.Data{}, fmt.Errorf("the program has %#x bytes, and the header would be behind it: it is at %#x", n, headerAt)
	}
	b := make([]byte, binfmt.Align(n+crcSize, align))
	if _, err := in.Files[0].ReadAt(b[:n], 0); err != nil {
		return content.Data{}, err
	}
	h := b[headerAt : headerAt+header]
	clear(h)
	words(h, map[int]uint32{0: 0x31305341})
	h[4] = version
	if version == 0 {
		binary.LittleEndian.PutUint16(h[6:], uint16(len(b)/4))
	} else {
		binary.LittleEndian.PutUint16(h[6:], uint16(header))
		at := uint32(entry)
		if p.EntrySet {
			at = p.Entry
		}
		words(h, map[int]uint32{8: uint32(len(b)), 12: at})
	}
	var sum uint16
	for _, c := range h[:summed] {
		sum += uint16(c)
	}
	binary.LittleEndian.PutUint16(h[header-2:], sum)
	words(b, map[int]uint32{len(b) - crcSize: ^msbCRC(^uint32(0), b[:len(b)-crcSize])})
	return content.Bytes(b), nil
}
