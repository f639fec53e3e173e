// SPDX-License-Identifier: GPL-2.0-or-later

package cli

import (
	"fmt"
	"runtime/debug"
	"strings"
)

// release is set by the linker in a release: scripts/release.sh.
var release string

// compatible is the release of U-Boot whose binman ours is compared with.
const compatible = "v2026.10-rc2"

// version returns the version of the release, of the module, or of the commit
// that the program was built from.
func version() string {
	if release != "" {
		return release
	}
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" || info.Main.Version == "(devel)" {
		return "(unreleased)"
	}
	return strings.TrimPrefix(info.Main.Version, "v")
}

// printVersion prints what -V asks for: on stderr what the original prints
// there, and no more.
func (g *globals) printVersion() {
	fmt.Fprintf(g.stderr, "Binman %s\n", version())
	fmt.Fprintf(g.stdout, "Compatible with binman of U-Boot %s\n", compatible)
}
