// SPDX-License-Identifier: GPL-2.0-or-later

//go:build conformance

package bintool

// testTools lists the program that the original's functional suite asks for.
func testTools() []Tool {
	return []Tool{{Name: "_testing", Summary: "testing", Source: "nowhere", Doc: "A program that does not exist."}}
}
