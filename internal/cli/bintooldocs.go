// SPDX-License-Identifier: GPL-2.0-or-later

package cli

import (
	"fmt"
	"io"
	"strings"

	"binman/bintool"
	"binman/internal/argparse"
)

// bintoolDocsCommand writes the reference of external programs, which is made
// from their table.
func (g *globals) bintoolDocsCommand() command {
	return command{
		Command: argparse.Command{
			Name: "bintool-docs",
			Help: "Write out bintool documentation (see bintool.rst)",
		},
		run: func() error { return writeBintoolRST(g.stdout) },
	}
}

const bintoolDocsIntro = `Bintools are external programs that are known here because images can need them.
Most formats need none: binman makes them itself. Of the programs below it runs
only those of the entries in a description, and never one that is missing: the
entry then gets stand-in contents, and the build ends with a message and with
status 103.

Programs are looked for in the directories of --toolpath, in that of --tooldir and
in PATH, in this order. The command tool shows what is found, and how to install
the others.
`

// writeBintoolRST writes the reference as the original does, for inclusion in
// U-Boot's documentation.
func writeBintoolRST(w io.Writer) error {
	var sb strings.Builder
	fmt.Fprintf(&sb, ".. SPDX-License-Identifier: GPL-2.0-or-later\n\n%s\n%s\n\n%s\n\n",
		"Binman bintool Documentation", "============================", bintoolDocsIntro)
	for _, t := range bintool.Tools() {
		head := fmt.Sprintf("Bintool: %s: %s", t.Name, t.Summary)
		fmt.Fprintf(&sb, "%s\n%s\n\n%s\n\n", head, strings.Repeat("-", len(head)), t.Doc)
		if t.Package != "" {
			fmt.Fprintf(&sb, "Debian package: %s\n\n", t.Package)
		}
		sb.WriteString("\n")
	}
	_, err := io.WriteString(w, sb.String())
	return err
}
