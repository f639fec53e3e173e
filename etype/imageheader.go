// SPDX-License-Identifier: GPL-2.0-or-later

package etype

import (
	"binman/content"
	"binman/describe"
	"binman/format/fdtmap"
	"binman/layout"
)

// ImageHeader points to the FDT map of its image.
type ImageHeader struct {
	Location string `dt:"location" doc:"Where in the image it is: \"start\" or \"end\"; needed if there is no offset"`
}

var (
	_ layout.Checker = (*ImageHeader)(nil)
	_ layout.Sizer   = (*ImageHeader)(nil)
	_ layout.Leaf    = (*ImageHeader)(nil)
	_ layout.Placer  = (*ImageHeader)(nil)
	_ layout.Updater = (*ImageHeader)(nil)
)

var imageHeaderInfo = layout.TypeInfo{
	Name:      "image-header",
	New:       func() layout.Type { return &ImageHeader{} },
	Generated: true,
	Remade:    true,
}

// Check finds that there is nothing to point to.
func (h *ImageHeader) Check(ctx *layout.Context, e *layout.Entry, report func(layout.Level, error)) {
	if e.Sibling("fdtmap") == nil {
		report(layout.Error, h.lost(e))
	}
}

// LeastSize returns the size of the header.
func (h *ImageHeader) LeastSize(ctx *layout.Context, e *layout.Entry) (int64, bool) {
	return fdtmap.ImageHeader, true
}

func (h *ImageHeader) lost(e *layout.Entry) error {
	err := e.Errorf("'image_header' section must have an 'fdtmap' sibling")
	return describe.Advise(err, "the header points to the FDT map: add fdtmap { }; beside it")
}

// Contents returns the header as far as it is known.
func (h *ImageHeader) Contents(ctx *layout.Context, e *layout.Entry) (content.Data, error) {
	fdt := e.Sibling("fdtmap")
	if fdt == nil {
		return content.Data{}, h.lost(e)
	}
	offset := int64(0xffffffff)
	if fdt.ImagePos.Known {
		offset = fdt.ImagePos.Value
		if h.Location == "end" {
			offset -= e.Image.Entry.Size.Or(0)
		}
	}
	return fdtmap.Header(offset), nil
}

// Update returns the header with the position of the map.
func (h *ImageHeader) Update(ctx *layout.Context, e *layout.Entry) (content.Data, error) {
	return h.Contents(ctx, e)
}

// Next puts the header at the start or the end of the image.
func (h *ImageHeader) Next(ctx *layout.Context, e *layout.Entry, next int64) (int64, error) {
	if !e.Offset.Known || e.Offset.Value == 0 {
		if h.Location != "start" && h.Location != "end" {
			return 0, e.PropErrorf("location", "Invalid location '%s', expected 'start' or 'end'", h.shownLocation())
		}
		order := siblingOrder(e)
		if h.Location != order && !e.Parent.Section.SortByOffset {
			err := e.PropErrorf("location", "Invalid sibling order '%s' for image-header: Must be at '%s' to match location", order, h.Location)
			return 0, describe.Advise(err, "make its node the first or the last of the section, as its location says, or give it an offset")
		}
		switch size := e.Image.Entry.Size; {
		case h.Location == "start":
			next = 0
		case size.Known:
			next = size.Value - fdtmap.ImageHeader
		}
		// Otherwise the header is last, so it goes where it goes.
	}
	return next + e.Parent.Section.Start(), nil
}

// shownLocation returns the location as the original shows it in messages.
func (h *ImageHeader) shownLocation() string {
	if h.Location == "" {
		return "None"
	}
	return h.Location
}

// siblingOrder says whether the entry is the first or last of its section.
func siblingOrder(e *layout.Entry) string {
	switch list := e.Parent.Section.Entries; e {
	case list[0]:
		return "start"
	case list[len(list)-1]:
		return "end"
	}
	return "middle"
}
