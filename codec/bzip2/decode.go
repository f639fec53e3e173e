// SPDX-License-Identifier: GPL-2.0-or-later

package bzip2

import (
	"errors"
	"fmt"
	"io"
	"math"
	"math/bits"

	"binman/codec/internal/blocks"
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
//
// Nothing but its own symbols says where a block ends, and the next begins there. Blocks are
// decoded in parallel where the magic of one seems to be, and what one yields is used if the
// block before it ends there.
func DecodeTo(w io.Writer, src []byte, maxSize int64) (consumed int64, err error) {
	ahead := newFinder(src)
	if !ahead.several() {
		return decode(w, src, maxSize, (*reader).upTo)
	}
	return decode(w, src, maxSize, func(r *reader, end block) error {
		return blocks.Each(math.MaxInt, func() *decoder { return new(decoder) }, func(d *decoder, i int, old block) (block, error) {
			if start, ok := ahead.start(i); ok {
				return d.decode(src, start, old.data), nil
			}
			return end, nil
		}, func(_ int, b block) error { return r.upTo(b) })
	})
}

// decode is DecodeTo. read calls upTo for some blocks, in their order, then for the end that it
// gets, and returns its error.
func decode(w io.Writer, src []byte, maxSize int64, read func(r *reader, end block) error) (consumed int64, err error) {
	r := &reader{src: src, out: limit.NewWindow(w, maxSize)}
	if err := r.header(0); err != nil {
		return 0, err
	}
	if err := read(r, block{start: math.MaxInt64}); err != errEnd {
		return 0, err
	}
	return r.at / 8, r.out.Close()
}

// errEnd says that the last stream has been read.
var errEnd = errors.New("end of the streams")

// reader takes the blocks of streams in their order.
type reader struct {
	src  []byte
	at   int64 // bit of src where the next block, or the end of the stream, is expected
	size int   // most that a block may hold
	sum  uint32
	out  limit.Window
	own  decoder // for blocks that nobody has decoded yet
	data []byte  // of such a block
}

// failed returns an error about the bits at an offset.
func failed(at int64, format string, args ...any) error {
	return fmt.Errorf("%w: %s, near offset 0x%x", ErrFormat, fmt.Sprintf(format, args...), at/8)
}

// header reads the start of a stream, at a bit that begins a byte.
func (r *reader) header(at int64) error {
	h := r.src[at/8:]
	switch {
	case len(h) < 4:
		return failed(at, "it ends within a stream's header")
	case string(h[:3]) != "BZh":
		return failed(at, "no header of a stream")
	case h[3] < '1' || h[3] > '9':
		return failed(at, "block size %q, which must be '1' to '9'", h[3])
	}
	r.size = int(h[3]-'0') * 100_000
	r.sum = 0
	r.at = at + 32
	return nil
}

// upTo reads all that is before a block, then the block if there is one: if it is not within
// another one. It returns errEnd after the last stream.
func (r *reader) upTo(b block) error {
	for r.at <= b.start {
		if err := r.toBlock(); err != nil {
			return err
		}
		if r.at == b.start {
			return r.take(b)
		}
		if r.at < b.start {
			own := r.own.decode(r.src, r.at, r.data)
			r.data = own.data
			if err := r.take(own); err != nil {
				return err
			}
		}
	}
	return nil
}

// toBlock reads ends and headers of streams until a block begins, and returns errEnd if none
// follows.
func (r *reader) toBlock() error {
	for {
		in := newBitReader(r.src, r.at)
		switch in.take(24)<<24 | in.take(24) {
		case blockMagic:
			return nil
		case finalMagic:
		default:
			if in.at() > int64(len(r.src))*8 {
				return failed(r.at, "it ends before its stream does")
			}
			return failed(r.at, "neither a block nor the end of the stream")
		}
		sum := uint32(in.take(32))
		end := (in.at() + 7) &^ 7
		switch {
		case end > int64(len(r.src))*8:
			return failed(r.at, "it ends before its stream does")
		case sum != r.sum:
			return failed(r.at, "the stream's checksum is wrong")
		}
		r.at = end
		if rest := r.src[end/8:]; len(rest) < 2 || string(rest[:2]) != "BZ" {
			return errEnd
		}
		if err := r.header(end); err != nil {
			return err
		}
	}
}

// take writes the content of the block at r.at, and goes on behind it.
func (r *reader) take(b block) error {
	if b.err != nil {
		return b.err
	}
	if len(b.data) > r.size {
		return failed(b.start, "a block of %d bytes in a stream with blocks of %d", len(b.data), r.size)
	}
	err := expand(b.data, func(p []byte, last byte, more int) error {
		if err := r.out.Make(len(p) + more); err != nil {
			return err
		}
		r.out.Out = append(r.out.Out, p...)
		for range more {
			r.out.Out = append(r.out.Out, last)
		}
		_, err := r.out.Pass(0)
		return err
	})
	if err != nil {
		return err
	}
	if !b.sumOK {
		return failed(b.start, "a block's checksum is wrong")
	}
	r.sum = bits.RotateLeft32(r.sum, 1) ^ b.sum
	r.at = b.end
	return nil
}
