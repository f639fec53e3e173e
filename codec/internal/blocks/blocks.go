// SPDX-License-Identifier: GPL-2.0-or-later

// Package blocks works on the independent blocks of a format in parallel.
package blocks

import (
	"runtime"
	"sync"
)

// Append encodes src in blocks of so many bytes, and appends what they become to out.
func Append[S any](out, src []byte, size int, newState func() S, encode func(state S, block []byte) []byte) []byte {
	Each((len(src)+size-1)/size, newState, func(s S, i int) []byte {
		return encode(s, src[i*size:min((i+1)*size, len(src))])
	}, func(_ int, block []byte) { out = append(out, block...) })
	return out
}

// Each calls do for the blocks 0 to n-1, in parallel, and emit for what it returned, one
// after the other in their order. Each worker has a state of its own, which newState
// makes. No more results wait than there are workers, twice.
func Each[S, R any](n int, newState func() S, do func(state S, i int) R, emit func(i int, result R)) {
	workers := min(n, runtime.GOMAXPROCS(0))
	if workers <= 1 {
		if n > 0 {
			state := newState()
			for i := range n {
				emit(i, do(state, i))
			}
		}
		return
	}
	type job struct {
		i    int
		done chan R
	}
	jobs := make(chan job)
	waiting := make(chan job, workers)
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			state := newState()
			for j := range jobs {
				j.done <- do(state, j.i)
			}
		})
	}
	go func() {
		for i := range n {
			j := job{i, make(chan R, 1)}
			waiting <- j
			jobs <- j
		}
		close(jobs)
		close(waiting)
	}()
	for j := range waiting {
		emit(j.i, <-j.done)
	}
	wg.Wait()
}
