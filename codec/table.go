// SPDX-License-Identifier: GPL-2.0-or-later

package codec

import (
	"bytes"
	"encoding/binary"
	"io"

	"binman/codec/bzip2"
	"binman/codec/gzip"
	"binman/codec/internal/flush"
	"binman/codec/lz4"
	"binman/codec/lzma"
	"binman/codec/lzo"
	"binman/codec/xz"
	"binman/codec/zstd"
)

// codecs returns the table of all algorithms, in alphabetical order.
func codecs() []Codec {
	return []Codec{
		{"bzip2", "bzip2", inPieces(bzip2.EncodeTo), bzip2.DecodeTo, []string{"BZh"}, isBzip2},
		{"gzip", "gzip", inPieces(gzip.EncodeTo), gzip.DecodeTo, []string{"\x1f\x8b\x08"}, nil},
		{"lz4", "lz4", inPieces(lz4.EncodeTo), lz4.DecodeTo, []string{"\x04\x22\x4d\x18", "\x02\x21\x4c\x18"}, nil},
		{"lzma", "lzma_alone", whole(encodeLZMA), lzma.DecodeTo, nil, isLZMA},
		{"lzo", "lzop", inPieces(lzo.EncodeTo), lzo.DecodeTo, []string{"\x89LZO\x00\r\n\x1a\n"}, nil},
		{"xz", "xz", whole(xz.EncodeTo), decodeXZ, []string{xzMagic}, nil},
		{"zstd", "zstd", inPieces(zstd.EncodeTo), zstd.DecodeTo, []string{"\x28\xb5\x2f\xfd"}, nil},
	}
}

// inPieces makes an encoder of one that reads what it needs.
func inPieces(encode func(w io.Writer, src *io.SectionReader) error) func(io.Writer, Source) error {
	return func(w io.Writer, src Source) error { return encode(w, io.NewSectionReader(src, 0, src.Len())) }
}

// whole makes an encoder of one that needs all its input at once.
func whole(encode func(w io.Writer, src []byte) error) func(io.Writer, Source) error {
	return func(w io.Writer, src Source) error {
		all, err := src.View()
		if err != nil {
			return err
		}
		return encode(w, all)
	}
}

func encodeLZMA(w io.Writer, src []byte) error { return lzma.EncodeTo(w, src, lzma.Binman()) }

const xzMagic = "\xfd7zXZ\x00"

// decodeXZ joins the streams at the start of src, which may have zero bytes
// between them, a multiple of 4.
func decodeXZ(w io.Writer, src []byte, max int64) (consumed int64, err error) {
	out := flush.Counter{W: w}
	rest := src
	for first := true; first || bytes.HasPrefix(rest, []byte(xzMagic)); first = false {
		used, err := xz.DecodeTo(&out, rest, max-out.N)
		if err != nil {
			return 0, err
		}
		rest = rest[used:]
		for len(rest) >= 4 && binary.LittleEndian.Uint32(rest) == 0 {
			rest = rest[4:]
		}
	}
	return int64(len(src) - len(rest)), nil
}

// isBzip2 knows a block size behind the magic, then a block or the end.
func isBzip2(prefix []byte) bool {
	if len(prefix) < 10 || prefix[3] < '1' || prefix[3] > '9' {
		return false
	}
	magic := string(prefix[4:10])
	return magic == "\x31\x41\x59\x26\x53\x59" || magic == "\x17\x72\x45\x38\x50\x90"
}

// isLZMA reports whether prefix is a plausible LZMA-alone header (1 byte
// properties, 4 bytes dictionary size, 8 bytes content size) with the zero
// byte that every range coder writes first. As xz does, it takes dictionary
// sizes 2^n and 2^n + 2^(n-1) only, and sizes below 256 GiB or unknown (-1).
func isLZMA(prefix []byte) bool {
	if len(prefix) < DetectLen || prefix[0] >= 9*5*5 || prefix[13] != 0 {
		return false
	}
	dict := binary.LittleEndian.Uint32(prefix[1:])
	size := binary.LittleEndian.Uint64(prefix[5:])
	low := dict & -dict
	rest := dict ^ low
	plausible := dict == 1<<32-1 || dict != 0 && (rest == 0 || rest == low<<1)
	return plausible && (size < 1<<38 || size == 1<<64-1)
}
