// SPDX-License-Identifier: GPL-2.0-or-later

package cli

import "runtime"

// limitThreads takes --threads: entries are worked on in as many threads at once, and so is
// what works on one in several, such as compression. The function that it returns ends that.
func (g *globals) limitThreads() (end func()) {
	if g.threads == 0 {
		g.threads = 1
	}
	before := runtime.GOMAXPROCS(0)
	if g.threads < 0 || g.threads >= before {
		return func() {}
	}
	runtime.GOMAXPROCS(g.threads)
	return func() { runtime.GOMAXPROCS(before) }
}
