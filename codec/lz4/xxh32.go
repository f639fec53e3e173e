// SPDX-License-Identifier: GPL-2.0-or-later

package lz4

import (
	"encoding/binary"
	"math/bits"
)

// The five primes of XXH32.
// Source: https://github.com/Cyan4973/xxHash/blob/dev/doc/xxhash_spec.md
const (
	prime1 uint32 = 0x9e3779b1
	prime2 uint32 = 0x85ebca77
	prime3 uint32 = 0xc2b2ae3d
	prime4 uint32 = 0x27d4eb2f
	prime5 uint32 = 0x165667b1
)

// xxh32 returns the XXH32 hash of b with seed 0, the checksum of the frame
// format's header, blocks and content.
func xxh32(b []byte) uint32 {
	var x xxh32State
	x.write(b)
	return x.sum()
}

// xxh32State is the hash of what has been written so far.
type xxh32State struct {
	lanes [4]uint32
	size  uint32   // modulo 2^32
	full  bool     // a stripe has been hashed
	rest  [16]byte // size%16 bytes, which are no whole stripe
}

func (x *xxh32State) write(b []byte) {
	held := int(x.size % 16)
	x.size += uint32(len(b))
	if held > 0 {
		n := copy(x.rest[held:], b)
		if held+n < 16 {
			return
		}
		x.stripes(x.rest[:])
		b = b[n:]
	}
	whole := len(b) &^ 15
	x.stripes(b[:whole])
	copy(x.rest[:], b[whole:])
}

// stripes hashes whole stripes of 16 bytes.
func (x *xxh32State) stripes(b []byte) {
	if len(b) == 0 {
		return
	}
	if !x.full {
		x.full = true
		x.lanes = [4]uint32{0, prime2, 0, 0}
		x.lanes[0] = prime2
		x.lanes[0] += prime1
		x.lanes[3] -= prime1
	}
	lanes := x.lanes
	for ; len(b) >= 16; b = b[16:] {
		for i := range lanes {
			lanes[i] += binary.LittleEndian.Uint32(b[4*i:]) * prime2
			lanes[i] = bits.RotateLeft32(lanes[i], 13) * prime1
		}
	}
	x.lanes = lanes
}

func (x *xxh32State) sum() uint32 {
	sum := prime5 + x.size
	if x.full {
		sum = x.size + bits.RotateLeft32(x.lanes[0], 1) + bits.RotateLeft32(x.lanes[1], 7) +
			bits.RotateLeft32(x.lanes[2], 12) + bits.RotateLeft32(x.lanes[3], 18)
	}
	b := x.rest[:x.size%16]
	for ; len(b) >= 4; b = b[4:] {
		sum += binary.LittleEndian.Uint32(b) * prime3
		sum = bits.RotateLeft32(sum, 17) * prime4
	}
	for _, c := range b {
		sum += uint32(c) * prime5
		sum = bits.RotateLeft32(sum, 11) * prime1
	}
	sum ^= sum >> 15
	sum *= prime2
	sum ^= sum >> 13
	sum *= prime3
	sum ^= sum >> 16
	return sum
}
