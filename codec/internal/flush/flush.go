// SPDX-License-Identifier: GPL-2.0-or-later

// Package flush writes what encoders make while they make it, so that they need no
// memory for all of it.
package flush

import (
	"bytes"
	"io"
	"math"

	"binman/codec/internal/limit"
)

// Counter counts the bytes that go to a writer, and keeps its error.
type Counter struct {
	W   io.Writer
	N   int64
	Err error
}

func (c *Counter) Write(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	n, err := c.W.Write(p)
	c.N += int64(n)
	c.Err = err
	return n, err
}

// full is how many bytes wait until they are written.
const full = 64 << 10

// IfFull writes out if that is worth it, and returns what waits then: out or, in the same
// memory, nothing.
func IfFull(w io.Writer, out []byte) ([]byte, error) {
	if len(out) < full {
		return out, nil
	}
	_, err := w.Write(out)
	return out[:0], err
}

// Bytes returns what encode writes for src, in one piece.
func Bytes(src []byte, encode func(w io.Writer, src *io.SectionReader) error) ([]byte, error) {
	return Whole(src, func(w io.Writer, src []byte) error {
		return encode(w, io.NewSectionReader(bytes.NewReader(src), 0, int64(len(src))))
	})
}

// Whole is Bytes for an encoder that needs all of src at once.
func Whole(src []byte, encode func(w io.Writer, src []byte) error) ([]byte, error) {
	out := limit.Buffer{Out: make([]byte, 0, len(src)/2+64), Max: math.MaxInt64}
	return out.Done(encode(&out, src))
}
