// SPDX-License-Identifier: GPL-2.0-or-later

//go:build unix

package openfile

import (
	"os"
	"syscall"
)

// errNoReader is the fault of a pipe that nobody has opened for reading.
const errNoReader = syscall.ENXIO

// Package os adds O_CLOEXEC itself.
func open(path string, flag int) (*os.File, error) {
	return os.OpenFile(path, flag|syscall.O_NONBLOCK, 0)
}
