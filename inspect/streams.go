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

// usualLZMA is what data of lzma start with as most programs write them. There is no magic, and
// little is as sure as that.
const usualLZMA = "\x5d\x00\x00"

// streamSignatures are those of compressed streams.
func streamSignatures() []signature {
	magics := []string{usualLZMA}
	for _, name := range codec.Names() {
		if c, err := codec.Lookup(name); err == nil {
			magics = append(magics, c.Magics()...)
		}
	}
	var list []signature
	for _, m := range magics {
		list = append(list, signature{format: compressedFormat, magic: []byte(m), align: 4, extent: streamExtent})
	}
	return list
}

// needsNoProbe says whether the magic of a codec is so long, or what follows it is checked so early,
// that hardly anything else gets further. A probe of bzip2 or zstd would need more than the
// start: a block, and all of a frame.
func needsNoProbe(c codec.Codec) bool { return c.Name == "bzip2" || c.Name == "xz" || c.Name == "zstd" }

// A spender keeps count of work that is not reading, in bytes that could have been read.
type spender interface{ spend(bytes int64) }

// streamExtent returns how many bytes the stream at the start of r takes.
func streamExtent(r io.ReaderAt, size int64) (int64, error) {
	src := binfmt.Source{R: r, Size: size}
	c, err := codec.Lookup(packing(r, size))
	if err != nil {
		return 0, err
	}
	if !needsNoProbe(c) {
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
