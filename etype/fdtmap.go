// SPDX-License-Identifier: GPL-2.0-or-later

package etype

import (
	"binman/content"
	"binman/describe"
	"binman/fdt"
	"binman/format/fdtmap"
	"binman/layout"
)

// FDTMap is a device tree that describes the image it is in.
type FDTMap struct {
	SortByOffset bool `dt:"sort-by-offset" doc:"The nodes come in the order of offsets, not as described"`
}

var (
	_ layout.Checker      = (*FDTMap)(nil)
	_ layout.Sizer        = (*FDTMap)(nil)
	_ layout.Leaf         = (*FDTMap)(nil)
	_ layout.Updater      = (*FDTMap)(nil)
	_ layout.AltFormatter = (*FDTMap)(nil)
)

var fdtmapInfo = layout.TypeInfo{
	Name:      "fdtmap",
	New:       func() layout.Type { return &FDTMap{} },
	HoldsTree: true,
	Generated: true,
	Remade:    true,
}

// Check tells that the map will be of no use if positions are not written into
// it.
func (m *FDTMap) Check(ctx *layout.Context, e *layout.Entry, report func(layout.Level, error)) {
	if !ctx.UpdateFDT {
		report(layout.Notice, describe.Advise(e.Errorf("the FDT map does not tell where entries are unless the image is built with -u (--update-fdt)"), "without, 'ls', 'extract' and 'replace' do not work on the image"))
	}
}

// LeastSize returns the size of the header and of the map without what packing
// adds to it.
func (m *FDTMap) LeastSize(ctx *layout.Context, e *layout.Entry) (int64, bool) {
	return fdtmap.HeaderLen + int64(len(fdt.Sequential(e.Parent.Node))), false
}

// Contents returns the map as far as it is known.
func (m *FDTMap) Contents(ctx *layout.Context, e *layout.Entry) (content.Data, error) {
	tree, err := ctx.MapTree(e.Parent, m.SortByOffset)
	if err != nil {
		return content.Data{}, err
	}
	return fdtmap.Marshal(tree), nil
}

// Update returns the map with what packing found out.
func (m *FDTMap) Update(ctx *layout.Context, e *layout.Entry) (content.Data, error) {
	return m.Contents(ctx, e)
}

// AltFormats offers the device tree alone.
func (m *FDTMap) AltFormats() []layout.AltFormat {
	return []layout.AltFormat{{Name: "fdt", Doc: "Extract the devicetree blob from the fdtmap"}}
}

// Convert returns the device tree without the header of the map.
func (m *FDTMap) Convert(format string, data content.Data) (content.Data, error) {
	if format != "fdt" || data.Len() < fdtmap.HeaderLen {
		return data, nil
	}
	return data.Slice(fdtmap.HeaderLen, data.Len()-fdtmap.HeaderLen), nil
}
