// SPDX-License-Identifier: GPL-2.0-or-later

package cli

import (
	"fmt"
	"runtime/debug"
	"strconv"

	"binman/layout"
)

// limitMemory takes --memory. The garbage collector, which main keeps to what is the
// default, may let memory grow to as much.
func (g *globals) limitMemory() error {
	n, err := bytesOf("--memory", g.memoryText, 1)
	if err != nil {
		return err
	}
	g.memory = n
	if limit := debug.SetMemoryLimit(-1); n > layout.DefaultMemory && limit == layout.DefaultMemory {
		debug.SetMemoryLimit(n)
	}
	return nil
}

// bytesOf reads the value of an option that is a number of bytes, least or more.
func bytesOf(option, text string, least int64) (int64, error) {
	n, err := strconv.ParseInt(text, 0, 64)
	if err != nil || n < least {
		return 0, wrongUsage(fmt.Sprintf("%s is a number of bytes, such as 0x100000, not '%s'", option, text))
	}
	return n, nil
}
