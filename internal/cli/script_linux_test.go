// SPDX-License-Identifier: GPL-2.0-or-later

package cli_test

import (
	"os"
	"syscall"
)

func scriptMkfifo(ts *script, neg bool, args []string) {
	usage(ts, neg, args, 1, 1, "mkfifo file")
	ts.Check(syscall.Mkfifo(ts.MkAbs(args[0]), 0o666))
}

func scriptTmpfs(ts *script, neg bool, args []string) {
	usage(ts, neg, args, 2, 2, "tmpfs dir size")
	dir := ts.MkAbs(args[0])
	ts.Check(os.MkdirAll(dir, 0o777))
	ts.Check(mountTmpfs(dir, args[1]))
	ts.Defer(func() { ts.Check(syscall.Unmount(dir, syscall.MNT_DETACH)) })
}

// mountTmpfs mounts an empty file system of the given size at dir.
func mountTmpfs(dir, size string) error {
	return syscall.Mount("tmpfs", dir, "tmpfs", 0, "size="+size)
}

// canMount says whether mountTmpfs works, by trying: a superuser in
// a container may lack the right.
func canMount() bool {
	dir, err := os.MkdirTemp("", "binman-mount")
	if err != nil {
		return false
	}
	defer os.Remove(dir)
	if mountTmpfs(dir, "64k") != nil {
		return false
	}
	return syscall.Unmount(dir, 0) == nil
}
