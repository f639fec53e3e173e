// SPDX-License-Identifier: GPL-2.0-or-later

package etype

import (
	"binman/content"
	"binman/layout"
)

// Null is a hole, which the section fills with its pad byte.
type Null struct {
	Size layout.OptInt `dt:"size,required" doc:"Number of bytes"`
}

var (
	_ layout.Sizer = (*Null)(nil)
	_ layout.Leaf  = (*Null)(nil)
)

var nullInfo = layout.TypeInfo{
	Name: "null",
	New:  func() layout.Type { return &Null{} },
	Hole: true,
}

// LeastSize returns 0; the size of the entry is that of the hole.
func (n *Null) LeastSize(ctx *layout.Context, e *layout.Entry) (int64, bool) { return 0, true }

// Contents returns nothing; the entry is a hole.
func (n *Null) Contents(ctx *layout.Context, e *layout.Entry) (content.Data, error) {
	e.Hole = true
	return content.Data{}, nil
}
