// SPDX-License-Identifier: GPL-2.0-or-later

// Package blocks works on the independent blocks of a format in parallel.
package blocks

import (
	"io"
	"runtime"
	"sync"
)

// Write encodes src in blocks of so many bytes, and writes what they become. encode
// appends to out, which is empty.
func Write[S any](w io.Writer, src []byte, size int, newState func() S, encode func(state S, out, block []byte) []byte) error {
	return Each((len(src)+size-1)/size, newState, func(s S, i int, old []byte) []byte {
		return encode(s, old[:0], src[i*size:min((i+1)*size, len(src))])
	}, func(_ int, block []byte) error {
		_, err := w.Write(block)
		return err
	})
}

// Each calls do for the blocks 0 to n-1, in parallel, and emit for what it returned, one
// after the other in their order. Each worker has a state of its own, which newState
// makes. No more results wait than there are workers, twice. do gets a result that has been
// emitted, to use its memory again, or the zero value. After an error from emit,
// which is returned, only what has been begun is finished.
func Each[S, R any](n int, newState func() S, do func(state S, i int, old R) R, emit func(i int, result R) error) error {
	workers := min(n, runtime.GOMAXPROCS(0))
	if workers <= 1 {
		return alone(n, newState, do, emit)
	}
	type job struct {
		i    int
		old  R
		done chan R
	}
	jobs := make(chan job)
	waiting := make(chan job, workers)
	used := make(chan R, 2*workers)
	quit := make(chan struct{})
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			state := newState()
			for j := range jobs {
				j.done <- do(state, j.i, j.old)
			}
		})
	}
	wg.Go(func() {
		defer close(waiting)
		defer close(jobs)
		for i := range n {
			j := job{i: i, done: make(chan R, 1)}
			select {
			case j.old = <-used:
			default:
			}
			select {
			case <-quit:
				return
			case waiting <- j:
				jobs <- j
			}
		}
	})
	defer wg.Wait()
	for j := range waiting {
		result := <-j.done
		if err := emit(j.i, result); err != nil {
			close(quit)
			for j := range waiting {
				<-j.done
			}
			return err
		}
		select {
		case used <- result:
		default:
		}
	}
	return nil
}

// alone is Each without goroutines.
func alone[S, R any](n int, newState func() S, do func(state S, i int, old R) R, emit func(i int, result R) error) error {
	if n == 0 {
		return nil
	}
	state := newState()
	var old R
	for i := range n {
		old = do(state, i, old)
		if err := emit(i, old); err != nil {
			return err
		}
	}
	return nil
}
