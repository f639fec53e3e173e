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
	decode func(src []byte, limit int64) ([]byte, error)
	detect func(prefix []byte) bool
}

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
// directly are joined, as the programs do; bytes that follow the last one,
// such as an entry's padding, are ignored.
func (c Codec) Decompress(src []byte, limit int64) ([]byte, error) {
	out, err := c.decode(src, limit)
	if err != nil {
		return nil, fmt.Errorf("decompress with %s: %w", c.Name, err)
	}
	return out, nil
}

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
