// SPDX-License-Identifier: GPL-2.0-or-later

package ihex

import (
	"bufio"
	"io"
	"slices"

	"binman/format/addressed"
)

// recordSize is how many bytes a record has at most.
const recordSize = 16

// Write writes pieces as a file. Records have 16 bytes from the start of each
// piece on, and end at multiples of 64 KiB. Records with the upper half of
// addresses are there only if an address needs one.
func Write(w io.Writer, pieces []addressed.Piece) error {
	if err := addressed.Check(pieces); err != nil {
		return err
	}
	long := len(pieces) > 0 && pieces[len(pieces)-1].End() > 1<<16
	out := &writer{w: bufio.NewWriterSize(w, 1<<16), long: long}
	for _, p := range addressed.Joined(pieces) {
		if err := out.piece(p); err != nil {
			return err
		}
	}
	out.record(typeEnd, 0, nil)
	return out.w.Flush()
}

type writer struct {
	w     *bufio.Writer
	long  bool // addresses have an upper half
	upper int64
	begun bool
	page  []byte // buffer for data with the same upper half
	text  [1 + 2*(recordSize+5) + 1]byte
}

func (w *writer) piece(p addressed.Piece) error {
	for off, size := int64(0), p.Data.Len(); off < size; {
		addr := p.Addr + off
		if upper := addr >> 16; w.long && (!w.begun || upper != w.upper) {
			w.record(typeUpper, 0, []byte{byte(upper >> 8), byte(upper)})
			w.upper, w.begun = upper, true
		}
		if w.page == nil {
			w.page = make([]byte, 1<<16)
		}
		page := w.page[:min(size-off, 1<<16-addr&0xffff)]
		if _, err := p.Data.ReadAt(page, off); err != nil {
			return err
		}
		off += int64(len(page))
		for data := range slices.Chunk(page, recordSize) {
			w.record(typeData, uint16(addr), data)
			addr += int64(len(data))
		}
	}
	return nil
}

// record writes a record. The writer keeps an error for the end.
func (w *writer) record(kind byte, addr uint16, data []byte) {
	const digits = "0123456789ABCDEF"
	line, sum := append(w.text[:0], ':'), byte(0)
	put := func(c byte) {
		line = append(line, digits[c>>4], digits[c&15])
		sum -= c
	}
	put(byte(len(data)))
	put(byte(addr >> 8))
	put(byte(addr))
	put(kind)
	for _, c := range data {
		put(c)
	}
	put(sum)
	_, _ = w.w.Write(append(line, '\n'))
}
