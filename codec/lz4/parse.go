// SPDX-License-Identifier: GPL-2.0-or-later

package lz4

import (
	"encoding/binary"

	"binman/codec/internal/prefix"
)

const (
	minMatch     = 4
	lastLiterals = 5  // the bytes at a block's end that must be literals
	matchMargin  = 12 // no match begins in these last bytes of a block
	hashBits     = 15
	longMatch    = 7   // bytes of a long match
	longDepth    = 8   // candidates for a long match looked at for an even position
	betterDepth  = 4   // if there is a long one already
	shortDepth   = 8   // candidates for a short match
	oddDepth     = 4   // the same for an odd position, which is not asked for long ones
	goodLength   = 16  // with what is left of a match this long in hand, do not look
	niceLength   = 128 // look for no longer one

	// What spreads the bytes of a short and of a long match over the hashes.
	shortPrime = 2654435761
	longPrime  = 0x9e3779b185ebca87
)

// parser finds the cheapest sequences for a block. An offset costs two bytes
// whatever its distance, so for each position only the longest match counts;
// a backward pass then knows, for every position, the fewest bytes in which
// the rest of the block can be written.
type parser struct {
	short  chain    // of four bytes
	long   chain    // of longMatch bytes
	length []uint16 // of the match at a position, then what is taken of it; 0 for a literal
	offset []uint16
	cost   []uint32
}

// newParser returns a parser for blocks of up to size bytes: most payloads are
// far smaller than a block can be.
func newParser(size int) *parser {
	return &parser{
		short:  chain{prev: make([]uint16, size)},
		long:   chain{prev: make([]uint16, size)},
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

// findMatches fills length and offset with the longest match of each position, as far as
// the chains are followed. Long matches are found in a chain of their own, so that few
// candidates suffice. Half of the positions are searched thoroughly: a match that begins
// at one of the others is found one byte later, and is long enough for that unless it has the
// least length.
func (p *parser) findMatches(block []byte) {
	clear(p.length[:len(block)])
	p.short.reset()
	p.long.reset()
	end := len(block) - lastLiterals
	var m found
	for i := 0; i <= len(block)-matchMargin; i++ {
		eight := binary.LittleEndian.Uint64(block[i:])
		short := p.short.insert(i, uint32(eight)*shortPrime>>(32-hashBits))
		long := p.long.insert(i, uint32(eight<<(64-8*longMatch)*longPrime>>(64-hashBits)))
		if m.length > minMatch {
			m = found{m.length - 1, m.from + 1} // the previous position's match, one byte later
		} else {
			m = found{minMatch - 1, -1}
		}
		before := m.length
		if limit := min(end-i, niceLength); before < min(goodLength, limit) {
			depth := oddDepth
			if i%2 == 0 {
				depth = shortDepth
				most := longDepth
				if before >= longMatch {
					most = betterDepth
				}
				m = p.long.longest(block[:end], i, long, most, limit, m)
			}
			if m.length < longMatch-1 {
				m = p.short.longest(block[:end], i, short, depth, min(longMatch-1, limit), m)
			}
		}
		if m.from < 0 {
			continue
		}
		p.length[i], p.offset[i] = uint16(m.length), uint16(i-m.from)
		if m.length > before {
			p.extend(block, i)
		}
	}
}

// extend gives the match at position i to those before it whose bytes are the same, too.
func (p *parser) extend(block []byte, i int) {
	length, offset := p.length[i], p.offset[i]
	for i--; i >= int(offset) && block[i] == block[i-int(offset)] && p.length[i] <= length; i-- {
		length++
		p.length[i], p.offset[i] = length, offset
	}
}

// found is the longest match that has been found: its length, and where it is.
type found struct{ length, from int }

// chain joins the positions of a block at which some bytes have one hash.
type chain struct {
	head [1 << hashBits]uint16 // last position with a hash, counted from 1; 0 for none
	prev []uint16              // the one before it
}

func (c *chain) reset() { clear(c.head[:]) }

// insert makes position i known and returns the last one with its hash, counted from 1.
func (c *chain) insert(i int, hash uint32) uint16 {
	head := &c.head[hash&(1<<hashBits-1)]
	last := *head
	*head = uint16(i + 1)
	c.prev[i] = last
	return last
}

// longest follows the chain from at for so many candidates, and returns the longest match
// for position i, or one of nice bytes.
func (c *chain) longest(block []byte, i int, at uint16, depth, nice int, m found) found {
	tail := binary.LittleEndian.Uint32(block[i+m.length-3:])
	for ; at != 0 && depth > 0; depth-- {
		from := int(at) - 1
		at = c.prev[from]
		if binary.LittleEndian.Uint32(block[from+m.length-3:]) != tail {
			continue
		}
		if n := prefix.Common(block[from:], block[i:]); n > m.length {
			m = found{n, from}
			if n >= nice {
				break
			}
			tail = binary.LittleEndian.Uint32(block[i+n-3:])
		}
	}
	return m
}

// choose makes length the cheapest way to write the block, from its end
// to its start. Writing less is never dearer, so a match is best taken whole
// or cut where its length needs one extension byte less.
func (p *parser) choose(block []byte) {
	n := len(block)
	p.cost[n] = 0
	run := uint32(0) // literals before the next match
	for i := n - 1; i >= 0; i-- {
		run++
		cost := p.cost[i+1] + 1
		if run >= 15 && (run-15)%255 == 0 {
			cost++
		}
		length, take := uint32(p.length[i]), uint32(0)
		if length > 0 {
			for _, l := range [2]uint32{length, shorter(length)} {
				if c := p.cost[i+int(l)] + 3 + extension(l-minMatch); c < cost {
					cost, run, take = c, 0, l
				}
			}
		}
		p.cost[i], p.length[i] = cost, uint16(take)
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
