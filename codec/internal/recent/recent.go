// SPDX-License-Identifier: GPL-2.0-or-later

// Package recent remembers where some bytes were last, for encoders that look for what has
// been there before.
package recent

import "math/bits"

const (
	bucketBits = 14
	laneBits   = 16
	lanes      = 1<<48 | 1<<32 | 1<<16 | 1 // one in each lane of a word
)

// Table knows, for each start of a hash, of 14 bits, the last four positions with it.
type Table [1 << bucketBits]bucket

// bucket has four positions modulo 65536, and of each the part of its hash that the number
// of the bucket does not tell. Both are words of four lanes, the newest in the lowest: a
// comparison of one word tells that there is nothing, as there mostly is not.
type bucket struct{ tags, places uint64 }

// Places are positions of a table that have the hash of position i.
type Places struct {
	i        int
	matching uint64 // the highest bit of each lane that counts
	places   uint64
}

// Hash4 returns the hash of four bytes.
func Hash4(four uint32) uint32 { return four * 2654435761 }

// Reset forgets all positions.
func (t *Table) Reset() { clear(t[:]) }

// Insert makes position i known, the highest so far, and returns those that it knew with the
// same hash. The first 30 bits of a hash count. Among them may be positions that have another
// one, all of them before i: compare the bytes.
func (t *Table) Insert(i int, hash uint32) Places {
	b := &t[hash>>(32-bucketBits)]
	tag := uint64(hash>>(32-bucketBits-laneBits)) & (1<<laneBits - 1)
	x := b.tags ^ tag*lanes
	p := Places{i, (x - lanes) &^ x & (lanes << (laneBits - 1)), b.places}
	b.tags = b.tags<<laneBits | tag
	b.places = b.places<<laneBits | uint64(i)&(1<<laneBits-1)
	return p
}

// Any reports whether there are positions.
func (p Places) Any() bool { return p.matching != 0 }

// Next takes the newest position away, and returns how far it is before i: 1 to 65535, and
// not more than i, or 0 if there is none left.
func (p *Places) Next() int {
	if p.matching == 0 {
		return 0
	}
	lane := uint(bits.TrailingZeros64(p.matching)) &^ (laneBits - 1)
	p.matching &= p.matching - 1
	return int(uint16(p.i) - uint16(p.places>>lane))
}
