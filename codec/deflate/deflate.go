// SPDX-License-Identifier: GPL-2.0-or-later

// Package deflate writes Deflate data: the payload of gzip, zlib and zip.
//
// Bits fill bytes from the lowest up. A block begins with three: final block
// (1), type (2).
//
//	type 0  stored: padding to a byte, 2 bytes length, 2 bytes its
//	        complement, little-endian; the data
//	type 1  symbols in a fixed code
//	type 2  symbols in a code that the block describes: the numbers of
//	        literal codes less 257 (5 bits), distance codes less 1 (5),
//	        code-length codes less 4 (4); the lengths of the last (3 each);
//	        in their code, the lengths of the literal and distance codes
//
// Symbols are bytes (0 to 255), the end of the block (256), and match lengths
// of 3 to 258 (257 to 285 and extra bits), each followed by a distance of 1
// to 32768 (30 codes and extra bits). Codes start with their highest bit, all
// other fields with the lowest.
//
// Source: RFC 1951.
//
// The standard library's encoder is not used because its output changes with
// the Go release; decoding is left to compress/flate. The search works as in
// level 6 of gzip (hash chains, lazy matching with the same bounds), so the
// sizes are about the same.
package deflate

import (
	"io"
	"slices"

	"binman/codec/internal/blocks"
	"binman/codec/internal/flush"
)

// Encode returns src as Deflate data. The bytes depend on src only.
func Encode(src []byte) []byte {
	out, _ := flush.Bytes(src, EncodeTo) // only a writer fails
	return out
}

// EncodeTo is like Encode, and writes the data. An error is one of w or src.
func EncodeTo(w io.Writer, src *io.SectionReader) error {
	n := max(blocks.Count(src, pieceSize), 1)
	newEncoder := func() *encoder {
		return &encoder{src: make([]byte, min(windowSize+pieceSize, src.Size())), block: newBlock()}
	}
	return blocks.Each(n, newEncoder, func(e *encoder, i int, old []byte) ([]byte, error) {
		start := int64(i) * pieceSize
		window := max(start-windowSize, 0)
		end := min(start+pieceSize, src.Size())
		e.src, e.start = e.src[:end-window], int(start-window)
		e.out = bitWriter{out: slices.Grow(old[:0], int(end-start)+64)}
		if err := blocks.ReadAt(src, e.src, window); err != nil {
			return nil, err
		}
		e.piece(end == src.Size())
		return e.out.out, nil
	}, func(_ int, piece []byte) error {
		_, err := w.Write(piece)
		return err
	})
}

// pieceSize is of how many bytes the pieces are that are encoded in parallel. Each is
// searched with what is in the window before it, and ends at a full byte: with an empty
// stored block, unless it is the last.
const pieceSize = 512 << 10

// Bounds of the search: those of gzip's level 6.
const (
	minMatch   = 3
	maxMatch   = 258
	windowSize = 32 << 10
	hashBits   = 15
	maxChain   = 128  // candidates looked at for a position
	goodLength = 8    // with a match this long in hand, look at a quarter
	lazyLength = 16   // with this in hand, do not look at the next position
	niceLength = 128  // a match this long is not improved upon
	tooFar     = 4096 // a match of three bytes from beyond is not worth it
)

type encoder struct {
	src   []byte               // the window before the piece, and the piece
	head  [1 << hashBits]int32 // last position of a hash, plus one
	prev  [windowSize]int32    // the one before it, by position modulo window
	block *block
	start int // of the block in src
	out   bitWriter
}

// piece writes the piece, which may be the last one.
func (e *encoder) piece(last bool) {
	clear(e.head[:])
	for i := range e.start {
		e.insert(i)
	}
	e.run(last)
	if !last {
		writeStored(&e.out, nil, 0)
	}
	e.out.align()
}

// run writes the piece. A match is taken only when the match at the next position
// is not longer.
func (e *encoder) run(final bool) {
	length, distance := 0, 0 // at the position before i
	pending := false         // that position is not yet written
	for i := e.start; i < len(e.src); {
		l, d := 0, 0
		if length < lazyLength {
			l, d = e.longest(i, length)
		} else {
			e.insert(i)
		}
		if pending && length >= minMatch && length >= l {
			e.block.addMatch(length, distance)
			end := i - 1 + length
			for i++; i < end; i++ {
				e.insert(i)
			}
			length, pending = 0, false
			e.flushFull(i)
			continue
		}
		if pending {
			e.block.addLiteral(e.src[i-1])
			e.flushFull(i)
		}
		length, distance, pending = l, d, true
		i++
	}
	if pending {
		e.block.addLiteral(e.src[len(e.src)-1])
	}
	e.block.write(&e.out, e.src[e.start:], final)
}

// flushFull writes the block if it is full. It ends at position i.
func (e *encoder) flushFull(i int) {
	if e.block.full() {
		e.block.write(&e.out, e.src[e.start:i], false)
		e.start = i
	}
}

func (e *encoder) hash(i int) uint32 {
	three := uint32(e.src[i]) | uint32(e.src[i+1])<<8 | uint32(e.src[i+2])<<16
	return three * 2654435761 >> (32 - hashBits)
}

// insert makes position i known and returns the last one with its hash, or -1.
func (e *encoder) insert(i int) int {
	if i+minMatch > len(e.src) {
		return -1
	}
	h := e.hash(i)
	last := e.head[h]
	e.prev[i%windowSize] = last
	e.head[h] = int32(i + 1)
	return int(last) - 1
}

// longest inserts position i and returns its longest match if that is longer
// than have, the length of the match at the position before.
func (e *encoder) longest(i, have int) (length, distance int) {
	next := e.insert(i)
	chain := maxChain
	if have >= goodLength {
		chain /= 4
	}
	rest := e.src[i:min(len(e.src), i+maxMatch)]
	best := max(have, minMatch-1)
	for ; next >= 0 && i-next <= windowSize && chain > 0 && best < len(rest) && best < niceLength; chain-- {
		c := next
		next = int(e.prev[c%windowSize]) - 1
		there := e.src[c:]
		if there[best] != rest[best] || there[best-1] != rest[best-1] || there[0] != rest[0] {
			continue
		}
		n := 0
		for n < len(rest) && there[n] == rest[n] {
			n++
		}
		if n > best && (n > minMatch || i-c <= tooFar) {
			best, length, distance = n, n, i-c
		}
	}
	return length, distance
}
