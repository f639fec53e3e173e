// SPDX-License-Identifier: GPL-2.0-or-later

// Package zstd writes and reads Zstandard frames.
//
// A frame, all numbers little-endian:
//
//	bytes    field
//	4        magic 0xfd2fb528 (28 b5 2f fd)
//	1        descriptor: content size field 7-6, single segment 5,
//	         checksum 2, dictionary id field 1-0
//	0/1      window size, unless single segment
//	0/1/2/4  dictionary id
//	0/1/2/4/8  content size
//	…        blocks: 3 bytes header (last 0, type 2-1, size 23-3), then the
//	         size in bytes of raw or compressed data, or one byte to be
//	         repeated size times; a block decodes to 128 KiB at most
//	0/4      low half of XXH64 of the content
//
// Source: RFC 8878, section 3.
//
// Blocks are coded by github.com/klauspost/compress, whose "better" level
// comes to about the size of "zstd -3"; the module's version is pinned and
// the tests of package codec hold a hash of its output. This package walks
// the frames itself, for two ends: to know where they stop, as an entry of
// an image may be padded, and to know what they can decode to at most before
// any memory is spent on it.
package zstd

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"runtime"

	"github.com/klauspost/compress/zstd"

	"binman/codec/internal/blocks"
	"binman/codec/internal/flush"
	"binman/codec/internal/limit"
)

// Errors of Decode.
var (
	// ErrFormat says that the input is not Zstandard, or is damaged.
	ErrFormat = errors.New("zstd: invalid data")
	// ErrTooLarge says that the output would exceed the limit.
	ErrTooLarge = limit.ErrTooLarge
)

const (
	frameMagic = 0xfd2fb528
	// skippable frames have the magics skipMagic … skipMagic + 15.
	skipMagic    = 0x184d2a50
	maxBlockSize = 128 << 10
	window       = 8 << 20 // what Encode writes
	// maxWindow is what the zstd program accepts without being asked.
	maxWindow = 128 << 20
	// emptyFrame is what the program writes for no data; klauspost's encoder
	// would leave out the checksum.
	emptyFrame = "\x28\xb5\x2f\xfd\x24\x00\x01\x00\x00\x99\xe9\xd8\x51"
)

// Encode returns src as one frame with content size and checksum. The bytes
// depend on src only.
func Encode(src []byte) ([]byte, error) { return flush.Bytes(src, EncodeTo) }

// EncodeTo is like Encode, and writes the frame. Content of more than the window is encoded
// while it is written, in two threads: one searches, one codes what the other has found.
// (For smaller content that would make the frame some bytes larger.)
func EncodeTo(w io.Writer, src *io.SectionReader) error {
	if src.Size() == 0 {
		_, err := io.WriteString(w, emptyFrame)
		return err
	}
	options := []zstd.EOption{
		zstd.WithEncoderLevel(zstd.SpeedBetterCompression),
		zstd.WithEncoderConcurrency(min(runtime.GOMAXPROCS(0), 2)),
		zstd.WithWindowSize(window),
	}
	if src.Size() <= zstd.MinWindowSize {
		// Otherwise a small frame does not say its content's size.
		options = append(options, zstd.WithSingleSegment(true))
	}
	e, err := zstd.NewWriter(nil, options...)
	if err != nil {
		return fmt.Errorf("zstd: %w", err)
	}
	if src.Size() <= window {
		all := make([]byte, src.Size())
		if err := blocks.ReadAt(src, all, 0); err != nil {
			return err
		}
		_, err := w.Write(e.EncodeAll(all, make([]byte, 0, len(all)/2+64)))
		return err
	}
	defer e.Reset(nil) // waits for its goroutines, if there was an error
	e.ResetContentSize(w, src.Size())
	n, err := e.ReadFrom(io.NewSectionReader(src, 0, src.Size()))
	if err == nil && n < src.Size() {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return fmt.Errorf("zstd: %w", err)
	}
	if err := e.Close(); err != nil {
		return fmt.Errorf("zstd: %w", err)
	}
	return nil
}

// Decode returns the content of the frames at the start of src, at most
// maxSize bytes of it, else ErrTooLarge. Bytes after the last frame are
// ignored.
func Decode(src []byte, maxSize int64) ([]byte, error) {
	out := limit.Buffer{Max: maxSize}
	_, err := DecodeTo(&out, src, maxSize)
	return out.Done(err)
}

// small is up to which size, in bytes, content is decoded in one piece, since a window
// may need more.
const small = 8 << 20

// DecodeTo is like Decode, and writes the content. It returns how many bytes of src
// the frames take.
func DecodeTo(w io.Writer, src []byte, maxSize int64) (consumed int64, err error) {
	end, bound, err := measure(src)
	if err != nil {
		return 0, err
	}
	in := src[:end]
	d, err := zstd.NewReader(nil,
		zstd.WithDecoderConcurrency(1),
		zstd.WithDecoderLowmem(true),
		zstd.WithDecoderMaxWindow(maxWindow),
		zstd.WithDecodeAllCapLimit(true))
	if err != nil {
		return 0, fmt.Errorf("zstd: %w", err)
	}
	defer d.Close()
	if room := max(min(bound, maxSize), 0); room <= small {
		var out []byte
		if out, err = d.DecodeAll(in, make([]byte, 0, room)); err == nil {
			_, err = w.Write(out)
		}
	} else if err = d.Reset(bytes.NewReader(in)); err == nil {
		_, err = limit.Copy(w, d, maxSize)
	}
	switch {
	case errors.Is(err, ErrTooLarge):
		return 0, err
	case errors.Is(err, zstd.ErrDecoderSizeExceeded) && bound > maxSize:
		return 0, limit.Exceeded(maxSize)
	case err != nil:
		return 0, fmt.Errorf("%w: %w", ErrFormat, err)
	}
	return int64(end), nil
}

// measure walks the frames at the start of src and returns the offset of
// their end and the most bytes that they can decode to.
func measure(src []byte) (end int, bound int64, err error) {
	w := walker{src: src}
	frames := 0
	for {
		switch magic := w.peekMagic(); {
		case magic == frameMagic:
			err = w.frame()
		case magic&^15 == skipMagic:
			w.pos += 4
			w.skip(w.number(4))
			err = w.err
		case frames == 0:
			return 0, 0, fmt.Errorf("%w: no frame magic at offset 0x0", ErrFormat)
		default:
			return w.pos, w.bound, nil
		}
		if err != nil {
			return 0, 0, err
		}
		frames++
	}
}

// walker reads the structure of frames; its first error sticks.
type walker struct {
	src   []byte
	pos   int
	bound int64
	err   error
}

func (w *walker) peekMagic() uint32 {
	if len(w.src)-w.pos < 4 {
		return 0
	}
	return binary.LittleEndian.Uint32(w.src[w.pos:])
}

func (w *walker) skip(n uint64) {
	if w.err == nil && n > uint64(len(w.src)-w.pos) {
		w.err = fmt.Errorf("%w: %d bytes wanted at offset 0x%x, but the input has only %d more",
			ErrFormat, n, w.pos, len(w.src)-w.pos)
	}
	if w.err == nil {
		w.pos += int(n)
	}
}

// number reads a number of n bytes, little-endian.
func (w *walker) number(n int) uint64 {
	at := w.pos
	w.skip(uint64(n))
	if w.err != nil {
		return 0
	}
	var b [8]byte
	copy(b[:n], w.src[at:])
	return binary.LittleEndian.Uint64(b[:])
}

func (w *walker) frame() error {
	start := w.pos
	w.pos += 4
	descriptor := w.number(1)
	single := descriptor>>5&1 != 0
	if !single {
		w.number(1) // window; the decoder checks it
	}
	w.number([]int{0, 1, 2, 4}[descriptor&3]) // dictionary id
	sizeBytes := []int{0, 2, 4, 8}[descriptor>>6]
	if single && sizeBytes == 0 {
		sizeBytes = 1
	}
	content := w.number(sizeBytes)
	if sizeBytes == 2 {
		content += 256
	}

	var bound int64
	for last := false; !last && w.err == nil; {
		head := w.number(3)
		last = head&1 != 0
		size := head >> 3
		switch head >> 1 & 3 {
		case 0: // raw
			w.skip(size)
			bound += int64(size)
		case 1: // run of one byte
			w.skip(1)
			bound += int64(size)
		case 2: // compressed
			w.skip(size)
			bound += maxBlockSize
		default:
			return fmt.Errorf("%w: reserved block type at offset 0x%x", ErrFormat, w.pos-3)
		}
	}
	if descriptor>>2&1 != 0 {
		w.skip(4)
	}
	if w.err != nil {
		return w.err
	}
	if sizeBytes > 0 {
		if content > uint64(bound) {
			return fmt.Errorf("%w: frame at offset 0x%x says %d bytes of content, but its blocks hold at most %d",
				ErrFormat, start, content, bound)
		}
		bound = int64(content)
	}
	w.bound += bound
	return nil
}
