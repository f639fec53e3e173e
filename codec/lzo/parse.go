// SPDX-License-Identifier: GPL-2.0-or-later

package lzo

import "math"

// What may follow at a position depends on the literals before it: none, one,
// two, three (these four cost nothing but themselves), or more.
const (
	afterMatch = 0
	afterRun   = 4
	states     = 5
)

const unreached = math.MaxInt32

// skipLength is the length from which a match is taken without looking at
// the positions that it covers: padding is not worth the time.
const skipLength = 1024

// parser finds the cheapest instructions for a block: a forward pass computes
// for each position, and each state it can be reached in, the fewest bytes
// that get there.
type parser struct {
	finder
	cost [][states]int32
	run  []int32 // literals in a row at a position in state afterRun
	// The match that ends at a position in state afterMatch, and the state
	// at its start.
	match []match
	from  []uint8
	steps []step
}

// step is a match after some literals.
type step struct {
	literals int
	match
}

func newParser(blockSize int) *parser {
	p := &parser{
		cost:  make([][states]int32, blockSize+1),
		run:   make([]int32, blockSize+1),
		match: make([]match, blockSize+1),
		from:  make([]uint8, blockSize+1),
	}
	p.prev = make([]int32, blockSize)
	return p
}

// appendBlock appends block in compressed form, end marker included.
func (p *parser) appendBlock(out, block []byte) []byte {
	p.reset(block)
	for i := range p.cost[:len(block)+1] {
		p.cost[i] = [states]int32{unreached, unreached, unreached, unreached, unreached}
	}
	p.cost[0][afterMatch] = 0
	for i := 0; i < len(block); i++ {
		p.visit(i)
		p.literal(i)
		p.matches(i)
		if n := p.best[far].length; n >= skipLength && i > 0 {
			p.skip(i+1, i+n)
			i += n - 1
		}
	}
	e := emitter{out: out, start: len(out)}
	pos := 0
	for _, s := range p.trace(len(block)) {
		e.literals(block[pos : pos+s.literals])
		e.match(s)
		pos += s.literals + s.length
	}
	e.literals(block[pos:])
	return append(e.out, 0x11, 0, 0)
}

// literal extends every state at i by a literal.
func (p *parser) literal(i int) {
	here, next := &p.cost[i], &p.cost[i+1]
	for s := afterMatch; s < afterRun-1; s++ {
		next[s+1] = here[s]
		if here[s] != unreached {
			next[s+1]++
		}
	}
	// A run of four or more needs an instruction, and an extension from 19 on.
	if c := here[afterRun-1]; c != unreached {
		next[afterRun], p.run[i+1] = c+2, 4
	}
	if c := here[afterRun]; c != unreached {
		run := p.run[i] + 1
		if c++; run >= 19 && (run-19)%255 == 0 {
			c++
		}
		if c < next[afterRun] {
			next[afterRun], p.run[i+1] = c, run
		}
	}
}

// matches adds all matches at i that may be part of the cheapest way.
func (p *parser) matches(i int) {
	if i == 0 {
		return // a block begins with a literal
	}
	state := 0
	for s, c := range p.cost[i] {
		if c < p.cost[i][state] {
			state = s
		}
	}
	take := func(state, length, distance int, price int32) {
		c := p.cost[i][state] + price
		if to := i + length; c < p.cost[to][afterMatch] {
			p.cost[to][afterMatch] = c
			p.match[to] = match{length, distance}
			p.from[to] = uint8(state)
		}
	}
	if p.pair != 0 {
		few := 1
		for s := 2; s < afterRun; s++ {
			if p.cost[i][s] < p.cost[i][few] {
				few = s
			}
		}
		if p.cost[i][few] != unreached {
			take(few, 2, p.pair, 2)
		}
	}
	if p.triple != 0 && p.cost[i][afterRun] != unreached {
		take(afterRun, 3, p.triple, 2)
	}
	tried := minMatch - 1 // all lengths up to here are taken at a better price
	for k, m := range p.best {
		if m.length <= tried {
			continue
		}
		whole := wholeLength[k]
		for l := tried + 1; l <= min(m.length, whole); l++ {
			take(state, l, m.distance, basePrice[k])
		}
		if m.length > whole && k != near {
			take(state, m.length, m.distance, basePrice[k]+extension(m.length-whole))
			// The longest match with one extension byte less.
			if less := m.length - (m.length-whole-1)%255 - 1; less > whole {
				take(state, less, m.distance, basePrice[k]+extension(less-whole))
			}
		}
		tried = min(m.length, whole)
	}
}

// The price of a match of each kind in bytes, and the length up to which it
// needs no extension.
var (
	basePrice   = [kinds]int32{2, 3, 3}
	wholeLength = [kinds]int{8, 33, 9}
)

// extension returns the number of extension bytes for n, at least 1.
func extension(n int) int32 { return int32(1 + (n-1)/255) }

// trace returns the matches on the cheapest way to end, in order.
func (p *parser) trace(end int) []step {
	p.steps = p.steps[:0]
	state := 0
	for s, c := range p.cost[end] {
		if c < p.cost[end][state] {
			state = s
		}
	}
	for pos := end; ; {
		literals := state
		if state == afterRun {
			literals = int(p.run[pos])
		}
		if n := len(p.steps); n > 0 {
			p.steps[n-1].literals = literals
		}
		pos -= literals
		if pos == 0 {
			break
		}
		p.steps = append(p.steps, step{match: p.match[pos]})
		state = int(p.from[pos])
		pos -= p.match[pos].length
	}
	for i, j := 0, len(p.steps)-1; i < j; i, j = i+1, j-1 {
		p.steps[i], p.steps[j] = p.steps[j], p.steps[i]
	}
	return p.steps
}

// emitter writes instructions.
type emitter struct {
	out   []byte
	start int // of the block in out
}

func (e *emitter) literals(b []byte) {
	n := len(b)
	switch {
	case n == 0:
		return
	case len(e.out) == e.start && n <= 255-17:
		e.out = append(e.out, byte(17+n))
	case n < 4:
		e.out[len(e.out)-2] |= byte(n) // the S of the match before
	case n <= 18:
		e.out = append(e.out, byte(n-3))
	default:
		e.out = append(e.out, 0)
		e.extend(n - 18)
	}
	e.out = append(e.out, b...)
}

func (e *emitter) match(s step) {
	length, d := s.length, s.distance-1
	switch {
	case length == 2:
		e.out = append(e.out, byte(d&3<<2), byte(d>>2))
	case length == 3 && s.literals > 3 && s.distance > reachNear && s.distance <= reachTriple:
		d -= reachNear
		e.out = append(e.out, byte(d&3<<2), byte(d>>2))
	case length <= 8 && s.distance <= reachNear:
		e.out = append(e.out, byte((length-1)<<5|d&7<<2), byte(d>>3))
	case s.distance <= reachMid:
		e.long(0x20, length, 33)
		e.out = append(e.out, byte(d<<2), byte(d>>6))
	default:
		d = s.distance - reachMid
		e.long(byte(0x10|d>>14<<3), length, 9)
		e.out = append(e.out, byte(d<<2), byte(d>>6))
	}
}

// long writes the instruction op with a length that needs no extension up to
// whole.
func (e *emitter) long(op byte, length, whole int) {
	if length <= whole {
		e.out = append(e.out, op|byte(length-2))
		return
	}
	e.out = append(e.out, op)
	e.extend(length - whole)
}

func (e *emitter) extend(n int) {
	for ; n > 255; n -= 255 {
		e.out = append(e.out, 0)
	}
	e.out = append(e.out, byte(n))
}
