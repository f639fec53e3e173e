// SPDX-License-Identifier: GPL-2.0-or-later

package etype

import (
	"binman/content"
	"binman/fdt"
	"binman/layout"
)

// holdsEntry says whether a subnode of a CBFS or a FIP is an entry. Nodes with
// names that are special elsewhere, such as hash, are entries here if they
// have a type.
func holdsEntry(node *fdt.Node) bool { return !layout.IsSpecialNode(node) || node.Has("type") }

// wholeContents returns what a CBFS or a FIP holds of an entry: its contents
// without padding.
func wholeContents(part layout.Part) content.Data {
	if part.Entry.Hole {
		return content.Fill(0, part.Entry.Size.Or(0))
	}
	return part.Data
}

// heldSize returns the size of the contents of the entries that e holds, as far
// as that is known.
func heldSize(e *layout.Entry) int64 {
	var n int64
	for _, child := range e.Entries() {
		n += child.ContentsSize
	}
	return n
}

// dropped says whether the part of a container is left out, since it is not
// there and need not be.
func dropped(part layout.Part) bool { return part.Entry.Absent && part.Entry.Optional }
