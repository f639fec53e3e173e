// SPDX-License-Identifier: GPL-2.0-or-later

//go:build !unix

package atomicfile

import (
	"io/fs"
	"os"
	"path/filepath"
)

func keepOwner(*os.File, fs.FileInfo) {}

// syncDir does nothing: directories cannot be flushed here.
func syncDir(string) error { return nil }

// rename gives the file temp the name target, in the same directory. Windows
// lets a file that is open, as an image is while it is updated, lose its name
// only by the rules of POSIX, for which package os asks within a Root.
func rename(temp, target string) error {
	root, err := os.OpenRoot(filepath.Dir(target))
	if err != nil {
		return err
	}
	defer root.Close()
	return root.Rename(filepath.Base(temp), filepath.Base(target))
}
