// SPDX-License-Identifier: GPL-2.0-or-later

//go:build unix

package atomicfile

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
)

// keepOwner gives f the owner and group of old where the user may do so;
// where not, the file belongs to who wrote it.
func keepOwner(f *os.File, old fs.FileInfo) {
	want, ok := old.Sys().(*syscall.Stat_t)
	if !ok {
		return
	}
	fi, err := f.Stat()
	if err != nil {
		return
	}
	if have, ok := fi.Sys().(*syscall.Stat_t); ok && (have.Uid != want.Uid || have.Gid != want.Gid) {
		if f.Chown(int(want.Uid), int(want.Gid)) != nil {
			_ = f.Chown(-1, int(want.Gid))
		}
	}
}

// rename gives the file temp the name target, whoever has that open.
func rename(temp, target string) error { return os.Rename(temp, target) }

// syncDir flushes a directory, so that a rename in it lasts.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		// A directory that can be written to but not read cannot be
		// opened; the system will flush it in its own time.
		if errors.Is(err, fs.ErrPermission) {
			return nil
		}
		return err
	}
	defer d.Close()
	err = d.Sync()
	// Some filesystems cannot flush directories, or need not.
	if errors.Is(err, syscall.EINVAL) || errors.Is(err, syscall.ENOTSUP) {
		return nil
	}
	return err
}
