// SPDX-License-Identifier: GPL-2.0-or-later

package bzip2

// sortSuffixes returns the starts of text's suffixes in their order. All
// values of text are below limit. It takes time linear in both. What it returns is memory of
// m's numbers.
//
// The algorithm is SA-IS: Nong, Zhang and Chan, "Two Efficient Algorithms for
// Linear Time Suffix Array Construction", IEEE Transactions on Computers
// 60(10), 2011. A suffix is small (S) if it is less than the one after it,
// else large; an S suffix after a large one is a cut. The order of the cuts
// decides that of all others, and is found from the text that is left when
// each piece between two cuts is replaced by its rank.
func sortSuffixes[T byte | int32](m *suffixSorter, text []T, limit int) []int32 {
	if len(text) == 0 {
		return nil
	}
	s := newSorter(m, text, limit)
	defer s.release(m)
	cuts := s.cuts(m)
	defer func() { m.numbers.put(cuts) }()
	if len(cuts) > 1 {
		pieces := s.sortPieces(m, cuts)
		if ranks, distinct := s.rankPieces(m, cuts, pieces); distinct < len(cuts) {
			pieces = sortSuffixes(m, ranks, distinct)
			for i, c := range pieces {
				pieces[i] = cuts[c]
			}
			m.numbers.put(ranks)
		}
		m.numbers.put(cuts)
		cuts = pieces
	}
	s.sortAll(cuts)
	return s.order
}

// sorter sorts the suffixes of one text. While it does, an entry of order that is above 0 is a
// suffix that says where the one before it belongs.
type sorter[T byte | int32] struct {
	text  []T
	order []int32
	begin []int32 // where the suffixes that begin with a value begin in order, and the end
	next  []int32 // where the next one goes
}

// suffixSorter is the memory that the sorters take.
type suffixSorter struct{ numbers pool }

func newSorter[T byte | int32](m *suffixSorter, text []T, limit int) *sorter[T] {
	s := &sorter[T]{
		text:  text,
		order: m.numbers.get(len(text)),
		begin: m.numbers.get(limit + 1),
		next:  m.numbers.get(limit + 1),
	}
	for _, c := range text {
		s.begin[int(c)+1]++
	}
	for c := range limit {
		s.begin[c+1] += s.begin[c]
	}
	return s
}

// release gives back all memory but that of the order.
func (s *sorter[T]) release(m *suffixSorter) {
	m.numbers.put(s.begin)
	m.numbers.put(s.next)
}

// cuts returns where the cuts are, in the order of the text.
func (s *sorter[T]) cuts(m *suffixSorter) []int32 {
	cuts := m.numbers.get(len(s.text)/2 + 1)
	n := len(cuts)
	small := false // the last suffix is large, as the empty one after it is the least
	for i := len(s.text) - 2; i >= 0; i-- {
		switch a, b := s.text[i], s.text[i+1]; {
		case a < b:
			small = true
		case a > b && small:
			small = false
			n--
			cuts[n] = int32(i + 1)
		}
	}
	return cuts[n:]
}

// place puts cuts at the ends of what begins with their first values, the last of them last.
func (s *sorter[T]) place(cuts []int32) {
	copy(s.next, s.begin)
	for i := len(cuts) - 1; i >= 0; i-- {
		end := int(s.text[cuts[i]]) + 1
		s.next[end]--
		s.order[s.next[end]] = cuts[i]
	}
}

// putLarge puts the large suffix at k where it belongs. It is for a scan upwards to go on from if
// the one before it is large too, else for a scan downwards.
func (s *sorter[T]) putLarge(k int32) {
	c := s.text[k]
	entry := k
	if k > 0 && s.text[k-1] < c {
		entry = ^k
	}
	s.order[s.next[c]] = entry
	s.next[c]++
}

// putSmall puts the small suffix at k where it belongs, from the end of its value's down. It is for a
// scan downwards to go on from, unless it is a cut or the first.
func (s *sorter[T]) putSmall(k int32) {
	c := s.text[k]
	entry := k
	if k == 0 || s.text[k-1] > c {
		entry = ^k
	}
	end := int(c) + 1
	s.next[end]--
	s.order[s.next[end]] = entry
}

// sortPieces returns the cuts in the order of the pieces that begin there. From any order of the
// cuts, a scan upwards sorts the large suffixes by what they are up to the next cut, and from
// these a scan downwards the small ones, cuts again included.
func (s *sorter[T]) sortPieces(m *suffixSorter, cuts []int32) []int32 {
	order := s.order
	s.place(cuts)
	copy(s.next, s.begin)
	s.putLarge(int32(len(s.text) - 1))
	for i := range order {
		if v := order[i]; v > 0 {
			order[i] = 0
			s.putLarge(v - 1)
		} else if v < 0 {
			order[i] = ^v
		}
	}

	copy(s.next, s.begin)
	for i := len(order) - 1; i >= 0; i-- {
		v := order[i]
		if v <= 0 {
			continue
		}
		order[i] = 0
		s.putSmall(v - 1)
	}

	pieces := m.numbers.get(len(cuts))[:0]
	for i, v := range order {
		if v < ^0 { // the first suffix is no cut
			pieces = append(pieces, ^v)
		}
		order[i] = 0
	}
	return pieces
}

// sortAll makes order that of all suffixes, given the cuts in order.
func (s *sorter[T]) sortAll(cuts []int32) {
	order := s.order
	s.place(cuts)
	copy(s.next, s.begin)
	s.putLarge(int32(len(s.text) - 1))
	for i := range order {
		v := order[i]
		order[i] = ^v
		if v > 0 {
			s.putLarge(v - 1)
		}
	}

	copy(s.next, s.begin)
	for i := len(order) - 1; i >= 0; i-- {
		v := order[i]
		if v <= 0 {
			order[i] = ^v
			continue
		}
		s.putSmall(v - 1)
	}
}

// rankPieces returns, in the order of the text, the rank of the piece that
// begins at each cut, and the number of ranks. pieces are the cuts in the order of theirs; if
// two of them are equal, it puts back their memory.
func (s *sorter[T]) rankPieces(m *suffixSorter, cuts, pieces []int32) (ranks []int32, distinct int) {
	// Two cuts are never next to each other, so half of one is enough to know it by.
	about := m.numbers.get(len(s.text)/2 + 1)
	defer m.numbers.put(about)
	// A piece reaches to the next cut, that included. The last one ends with the text, so no other
	// equals it.
	for i, cut := range cuts[:len(cuts)-1] {
		about[cut/2] = cuts[i+1] + 1 - cut
	}
	var before []T
	for _, cut := range pieces {
		piece := s.text[cut : cut+about[cut/2]]
		if len(piece) == 0 || !equal(before, piece) {
			distinct++
		}
		before = piece
		about[cut/2] = int32(distinct - 1)
	}
	if distinct == len(cuts) {
		return nil, distinct
	}
	m.numbers.put(pieces)
	ranks = m.numbers.get(len(cuts))
	for i, cut := range cuts {
		ranks[i] = about[cut/2]
	}
	return ranks, distinct
}

func equal[T byte | int32](a, b []T) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}
