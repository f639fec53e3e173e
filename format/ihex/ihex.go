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
	"bufio"
	"bytes"
	"cmp"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"

	"binman/content"
)

// Run is a run of bytes at consecutive addresses.
type Run struct {
	Addr uint32
	Data content.Data
}

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

// Parse reads a file. It is read as it comes: only the data is held in memory.
func Parse(text content.Data) (*File, error) {
	if text.Len() > content.MaxBytes {
		return nil, fmt.Errorf("the HEX file has %#x bytes, too many to read (at most %#x)", text.Len(), content.MaxBytes)
	}
	p := parser{}
	in := bufio.NewReaderSize(text.NewReader(), 1<<16)
	for number := 1; !p.ended; number++ {
		line, err := in.ReadSlice('\n')
		if err != nil && err != io.EOF && err != bufio.ErrBufferFull {
			return nil, err
		}
		if line := bytes.TrimRight(line, "\r\n"); len(line) > 0 {
			if err := p.record(line); err != nil {
				return nil, fmt.Errorf("line %d of the HEX file: %w", number, err)
			}
		}
		if err == io.EOF {
			break
		}
	}
	return p.file()
}

// blockSize is how much memory is asked for at once, in bytes.
const blockSize = 1 << 18

type parser struct {
	base  uint32
	spans []span // as they come
	block []byte // where the data of records goes, one after the other
	ended bool
	start bool      // there was a start address
	raw   [260]byte // of a record
}

// span is a part of a block, for consecutive addresses.
type span struct {
	addr uint32
	data []byte
}

func (s span) end() int64 { return int64(s.addr) + int64(len(s.data)) }

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
	if len(data) == 0 {
		return nil
	}
	fits := len(data) <= cap(p.block)-len(p.block)
	if !fits {
		p.block = make([]byte, 0, blockSize)
	}
	at := len(p.block)
	p.block = append(p.block, data...)
	if n := len(p.spans); fits && n > 0 && p.spans[n-1].end() == addr {
		last := &p.spans[n-1] // it ends where the block did
		last.data = p.block[at-len(last.data):]
	} else {
		p.spans = append(p.spans, span{uint32(addr), p.block[at:]})
	}
	return nil
}

// file puts the spans in order, and joins those that touch.
func (p *parser) file() (*File, error) {
	slices.SortStableFunc(p.spans, func(a, b span) int { return cmp.Compare(a.addr, b.addr) })
	f := &File{}
	for left := p.spans; len(left) > 0; {
		var data content.Builder
		n := 0
		for n == 0 || n < len(left) && left[n-1].end() == int64(left[n].addr) {
			data.Bytes(left[n].data)
			n++
		}
		if n < len(left) && left[n-1].end() > int64(left[n].addr) {
			return nil, fmt.Errorf("the HEX file has the byte at address %#x twice", left[n].addr)
		}
		f.Runs = append(f.Runs, Run{left[0].addr, data.Data()})
		left = left[n:]
	}
	return f, nil
}

// Image returns the bytes from the lowest to the highest address. Holes hold the
// fill; they take no memory.
func (f *File) Image(fill byte) content.Data {
	var image content.Builder
	for _, r := range f.Runs {
		image.PadTo(int64(r.Addr)-int64(f.Runs[0].Addr), fill)
		image.Add(r.Data)
	}
	return image.Data()
}
