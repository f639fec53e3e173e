// SPDX-License-Identifier: GPL-2.0-or-later

package content_test

import (
	"io/fs"
	"syscall"
)

// usedBlocks returns how many bytes a file takes on the disk.
func usedBlocks(fi fs.FileInfo) (int64, bool) {
	st, ok := fi.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, false
	}
	return st.Blocks * 512, true
}
