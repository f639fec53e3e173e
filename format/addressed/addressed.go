// SPDX-License-Identifier: GPL-2.0-or-later

// Package addressed has what the formats for programmers of flash share: bytes at
// addresses of 32 bits, with holes between them.
package addressed

import (
	"fmt"

	"binman/content"
)

// Piece is data for an address.
type Piece struct {
	Addr int64
	Data content.Data
}

// End returns the address behind the piece.
func (p Piece) End() int64 { return p.Addr + p.Data.Len() }

// Check says whether pieces can be written: they are in ascending order, and at
// addresses of 32 bits.
func Check(pieces []Piece) error {
	end := int64(0)
	for _, p := range pieces {
		if p.Addr < end {
			return fmt.Errorf("what is at address %#x overlaps what ends at %#x", p.Addr, end)
		}
		if p.Addr > 1<<32 || p.Data.Len() > 1<<32-p.Addr {
			return fmt.Errorf("addresses have 32 bits, but %#x bytes would be at address %#x", p.Data.Len(), p.Addr)
		}
		end = p.End()
	}
	return nil
}

// Joined returns the pieces, with those as one that follow each other, and without
// empty ones.
func Joined(pieces []Piece) []Piece {
	var list []Piece
	for left := pieces; len(left) > 0; {
		first := left[0]
		var data content.Builder
		n := 0
		for n == 0 || n < len(left) && left[n].Addr == first.Addr+data.Len() {
			data.Add(left[n].Data)
			n++
		}
		if data.Len() > 0 {
			list = append(list, Piece{first.Addr, data.Data()})
		}
		left = left[n:]
	}
	return list
}

// File is what a file holds: runs in ascending order that are not empty, and neither
// overlap nor touch.
type File struct {
	Runs []Piece
}

// Image returns the bytes from the lowest to the highest address. Holes hold the
// fill; they take no memory.
func (f *File) Image(fill byte) content.Data {
	var image content.Builder
	for _, r := range f.Runs {
		image.PadTo(r.Addr-f.Runs[0].Addr, fill)
		image.Add(r.Data)
	}
	return image.Data()
}
