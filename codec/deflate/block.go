// SPDX-License-Identifier: GPL-2.0-or-later

package deflate

import (
	"math/bits"

	"binman/codec/internal/huffman"
)

const (
	endOfBlock    = 256
	literalCodes  = 286
	distanceCodes = 30
	maxStored     = 65535
	maxCodeLength = 15
	// blockSymbols is the number of symbols after which a block is written.
	blockSymbols = 16 << 10
)

// token is a literal (below 256) or a match: its length in the upper bits,
// its distance less one in the lower 15.
type token uint32

const matchToken token = 1 << 31

// block collects the symbols of a block and writes it.
type block struct {
	tokens    []token
	literals  []int // how often each literal or length code occurs
	distances []int // how often each distance code occurs
}

func newBlock() *block {
	return &block{
		tokens:    make([]token, 0, blockSymbols),
		literals:  make([]int, literalCodes),
		distances: make([]int, distanceCodes),
	}
}

func (b *block) full() bool { return len(b.tokens) == blockSymbols }

func (b *block) addLiteral(c byte) {
	b.tokens = append(b.tokens, token(c))
	b.literals[c]++
}

func (b *block) addMatch(length, distance int) {
	b.tokens = append(b.tokens, matchToken|token(length)<<15|token(distance-1))
	code, _, _ := lengthCode(length)
	b.literals[code]++
	code, _, _ = distanceCode(distance)
	b.distances[code]++
}

// lengthCode returns the code of a match length, its number of extra bits and
// their value. RFC 1951, 3.2.5: from 3 on, four codes share each number of
// extra bits, but length 258 has a code of its own.
func lengthCode(length int) (code int, extra uint, value uint32) {
	if length == maxMatch {
		return 285, 0, 0
	}
	n := uint32(length - minMatch)
	if n < 4 {
		return 257 + int(n), 0, 0
	}
	extra = uint(bits.Len32(n)) - 3
	return 257 + int(extra)*4 + int(n>>extra), extra, n & (1<<extra - 1)
}

// distanceCode returns the same for a distance; here two codes share each
// number of extra bits.
func distanceCode(distance int) (code int, extra uint, value uint32) {
	n := uint32(distance - 1)
	if n < 2 {
		return int(n), 0, 0
	}
	extra = uint(bits.Len32(n)) - 2
	return int(extra)*2 + int(n>>extra), extra, n & (1<<extra - 1)
}

// write writes the block, which stands for data, in whichever form is the
// smallest, and empties it.
func (b *block) write(w *bitWriter, data []byte, final bool) {
	b.literals[endOfBlock] = 1
	last := uint32(0)
	if final {
		last = 1
	}
	dynamic := newDynamic(b.literals, b.distances)
	fixed := fixedCode()
	dynamicBits := dynamic.headerBits + dynamic.bits(b)
	fixedBits := fixed.bits(b)
	switch storedBits := 8*len(data) + 40*(1+len(data)/maxStored); {
	case storedBits < min(dynamicBits, fixedBits):
		writeStored(w, data, last)
	case fixedBits <= dynamicBits:
		w.write(last|1<<1, 3)
		b.writeTokens(w, fixed)
	default:
		w.write(last|2<<1, 3)
		dynamic.writeHeader(w)
		b.writeTokens(w, dynamic.code)
	}
	b.tokens = b.tokens[:0]
	clear(b.literals)
	clear(b.distances)
}

func writeStored(w *bitWriter, data []byte, last uint32) {
	for {
		part := data[:min(len(data), maxStored)]
		data = data[len(part):]
		if len(data) > 0 {
			w.write(0, 3)
		} else {
			w.write(last, 3)
		}
		w.align()
		n := uint16(len(part))
		w.out = append(w.out, byte(n), byte(n>>8), byte(^n), byte(^n>>8))
		w.out = append(w.out, part...)
		if len(data) == 0 {
			return
		}
	}
}

func (b *block) writeTokens(w *bitWriter, c code) {
	for _, t := range b.tokens {
		if t&matchToken == 0 {
			c.literals.write(w, int(t))
			continue
		}
		symbol, extra, value := lengthCode(int(t &^ matchToken >> 15))
		c.literals.write(w, symbol)
		w.write(value, extra)
		symbol, extra, value = distanceCode(int(t&(1<<15-1)) + 1)
		c.distances.write(w, symbol)
		w.write(value, extra)
	}
	c.literals.write(w, endOfBlock)
}

// table is a prefix code: lengths in bits, and the codes with their first bit
// lowest, ready for writing.
type table struct {
	lengths []uint8
	codes   []uint32
}

func newTable(lengths []uint8) table {
	codes := huffman.Codes(lengths)
	for i, n := range lengths {
		codes[i] = bits.Reverse32(codes[i]) >> (32 - n)
	}
	return table{lengths, codes}
}

func (t table) write(w *bitWriter, symbol int) {
	w.write(t.codes[symbol], uint(t.lengths[symbol]))
}

// code is the pair of tables for a block's symbols.
type code struct {
	literals, distances table
}

// bits returns the size of b's symbols in this code.
func (c code) bits(b *block) int {
	total := 0
	for symbol, n := range b.literals {
		extra := 0
		if symbol > 264 && symbol < 285 {
			extra = (symbol - 261) / 4
		}
		total += n * (int(c.literals.lengths[symbol]) + extra)
	}
	for symbol, n := range b.distances {
		extra := max(0, symbol/2-1)
		total += n * (int(c.distances.lengths[symbol]) + extra)
	}
	return total
}

// fixedCode returns the code of type 1 blocks. RFC 1951, 3.2.6.
func fixedCode() code {
	literals := make([]uint8, 288)
	for i := range literals {
		switch {
		case i < 144:
			literals[i] = 8
		case i < 256:
			literals[i] = 9
		case i < 280:
			literals[i] = 7
		default:
			literals[i] = 8
		}
	}
	distances := make([]uint8, distanceCodes)
	for i := range distances {
		distances[i] = 5
	}
	return code{newTable(literals), newTable(distances)}
}
