// SPDX-License-Identifier: GPL-2.0-or-later

//go:build !windows

package cli

import "os"

// enableSequences does nothing: terminals understand escape sequences.
func enableSequences(*os.File) bool { return true }
