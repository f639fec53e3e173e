// SPDX-License-Identifier: GPL-2.0-or-later

package lzma

import "math/bits"

// A price is the expected number of output bits in units of 1/64 bit. All
// arithmetic is on integers, so that every machine makes the same choices.
const (
	priceBits  = 6
	priceScale = 1 << priceBits
	// priceDrop is how many low bits of a probability the table ignores.
	priceDrop = 3
	infinite  = 1 << 30
)

// bitPrices holds the price of a bit by its probability >> priceDrop.
var bitPrices = func() (table [1 << (probBits - priceDrop)]uint16) {
	for i := range table {
		middle := uint64(i)<<priceDrop + 1<<(priceDrop-1)
		table[i] = uint16(probBits<<priceBits - log2(middle))
	}
	return table
}()

// log2 returns the binary logarithm of v in units of 1/64, rounded. A
// fraction bit is 1 when the square of the mantissa reaches 2.
func log2(v uint64) int {
	whole := bits.Len64(v) - 1
	mantissa := v << (31 - whole) // 1.31 fixed point
	result := whole
	for range priceBits + 1 {
		mantissa = mantissa * mantissa >> 31
		carry := int(mantissa >> 32)
		mantissa >>= carry
		result = result<<1 | carry
	}
	return (result + 1) >> 1
}

func price0(prob uint16) uint32 {
	return uint32(bitPrices[prob>>priceDrop&(1<<(probBits-priceDrop)-1)])
}

func price1(prob uint16) uint32 {
	return uint32(bitPrices[^prob>>priceDrop&(1<<(probBits-priceDrop)-1)])
}

// priceBit is the price of bit, which is 0 or 1.
func priceBit(prob uint16, bit uint32) uint32 {
	return uint32(bitPrices[(uint32(prob)^-bit)>>priceDrop&(1<<(probBits-priceDrop)-1)])
}

// price of a literal that follows another literal.
func (l *literalModel) price(sym byte) uint32 {
	total := uint32(0)
	for at := uint32(sym) | 0x100; at != 1; at >>= 1 {
		total += priceBit(l[at>>1], at&1)
	}
	return total
}

// priceMatched is the price of a literal after a match that would have
// continued with the byte match.
func (l *literalModel) priceMatched(sym, match byte) uint32 {
	total := uint32(0)
	same := uint32(0x100) // 0 once a bit has differed
	m := uint32(match)
	at := uint32(sym) | 0x100
	for i := 7; i >= 0; i-- {
		m <<= 1
		bit := at >> i & 1
		total += priceBit(l[same+m&same+at>>(i+1)], bit)
		same &= ^(m ^ bit<<8)
	}
	return total
}

// treePrices puts base plus the price of each leaf into leaves, a power of
// two; probs has as many entries.
func treePrices(leaves []uint32, probs []uint16, base uint32) {
	n := len(leaves)
	leaves[0] = base
	// The prices of a level of the tree are spread in place, from the last.
	for width := 1; width < n; width *= 2 {
		for i := width - 1; i >= 0; i-- {
			p, prob := leaves[i], probs[width+i]
			leaves[2*i] = p + price0(prob)
			leaves[2*i+1] = p + price1(prob)
		}
	}
}

type lenPrices [maxPosStates][maxLen + 1]uint32 // by length

func (t *lenPrices) update(m *lenModel, posMask uint32) {
	mid := price1(m.choice)
	for ps := range posMask + 1 {
		row := &t[ps]
		treePrices(row[2:10], m.low[ps][:], price0(m.choice))
		treePrices(row[10:18], m.mid[ps][:], mid+price0(m.choice2))
		if ps == 0 {
			treePrices(row[18:274], m.high[:], mid+price1(m.choice2))
		} else {
			copy(row[18:], t[0][18:])
		}
	}
}

// prices caches what takes many bits to add up. It follows the model with
// some delay.
type prices struct {
	match, rep lenPrices
	slot       [numLenStates][numSlots]uint32 // with the direct bits
	near       [numLenStates][fullDists]uint32
	align      [1 << alignBits]uint32
}

func (t *prices) update(m *model) {
	t.match.update(&m.match, m.posMask)
	t.rep.update(&m.rep, m.posMask)
	for v := range uint32(1 << alignBits) {
		t.align[v] = reversePrice(m.align[:], v, alignBits)
	}
	var footers [fullDists]uint32
	for d := uint32(firstModelled); d < fullDists; d++ {
		slot := distSlot(d)
		base, n := slotBase(slot)
		footers[d] = reversePrice(m.special[base-slot:], d-base, n)
	}
	for ls := range numLenStates {
		row := &t.slot[ls]
		treePrices(row[:], m.slot[ls][:], 0)
		for d := range uint32(fullDists) {
			t.near[ls][d] = row[distSlot(d)] + footers[d]
		}
		for s := endModelled; s < numSlots; s++ {
			row[s] += uint32(s>>1-1-alignBits) << priceBits
		}
	}
}

func reversePrice(probs []uint16, v uint32, n uint) uint32 {
	total, at := uint32(0), uint32(1)
	for range n {
		bit := v & 1
		v >>= 1
		total += priceBit(probs[at], bit)
		at = at<<1 | bit
	}
	return total
}

// distance is the price of a distance (less one) in the context ls.
func (t *prices) distance(ls int, dist uint32) uint32 {
	if dist < fullDists {
		return t.near[ls&3][dist]
	}
	return t.slot[ls&3][distSlot(dist)&(numSlots-1)] + t.align[dist&(1<<alignBits-1)]
}
