// SPDX-License-Identifier: GPL-2.0-or-later

// Package ihex reads and writes Intel HEX files: bytes at addresses, as text.
//
// A record is a line
//
//	:LLAAAATT…CC
//
// of hexadecimal digits: how many bytes of data it has, the low 16 bits of an
// address, a type, the data, and a byte that makes the sum of all zero.
//
//	type
//	  00  data
//	  01  end of the file
//	  02  segment: 16 bits, times 16 the base of the addresses that follow
//	  03  where to start, CS and IP
//	  04  upper 16 bits of the addresses that follow
//	  05  where to start, 32 bits
//
// The format is Intel's "Hexadecimal Object File Format Specification" of 1988.
// What the specification leaves open (what overlaps, what follows the end, how
// records are cut) is as in the Python module intelhex 2.3, which MCUboot's tools
// use.
package ihex

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io"

	"binman/content"
	"binman/format/addressed"
)

// Types of records.
const (
	typeData    = 0
	typeEnd     = 1
	typeSegment = 2
	typeStart16 = 3
	typeUpper   = 4
	typeStart32 = 5
)

// size returns the size of the data of records of a type that has a fixed one, in
// bytes, or -1.
func size(kind byte) int {
	switch kind {
	case typeEnd:
		return 0
	case typeSegment, typeUpper:
		return 2
	case typeStart16, typeStart32:
		return 4
	}
	return -1
}

// hexFile is what errors say.
const hexFile = "the HEX file"

// Detect reports whether the text in r, of which size bytes may be read, starts with a
// record.
func Detect(r io.ReaderAt, size int64) bool {
	return addressed.Detect(r, size, new(parser).record)
}

// Parse reads a file. It is read as it comes: only the data is held in memory.
func Parse(text content.Data) (*addressed.File, error) {
	p := parser{}
	err := addressed.Lines(text, hexFile, func(line []byte) (bool, error) {
		err := p.record(line)
		return !p.ended, err
	})
	if err != nil {
		return nil, err
	}
	return p.data.File(hexFile)
}

type parser struct {
	base  uint32
	data  addressed.Collector
	ended bool
	start bool      // there was a start address
	raw   [260]byte // of a record
}

// record reads one line.
func (p *parser) record(line []byte) error {
	if line[0] != ':' {
		return errors.New("it does not start with a colon")
	}
	n := hex.DecodedLen(len(line) - 1)
	if n > len(p.raw) {
		return errors.New("it is too long")
	}
	b := p.raw[:n]
	if _, err := hex.Decode(b, line[1:]); err != nil {
		return fmt.Errorf("it is not hexadecimal: %w", err)
	}
	if len(b) < 5 || len(b) != int(b[0])+5 {
		return errors.New("it does not have the length that it gives")
	}
	sum := byte(0)
	for _, c := range b {
		sum += c
	}
	if sum != 0 {
		return errors.New("its checksum is wrong")
	}
	offset, kind, data := uint16(b[1])<<8|uint16(b[2]), b[3], b[4:len(b)-1]
	if n := size(kind); kind > typeStart32 || n >= 0 && n != len(data) {
		return fmt.Errorf("a record of type %d with %d bytes is not known", kind, len(data))
	}
	if kind != typeData && kind != typeEnd && offset != 0 {
		return fmt.Errorf("a record of type %d has the address %#x, not 0", kind, offset)
	}
	return p.take(kind, offset, data)
}

func (p *parser) take(kind byte, offset uint16, data []byte) error {
	word := func() uint32 { return uint32(data[0])<<8 | uint32(data[1]) }
	switch kind {
	case typeData:
		return p.data.Add(int64(p.base)+int64(offset), data)
	case typeEnd:
		p.ended = true
	case typeSegment:
		p.base = word() << 4
	case typeUpper:
		p.base = word() << 16
	default:
		if p.start {
			return errors.New("the start address is given twice")
		}
		p.start = true
	}
	return nil
}
