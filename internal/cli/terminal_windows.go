// SPDX-License-Identifier: GPL-2.0-or-later

package cli

import (
	"os"

	"golang.org/x/sys/windows"
)

// enableSequences makes a console understand escape sequences, which older
// ones do only when asked, and says whether it does.
func enableSequences(f *os.File) bool {
	h := windows.Handle(f.Fd())
	var mode uint32
	if windows.GetConsoleMode(h, &mode) != nil {
		return false
	}
	return windows.SetConsoleMode(h, mode|windows.ENABLE_VIRTUAL_TERMINAL_PROCESSING) == nil
}
