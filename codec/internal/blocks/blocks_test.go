// SPDX-License-Identifier: GPL-2.0-or-later

package blocks_test

import (
	"errors"
	"fmt"
	"runtime"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"binman/codec/internal/blocks"
)

// Results come in the order of the blocks, each once, and few wait for their turn.
func TestEachKeepsOrder(t *testing.T) {
	for _, procs := range []int{1, 2, 5} {
		for _, n := range []int{0, 1, 2, 3, 100} {
			t.Run(fmt.Sprintf("%d/%d", procs, n), func(t *testing.T) {
				defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(procs))
				var begun, emitted, states atomic.Int64
				newState := func() int64 { return states.Add(1) }
				err := blocks.Each(n, newState, func(_ int64, i int, _ int) (int, error) {
					if waiting := begun.Add(1) - emitted.Load(); waiting > int64(2*procs) {
						t.Errorf("block %d: %d are begun and not emitted", i, waiting)
					}
					return i * i, nil
				}, func(i, square int) error {
					if at := emitted.Load(); int64(i) != at || square != i*i {
						t.Errorf("%d comes as block %d, with %d", i, at, square)
					}
					emitted.Add(1)
					return nil
				})
				if err != nil || emitted.Load() != int64(n) {
					t.Errorf("%d of %d blocks, %v", emitted.Load(), n, err)
				}
				if made := states.Load(); made > int64(procs) {
					t.Errorf("%d states for %d processors", made, procs)
				}
			})
		}
	}
}

// After an error nothing is emitted, little is begun, and no goroutine remains: the bubble
// would not end.
func TestEachFails(t *testing.T) {
	bad := errors.New("bad block")
	for _, procs := range []int{1, 3} {
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(procs))
		for _, inEmit := range []bool{false, true} {
			synctest.Test(t, func(t *testing.T) {
				var begun, emitted atomic.Int64
				fail := func(i int, here bool) error {
					if here && i == 10 {
						return bad
					}
					return nil
				}
				err := blocks.Each(1000, func() bool { return true }, func(_ bool, i int, _ int) (int, error) {
					begun.Add(1)
					return i, fail(i, !inEmit)
				}, func(i, _ int) error {
					emitted.Add(1)
					return fail(i, inEmit)
				})
				if err != bad {
					t.Errorf("error %v, want %v", err, bad)
				}
				if n := emitted.Load(); n > 11 {
					t.Errorf("%d were emitted, the 11th is bad", n)
				}
				if n := begun.Load(); n > int64(11+2*procs) {
					t.Errorf("%d were begun, the 11th is bad", n)
				}
			})
		}
	}
}
