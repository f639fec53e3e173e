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
	"bytes"
	"cmp"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"

	"binman/content"
)

// Run is a run of bytes at consecutive addresses.
type Run struct {
	Addr uint32
	Data []byte
}

func (r Run) end() int64 { return int64(r.Addr) + int64(len(r.Data)) }

// File is what a file holds: runs in ascending order that neither overlap nor
// touch.
type File struct {
	Runs []Run
}

// Types of records.
const (
	typeData    = 0
	typeEnd     = 1
	typeSegment = 2
	typeStart16 = 3
	typeUpper   = 4
	typeStart32 = 5
)

// sizes are those of the data of records that have a fixed one, in bytes.
func sizes() map[byte]int {
	return map[byte]int{typeEnd: 0, typeSegment: 2, typeStart16: 4, typeUpper: 2, typeStart32: 4}
}

// Parse reads a file.
func Parse(text []byte) (*File, error) {
	p := parser{}
	number := 0
	for line := range bytes.Lines(text) {
		number++
		line = bytes.TrimRight(line, "\r\n")
		if len(line) == 0 {
			continue
		}
		if err := p.record(line); err != nil {
			return nil, fmt.Errorf("line %d of the HEX file: %w", number, err)
		}
		if p.ended {
			break
		}
	}
	return p.file()
}

type parser struct {
	base  uint32
	runs  []Run // as they come
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
	if n, fixed := sizes()[kind]; kind > typeStart32 || fixed && n != len(data) {
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
		return p.data(int64(p.base)+int64(offset), data)
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

// data takes the bytes of a record.
func (p *parser) data(addr int64, data []byte) error {
	if addr+int64(len(data)) > 1<<32 {
		return fmt.Errorf("it has data beyond the last address of 32 bits, at %#x", addr)
	}
	if n := len(p.runs); n > 0 && p.runs[n-1].end() == addr {
		p.runs[n-1].Data = append(p.runs[n-1].Data, data...)
	} else if len(data) > 0 {
		p.runs = append(p.runs, Run{uint32(addr), slices.Clone(data)})
	}
	return nil
}

// file puts the runs in order.
func (p *parser) file() (*File, error) {
	slices.SortStableFunc(p.runs, func(a, b Run) int { return cmp.Compare(a.Addr, b.Addr) })
	f := &File{}
	for _, r := range p.runs {
		n := len(f.Runs)
		switch {
		case n > 0 && f.Runs[n-1].end() > int64(r.Addr):
			return nil, fmt.Errorf("the HEX file has the byte at address %#x twice", r.Addr)
		case n > 0 && f.Runs[n-1].end() == int64(r.Addr):
			f.Runs[n-1].Data = append(f.Runs[n-1].Data, r.Data...)
		default:
			f.Runs = append(f.Runs, r)
		}
	}
	return f, nil
}

// Image returns the bytes from the lowest to the highest address. Holes hold the
// fill; they take no memory.
func (f *File) Image(fill byte) content.Data {
	var parts []content.Data
	end := int64(0)
	for i, r := range f.Runs {
		if i == 0 {
			end = int64(r.Addr)
		}
		parts = append(parts, content.Fill(fill, int64(r.Addr)-end), content.Bytes(r.Data))
		end = r.end()
	}
	return content.Join(parts...)
}
