// SPDX-License-Identifier: GPL-2.0-or-later

// Package codec compresses and decompresses by name: bzip2, gzip, lz4, lzma,
// lzo, xz, zstd, the algorithms that a "compress" property can ask for.
//
//	name   format                     package      program of the original
//	bzip2  .bz2, blocks of 900 kB     codec/bzip2  bzip2
//	gzip   RFC 1952, one member       codec/gzip   gzip
//	lz4    LZ4 frame, 64 KiB blocks   codec/lz4    lz4 --no-frame-crc -B4 -5
//	lzma   "LZMA alone"               codec/lzma   lzma_alone -lc1 -lp0 -pb0 -d8
//	lzo    lzop file, LZO1X           codec/lzo    lzop
//	xz     .xz, LZMA2, CRC64          codec/xz     xz
//	zstd   RFC 8878, one frame        codec/zstd   zstd
//
// The compressed bytes depend on the input alone: not on the machine, the
// number of threads, the Go release, a file's name or the time. Where a format
// has room for a name or a time, it is left empty. All functions may be called
// concurrently.
//
// docs/compression.md compares the sizes with those of the programs.
package codec

import (
	"bytes"
	"errors"
	"fmt"

	"binman/codec/internal/limit"
)

// ErrTooLarge says that decompressed data would exceed the caller's limit.
var ErrTooLarge = limit.ErrTooLarge

// Codec is one compression algorithm. Values come from Lookup.
type Codec struct {
	Name string // as in a "compress" property: "lzma"
	Tool string // the program that the original runs for it: "lzma_alone"

	encode func(src []byte) ([]byte, error)
	decode decoder
	detect func(prefix []byte) bool
}

// decoder decodes what src begins with, to at most limit bytes: one stream, or
// all that follow each other directly if the format lets them be told from
// padding. consumed, never 0, is how many bytes of src these take.
type decoder func(src []byte, limit int64) (out []byte, consumed int64, err error)

// Compress returns src in compressed form.
func (c Codec) Compress(src []byte) ([]byte, error) {
	out, err := c.encode(src)
	if err != nil {
		return nil, fmt.Errorf("compress with %s: %w", c.Name, err)
	}
	return out, nil
}

// Decompress returns the content of the compressed data at the start of src.
// If that exceeds limit bytes it returns ErrTooLarge instead, having spent
// memory in proportion to limit at most. Streams that follow one another
// directly are joined, as the programs do, except for lzma, whose streams have
// no mark to be known by. Whatever follows the last one, such as an entry's
// padding, is ignored.
func (c Codec) Decompress(src []byte, limit int64) ([]byte, error) {
	out, _, err := c.decode(src, limit)
	if err != nil {
		return nil, fmt.Errorf("decompress with %s: %w", c.Name, err)
	}
	return out, nil
}

// DecompressAll returns the joined contents of all streams in src, of which
// there must be one at least: what several files are that were compressed one
// by one. It is for data known to be just that, and differs from Decompress
// in two ways. Streams of lzma are joined too. And nothing but padding may
// follow the last stream: zero bytes, then bytes of one other value, as many
// as there are of each. Anything else is an error, as it may be a stream that
// is damaged, and its content must not be left out without a word.
//
// The limit is for all contents together.
func (c Codec) DecompressAll(src []byte, limit int64) ([]byte, error) {
	out, n, err := c.decode(src, limit)
	if err != nil {
		return nil, fmt.Errorf("decompress with %s: %w", c.Name, err)
	}
	for at := n; !isPadding(src[at:]); at += n {
		var more []byte
		more, n, err = c.decode(src[at:], limit-int64(len(out)))
		switch {
		case errors.Is(err, ErrTooLarge):
			return nil, fmt.Errorf("decompress with %s: %w", c.Name, exceeded(limit))
		case err != nil:
			return nil, fmt.Errorf("decompress with %s: at offset 0x%x, behind a stream, "+
				"is neither padding nor another stream: %w", c.Name, at, err)
		}
		out = append(out, more...)
	}
	return out, nil
}

// isPadding reports whether b is zero bytes, then bytes of one other value,
// of each any number.
func isPadding(b []byte) bool {
	b = bytes.TrimLeft(b, "\x00")
	return len(b) == 0 || bytes.Count(b, b[:1]) == len(b)
}

// exceeded returns ErrTooLarge with the limit.
func exceeded(n int64) error { return limit.Exceeded(n) }

// Lookup returns the codec called name.
func Lookup(name string) (Codec, error) {
	for _, c := range codecs() {
		if c.Name == name {
			return c, nil
		}
	}
	//lint:ignore ST1005 users and scripts know this text of the original
	return Codec{}, fmt.Errorf("Unknown algorithm '%s'", name)
}

// Names returns the names of all codecs in alphabetical order.
func Names() []string {
	var names []string
	for _, c := range codecs() {
		names = append(names, c.Name)
	}
	return names
}

// DetectLen is the number of bytes from which Detect can tell all formats.
const DetectLen = 14

// Detect returns the name of the codec whose format begins with prefix, or ""
// if there is none. LZMA has no magic, only a header whose values are
// plausible; all other formats are tried first.
func Detect(prefix []byte) string {
	for _, c := range codecs() {
		if c.Name != "lzma" && c.detect(prefix) {
			return c.Name
		}
	}
	if isLZMA(prefix) {
		return "lzma"
	}
	return ""
}
