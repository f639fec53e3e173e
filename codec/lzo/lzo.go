// SPDX-License-Identifier: GPL-2.0-or-later

// Package lzo writes and reads files of the lzop program: LZO1X in blocks.
//
// A file, all numbers big-endian:
//
//	bytes  field
//	9      magic 89 4c 5a 4f 00 0d 0a 1a 0a
//	2      version of lzop, here 0x1040; at least 0x0940
//	2      version of the library, here 0x20a0
//	2      version needed to extract, 0x0940
//	1      method: 1 LZO1X-1, 2 LZO1X-1(15), 3 LZO1X-999; one decoder for all
//	1      level
//	4      flags, see below
//	0/4    filter, if flag 0x800
//	4      mode
//	4, 4   time, low and high word
//	1, n   length of the name, name
//	4      Adler-32 of version … name (CRC-32 if flag 0x1000)
//	…      extra field, if flag 0x40: 4 bytes length, data, 4 bytes checksum
//	…      blocks: 4 bytes decoded size (0 ends the file), 4 bytes size,
//	       checksums, data; stored when both sizes are equal
//
// Flags 0x1 and 0x100 announce an Adler-32 and a CRC-32 of a block's decoded
// data, 0x2 and 0x200 those of its compressed data, which a stored block
// leaves out.
//
// Data is a row of instructions. D is a distance less one, H its high byte,
// S the number of literals (0 to 3) that follow a match directly:
//
//	0000LLLL           literals, 3+L, or 18 + extension if L is 0; only after
//	                   a match with S = 0
//	0000DDSS H         2 bytes from D = H·4+D, after a match with S > 0;
//	                   3 bytes from D = H·4+D+2048, after literals of the
//	                   instruction above
//	0001HLLL D·4+S     2+L or 9 + extension bytes, from a distance of
//	                   16384 + H·16384 + D (14 bits, little-endian);
//	                   distance 16384 ends the block
//	001LLLLL D·4+S     2+L or 33 + extension bytes, from D (14 bits)
//	LLLDDDSS H         1+L bytes (L from 2), from D = H·8+D
//
// An extension is a byte for each 255, valued 0, and one with the rest (1 to
// 255). A block's first byte, if above 17, means literals: that many less 17.
//
// Sources: lib/lzo/lzo1x_decompress.c in U-Boot, which reads no checksum but
// skips exactly one word for it in each block; Documentation/staging/lzo.rst
// in Linux; the output of lzop 1.04.
package lzo

import (
	"encoding/binary"
	"hash/adler32"
	"io"
	"slices"

	"binman/codec/internal/blocks"
	"binman/codec/internal/flush"
)

const (
	magic = "\x89LZO\x00\r\n\x1a\n"

	flagDataAdler   = 0x1
	flagPackedAdler = 0x2
	flagExtra       = 0x40
	flagDataCRC     = 0x100
	flagPackedCRC   = 0x200
	flagFilter      = 0x800
	flagHeaderCRC   = 0x1000

	oldestVersion = 0x0940
	// blockSize is the decoded size of the blocks that Encode writes.
	blockSize = 256 << 10
	// maxBlock is the largest decoded size that lzop accepts.
	maxBlock = 64 << 20
)

// header is what Encode puts in front of the blocks: the values of lzop 1.04,
// with no name and the time 0, so that the bytes depend on the data only.
var header = struct {
	Version, Library, Needed uint16
	Method, Level            uint8
	Flags, Mode, Low, High   uint32
	NameLength               uint8
}{
	Version: 0x1040, Library: 0x20a0, Needed: oldestVersion,
	Method: 1, Level: 5,
	Flags: 0x03000000 | flagDataAdler, // made on Unix
	Mode:  0o100644,
}

// Encode returns src as an lzop file. The bytes depend on src only.
func Encode(src []byte) []byte {
	out, _ := flush.Bytes(src, EncodeTo) // only a writer fails
	return out
}

// EncodeTo is like Encode, and writes the file. An error is one of w or src.
func EncodeTo(w io.Writer, src *io.SectionReader) error {
	head := []byte(magic)
	head, _ = binary.Append(head, binary.BigEndian, header) // fails for unsized types only
	head = binary.BigEndian.AppendUint32(head, adler32.Checksum(head[len(magic):]))
	if _, err := w.Write(head); err != nil {
		return err
	}
	if err := blocks.Write(w, src, blockSize, func() *parser { return new(parser) }, (*parser).encode); err != nil {
		return err
	}
	_, err := w.Write(make([]byte, 4))
	return err
}

// encode appends a block with its sizes and its checksum in front to out, which is empty.
func (p *parser) encode(out, block []byte) []byte {
	const front = 12
	out = append(slices.Grow(out, len(block)+len(block)/16+64), make([]byte, front)...)
	binary.BigEndian.PutUint32(out, uint32(len(block)))
	binary.BigEndian.PutUint32(out[8:], adler32.Checksum(block))
	out = p.appendBlock(out, block)
	if len(out)-front >= len(block) {
		out = append(out[:front], block...)
	}
	binary.BigEndian.PutUint32(out[4:], uint32(len(out)-front))
	return out
}
