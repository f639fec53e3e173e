// SPDX-License-Identifier: GPL-2.0-or-later

package mkimage

import (
	"errors"
	"fmt"
	"math/bits"
	"strconv"
	"strings"

	"binman/content"
)

// makeLPC32xx makes an image for NAND flash of the LPC32xx: a page of 2048 bytes,
// and the program. Of each little-endian word of the page the boot ROM reads one
// byte: 0x96 and its inverse, twice, the number of pages, with the first one, and its
// inverse, four times, and 0xaa at 48 and 512.
func makeLPC32xx(_ Params, in Inputs) (content.Data, error) {
	const page = 2048
	pages := (page + in.Files[0].Len() + page - 1) / page
	if pages > 255 {
		return content.Data{}, fmt.Errorf("the program has %#x bytes: the boot ROM loads at most 254 pages of %d", in.Files[0].Len(), page)
	}
	h := make([]byte, page)
	for i, v := range []byte{0x96, ^byte(0x96), 0x96, ^byte(0x96)} {
		h[4*i] = v
	}
	for i := range 4 {
		h[16+8*i], h[20+8*i] = byte(pages), ^byte(pages)
	}
	h[48], h[512] = 0xaa, 0xaa
	return content.Join(content.Bytes(h), in.Files[0]), nil
}

// makeVybrid makes an image for NAND flash of the Vybrid: a firmware configuration
// block of 512 bytes, a code for each byte of it, 0xff up to 256 KiB, 1 KiB of zeros,
// and the program. The block has zeros in its first 224 bytes, but for these
// little-endian words, and 0xff behind them:
//
//	offset  block
//	     4  magic "FCB " the other way round
//	     8  version 1
//	    20  size of a page, 2048, with spare area, 2112, pages in a block, 64
//	    56  mode of the ECC: 6
//	   104  pages of the two copies of the program: 128
//	   120  where bad blocks are looked up: 0x1ff00
//	   132  offset of the marker of bad blocks: 2048
//	   172  1: the marker is not swapped
//	   220  blocks that are looked through: 8
func makeVybrid(_ Params, in Inputs) (content.Data, error) {
	const block, used, prefix = 512, 224, 1024
	fcb := blank(block)
	clear(fcb[:used])
	words(fcb, map[int]uint32{
		4: 0x46434220, 8: 1, 20: 2048, 24: 2048 + 64, 28: 64, 56: 6, 104: 128, 108: 128, 120: 0x1ff00, 132: 2048, 172: 1, 220: 8,
	})
	codes := make([]byte, block)
	for i, c := range fcb {
		// Each bit of the code is the parity of some bits of the byte.
		for k, mask := range []byte{0x6c, 0xb6, 0xe3, 0x99, 0x5f} {
			codes[i] |= byte(bits.OnesCount8(c&mask)&1) << k
		}
	}
	return content.Join(content.Bytes(fcb), content.Bytes(codes), content.Fill(0xff, 256<<10-2*block), content.Fill(0, prefix), in.Files[0]), nil
}

// makeAtmel makes an image for the boot ROM of Atmel's SAM: the size of the program
// goes into the sixth vector of it, a little-endian word. For NAND flash, the option -n
// describes the ECC, as "usePmecc=1,sectorPerPage=4,spareSize=64,eccBits=4,
// sectorSize=512,eccOffset=36": then 52 times a word with that is in front.
func makeAtmel(p Params, in Inputs) (content.Data, error) {
	const vector, copies = 20, 52
	if in.Files[0].Len() < vector+4 {
		return content.Data{}, fmt.Errorf("the program has %d bytes, and its size goes into those at %d", in.Files[0].Len(), vector)
	}
	if p.EntrySet {
		return content.Data{}, errors.New("it has no entry point (-e)")
	}
	data := in.Files[0]
	var front []byte
	if p.Name != "" {
		word, err := pmecc(p.Name)
		if err != nil {
			return content.Data{}, err
		}
		front = make([]byte, 4*copies)
		for i := range copies {
			words(front, map[int]uint32{4 * i: word})
		}
	}
	size := make([]byte, 4)
	words(size, map[int]uint32{0: uint32(data.Len())})
	return content.Join(content.Bytes(front), data.Replace(vector, content.Bytes(size))), nil
}

// pmecc returns the word that describes the ECC of NAND flash:
//
//	bit  0     the ECC is used
//	bits 1-3   sectors of a page: 0 to 3 for 1, 2, 4, 8
//	bits 4-12  bytes of the spare area
//	bits 13-15 bits that can be corrected: 0 to 4 for 2, 4, 8, 12, 24
//	bits 16-17 bytes of a sector: 0 for 512, 1 for 1024
//	bits 18-26 offset of the ECC in the spare area
//	bits 28-31 0xc
func pmecc(text string) (uint32, error) {
	values := map[string]int{"usePmecc": 0, "sectorPerPage": 0, "spareSize": 0, "eccBits": 0, "sectorSize": 0, "eccOffset": 0}
	for pair := range strings.SplitSeq(text, ",") {
		name, value, _ := strings.Cut(pair, "=")
		n, err := strconv.Atoi(value)
		if _, ok := values[name]; !ok || err != nil || n < 0 || n > 0x400 {
			return 0, fmt.Errorf("'%s' is no part of -n, such as usePmecc=1,sectorPerPage=4,spareSize=64,eccBits=4,sectorSize=512,eccOffset=36", pair)
		}
		values[name] = n
	}
	word := uint32(0xc)<<28 | uint32(values["eccOffset"]&0x1ff)<<18 | uint32(values["spareSize"]&0x1ff)<<4
	if values["usePmecc"] != 0 {
		word |= 1
	}
	for _, f := range []struct {
		name  string
		known []int
		shift int
	}{{"sectorSize", []int{512, 1024}, 16}, {"eccBits", []int{2, 4, 8, 12, 24}, 13}, {"sectorPerPage", []int{1, 2, 4, 8}, 1}} {
		code := -1
		for i, v := range f.known {
			if v == values[f.name] {
				code = i
			}
		}
		if code < 0 {
			return 0, fmt.Errorf("%s is one of %d, not %d", f.name, f.known, values[f.name])
		}
		word |= uint32(code) << f.shift
	}
	return word, nil
}
