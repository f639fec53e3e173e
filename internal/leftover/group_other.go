// SPDX-License-Identifier: GPL-2.0-or-later

//go:build !unix

package leftover

import "os/exec"

// group kills the program alone when it is cancelled.
func group(cmd *exec.Cmd) {
	cmd.Cancel = func() error { return cmd.Process.Kill() }
}
