// SPDX-License-Identifier: GPL-2.0-or-later

package lzo

import (
	"encoding/binary"
	"errors"

	"binman/codec/internal/lz77"
)

var (
	errShort    = errors.New("instructions end early")
	errTooLong  = errors.New("data beyond the block's size")
	errDistance = errors.New("match before the start of the block")
	errSize     = errors.New("less data than the block's size")
	errTrailing = errors.New("data after the end marker")
)

// What an instruction means depends on the literals before it: none, one, two or three,
// or more.
const (
	afterMatch = 0
	afterRun   = 4
)

// expander decodes LZO1X. Every length is compared with what is left before
// it is used, so that none can overflow (the fault of CVE-2014-4607).
type expander struct {
	src  []byte
	out  []byte
	base int // where the block begins in out
	size int // bytes the block must decode to
}

// expand appends to out the size bytes that src decodes to.
func expand(out, src []byte, size int) ([]byte, error) {
	e := expander{src: src, out: out, base: len(out), size: size}
	if err := e.run(); err != nil {
		return nil, err
	}
	switch {
	case len(e.out)-e.base != size:
		return nil, errSize
	case len(e.src) != 0:
		return nil, errTrailing
	}
	return e.out, nil
}

func (e *expander) run() error {
	state := 0
	if len(e.src) > 0 && e.src[0] > 17 {
		n := int(e.src[0]) - 17
		e.src = e.src[1:]
		if err := e.literals(n); err != nil {
			return err
		}
		state = min(n, afterRun)
	}
	for {
		if len(e.src) == 0 {
			return errShort
		}
		op := int(e.src[0])
		e.src = e.src[1:]
		if op < 16 && state == afterMatch {
			n, err := e.length(op, 15)
			if err == nil {
				err = e.literals(n + 3)
			}
			if err != nil {
				return err
			}
			state = afterRun
			continue
		}
		length, distance, few, err := e.instruction(op, state)
		if err != nil {
			return err
		}
		if distance == 0 {
			return nil
		}
		if err := e.copy(length, distance); err != nil {
			return err
		}
		if err := e.literals(few); err != nil {
			return err
		}
		state = few
	}
}

// instruction decodes a match: its length, its distance (0 for the end of the
// block) and the number of literals that follow it.
func (e *expander) instruction(op, state int) (length, distance, few int, err error) {
	if op >= 64 || op < 16 {
		if len(e.src) < 1 {
			return 0, 0, 0, errShort
		}
		high := int(e.src[0])
		e.src = e.src[1:]
		switch {
		case op >= 64:
			length, distance = op>>5+1, high<<3+op>>2&7+1
		case state == afterRun:
			length, distance = 3, high<<2+op>>2+1+reachNear
		default:
			length, distance = 2, high<<2+op>>2+1
		}
		return length, distance, op & 3, nil
	}
	whole := 31
	if op < 32 {
		whole = 7
	}
	if length, err = e.length(op&whole, whole); err != nil {
		return 0, 0, 0, err
	}
	length += 2
	if len(e.src) < 2 {
		return 0, 0, 0, errShort
	}
	word := int(binary.LittleEndian.Uint16(e.src))
	e.src = e.src[2:]
	distance = word>>2 + 1
	if op < 32 {
		distance = op&8<<11 + word>>2
		if distance != 0 {
			distance += reachMid
		}
	}
	return length, distance, word & 3, nil
}

// length returns a length field: n, or, if that is 0, whole plus extension.
func (e *expander) length(n, whole int) (int, error) {
	if n != 0 {
		return n, nil
	}
	n = whole
	for i, b := range e.src {
		if b != 0 {
			e.src = e.src[i+1:]
			return n + int(b), nil
		}
		if n += 255; n > e.size {
			return 0, errTooLong
		}
	}
	return 0, errShort
}

func (e *expander) literals(n int) error {
	if n > len(e.src) {
		return errShort
	}
	if n > e.size-(len(e.out)-e.base) {
		return errTooLong
	}
	e.out = lz77.AppendLiterals(e.out, e.src, n)
	e.src = e.src[n:]
	return nil
}

func (e *expander) copy(length, distance int) error {
	if distance > len(e.out)-e.base {
		return errDistance
	}
	if length > e.size-(len(e.out)-e.base) {
		return errTooLong
	}
	e.out = lz77.AppendMatch(e.out, distance, length)
	return nil
}
