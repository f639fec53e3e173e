// SPDX-License-Identifier: GPL-2.0-or-later

package cli

import (
	"runtime"
	"testing"
)

// --threads is for all that works in several threads, not for entries alone; it is never for
// more than there are processors.
func TestLimitThreads(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(3))
	for _, tt := range []struct{ asked, threads, want int }{
		{-1, -1, 3}, {0, 1, 1}, {1, 1, 1}, {2, 2, 2}, {3, 3, 3}, {8, 8, 3},
	} {
		g := &globals{threads: tt.asked}
		end := g.limitThreads()
		if got := runtime.GOMAXPROCS(0); got != tt.want || g.threads != tt.threads {
			t.Errorf("--threads %d: %d at once, %d for entries", tt.asked, got, g.threads)
		}
		end()
		if got := runtime.GOMAXPROCS(0); got != 3 {
			t.Errorf("--threads %d: %d afterwards", tt.asked, got)
		}
	}
}
