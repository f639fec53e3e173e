// SPDX-License-Identifier: GPL-2.0-or-later

package addressed

import (
	"cmp"
	"fmt"
	"slices"

	"binman/content"
)

// blockSize is how much memory is asked for at once, in bytes.
const blockSize = 1 << 18

// Collector takes the data of records in any order. It holds little more in memory
// than the data. The zero value is ready for use.
type Collector struct {
	spans []span // as they come
	block []byte // where the data of records goes, one after the other
}

// span is a part of a block, for consecutive addresses.
type span struct {
	addr uint32
	data []byte
}

func (s span) end() int64 { return int64(s.addr) + int64(len(s.data)) }

// Add takes the data of a record, which is copied. It has at most 64 KiB.
func (c *Collector) Add(addr int64, data []byte) error {
	if addr+int64(len(data)) > 1<<32 {
		return fmt.Errorf("it has data beyond the last address of 32 bits, at %#x", addr)
	}
	if len(data) == 0 {
		return nil
	}
	fits := len(data) <= cap(c.block)-len(c.block)
	if !fits {
		c.block = make([]byte, 0, blockSize)
	}
	at := len(c.block)
	c.block = append(c.block, data...)
	if n := len(c.spans); fits && n > 0 && c.spans[n-1].end() == addr {
		last := &c.spans[n-1] // it ends where the block did
		last.data = c.block[at-len(last.data):]
	} else {
		c.spans = append(c.spans, span{uint32(addr), c.block[at:]})
	}
	return nil
}

// File puts what was taken in order, and joins what touches. The word what names the
// file in the error.
func (c *Collector) File(what string) (*File, error) {
	slices.SortStableFunc(c.spans, func(a, b span) int { return cmp.Compare(a.addr, b.addr) })
	pieces := make([]Piece, len(c.spans))
	for i, s := range c.spans {
		if i > 0 && c.spans[i-1].end() > int64(s.addr) {
			return nil, fmt.Errorf("%s has the byte at address %#x twice", what, s.addr)
		}
		pieces[i] = Piece{int64(s.addr), content.Bytes(s.data)}
	}
	return &File{Runs: Joined(pieces)}, nil
}
