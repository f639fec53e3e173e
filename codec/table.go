// SPDX-License-Identifier: GPL-2.0-or-later

package codec

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"

	"binman/codec/bzip2"
	"binman/codec/gzip"
	"binman/codec/lz4"
	"binman/codec/lzma"
	"binman/codec/lzo"
	"binman/codec/xz"
	"binman/codec/zstd"
)

// codecs returns the table of all algorithms, in alphabetical order.
func codecs() []Codec {
	return []Codec{
		{"bzip2", "bzip2", infallible(bzip2.Encode), bzip2.DecodePrefix, isBzip2},
		{"gzip", "gzip", infallible(gzip.Encode), gzip.DecodePrefix, hasMagic("\x1f\x8b\x08")},
		{"lz4", "lz4", infallible(lz4.Encode), lz4.DecodePrefix, isLZ4},
		{"lzma", "lzma_alone", encodeLZMA, decodeLZMA, isLZMA},
		{"lzo", "lzop", infallible(lzo.Encode), lzo.DecodePrefix, hasMagic("\x89LZO\x00\r\n\x1a\n")},
		{"xz", "xz", xz.Encode, decodeXZ, hasMagic(xzMagic)},
		{"zstd", "zstd", zstd.Encode, zstd.DecodePrefix, hasMagic("\x28\xb5\x2f\xfd")},
	}
}

// infallible gives an encoder that cannot fail the form of one that can.
func infallible(encode func([]byte) []byte) func([]byte) ([]byte, error) {
	return func(src []byte) ([]byte, error) { return encode(src), nil }
}

func hasMagic(magic string) func([]byte) bool {
	return func(prefix []byte) bool { return bytes.HasPrefix(prefix, []byte(magic)) }
}

func encodeLZMA(src []byte) ([]byte, error) { return lzma.Encode(src, lzma.Binman()) }

func decodeLZMA(src []byte, limit int64) (out []byte, consumed int64, err error) {
	out, consumed, err = lzma.DecodePrefix(src, limit)
	return out, consumed, tooLarge(err)
}

const xzMagic = "\xfd7zXZ\x00"

// decodeXZ joins the streams at the start of src, which may have zero bytes
// between them, a multiple of 4.
func decodeXZ(src []byte, limit int64) (out []byte, consumed int64, err error) {
	rest := src
	for first := true; first || bytes.HasPrefix(rest, []byte(xzMagic)); first = false {
		part, used, err := xz.DecodePrefix(rest, limit-int64(len(out)))
		if err != nil {
			return nil, 0, tooLarge(err)
		}
		if first {
			out = part
		} else {
			out = append(out, part...)
		}
		rest = rest[used:]
		for len(rest) >= 4 && binary.LittleEndian.Uint32(rest) == 0 {
			rest = rest[4:]
		}
	}
	return out, int64(len(src) - len(rest)), nil
}

// tooLarge makes the error of lzma and xz about a limit this package's.
func tooLarge(err error) error {
	if errors.Is(err, lzma.ErrTooLarge) && !errors.Is(err, ErrTooLarge) {
		return fmt.Errorf("%w: %w", ErrTooLarge, err)
	}
	return err
}

// isBzip2 knows "BZh" and a block size, then a block or the end.
func isBzip2(prefix []byte) bool {
	if len(prefix) < 10 || string(prefix[:3]) != "BZh" || prefix[3] < '1' || prefix[3] > '9' {
		return false
	}
	magic := string(prefix[4:10])
	return magic == "\x31\x41\x59\x26\x53\x59" || magic == "\x17\x72\x45\x38\x50\x90"
}

// isLZ4 knows the magic of frames and that of the legacy format.
func isLZ4(prefix []byte) bool {
	return hasMagic("\x04\x22\x4d\x18")(prefix) || hasMagic("\x02\x21\x4c\x18")(prefix)
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
