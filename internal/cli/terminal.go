// SPDX-License-Identifier: GPL-2.0-or-later

package cli

import (
	"os"

	"golang.org/x/term"
)

// terminal returns the number of columns of a terminal, 0 if it is not known,
// and whether the file is a terminal that understands colours.
func terminal(f *os.File) (columns int, tty bool) {
	fd := int(f.Fd())
	if !term.IsTerminal(fd) {
		return 0, false
	}
	columns, _, _ = term.GetSize(fd)
	return columns, enableSequences(f)
}
