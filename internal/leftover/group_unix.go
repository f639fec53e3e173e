// SPDX-License-Identifier: GPL-2.0-or-later

//go:build unix

package leftover

import (
	"os/exec"
	"syscall"
)

// group gives the program a process group of its own, all of which is killed when it is
// cancelled.
func group(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
}
