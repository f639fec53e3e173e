// SPDX-License-Identifier: GPL-2.0-or-later

//go:build !conformance

package etype

import "binman/layout"

// testing lists the types for tests, of which the product has none.
func testing() []layout.TypeInfo { return nil }
