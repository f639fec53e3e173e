// SPDX-License-Identifier: GPL-2.0-or-later

package lz4

import (
	"encoding/binary"

	"binman/codec/internal/prefix"
	"binman/codec/internal/recent"
)

const (
	minMatch     = 4
	lastLiterals = 5   // the bytes at a block's end that must be literals
	matchMargin  = 12  // no match begins in these last bytes of a block
	longMatch    = 7   // bytes of a long match
	goodLength   = 7   // with what is left of a match this long in hand, do not look
	wholeLength  = 512 // no more than that of a longer match is remembered

	longPrime = 0x9e3779b185ebca87 // spreads the bytes of a long match over the hashes
)

// parser finds the cheapest sequences for a block. An offset costs two bytes
// whatever its distance, so for each position only the longest match counts;
// a backward pass then knows, for every position, the fewest bytes in which
// the rest of the block can be written.
type parser struct {
	short  recent.Table // of four bytes
	long   recent.Table // of longMatch bytes
	length []uint16     // of the match at a position, then what is taken of it; 0 for a literal
	offset []uint16
	cost   []uint32
}

// newParser returns a parser for blocks of up to size bytes: most payloads are
// far smaller than a block can be.
func newParser(size int) *parser {
	return &parser{
		length: make([]uint16, size),
		offset: make([]uint16, size),
		cost:   make([]uint32, size+1),
	}
}

// appendBlock appends block, of 1 to blockSize bytes, in compressed form.
func (p *parser) appendBlock(out, block []byte) []byte {
	p.findMatches(block)
	p.choose(block)

	literals := 0
	for i := 0; i < len(block); {
		n := int(p.length[i])
		if n == 0 {
			literals++
			i++
			continue
		}
		out = appendToken(out, block[i-literals:i], n-minMatch)
		out = binary.LittleEndian.AppendUint16(out, p.offset[i])
		out = appendExtension(out, n-minMatch)
		literals = 0
		i += n
	}
	return appendToken(out, block[len(block)-literals:], 0)
}

// appendToken appends a token and the literals after it; match is the match
// length less minMatch, of which the token holds the first 15.
func appendToken(out, literals []byte, match int) []byte {
	out = append(out, byte(min(len(literals), 15)<<4|min(match, 15)))
	out = appendExtension(out, len(literals))
	return append(out, literals...)
}

// appendExtension appends what of n the four bits in the token cannot hold.
func appendExtension(out []byte, n int) []byte {
	if n < 15 {
		return out
	}
	for n -= 15; n >= 255; n -= 255 {
		out = append(out, 255)
	}
	return append(out, byte(n))
}

// findMatches fills length and offset with the longest match of each position, among the
// last ones with its bytes. Long matches are remembered apart, so that few of each suffice.
func (p *parser) findMatches(block []byte) {
	clear(p.length[:len(block)])
	p.short.Reset()
	p.long.Reset()
	n := max(0, len(block)-matchMargin+1)
	length, offset := p.length[:n], p.offset[:n]
	var m found
	for i := 0; i < n; i++ {
		eight := binary.LittleEndian.Uint64(block[i:])
		short := p.short.Insert(i, recent.Hash4(uint32(eight)))
		long := p.long.Insert(i, uint32(eight<<(64-8*longMatch)*longPrime>>32))
		m.length = max(m.length-1, minMatch-1) // what is left of the previous position's match
		before := m.length
		if before < goodLength {
			data := block[:len(block)-lastLiterals]
			if long.Any() {
				m = longest(data, i, long, m)
			}
			if short.Any() && m.length < longMatch-1 {
				m = longest(data, i, short, m)
			}
		}
		if m.length < minMatch {
			continue
		}
		length[i], offset[i] = uint16(m.length), uint16(m.distance)
		if m.length > before {
			p.extend(block, i)
		}
		// Nothing within a long match, as in fill, is worth looking for but its end.
		for ; m.length > wholeLength && i+1 < n; i++ {
			m.length--
			length[i+1], offset[i+1] = uint16(m.length), uint16(m.distance)
		}
	}
}

// longest returns the longest match for position i, if there is one that is longer than m.
func longest(data []byte, i int, places recent.Places, m found) found {
	here := data[i:]
	for d := places.Next(); d != 0; d = places.Next() {
		if n := prefix.Common(data[i-d:], here); n > m.length {
			m = found{n, d}
		}
	}
	return m
}

// extend gives the match at position i to those before it whose bytes are the same, too.
func (p *parser) extend(block []byte, i int) {
	length, offset := p.length[i], p.offset[i]
	for i--; i >= int(offset) && block[i] == block[i-int(offset)] && p.length[i] <= length; i-- {
		length++
		p.length[i], p.offset[i] = length, offset
	}
}

// found is the longest match that has been found: its length, and how far back it is,
// in bytes.
type found struct{ length, distance int }

// choose makes length the cheapest way to write the block, from its end
// to its start. Writing less is never dearer, so a match is best taken whole
// or cut where its length needs one extension byte less.
func (p *parser) choose(block []byte) {
	n := len(block)
	lengths, costs := p.length[:n], p.cost[:n+1]
	costs[n] = 0
	run := uint32(0) // literals before the next match
	for i := n - 1; i >= 0; i-- {
		run++
		cost := costs[i+1] + 1
		if run >= 15 && (run-15)%255 == 0 {
			cost++
		}
		take := uint16(0)
		if length := lengths[i]; length > 0 {
			if c := costs[i+int(length)] + 3 + extension(uint32(length)-minMatch); c < cost {
				cost, run, take = c, 0, length
			}
			if length >= minMatch+15 {
				l := shorter(uint32(length))
				if c := costs[i+int(l)] + 3 + extension(l-minMatch); c < cost {
					cost, run, take = c, 0, uint16(l)
				}
			}
		}
		costs[i], lengths[i] = cost, take
	}
}

// extension returns the number of extension bytes that a length n needs.
func extension(n uint32) uint32 {
	if n < 15 {
		return 0
	}
	return 1 + (n-15)/255
}

// shorter returns the longest match length that needs one extension byte
// less than length does, or length itself if there is none.
func shorter(length uint32) uint32 {
	n := length - minMatch
	if n < 15 {
		return length
	}
	return n - (n-15)%255 - 1 + minMatch
}
