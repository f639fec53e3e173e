// SPDX-License-Identifier: GPL-2.0-or-later

package bzip2

// transform returns the last bytes of the sorted rotations of block, which is
// not empty, and the row at which block itself stands.
//
// The order of rotations is had from the order of suffixes, which can be
// found in linear time whatever the data: if block is made of n copies of a
// word, and that word is turned to its least rotation, then it is a Lyndon
// word, whose suffixes sort as its rotations do. Each of its rows stands for
// n equal ones of block.
func transform(block []byte) (last []byte, row int) {
	start, period := leastRotation(block)
	word := make([]byte, 0, period)
	word = append(word, block[start:period]...)
	word = append(word, block[:start]...)
	copies := len(block) / period

	last = make([]byte, 0, len(block))
	for i, at := range sortSuffixes(word, 256) {
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
	return last, row
}

// leastRotation returns the shortest word of which b is a whole number of
// copies, as its length, and where in it its least rotation starts.
func leastRotation(b []byte) (start, period int) {
	// Two candidates, the rotations at i and j, are known to agree in k
	// bytes; the worse one is moved past them.
	n := len(b)
	i, j, k := 0, 1, 0
	for i < n && j < n && k < n {
		x, y := b[(i+k)%n], b[(j+k)%n]
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

// moveToFront returns the symbols for b, end of block included, and which
// byte values b uses.
func moveToFront(b []byte) (symbols []uint16, used [256]bool) {
	for _, c := range b {
		used[c] = true
	}
	var list []byte
	for value, ok := range used {
		if ok {
			list = append(list, byte(value))
		}
	}
	symbols = make([]uint16, 0, len(b)/2+16)
	zeros := 0
	flush := func() {
		for ; zeros > 0; zeros = (zeros - 1) / 2 {
			symbols = append(symbols, uint16((zeros-1)&1))
		}
	}
	for _, c := range b {
		if list[0] == c {
			zeros++
			continue
		}
		flush()
		before := list[0]
		place := 0
		for before != c {
			place++
			before, list[place] = list[place], before
		}
		list[0] = c
		symbols = append(symbols, uint16(place+1))
	}
	flush()
	return append(symbols, uint16(len(list)+1)), used
}
