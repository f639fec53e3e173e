// SPDX-License-Identifier: GPL-2.0-or-later

// Package vboot reads and writes what verified boot of Chromium OS keeps in
// flash: the Google Binary Block with the keys that are trusted, and the
// blocks that say whose firmware is good (vblock).
//
// All numbers are little-endian, and the structures are packed. A public key
// (file .vbpubk) is:
//
//	offset  size  public key
//	     0     8  offset of the data from the start of this header, bytes
//	     8     8  size of the data, bytes
//	    16     8  algorithm
//	    24     8  version of the key, against rollback
//
//	offset  size  data
//	     0     4  words of 32 bits in the modulus
//	     4     4  -1/n modulo 2^32
//	     8     w  the modulus n, its lowest word first
//	   8+w     w  2^(64*words) modulo n, its lowest word first
//
// A private key (file .vbprivk) is the algorithm (8) and an RSAPrivateKey of
// PKCS #1 in DER. A signature is described by:
//
//	offset  size  signature
//	     0     8  offset of the data from the start of this header, bytes
//	     8     8  size of the data, bytes
//	    16     8  bytes that are signed
//
// A vblock is a keyblock and a preamble behind it. The keyblock says which key
// may sign firmware:
//
//	offset  size  keyblock
//	     0     8  "CHROMEOS"
//	     8     4  major version, 2
//	    12     4  minor version
//	    16     8  size of the keyblock, bytes
//	    24    24  its signature, by the root key
//	    48    24  its SHA-512, which stands for a signature
//	    72     8  flags: the modes in which it counts
//	    80    32  the key that signs firmware
//
// The preamble says what firmware is signed:
//
//	offset  size  preamble
//	     0     8  size of the preamble, bytes
//	     8    24  its signature, by the key of the keyblock
//	    32     4  major version, 2
//	    36     4  minor version, 1
//	    40     8  version of the firmware, against rollback
//	    48    32  the key that signs kernels
//	    80    24  the signature of the firmware, by the key of the keyblock
//	   104     4  flags; bit 0: what is in read-only flash may be used instead
//
// The structures are those of vboot_reference, firmware/2lib/include/2struct.h.
package vboot

import (
	"crypto"
	"encoding/binary"
	"errors"
	"fmt"
)

// ErrFormat is wrapped by the errors about bytes that are not what they should be.
var ErrFormat = errors.New("malformed")

var le = binary.LittleEndian

// Algorithm says how something is signed: with RSA of what size and exponent,
// and with what hash.
type Algorithm uint64

// sizes gives the RSA keys of the algorithms, three of each: one for each hash.
var sizes = [...]struct{ bits, exponent int }{
	{1024, 65537}, {2048, 65537}, {4096, 65537}, {8192, 65537}, {2048, 3}, {3072, 3},
}

var hashes = [...]crypto.Hash{crypto.SHA1, crypto.SHA256, crypto.SHA512}

// Known says whether the algorithm is one.
func (a Algorithm) Known() bool { return a < Algorithm(len(sizes)*len(hashes)) }

// Bits returns the size of the modulus in bits, of a known algorithm.
func (a Algorithm) Bits() int { return sizes[a/3].bits }

// Exponent returns the public exponent, of a known algorithm.
func (a Algorithm) Exponent() int { return sizes[a/3].exponent }

// Hash returns the hash that is signed, of a known algorithm.
func (a Algorithm) Hash() crypto.Hash { return hashes[a%3] }

// String returns the algorithm as it is written elsewhere, "sha256,rsa2048".
func (a Algorithm) String() string {
	if !a.Known() {
		return fmt.Sprintf("algorithm %d", uint64(a))
	}
	text := fmt.Sprintf("%s,rsa%d", [...]string{"sha1", "sha256", "sha512"}[a%3], a.Bits())
	if a.Exponent() != 65537 {
		text += fmt.Sprintf(" with exponent %d", a.Exponent())
	}
	return text
}

// extent is where data is that a header points to, and how much it is.
type extent struct{ offset, size int64 }

// extentAt reads the offset and the size at the start of a header, which is at a
// position in b.
func extentAt(b []byte, at int64, what string) (extent, error) {
	off, size := le.Uint64(b[at:]), le.Uint64(b[at+8:])
	room := uint64(int64(len(b)) - at)
	if off > room || size > room-off {
		return extent{}, fmt.Errorf("%w: the %s at offset %#x is said to have %#x bytes at %#x, which are outside of the %#x bytes here", ErrFormat, what, at, size, uint64(at)+off, len(b))
	}
	return extent{at + int64(off), int64(size)}, nil
}

func (e extent) of(b []byte) []byte { return b[e.offset : e.offset+e.size] }

func (e extent) end() int64 { return e.offset + e.size }

// sumOf returns the hash of bytes.
func sumOf(h crypto.Hash, b []byte) []byte {
	w := h.New()
	w.Write(b)
	return w.Sum(nil)
}
