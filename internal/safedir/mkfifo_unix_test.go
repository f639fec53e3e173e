// SPDX-License-Identifier: GPL-2.0-or-later

//go:build unix

package safedir

import (
	"errors"
	"path/filepath"
	"syscall"
	"testing"
)

func mkfifo(path string) error { return syscall.Mkfifo(path, 0o666) }

// A pipe where the directory should be is not waited for.
func TestPipeAsDirectory(t *testing.T) {
	name := filepath.Join(t.TempDir(), "pipe")
	if err := mkfifo(name); err != nil {
		t.Fatal(err)
	}
	for _, open := range []func(string) (*Dir, error){Open, OpenExisting} {
		if _, err := open(name); !errors.Is(err, syscall.ENOTDIR) {
			t.Errorf("error is %v", err)
		}
	}
}
