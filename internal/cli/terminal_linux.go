// SPDX-License-Identifier: GPL-2.0-or-later

package cli

import (
	"os"

	"golang.org/x/sys/unix"
)

// terminal returns the number of columns of a terminal, and whether the file
// is one.
func terminal(f *os.File) (columns int, tty bool) {
	size, err := unix.IoctlGetWinsize(int(f.Fd()), unix.TIOCGWINSZ)
	if err != nil {
		return 0, false
	}
	return int(size.Col), true
}
