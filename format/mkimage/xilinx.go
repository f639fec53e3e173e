// SPDX-License-Identifier: GPL-2.0-or-later

package mkimage

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	"binman/content"
)

// Sizes of the headers of Xilinx' boot ROMs, in bytes, and their parts.
const (
	zynqHeader   = 0x8c0
	zynqMPHeader = 0x9c0
	xilinxPairs  = 256 // of a register and a value
)

// xilinx returns the part that the headers of Zynq and ZynqMP share. All numbers
// are little-endian words:
//
//	offset  size  header
//	     0    32  vectors: 8 times 0xeafffffe, a branch to itself
//	    32     4  0xaa995566, which tells the width of the flash
//	    36     4  magic "XNLX"
//	    40     4  encryption: 0
//	    72     4  inverted sum of the words from 32 to 71
//	     R  2048  256 pairs of a register and a value: R is 0xa0 or 0xb8
func xilinx(p Params, in Inputs, size, pairs int, unused uint32) ([]byte, error) {
	switch {
	case p.Load != 0:
		return nil, errors.New("it has no load address (-a), only an entry point (-e)")
	case p.EntrySet && p.Entry%64 != 0:
		return nil, fmt.Errorf("the entry point %#x is no multiple of 64", p.Entry)
	}
	h := make([]byte, size)
	for at := 0; at < 32; at += 4 {
		words(h, map[int]uint32{at: 0xeafffffe})
	}
	words(h, map[int]uint32{32: 0xaa995566})
	copy(h[36:], "XNLX")
	for i := range xilinxPairs {
		words(h, map[int]uint32{pairs + 8*i: math.MaxUint32, pairs + 8*i + 4: unused})
	}
	if p.Name2 == "" {
		return h, nil
	}
	d, err := in.open(p.Name2)
	if err != nil {
		return nil, err
	}
	if d.Len() > maxConfig {
		return nil, fmt.Errorf("'%s' has %#x bytes, more than %#x", p.Name2, d.Len(), maxConfig)
	}
	text, err := d.Bytes()
	if err != nil {
		return nil, err
	}
	return h, registers(h[pairs:], p.Name2, string(text))
}

// registers puts pairs of hexadecimal numbers into a table: each line has a
// register and a value, and may have a comment behind them. Other lines mean
// nothing, but for those that look like a pair.
func registers(table []byte, name, text string) error {
	line, n := 0, 0
	for row := range strings.Lines(text) {
		line++
		f := strings.Fields(row)
		if len(f) < 2 {
			continue
		}
		register, err := parseWord(f[0])
		if err != nil {
			continue // a comment
		}
		value, err := parseWord(f[1])
		switch {
		case err != nil:
			return fmt.Errorf("%s:%d: '%s' is no hexadecimal number of 32 bits", name, line, f[1])
		case n == xilinxPairs:
			return fmt.Errorf("%s:%d: there are more than %d registers", name, line, xilinxPairs)
		}
		words(table, map[int]uint32{8 * n: register, 8*n + 4: value})
		n++
	}
	return nil
}

// parseWord reads a hexadecimal number of 32 bits, with or without 0x.
func parseWord(text string) (uint32, error) {
	if len(text) > 2 && strings.EqualFold(text[:2], "0x") {
		text = text[2:]
	}
	n, err := strconv.ParseUint(text, 16, 32)
	return uint32(n), err
}

// sumXilinx sets the checksum.
func sumXilinx(h []byte) {
	var sum uint32
	for at := 32; at < 72; at += 4 {
		sum += binary.LittleEndian.Uint32(h[at:])
	}
	words(h, map[int]uint32{72: ^sum})
}

// makeZynq makes an image for the boot ROM of the Zynq-7000. Its header has, beside
// what xilinx says, the offset of the program at 48, the size of the file at 52 and
// 64, and the load address at 60. The option -R names a file of registers.
func makeZynq(p Params, in Inputs) (content.Data, error) {
	h, err := xilinx(p, in, zynqHeader, 0xa0, math.MaxUint32)
	if err != nil {
		return content.Data{}, err
	}
	size := uint32(zynqHeader + in.Files[0].Len())
	words(h, map[int]uint32{48: zynqHeader, 52: size, 64: size})
	if p.EntrySet {
		words(h, map[int]uint32{60: p.Entry})
	}
	sumXilinx(h)
	return content.Join(content.Bytes(h), in.Files[0]), nil
}

// makeZynqMP makes an image for the boot ROM of the ZynqMP. Its header has, beside
// what xilinx says, the load address at 44, the offset of the program at 48, the
// size of the PMU firmware at 52 and 56, that of the program at 60 and 64, and
// attributes at 68: 1<<11, an A53 of 64 bits. The option -n names the PMU firmware,
// which follows the header.
func makeZynqMP(p Params, in Inputs) (content.Data, error) {
	h, err := xilinx(p, in, zynqMPHeader, 0xb8, 0)
	if err != nil {
		return content.Data{}, err
	}
	load := uint32(0xfffc0000)
	if p.EntrySet {
		load = p.Entry
	}
	var firmware content.Data
	if p.Name != "" {
		if firmware, err = in.open(p.Name); err != nil {
			return content.Data{}, err
		}
		if firmware.Len() > math.MaxInt32 {
			return content.Data{}, fmt.Errorf("'%s' has %#x bytes, more than a boot loader can load", p.Name, firmware.Len())
		}
	}
	size, pmu := uint32(in.Files[0].Len()), uint32(firmware.Len())
	words(h, map[int]uint32{44: load, 48: zynqMPHeader, 52: pmu, 56: pmu, 60: size, 64: size, 68: 1 << 11})
	sumXilinx(h)
	return content.Join(content.Bytes(h), firmware, in.Files[0]), nil
}
