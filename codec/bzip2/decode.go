// SPDX-License-Identifier: GPL-2.0-or-later

package bzip2

import (
	"compress/bzip2"
	"errors"
	"fmt"
	"io"

	"binman/codec/internal/limit"
)

// Errors of Decode.
var (
	// ErrFormat says that the input is not bzip2, or is damaged.
	ErrFormat = errors.New("bzip2: invalid data")
	// ErrTooLarge says that the output would exceed the limit.
	ErrTooLarge = limit.ErrTooLarge
)

// Decode returns the content of the streams at the start of src, at most
// maxSize bytes of it, else ErrTooLarge. Bytes after the last stream are
// ignored.
func Decode(src []byte, maxSize int64) ([]byte, error) {
	out := limit.Buffer{Max: maxSize}
	_, err := DecodeTo(&out, src, maxSize)
	return out.Done(err)
}

// DecodeTo is like Decode, and writes the content. It returns how many bytes of src
// the streams take.
func DecodeTo(w io.Writer, src []byte, maxSize int64) (consumed int64, err error) {
	in := &byteReader{src: src}
	_, err = limit.Copy(w, bzip2.NewReader(in), maxSize)
	if err == nil {
		return int64(in.pos), nil
	}
	if errors.Is(err, ErrTooLarge) {
		return 0, err
	}
	if end, ok := in.sawEnd(); ok {
		return int64(end), nil
	}
	return 0, fmt.Errorf("%w: %w, near offset 0x%x", ErrFormat, err, in.pos)
}

// byteReader reads src byte by byte, which is how compress/bzip2 reads an
// io.ByteReader: it takes no byte before it needs it.
type byteReader struct {
	src []byte
	pos int
}

func (r *byteReader) ReadByte() (byte, error) {
	if r.pos == len(r.src) {
		return 0, io.EOF
	}
	r.pos++
	return r.src[r.pos-1], nil
}

func (r *byteReader) Read(p []byte) (int, error) {
	if r.pos == len(r.src) {
		return 0, io.EOF
	}
	n := copy(p, r.src[r.pos:])
	r.pos += n
	return n, nil
}

// sawEnd returns the end of the last stream if reading went wrong only after
// it: compress/bzip2 then reads one or two bytes and expects "BZ" there. The
// end is known by the final magic and 32 bits of CRC, padded to a byte.
func (r *byteReader) sawEnd() (end int, ok bool) {
	for looked := 1; looked <= 2; looked++ {
		end = r.pos - looked
		if end < 14 || looked == 1 && r.pos != len(r.src) ||
			looked == 2 && string(r.src[end:r.pos]) == "BZ" {
			continue
		}
		for padding := range 8 {
			var magic uint64
			for i := range 48 {
				bit := end*8 - padding - 80 + i
				magic = magic<<1 | uint64(r.src[bit/8]>>(7-bit%8)&1)
			}
			if magic == finalMagic {
				return end, true
			}
		}
	}
	return 0, false
}
