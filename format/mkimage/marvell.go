// SPDX-License-Identifier: GPL-2.0-or-later

package mkimage

import (
	"encoding/binary"
	"errors"
	"fmt"

	"binman/content"
	"binman/internal/binfmt"
)

// Sizes of what the boot ROMs of Marvell read, in bytes.
const (
	kwbMain      = 32         // main header
	kwbExtension = 0x1e0      // registers in version 0
	kwbRegisters = 55         // how many of them there is room for
	kwbMaxHeader = 192 << 10  // what a boot ROM reads of a header
	kwbOptional  = 4          // start of an optional header in version 1: type, size
	kwbBase      = 0x40000000 // where the ROM loads a header to
	kwbSheeva    = 0x40004000 // the same on those with Sheeva cores
)

// Types of optional headers in version 1.
const (
	kwbTypeSecure = iota + 1
	kwbTypeBinary
	kwbTypeRegister
)

// kwbMedia are the media that are booted from, by the name in configurations.
func kwbMedia() map[string]byte {
	return map[string]byte{"i2c": 0x4d, "spi": 0x5a, "uart": 0x69, "sata": 0x78, "nand": 0x8b, "pex": 0x9c, "sdio": 0xae}
}

// makeMarvell makes an image for boot ROMs of Marvell: Kirkwood and Dove (version 0),
// Armada 370 to 39x (version 1). The option -n names a configuration, see parseKWB.
// There are a header, up to a multiple of what the medium is read in, the program up to
// a multiple of 4 bytes, the sum of its words, and zeros up to the end of a block.
// Numbers are little-endian. Both versions start with the main header:
//
//	offset  size  main header
//	     0     1  medium: see kwbMedia
//	     1     1  version 0: ECC of NAND flash; 1: bit 0 shows what the ROM does
//	     2     2  size of a page of NAND flash
//	     4     4  size of the program, with its sum
//	     8     1  version
//	     9     3  version 1: size of all headers; its highest byte comes first
//	    12     4  offset of the program; in blocks for SATA; 0xffffffff for PCIe
//	    16     4  load address; 0xffffffff: the program runs where it is
//	    20     4  entry point
//	    24     1  version 1: bits 0-2 baud rate, 3-4 UART, 5-7 its pins
//	    25     1  size of a block of NAND flash, in 64 KiB
//	    26     1  page of a block that tells whether it is bad
//	    30     1  version 0: number of extension headers; 1: an optional header follows
//	    31     1  sum of the bytes of this header; version 1: of all headers
//
//	offset  size  extension header of version 0
//	     0     4  0x40: offset of the registers in the image
//	    32     8  address of a register and its value, up to 55 times
//	   479     1  sum of the bytes before it
//
//	offset  size  optional header of version 1
//	     0     1  type: 1 secure, 2 program that runs before the main one, 3 registers
//	     1     3  size; its highest byte comes first
//	     4        type 1: see kwbSecure
//	     4     4  type 2: number of arguments, which follow, then the program up to a
//	              multiple of 4 bytes
//	     4     8  type 3: address of a register and its value, and so on
//	    -4     1  behind that: whether another header follows
//	    -3     1  type 3: milliseconds to wait, 0 to set up the memory
//
// On Sheeva cores a program of type 2 starts at a multiple of 16 bytes; arguments of 0
// fill what that takes, and what its load address does.
func makeMarvell(p Params, in Inputs) (content.Data, error) {
	text, err := in.config(p)
	if err != nil {
		return content.Data{}, err
	}
	c, err := parseKWB(string(text))
	if err != nil {
		return content.Data{}, fmt.Errorf("%s:%w", p.Name, err)
	}
	var program content.Data
	if len(in.Files) > 0 {
		program = in.Files[0]
	}
	data := padTo(program, 4)
	h := kwbHeader{kwbConfig: c, bytes: make([]byte, kwbMain), next: 30}
	if c.version == 0 {
		err = h.extend()
	} else {
		err = h.optional(in)
	}
	if err != nil {
		return content.Data{}, fmt.Errorf("%s:%w", p.Name, err)
	}
	if len(h.bytes) > kwbMaxHeader {
		return content.Data{}, fmt.Errorf("the header has %#x bytes, and boot ROMs read %#x", len(h.bytes), kwbMaxHeader)
	}
	dataAt := binfmt.Align(int64(len(h.bytes)), c.headerAlign())
	if err := h.main(p, uint32(dataAt), uint32(data.Len())+4); err != nil {
		return content.Data{}, err
	}
	if h.secure > 0 {
		if err := h.sign(in, data); err != nil {
			return content.Data{}, err
		}
	}
	sums := h.bytes
	if c.version == 0 {
		sums = sums[:kwbMain]
	}
	var headerSum byteSum
	headerSum.Write(sums)
	h.bytes[31] = byte(headerSum)
	var sum wordSum
	if _, err := data.WriteTo(&sum); err != nil {
		return content.Data{}, err
	}
	// The end of a block is counted from the program as it is.
	total := binfmt.Align(dataAt+program.Len()+4, c.imageAlign())
	return content.Join(
		padTo(content.Bytes(h.bytes), c.headerAlign()), data, content.Bytes(binary.LittleEndian.AppendUint32(nil, sum.sum)),
		content.Fill(0, total-dataAt-data.Len()-4),
	), nil
}

// wordSum adds up the little-endian words that are written to it.
type wordSum struct {
	sum  uint32
	part int // bytes of the last word
}

func (s *wordSum) Write(p []byte) (int, error) {
	for i := 0; i < len(p); {
		if s.part == 0 && len(p)-i >= 4 {
			s.sum += binary.LittleEndian.Uint32(p[i:])
			i += 4
			continue
		}
		s.sum += uint32(p[i]) << (8 * s.part)
		s.part = (s.part + 1) % 4
		i++
	}
	return len(p), nil
}

// kwbHeader is all of a header, as it grows.
type kwbHeader struct {
	*kwbConfig
	bytes  []byte
	next   int // offset of the byte that says whether another header follows
	secure int // offset of the secure header, or 0
}

// main writes the main header, but for its sum.
func (h *kwbHeader) main(p Params, dataAt, size uint32) error {
	c, b := h.kwbConfig, h.bytes
	source, load, entry := dataAt, p.Load, p.Entry
	switch {
	case c.medium == kwbMedia()["sata"]:
		source /= uint32(c.sector)
	case c.medium == kwbMedia()["pex"]:
		source = 0xffffffff
	}
	if p.XIP {
		start, err := c.flash(p)
		if err != nil {
			return err
		}
		if start != 0 && p.Load-start != dataAt {
			return fmt.Errorf("the load address (-a) is %#x, and the program stands at %#x", p.Load, start+dataAt)
		}
		load = 0xffffffff
		if entry -= start; start == 0 {
			entry += dataAt
		}
	}
	b[0] = c.medium
	binary.LittleEndian.PutUint16(b[2:], c.page)
	b[8] = c.version
	words(b, map[int]uint32{4: size, 12: source, 16: load, 20: entry})
	b[25], b[26] = c.block, c.badBlock
	if c.version == 0 {
		b[1] = c.ecc
		return nil
	}
	putKWBSize(b[8:], len(b))
	b[24] = c.options
	if c.debug {
		b[1] = 1
	}
	return nil
}

// flash returns the address of the flash memory that a program runs in, or 0 if it runs
// anywhere.
func (c *kwbConfig) flash(p Params) (uint32, error) {
	if c.medium != kwbMedia()["spi"] {
		return 0, errors.New("-x is for programs in SPI flash: BOOT_FROM spi")
	}
	windows := [][2]uint32{{0xd4000000, 0xd8000000}, {0xd8000000, 0xe0000000}}
	if c.version == 0 {
		windows = [][2]uint32{{0xe8000000, 0xf0000000}}
	}
	for _, w := range windows {
		if p.Load >= w[0] && p.Load < w[1]-1 && p.Entry >= w[0] && p.Entry < w[1]-1 {
			return w[0], nil
		}
	}
	if p.Load != 0 {
		return 0, fmt.Errorf("with -x, load address (-a) %#x and entry point (-e) %#x have to be in the flash memory, from %#x, or -a 0 says that the program runs anywhere", p.Load, p.Entry, windows[0][0])
	}
	return 0, nil
}

// extend adds the extension header of version 0 if there are registers to set.
func (h *kwbHeader) extend() error {
	var list []kwbStep
	for _, s := range h.steps {
		if s.file != "" || s.isDelay {
			return fmt.Errorf("%d: only version 1 runs programs and waits", s.line)
		}
		list = append(list, s)
	}
	if len(list) == 0 {
		return nil
	}
	if len(list) > kwbRegisters {
		return fmt.Errorf("%d: there are more than %d registers", list[kwbRegisters].line, kwbRegisters)
	}
	b := make([]byte, kwbExtension)
	words(b, map[int]uint32{0: 0x40})
	for i, s := range list {
		words(b, map[int]uint32{32 + 8*i: s.address, 36 + 8*i: s.value})
	}
	var sum byteSum
	sum.Write(b)
	b[kwbExtension-1] = byte(sum)
	h.bytes[h.next] = 1
	h.bytes = append(h.bytes, b...)
	return nil
}

// optional adds the optional headers of version 1.
func (h *kwbHeader) optional(in Inputs) error {
	if h.csk >= 0 {
		h.secure = len(h.bytes)
		h.add(kwbTypeSecure, make([]byte, kwbSecureSize-kwbOptional-4), 0)
	}
	var registers []byte
	flush := func(delay byte) {
		h.add(kwbTypeRegister, registers, delay)
		registers = nil
	}
	for _, s := range h.steps {
		switch {
		case s.isDelay:
			flush(byte(s.value))
		case s.file == "":
			registers = binary.LittleEndian.AppendUint32(registers, s.address)
			registers = binary.LittleEndian.AppendUint32(registers, s.value)
		default:
			if len(registers) > 0 {
				flush(1)
			}
			if err := h.program(s, in); err != nil {
				return fmt.Errorf("%d: %w", s.line, err)
			}
		}
	}
	if len(registers) > 0 {
		flush(1)
	}
	if h.medium == kwbMedia()["uart"] { // the ROM reads whole blocks of XMODEM, and no more
		h.bytes = append(h.bytes, make([]byte, binfmt.Align(int64(len(h.bytes)), 128)-int64(len(h.bytes)))...)
	}
	return nil
}

// add adds an optional header.
func (h *kwbHeader) add(kind byte, b []byte, delay byte) {
	start := len(h.bytes)
	h.bytes[h.next] = 1
	h.bytes = append(h.bytes, kind, 0, 0, 0)
	h.bytes = append(h.bytes, b...)
	h.next = len(h.bytes)
	h.bytes = append(h.bytes, 0, delay, 0, 0)
	putKWBSize(h.bytes[start:], len(h.bytes)-start)
}

// putKWBSize writes a size of 24 bits behind the first byte.
func putKWBSize(b []byte, size int) {
	b[1] = byte(size >> 16)
	binary.LittleEndian.PutUint16(b[2:], uint16(size))
}

// program adds a program that runs before the main one.
func (h *kwbHeader) program(s kwbStep, in Inputs) error {
	d, err := in.open(s.file)
	if err != nil {
		return err
	}
	if d.Len() == 0 || d.Len() > kwbMaxHeader {
		return fmt.Errorf("program '%s' has %#x bytes: boot ROMs read headers of %#x", s.file, d.Len(), kwbMaxHeader)
	}
	base, align := uint32(kwbBase), 4
	if h.sheeva {
		base, align = kwbSheeva, 16
	}
	args := s.args
	low := len(h.bytes) + kwbOptional + 4 + 4*len(args)
	fill := int(binfmt.Align(int64(low), int64(align))) - low
	if s.address != 0 {
		first, last := base+uint32(low), base+uint32(low)+4*uint32(maxKWBArgs-len(args))
		if s.address%uint32(align) != 0 || s.address < first || s.address > last {
			return fmt.Errorf("LOAD_ADDRESS %#x of '%s' has to be a multiple of %d from %#x to %#x", s.address, s.file, align, first, last)
		}
		fill = int(s.address - first)
	}
	args = append(args[:len(args):len(args)], make([]uint32, fill/4)...)
	body := binary.LittleEndian.AppendUint32(nil, uint32(len(args)))
	for _, a := range args {
		body = binary.LittleEndian.AppendUint32(body, a)
	}
	code, err := padTo(d, 4).Bytes()
	if err != nil {
		return err
	}
	h.add(kwbTypeBinary, append(body, code...), 0)
	return nil
}
