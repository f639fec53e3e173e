// SPDX-License-Identifier: GPL-2.0-or-later

package etype

import (
	"binman/content"
	"binman/fdt"
	"binman/layout"
)

// FDTMap is a device tree that describes the image it is in.
type FDTMap struct{}

var fdtmapInfo = layout.TypeInfo{
	Name:    "fdtmap",
	New:     func() layout.Type { return &FDTMap{} },
	Summary: "An entry which contains an FDT map",
	Doc: `An FDT map lets this program and others find the entries of an image. It is
the string _FDTMAP_, 8 zero bytes and a device tree whose root is the node of
the image, with the position and size of every entry and a property image-node
with the name that the node has in the description. The -u option must be
given for the positions to be known.

When extracting it, the alternative format 'fdt' is the device tree alone.`,
	Example: `u-boot {
};

fdtmap {
};
`,
}

// Contents returns the map as far as it is known.
func (m *FDTMap) Contents(b *layout.Build, e *layout.Entry) (content.Data, error) {
	image := e.Parent.Path()
	node := b.ScannedTree().Node(image)
	if node == nil {
		return content.Data{}, e.Errorf("Internal error: Cannot locate node for path '%s'", image)
	}
	name := &fdt.Prop{Name: "image-node", Value: append([]byte(node.Name), 0)}
	return content.Join(content.String(layout.FDTMapMagic), content.Fill(0, 8), content.Bytes(fdt.Sequential(node, name))), nil
}

// Update returns the map with what packing found out.
func (m *FDTMap) Update(b *layout.Build, e *layout.Entry) (content.Data, error) {
	return m.Contents(b, e)
}

// Refresh returns the map of an opened image with what packing found out.
func (m *FDTMap) Refresh(b *layout.Build, e *layout.Entry) (content.Data, error) {
	return content.Join(content.String(layout.FDTMapMagic), content.Fill(0, 8), content.Bytes(b.MainTree().Marshal())), nil
}

// AltFormats offers the device tree alone.
func (m *FDTMap) AltFormats() []layout.AltFormat {
	return []layout.AltFormat{{Name: "fdt", Doc: "Extract the devicetree blob from the fdtmap"}}
}

// Convert returns the device tree without the header of the map.
func (m *FDTMap) Convert(format string, data content.Data) (content.Data, error) {
	if format != "fdt" || data.Len() < layout.FDTMapHeaderLen {
		return data, nil
	}
	return data.Slice(layout.FDTMapHeaderLen, data.Len()-layout.FDTMapHeaderLen), nil
}

// TreeDependent marks what holds the device tree.
func (m *FDTMap) TreeDependent() {}
