// SPDX-License-Identifier: GPL-2.0-or-later

// Package xz reads and writes .xz files, after "The .xz File Format" version
// 1.2.1 (tukaani.org). Integers are little-endian; every part is a multiple
// of 4 bytes.
//
//	stream header  fd 37 7a 58 5a 00, flags (00, check type), CRC-32 of flags
//	block          block header, LZMA2 data, padding to 4, check of the data
//	               as it was before any filter
//	…              more blocks
//	index          00, number of blocks, for each its size without padding
//	               and its unpacked size, padding to 4, CRC-32
//	stream footer  CRC-32, backward size (size of the index/4 - 1, 4 bytes),
//	               flags as in the header, 59 5a
//
// A block header is
//
//	offset  size  meaning
//	     0     1  its size/4 - 1
//	     1     1  flags: bits 0–1 number of filters - 1, bit 6 packed size
//	              present, bit 7 unpacked size present
//	     2     -  the sizes present, then for each filter its number, the size
//	              of its properties and these
//	     -     -  padding to 4, CRC-32 of all before
//
// Sizes and numbers of filters are coded in 7 bits a byte, lowest first, bit
// 7 set in all but the last byte.
//
// [Encode] writes what the xz command writes by default: one block, LZMA2
// with a dictionary of 8 MiB, and a CRC-64. Decoding takes any number of
// blocks, every kind of check, and up to three filters before LZMA2: delta and
// those of package bcj, as in a kernel's "xz --x86 --lzma2".
package xz

import (
	"errors"

	"binman/codec/lzma"
)

var (
	// ErrCorrupt is wrapped by errors about malformed or cut-off input. It is
	// the same value as lzma.ErrCorrupt.
	ErrCorrupt = lzma.ErrCorrupt
	// ErrTooLarge is wrapped by errors about output above the caller's limit.
	// It is the same value as lzma.ErrTooLarge.
	ErrTooLarge = lzma.ErrTooLarge
	// ErrUnsupported is wrapped by errors about files that are well formed
	// but use a filter or a check this package does not know.
	ErrUnsupported = errors.New("not supported")
)

const (
	headerMagic = "\xfd7zXZ\x00"
	footerMagic = "YZ"
	streamEnd   = 12 // size of the stream header and of the footer
	maxVarint   = 9  // bytes
)

// Kinds of check, and the number of bytes each of the 16 takes.
const (
	checkNone   = 0
	checkCRC32  = 1
	checkCRC64  = 4
	checkSHA256 = 10
)

var checkSizes = [16]int{0, 4, 4, 4, 8, 8, 8, 16, 16, 16, 32, 32, 32, 64, 64, 64}

// pad4 is how many bytes must follow n bytes to make a multiple of 4.
func pad4(n int64) int { return int(-n & 3) }
