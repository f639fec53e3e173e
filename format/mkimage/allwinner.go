// SPDX-License-Identifier: GPL-2.0-or-later

package mkimage

import (
	"encoding/binary"
	"fmt"

	"binman/content"
	"binman/internal/binfmt"
)

// makeEGON makes an image for the boot ROMs of Allwinner: a header, the program,
// and zeros up to a multiple of 8 KiB. All numbers are little-endian words:
//
//	offset  size  header
//	     0     4  a branch behind the header: of ARM or RISC-V
//	     4     8  magic "eGON.BT0"
//	    12     4  sum of all words, with 0x5f0a6c39 in this place
//	    16     4  size of the image
//	    20     4  "SPL" and the version of the header: 1, or 2 with a name
//	    32     4  offset of the name, or 0
//	    44    52  name of the device tree, from the option -n
func makeEGON(p Params, in Inputs) (content.Data, error) {
	const (
		header   = 96
		nameAt   = 44
		block    = 8192
		archARM  = 2
		archRISC = 26
	)
	branch, ok := map[byte]uint32{archARM: 0xea000016, archRISC: 0x0600006f}[byte(p.Arch)]
	if !p.ArchSet {
		branch, ok = 0xea000016, true
	}
	if !ok {
		return content.Data{}, fmt.Errorf("the architecture (-A) can be arm or riscv, not %s", p.Arch)
	}
	data, err := in.Files[0].Bytes()
	if err != nil {
		return content.Data{}, err
	}
	size := binfmt.Align(header+int64(len(data)), block)
	b := make([]byte, size)
	words(b, map[int]uint32{0: branch, 12: 0x5f0a6c39, 16: uint32(size)})
	copy(b[4:], "eGON.BT0")
	copy(b[20:], "SPL\x01")
	if p.Name != "" {
		if len(p.Name) >= header-nameAt {
			return content.Data{}, fmt.Errorf("the name '%s' (-n) has %d bytes: there is room for %d", p.Name, len(p.Name), header-nameAt-1)
		}
		b[23] = 2
		words(b, map[int]uint32{32: nameAt})
		copy(b[nameAt:], p.Name)
	}
	copy(b[header:], data)
	var sum uint32
	for at := 0; at < len(b); at += 4 {
		sum += binary.LittleEndian.Uint32(b[at:])
	}
	words(b, map[int]uint32{12: sum})
	return content.Bytes(b), nil
}
