// SPDX-License-Identifier: GPL-2.0-or-later

package mkimage

import (
	"encoding/binary"
	"maps"
	"slices"
)

// mtkNAND is what a header for NAND flash depends on.
type mtkNAND struct {
	page   int // bytes
	pages  int // that the header takes
	layout bool
	header func() []byte
}

// mtkNANDs are the headers by the names that the value nandinfo has: the boot ROM that
// reads it, if there are several, then bytes of a page and of its spare area.
//
// For the application processor, four copies of 128 bytes; the layout of the medium is in
// the second page. Numbers are little-endian:
//
//	offset  size  header
//	     0    24  "BOOTLOADER!", "V006", "NFIINFO"
//	    26     2  bytes of a page
//	    28     2  cycles of an address
//	    30     2  bytes of its spare area that are used
//	    32     2  pages of a block
//	    34     2  blocks
//	    36     4  logarithms of what is written and erased at once
//	   100    26  BCH code of the bytes before it
//
// For the HSM, 144 bytes, and for version 2.0 of it, 236:
//
//	offset  size  header
//	     0     8  "NANDCFG!"
//	     8     4  1
//	    12     4  version 2.0: 0x100000
//	    16    12  bytes of a sector, of its spare area, and of that what the ECC covers
//	    32    20  bytes of a page, of its spare area, pages of a block, blocks, and the
//	              bit that selects a plane
//	    92     8  first and last block of the boot loader; version 2.0: at 96, 1 behind them
//	    -42   42  BCH code of the bytes before it
//
// For SPI flash without the NFI, 80 bytes, with a CRC instead of a code:
//
//	offset  size  header
//	     0     8  "SPINAND!"
//	     8     8  1, 16
//	    16     8  bytes of a page and of its spare area
//	    24     4  pages of a block, bit that selects a plane
//	    30     2  register and mask of the ECC
//	    32     8  first and last block of the boot loader
//	    78     2  CRC-16 of the bytes before it
func mtkNANDs() map[string]mtkNAND {
	ap := func(page, cycles, spare, blocks, write, erase int) mtkNAND {
		return mtkNAND{page: page, pages: 2, layout: true, header: func() []byte {
			h := make([]byte, 100)
			copy(h, "BOOTLOADER!\x00V006NFIINFO")
			for i, v := range []int{page, cycles, spare, 64, blocks, write, erase} {
				binary.LittleEndian.PutUint16(h[26+2*i:], uint16(v))
			}
			h = append(h, bch(h, 13, 0x201b, 16)...)
			h = append(h, make([]byte, 128-len(h))...)
			return slices.Repeat(h, 4)
		}}
	}
	hsm := func(size, page, spare, blocks int, more map[int]uint32) mtkNAND {
		return mtkNAND{page: page, pages: 1, header: func() []byte {
			h := make([]byte, size)
			copy(h, "NANDCFG!")
			words(h, map[int]uint32{
				8: 1, 16: 0x400, 20: 8, 24: 1, 32: uint32(page), 36: uint32(spare), 40: 64, 44: uint32(blocks), 48: 12,
			})
			words(h, more)
			return append(append(h, bch(h, 14, 0x4443, 24)...), 0, 0)
		}}
	}
	spim := func(page, spare, plane int) mtkNAND {
		return mtkNAND{page: page, pages: 1, header: func() []byte {
			h := make([]byte, 78)
			copy(h, "SPINAND!")
			words(h, map[int]uint32{8: 1, 12: 16, 16: uint32(page), 20: uint32(spare), 24: uint32(plane)<<16 | 64, 28: 0x3020 << 16, 32: 1, 36: 0xff})
			return binary.LittleEndian.AppendUint16(h, mtkCRC16(h))
		}}
	}
	version1 := map[int]uint32{92: 1, 96: 0xff}
	version2 := map[int]uint32{12: 0x100000, 92: 0xffffffff, 96: 1, 100: 0xff, 104: 1}
	large := maps.Clone(version1)
	large[52], large[80] = 4, 1 // PLL and delay of samples
	return map[string]mtkNAND{
		"2k+64":        ap(2048, 3, 64, 2048, 16, 22),
		"2k+120":       ap(2048, 5, 112, 2048, 16, 22),
		"2k+128":       ap(2048, 5, 112, 2048, 16, 22),
		"4k+256":       ap(4096, 5, 224, 2048, 16, 22),
		"1g:2k+64":     ap(2048, 5, 64, 1024, 11, 17),
		"2g:2k+64":     ap(2048, 5, 64, 2048, 11, 17),
		"4g:2k+64":     ap(2048, 5, 64, 4096, 11, 17),
		"2g:2k+128":    ap(2048, 5, 112, 2048, 11, 17),
		"4g:2k+128":    ap(2048, 5, 112, 4096, 11, 17),
		"hsm:2k+64":    hsm(100, 2048, 64, 2048, version1),
		"hsm:2k+128":   hsm(100, 2048, 128, 1024, version1),
		"hsm:4k+256":   hsm(100, 4096, 256, 2048, large),
		"hsm20:2k+64":  hsm(192, 2048, 64, 2048, version2),
		"hsm20:2k+128": hsm(192, 2048, 128, 2048, version2),
		"hsm20:4k+256": hsm(192, 4096, 256, 2048, version2),
		"spim:2k+64":   spim(2048, 64, 12),
		"spim:2k+128":  spim(2048, 128, 12),
		"spim:4k+256":  spim(4096, 256, 13),
	}
}

// mtkCRC16 returns the CRC of a header for SPI flash: polynomial 0x8005, highest bit
// first, from 0x4f4e.
func mtkCRC16(b []byte) uint16 {
	crc := uint16(0x4f4e)
	for _, c := range b {
		crc ^= uint16(c) << 8
		for range 8 {
			carry := crc >> 15
			crc = crc<<1 ^ carry*0x8005
		}
	}
	return crc
}

// bch returns the code with which t wrong bits of the data can be corrected: the remainder
// of the data as a polynomial, whose highest power is the lowest bit of the first byte,
// by the generator of the binary BCH code over the field of 2^m elements that a primitive
// polynomial makes. The last byte is filled with zeros.
func bch(data []byte, m int, primitive uint32, t int) []byte {
	g := bchGenerator(m, primitive, t)
	degree := len(g) - 1
	rest := make([]byte, degree) // coefficients, the highest first
	for i := range 8 * len(data) {
		feedback := rest[0] ^ data[i/8]>>(i%8)&1
		copy(rest, rest[1:])
		rest[degree-1] = 0
		if feedback != 0 {
			for k := range rest {
				rest[k] ^= g[degree-1-k]
			}
		}
	}
	code := make([]byte, (degree+7)/8)
	for i, bit := range rest {
		code[i/8] |= bit << (i % 8)
	}
	return code
}

// bchGenerator returns the coefficients of the generator, the lowest first: the product
// of x-r for all r that are one of the first 2t powers of a primitive element, or a
// conjugate of one.
func bchGenerator(m int, primitive uint32, t int) []byte {
	n := 1<<m - 1
	power, logarithm := make([]uint32, n), make([]int, n+1)
	element := uint32(1)
	for i := range n {
		power[i], logarithm[element] = element, i
		if element <<= 1; element>>m != 0 {
			element ^= primitive
		}
	}
	g := []uint32{1}
	seen := make([]bool, n)
	for first := 1; first < 2*t; first += 2 {
		for root := first; !seen[root]; root = 2 * root % n {
			seen[root] = true
			g = append(g, 0)
			for i := len(g) - 1; i >= 0; i-- {
				low := uint32(0)
				if g[i] != 0 {
					low = power[(logarithm[g[i]]+root)%n]
				}
				if i > 0 {
					low ^= g[i-1]
				}
				g[i] = low
			}
		}
	}
	bits := make([]byte, len(g))
	for i, v := range g {
		bits[i] = byte(v)
	}
	return bits
}
