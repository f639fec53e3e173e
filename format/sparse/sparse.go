// SPDX-License-Identifier: GPL-2.0-or-later

// Package sparse reads and writes Android sparse images: images of disks with little in
// them, as what is written where.
//
// All numbers are little-endian. Chunks follow the header, one behind the other.
//
//	offset  size  header
//	     0     4  3a ff 26 ed
//	     4     4  version: major, minor
//	     8     4  sizes of this header and of those of chunks, bytes
//	    12     4  size of a block, bytes
//	    16     4  blocks of the image when it is expanded
//	    20     4  number of chunks
//	    24     4  CRC-32 of the expanded image, or 0
//
//	offset  size  chunk
//	     0     2  type
//	     4     4  blocks that it expands to
//	     8     4  size with this header, bytes
//	    12        what the type says
//
//	type
//	  cac1  raw: the bytes of the blocks
//	  cac2  fill: 4 bytes, repeated
//	  cac3  don't care: nothing; the blocks may hold anything, and read as zeros
//	  cac4  CRC-32 of what the chunks in front expand to, in 4 bytes; no blocks
//
// Android's sparse_format.h specifies it. What is written is cut into chunks as
// img2simg does.
package sparse

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"binman/content"
	"binman/internal/binfmt"
)

const (
	headerSize = 28
	chunkSize  = 12
	maxChunks  = 1 << 20
	maxBlock   = 1 << 24 // bytes

	magic = 0xed26ff3a

	raw      = 0xcac1
	fill     = 0xcac2
	dontCare = 0xcac3
	sum      = 0xcac4
)

// Magic is what an image starts with.
var Magic = [4]byte{0x3a, 0xff, 0x26, 0xed}

// Image is what an image says of itself.
type Image struct {
	Size     int64  // of the image, up to the end of the last chunk that can be read, bytes
	Chunks   uint32 // how many there are
	Expanded int64  // size when it is expanded, bytes
	HasSum   bool   // whether it has a checksum, in the header or in a chunk
	Damage   error  // why not all chunks can be read; nil if they can

	block  int64 // bytes
	blocks int64 // of the expanded image
	sum    uint32
}

// chunk is a chunk that could be read.
type chunk struct {
	kind uint16
	at   int64 // what follows its header, from the start of the image
	size int64 // of that
	out  int64 // what it expands to, bytes
}

// Detect reports whether there is an image at the start of r, of which size bytes may be
// read.
func Detect(r io.ReaderAt, size int64) bool {
	_, err := header(binfmt.Source{R: r, Size: size})
	return err == nil
}

// Parse reads the headers of the image at the start of r, of which size bytes may be
// read. If the first chunk cannot be read either, that is an error.
func Parse(r io.ReaderAt, size int64) (*Image, error) {
	src := binfmt.Source{R: r, Size: size}
	im, err := header(src)
	if err != nil {
		return nil, err
	}
	if im.Damage = im.walk(src, func(chunk) error { return nil }); im.Damage != nil && im.Size == headerSize {
		return nil, im.Damage
	}
	return im, nil
}

func header(src binfmt.Source) (*Image, error) {
	h, err := src.Bytes(0, headerSize, "header")
	if err != nil {
		return nil, err
	}
	im := &Image{
		Size: headerSize, block: int64(word(h, 12)), blocks: int64(word(h, 16)), Chunks: word(h, 20), sum: word(h, 24), HasSum: word(h, 24) != 0,
	}
	im.Expanded = im.block * im.blocks
	if word(h, 0) != magic {
		return nil, errors.New("it does not start as a sparse image does")
	}
	if half(h, 4) != 1 || half(h, 8) != headerSize || half(h, 10) != chunkSize || im.block == 0 || im.block%4 != 0 || im.block > maxBlock || im.Chunks > maxChunks {
		return nil, fmt.Errorf("version %d with blocks of %#x bytes and %d chunks is not known", half(h, 4), im.block, im.Chunks)
	}
	return im, nil
}

// walk calls f for all chunks.
func (im *Image) walk(src binfmt.Source, f func(chunk) error) error {
	expanded := int64(0)
	for i := range im.Chunks {
		h, err := src.Bytes(im.Size, chunkSize, "chunk")
		if err != nil {
			return err
		}
		n := int64(word(h, 4))
		c := chunk{kind: half(h, 0), at: im.Size + chunkSize, size: int64(word(h, 8)) - chunkSize, out: n * im.block}
		want, known := int64(0), true
		switch c.kind {
		case raw:
			want = c.out
		case fill:
			want = 4
		case dontCare:
		case sum:
			want, c.out, im.HasSum = 4, 0, true
		default:
			known = false
		}
		if !known || c.size != want {
			return fmt.Errorf("chunk %d at %#x has the type %#x and %#x bytes for %d blocks", i, im.Size, c.kind, c.size+chunkSize, n)
		}
		im.Size = c.at + c.size
		if expanded += c.out; expanded > im.Expanded {
			return fmt.Errorf("the chunks expand to more than the %d blocks that the header says", im.blocks)
		}
		if im.Size > src.Size {
			break
		}
		if err := f(c); err != nil {
			return fmt.Errorf("chunk %d at %#x: %w", i, c.at-chunkSize, err)
		}
	}
	if im.Size > src.Size {
		err := fmt.Errorf("the last chunk ends at %#x, and there are %#x bytes", im.Size, src.Size)
		im.Size = src.Size
		return err
	}
	if expanded != im.Expanded {
		return fmt.Errorf("the chunks expand to %d blocks, the header says %d", expanded/im.block, im.blocks)
	}
	return nil
}

// Expand returns the image that a sparse image is of. It is a view: nothing of it is
// held in memory. If there are checksums, all is read once, and they have to be right.
func Expand(data content.Data) (content.Data, error) {
	im, err := Parse(data, data.Len())
	if err != nil {
		return content.Data{}, err
	}
	if im.Damage != nil {
		return content.Data{}, im.Damage
	}
	var out content.Builder
	var got checksum
	im.Size = headerSize
	err = im.walk(binfmt.Source{R: data, Size: data.Len()}, func(c chunk) error {
		var word [4]byte
		if c.kind == fill || c.kind == sum {
			if _, err := data.ReadAt(word[:], c.at); err != nil {
				return err
			}
		}
		switch c.kind {
		case raw:
			part := data.Slice(c.at, c.size)
			out.Add(part)
			if im.HasSum {
				_, err := part.WriteTo(&got)
				return err
			}
		case fill, dontCare:
			out.Add(repeated(word, c.out))
			if im.HasSum {
				got.repeat(word, c.out)
			}
		case sum:
			return got.check(binary.LittleEndian.Uint32(word[:]))
		}
		return nil
	})
	if err == nil && im.sum != 0 {
		if err = got.check(im.sum); err != nil {
			err = fmt.Errorf("header: %w", err)
		}
	}
	if err != nil {
		return content.Data{}, err
	}
	return out.Data(), nil
}

// repeated returns n bytes of a repeated word.
func repeated(word [4]byte, n int64) content.Data {
	if one := word[0]; word == [4]byte{one, one, one, one} {
		return content.Fill(one, n)
	}
	return content.File(pattern(word), "fill", 0, n)
}

// pattern is a word without an end.
type pattern [4]byte

// ReadAt implements io.ReaderAt.
func (w pattern) ReadAt(p []byte, off int64) (int, error) {
	for i := range min(4, len(p)) {
		p[i] = w[(off+int64(i))%4]
	}
	for n := 4; n < len(p); n *= 2 {
		copy(p[n:], p[:n])
	}
	return len(p), nil
}

// word reads a number of 32 bits.
func word(b []byte, off int) uint32 { return binary.LittleEndian.Uint32(b[off:]) }

// half reads a number of 16 bits.
func half(b []byte, off int) uint16 { return binary.LittleEndian.Uint16(b[off:]) }
