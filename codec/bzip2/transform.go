// SPDX-License-Identifier: GPL-2.0-or-later

package bzip2

import (
	"bytes"
	"slices"
)

// transform makes e.data, the block, which is not empty, the last bytes of its sorted rotations,
// and returns the row at which the block itself stands.
//
// The order of rotations is had from the order of suffixes, which can be
// found in linear time whatever the data: if block is made of n copies of a
// word, and that word is turned to its least rotation, then it is a Lyndon
// word, whose suffixes sort as its rotations do. Each of its rows stands for
// n equal ones of block.
func (e *encoder) transform() (row int) {
	start, period := leastRotation(e.data)
	word := append(slices.Grow(e.word[:0], period), e.data[start:period]...)
	word = append(word, e.data[:start]...)
	copies := len(e.data) / period

	last := e.data[:0]
	order := sortSuffixes(&e.sorter, word, 256)
	for i, at := range order {
		before := int(at) - 1
		if before < 0 {
			before = period - 1
		}
		for range copies {
			last = append(last, word[before])
		}
		// Block begins where word has been cut from it.
		if int(at) == (period-start)%period {
			row = i * copies
		}
	}
	e.sorter.numbers.put(order)
	e.word, e.data = word, last
	return row
}

// leastRotation returns the shortest word of which b is a whole number of
// copies, as its length, and where in it its least rotation starts.
func leastRotation(b []byte) (start, period int) {
	// Two candidates, the rotations at i and j, are known to agree in k
	// bytes; the worse one is moved past them.
	n := len(b)
	i, j, k := 0, 1, 0
	for i < n && j < n && k < n {
		x, y := b[around(i+k, n)], b[around(j+k, n)]
		if x == y {
			k++
			continue
		}
		if x > y {
			i += k + 1
		} else {
			j += k + 1
		}
		if i == j {
			j++
		}
		k = 0
	}
	period = n
	if k == n { // the rotations at i and j are the same
		period = max(i, j) - min(i, j)
	}
	return min(i, j) % period, period
}

// around returns an offset below 2n as one below n, of what goes around.
func around(i, n int) int {
	if i >= n {
		return i - n
	}
	return i
}

// moveToFront makes e.symbols those of e.data, end of block included, and returns which
// byte values there are.
func (e *encoder) moveToFront() (used [256]bool) {
	for _, c := range e.data {
		used[c] = true
	}
	var list []byte
	for value, ok := range used {
		if ok {
			list = append(list, byte(value))
		}
	}
	symbols := e.symbols[:0]
	if cap(symbols) <= len(e.data) {
		symbols = make([]uint16, 0, len(e.data)+1) // of which most blocks use half, and no more is touched
	}
	zeros := 0
	flush := func() {
		for ; zeros > 0; zeros = (zeros - 1) / 2 {
			symbols = append(symbols, uint16((zeros-1)&1))
		}
	}
	for _, c := range e.data {
		if list[0] == c {
			zeros++
			continue
		}
		flush()
		place := bytes.IndexByte(list, c)
		copy(list[1:], list[:place])
		list[0] = c
		symbols = append(symbols, uint16(place+1))
	}
	flush()
	e.symbols = append(symbols, uint16(len(list)+1))
	return used
}
