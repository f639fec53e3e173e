// SPDX-License-Identifier: GPL-2.0-or-later

package lzma

import "math/bits"

// Probabilities are those of a 0 bit, in 1/2048.
const (
	probBits  = 11
	probInit  = 1 << (probBits - 1)
	probShift = 5 // how fast a probability follows the data
)

const (
	numStates     = 12
	firstMatched  = 7 // states from here on follow a match
	maxPosStates  = 16
	numLenStates  = 4 // contexts for distances: length 2, 3, 4, more
	numSlots      = 64
	firstModelled = 4   // slots below hold the distance itself
	endModelled   = 14  // slots from here on end in direct and align bits
	fullDists     = 128 // distances below have modelled bits only
	alignBits     = 4
	numReps       = 4
)

// state is the kind of the last few packets: 0–6 after a literal, 7–11 after
// a match or repeated match.
type state uint8

// The next state after a packet, from the table in the specification.
var (
	afterLiteral  = [numStates]state{0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 4, 5}
	afterMatch    = [numStates]state{7, 7, 7, 7, 7, 7, 7, 10, 10, 10, 10, 10}
	afterRep      = [numStates]state{8, 8, 8, 8, 8, 8, 8, 11, 11, 11, 11, 11}
	afterShortRep = [numStates]state{9, 9, 9, 9, 9, 9, 9, 11, 11, 11, 11, 11}
)

// literalModel codes one byte: a plain bit tree in the first 256, and two
// more for bytes after a match, by the bit of the byte the match would
// have continued with.
type literalModel [0x300]uint16

// lenModel codes match lengths: 2–9 and 10–17 by position, 18–273 together.
type lenModel struct {
	choice  uint16
	choice2 uint16
	low     [maxPosStates][8]uint16
	mid     [maxPosStates][8]uint16
	high    [256]uint16
}

// model is every adaptive probability of a stream. Bit trees leave index 0
// unused.
type model struct {
	isMatch    [numStates][maxPosStates]uint16
	isRep      [numStates]uint16
	isNotRep0  [numStates]uint16
	isNotRep1  [numStates]uint16
	isNotRep2  [numStates]uint16
	isLongRep0 [numStates][maxPosStates]uint16
	slot       [numLenStates][numSlots]uint16
	// special holds the reverse bit trees for slots 4–13, the tree for a slot
	// with base distance b starting at b - slot.
	special [fullDists]uint16
	align   [1 << alignBits]uint16
	match   lenModel
	rep     lenModel
	// literal holds the models in use; nil is one that is as it was at first.
	// A header of one byte can ask for 6 MiB of them.
	literal []*literalModel

	lc      uint   // high bits of the previous byte
	litMask uint32 // low bits of the position for literals
	posMask uint32 // low bits of the position for everything else
}

// init gives every probability its initial value, for new properties.
func (m *model) init(lc, lp, pb int) {
	m.lc, m.litMask, m.posMask = uint(lc), 1<<lp-1, 1<<pb-1
	if n := 1 << (lc + lp); len(m.literal) != n {
		m.literal = make([]*literalModel, n)
	}
	m.reset()
}

// reset gives every probability its initial value.
func (m *model) reset() {
	for s := range numStates {
		fill(m.isMatch[s][:])
		fill(m.isLongRep0[s][:])
	}
	fill(m.isRep[:])
	fill(m.isNotRep0[:])
	fill(m.isNotRep1[:])
	fill(m.isNotRep2[:])
	for i := range m.slot {
		fill(m.slot[i][:])
	}
	fill(m.special[:])
	fill(m.align[:])
	m.match.reset()
	m.rep.reset()
	for _, l := range m.literal {
		if l != nil {
			fill(l[:])
		}
	}
}

func (l *lenModel) reset() {
	l.choice, l.choice2 = probInit, probInit
	for i := range maxPosStates {
		fill(l.low[i][:])
		fill(l.mid[i][:])
	}
	fill(l.high[:])
}

func fill(probs []uint16) {
	for i := range probs {
		probs[i] = probInit
	}
}

// literalAt returns the context for the literal at position pos (counted
// from the dictionary reset) that follows the byte prev.
func (m *model) literalAt(pos uint32, prev byte) *literalModel {
	l := &m.literal[(pos&m.litMask)<<m.lc+uint32(prev)>>(8-m.lc)]
	if *l == nil {
		*l = newLiteralModel()
	}
	return *l
}

func newLiteralModel() *literalModel {
	l := new(literalModel)
	fill(l[:])
	return l
}

// lenState is the distance context for a match of n bytes.
func lenState(n int) int { return min(n-minLen, numLenStates-1) }

// distSlot splits distances (less one) by magnitude, two slots for each
// power of two.
func distSlot(dist uint32) uint32 {
	if dist < firstModelled {
		return dist
	}
	top := uint32(bits.Len32(dist)) - 1
	return 2*top + dist>>(top-1)&1
}

// slotBase returns the lowest distance of a slot from 4 on, and how many bits
// below the leading two follow.
func slotBase(slot uint32) (base uint32, footer uint) {
	footer = uint(slot>>1) - 1
	return (2 | slot&1) << footer, footer
}
