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
	searchDepth  = 128 // candidates looked at for each position
	niceLength   = 128 // a match this long is not improved upon
)

// parser finds the cheapest sequences for a block. An offset costs two bytes
// whatever its distance, so for each position only the longest match counts;
// a backward pass then knows, for every position, the fewest bytes in which
// the rest of the block can be written.
type parser struct {
	head   [1 << hashBits]int32
	prev   []int32
	length []int32
	offset []uint16
	cost   []int32
	run    []int32 // literals before the next match
	step   []int32 // match length taken at a position, 0 for a literal
}

// newParser returns a parser for blocks of up to size bytes: most payloads are
// far smaller than a block can be.
func newParser(size int) *parser {
	return &parser{
		prev:   make([]int32, size),
		length: make([]int32, size),
		offset: make([]uint16, size),
		cost:   make([]int32, size+1),
		run:    make([]int32, size+1),
		step:   make([]int32, size),
	}
}

// appendBlock appends block, of 1 to blockSize bytes, in compressed form.
func (p *parser) appendBlock(out, block []byte) []byte {
	p.findMatches(block)
	p.choose(block)

	literals := 0
	for i := 0; i < len(block); {
		n := int(p.step[i])
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

// findMatches fills length and offset with the longest match of each position.
func (p *parser) findMatches(block []byte) {
	clear(p.length[:len(block)])
	for i := range p.head {
		p.head[i] = -1
	}
	end := len(block) - lastLiterals
	for i := 0; i <= len(block)-matchMargin; i++ {
		here := binary.LittleEndian.Uint32(block[i:])
		h := here * 2654435761 >> (32 - hashBits)
		next := p.head[h]
		p.head[h] = int32(i)
		p.prev[i] = next

		best, from := minMatch-1, -1
		if i > 0 && p.length[i-1] > minMatch {
			// The previous position's match, one byte later.
			best = int(p.length[i-1]) - 1
			from = i - int(p.offset[i-1])
		}
		limit := end - i
		for depth := searchDepth; next >= 0 && depth > 0 && best < niceLength && best < limit; depth-- {
			c := int(next)
			next = p.prev[c]
			if block[c+best] != block[i+best] || binary.LittleEndian.Uint32(block[c:]) != here {
				continue
			}
			if n := prefix.Common(block[c:], block[i:end]); n > best {
				best, from = n, c
			}
		}
		if from >= 0 {
			p.length[i] = int32(best)
			p.offset[i] = uint16(i - from)
		}
	}
}

// choose fills step with the cheapest way to write the block, from its end
// to its start. Writing less is never dearer, so a match is best taken whole
// or cut where its length needs one extension byte less.
func (p *parser) choose(block []byte) {
	n := len(block)
	p.cost[n], p.run[n] = 0, 0
	for i := n - 1; i >= 0; i-- {
		run := p.run[i+1] + 1
		cost := p.cost[i+1] + 1
		if run >= 15 && (run-15)%255 == 0 {
			cost++
		}
		step := int32(0)
		if length := p.length[i]; length >= minMatch {
			for _, l := range [2]int32{length, shorter(length)} {
				if c := p.cost[i+int(l)] + 3 + extension(l-minMatch); c < cost {
					cost, run, step = c, 0, l
				}
			}
		}
		p.cost[i], p.run[i], p.step[i] = cost, run, step
	}
}

// extension returns the number of extension bytes that a length n needs.
func extension(n int32) int32 {
	if n < 15 {
		return 0
	}
	return 1 + (n-15)/255
}

// shorter returns the longest match length that needs one extension byte
// less than length does, or length itself if there is none.
func shorter(length int32) int32 {
	n := length - minMatch
	if n < 15 {
		return length
	}
	return n - (n-15)%255 - 1 + minMatch
}
