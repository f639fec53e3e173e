// SPDX-License-Identifier: GPL-2.0-or-later

package etype

import (
	"binman/content"
	"binman/layout"
)

// loadChildren makes the contents of what a container of an opened image holds
// known. Something in it that cannot be read stays as it is.
func loadChildren(c layout.ChildReader, b *layout.Build, e *layout.Entry, inner content.Data) {
	for _, child := range e.Section.Entries {
		data, err := c.ReadChild(b, e, child, inner, false)
		if err != nil {
			b.Log.Printf(layout.Info, "%v: leaving it as it is", err)
			continue
		}
		child.SetContents(data)
	}
}
