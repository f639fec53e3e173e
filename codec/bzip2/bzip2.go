// SPDX-License-Identifier: GPL-2.0-or-later

// Package bzip2 writes and reads bzip2 files.
//
// A file is a row of bits, highest of each byte first:
//
//	bits  field
//	32    "BZh" and the block size in units of 100,000 bytes, "1" to "9"
//	…     blocks
//	48    0x177245385090, end of the stream
//	32    CRC of all: rotated left by one and xored with each block's CRC
//	…     padding to a byte
//
// and a block:
//
//	48    0x314159265359
//	32    CRC-32 of its data, highest bit first
//	1     0 (was: randomized)
//	24    row of the sorted rotations that is the block itself
//	16    which groups of 16 byte values occur; 16 bits for each that does
//	3     number of tables, 2 to 6
//	15    number of selectors, one for 50 symbols
//	…     selectors: which table, moved to front, in unary
//	…     tables: first length (5); for each symbol steps 10 (longer) or 11
//	      (shorter), then 0
//	…     symbols, each in the code of its group's table
//
// The data of a block, before that: a run of 4 to 255 equal bytes becomes
// four and a count of the rest; all rotations are sorted and the last byte of
// each taken (Burrows-Wheeler transform); each byte is replaced by its place
// in a list of recently used values; a run of n zeros is written as n in
// bijective base 2 (symbols 0 and 1), a place p as symbol p + 1, and one more
// symbol ends the block.
//
// There is no standard; the sources are the manual and the behaviour of
// bzip2 1.0.8 (https://sourceware.org/bzip2/) and "BZIP2: Format
// Specification" by Joe Tsai.
package bzip2

import (
	"io"
	"math/bits"
	"slices"

	"binman/codec/internal/blocks"
	"binman/codec/internal/flush"
)

const (
	blockMagic = 0x314159265359
	finalMagic = 0x177245385090
	// blockSize is how much a block holds after the runs are shortened. As in
	// bzip2 -9, it stays 19 below 900,000.
	blockSize = 900_000 - 19
)

// Encode returns src as a bzip2 file with blocks of 900 kB. The bytes depend
// on src only.
func Encode(src []byte) []byte {
	out, _ := flush.Bytes(src, EncodeTo) // only a writer fails
	return out
}

// part is what a block has become.
type part struct {
	bits bitWriter
	sum  uint32
}

// EncodeTo is like Encode, and writes the file. An error is one of to or src.
func EncodeTo(to io.Writer, src *io.SectionReader) error {
	w := bitWriter{out: []byte("BZh9")}
	var sum uint32
	starts, err := split(src)
	if err != nil {
		return err
	}
	err = blocks.Each(len(starts)-1, func() *encoder { return new(encoder) }, func(e *encoder, i int, old part) (part, error) {
		return e.encode(io.NewSectionReader(src, starts[i], starts[i+1]-starts[i]), old.bits.out[:0])
	}, func(_ int, p part) (err error) {
		sum = bits.RotateLeft32(sum, 1) ^ p.sum
		w.append(p.bits)
		w.out, err = flush.IfFull(to, w.out)
		return err
	})
	if err != nil {
		return err
	}
	w.write(finalMagic, 48)
	w.write(uint64(sum), 32)
	w.align()
	_, err = to.Write(w.out)
	return err
}

// split returns where the blocks of src begin, and its end.
func split(src *io.SectionReader) ([]int64, error) {
	var r runs
	r.reset(src)
	starts := []int64{0}
	block := make([]byte, 0, blockRoom(src))
	for at := int64(0); at < src.Size(); starts = append(starts, at) {
		var n int64
		var err error
		if block, n, err = r.block(block[:0], func([]byte) {}); err != nil {
			return nil, err
		}
		at += n
	}
	return starts, nil
}

// blockRoom returns how long the next block of src can be.
func blockRoom(src *io.SectionReader) int { return int(min(src.Size()+src.Size()/4, blockSize)) + 5 }

// encoder makes blocks, one after the other.
type encoder struct {
	runs
	sorter  suffixSorter
	data    []byte // of a block, then what transform makes of it
	word    []byte // see transform
	symbols []uint16
}

// encode makes src a block, and appends it to out.
func (e *encoder) encode(src *io.SectionReader, out []byte) (part, error) {
	e.reset(src)
	e.data = slices.Grow(e.data[:0], blockRoom(src))
	crc := ^uint32(0)
	var err error
	if e.data, _, err = e.block(e.data[:0], func(piece []byte) { crc = checksum(crc, piece) }); err != nil {
		return part{}, err
	}
	sum := ^crc
	p := part{bitWriter{out: slices.Grow(out, len(e.data)/3)}, sum}
	e.writeBlock(&p.bits, sum)
	return p, nil
}

func (e *encoder) writeBlock(w *bitWriter, crc uint32) {
	row := e.transform()
	used := e.moveToFront()
	w.write(blockMagic, 48)
	w.write(uint64(crc), 32)
	w.write(0, 1)
	w.write(uint64(row), 24)

	var groups, members uint64
	for value, ok := range used {
		if ok {
			groups |= 1 << (15 - value/16)
		}
	}
	w.write(groups, 16)
	for group := range 16 {
		members = 0
		for i, ok := range used[group*16 : group*16+16] {
			if ok {
				members |= 1 << (15 - i)
			}
		}
		if members != 0 {
			w.write(members, 16)
		}
	}
	writeSymbols(w, e.symbols)
}

// bitWriter appends bits to out, highest first.
type bitWriter struct {
	out  []byte
	bits uint64
	n    uint // number of bits held, below 8
}

// write appends the low n bits of v, at most 56; the rest of v must be 0.
func (w *bitWriter) write(v uint64, n uint) {
	w.bits = w.bits<<n | v
	for w.n += n; w.n >= 8; {
		w.n -= 8
		w.out = append(w.out, byte(w.bits>>w.n))
	}
}

// append appends what another writer holds.
func (w *bitWriter) append(other bitWriter) {
	if w.n == 0 {
		w.out = append(w.out, other.out...)
	} else {
		for _, b := range other.out {
			w.write(uint64(b), 8)
		}
	}
	w.write(other.bits&(1<<other.n-1), other.n)
}

// align fills the last byte with zero bits.
func (w *bitWriter) align() {
	if w.n > 0 {
		w.write(0, 8-w.n)
	}
}
