// SPDX-License-Identifier: GPL-2.0-or-later

package bootheader

import (
	"encoding/binary"
	"fmt"

	"binman/internal/binfmt"
)

// The header for the boot ROMs of SoCFPGA stands at 64 of the program, and a CRC at
// its end. Package mkimage has the layout of both versions. A boot ROM looks for up
// to four copies, 64 KiB or 256 KiB apart.
const (
	socfpgaAt     = 64
	socfpgaHeader = 20
)

func alteraFormats() []Format {
	return []Format{{Name: "SoCFPGA image", Short: "socfpga", Magic: []byte("AS01"), At: socfpgaAt, Align: 512, parse: parseSoCFPGA}}
}

func parseSoCFPGA(src binfmt.Source) (*Image, error) {
	h, err := src.Bytes(socfpgaAt, socfpgaHeader, "header")
	if err != nil {
		return nil, err
	}
	size, summed, kind := int64(half(h, 6))*4, 9, "program"
	about := binfmt.Details{}.With("version", int(h[4]))
	switch h[4] {
	case 0:
	case 1:
		size, summed = int64(word(h, 8)), 17
		kind, about = fmt.Sprintf("program, entry %#x", word(h, 12)), about.With("entry", word(h, 12))
	default:
		return nil, fmt.Errorf("version %d of the header is not known", h[4])
	}
	if stored, got := half(h, summed+1), uint16(byteSum(0, h[:summed])); stored != got {
		return nil, fmt.Errorf("sum of the header does not match: %#x is stored, the data has %#x", stored, got)
	}
	if size < socfpgaAt+socfpgaHeader+4 {
		return nil, fmt.Errorf("it says that it has %#x bytes", size)
	}
	end, err := src.Bytes(size-4, 4, "CRC")
	if err != nil {
		return nil, err
	}
	im := &Image{Items: []binfmt.Item{{Name: "spl", Type: fmt.Sprintf("%s, header version %d", kind, h[4]), Size: size, Details: about}}}
	im.claims = []claim{{
		what: "crc32 of bzip2", path: "spl", size: size - 4, want: number(binary.LittleEndian.Uint32(end)),
		sum: counted(^uint32(0), msbCRC, func(v uint32) uint32 { return ^v }),
	}}
	return im, nil
}

// msbCRC is a CRC-32 with the polynomial 0x04c11db7, highest bit first.
func msbCRC(crc uint32, b []byte) uint32 {
	for _, c := range b {
		crc ^= uint32(c) << 24
		for range 8 {
			carry := crc >> 31
			crc = crc<<1 ^ carry*0x04c11db7
		}
	}
	return crc
}
