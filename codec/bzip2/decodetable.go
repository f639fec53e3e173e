// SPDX-License-Identifier: GPL-2.0-or-later

package bzip2

import "encoding/binary"

// bitReader takes bits from a source, highest of each byte first. There are zeros behind its
// end, and at tells that they have been taken.
type bitReader struct {
	src  []byte
	pos  int    // of src, from where the next bits come
	bits uint64 // the next bits, from the highest down, zeros behind them
	n    int    // how many
}

// newBitReader returns a reader that begins at a bit.
func newBitReader(src []byte, at int64) bitReader {
	r := bitReader{src: src, pos: int(at / 8)}
	r.take(uint(at % 8))
	return r
}

// at returns where the next bit is.
func (r *bitReader) at() int64 { return int64(r.pos)*8 - int64(r.n) }

// fill has 56 bits ready, or more.
func (r *bitReader) fill() {
	if r.pos+8 <= len(r.src) {
		r.bits |= binary.BigEndian.Uint64(r.src[r.pos:]) >> r.n
		whole := (63 - r.n) / 8
		r.pos += whole
		r.n += whole * 8
		return
	}
	for r.n < 56 {
		if r.pos < len(r.src) {
			r.bits |= uint64(r.src[r.pos]) << (56 - r.n)
		}
		r.pos++
		r.n += 8
	}
}

// skip takes bits that are ready.
func (r *bitReader) skip(n uint) {
	r.bits <<= n
	r.n -= int(n)
}

// take returns the next bits, at most 32.
func (r *bitReader) take(n uint) uint64 {
	if r.n < int(n) {
		r.fill()
	}
	v := r.bits >> 32 >> (32 - n)
	r.skip(n)
	return v
}

const (
	longestCode = 20 // bits
	shortCode   = 10 // bits, of codes that one look finds
	maxSymbols  = 258
)

// decodeTable finds symbols by their codes: shorter codes first, codes of one length in the order
// of symbols.
type decodeTable struct {
	short [1 << shortCode]uint16 // symbol and length, by the next bits; 0 if longer
	// Of each length: the first code that is greater, followed by zeros; and what its place
	// in symbols is less its value.
	above   [longestCode + 1]uint32
	place   [longestCode + 1]int32
	symbols [maxSymbols]uint16
}

// lengthBits is for the length, in a number that has the symbol too.
const lengthBits = 5

// set makes the table that of codes with these lengths, each at least 1. There may be more codes
// than bits can tell: as in bzip2, the last ones are then never found.
func (t *decodeTable) set(lengths []uint8) {
	var count [longestCode + 1]int32
	for _, n := range lengths {
		count[n]++
	}
	var next [longestCode + 1]int32 // place of the next symbol
	code, at := uint32(0), int32(0)
	for n := 1; n <= longestCode; n++ {
		next[n] = at
		t.place[n] = at - int32(code)
		at += count[n]
		code += uint32(count[n])
		t.above[n] = code << (longestCode - n)
		code <<= 1
	}
	clear(t.short[:])
	for symbol, n := range lengths {
		code := int(next[n] - t.place[n])
		t.symbols[next[n]] = uint16(symbol)
		next[n]++
		if n > shortCode {
			continue
		}
		for i := range 1 << (shortCode - n) {
			if at := code<<(shortCode-n) + i; at < len(t.short) {
				t.short[at] = uint16(symbol)<<lengthBits | uint16(n)
			}
		}
	}
}

// long returns the symbol whose code, longer than shortCode, the next bits are, and its length:
// 0 if there is none.
func (t *decodeTable) long(bits uint64) (symbol, length uint) {
	code := uint32(bits >> (64 - longestCode))
	for n := uint(shortCode + 1); n <= longestCode; n++ {
		if code < t.above[n] {
			return uint(t.symbols[int32(code>>(longestCode-n))+t.place[n]]), n
		}
	}
	return 0, 0
}
