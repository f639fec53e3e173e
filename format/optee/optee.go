// SPDX-License-Identifier: GPL-2.0-or-later

// Package optee reads the header of the v1 binary format of OP-TEE, the
// operating system of the secure world of Arm platforms.
//
//	offset  size  little-endian
//	     0     4  "OPTE"
//	     4     1  version, 1
//	     5     1  architecture
//	     6     2  flags
//	     8     4  size of the part that stays in memory
//	    12     8  its load address, upper half first
//	    20     4  reserved
//	    24     4  size of the paged part
//
// It is specified by the OP-TEE documentation, "Partitioning of the binary".
package optee

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
)

// HeaderSize is the size of the header in bytes.
const HeaderSize = 0x1c

// Peek is how many bytes IsV1 looks at.
const Peek = 8

// Binary is a program without a paged part.
type Binary struct {
	Address uint64 // where it is loaded and starts
	Data    []byte
}

// IsV1 says whether b, the start of a file, is that of a v1 binary.
func IsV1(b []byte) bool { return len(b) >= Peek && bytes.HasPrefix(b, []byte("OPTE\x01")) }

// Parse takes a v1 binary apart. Data is a view of file.
func Parse(file []byte) (*Binary, error) {
	if len(file) < HeaderSize {
		return nil, fmt.Errorf("Invalid OP-TEE file: header is %d bytes, expected %d", len(file), HeaderSize)
	}
	word := func(i int) uint32 { return binary.LittleEndian.Uint32(file[8+4*i:]) }
	if word(4) != 0 {
		return nil, errors.New("OP-TEE paged mode not supported")
	}
	body := file[HeaderSize:]
	if size := word(0); int64(len(body)) != int64(size) {
		return nil, fmt.Errorf("Invalid OP-TEE file: size mismatch (expected %#x, have %#x)", size, len(body))
	}
	return &Binary{uint64(word(1))<<32 | uint64(word(2)), body}, nil
}
