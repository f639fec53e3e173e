// SPDX-License-Identifier: GPL-2.0-or-later

//go:build unix

package host

import (
	"os"
	"os/exec"
	"syscall"
)

func terminal() (in, out *os.File, err error) {
	in, err = os.OpenFile("/dev/tty", os.O_RDWR, 0)
	if err != nil {
		return nil, nil, err
	}
	if out, err = os.OpenFile("/dev/tty", os.O_RDWR, 0); err != nil {
		in.Close()
	}
	return in, out, err
}

// inGroup gives the program a process group of its own, all of which is killed
// when its time is over.
func inGroup(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
}
