// SPDX-License-Identifier: GPL-2.0-or-later

//go:build !linux

package cli_test

func scriptMkfifo(ts *script, neg bool, args []string) { ts.Fatalf("mkfifo needs Linux") }

func scriptTmpfs(ts *script, neg bool, args []string) { ts.Fatalf("tmpfs needs Linux") }

func canMount() bool { return false }
