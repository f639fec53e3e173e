// SPDX-License-Identifier: GPL-2.0-or-later

package codec

import (
	"bytes"
	"encoding/binary"

	"binman/codec/lz4"
	"binman/codec/lzo"
	"binman/codec/zstd"
)

// codecs returns the table of all algorithms, in alphabetical order.
func codecs() []Codec {
	return []Codec{
		{"lz4", "lz4", infallible(lz4.Encode), lz4.Decode, isLZ4},
		{"lzo", "lzop", infallible(lzo.Encode), lzo.Decode, hasMagic("\x89LZO\x00\r\n\x1a\n")},
		{"zstd", "zstd", zstd.Encode, zstd.Decode, hasMagic("\x28\xb5\x2f\xfd")},
	}
}

// infallible gives an encoder that cannot fail the form of one that can.
func infallible(encode func([]byte) []byte) func([]byte) ([]byte, error) {
	return func(src []byte) ([]byte, error) { return encode(src), nil }
}

func hasMagic(magic string) func([]byte) bool {
	return func(prefix []byte) bool { return bytes.HasPrefix(prefix, []byte(magic)) }
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
