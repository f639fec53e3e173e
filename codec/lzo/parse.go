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

func newParser(blockSize int) *parser {
	return &parser{finder: finder{prev: make([]int32, blockSize)}}
}

// appendBlock appends block in compressed form, end marker included.
func (p *parser) appendBlock(out, block []byte) []byte {
	p.reset(block)
	e := emitter{out: out, start: len(out)}
	pos := 0 // where the literals begin that are not written yet
	for i := 0; i < len(block); {
		p.visit(i)
		m, saved := p.choose(i, i-pos)
		if saved <= 0 {
			i++
			continue
		}
		end := i + 1 // positions before it are known
		for m.length < niceLength && end < len(block) {
			p.visit(end)
			end++
			next, more := p.choose(end-1, end-1-pos)
			if more <= saved {
				break
			}
			i, m, saved = end-1, next, more
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

// choose returns the match at i, after some literals, that saves most bytes, and how many:
// none, if it is not positive.
func (p *parser) choose(i, literals int) (m match, saved int) {
	if i == 0 {
		return m, 0 // a block begins with a literal
	}
	for k, found := range p.best {
		if found.length == 0 {
			continue
		}
		price := basePrice[k]
		if found.length > wholeLength[k] {
			if k == near {
				continue // it is one of the next kind, too
			}
			price += extension(found.length - wholeLength[k])
		}
		if n := found.length - price; n > saved {
			m, saved = found, n
		}
	}
	if n := 3 - basePrice[near]; saved < n && p.triple != 0 && literals > 3 {
		m, saved = match{3, p.triple}, n
	}
	return m, saved
}

// The price of a match of each kind in bytes, and the length up to which it
// needs no extension.
var (
	basePrice   = [kinds]int{2, 3, 3}
	wholeLength = [kinds]int{8, 33, 9}
)

// extension returns the number of extension bytes for n, at least 1.
func extension(n int) int { return 1 + (n-1)/255 }

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
