// SPDX-License-Identifier: GPL-2.0-or-later

package lzma

import (
	"fmt"
	"runtime"
	"slices"
	"testing"
	"testing/synctest"
)

// The bytes do not tell whether the finder had a goroutine of its own.
func TestSameBytesInParallel(t *testing.T) {
	data := firmware()
	for _, s := range paramSets {
		var alone, chunks []byte
		for _, procs := range []int{1, 2, 7} {
			before := runtime.GOMAXPROCS(procs)
			a, err := Encode(data, s.p)
			c, err2 := Encode2(data, s.p)
			runtime.GOMAXPROCS(before)
			if err != nil || err2 != nil {
				t.Fatal(err, err2)
			}
			if alone == nil {
				alone, chunks = a, c
			}
			what := fmt.Sprintf("%s, %d processors", s.name, procs)
			mustEqual(t, what, a, alone)
			mustEqual(t, what, c, chunks)
		}
	}
}

// A scout finds what the finder alone does, wherever it is asked, and its goroutine ends
// wherever that stops: a goroutine that does not would fail the bubble.
func TestScout(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(2))
	src := slices.Concat(make([]byte, 5000), new(dice).bytes(5000), code(30_000))
	const window, nice, depth = 10_000, 64, 48
	var want [][]match
	for f := newFinder(src, window, nice, depth); f.pos < len(src); {
		want = append(want, f.next(nil))
	}
	d := dice(21)
	for _, end := range []int{0, 1, batchSize, batchSize + 1, 20_000, len(src)} {
		synctest.Test(t, func(t *testing.T) {
			s := newScout(newFinder(src, window, nice, depth))
			if s.free == nil {
				t.Fatal("the scout has no goroutine")
			}
			defer s.stop()
			for p := 0; p < end; p += d.below(3) * d.below(600) {
				if got := s.at(p); !slices.Equal(got, want[p]) {
					t.Fatalf("at %d: %v, want %v", p, got, want[p])
				}
			}
		})
	}
}
