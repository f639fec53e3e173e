// SPDX-License-Identifier: GPL-2.0-or-later

//go:build unix

package safedir

import "syscall"

// openFlags keep the opening of a pipe, which may have taken the place of
// a file, from waiting for a writer.
const openFlags = syscall.O_NONBLOCK
