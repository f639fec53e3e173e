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
	n, err := strconv.ParseInt(g.memoryText, 0, 64)
	if err != nil || n <= 0 {
		return fmt.Errorf("--memory is a number of bytes, such as 0x80000000, not '%s'", g.memoryText)
	}
	g.memory = n
	if limit := debug.SetMemoryLimit(-1); n > layout.DefaultMemory && limit == layout.DefaultMemory {
		debug.SetMemoryLimit(n)
	}
	return nil
}
