// SPDX-License-Identifier: GPL-2.0-or-later

//go:build !conformance

package bintool

// testTools lists programs for tests, of which the product has none.
func testTools() []Tool { return nil }
