// SPDX-License-Identifier: GPL-2.0-or-later

// Package sample makes test data for the codecs: the same bytes on every
// machine, without files.
package sample

import "encoding/binary"

// Random is a small generator of numbers (xorshift64*), fixed for ever.
type Random uint64

// Next returns a number from 0 to n-1.
func (r *Random) Next(n int) int {
	if *r == 0 {
		*r = 0x9e3779b97f4a7c15
	}
	*r ^= *r >> 12
	*r ^= *r << 25
	*r ^= *r >> 27
	return int(uint64(*r) * 0x2545f4914f6cdd1d >> 33 % uint64(n))
}

// Noise returns n bytes that cannot be compressed.
func Noise(n int, seed Random) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(seed.Next(256))
	}
	return b
}

// Firmware returns n bytes with the mix of a firmware image: instructions
// (words that share opcodes, with varying operands, and come back in
// sequences), tables of pointers, strings, noise and padding.
func Firmware(n int) []byte {
	var r Random
	out := make([]byte, 0, n+4096)
	opcodes := make([]uint32, 48)
	for i := range opcodes {
		opcodes[i] = uint32(r.Next(1<<16))<<16 | uint32(r.Next(4))<<14
	}
	words := []string{"error", "failed", "device", "%s: ", "0x%08x", "load", "boot",
		"mmc", "flash", "init", "no ", "not found", "\n", "read", "write", "usage: "}
	for len(out) < n {
		switch kind := r.Next(16); {
		case kind < 9:
			for range 64 + r.Next(512) {
				if r.Next(4) == 0 && len(out) > 256 { // an idiom seen before
					at := (len(out) - 64 - r.Next(min(len(out)-64, 16384))) &^ 3
					at = max(at, 0)
					out = append(out, out[at:at+4*(1+r.Next(8))]...)
					continue
				}
				op := opcodes[r.Next(1+r.Next(len(opcodes)))]
				out = binary.LittleEndian.AppendUint32(out, op|uint32(r.Next(1+r.Next(1<<10))))
			}
		case kind < 11:
			base := 0x80000000 + uint32(r.Next(1<<16)*16)
			for range 16 + r.Next(128) {
				base += uint32(r.Next(16) * 8)
				out = binary.LittleEndian.AppendUint32(out, base)
			}
		case kind < 14:
			for range 8 + r.Next(64) {
				for range 1 + r.Next(6) {
					out = append(out, words[r.Next(len(words))]...)
				}
				out = append(out, 0)
			}
		case kind == 14:
			out = append(out, Noise(r.Next(2048), r)...)
		default:
			out = append(out, make([]byte, r.Next(4096))...)
		}
	}
	return out[:n]
}

// Named is a piece of test data and what it is.
type Named struct {
	Name string
	Data []byte
}

// Shapes returns inputs at which encoders go wrong: the empty one, the
// shortest, runs and periods around their limits, block sizes plus and minus
// one, noise.
func Shapes() []Named {
	periodic := func(n, period int) []byte {
		b := make([]byte, n)
		copy(b, Noise(period, Random(period)))
		for i := period; i < n; i++ {
			b[i] = b[i-period]
		}
		return b
	}
	allBytes := make([]byte, 256)
	for i := range allBytes {
		allBytes[i] = byte(i)
	}
	sparse := make([]byte, 100_000)
	for i := 0; i < len(sparse); i += 997 {
		sparse[i] = byte(i)
	}
	shapes := []Named{
		{"empty", nil},
		{"one byte", []byte{0}},
		{"two bytes", []byte("ab")},
		{"three equal", []byte("aaa")},
		{"text", []byte("hello hello hello hello hello hello")},
		{"all bytes", allBytes},
		{"all bytes twice", append(append([]byte{}, allBytes...), allBytes...)},
		{"sparse", sparse},
		{"noise 300", Noise(300, 1)},
		{"noise 70000", Noise(70_000, 2)},
		{"firmware", Firmware(150_000)},
		{"far copy", append(append(Noise(49_151, 3), Noise(20_000, 4)...), Noise(49_151, 3)...)},
	}
	for _, n := range []int{4, 5, 12, 13, 17, 18, 19, 238, 239, 255, 256, 259, 273, 274, 65535, 65536, 65537, 262143, 262144, 262145} {
		shapes = append(shapes, Named{"zeros", make([]byte, n)})
	}
	for _, p := range []int{2, 3, 4, 7, 255, 1024, 1025, 2048, 2049, 3072, 3073} {
		shapes = append(shapes, Named{"periodic", periodic(10_000, p)})
	}
	for _, p := range []int{16384, 16385, 32768, 32769, 49151, 49152, 65535, 65536} {
		shapes = append(shapes, Named{"periodic", periodic(140_000, p)})
	}
	return shapes
}
