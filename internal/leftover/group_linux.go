// SPDX-License-Identifier: GPL-2.0-or-later

package leftover

import (
	"os/exec"
	"runtime"
	"syscall"
)

// withUs has the program killed when this one is, which a signal can do that nobody
// notices. The system takes the thread that has started it for its parent, so that has to
// be kept until release is called.
func withUs(cmd *exec.Cmd) (release func()) {
	runtime.LockOSThread()
	cmd.SysProcAttr.Pdeathsig = syscall.SIGKILL
	return runtime.UnlockOSThread
}
