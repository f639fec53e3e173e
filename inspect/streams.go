// SPDX-License-Identifier: GPL-2.0-or-later

package inspect

import (
	"errors"
	"io"

	"binman/codec"
	"binman/internal/binfmt"
)

// Bounds of what is decompressed to find out where a compressed stream ends, in bytes. What
// only looks like one yields less than streamProbe of the first streamStart bytes.
const (
	streamStart = 256 << 10
	streamProbe = streamStart / 4
	streamMost  = 256 << 20 // decompressed
)

// streamMagics are what compressed streams start with, and whether that is so sure that no
// probe is needed: bzip2 and zstd would need more than the start for one.
var streamMagics = []struct {
	magic string
	sure  bool
}{
	{"\x1f\x8b\x08", false},
	{"\x5d\x00\x00", false}, // lzma as most write it
	{"\x28\xb5\x2f\xfd", true},
	{"\x04\x22\x4d\x18", false},
	{"\x89LZO\x00\x0d\x0a\x1a\x0a", false},
	{"\xfd7zXZ\x00", true},
	{"BZh", true},
}

// streamSignatures are those of compressed streams.
func streamSignatures() []signature {
	var list []signature
	for _, m := range streamMagics {
		list = append(list, signature{format: compressedFormat, magic: []byte(m.magic), align: 4, extent: func(r io.ReaderAt, size int64) (int64, error) {
			return streamExtent(r, size, m.sure)
		}})
	}
	return list
}

// A spender keeps count of work that is not reading, in bytes that could have been read.
type spender interface{ spend(bytes int64) }

// streamExtent returns how many bytes the stream at the start of r takes.
func streamExtent(r io.ReaderAt, size int64, sure bool) (int64, error) {
	src := binfmt.Source{R: r, Size: size}
	c, err := codec.Lookup(packing(r, size))
	if err != nil {
		return 0, err
	}
	if !sure {
		b, err := src.Bytes(0, min(size, streamStart), "start of a stream")
		if err != nil {
			return 0, err
		}
		n, _, err := c.Extent(b, streamProbe)
		if !errors.Is(err, codec.ErrTooLarge) {
			return n, err
		}
	}
	for length := int64(16 * streamStart); ; length *= 8 {
		b, err := src.Bytes(0, min(size, length, binfmt.MaxRead), "stream")
		if err != nil {
			return 0, err
		}
		n, work, err := c.Extent(b, streamMost)
		if s, ok := r.(spender); ok {
			s.spend(work / 4)
		}
		if err == nil || errors.Is(err, codec.ErrTooLarge) || int64(len(b)) == min(size, binfmt.MaxRead) {
			return n, err
		}
	}
}
