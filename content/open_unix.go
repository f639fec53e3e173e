// SPDX-License-Identifier: GPL-2.0-or-later

//go:build unix

package content

import "syscall"

// openFlags keep the opening of a pipe from waiting for a writer. Package os
// adds O_CLOEXEC itself.
const openFlags = syscall.O_NONBLOCK
