// SPDX-License-Identifier: GPL-2.0-or-later

//go:build !unix && !windows

package imagefile

import "os"

// lock does nothing where files cannot be locked.
func lock(f *os.File) error { return nil }
