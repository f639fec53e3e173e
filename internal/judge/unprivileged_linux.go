// SPDX-License-Identifier: GPL-2.0-or-later

package judge

import (
	"os"
	"runtime"
	"syscall"
	"testing"
)

// nobody is a user whom permissions stop.
const nobody = 65534

// Unprivileged makes permissions apply to the files that the test touches from
// here on, although the superuser may run it, until the function that it
// returns is called. Only the goroutine of the test is affected.
func Unprivileged(t testing.TB) (restore func()) {
	t.Helper()
	if os.Getuid() != 0 {
		return func() {}
	}
	runtime.LockOSThread()
	if err := syscall.Setfsuid(nobody); err != nil {
		t.Fatal(err)
	}
	return func() {
		syscall.Setfsuid(0)
		runtime.UnlockOSThread()
	}
}
