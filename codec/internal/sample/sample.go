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

// Branches returns n bytes of calls, jumps and addresses in the instructions
// of every machine that a branch filter knows, aligned as the machine wants
// them, among bytes that only look like one: opcodes in operands, distances
// too large, halves of pairs.
func Branches(n int) []byte {
	var r Random
	out := make([]byte, 0, n+256)
	align := func(to int) {
		for len(out)%to != 0 {
			out = append(out, byte(r.Next(256)))
		}
	}
	le, be := binary.LittleEndian, binary.BigEndian
	// distance is mostly small, of either sign.
	distance := func() uint32 {
		d := uint32(int32(r.Next(1<<16) - 1<<15))
		if r.Next(4) == 0 {
			d <<= r.Next(17)
		}
		return d
	}
	for len(out) < n {
		d := distance()
		switch r.Next(10) {
		case 0: // x86: CALL, JMP
			out = append(out, byte(0xe8+r.Next(2)))
			out = le.AppendUint32(out, d)
		case 1: // x86: opcodes where operands may be, among signs
			for range 1 + r.Next(8) {
				out = append(out, []byte{0xe8, 0xe9, 0x00, 0xff, byte(r.Next(256))}[r.Next(5)])
			}
		case 2: // PowerPC: B, BL, BLA
			align(4)
			out = be.AppendUint32(out, 0x48000000|d&0x3fffffc|uint32(r.Next(4)))
		case 3: // ARM: BL, sometimes with a condition
			align(4)
			out = le.AppendUint32(out, uint32(0xeb-r.Next(2)*r.Next(16))<<24|d&0xffffff)
		case 4: // ARM Thumb: BL, or its first half twice
			align(2)
			out = le.AppendUint16(out, 0xf000|uint16(d>>11)&0x7ff)
			if r.Next(4) == 0 {
				out = le.AppendUint16(out, 0xf000|uint16(d>>11)&0x7ff)
			}
			out = le.AppendUint16(out, 0xf800|uint16(d)&0x7ff)
		case 5: // SPARC: CALL
			align(4)
			out = be.AppendUint32(out, 1<<30|d&0x3fffffff)
		case 6: // ARM64: BL, ADRP
			align(4)
			if r.Next(2) == 0 {
				out = le.AppendUint32(out, 0x94000000|d&0x3ffffff)
			} else {
				out = le.AppendUint32(out, 0x90000000|d&3<<29|d&0x1ffffc<<3|uint32(r.Next(32)))
			}
		case 7: // RISC-V: JAL to ra, t0, or another
			align(2)
			out = le.AppendUint32(out, d<<12|0x6f|uint32([]int{1, 5, r.Next(32)}[r.Next(3)])<<7)
		case 8: // RISC-V: AUIPC, and what may be its second half
			align(2)
			rd := uint32([]int{1, 2, r.Next(32)}[r.Next(3)])
			first := 0x17 | rd<<7 | d<<12
			if r.Next(4) == 0 {
				first |= 3 << 12 // then it may look packed
			}
			out = le.AppendUint32(out, first)
			if r.Next(8) > 0 {
				opcode := []uint32{0x67, 0x13, 0x17, 0x01}[r.Next(4)]
				out = le.AppendUint32(out, uint32(r.Next(1<<12))<<20|rd<<15|uint32(r.Next(256))<<7|opcode)
			}
		case 9: // IA-64: a bundle, its slots calls or nearly
			align(16)
			low, high := uint64(r.Next(32)), uint64(0)
			for slot := range 3 {
				call := 5<<37 | uint64(d)>>20&1<<36 | uint64(d)&0xfffff<<13 | uint64(r.Next(2)*r.Next(8))<<9
				at := 5 + 41*slot
				if at < 64 {
					low |= call << at
					high |= call >> (64 - at)
				} else {
					high |= call << (at - 64)
				}
				d = distance()
			}
			out = le.AppendUint64(out, low)
			out = le.AppendUint64(out, high)
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
