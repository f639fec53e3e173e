// SPDX-License-Identifier: GPL-2.0-or-later

package bcj

const (
	riscvJAL   = 0xef // with the lowest bit of the register, which ra and t0 have
	riscvAUIPC = 0x17
	// riscvPacked are the low 14 bits of the first word of a packed pair.
	riscvPacked = riscvAUIPC | 2<<7 | 3<<12
)

// RISCV converts data in place. start is the offset of data[0], a multiple of
// 2.
//
// JAL to x1 (ra) or x5 (t0) is a call. Its distance has 20 bits in disorder;
// encoded, the address stands there in order, highest bits first.
//
// AUIPC adds the high 20 bits of a distance to the program counter and puts
// the sum in a register, to which the next instruction (its register rs1 is
// the same; load, store, ADDI, JALR …) adds the low 12 bits. Such a pair is
// encoded as
//
//	word 0  AUIPC with register x2, which code has no use for, and above it
//	        the low 20 bits of the second instruction
//	word 1  address, big-endian
//
// Input may hold words that look encoded already. Encode swaps these for a
// pair as if it decoded them, with no address and the second word
// little-endian; when Decode meets that pair, it swaps back.
func RISCV(data []byte, start uint32, dir Direction) {
	for i := 0; i+8 <= len(data); {
		b, address := data[i:i+8], start+uint32(i)
		switch {
		case b[0] == riscvJAL && b[1]&0x0d == 0:
			jal(b, address, dir)
			i += 4
		case b[0]&0x7f == riscvAUIPC:
			i += auipc(b, address, dir)
		default:
			i += 2
		}
	}
}

// jal converts the JAL at the start of b.
func jal(b []byte, address uint32, dir Direction) {
	if dir == Encode {
		word := le.Uint32(b)
		target := address + (word>>31<<20 | word&0xff000 | word>>20&1<<11 | word>>21&0x3ff<<1)
		b[1] = b[1]&0x0f | byte(target>>17<<4)
		b[2] = byte(target >> 9)
		b[3] = byte(target >> 1)
		return
	}
	target := uint32(b[1]>>4)<<17 | uint32(b[2])<<9 | uint32(b[3])<<1
	distance := target - address
	word := uint32(b[0]) | uint32(b[1]&0x0f)<<8
	word |= distance>>20<<31 | distance&0xff000 | distance>>11&1<<20 | distance>>1&0x3ff<<21
	le.PutUint32(b, word)
}

// auipc converts b if it is a pair, packed or not, and returns how many bytes
// to go on.
func auipc(b []byte, address uint32, dir Direction) int {
	first, second := le.Uint32(b), le.Uint32(b[4:])
	if register := first >> 7 & 31; register != 0 && register != 2 {
		if second&3 != 3 || second>>15&31 != register {
			// The second word may be an AUIPC: its first two bytes must
			// stay, as they decide about this pair.
			return 6
		}
		pack(b, first, second, address, dir)
		return 8
	}
	register := first >> 27 // rs1 of the second instruction
	if first&0x3fff != riscvPacked || register == 0 || register == 2 {
		return 4
	}
	unpack(b, first, second, address, dir)
	return 8
}

// pack writes the pair first, second to b in packed form.
func pack(b []byte, first, second, address uint32, dir Direction) {
	le.PutUint32(b, riscvAUIPC|2<<7|second<<12)
	high := first &^ 0xfff
	if dir == Encode {
		be.PutUint32(b[4:], high+uint32(int32(second)>>20)+address)
		return
	}
	le.PutUint32(b[4:], high|second>>20)
}

// unpack writes the pair packed in first and second to b.
func unpack(b []byte, first, second, address uint32, dir Direction) {
	high, low := second, second
	if dir == Decode {
		low = be.Uint32(b[4:]) - address
		// The low 12 bits count as signed.
		high = low + 0x800
	}
	le.PutUint32(b, riscvAUIPC|first>>27<<7|high&^0xfff)
	le.PutUint32(b[4:], first>>12|low<<20)
}
