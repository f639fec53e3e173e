// SPDX-License-Identifier: GPL-2.0-or-later

// Package judge finds the external programs that tests compare our output
// with: dtc, fiptool, cbfstool, mkenvimage, the compression commands.
//
// A judge that is not installed skips the test, naming the program. In
// continuous integration (CI=true in the environment) it fails the test
// instead, so that a comparison is never lost in silence.
package judge

import (
	"os"
	"os/exec"
	"testing"
)

// Need returns the path of the program name, or ends the test when it is
// not installed: as skipped on a developer's machine, as failed when CI is
// set.
func Need(t testing.TB, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		Missing(t, name)
	}
	return path
}

// NeedFile ends the test like Need when the file at path, which an
// installed package named in what would provide, does not exist.
func NeedFile(t testing.TB, path, what string) string {
	t.Helper()
	if _, err := os.Stat(path); err != nil {
		Missing(t, what)
	}
	return path
}

// Missing ends the test because what is not installed.
func Missing(t testing.TB, what string) {
	t.Helper()
	if os.Getenv("CI") != "" {
		t.Fatalf("%s is not installed, and CI must not skip a judge", what)
	}
	t.Skipf("%s is not installed", what)
}
