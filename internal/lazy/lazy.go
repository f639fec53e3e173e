// SPDX-License-Identifier: GPL-2.0-or-later

// Package lazy makes values when somebody asks for them. A build takes a few
// milliseconds; what it does not use should take none of them.
package lazy

import (
	"regexp"
	"sync"
)

// Regexp compiles an expression when it is first asked for. A wrong one is a panic then.
func Regexp(expr string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(expr) })
}
