// SPDX-License-Identifier: GPL-2.0-or-later

// Package uf2 reads and writes UF2 files, which boot loaders take as files on a USB
// drive: bytes at addresses, in blocks of the size that such drives have.
//
// A file is blocks of 512 bytes. Numbers are little-endian.
//
//	offset  size  block
//	     0     4  "UF2\n"
//	     4     4  57 51 5d 9e
//	     8     4  flags
//	    12     4  address of the data
//	    16     4  size of the data, at most 476 bytes
//	    20     4  number of the block, from 0
//	    24     4  how many blocks there are
//	    28     4  family of the processor if a flag says so, or the size of the file, or 0
//	    32   476  data, and zeros or what flags say
//	   508     4  30 6f b1 0a
//
//	flag
//	  0x0001  not for the main flash: to be skipped
//	  0x1000  the data is a part of a file with a name, not for an address
//	  0x2000  there is a family
//	  0x4000  the last 24 bytes of the data have the MD5 sum of a region of the flash
//	  0x8000  tags follow the data
//
// Files for several families may be joined to one; each has its own numbers.
//
// The format is Microsoft's, specified at https://github.com/microsoft/uf2; what it
// leaves open is as its uf2conv.py writes it.
package uf2

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"

	"binman/content"
	"binman/format/addressed"
)

// BlockSize is the size of a block in bytes.
const BlockSize = 512

const (
	dataAt   = 32
	dataSize = 476
	endAt    = dataAt + dataSize
	md5Size  = 24 // at the end of the data

	magic0   = 0x0a324655
	magic1   = 0x9e5d5157
	magicEnd = 0x0ab16f30

	flagNotMain   = 0x0001
	flagContainer = 0x1000
	flagFamily    = 0x2000
	flagMD5       = 0x4000
)

// File is what a file holds: a part for each family, in the order in which the first
// blocks of them come.
type File struct {
	Parts   []*Part
	Skipped int // blocks that are not for the main flash
}

// Part is what a file holds for a family.
type Part struct {
	addressed.File
	Family    uint32 // of processors
	HasFamily bool   // whether there is one

	total  uint32 // blocks, as they say themselves
	blocks []block
}

// block is where the data of a block is.
type block struct {
	addr   uint32
	size   uint32
	number uint32
	index  uint32 // of the block in the file
}

func (b block) end() int64 { return int64(b.addr) + int64(b.size) }

// String says for which family a part is.
func (p *Part) String() string {
	if !p.HasFamily {
		return "no family"
	}
	return fmt.Sprintf("family %#08x", p.Family)
}

// Detect reports whether r, of which size bytes may be read, starts with a block.
func Detect(r io.ReaderAt, size int64) bool {
	var raw [BlockSize]byte
	if size < BlockSize {
		return false
	}
	n, _ := r.ReadAt(raw[:], 0)
	return n == BlockSize && isBlock(raw[:])
}

func isBlock(raw []byte) bool {
	return word(raw, 0) == magic0 && word(raw, 4) == magic1 && word(raw, endAt) == magicEnd
}

// Parse reads a file. Of the data, nothing is held in memory: it is read from the file
// when it is needed.
func Parse(data content.Data) (*File, error) {
	if data.Len() > content.MaxBytes {
		return nil, fmt.Errorf("the UF2 file has %#x bytes, too many to read (at most %#x)", data.Len(), content.MaxBytes)
	}
	if data.Len() == 0 || data.Len()%BlockSize != 0 {
		return nil, fmt.Errorf("the UF2 file has %#x bytes, which are no blocks of %d", data.Len(), BlockSize)
	}
	p := parser{data: data, parts: map[uint64]*Part{}, skipped: map[uint32]int{}}
	in := data.NewReader()
	buf := make([]byte, 1<<16)
	for off := int64(0); off < data.Len(); {
		chunk := buf[:min(int64(len(buf)), data.Len()-off)]
		if _, err := io.ReadFull(in, chunk); err != nil {
			return nil, err
		}
		for raw := range slices.Chunk(chunk, BlockSize) {
			if err := p.block(raw, uint32(off/BlockSize)); err != nil {
				return nil, fmt.Errorf("block at offset %#x of the UF2 file: %w", off, err)
			}
			off += BlockSize
		}
	}
	for _, part := range p.file.Parts {
		if err := p.finish(part); err != nil {
			return nil, fmt.Errorf("UF2 file, %v: %w", part, err)
		}
	}
	return &p.file, nil
}

type parser struct {
	data    content.Data
	file    File
	parts   map[uint64]*Part // by family, 1<<32 for none
	skipped map[uint32]int   // blocks that are not for the main flash, by their numbers
}

// block reads a block.
func (p *parser) block(raw []byte, index uint32) error {
	if !isBlock(raw) {
		return errors.New("it does not start and end as a block does")
	}
	flags, total := word(raw, 8), word(raw, 24)
	b := block{addr: word(raw, 12), size: word(raw, 16), number: word(raw, 20), index: index}
	room := uint32(dataSize)
	if flags&flagMD5 != 0 {
		room -= md5Size
	}
	switch {
	case flags&flagContainer != 0:
		return errors.New("it has a part of a file with a name, which cannot be read: only data for addresses")
	case b.size > room:
		return fmt.Errorf("it has %#x bytes of data, and there is room for %#x", b.size, room)
	case b.number >= total:
		return fmt.Errorf("it has the number %d, and there are %d blocks", b.number, total)
	case b.end() > 1<<32 && flags&flagNotMain == 0:
		return fmt.Errorf("it has data beyond the last address of 32 bits, at %#x", b.addr)
	case flags&flagNotMain != 0:
		p.file.Skipped++
		p.skipped[b.number]++
		return nil
	case wakes(raw):
		p.file.Skipped++
		return nil
	}
	key := uint64(1 << 32)
	if flags&flagFamily != 0 {
		key = uint64(word(raw, 28))
	}
	part := p.parts[key]
	if part == nil {
		part = &Part{Family: uint32(key), HasFamily: key < 1<<32, total: total}
		p.parts[key] = part
		p.file.Parts = append(p.file.Parts, part)
	}
	if total != part.total {
		return fmt.Errorf("it says that there are %d blocks, others say %d", total, part.total)
	}
	part.blocks = append(part.blocks, b)
	return nil
}

// wakes says whether a block is what picotool puts in front of others for the RP2350,
// whose boot ROM needs a block for an address beyond the rest first (erratum E10). It is
// block 0 of 2, and there is no block 1.
func wakes(raw []byte) bool {
	const absolute = 0xe48bff57 // family
	return word(raw, 8)&flagFamily != 0 && word(raw, 28) == absolute && word(raw, 16) == payload &&
		word(raw, 20) == 0 && word(raw, 24) == 2 && bytes.Count(raw[dataAt:dataAt+payload], []byte{0xef}) == payload
}

// finish checks that all blocks of a part are there, and makes runs of them.
func (p *parser) finish(part *Part) error {
	if err := p.complete(part); err != nil {
		return err
	}
	part.blocks = slices.DeleteFunc(part.blocks, func(b block) bool { return b.size == 0 })
	slices.SortFunc(part.blocks, func(a, b block) int { return cmp.Compare(a.addr, b.addr) })
	for left := part.blocks; len(left) > 0; {
		n := 1
		for n < len(left) && left[n-1].end() == int64(left[n].addr) {
			n++
		}
		if n < len(left) && left[n-1].end() > int64(left[n].addr) {
			return fmt.Errorf("two blocks have the byte at address %#x", left[n].addr)
		}
		first := int64(left[0].addr)
		size := left[n-1].end() - first
		run := content.File(&reader{p.data, left[:n:n]}, "the UF2 file", 0, size)
		part.Runs = append(part.Runs, addressed.Piece{Addr: first, Data: run})
		left = left[n:]
	}
	return nil
}

// complete says whether each block of a part is there once. Those that are not for the
// main flash may be counted with them.
func (p *parser) complete(part *Part) error {
	numbers := make([]uint32, 0, len(part.blocks))
	for _, b := range part.blocks {
		numbers = append(numbers, b.number)
	}
	slices.Sort(numbers)
	for next := uint32(0); next < part.total; next++ {
		switch {
		case len(numbers) > 0 && numbers[0] == next:
			numbers = numbers[1:]
		case len(numbers) > 0 && numbers[0] < next:
			return fmt.Errorf("block %d is there twice", numbers[0])
		case p.skipped[next] > 0:
			p.skipped[next]--
		default:
			return fmt.Errorf("block %d of %d is missing", next, part.total)
		}
	}
	if len(numbers) > 0 {
		return fmt.Errorf("block %d is there twice", numbers[0])
	}
	return nil
}

// reader reads the data of blocks whose addresses follow each other.
type reader struct {
	data   content.Data
	blocks []block
}

// ReadAt implements io.ReaderAt for offsets from the address of the first block.
func (r *reader) ReadAt(p []byte, off int64) (int, error) {
	addr := int64(r.blocks[0].addr) + off
	i, _ := slices.BinarySearchFunc(r.blocks, addr, func(b block, addr int64) int {
		if b.end() <= addr {
			return -1
		}
		return 1
	})
	done := 0
	for ; i < len(r.blocks) && done < len(p); i++ {
		b := r.blocks[i]
		skip := addr + int64(done) - int64(b.addr)
		n := int(min(int64(len(p)-done), int64(b.size)-skip))
		if _, err := r.data.ReadAt(p[done:done+n], int64(b.index)*BlockSize+dataAt+skip); err != nil {
			return done, err
		}
		done += n
	}
	if done < len(p) {
		return done, io.EOF
	}
	return done, nil
}

// word reads a number of 32 bits.
func word(b []byte, off int) uint32 { return binary.LittleEndian.Uint32(b[off:]) }
