// SPDX-License-Identifier: GPL-2.0-or-later

// Package bcj has the branch filters of the .xz format (branch/call/jump
// converters), for both directions.
//
// Code calls the same function from many places, each time by its distance.
// A filter replaces these distances by addresses before compression, so that
// the calls become the same bytes; after decompression the distances are put
// back. Filters know instructions by their bits only. They may take data for
// instructions, which does no harm: what [Encode] converts, [Decode] converts
// back, whatever the bytes are, and no filter changes the size.
//
//	filter    data that is changed                           step  address of
//	X86       operand of e8 (CALL) and e9 (JMP)                 1  next instruction
//	PowerPC   BL, big-endian                                    4  instruction
//	IA64      br.call in bundles with branch slots             16  bundle
//	ARM       BL without condition, little-endian               4  instruction + 8
//	ARMThumb  BL as two halfwords                               2  instruction + 4
//	SPARC     CALL with a distance below 16 MiB, big-endian     4  instruction
//	ARM64     BL; ADRP with a distance below 512 MiB            4  instruction
//	RISCV     JAL to ra or t0; AUIPC with its second half       2  instruction
//
// A filter looks at every multiple of its step. An address is counted from
// the start of the data, plus a start offset that must be a multiple of the
// step, modulo 2^32. Instructions that the end of the data cuts off stay as
// they are.
//
// Sources: "The .xz File Format" 1.2.1, section 5.3.2, which lists the
// filters, and for what they do the comments in XZ Utils
// (https://github.com/tukaani-project/xz, src/liblzma/simple), the source that
// the specification leaves the definition to. MCUboot's compressed images use
// ARMThumb in front of LZMA2.
package bcj

import (
	"encoding/binary"
	"math/bits"
)

// Direction says which way a filter converts. It is the factor, modulo 2^32,
// with which an instruction's address is added to its operand.
type Direction uint32

const (
	Encode Direction = 1         // distances to addresses, before compression
	Decode Direction = 1<<32 - 1 // addresses to distances, after decompression
)

// times returns an address with the sign of the direction.
func (d Direction) times(address uint32) uint32 { return uint32(d) * address }

var (
	le = binary.LittleEndian
	be = binary.BigEndian
)

// X86 converts data in place. start is the offset of data[0].
//
// The operand is 4 bytes, little-endian, of which 25 bits are used: the
// highest byte must be 00 or ff, before and after. In data without
// instructions, an opcode can stand in the operand of another one. To let
// Decode take the same decisions as Encode, the second one is converted only
// if that cannot change how the first one looked.
func X86(data []byte, start uint32, dir Direction) {
	// Which of the last three bytes are opcodes that were left alone: bit 0
	// for the byte before this one.
	alone := uint8(0)
	for i := 0; i+5 <= len(data); i++ {
		opcode := data[i]&0xfe == 0xe8
		if opcode && x86Operand(data[i:i+5], start+uint32(i)+5, alone, dir) {
			i += 4
			alone = 0
			continue
		}
		alone = alone << 1 & 7
		if opcode {
			alone |= 1
		}
	}
}

// x86Operand converts the operand of the instruction b, if it may. next is the
// address behind the instruction.
func x86Operand(b []byte, next uint32, alone uint8, dir Direction) bool {
	if !isSign(b[4]) || bits.OnesCount8(alone) > 1 {
		return false
	}
	value := le.Uint32(b[1:])
	// back is how far before this one the opcode left alone stands; 0 for
	// none. The highest byte of its operand is ours at shift.
	back := bits.Len8(alone)
	shift := 24 - 8*back
	if back > 0 && isSign(byte(value>>shift)) {
		return false
	}
	result := value + dir.times(next)
	if back > 0 && isSign(byte(result>>shift)) {
		// Decode would refuse this. Starting from the complement of these
		// bits comes to one that it does not, and is the same in both
		// directions.
		result = result ^ (1<<(shift+8) - 1) + dir.times(next)
	}
	// Extend from 25 bits.
	le.PutUint32(b[1:], uint32(int32(result<<7)>>7))
	return true
}

// isSign reports whether b can be the highest byte of a small distance.
func isSign(b byte) bool { return b == 0 || b == 0xff }

// PowerPC converts data in place. start is the offset of data[0], a multiple
// of 4.
func PowerPC(data []byte, start uint32, dir Direction) {
	const (
		mask, bl = 0xfc000003, 0x48000001 // opcode 18, AA = 0, LK = 1
		distance = ^uint32(mask)
	)
	for i := 0; i+4 <= len(data); i += 4 {
		if word := be.Uint32(data[i:]); word&mask == bl {
			word += dir.times(start + uint32(i))
			be.PutUint32(data[i:], bl|word&distance)
		}
	}
}

// ARM converts data in place. start is the offset of data[0], a multiple of 4.
func ARM(data []byte, start uint32, dir Direction) {
	for i := 0; i+4 <= len(data); i += 4 {
		if data[i+3] != 0xeb {
			continue
		}
		word := le.Uint32(data[i:])
		target := word<<2 + dir.times(start+uint32(i)+8)
		le.PutUint32(data[i:], word&0xff000000|target>>2&0x00ffffff)
	}
}

// ARMThumb converts data in place. start is the offset of data[0], a multiple
// of 2.
//
// The first halfword of a BL is 11110 and the high 11 bits of the distance in
// halfwords, the second 11111 and the low ones.
func ARMThumb(data []byte, start uint32, dir Direction) {
	for i := 0; i+4 <= len(data); i += 2 {
		high, low := le.Uint16(data[i:]), le.Uint16(data[i+2:])
		if high>>11 != 0b11110 || low>>11 != 0b11111 {
			continue
		}
		target := uint32(high&0x7ff)<<12 | uint32(low&0x7ff)<<1
		target += dir.times(start + uint32(i) + 4)
		le.PutUint16(data[i:], 0b11110<<11|uint16(target>>12&0x7ff))
		le.PutUint16(data[i+2:], 0b11111<<11|uint16(target>>1&0x7ff))
		i += 2
	}
}

// SPARC converts data in place. start is the offset of data[0], a multiple of
// 4.
//
// Of the 30 bits of a distance in words, the upper 8 must be equal, all of them
// the sign. They stay equal: an address is taken modulo 2^23 words.
func SPARC(data []byte, start uint32, dir Direction) {
	const call, signed = 0b01 << 30, 1 << 22
	for i := 0; i+4 <= len(data); i += 4 {
		word := be.Uint32(data[i:])
		if top := word >> 22; top != 0b01_0000_0000 && top != 0b01_1111_1111 {
			continue
		}
		target := (word<<2 + dir.times(start+uint32(i))) >> 2
		// Repeat bit 22 up to bit 29.
		target = (target&(signed<<1-1) ^ signed) - signed
		be.PutUint32(data[i:], call|target&(1<<30-1))
	}
}

// ARM64 converts data in place. start is the offset of data[0], a multiple of
// 4, best of 4096, as ADRP counts pages.
//
// ADRP has 21 bits of distance in pages, bits 1-0 at bit 29, 20-2 at bit 5.
// Of these the upper 4 must be equal, all of them the sign, and stay equal.
func ARM64(data []byte, start uint32, dir Direction) {
	for i := 0; i+4 <= len(data); i += 4 {
		word, address := le.Uint32(data[i:]), start+uint32(i)
		switch {
		case word>>26 == 0b100101: // BL
			word = 0b100101<<26 | (word+dir.times(address>>2))&(1<<26-1)
		case word&0x9f000000 == 0x90000000: // ADRP
			pages := word>>29&3 | word>>3&0x1ffffc
			if sign := pages >> 17; sign != 0 && sign != 0xf {
				continue
			}
			pages += dir.times(address >> 12)
			pages = (pages&(1<<18-1) ^ 1<<17) - 1<<17
			word = word&0x9000001f | pages&3<<29 | pages&0x1ffffc<<3
		default:
			continue
		}
		le.PutUint32(data[i:], word)
	}
}

// IA64 converts data in place. start is the offset of data[0], a multiple of
// 16.
//
// A bundle is 128 bits, little-endian: 5 bits that say what kinds of
// instructions the slots hold, and three slots of 41 bits. A call by distance
// has opcode 5 in bits 40-37 and 0 in bits 11-9; its distance in bundles is in
// bits 32-13, with the sign in bit 36.
func IA64(data []byte, start uint32, dir Direction) {
	// Where to read 8 bytes that hold the slot, and its lowest bit in them.
	slots := [3]struct{ at, shift int }{{0, 5}, {5, 6}, {8, 23}}
	const distance = 1<<36 | (1<<20-1)<<13
	for i := 0; i+16 <= len(data); i += 16 {
		branches := ia64Branches[data[i]&0x1f]
		for n, slot := range slots {
			if branches>>n&1 == 0 {
				continue
			}
			b := data[i+slot.at:]
			word := le.Uint64(b)
			inst := word >> slot.shift
			if inst>>37&0xf != 5 || inst>>9&7 != 0 {
				continue
			}
			target := uint32(inst>>13&(1<<20-1) | inst>>36&1<<20)
			target += dir.times((start + uint32(i)) >> 4)
			field := uint64(target)&(1<<20-1)<<13 | uint64(target)>>20&1<<36
			le.PutUint64(b, word&^(distance<<slot.shift)|field<<slot.shift)
		}
	}
}

// ia64Branches says for each template which slots can hold a branch.
var ia64Branches = [32]uint8{
	0x10: 0b100, 0x11: 0b100, // memory, integer, branch
	0x12: 0b110, 0x13: 0b110, // memory, branch, branch
	0x16: 0b111, 0x17: 0b111, // branch, branch, branch
	0x18: 0b100, 0x19: 0b100, // memory, memory, branch
	0x1c: 0b100, 0x1d: 0b100, // memory, floating point, branch
}
