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
	sum := prime5 + uint32(len(b))
	if len(b) >= 16 {
		lanes := [4]uint32{0, prime2, 0, 0}
		lanes[0] = prime2
		lanes[0] += prime1
		lanes[3] -= prime1
		n := uint32(len(b))
		for ; len(b) >= 16; b = b[16:] {
			for i := range lanes {
				lanes[i] += binary.LittleEndian.Uint32(b[4*i:]) * prime2
				lanes[i] = bits.RotateLeft32(lanes[i], 13) * prime1
			}
		}
		sum = n + bits.RotateLeft32(lanes[0], 1) + bits.RotateLeft32(lanes[1], 7) +
			bits.RotateLeft32(lanes[2], 12) + bits.RotateLeft32(lanes[3], 18)
	}
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
