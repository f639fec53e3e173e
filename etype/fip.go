// SPDX-License-Identifier: GPL-2.0-or-later

package etype

import (
	"fmt"
	"slices"

	"binman/content"
	"binman/describe"
	"binman/fdt"
	"binman/format/fip"
	"binman/internal/suggest"
	"binman/layout"
)

// FIP is a Firmware Image Package of Trusted Firmware-A, which names what it
// holds by UUIDs.
type FIP struct {
	layout.Section
	Flags uint64        `dt:"fip-hdr-flags" doc:"Flags in the header of the FIP"`
	Align layout.OptInt `dt:"fip-align" doc:"Alignment of the images in the FIP: a power of two; 1 if absent"`

	images map[*fdt.Node]fipImage
}

var (
	_ layout.Reader    = (*FIP)(nil)
	_ layout.Holder    = (*FIP)(nil)
	_ layout.Checker   = (*FIP)(nil)
	_ layout.Sizer     = (*FIP)(nil)
	_ layout.Container = (*FIP)(nil)
)

// fipImage is what a subnode says of an image for the table of contents.
type fipImage struct {
	uuid  fip.UUID
	flags uint64
}

var fipInfo = layout.TypeInfo{
	Name:       "atf-fip",
	New:        func() layout.Type { return &FIP{} },
	Placing:    layout.InFormat,
	FindsParts: true,
	Compress:   true,
	ChildProps: []string{"fip-type", "fip-uuid", "fip-flags"},
	Ignored:    map[string]string{"name-prefix": "it is for entries of a section"},
}

// Read checks the properties of the FIP.
func (f *FIP) Read(ctx *layout.Context, e *layout.Entry) error {
	f.NamePrefix = "" // the names of images are not for a map
	if align := f.Align.Value; align < 0 || align&(align-1) != 0 {
		return e.PropErrorf("fip-align", "FIP alignment %d must be a power of two", align)
	}
	return nil
}

// Children reads what the nodes say of the images. One with the name of a FIP
// type is an external blob.
func (f *FIP) Children(ctx *layout.Context, e *layout.Entry) ([]layout.Child, error) {
	f.images = map[*fdt.Node]fipImage{}
	var list []layout.Child
	for _, node := range e.Node.Subnodes {
		if !holdsEntry(node) {
			continue
		}
		img, err := readFIPImage(e, node)
		if ctx.Opened {
			err = nil
		}
		if err == nil {
			f.images[node] = img
		}
		c := layout.Child{Node: node, Err: err, Plain: true, Alias: fip.Entry{UUID: img.uuid}.Name()}
		if _, ok := fip.ByName(node.Name); ok {
			c.Type = "blob-ext"
		}
		list = append(list, c)
	}
	return list, nil
}

func readFIPImage(e *layout.Entry, node *fdt.Node) (fipImage, error) {
	var img fipImage
	if node.Has("fip-flags") {
		p := node.Prop("fip-flags")
		if len(p.Value) != 8 {
			return img, &layout.NodeError{Path: node.Path(), Pos: p.Pos,
				Msg: fmt.Sprintf("Node '%s' property 'fip-flags' should be a list with 2 items for 64-bit values", node.Name)}
		}
		img.flags, _, _ = node.U64("fip-flags")
	}
	if typ, ok := fip.ByName(node.Name); ok {
		img.uuid = typ.UUID
		return img, nil
	}
	uuid, ok, err := node.BytesN("fip-uuid", len(img.uuid))
	if err != nil {
		return img, err
	}
	if ok {
		img.uuid = fip.UUID(uuid)
		return img, nil
	}
	name, ok, err := node.Str("fip-type")
	if err != nil {
		return img, err
	}
	if !ok || name == "" {
		err := describe.At(e.Errorf("Must provide a fip-type (node name '%s' is not a known FIP type)", node.Name), node, "")
		if near := suggest.Nearest(node.Name, fipTypes()); near != "" {
			return img, describe.Advise(err, "did you mean '%s'?", near)
		}
		return img, err
	}
	typ, ok := fip.ByName(name)
	if !ok {
		err := describe.At(e.Errorf("Unknown FIP entry type '%s' in '%s'", name, node.Name), node, "fip-type")
		if near := suggest.Nearest(name, fipTypes()); near != "" {
			return img, describe.Advise(err, "did you mean '%s'?", near)
		}
		return img, describe.Advise(err, "%s", suggest.Known(fipTypes()))
	}
	img.uuid = typ.UUID
	return img, nil
}

// fipTypes returns the names of the types of images.
func fipTypes() []string {
	var names []string
	for _, t := range fip.Types() {
		names = append(names, t.Name)
	}
	return names
}

// Check finds images that the table cannot have, whatever they hold.
func (f *FIP) Check(ctx *layout.Context, e *layout.Entry, report func(layout.Level, error)) {
	pkg := &fip.Package{Align: f.Align.Value}
	for _, child := range f.Entries {
		if img, ok := f.images[child.Node]; ok && !child.Optional {
			pkg.Entries = append(pkg.Entries, fip.Entry{UUID: img.uuid})
		}
	}
	if _, err := pkg.Layout(); err != nil {
		report(layout.Error, e.Errorf("%w", err))
	}
}

// LeastSize returns the size of the images and of the table's end.
func (f *FIP) LeastSize(ctx *layout.Context, e *layout.Entry) (int64, bool) {
	const header, end = 16, 40
	return header + end + heldSize(e), false
}

// Make returns the FIP. In place of the old one, images that the FDT map does
// not know stay in it.
func (f *FIP) Make(ctx *layout.Context, e *layout.Entry, p layout.Parts) (content.Data, []layout.Place, error) {
	pkg := &fip.Package{Flags: f.Flags, Align: f.Align.Value}
	var datas []content.Data
	if p.Opened {
		old, err := fip.Parse(p.Old, p.Old.Len())
		if err != nil {
			return content.Data{}, nil, e.Errorf("%w", err)
		}
		pkg.Serial, pkg.Flags = old.Serial, old.Flags
		pkg.Entries = append(pkg.Entries, old.Entries...)
		for _, img := range old.Entries {
			datas = append(datas, p.Old.Slice(img.Offset, img.Size))
		}
	}
	at := make([]int, len(p.List)) // where in the table a part is
	for i, part := range p.List {
		at[i] = -1
		if dropped(part) {
			continue
		}
		img, data := f.images[part.Entry.Node], wholeContents(part)
		if p.Opened {
			at[i] = slices.IndexFunc(pkg.Entries, func(e fip.Entry) bool { return e.UUID == img.uuid })
			if !part.Changed {
				continue
			}
		}
		if at[i] < 0 { // of an image that was built without it, too
			at[i] = len(pkg.Entries)
			pkg.Entries = append(pkg.Entries, fip.Entry{UUID: img.uuid, Flags: img.flags})
			datas = append(datas, data)
		}
		datas[at[i]], pkg.Entries[at[i]].Size = data, data.Len()
	}
	data, err := joinFIP(pkg, datas)
	if err != nil {
		return content.Data{}, nil, e.Errorf("%w", err)
	}
	places := make([]layout.Place, len(p.List))
	for i, n := range at {
		if n >= 0 {
			places[i] = layout.Place{Offset: pkg.Entries[n].Offset, Size: pkg.Entries[n].Size, Known: true}
		}
	}
	return data, places, nil
}

// joinFIP lays out the images, which have the sizes of the package's entries,
// and returns the whole FIP.
func joinFIP(p *fip.Package, images []content.Data) (content.Data, error) {
	if _, err := p.Layout(); err != nil {
		return content.Data{}, err
	}
	var out content.Builder
	out.Add(content.Bytes(p.Header()))
	for i, img := range p.Entries {
		out.PadTo(img.Offset, 0)
		out.Add(images[i])
	}
	return out.Data(), nil
}

// Open finds the images by their UUIDs.
func (f *FIP) Open(ctx *layout.Context, e *layout.Entry, data content.Data) ([]layout.Item, error) {
	pkg, err := fip.Parse(data, data.Len())
	if err != nil {
		return nil, err
	}
	items := make([]layout.Item, len(f.Entries))
	for i, child := range f.Entries {
		img, err := pkg.ByUUID(f.images[child.Node].uuid)
		if err != nil {
			items[i].Err = child.Errorf("Cannot find FIP entry '%s'", child.As.Alias)
			continue
		}
		items[i] = layout.Item{
			Place: layout.Place{Offset: img.Offset, Size: img.Size, Known: true},
			Data:  data.Slice(img.Offset, img.Size),
		}
	}
	return items, nil
}
