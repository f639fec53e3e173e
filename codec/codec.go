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
	"io"
	"slices"

	"binman/codec/internal/flush"
	"binman/codec/internal/limit"
)

// ErrTooLarge says that decompressed data would exceed the caller's limit.
var ErrTooLarge = limit.ErrTooLarge

// Codec is one compression algorithm. Values come from Lookup.
type Codec struct {
	Name string // as in a "compress" property: "lzma"
	Tool string // the program that the original runs for it: "lzma_alone"

	encode func(w io.Writer, src Source) error
	decode decoder
	magics []string                 // that data start with one of; none for lzma
	detect func(prefix []byte) bool // says what else must be right; nil for nothing
}

// Magics returns what the compressed data start with, one of them: lz4 has frames and a legacy
// format. lzma has none. Detect knows what else has to be right.
func (c Codec) Magics() []string { return slices.Clone(c.magics) }

// decoder decodes what src begins with, and writes at most limit bytes: one stream, or
// all that follow each other directly if the format lets them be told from
// padding. consumed, never 0, is how many bytes of src these take.
type decoder func(w io.Writer, src []byte, limit int64) (consumed int64, err error)

// Source is data to compress. content.Data is one.
type Source interface {
	io.ReaderAt
	Len() int64
	// View returns all, which is not to be changed.
	View() ([]byte, error)
}

// inMemory is a Source.
type inMemory []byte

func (b inMemory) Len() int64            { return int64(len(b)) }
func (b inMemory) View() ([]byte, error) { return b, nil }

func (b inMemory) ReadAt(p []byte, off int64) (int, error) {
	return bytes.NewReader(b).ReadAt(p, off)
}

// MaxSize is how many bytes CompressTo takes: as many as can be opened again unless more is
// allowed. Lengths come from descriptions, and fill is as long as they say.
const MaxSize = 1 << 30

// Compress returns src in compressed form.
func (c Codec) Compress(src []byte) ([]byte, error) {
	return flush.Whole(src, func(w io.Writer, src []byte) error { return c.CompressTo(w, inMemory(src)) })
}

// CompressTo is like Compress, and writes the compressed form while it compresses. It
// needs some MiB of memory for each thread, but for three: lzma needs all of src, xz that and
// about 100 MiB to search its dictionary of 8 MiB, zstd about 30 MiB for the same.
// An error of w comes back as it is. After an error, what has been written is not to be used.
func (c Codec) CompressTo(w io.Writer, src Source) error {
	if src.Len() > MaxSize {
		return fmt.Errorf("%#x bytes are too many to compress (at most %#x)", src.Len(), MaxSize)
	}
	out := flush.Counter{W: w}
	err := c.encode(&out, src)
	switch {
	case out.Err != nil:
		return out.Err // it has nothing to do with the data
	case err != nil:
		return fmt.Errorf("compress with %s: %w", c.Name, err)
	}
	return nil
}

// Decompress returns the content of the compressed data at the start of src.
// If that exceeds limit bytes it returns ErrTooLarge instead, having spent
// memory in proportion to limit at most. Streams that follow one another
// directly are joined, as the programs do, except for lzma, whose streams have
// no mark to be known by. Whatever follows the last one, such as an entry's
// padding, is ignored.
func (c Codec) Decompress(src []byte, max int64) ([]byte, error) {
	out := limit.Buffer{Max: max}
	return out.Done(c.DecompressTo(&out, src, max))
}

// DecompressTo is like Decompress, and writes the content while it decompresses. It
// needs memory for what later bytes may refer to: 64 KiB for gzip and lz4, some MiB for
// lzo, and for bzip2 for each thread, for the others the size of the dictionary, which is 8 MiB at most for what
// Compress makes. After an error, what has been written is not to be used.
func (c Codec) DecompressTo(w io.Writer, src []byte, max int64) error {
	_, err := c.decompress(w, src, max)
	return c.failed(err)
}

// decompress writes the content at the start of src.
func (c Codec) decompress(w io.Writer, src []byte, max int64) (consumed int64, err error) {
	out := flush.Counter{W: w}
	consumed, err = c.decode(&out, src, max)
	if out.Err != nil {
		return 0, out.Err // it has nothing to do with the data
	}
	return consumed, err
}

// Extent returns how many bytes of src the compressed data at its start take: those whose
// content Decompress returns. That is decompressed, and let go; work is about how many
// bytes of it there were, with an error too.
func (c Codec) Extent(src []byte, max int64) (size, work int64, err error) {
	out := flush.Counter{W: io.Discard}
	size, err = c.decompress(&out, src, max)
	return size, out.N, c.failed(err)
}

// failed says what failed with an error; nil if there is none.
func (c Codec) failed(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("decompress with %s: %w", c.Name, err)
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
func (c Codec) DecompressAll(src []byte, max int64) ([]byte, error) {
	out := limit.Buffer{Max: max}
	return out.Done(c.DecompressAllTo(&out, src, max))
}

// DecompressAllTo is like DecompressAll, and writes the contents as DecompressTo does.
func (c Codec) DecompressAllTo(w io.Writer, src []byte, max int64) error {
	out := flush.Counter{W: w}
	at, err := c.decompress(&out, src, max)
	if err != nil {
		return c.failed(err)
	}
	for !isPadding(src[at:]) {
		n, err := c.decompress(&out, src[at:], max-out.N)
		switch {
		case errors.Is(err, ErrTooLarge):
			return c.failed(limit.Exceeded(max))
		case err != nil && out.Err == nil:
			return c.failed(fmt.Errorf("at offset 0x%x, behind a stream, is neither padding nor another stream: %w", at, err))
		case err != nil:
			return c.failed(err)
		}
		at += n
	}
	return nil
}

// isPadding reports whether b is zero bytes, then bytes of one other value,
// of each any number.
func isPadding(b []byte) bool {
	b = bytes.TrimLeft(b, "\x00")
	return len(b) == 0 || bytes.Count(b, b[:1]) == len(b)
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
		hasMagic := slices.ContainsFunc(c.magics, func(m string) bool { return bytes.HasPrefix(prefix, []byte(m)) })
		if hasMagic && (c.detect == nil || c.detect(prefix)) {
			return c.Name
		}
	}
	if isLZMA(prefix) {
		return "lzma"
	}
	return ""
}
