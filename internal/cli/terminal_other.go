// SPDX-License-Identifier: GPL-2.0-or-later

//go:build !linux

package cli

import "os"

// terminal returns the number of columns of a terminal, and whether the file
// is one. The number of columns is not known here.
func terminal(f *os.File) (columns int, tty bool) {
	fi, err := f.Stat()
	return 0, err == nil && fi.Mode()&os.ModeCharDevice != 0
}
