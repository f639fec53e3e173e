// SPDX-License-Identifier: GPL-2.0-or-later

package lzo

import (
	"encoding/binary"

	"binman/codec/internal/prefix"
	"binman/codec/internal/recent"
)

// The reach of each kind of match, in bytes back.
const (
	reachNear = 2048
	reachMid  = 16384
	reachFar  = 49151
	// Three bytes, after 4 or more literals, at reachNear+1 to reachTriple.
	reachTriple = 3072
)

const (
	minMatch   = 3
	hashed     = 4   // bytes that must follow a position that is made known
	niceLength = 256 // a match this long is not improved upon
)

// match is a length and a distance in bytes; length 0 is no match.
type match struct {
	length, distance int
}

// saved returns how many bytes less than its own a match after some literals takes.
func (m match) saved(literals int) int {
	switch {
	case m.distance <= reachNear && m.length <= 8, m.isTriple(literals):
		return m.length - 2
	case m.distance <= reachMid:
		return m.length - 3 - extension(m.length, 33)
	}
	return m.length - 3 - extension(m.length, 9)
}

// isTriple reports whether the instruction is to be used that is for three bytes only.
func (m match) isTriple(literals int) bool {
	return m.length == 3 && literals > 3 && m.distance > reachNear && m.distance <= reachTriple
}

// extension returns the number of bytes that a length takes in addition, if it is more
// than whole.
func extension(length, whole int) int {
	if length <= whole {
		return 0
	}
	return 1 + (length-whole-1)/255
}

// finder finds matches at the positions of a block, visited in order.
type finder struct {
	block []byte
	known recent.Table // of four bytes: three alone save little
}

func (f *finder) reset(block []byte) {
	f.block = block
	f.known.Reset()
}

// visit returns the match at position i, after some literals, that saves most bytes, and
// how many: no match, if none saves any. It has seen the positions before; m is the match
// at the last one, for what is left of it.
func (f *finder) visit(i, literals int, m match) (match, int) {
	saved := 0
	if m.length--; m.length >= minMatch {
		saved = m.saved(literals)
	}
	if i > len(f.block)-hashed {
		return m, saved
	}
	places := f.insert(i)
	if !places.Any() || m.length >= niceLength {
		return m, saved
	}
	rest := f.block[i:]
	cheap := reachNear // up to where three bytes take two
	if literals > 3 {
		cheap = reachTriple
	}
	for d := places.Next(); d != 0 && d <= reachFar; d = places.Next() {
		enough := saved + 3 // a match must be longer, to save more
		if d <= cheap {
			enough--
		}
		if n := prefix.Common(f.block[i-d:], rest); n > enough {
			found := match{n, d}
			if s := found.saved(literals); s > saved {
				m, saved = found, s
			}
		}
	}
	return m, saved
}

// insert makes the four bytes at i known and returns the places where they were last.
func (f *finder) insert(i int) recent.Places {
	return f.known.Insert(i, recent.Hash4(binary.LittleEndian.Uint32(f.block[i:])))
}

// skip makes every second position from i to end-1 known without finding matches.
func (f *finder) skip(i, end int) {
	for end = min(end, len(f.block)-hashed+1); i < end; i += 2 {
		f.insert(i)
	}
}
