// SPDX-License-Identifier: GPL-2.0-or-later

package fdt

import "bytes"

// slack is the free space at the end of a blob. It is taken and given back at
// its start, where the blob grows into it, and grows at its end. From start to
// end: front (last byte first), back, then zeros.
type slack struct {
	front, back []byte
	zeros       int64
}

func (s *slack) size() int64 { return int64(len(s.front)+len(s.back)) + s.zeros }

// grow appends n zero bytes.
func (s *slack) grow(n int64) { s.zeros += n }

// take drops the first n bytes; there are as many.
func (s *slack) take(n int64) {
	k := min(n, int64(len(s.front)))
	s.front = s.front[:int64(len(s.front))-k]
	n -= k
	k = min(n, int64(len(s.back)))
	s.back = s.back[k:]
	s.zeros -= n - k
}

// push puts b before the first byte.
func (s *slack) push(b []byte) {
	for i := len(b) - 1; i >= 0; i-- {
		s.front = append(s.front, b[i])
	}
}

// at gives byte i.
func (s *slack) at(i int64) byte {
	if n := int64(len(s.front)); i < n {
		return s.front[n-1-i]
	} else if i -= n; i < int64(len(s.back)) {
		return s.back[i]
	}
	return 0
}

// copyTo fills b, which has the size of s.
func (s *slack) copyTo(b []byte) {
	n := len(s.front)
	for i, c := range s.front {
		b[n-1-i] = c
	}
	clear(b[n+copy(b[n:], s.back):])
}

func (s *slack) clone() slack {
	return slack{front: bytes.Clone(s.front), back: s.back, zeros: s.zeros}
}
