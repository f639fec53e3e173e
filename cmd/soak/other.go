// SPDX-License-Identifier: GPL-2.0-or-later

//go:build !linux

// Soak is for Linux only, which can limit the memory of a process.
package main

import (
	"fmt"
	"os"
)

func main() {
	fmt.Fprintln(os.Stderr, "soak: it needs Linux, which can limit the memory of a process")
	os.Exit(2)
}
