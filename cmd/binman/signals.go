// SPDX-License-Identifier: GPL-2.0-or-later

package main

import (
	"os"
	"os/signal"
	"syscall"

	"binman/internal/leftover"
)

// endOnSignals removes temporary files when the program is told to end, and ends it
// with the status that shells expect. What whoever has started it does not want to end
// it, such as nohup, does not. When nobody reads what it prints, that is an error of the
// write, as any other: the system would end it in the middle of its work.
func endOnSignals() {
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	signals := make(chan os.Signal, 1)
	for _, s := range []os.Signal{os.Interrupt, syscall.SIGTERM, syscall.SIGHUP} {
		if !signal.Ignored(s) {
			signal.Notify(signals, s)
		}
	}
	go func() {
		s := <-signals
		leftover.RemoveAll()
		status := 1
		if n, ok := s.(syscall.Signal); ok {
			status = 128 + int(n)
		}
		os.Exit(status)
	}()
}
