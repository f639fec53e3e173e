// SPDX-License-Identifier: GPL-2.0-or-later

// Binman packs, opens, edits, signs and verifies firmware images.
package main

import (
	"os"
	"runtime"
	"runtime/debug"

	"binman/internal/cli"
)

// softLimit is how much memory, in bytes, the garbage collector keeps to where it
// can. GOMEMLIMIT says otherwise.
const softLimit = 1 << 30

func main() {
	if _, set := os.LookupEnv("GOMEMLIMIT"); !set {
		debug.SetMemoryLimit(softLimit)
	}
	if _, set := os.LookupEnv("GOGC"); !set {
		collectLater()
	}
	endOnSignals()
	os.Exit(cli.Main(cli.Args(os.Args), os.Stdout, os.Stderr))
}

// collectLater puts the first garbage collection off until the heap has 16 MiB, not 4.
// Most builds are through by then; it took them a tenth of their time.
func collectLater() {
	const percent = 100 // as Go has it
	debug.SetGCPercent(4 * percent)
	first := new([64]byte) // too large to be kept together with others
	runtime.AddCleanup(first, func(int) { debug.SetGCPercent(percent) }, 0)
}
