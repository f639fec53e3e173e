// SPDX-License-Identifier: GPL-2.0-or-later

//go:build !unix

package atomicfile

import (
	"io/fs"
	"os"
)

func keepOwner(*os.File, fs.FileInfo) {}

// syncDir does nothing: directories cannot be flushed here.
func syncDir(string) error { return nil }
