// SPDX-License-Identifier: GPL-2.0-or-later

package etype

import (
	"binman/content"
	"binman/layout"
)

// Fill is a run of one repeated byte.
type Fill struct {
	Size layout.OptInt `dt:"size,required" doc:"Number of bytes"`
	Byte byte          `dt:"fill-byte" doc:"Value to fill with"`
}

var (
	_ layout.Sizer    = (*Fill)(nil)
	_ layout.Leaf     = (*Fill)(nil)
	_ layout.Extender = (*Fill)(nil)
)

var fillInfo = layout.TypeInfo{
	Name: "fill",
	New:  func() layout.Type { return &Fill{} },
}

// LeastSize returns the size that is given.
func (f *Fill) LeastSize(ctx *layout.Context, e *layout.Entry) (int64, bool) {
	return f.Size.Value, true
}

// Contents returns the run at the size that the description asks for.
func (f *Fill) Contents(ctx *layout.Context, e *layout.Entry) (content.Data, error) {
	return content.Fill(f.Byte, e.OrigSize.Or(f.Size.Value)), nil
}

// Extend returns the run at the size that the entry has been extended to.
func (f *Fill) Extend(ctx *layout.Context, e *layout.Entry) (content.Data, error) {
	return content.Fill(f.Byte, e.Size.Value), nil
}
