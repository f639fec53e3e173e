// SPDX-License-Identifier: GPL-2.0-or-later

// Package huffman builds the canonical prefix codes that Deflate and bzip2
// share: shorter codes first, codes of one length in the order of symbols.
package huffman

import (
	"slices"
	"sync"
)

// work is memory that Lengths needs for a short time. Encoders call it often.
type work struct {
	leaves          []int  // symbols, rarest first
	isLeaf          []bool // the levels, one after the other
	weights, merged []int
}

var works = sync.Pool{New: func() any { return new(work) }}

// Lengths returns the code length in bits of each symbol, 0 for those that
// occur freq[symbol] = 0 times: the lengths, none above limit, that make the
// sum of freq · length smallest. A lone symbol gets length 1. 1<<limit must be
// at least the number of symbols.
//
// The algorithm is package-merge: Larmore and Hirschberg, "A fast algorithm
// for optimal length-limited Huffman codes", Journal of the ACM 37(3), 1990.
func Lengths(freq []int, limit int) []uint8 {
	lengths := make([]uint8, len(freq))
	mem := works.Get().(*work)
	defer works.Put(mem)
	leaves := mem.leaves[:0]
	for symbol, f := range freq {
		if f > 0 {
			leaves = append(leaves, symbol)
		}
	}
	mem.leaves = leaves
	if len(leaves) < 2 {
		for _, symbol := range leaves {
			lengths[symbol] = 1
		}
		return lengths
	}
	slices.SortStableFunc(leaves, func(a, b int) int { return freq[a] - freq[b] })

	// Each level lists the leaves and the pairs of the level before, by
	// weight; isLeaf tells which is which.
	most := 2 * len(leaves)
	isLeaf := slices.Grow(mem.isLeaf[:0], limit*most)[:limit*most]
	weights, merged := slices.Grow(mem.weights[:0], most), slices.Grow(mem.merged[:0], most)
	for level := range limit {
		merged = merged[:0]
		flags := isLeaf[level*most : level*most]
		for l, w := 0, 0; l < len(leaves) || w+1 < len(weights); {
			if w+1 >= len(weights) || l < len(leaves) && freq[leaves[l]] <= weights[w]+weights[w+1] {
				merged = append(merged, freq[leaves[l]])
				flags = append(flags, true)
				l++
			} else {
				merged = append(merged, weights[w]+weights[w+1])
				flags = append(flags, false)
				w += 2
			}
		}
		weights, merged = merged, weights
	}
	// The 2n-2 lightest items of the last level, and what they are made of:
	// a leaf's length is the number of levels that it is taken from.
	mem.isLeaf, mem.weights, mem.merged = isLeaf, weights, merged
	take := most - 2
	for level := limit - 1; level >= 0 && take > 0; level-- {
		n := 0
		for _, leaf := range isLeaf[level*most:][:take] {
			if leaf {
				lengths[leaves[n]]++
				n++
			}
		}
		take = 2 * (take - n)
	}
	return lengths
}

// Codes returns the canonical codes for lengths, first bit highest.
func Codes(lengths []uint8) []uint32 {
	codes := make([]uint32, len(lengths))
	longest := slices.Max(lengths)
	next := uint32(0)
	for n := uint8(1); n <= longest; n++ {
		for symbol, length := range lengths {
			if length == n {
				codes[symbol] = next
				next++
			}
		}
		next <<= 1
	}
	return codes
}
