// SPDX-License-Identifier: GPL-2.0-or-later

//go:build unix

package imagefile

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// lock waits for an exclusive lock on the file. File systems that have no
// locks do without.
func lock(f *os.File) error {
	for {
		err := unix.Flock(int(f.Fd()), unix.LOCK_EX)
		switch {
		case errors.Is(err, unix.EINTR):
		case errors.Is(err, unix.ENOTSUP), errors.Is(err, unix.ENOLCK), errors.Is(err, unix.ENOSYS):
			return nil
		default:
			return err
		}
	}
}
