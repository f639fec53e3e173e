// SPDX-License-Identifier: GPL-2.0-or-later

//go:build unix

package safedir

import "syscall"

func mkfifo(path string) error { return syscall.Mkfifo(path, 0o666) }
