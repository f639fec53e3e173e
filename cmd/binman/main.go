// SPDX-License-Identifier: GPL-2.0-or-later

// Binman packs, opens, edits, signs and verifies firmware images.
package main

import (
	"os"

	"binman/internal/cli"
)

func main() {
	os.Exit(cli.Main(cli.Args(os.Args), os.Stdout, os.Stderr))
}
