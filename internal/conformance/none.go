// SPDX-License-Identifier: GPL-2.0-or-later

//go:build !conformance

// Package conformance has the entry type that the original's own functional
// suite needs, in a program that is built with the tag of that name.
package conformance

import "binman/layout"

// Types lists the types for tests, of which the product has none.
func Types() []layout.TypeInfo { return nil }
