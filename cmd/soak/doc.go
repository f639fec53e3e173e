// SPDX-License-Identifier: GPL-2.0-or-later

//go:build !linux

// Soak is for Linux only, which can limit the memory of a process.
package main

func main() { panic("soak needs Linux") }
