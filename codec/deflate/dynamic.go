// SPDX-License-Identifier: GPL-2.0-or-later

package deflate

import "binman/codec/internal/huffman"

// dynamic is a code made for one block, and the description of it that goes
// in front of the symbols. RFC 1951, 3.2.7.
type dynamic struct {
	code
	numLiterals, numDistances int
	lengths                   []lengthSymbol // of both tables, run-length coded
	lengthCode                table
	numLengths                int
	headerBits                int
}

// lengthSymbol is a code length (0 to 15) or a repetition: 16 repeats the
// length before 3 to 6 times, 17 and 18 repeat 0 for 3 to 10 and 11 to 138.
type lengthSymbol struct {
	symbol int
	extra  uint32 // value of the extra bits
}

// lengthExtra is the number of extra bits of symbols 16 to 18.
var lengthExtra = [19]uint{16: 2, 17: 3, 18: 7}

// lengthOrder is the order in which the lengths of the code for lengths are
// listed.
var lengthOrder = [19]int{16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15}

func newDynamic(literals, distances []int) dynamic {
	lit := huffman.Lengths(literals, maxCodeLength)
	dist := huffman.Lengths(atLeastTwo(distances), maxCodeLength)
	d := dynamic{
		code:         code{newTable(lit), newTable(dist)},
		numLiterals:  used(lit, 257),
		numDistances: used(dist, 1),
	}
	all := append(lit[:d.numLiterals:d.numLiterals], dist[:d.numDistances]...)
	d.lengths = runLengths(all)
	freq := make([]int, len(lengthExtra))
	for _, l := range d.lengths {
		freq[l.symbol]++
	}
	d.lengthCode = newTable(huffman.Lengths(atLeastTwo(freq), 7))
	for i, symbol := range lengthOrder {
		if d.lengthCode.lengths[symbol] > 0 {
			d.numLengths = i + 1
		}
	}
	d.numLengths = max(d.numLengths, 4)
	d.headerBits = 5 + 5 + 4 + 3*d.numLengths
	for symbol, n := range freq {
		d.headerBits += n * (int(d.lengthCode.lengths[symbol]) + int(lengthExtra[symbol]))
	}
	return d
}

// atLeastTwo returns freq with two symbols used or more: some decoders take
// a code of one symbol for an incomplete one.
func atLeastTwo(freq []int) []int {
	n := 0
	for _, f := range freq {
		if f > 0 {
			n++
		}
	}
	if n >= 2 {
		return freq
	}
	freq = append([]int(nil), freq...)
	for symbol := 0; n < 2; symbol++ {
		if freq[symbol] == 0 {
			freq[symbol] = 1
			n++
		}
	}
	return freq
}

// used returns the number of lengths up to the last that is not 0, at least
// least.
func used(lengths []uint8, least int) int {
	n := len(lengths)
	for n > least && lengths[n-1] == 0 {
		n--
	}
	return n
}

// runLengths returns lengths with their repetitions folded.
func runLengths(lengths []uint8) []lengthSymbol {
	var out []lengthSymbol
	for len(lengths) > 0 {
		first := lengths[0]
		run := 1
		for run < len(lengths) && lengths[run] == first {
			run++
		}
		lengths = lengths[run:]
		if first == 0 {
			for ; run >= 11; run -= min(run, 138) {
				out = append(out, lengthSymbol{18, uint32(min(run, 138) - 11)})
			}
			if run >= 3 {
				out = append(out, lengthSymbol{17, uint32(run - 3)})
				run = 0
			}
		} else {
			out = append(out, lengthSymbol{int(first), 0})
			for run--; run >= 3; run -= min(run, 6) {
				out = append(out, lengthSymbol{16, uint32(min(run, 6) - 3)})
			}
		}
		for ; run > 0; run-- {
			out = append(out, lengthSymbol{int(first), 0})
		}
	}
	return out
}

func (d dynamic) writeHeader(w *bitWriter) {
	w.write(uint32(d.numLiterals-257), 5)
	w.write(uint32(d.numDistances-1), 5)
	w.write(uint32(d.numLengths-4), 4)
	for _, symbol := range lengthOrder[:d.numLengths] {
		w.write(uint32(d.lengthCode.lengths[symbol]), 3)
	}
	for _, l := range d.lengths {
		d.lengthCode.write(w, l.symbol)
		w.write(l.extra, lengthExtra[l.symbol])
	}
}

// bitWriter appends bits to out, lowest first.
type bitWriter struct {
	out  []byte
	bits uint64
	n    uint // number of bits held, below 32
}

// write appends the low n bits of v, at most 32; the rest of v must be 0.
func (w *bitWriter) write(v uint32, n uint) {
	w.bits |= uint64(v) << w.n
	if w.n += n; w.n >= 32 {
		b := uint32(w.bits)
		w.out = append(w.out, byte(b), byte(b>>8), byte(b>>16), byte(b>>24))
		w.bits >>= 32
		w.n -= 32
	}
}

// align fills the last byte with zero bits.
func (w *bitWriter) align() {
	for w.n > 0 {
		w.out = append(w.out, byte(w.bits))
		w.bits >>= 8
		w.n -= min(w.n, 8)
	}
	w.bits = 0
}
