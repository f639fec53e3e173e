// SPDX-License-Identifier: GPL-2.0-or-later

// Binman packs, opens, edits, signs and verifies firmware images.
package main

import (
	"os"
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
	endOnSignals()
	os.Exit(cli.Main(cli.Args(os.Args), os.Stdout, os.Stderr))
}
