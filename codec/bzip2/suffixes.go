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
	cuts := m.numbers.get(len(text)/2 + 1)[:0]
	defer m.numbers.put(cuts)
	for i := 1; i < len(text); i++ {
		if s.isCut(int32(i)) {
			cuts = append(cuts, int32(i))
		}
	}
	s.induce(cuts) // sorts the pieces
	if len(cuts) > 1 {
		ranks, distinct := s.rankPieces(m, cuts)
		sorted := sortSuffixes(m, ranks, distinct)
		for i, c := range sorted {
			sorted[i] = cuts[c]
		}
		s.induce(sorted)
		m.numbers.put(ranks)
		m.numbers.put(sorted)
	}
	return s.order
}

// sorter sorts the suffixes of one text.
type sorter[T byte | int32] struct {
	text  []T
	small []bool
	order []int32
	// Where the bucket of a value begins, and in it, that of small suffixes:
	// large ones come first. begin has one entry more, the end.
	begin, beginSmall []int32
	next              []int32
}

// suffixSorter is the memory that the sorters take.
type suffixSorter struct {
	flags   pool[bool]
	numbers pool[int32]
}

func newSorter[T byte | int32](m *suffixSorter, text []T, limit int) *sorter[T] {
	s := &sorter[T]{
		text:       text,
		small:      m.flags.get(len(text)),
		order:      m.numbers.get(len(text)),
		begin:      m.numbers.get(limit + 1),
		beginSmall: m.numbers.get(limit),
		next:       m.numbers.get(limit + 1),
	}
	// The last suffix is large, as the empty one after it is the least.
	for i := len(text) - 2; i >= 0; i-- {
		s.small[i] = text[i] < text[i+1] || text[i] == text[i+1] && s.small[i+1]
	}
	large := s.beginSmall
	for i, c := range text {
		s.begin[int(c)+1]++
		if !s.small[i] {
			large[c]++
		}
	}
	for c := range limit {
		s.begin[c+1] += s.begin[c]
		s.beginSmall[c] = s.begin[c] + large[c]
	}
	return s
}

// release gives back all memory but that of the order.
func (s *sorter[T]) release(m *suffixSorter) {
	m.flags.put(s.small)
	m.numbers.put(s.begin)
	m.numbers.put(s.beginSmall)
	m.numbers.put(s.next)
}

// isCut reports whether the suffix at i, above 0, is small and follows a
// large one.
func (s *sorter[T]) isCut(i int32) bool { return s.small[i] && !s.small[i-1] }

// induce sorts all suffixes given the cuts in order; from cuts in any order it
// sorts them by their pieces. In each bucket the cuts are placed first; a scan
// upwards then places each large suffix when the one after it is met, and a
// scan downwards the small ones, cuts again included.
func (s *sorter[T]) induce(cuts []int32) {
	for i := range s.order {
		s.order[i] = -1
	}
	copy(s.next, s.beginSmall)
	for _, cut := range cuts {
		c := s.text[cut]
		s.order[s.next[c]] = cut
		s.next[c]++
	}

	copy(s.next, s.begin)
	last := int32(len(s.text) - 1)
	s.order[s.next[s.text[last]]] = last
	s.next[s.text[last]]++
	for i := 0; i < len(s.order); i++ {
		if at := s.order[i] - 1; at >= 0 && !s.small[at] {
			c := s.text[at]
			s.order[s.next[c]] = at
			s.next[c]++
		}
	}

	copy(s.next, s.begin)
	for i := len(s.order) - 1; i >= 0; i-- {
		if at := s.order[i] - 1; at >= 0 && s.small[at] {
			end := int(s.text[at]) + 1
			s.next[end]--
			s.order[s.next[end]] = at
		}
	}
}

// rankPieces returns, in the order of the text, the rank of the piece that
// begins at each cut, and the number of ranks. The pieces must be sorted.
func (s *sorter[T]) rankPieces(m *suffixSorter, cuts []int32) (ranks []int32, distinct int) {
	index := m.numbers.get(len(s.text)) // of a cut in cuts
	defer m.numbers.put(index)
	for i, cut := range cuts {
		index[cut] = int32(i)
	}
	// A piece reaches to the next cut, that included.
	piece := func(cut int32) []T {
		if i := int(index[cut]) + 1; i < len(cuts) {
			return s.text[cut : cuts[i]+1]
		}
		return s.text[cut:]
	}
	ranks = m.numbers.get(len(cuts))
	before := int32(-1)
	for _, at := range s.order {
		if at <= 0 || !s.isCut(at) {
			continue
		}
		// The last piece ends with the text, so no other equals it.
		if before < 0 || !equal(piece(before), piece(at)) ||
			at == cuts[len(cuts)-1] || before == cuts[len(cuts)-1] {
			distinct++
		}
		ranks[index[at]] = int32(distinct - 1)
		before = at
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
