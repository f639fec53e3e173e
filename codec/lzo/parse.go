// SPDX-License-Identifier: GPL-2.0-or-later

package lzo

// parser finds cheap instructions for a block: it takes a match where it saves bytes,
// unless there is a better one at the next position.
type parser struct {
	finder
}

// step is a match after some literals.
type step struct {
	literals int
	match
}

// appendBlock appends block in compressed form, end marker included.
func (p *parser) appendBlock(out, block []byte) []byte {
	p.reset(block)
	e := emitter{out: out, start: len(out)}
	pos := 0 // where the literals begin that are not written yet
	p.skip(0, 1)
	for i := 1; i < len(block); { // a block begins with a literal
		m, saved := p.visit(i, i-pos, match{})
		if saved <= 0 {
			i += 1 + (i-pos)>>8 // fewer looks the longer there has been nothing
			continue
		}
		end := i + 1 // positions before it are known
		for m.length < niceLength && end < len(block) {
			next, more := p.visit(end, end-pos, m)
			end++
			if more <= saved {
				break
			}
			i, m, saved = end-1, next, more
		}
		for i > max(pos, m.distance) && block[i-1] == block[i-1-m.distance] {
			i, m.length = i-1, m.length+1
		}
		e.literals(block[pos:i])
		e.match(step{i - pos, m})
		p.skip(end, i+m.length)
		i += m.length
		pos = i
	}
	e.literals(block[pos:])
	return append(e.out, 0x11, 0, 0)
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
	case s.isTriple(s.literals):
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
