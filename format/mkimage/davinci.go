// SPDX-License-Identifier: GPL-2.0-or-later

package mkimage

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"

	"binman/content"
)

// ublHeader is the size of a page of NAND flash, which the header of UBL fills.
const ublHeader = 2048

// makeUBL makes an image for the boot ROMs of DaVinci, DM3xx, that boot from NAND
// flash: a header, and the program. Little-endian words:
//
//	offset  size  header
//	     0     4  magic 0xa1aced00, with the mode in the lowest byte: 0 is the safe one
//	     4     4  address of the entry point
//	     8     4  pages of the program
//	    12     4  block that it starts in
//	    16     4  page in that
//	    20     4  load address
//	    24  2024  0xff; so is what the configuration does not set
//
// TI's SPRUFG5, section 11.2, specifies it.
func makeUBL(p Params, in Inputs) (content.Data, error) {
	text, err := in.config(p)
	if err != nil {
		return content.Data{}, err
	}
	h, err := parseUBL(string(text))
	if err != nil {
		return content.Data{}, fmt.Errorf("%s:%w", p.Name, err)
	}
	return content.Join(append([]content.Data{content.Bytes(h)}, in.Files...)...), nil
}

// parseUBL reads a configuration, and returns the header. Lines have a name and a
// value, in hexadecimal but for the mode; what follows # is a comment:
//
//	MODE safe         always
//	ENTRY 0x20        address
//	PAGES 27
//	START_BLOCK 5
//	START_PAGE 0
//	LD_ADDR 0x20      address
//
// Errors start with the number of the line.
func parseUBL(text string) ([]byte, error) {
	const magic = 0xa1aced00
	fields := map[string]int{"MODE": 0, "ENTRY": 4, "PAGES": 8, "START_BLOCK": 12, "START_PAGE": 16, "LD_ADDR": 20}
	h := bytes.Repeat([]byte{0xff}, ublHeader)
	last, mode := 1, false
	for line, f := range configLines(text) {
		last = line
		name := strings.ToUpper(f[0])
		at, ok := fields[name]
		switch {
		case !ok:
			return nil, fmt.Errorf("%d: '%s' is not known: there are MODE, ENTRY, PAGES, START_BLOCK, START_PAGE, LD_ADDR", line, f[0])
		case len(f) != 2:
			return nil, fmt.Errorf("%d: %s has one value, not %d", line, name, len(f)-1)
		case name == "MODE":
			if !strings.EqualFold(f[1], "safe") {
				return nil, fmt.Errorf("%d: the mode '%s' is not known: there is safe", line, f[1])
			}
			mode = true
			binary.LittleEndian.PutUint32(h, magic)
			continue
		}
		v, err := configWord(f[1])
		if err != nil {
			return nil, fmt.Errorf("%d: %w", line, err)
		}
		binary.LittleEndian.PutUint32(h[at:], v)
	}
	if !mode {
		return nil, fmt.Errorf("%d: there is no MODE, without which the boot ROM takes nothing: write MODE safe", last)
	}
	return h, nil
}

// Codes of the AIS commands that need no line of the configuration.
const (
	aisMagic    = 0x41504954
	aisLoad     = 0x58535901
	aisJumpEnd  = 0x58535906
	aisFunction = 0x5853590d
)

// aisCommand is what a line of the configuration becomes: a code, for functions of
// the boot ROM a word with the number of values and the function, and the values.
type aisCommand struct {
	code     uint32
	values   int
	function uint32
}

func aisCommands() map[string]aisCommand {
	return map[string]aisCommand{
		"FILL":        {code: 0x5853590a, values: 4},
		"CRCON":       {code: 0x58535903},
		"CRCOFF":      {code: 0x58535904},
		"CRCCHECK":    {code: 0x58535902, values: 2},
		"JMP":         {code: 0x58535905, values: 1},
		"JMPCLOSE":    {code: aisJumpEnd, values: 1},
		"SEQREAD":     {code: 0x58535963},
		"BOOT_TABLE":  {code: 0x58535907, values: 4},
		"PLL0":        {aisFunction, 2, 0},
		"PLL1":        {aisFunction, 2, 1},
		"CLK":         {aisFunction, 1, 2},
		"DDR2":        {aisFunction, 8, 3},
		"EMIFA":       {aisFunction, 5, 4},
		"EMIFA_ASYNC": {aisFunction, 5, 5},
		"PLL":         {aisFunction, 3, 6},
		"PSC":         {aisFunction, 1, 7},
		"PINMUX":      {aisFunction, 3, 8},
	}
}

// makeAIS makes an image for the boot ROMs of OMAP-L138, DA850 and their kin: a list
// of commands (application image script). All is in little-endian words:
//
//	size  what
//	   4  magic 0x41504954
//	   n  commands of the configuration: see parseAIS
//	   4  command 0x58535901: load
//	   4  address, from the option -e
//	   4  size of the program in bytes
//	   m  program, and zeros up to a multiple of 4
//	   4  command 0x58535906: jump, and close the medium
//	   4  address, from the option -e
//
// The program follows once more, unless there is the option -s. TI's SPRAB41 specifies
// the format.
func makeAIS(p Params, in Inputs) (content.Data, error) {
	text, err := in.config(p)
	if err != nil {
		return content.Data{}, err
	}
	commands, err := parseAIS(string(text))
	if err != nil {
		return content.Data{}, fmt.Errorf("%s:%w", p.Name, err)
	}
	program := in.Files[0]
	list := aisWords(append([]uint32{aisMagic}, append(commands, aisLoad, p.Entry, uint32(program.Len()))...)...)
	image := content.Join(list, padTo(program, 4), aisWords(aisJumpEnd, p.Entry))
	if !p.NoData {
		image = content.Join(image, program)
	}
	return image, nil
}

// aisWords returns words as they are in an image.
func aisWords(list ...uint32) content.Data {
	var b []byte
	for _, w := range list {
		b = binary.LittleEndian.AppendUint32(b, w)
	}
	return content.Bytes(b)
}

// parseAIS reads a configuration, and returns its commands. Lines have a command and
// values in hexadecimal; what follows # is a comment:
//
//	PLL0 A B           and PLL1, CLK, DDR2, EMIFA, EMIFA_ASYNC, PLL, PSC, PINMUX:
//	                   functions of the boot ROM, with values as it has them
//	FILL ADDR SIZE TYPE PATTERN
//	BOOT_TABLE A B C D
//	CRCON, CRCOFF      whether sums are made
//	CRCCHECK CRC SEEK  compares the sum, and goes back if it is another
//	SEQREAD            reads without addresses
//	JMP ADDR           calls a program that has been loaded
//	JMPCLOSE ADDR      starts it
//
// Errors start with the number of the line.
func parseAIS(text string) ([]uint32, error) {
	known := aisCommands()
	var list []uint32
	for line, f := range configLines(text) {
		name := strings.ToUpper(f[0])
		c, ok := known[name]
		if !ok {
			return nil, fmt.Errorf("%d: the command '%s' is not known: there are %s", line, f[0], names(known))
		}
		if len(f)-1 != c.values {
			return nil, fmt.Errorf("%d: %s has %d values, not %d", line, name, c.values, len(f)-1)
		}
		list = append(list, c.code)
		if c.code == aisFunction {
			list = append(list, uint32(c.values)<<16|c.function)
		}
		for _, word := range f[1:] {
			v, err := configWord(word)
			if err != nil {
				return nil, fmt.Errorf("%d: %w", line, err)
			}
			list = append(list, v)
		}
	}
	return list, nil
}
