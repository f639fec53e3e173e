// SPDX-License-Identifier: GPL-2.0-or-later

package srec

import (
	"bufio"
	"io"
	"slices"

	"binman/format/addressed"
)

// recordSize is how many bytes a record with data has at most.
const recordSize = 16

// headerSize is how many bytes of a header are written at most.
const headerSize = 40

// chunkSize is how much data is read at once, in bytes. It holds whole records.
const chunkSize = 1 << 16

// Write writes pieces as a file, with the entry point and up to 40 bytes of the header,
// for which objcopy takes the name of the file it writes and the lowest address. Records
// have 16 bytes from the start of each piece on. All have addresses of the size that the
// highest one needs, the entry point included.
func Write(w io.Writer, pieces []addressed.Piece, header string, entry uint32) error {
	if err := addressed.Check(pieces); err != nil {
		return err
	}
	pieces = addressed.Joined(pieces)
	highest := int64(entry)
	if n := len(pieces); n > 0 {
		highest = max(highest, pieces[n-1].End()-1)
	}
	data, end := byte(typeData16), byte(typeEnd16)
	switch {
	case highest >= 1<<24:
		data, end = typeData32, typeEnd32
	case highest >= 1<<16:
		data, end = typeData24, typeEnd24
	}
	out := &writer{w: bufio.NewWriterSize(w, 1<<16)}
	out.record(typeHeader, 0, []byte(header[:min(len(header), headerSize)]))
	for _, p := range pieces {
		if err := out.piece(data, p); err != nil {
			return err
		}
	}
	out.record(end, int64(entry), nil)
	return out.w.Flush()
}

type writer struct {
	w    *bufio.Writer
	page [chunkSize]byte
	text [2 + 2*(1+4+headerSize+1) + 2]byte
}

func (w *writer) piece(kind byte, p addressed.Piece) error {
	for off, size := int64(0), p.Data.Len(); off < size; {
		page := w.page[:min(size-off, chunkSize)]
		if _, err := p.Data.ReadAt(page, off); err != nil {
			return err
		}
		for data := range slices.Chunk(page, recordSize) {
			w.record(kind, p.Addr+off, data)
			off += int64(len(data))
		}
	}
	return nil
}

// record writes a record. The writer keeps an error for the end.
func (w *writer) record(kind byte, addr int64, data []byte) {
	const digits = "0123456789ABCDEF"
	line, sum := append(w.text[:0], 'S', '0'+kind), byte(0xff)
	put := func(c byte) {
		line = append(line, digits[c>>4], digits[c&15])
		sum -= c
	}
	size := addressSize(kind)
	put(byte(size + len(data) + 1))
	for i := size - 1; i >= 0; i-- {
		put(byte(addr >> (8 * i)))
	}
	for _, c := range data {
		put(c)
	}
	put(sum)
	_, _ = w.w.Write(append(line, '\r', '\n'))
}
