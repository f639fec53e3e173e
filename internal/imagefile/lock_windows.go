// SPDX-License-Identifier: GPL-2.0-or-later

package imagefile

import (
	"errors"
	"math"
	"os"

	"golang.org/x/sys/windows"
)

// lock waits for an exclusive lock on the file. What is locked cannot be read
// by other programs, so it is the last byte that a file could ever have.
func lock(f *os.File) error {
	last := windows.Overlapped{Offset: math.MaxUint32, OffsetHigh: math.MaxInt32}
	err := windows.LockFileEx(windows.Handle(f.Fd()), windows.LOCKFILE_EXCLUSIVE_LOCK, 0, 1, 0, &last)
	if errors.Is(err, windows.ERROR_NOT_SUPPORTED) || errors.Is(err, windows.ERROR_INVALID_FUNCTION) {
		return nil // file systems that have no locks do without
	}
	return err
}
