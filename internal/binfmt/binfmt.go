// SPDX-License-Identifier: GPL-2.0-or-later

// Package binfmt holds what every parser of an on-flash format needs: reads
// that are checked against the size of the image before anything is
// allocated, a search for a magic value in an image of any size, and the
// list item that all formats describe their contents with.
//
// All offsets and sizes are in bytes, from the start of the image that the
// parser was given.
package binfmt

import (
	"bytes"
	"errors"
	"fmt"
	"io"
)

// MaxRead is the largest number of bytes that one call of Bytes returns. The
// headers and tables of every format in this module are far smaller; larger
// things are read through Section.
const MaxRead = 64 << 20

// ErrRange is wrapped by the errors about a header, table or payload that
// lies outside the image.
var ErrRange = errors.New("outside the image")

// Item is one thing found inside an image, as a lister shows it.
type Item struct {
	Name   string // as the image spells it: data, not a safe file name
	Type   string // what it is, in the words of the format's own tools
	Offset int64  // bytes from the start of the image given to the parser
	Size   int64  // bytes it takes up in the image

	// Of what the format itself compresses: the name of the codec ("lzma"),
	// and how many bytes it decompresses to, as the format says.
	Compress   string
	UncompSize int64

	Details Details // what else the format says
}

// Source is an image, or a part of one, that is being parsed.
type Source struct {
	R    io.ReaderAt
	Size int64 // bytes that may be read from R
}

// Check reports whether n bytes at offset off lie inside the image. The
// word what names them in the error.
func (s Source) Check(off, n int64, what string) error {
	if off < 0 || n < 0 || off > s.Size || n > s.Size-off {
		return fmt.Errorf("%s at offset %#x with size %#x is %w of %#x bytes", what, off, n, ErrRange, s.Size)
	}
	return nil
}

// Bytes returns n bytes from offset off. Nothing is allocated when they are
// not all inside the image, or are more than MaxRead.
func (s Source) Bytes(off, n int64, what string) ([]byte, error) {
	if err := s.Check(off, n, what); err != nil {
		return nil, err
	}
	if n > MaxRead {
		return nil, fmt.Errorf("%s at offset %#x has %#x bytes: more than the %#x this program reads at once", what, off, n, MaxRead)
	}
	buf := make([]byte, n)
	if got, err := s.R.ReadAt(buf, off); int64(got) != n {
		if err == nil || err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		return nil, fmt.Errorf("read %s at offset %#x: %w", what, off, err)
	}
	return buf, nil
}

// Section returns a reader for n bytes at offset off.
func (s Source) Section(off, n int64, what string) (*io.SectionReader, error) {
	if err := s.Check(off, n, what); err != nil {
		return nil, err
	}
	return io.NewSectionReader(s.R, off, n), nil
}

// HasAt reports whether the bytes of magic stand at offset off. A failed
// read counts as no.
func (s Source) HasAt(magic []byte, off int64) bool {
	got, err := s.Bytes(off, int64(len(magic)), "magic")
	return err == nil && bytes.Equal(got, magic)
}

// searchChunk is how much Search reads at a time.
const searchChunk = 256 << 10

// Search calls found with the offset of each occurrence of magic at or after
// from, in ascending order, until found returns false or the image ends.
// Memory does not depend on the size of the image. A magic does not start with a
// zero: holes of the image are passed over.
func (s Source) Search(magic []byte, from int64, found func(off int64) bool) error {
	overlap := int64(len(magic)) - 1
	buf := make([]byte, searchChunk)
	holes, _ := s.R.(interface{ NextData(off int64) int64 })
	for pos := from; s.Size-pos > overlap; {
		if holes != nil {
			if pos = max(pos, holes.NextData(pos)); s.Size-pos <= overlap {
				break
			}
		}
		chunk := buf[:min(int64(len(buf)), s.Size-pos)]
		if n, err := s.R.ReadAt(chunk, pos); n != len(chunk) {
			if err == nil || err == io.EOF {
				err = io.ErrUnexpectedEOF
			}
			return fmt.Errorf("search image at offset %#x: %w", pos, err)
		}
		for at := 0; ; at++ {
			i := bytes.Index(chunk[at:], magic)
			if i < 0 {
				break
			}
			at += i
			if !found(pos + int64(at)) {
				return nil
			}
		}
		pos += int64(len(chunk)) - overlap
	}
	return nil
}

// CString returns the bytes of b before the first NUL, and whether there was
// one.
func CString(b []byte) (s string, terminated bool) {
	head, _, found := bytes.Cut(b, []byte{0})
	return string(head), found
}

// Align returns off rounded up to a multiple of align, a power of two.
func Align(off, align int64) int64 {
	return (off + align - 1) &^ (align - 1)
}
