// SPDX-License-Identifier: GPL-2.0-or-later

// Package lz4 writes and reads LZ4 frames.
//
// A frame, all numbers little-endian:
//
//	offset  bytes  field
//	0       4      magic 0x184d2204
//	4       1      FLG: version 01 in bits 7-6, independent blocks 5,
//	               block checksums 4, content size 3, content checksum 2,
//	               dictionary id 0
//	5       1      BD: largest block in bits 6-4 (4: 64 KiB … 7: 4 MiB)
//	6       0/8    content size, if FLG bit 3
//	6/14    0/4    dictionary id, if FLG bit 0
//	…       1      header checksum: bits 15-8 of XXH32 over FLG … the byte before
//	…              blocks: 4 bytes size (bit 31: stored), data, XXH32 if FLG bit 4
//	…       4      end mark, a block size of 0
//	…       0/4    XXH32 of the content, if FLG bit 2
//
// A block is a row of sequences: a token (literal count in the high nibble,
// match length - 4 in the low one; 15 is continued by bytes that add up to
// the first that is not 255), the literals, a 2-byte offset back into the
// output, the rest of the match length. The last sequence has literals only:
// at least the last 5 bytes of a block are literals, and no match begins in
// its last 12 bytes.
//
// Sources: lz4_Frame_format.md and lz4_Block_format.md in
// https://github.com/lz4/lz4/tree/dev/doc.
//
// [Encode] writes what "lz4 --no-frame-crc -B4" writes as a frame, which is
// what U-Boot can read: independent blocks of 64 KiB, no checksum but the
// header's, no content size. [Decode] also reads linked blocks, checksums,
// content sizes, several frames in a row, skippable frames and the legacy
// format of "lz4 -l".
package lz4

import (
	"encoding/binary"
	"io"
	"slices"

	"binman/codec/internal/blocks"
	"binman/codec/internal/flush"
)

const (
	frameMagic  = 0x184d2204
	legacyMagic = 0x184c2102
	// skippable frames have the magics skipMagic … skipMagic + 15.
	skipMagic = 0x184d2a50

	flagVersion      = 1 << 6
	flagIndependent  = 1 << 5
	flagBlockSum     = 1 << 4
	flagContentSize  = 1 << 3
	flagContentSum   = 1 << 2
	flagReserved     = 1 << 1
	flagDictionary   = 1 << 0
	maskVersion      = 3 << 6
	storedBit        = 1 << 31
	blockSize        = 64 << 10
	farthest         = 1<<16 - 1 // distance of a match, bytes
	blockDescription = 4 << 4
)

// Encode returns src as one LZ4 frame. The bytes depend on src only.
func Encode(src []byte) []byte {
	out, _ := flush.Bytes(src, EncodeTo) // only a writer fails
	return out
}

// EncodeTo is like Encode, and writes the frame. An error is one of w or src.
func EncodeTo(w io.Writer, src *io.SectionReader) error {
	head := binary.LittleEndian.AppendUint32(nil, frameMagic)
	head = append(head, flagVersion|flagIndependent, blockDescription)
	head = append(head, byte(xxh32(head[4:])>>8))
	if _, err := w.Write(head); err != nil {
		return err
	}
	size := int(min(src.Size(), blockSize))
	if err := blocks.Write(w, src, blockSize, func() *parser { return newParser(size) }, (*parser).encode); err != nil {
		return err
	}
	_, err := w.Write(make([]byte, 4))
	return err
}

// encode appends a block with its size in front to out, which is empty.
func (p *parser) encode(out, block []byte) []byte {
	out = p.appendBlock(append(slices.Grow(out, len(block)+64), 0, 0, 0, 0), block)
	size := uint32(len(out) - 4)
	if size >= uint32(len(block)) {
		out = append(out[:4], block...)
		size = uint32(len(block)) | storedBit
	}
	binary.LittleEndian.PutUint32(out, size)
	return out
}
