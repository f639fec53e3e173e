// SPDX-License-Identifier: GPL-2.0-or-later

package mkimage

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// Limits of a configuration.
const (
	maxKWBLines = 255
	maxKWBArgs  = 255 // of a program, with those that fill
)

// kwbConfig is a configuration of the type kwbimage.
type kwbConfig struct {
	version  byte
	medium   byte
	ecc      byte   // mode of the ECC of NAND flash
	debug    bool   // the boot ROM prints what it does
	page     uint16 // size of a page of NAND flash, in bytes
	block    byte   // size of a block of it, in 64 KiB
	badBlock byte
	options  byte
	sector   int64 // size of a block of a disk, in bytes
	sheeva   bool
	steps    []kwbStep // in order

	// What a secure header has.
	csk         int64  // which of the keys is used, -1 if there is no secure header
	kakName     string // hints of keys
	cskName     string
	jtagDelay   byte
	boxID       uint32
	flashID     uint32
	specialized bool // only for the box and the flash of these numbers
	bootDevice  uint32
	fuses       bool // the commands that burn fuses are written
}

// kwbStep is something that the boot ROM does before it loads the program.
type kwbStep struct {
	file    string   // a program that runs, or ""
	args    []uint32 // of it
	isDelay bool     // wait for value, in milliseconds
	address uint32   // of a register, or where the program is loaded to, or 0
	value   uint32
	line    int
}

// headerAlign returns what the size of the header on the medium is a multiple of.
func (c *kwbConfig) headerAlign() int64 { return c.align(1) }

// imageAlign returns what the size of the image is a multiple of.
func (c *kwbConfig) imageAlign() int64 { return c.align(256) }

// align returns the size of the pieces in which the medium is read, in bytes; SPI flash
// is read in pieces of any size.
func (c *kwbConfig) align(spi int64) int64 {
	for name, size := range map[string]int64{"uart": 128, "nand": 256, "sdio": 512, "sata": c.sector, "spi": spi} {
		if kwbMedia()[name] == c.medium {
			return size
		}
	}
	return 4
}

// parseKWB reads a configuration. Lines have a keyword and values; what follows # at the
// start of a word is a comment:
//
//	VERSION N                0, or 1 for Armada 370 to 39x
//	BOOT_FROM MEDIUM         see kwbMedia; spi without it
//	CPU CORE                 FEROCEON, SHEEVA or A9
//	NAND_ECC_MODE MODE       default, hamming, rs or disabled; for version 0
//	NAND_PAGE_SIZE N         hexadecimal, and so the next two
//	NAND_BLKSZ N
//	NAND_BADBLK_LOCATION N
//	SATA_BLKSZ N             as in C
//	DATA ADDR VALUE          writes a register; hexadecimal
//	DATA_DELAY N             waits so many milliseconds, or SDRAM_SETUP; for version 1
//	BINARY FILE ARG… LOAD_ADDRESS ADDR   runs a program; hexadecimal; for version 1
//	BAUDRATE N               of what the ROM prints
//	UART_PORT N              hexadecimal, and so the next one
//	UART_MPP N
//	DEBUG N                  1 to see what the ROM does
//	CSK_INDEX N              makes a secure header, with key N of 16
//	KAK NAME, CSK NAME       names of the keys
//	JTAG_DELAY N, BOX_ID N, FLASH_ID N, SEC_BOOT_DEV N   as in C
//	SEC_COMMON_IMG X, SEC_SPECIALIZED_IMG X   for all boards, or for those numbers alone
//	SEC_FUSE_DUMP a38x       writes the commands of U-Boot that burn the fuses
//
// The first line with a keyword counts, but for DATA, DATA_DELAY and BINARY. Errors start
// with the number of the line.
func parseKWB(text string) (*kwbConfig, error) {
	c := &kwbConfig{medium: kwbMedia()["spi"], sector: 512, csk: -1}
	seen := map[string]bool{}
	last, count := 0, 0
	for line, f := range configLines(text) {
		last = line
		if count++; count > maxKWBLines {
			return nil, fmt.Errorf("%d: there are more than %d lines", line, maxKWBLines)
		}
		if len(f) == 1 {
			return nil, fmt.Errorf("%d: '%s' needs a value", line, f[0])
		}
		set := c.set
		if seen[f[0]] { // it is checked, and does not count
			set = new(kwbConfig).set
		}
		seen[f[0]] = true
		ok, err := c.step(f[0], f[1:], line)
		if !ok && err == nil {
			if err = set(f[0], f[1]); err == nil && len(f) > 2 {
				err = fmt.Errorf("'%s' has one value, and there is '%s'", f[0], f[2])
			}
		}
		if err != nil {
			return nil, fmt.Errorf("%d: %w", line, err)
		}
	}
	if c.version == 0 && c.csk >= 0 {
		return nil, fmt.Errorf("%d: only version 1 can be signed, and there is no VERSION 1", last)
	}
	if c.fuses && !seen["SEC_BOOT_DEV"] {
		return nil, fmt.Errorf("%d: SEC_FUSE_DUMP needs the line 'SEC_BOOT_DEV N' too: the device that a secured board boots from", last)
	}
	return c, nil
}

// kwbNumber reads a number of so many bits, in a base or, for 0, as in C.
func kwbNumber(text string, base, bits int) (uint64, error) {
	digits := text
	if base == 16 && len(text) > 2 && strings.EqualFold(text[:2], "0x") {
		digits = text[2:]
	}
	n, err := strconv.ParseUint(digits, base, bits)
	if err != nil {
		return 0, fmt.Errorf("'%s' is no number of %d bits", text, bits)
	}
	return n, nil
}

// step reads a line that adds a step. If it is another one, ok is false.
func (c *kwbConfig) step(name string, values []string, line int) (ok bool, err error) {
	s := kwbStep{line: line}
	var n uint64
	switch name {
	case "DATA":
		if len(values) != 2 {
			return true, errors.New("'DATA' has an address and a value")
		}
		if n, err = kwbNumber(values[0], 16, 32); err == nil {
			s.address = uint32(n)
			n, err = kwbNumber(values[1], 16, 32)
		}
	case "DATA_DELAY":
		s.isDelay = true
		if values[0] != "SDRAM_SETUP" {
			n, err = kwbNumber(values[0], 10, 8)
			n = max(n, 1)
		}
	case "BINARY":
		s.file = values[0]
		err = s.binary(values[1:])
	default:
		return false, nil
	}
	s.value = uint32(n)
	c.steps = append(c.steps, s)
	return true, err
}

// binary reads the arguments of a program.
func (s *kwbStep) binary(values []string) error {
	for i, v := range values {
		if v == "LOAD_ADDRESS" {
			if len(values) != i+2 {
				return errors.New("LOAD_ADDRESS has an address, and ends the line")
			}
			n, err := kwbNumber(values[i+1], 16, 32)
			s.address = uint32(n)
			return err
		}
		n, err := kwbNumber(v, 16, 32)
		if err != nil {
			return fmt.Errorf("argument %w", err)
		}
		if s.args = append(s.args, uint32(n)); len(s.args) >= maxKWBArgs {
			return fmt.Errorf("a program has at most %d arguments", maxKWBArgs-1)
		}
	}
	return nil
}

// set reads a value.
func (c *kwbConfig) set(name, value string) error {
	var n uint64
	var err error
	number := func(base, bits int) uint64 {
		if n, err = kwbNumber(value, base, bits); err != nil {
			err = fmt.Errorf("'%s': %w", name, err)
		}
		return n
	}
	word := func(what string, codes map[string]byte) byte {
		code, ok := codes[value]
		if !ok {
			err = fmt.Errorf("'%s' is no %s: %s", value, what, strings.Join(slices.Sorted(maps.Keys(codes)), ", "))
		}
		return code
	}
	switch name {
	case "VERSION":
		c.version = word("version", map[string]byte{"0": 0, "1": 1})
	case "BOOT_FROM":
		c.medium = word("medium", kwbMedia())
	case "CPU":
		c.sheeva = word("core", map[string]byte{"FEROCEON": 0, "SHEEVA": 1, "A9": 0}) == 1
	case "NAND_ECC_MODE":
		c.ecc = word("mode of the ECC", map[string]byte{"default": 0, "hamming": 1, "rs": 2, "disabled": 3})
	case "NAND_PAGE_SIZE":
		c.page = uint16(number(16, 16))
	case "NAND_BLKSZ":
		c.block = byte(number(16, 24) >> 16)
	case "NAND_BADBLK_LOCATION":
		c.badBlock = byte(number(16, 8))
	case "SATA_BLKSZ":
		c.sector = int64(number(0, 32))
		if err == nil && (n < 512 || n > 32<<10 || n&(n-1) != 0) {
			err = fmt.Errorf("'%s': a block of a disk is a power of 2 from 512 to 32768 bytes, not %s", name, value)
		}
	case "BAUDRATE":
		c.options |= word("baud rate", map[string]byte{"2400": 1, "4800": 2, "9600": 3, "19200": 4, "38400": 5, "57600": 6, "115200": 7})
	case "UART_PORT":
		c.options |= byte(number(16, 2)) << 3
	case "UART_MPP":
		c.options |= byte(number(16, 3)) << 5
	case "DEBUG":
		c.debug = number(10, 32) != 0
	case "CSK_INDEX":
		c.csk = int64(number(0, 4))
	case "KAK":
		c.kakName = value
	case "CSK":
		c.cskName = value
	case "JTAG_DELAY":
		c.jtagDelay = byte(number(0, 8))
	case "BOX_ID":
		c.boxID = uint32(number(0, 32))
	case "FLASH_ID":
		c.flashID = uint32(number(0, 32))
	case "SEC_BOOT_DEV":
		c.bootDevice = uint32(number(0, 8))
	case "SEC_COMMON_IMG":
	case "SEC_SPECIALIZED_IMG":
		c.specialized = true
	case "SEC_FUSE_DUMP":
		c.fuses = word("SoC", map[string]byte{"a38x": 1}) == 1
	default:
		err = fmt.Errorf("there is no '%s'", name)
	}
	return err
}
