// SPDX-License-Identifier: GPL-2.0-or-later

package lzma

import "runtime"

// A scout looks for the matches of each position before the encoder gets there, in a
// goroutine of its own if there is more than one processor. That changes no byte, since
// what the finder finds does not depend on what the encoder decides.
type scout struct {
	find  *finder
	batch *batch // what the encoder is at
	// Batches go round: the finder fills free ones. Both are nil if it does so only when
	// the encoder needs one.
	free, full chan *batch
}

// batch is the matches of some positions in a row.
type batch struct {
	start   int     // the first position
	ends    []int32 // for each position, where its matches end
	matches []match
}

// Bounds of what waits for the encoder. Where there are many matches, a batch has fewer
// positions.
const (
	batchSize    = 2048
	batchMatches = 8 * batchSize
	batches      = 8
)

func newScout(find *finder) *scout {
	s := &scout{find: find, batch: new(batch)}
	if runtime.GOMAXPROCS(0) == 1 || len(find.src) <= batchSize {
		return s
	}
	s.free = make(chan *batch, batches)
	s.full = make(chan *batch, batches) // has room for all, so that the finder never waits for it
	for range batches - 1 {
		s.free <- new(batch)
	}
	go s.run()
	return s
}

// run fills free batches until there are none any more.
func (s *scout) run() {
	defer close(s.full)
	for b := range s.free {
		b.fill(s.find)
		s.full <- b
	}
}

// stop ends the goroutine, and returns when it has ended.
func (s *scout) stop() {
	if s.free == nil {
		return
	}
	close(s.free)
	for range s.full {
	}
}

// at returns the matches of position p, which may not be before an earlier one.
func (s *scout) at(p int) []match {
	for p >= s.batch.start+len(s.batch.ends) {
		if s.free == nil {
			s.batch.fill(s.find)
			continue
		}
		s.free <- s.batch
		s.batch = <-s.full
	}
	i := p - s.batch.start
	from := int32(0)
	if i > 0 {
		from = s.batch.ends[i-1]
	}
	return s.batch.matches[from:s.batch.ends[i]]
}

// fill makes b the matches of the positions that the finder comes to.
func (b *batch) fill(f *finder) {
	b.start, b.ends, b.matches = f.pos, b.ends[:0], b.matches[:0]
	for f.pos < len(f.src) && len(b.ends) < batchSize && len(b.matches) < batchMatches {
		b.matches = f.next(b.matches)
		b.ends = append(b.ends, int32(len(b.matches)))
	}
}
