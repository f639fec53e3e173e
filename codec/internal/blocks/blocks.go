// SPDX-License-Identifier: GPL-2.0-or-later

// Package blocks works on the independent blocks of a format in parallel.
package blocks

import (
	"io"
	"runtime"
	"sync"
	"sync/atomic"
)

// Write encodes src in blocks of so many bytes, and writes what they become. encode
// appends that to out, which is empty.
func Write[S any](w io.Writer, src *io.SectionReader, size int, newState func() S, encode func(state S, out, block []byte) []byte) error {
	type worker struct {
		state S
		block []byte
	}
	newWorker := func() worker { return worker{newState(), make([]byte, min(int64(size), src.Size()))} }
	return Each(Count(src, size), newWorker, func(k worker, i int, old []byte) ([]byte, error) {
		at := int64(i) * int64(size)
		block := k.block[:min(int64(size), src.Size()-at)]
		if err := ReadAt(src, block, at); err != nil {
			return nil, err
		}
		return encode(k.state, old[:0], block), nil
	}, func(_ int, block []byte) error {
		_, err := w.Write(block)
		return err
	})
}

// Count returns how many blocks of so many bytes there are in src, of which the last may be
// smaller.
func Count(src *io.SectionReader, size int) int {
	return int((src.Size() + int64(size) - 1) / int64(size))
}

// ReadAt fills p with what is at an offset of src.
func ReadAt(src *io.SectionReader, p []byte, at int64) error {
	n, err := src.ReadAt(p, at)
	if n == len(p) {
		return nil
	}
	if err == io.EOF {
		return io.ErrUnexpectedEOF // its size was more
	}
	return err
}

// Each calls do for the blocks 0 to n-1, in parallel, and emit for what it returned, one
// after the other in their order. Each worker has a state of its own, which newState
// makes. No more blocks are begun and not emitted than there are workers, twice: so many that
// a worker seldom waits. do gets a result that has been emitted, to use its memory again, or
// the zero value. After an error of do or emit, which is returned, only what has been begun is
// finished.
func Each[S, R any](n int, newState func() S, do func(state S, i int, old R) (R, error), emit func(i int, result R) error) error {
	workers := min(n, runtime.GOMAXPROCS(0))
	if workers <= 1 {
		return alone(n, newState, do, emit)
	}
	type done struct {
		result R
		err    error
	}
	begun := 2 * workers
	slots := make([]chan done, begun) // what block i became comes from slots[i%begun]
	used := make(chan R, begun)       // a block may be begun for each
	for i := range slots {
		slots[i] = make(chan done, 1)
		used <- *new(R)
	}
	var next atomic.Int64
	quit := make(chan struct{})
	var wg sync.WaitGroup
	defer wg.Wait()
	defer close(quit)
	for range workers {
		wg.Go(func() {
			state := newState()
			for {
				var old R
				select {
				case <-quit:
					return
				case old = <-used:
				}
				i := int(next.Add(1)) - 1
				if i >= n {
					return
				}
				result, err := do(state, i, old)
				slots[i%begun] <- done{result, err}
			}
		})
	}
	for i := range n {
		d := <-slots[i%begun]
		if d.err == nil {
			d.err = emit(i, d.result)
		}
		if d.err != nil {
			return d.err
		}
		used <- d.result
	}
	return nil
}

// alone is Each without goroutines.
func alone[S, R any](n int, newState func() S, do func(state S, i int, old R) (R, error), emit func(i int, result R) error) error {
	if n == 0 {
		return nil
	}
	state := newState()
	var old R
	for i := range n {
		result, err := do(state, i, old)
		if err == nil {
			err = emit(i, result)
		}
		if err != nil {
			return err
		}
		old = result
	}
	return nil
}
