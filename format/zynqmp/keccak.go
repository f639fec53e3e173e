// SPDX-License-Identifier: GPL-2.0-or-later

package zynqmp

import (
	"encoding/binary"
	"hash"
	"math/bits"
)

// newKeccak returns Keccak with 384 bits as it was before it became SHA-3: only the
// padding differs, and the boot ROM is that old. Go's library has no such thing.
func newKeccak() hash.Hash { return &keccak{} }

const (
	keccakSize = 48
	keccakRate = 104 // bytes between two permutations
)

type keccak struct {
	state [25]uint64
	n     int // bytes that have come since the last permutation
}

func (k *keccak) Size() int      { return keccakSize }
func (k *keccak) BlockSize() int { return keccakRate }
func (k *keccak) Reset()         { *k = keccak{} }

// Write adds bytes.
func (k *keccak) Write(p []byte) (int, error) {
	written := len(p)
	for len(p) > 0 {
		if k.n%8 == 0 && len(p) >= 8 {
			k.state[k.n/8] ^= binary.LittleEndian.Uint64(p)
			k.n += 8
			p = p[8:]
		} else {
			k.state[k.n/8] ^= uint64(p[0]) << (k.n % 8 * 8)
			k.n++
			p = p[1:]
		}
		if k.n == keccakRate {
			k.permute()
			k.n = 0
		}
	}
	return written, nil
}

// Sum appends the hash of what has come.
func (k *keccak) Sum(b []byte) []byte {
	end := *k
	end.state[end.n/8] ^= 1 << (end.n % 8 * 8)
	end.state[keccakRate/8-1] ^= 1 << 63
	end.permute()
	for _, v := range end.state[:keccakSize/8] {
		b = binary.LittleEndian.AppendUint64(b, v)
	}
	return b
}

// permute is Keccak-f[1600] of FIPS 202, 3.3.
func (k *keccak) permute() {
	a := &k.state
	lfsr := uint8(1)
	for range 24 {
		// θ
		var c [5]uint64
		for x := range c {
			c[x] = a[x] ^ a[x+5] ^ a[x+10] ^ a[x+15] ^ a[x+20]
		}
		for x := range c {
			d := c[(x+4)%5] ^ bits.RotateLeft64(c[(x+1)%5], 1)
			for y := 0; y < 25; y += 5 {
				a[x+y] ^= d
			}
		}
		// ρ and π
		var b [25]uint64
		x, y, last := 1, 0, a[1]
		b[0] = a[0]
		for t := range 24 {
			x, y = y, (2*x+3*y)%5
			b[x+5*y] = bits.RotateLeft64(last, (t+1)*(t+2)/2%64)
			last = a[x+5*y]
		}
		// χ
		for y := 0; y < 25; y += 5 {
			for x := range 5 {
				a[x+y] = b[x+y] ^ ^b[(x+1)%5+y]&b[(x+2)%5+y]
			}
		}
		// ι
		for j := range 7 {
			if lfsr&1 != 0 {
				a[0] ^= 1 << (1<<j - 1)
			}
			high := lfsr >> 7
			lfsr = lfsr<<1 ^ high*0x71
		}
	}
}
