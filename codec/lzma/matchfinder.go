// SPDX-License-Identifier: GPL-2.0-or-later

package lzma

import (
	"encoding/binary"
	"math/bits"
)

// A match says that n bytes at some position equal those dist+1 before.
type match struct {
	n    int32
	dist uint32
}

// finder lists, position by position, the nearest earlier places where ever
// longer strings occur.
//
// All positions of the window with the same hash of four bytes form a binary
// search tree ordered by the bytes that follow; the newest position is the
// root, so that every path downwards leads back in time. Inserting a position
// splits the tree of its hash in what sorts before and after it; the
// places met on the way are just those that share ever longer prefixes with
// the new one. Two smaller tables find matches of two and three bytes.
//
// Positions are stored plus one; 0 means none.
type finder struct {
	src    []byte
	pos    int     // the next position to insert
	window int     // largest distance
	nice   int     // matches need not be compared further than this
	depth  int     // most tree nodes to visit
	kids   []int32 // two for each position modulo window+1: before, after
	slot   int     // pos modulo window+1
	last2  []int32
	last3  []int32
	root   []int32
	shift3 uint
	shift4 uint
}

const hash2Bits = 16

func newFinder(src []byte, dict int64, nice, depth int) *finder {
	window := int(min(dict, int64(len(src))))
	f := &finder{src: src, window: window, nice: nice, depth: depth}
	n := bits.Len(uint(window))
	bits3, bits4 := min(max(n, 8), 16), min(max(n-1, 8), 24)
	f.shift3, f.shift4 = uint(32-bits3), uint(32-bits4)
	f.kids = make([]int32, 2*(window+1))
	f.last2 = make([]int32, 1<<hash2Bits)
	f.last3 = make([]int32, 1<<bits3)
	f.root = make([]int32, 1<<bits4)
	return f
}

// commonLen returns how many bytes at a and b are equal, given that the first
// n are, looking at most at limit of them. Neither place may be closer than
// limit to the end of src.
func commonLen(src []byte, a, b, n, limit int) int {
	x, y := src[a:a+limit], src[b:b+limit]
	if len(y) != len(x) {
		return 0 // never; saves a bounds check for each byte
	}
	for ; n+8 <= len(x); n += 8 {
		diff := binary.LittleEndian.Uint64(x[n:]) ^ binary.LittleEndian.Uint64(y[n:])
		if diff != 0 {
			return n + bits.TrailingZeros64(diff)>>3
		}
	}
	for n < len(x) && x[n] == y[n] {
		n++
	}
	return n
}

// next inserts the current position and appends its matches to found, the
// lengths strictly increasing and at most nice. It moves to the position
// after.
func (f *finder) next(found []match) []match {
	p := f.pos
	limit := min(len(f.src)-p, f.nice)
	if limit < 4 {
		// The tables cannot hash what is left; three bytes hardly matter.
		f.step()
		return found
	}
	last2, last3, root := f.enter(p)
	best, same := 1, 0 // same: of how many bytes of the root it is known that they match
	if d := p - int(last2) + 1; last2 > 0 && d <= f.window {
		best = commonLen(f.src, p-d, p, 2, limit)
		found = append(found, match{int32(best), uint32(d - 1)})
		if root == last2 {
			same = best
		}
	}
	if d := p - int(last3) + 1; last3 > 0 && last3 != last2 && d <= f.window {
		if n := commonLen(f.src, p-d, p, 0, limit); n > max(best, 2) {
			best = n
			found = append(found, match{int32(n), uint32(d - 1)})
		}
	}
	found = f.insert(p, root, same, limit, max(best, 3), found)
	f.step()
	return found
}

func (f *finder) step() {
	f.pos++
	f.slot++
	if f.slot > f.window {
		f.slot = 0
	}
}

// enter puts p in the hash tables and returns what they held.
func (f *finder) enter(p int) (last2, last3, root int32) {
	v := binary.LittleEndian.Uint32(f.src[p:])
	const mix = 0x9e3779b1 // 2^32 divided by the golden ratio
	h2 := v & (1<<hash2Bits - 1)
	h3 := (v << 8 * mix) >> f.shift3
	h4 := (v * mix) >> f.shift4
	last2, last3, root = f.last2[h2], f.last3[h3], f.root[h4]
	now := int32(p + 1)
	f.last2[h2], f.last3[h3], f.root[h4] = now, now, now
	return last2, last3, root
}

// insert makes p the root of the tree at root, of which so many bytes are known to be the same as at p,
// and appends to found every place met that matches in more than best bytes and more than
// those before.
func (f *finder) insert(p int, root int32, same, limit, best int, found []match) []match {
	src, kids := f.src, f.kids
	// The empty places where the halves of the old tree go on, and how many
	// bytes everything there has in common with p.
	before, after := 2*f.slot, 2*f.slot+1
	nBefore, nAfter := 0, 0
	for depth := f.depth; ; depth-- {
		d := p - int(root) + 1
		if root == 0 || d > f.window || depth == 0 {
			kids[before], kids[after] = 0, 0
			return found
		}
		at := f.slot - d
		if at < 0 {
			at += f.window + 1
		}
		pair := kids[2*at : 2*at+2 : 2*at+2]
		n := commonLen(src, p-d, p, same, limit)
		if n > best {
			best = n
			found = append(found, match{int32(n), uint32(d - 1)})
		}
		if n == limit {
			// Equal as far as anyone looks: p takes the place of this node.
			kids[before], kids[after] = pair[0], pair[1]
			return found
		}
		if src[p-d+n] < src[p+n] {
			kids[before] = root
			before, nBefore = 2*at+1, n
			root = pair[1]
		} else {
			kids[after] = root
			after, nAfter = 2*at, n
			root = pair[0]
		}
		same = min(nBefore, nAfter)
	}
}
