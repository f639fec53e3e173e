// SPDX-License-Identifier: GPL-2.0-or-later

package etype

import (
	"strings"

	"binman/content"
	"binman/format/fmap"
	"binman/layout"
)

// FMAP is a flash map of the image.
type FMAP struct{}

var (
	_ layout.Sizer   = (*FMAP)(nil)
	_ layout.Leaf    = (*FMAP)(nil)
	_ layout.Updater = (*FMAP)(nil)
)

var fmapInfo = layout.TypeInfo{
	Name:      "fmap",
	New:       func() layout.Type { return &FMAP{} },
	Generated: true,
	Remade:    true,
}

// LeastSize returns the size of the map of what has been read.
func (f *FMAP) LeastSize(ctx *layout.Context, e *layout.Entry) (int64, bool) {
	data, err := f.Contents(ctx, e)
	if err != nil {
		return 0, false
	}
	return data.Len(), false // expanded entries add to it
}

// Contents returns the map as far as it is known.
func (f *FMAP) Contents(ctx *layout.Context, e *layout.Entry) (content.Data, error) {
	m := fmap.New(e.Image.Entry.Size.Or(0), e.Name)
	for _, child := range e.Image.Entry.Entries() {
		addAreas(m, child)
	}
	data, err := m.Marshal()
	if err != nil {
		return content.Data{}, e.Errorf("%w", err)
	}
	return content.Bytes(data), nil
}

// Update returns the map with the positions of the areas.
func (f *FMAP) Update(ctx *layout.Context, e *layout.Entry) (content.Data, error) {
	return f.Contents(ctx, e)
}

func addAreas(m *fmap.Map, e *layout.Entry) {
	area := fmap.Area{Name: e.Name, Offset: e.ImagePos.Or(0), Size: e.Size.Or(0)}
	if e.Preserve {
		area.Flags = fmap.Preserve
	}
	inner := e.Entries()
	if e.TypeName == "cbfs" {
		// The original goes by the name, which is "cbfs@0" for a node of
		// that name without a type: there the files are areas.
		inner = nil
	}
	if len(inner) > 0 {
		area.Name = strings.ReplaceAll(area.Name, "@", "")
	}
	area.Name = fmap.Name(area.Name)
	m.Areas = append(m.Areas, area)
	for _, child := range inner {
		addAreas(m, child)
	}
}
