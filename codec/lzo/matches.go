// SPDX-License-Identifier: GPL-2.0-or-later

package lzo

import "binman/codec/internal/prefix"

// The reach of each kind of match, in bytes back.
const (
	reachNear = 2048
	reachMid  = 16384
	reachFar  = 49151
	// Three bytes, after 4 or more literals, at reachNear+1 to reachTriple.
	reachTriple = 3072
)

// The kinds of match whose price differs by distance. A match of one kind
// also stands for the kinds after it.
const (
	near = iota
	mid
	far
	kinds
)

var reach = [kinds]int{reachNear, reachMid, reachFar}

const (
	minMatch    = 3
	hashBits    = 16
	searchDepth = 4   // candidates looked at for each position
	niceLength  = 256 // a match this long is not improved upon
)

// match is a length and a distance in bytes; length 0 is no match.
type match struct {
	length, distance int
}

// found is what there is to choose from at one position.
type found struct {
	best   [kinds]match // the longest match within each kind's reach
	triple int          // distance of a three-byte match beyond reachNear, or 0
}

// finder finds matches at the positions of a block, visited in order.
type finder struct {
	block []byte
	head  [1 << hashBits]int32 // last position with a hash of three bytes
	prev  []int32              // the one before it
	found
}

func (f *finder) reset(block []byte) {
	f.block = block
	f.found = found{}
	for i := range f.head {
		f.head[i] = -1
	}
}

// visit finds the matches at position i, having seen those before it.
func (f *finder) visit(i int) {
	f.triple = 0
	for k := range f.best {
		// The previous position's match, one byte later.
		if f.best[k].length--; f.best[k].length < minMatch {
			f.best[k] = match{}
		}
	}
	rest := f.block[i:]
	if len(rest) < minMatch {
		return
	}
	next := f.insert(i)

	nice := min(niceLength, len(rest))
	kind := near
	for depth := searchDepth; next >= 0 && depth > 0; depth-- {
		c := int(next)
		next = f.prev[c]
		for kind < kinds && (i-c > reach[kind] || f.best[kind].length >= nice) {
			kind++
		}
		if kind == kinds {
			return
		}
		there := f.block[c:]
		if f.triple == 0 && i-c > reachNear && i-c <= reachTriple &&
			there[0] == rest[0] && there[1] == rest[1] && there[2] == rest[2] {
			f.triple = i - c
		}
		best := max(f.best[kind].length, minMatch-1)
		if best >= len(rest) || there[best] != rest[best] {
			continue
		}
		if n := prefix.Common(there, rest); n > best {
			for k := kind; k < kinds && n > f.best[k].length; k++ {
				f.best[k] = match{n, i - c}
			}
		}
	}
}

// insert makes the three bytes at i known and returns the last position with
// their hash, or -1.
func (f *finder) insert(i int) int32 {
	three := uint32(f.block[i]) | uint32(f.block[i+1])<<8 | uint32(f.block[i+2])<<16
	h := three * 2654435761 >> (32 - hashBits)
	last := f.head[h]
	f.head[h] = int32(i)
	f.prev[i] = last
	return last
}

// skip makes the positions from i to end-1 known without finding matches.
func (f *finder) skip(i, end int) {
	f.found = found{}
	for ; i < end && i+minMatch <= len(f.block); i++ {
		f.insert(i)
	}
}
