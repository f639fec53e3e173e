// SPDX-License-Identifier: GPL-2.0-or-later

package fdt

import (
	"bytes"
	"math/bits"
	"math/rand/v2"
)

// suffixes finds a name in a strings block: the lowest offset at which the
// name stands with its NUL, be it as the tail of a longer name. libfdt and dtc
// search the whole block for every name. That is done here for the first ones; then
// each tail of each name goes into a map under a rolling hash, so that a lookup costs
// the length of the name.
type suffixes struct {
	searched int // how often the block was searched

	base  uint64
	first map[uint64]uint32 // hash of a tail: its lowest offset
	done  int               // the block is indexed up to here
}

func newSuffixes() *suffixes {
	// The base is random so that no blob can be made to collide; a
	// collision costs time, not the right answer.
	return &suffixes{base: rand.Uint64N(hashPrime-300) + 300, first: map[uint64]uint32{}}
}

const hashPrime = 1<<61 - 1

// fewSearches is how often the block is searched before the map is made, which takes
// some 100 times as long.
const fewSearches = 100

// step adds a byte to a hash; names are hashed from their last byte.
func (x *suffixes) step(h uint64, c byte) uint64 {
	hi, lo := bits.Mul64(h, x.base)
	_, r := bits.Div64(hi%hashPrime, lo, hashPrime)
	return (r + uint64(c) + 1) % hashPrime
}

// update indexes the terminated names added to the block since last time.
func (x *suffixes) update(block []byte) {
	for {
		n := bytes.IndexByte(block[x.done:], 0)
		if n < 0 {
			return
		}
		end := x.done + n
		var h uint64
		for i := end; ; i-- {
			if _, ok := x.first[h]; !ok {
				x.first[h] = uint32(i)
			}
			if i == x.done {
				break
			}
			h = x.step(h, block[i-1])
		}
		x.done = end + 1
	}
}

// find gives the lowest offset of name in block.
func (x *suffixes) find(block []byte, name string) (int64, bool) {
	if x.searched < fewSearches {
		x.searched++
		return search(block, name)
	}
	x.update(block)
	var h uint64
	for i := len(name) - 1; i >= 0; i-- {
		h = x.step(h, name[i])
	}
	off, ok := x.first[h]
	if !ok {
		return 0, false
	}
	rest := block[off:]
	if len(rest) > len(name) && string(rest[:len(name)]) == name && rest[len(name)] == 0 {
		return int64(off), true
	}
	return search(block, name) // two tails with one hash
}

func search(block []byte, name string) (int64, bool) {
	i := bytes.Index(block, append([]byte(name), 0))
	return int64(i), i >= 0
}
