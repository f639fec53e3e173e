// SPDX-License-Identifier: GPL-2.0-or-later

package lzma

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"

	"binman/codec/internal/flush"
)

// headerSize is the size in bytes of what precedes the stream in a file.
const headerSize = 13

// Encode returns src as an LZMA alone file: 13 bytes of header with the size
// of src, and a stream without an end marker. src must be smaller than 2 GiB.
func Encode(src []byte, p Params) ([]byte, error) {
	return flush.Whole(src, func(w io.Writer, src []byte) error { return EncodeTo(w, src, p) })
}

// EncodeTo is like Encode, and writes the file.
func EncodeTo(w io.Writer, src []byte, p Params) error {
	p, err := p.normal()
	if err != nil {
		return err
	}
	if err := checkSize(src, p); err != nil {
		return err
	}
	out := make([]byte, headerSize)
	out[0] = p.properties()
	binary.LittleEndian.PutUint32(out[1:], uint32(p.DictSize))
	binary.LittleEndian.PutUint64(out[5:], uint64(len(src)))
	e := newEncoder(src, p)
	defer e.scout.stop()
	e.rc.out = out
	e.rc.reset()
	for e.pos < len(src) {
		e.send(e.nextPacket())
		if e.rc.out, err = flush.IfFull(w, e.rc.out); err != nil {
			return err
		}
	}
	e.rc.flush()
	_, err = w.Write(e.rc.out)
	return err
}

// checkSize refuses input whose positions or search tables cannot be stored.
func checkSize(src []byte, p Params) error {
	if int64(len(src)) >= math.MaxInt32 {
		return fmt.Errorf("lzma: input of %d bytes is too large; split it in parts below 2 GiB", len(src))
	}
	const perByte = 12 // of window, in the finder's tables
	if min(int64(len(src)), p.DictSize) > math.MaxInt/perByte {
		return fmt.Errorf("lzma: input of %d bytes needs a smaller dictionary than %d on this machine", len(src), p.DictSize)
	}
	return nil
}

// encoder turns src into packets (see planner) and packets into bits.
type encoder struct {
	planner
	model
	context
	prices prices
	rc     rangeEncoder
	scout  *scout
	nice   int // a match of so many bytes is taken at once
	src    []byte
	pos    int // the next byte to send

	matches []match // of the last position that was looked at
	looked  int     // the position after it

	sent  int // packets planned and not sent yet start here in plan
	stale int // packets sent since the prices were updated
}

// newEncoder returns an encoder, whose scout is to be stopped.
func newEncoder(src []byte, p Params) *encoder {
	e := &encoder{src: src, nice: p.NiceLen, stale: math.MaxInt}
	e.model.init(p.LC, p.LP, p.PB)
	e.scout = newScout(newFinder(src, p.DictSize, p.NiceLen, p.Depth))
	return e
}

// restart resets the state as a decoder does at a chunk that asks for it, and
// drops the plan.
func (e *encoder) restart() {
	e.model.reset()
	e.context = context{}
	e.stale = math.MaxInt
	e.plan, e.sent = e.plan[:0], 0
}

// look makes e.matches those of position p.
func (e *encoder) look(p int) {
	e.matches = e.scout.at(p)
	e.looked = p + 1
}

// priceLife is the number of packets after which prices are updated. Fewer
// cost time, more cost size.
const priceLife = 32

// nextPacket returns the packet to send at e.pos. It changes nothing when
// called again before the packet is sent.
func (e *encoder) nextPacket() packet {
	if e.sent == len(e.plan) {
		if e.stale >= priceLife {
			e.prices.update(&e.model)
			e.stale = 0
		}
		e.makePlan()
		e.sent = 0
	}
	return e.plan[e.sent]
}

// send writes a packet returned by nextPacket and moves on.
func (e *encoder) send(k packet) {
	m, rc := &e.model, &e.rc
	s := e.state
	ps := uint32(e.pos) & m.posMask
	if k.code == literal {
		rc.bit(&m.isMatch[s][ps], 0)
		e.sendLiteral()
	} else {
		rc.bit(&m.isMatch[s][ps], 1)
		if k.code >= numReps {
			rc.bit(&m.isRep[s], 0)
			rc.length(&m.match, k.n, ps)
			e.sendDistance(lenState(int(k.n)), k.code-numReps)
		} else {
			rc.bit(&m.isRep[s], 1)
			e.sendRep(k, ps)
		}
	}
	e.context = e.context.apply(k.code, k.n)
	e.pos += int(k.n)
	e.sent++
	e.stale++
}

func (e *encoder) sendRep(k packet, ps uint32) {
	m, rc, s := &e.model, &e.rc, e.state
	if k.code == 0 {
		rc.bit(&m.isNotRep0[s], 0)
		if k.n == 1 {
			rc.bit(&m.isLongRep0[s][ps], 0)
			return
		}
		rc.bit(&m.isLongRep0[s][ps], 1)
	} else {
		rc.bit(&m.isNotRep0[s], 1)
		if k.code == 1 {
			rc.bit(&m.isNotRep1[s], 0)
		} else {
			rc.bit(&m.isNotRep1[s], 1)
			rc.bit(&m.isNotRep2[s], k.code-2)
		}
	}
	rc.length(&m.rep, k.n, ps)
}

func (e *encoder) sendLiteral() {
	p := e.pos
	var prev byte
	if p > 0 {
		prev = e.src[p-1]
	}
	lit := e.literalAt(uint32(p), prev)
	sym := uint32(e.src[p])
	if e.state < firstMatched {
		e.rc.tree(lit[:0x100], sym, 8)
		return
	}
	// While the bits agree with the byte the match would have continued with,
	// its next bit chooses the tree.
	match := uint32(e.src[p-int(e.reps[0])-1])
	at, same := uint32(1), uint32(0x100)
	for i := 7; i >= 0; i-- {
		match <<= 1
		bit := sym >> i & 1
		e.rc.bit(&lit[same+match&same+at], bit)
		at = at<<1 | bit
		same &= ^(match ^ bit<<8)
	}
}

func (e *encoder) sendDistance(ls int, dist uint32) {
	slot := distSlot(dist)
	e.rc.tree(e.slot[ls][:], slot, 6)
	if slot < firstModelled {
		return
	}
	base, n := slotBase(slot)
	rest := dist - base
	if slot < endModelled {
		e.rc.reverse(e.special[base-slot:], rest, n)
		return
	}
	e.rc.direct(rest>>alignBits, n-alignBits)
	e.rc.reverse(e.align[:], rest&(1<<alignBits-1), alignBits)
}

func (r *rangeEncoder) length(m *lenModel, n int32, ps uint32) {
	v := uint32(n - minLen)
	switch {
	case v < 8:
		r.bit(&m.choice, 0)
		r.tree(m.low[ps][:], v, 3)
	case v < 16:
		r.bit(&m.choice, 1)
		r.bit(&m.choice2, 0)
		r.tree(m.mid[ps][:], v-8, 3)
	default:
		r.bit(&m.choice, 1)
		r.bit(&m.choice2, 1)
		r.tree(m.high[:], v-16, 8)
	}
}
