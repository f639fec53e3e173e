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

	"binman/codec/internal/blocks"
	"binman/codec/internal/flush"
)

const (
	blockMagic = 0x314159265359
	finalMagic = 0x177245385090
	// blockSize is how much a block holds after the runs are shortened. As in
	// bzip2 -9, it stays 19 below 900,000.
	blockSize = 900_000 - 19
	maxRun    = 255
)

// Encode returns src as a bzip2 file with blocks of 900 kB. The bytes depend
// on src only.
func Encode(src []byte) []byte {
	out, _ := flush.Bytes(src, EncodeTo) // only a writer fails
	return out
}

// EncodeTo is like Encode, and writes the file. An error is one of to.
func EncodeTo(to io.Writer, src []byte) error {
	w := bitWriter{out: []byte("BZh9")}
	var sum uint32
	list := split(src)
	err := blocks.Each(len(list), func() []byte {
		return make([]byte, 0, min(len(src)+len(src)/4, blockSize)+5)
	}, func(buf []byte, i int, old bitWriter) bitWriter {
		buf, _ = shortenRuns(buf[:0], list[i])
		part := bitWriter{out: old.out[:0]}
		writeBlock(&part, buf, checksum(list[i]))
		return part
	}, func(i int, part bitWriter) (err error) {
		sum = bits.RotateLeft32(sum, 1) ^ checksum(list[i])
		w.append(part)
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

// split returns the parts of src that are blocks.
func split(src []byte) [][]byte {
	var list [][]byte
	buf := make([]byte, 0, min(len(src)+len(src)/4, blockSize)+5)
	for len(src) > 0 {
		_, used := shortenRuns(buf[:0], src)
		list = append(list, src[:used])
		src = src[used:]
	}
	return list
}

// shortenRuns appends the start of src to dst, runs shortened, until dst holds
// a block, and returns it and the number of bytes used.
func shortenRuns(dst, src []byte) (block []byte, used int) {
	for used < len(src) && len(dst) < blockSize {
		c := src[used]
		run := 1
		for run < maxRun && used+run < len(src) && src[used+run] == c {
			run++
		}
		used += run
		for range min(run, 4) {
			dst = append(dst, c)
		}
		if run >= 4 {
			dst = append(dst, byte(run-4))
		}
	}
	return dst, used
}

// crcTable is for CRC-32 with the polynomial 0x04c11db7, highest bit first.
var crcTable = func() (table [256]uint32) {
	for i := range table {
		crc := uint32(i) << 24
		for range 8 {
			top := crc >> 31
			crc = crc<<1 ^ top*0x04c11db7
		}
		table[i] = crc
	}
	return table
}()

func checksum(b []byte) uint32 {
	crc := ^uint32(0)
	for _, c := range b {
		crc = crc<<8 ^ crcTable[byte(crc>>24)^c]
	}
	return ^crc
}

func writeBlock(w *bitWriter, block []byte, crc uint32) {
	last, row := transform(block)
	symbols, used := moveToFront(last)
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
	writeSymbols(w, symbols)
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
