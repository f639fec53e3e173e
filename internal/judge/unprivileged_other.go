// SPDX-License-Identifier: GPL-2.0-or-later

//go:build !linux

package judge

import (
	"os"
	"testing"
)

// Unprivileged ends the test if the superuser runs it, whom permissions do not
// stop.
func Unprivileged(t testing.TB) (restore func()) {
	t.Helper()
	if os.Getuid() == 0 {
		Missing(t, "a user whom permissions stop")
	}
	return func() {}
}
