// SPDX-License-Identifier: GPL-2.0-or-later

package bzip2

import (
	"bytes"
	"encoding/binary"
	"sync"
)

// farthest is within how many bytes of a block's start the next one is looked for. What
// bzip2 makes takes less.
const farthest = 1 << 20

// finder finds where blocks seem to begin: where there is the magic of one. It looks no
// further than it is asked to, as much more than the streams may follow them.
type finder struct {
	mu     sync.Mutex
	src    []byte
	at     int           // byte of src up to which it has looked
	limit  int           // byte of src up to which it will look for the next block
	found  int           // number of blocks
	starts map[int]int64 // bit of src where a block begins, by its number, of those not asked for
}

func newFinder(src []byte) *finder {
	return &finder{src: src, limit: min(len(src), farthest), starts: map[int]int64{}}
}

// several says whether there are two blocks or more.
func (f *finder) several() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.find(2)
}

// start returns the bit where a block begins. Each block is to be asked for once.
func (f *finder) start(block int) (bit int64, ok bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.find(block + 1) {
		return 0, false
	}
	bit = f.starts[block]
	delete(f.starts, block)
	return bit, true
}

// find goes on until it has found so many blocks, and returns whether there are.
func (f *finder) find(blocks int) bool {
	for ; f.found < blocks && f.at+8 <= f.limit; f.at++ {
		if shifts[0][f.src[f.at+1]]&shifts[1][f.src[f.at+2]] == 0 {
			continue
		}
		next := binary.BigEndian.Uint64(f.src[f.at:])
		for shift := range 8 {
			switch next << shift >> 16 {
			case blockMagic:
				f.starts[f.found] = int64(f.at)*8 + int64(shift)
				f.found++
				f.limit = min(len(f.src), f.at+farthest)
			case finalMagic:
				// A checksum and the rest of a byte are behind it, then, if anything, a stream.
				end := f.at + (shift+48+32+7)/8
				if end > len(f.src) || !bytes.HasPrefix(f.src[end:], []byte("BZ")) {
					f.limit = 0
				}
			}
		}
	}
	return f.found >= blocks
}

// shifts says by how many bits a magic may be shifted, as a set of bits, if its second or
// third byte is the index.
var shifts = func() (shifts [2][256]uint8) {
	for _, magic := range []uint64{blockMagic, finalMagic} {
		for shift := range 8 {
			at := magic << 16 >> shift
			shifts[0][byte(at>>48)] |= 1 << shift
			shifts[1][byte(at>>40)] |= 1 << shift
		}
	}
	return shifts
}()
