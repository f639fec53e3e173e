// SPDX-License-Identifier: GPL-2.0-or-later

package etype

import (
	"fmt"

	"binman/content"
	"binman/fdt"
	"binman/format/fip"
	"binman/layout"
)

// FIP is a Firmware Image Package of Trusted Firmware-A, which names what it
// holds by UUIDs.
type FIP struct {
	layout.Section
	Flags uint64        `dt:"fip-hdr-flags" doc:"Flags in the header of the FIP"`
	Align layout.OptInt `dt:"fip-align" doc:"Alignment of the images in the FIP: a power of two; 1 if absent"`

	images map[*fdt.Node]fipImage
	opened *fip.Package // of an opened image
	inner  content.Data // that it was read from
}

// fipImage is what a subnode says of an image for the table of contents.
type fipImage struct {
	uuid  fip.UUID
	flags uint64
}

var fipInfo = layout.TypeInfo{
	Name:    "atf-fip",
	New:     func() layout.Type { return &FIP{} },
	Summary: "ARM Trusted Firmware's Firmware Image Package (FIP)",
	Doc: `A FIP holds the images that Trusted Firmware-A (TF-A) loads. A table at its start
gives each a UUID, an offset and a size. There can be one image of each UUID, and
no hierarchy.

The subnodes are the images. One that is named like a type of fiptool, such as
soc-fw for BL31 or nt-fw for BL33, is an external blob of that type. Others are
entries of any type, and say with one of these properties what they are in the
FIP:

fip-type
    Name of the type, as fiptool has it.

fip-uuid
    The 16 bytes of the UUID, in the order in which it is written, for a type
    that has no name.

The flags of an image in the table are set with the property fip-flags, those in
the header with fip-hdr-flags; both have 64 bits.

The FIP is as large as it needs to be. A size property reserves space for the
entry, which is filled by pad-byte after the end of the FIP.

An image can be extracted and replaced, and the FIP grows or shrinks with it if the
image allows repacking.`,
	Example: `atf-fip {
    fip-hdr-flags = /bits/ 64 <0x123>;
    fip-align = <16>;

    soc-fw {
        filename = "bl31.bin";
        fip-flags = /bits/ 64 <0x456>;
    };

    u-boot {
        fip-type = "nt-fw";
    };

    blob {
        filename = "extra.bin";
        fip-uuid = [fc 65 13 92 4a 5b 11 ec 94 35 ff 2d 1c fc 79 9c];
    };
};
`,
}

// Read checks the properties of the FIP and of its images.
func (f *FIP) Read(b *layout.Build, e *layout.Entry) error {
	f.NamePrefix = "" // the names of images are not for a map
	if align := f.Align.Or(1); align < 1 || align&(align-1) != 0 {
		return e.Errorf("FIP alignment %d must be a power of two", align)
	}
	f.images = map[*fdt.Node]fipImage{}
	for _, node := range e.Node.Subnodes {
		if !holdsEntry(node) {
			continue
		}
		img, err := readFIPImage(e, node)
		if err != nil && !b.Reading() {
			return err
		}
		f.images[node] = img
	}
	return nil
}

// holdsEntry says whether a subnode of a CBFS or a FIP is an entry. Nodes with
// names that are special elsewhere, such as hash, are entries here if they
// have a type.
func holdsEntry(node *fdt.Node) bool { return !layout.IsSpecialNode(node) || node.Has("type") }

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
		return img, e.Errorf("Must provide a fip-type (node name '%s' is not a known FIP type)", node.Name)
	}
	typ, ok := fip.ByName(name)
	if !ok {
		return img, e.Errorf("Unknown FIP entry type '%s' in '%s'", name, node.Name)
	}
	img.uuid = typ.UUID
	return img, nil
}

// ChildType says that images with the name of a FIP type are external blobs.
func (f *FIP) ChildType(node *fdt.Node) string {
	if _, ok := fip.ByName(node.Name); ok {
		return "blob-ext"
	}
	return ""
}

// ChildProperties names what describes images in the table of contents.
func (f *FIP) ChildProperties() []string { return []string{"fip-type", "fip-uuid", "fip-flags"} }

// Ignores says that images have no names to put a prefix to.
func (f *FIP) Ignores(e *layout.Entry) map[string]string {
	return map[string]string{"name-prefix": "it is for entries of a section"}
}

// Alias returns the type or UUID of an image, to find it by.
func (f *FIP) Alias(child *layout.Entry) string {
	return fip.Entry{UUID: f.images[child.Node].uuid}.Name()
}

// ReadEntries reads the images.
func (f *FIP) ReadEntries(b *layout.Build, e *layout.Entry) error {
	f.Entries = nil
	for _, node := range e.Node.Subnodes {
		if _, ok := f.images[node]; !ok {
			continue
		}
		child, err := b.NewEntry(e, node, f.ChildType(node), false)
		if err != nil {
			return err
		}
		f.Entries = append(f.Entries, child)
	}
	return nil
}

// PackEntries packs the images for themselves; their offsets come from Build.
func (f *FIP) PackEntries(b *layout.Build, e *layout.Entry) error {
	if b.Reading() {
		return packInner(b, e)
	}
	return b.PackEntries(e)
}

// packInner packs again the sections that a CBFS or a FIP of an opened image
// holds, where something in them has changed.
func packInner(b *layout.Build, e *layout.Entry) error {
	for _, child := range e.Entries() {
		if child.Section == nil || !child.Replaced() {
			continue
		}
		if !b.MayResize() {
			// What it is in the container may be compressed.
			child.Size = layout.Some(max(child.LoadedContents().Len(), child.Data.Len()))
		}
		if !child.Compressed() {
			child.UncompSize = layout.OptInt{} // of a file in a CBFS, not for packing
		}
		if _, err := b.Pack(child, 0); err != nil {
			return err
		}
	}
	return nil
}

// Contents returns the FIP with the images as far as they are known.
func (f *FIP) Contents(b *layout.Build, e *layout.Entry) (content.Data, error) {
	return f.Build(b, e)
}

// Build returns the FIP, compressed if the entry asks for it, and sets the
// offsets and sizes of the images.
func (f *FIP) Build(b *layout.Build, e *layout.Entry) (content.Data, error) {
	if b.Reading() {
		return f.rebuild(b, e)
	}
	p := &fip.Package{Flags: f.Flags, Align: f.Align.Or(1)}
	var children []*layout.Entry
	var datas []content.Data
	for _, child := range f.Entries {
		if child.Absent && child.Optional {
			continue
		}
		img, data := f.images[child.Node], wholeContents(child)
		p.Entries = append(p.Entries, fip.Entry{UUID: img.uuid, Flags: img.flags, Size: data.Len()})
		children, datas = append(children, child), append(datas, data)
	}
	data, err := joinFIP(p, datas)
	if err != nil {
		return content.Data{}, e.Errorf("%w", err)
	}
	f.place(b, p, children)
	return b.CompressData(e, data)
}

// wholeContents returns what a CBFS or a FIP holds of an entry: its contents
// without padding.
func wholeContents(child *layout.Entry) content.Data {
	if child.Hole {
		return content.Fill(0, child.Size.Or(0))
	}
	return child.Data
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

// place sets the offsets and sizes of the images, asking for another pass if
// one has changed.
func (f *FIP) place(b *layout.Build, p *fip.Package, children []*layout.Entry) {
	for i, child := range children {
		if child == nil {
			continue
		}
		offset, size := layout.Some(p.Entries[i].Offset), layout.Some(p.Entries[i].Size)
		if child.Offset != offset || child.Size != size {
			child.Offset, child.Size = offset, size
			b.PackAgain()
		}
	}
}

// SetImagePos positions the FIP and its images.
func (f *FIP) SetImagePos(b *layout.Build, e *layout.Entry, base int64) error {
	if e.ReplacedWhole() {
		f.relocate(e)
	}
	return b.SetImagePosDefault(e, base)
}

// relocate finds the images in a FIP that was put into an opened image. Those
// that it lacks have no size.
func (f *FIP) relocate(e *layout.Entry) {
	data, err := e.Decompress(e.Data)
	if err != nil {
		return
	}
	p, err := fip.Parse(data, data.Len())
	if err != nil {
		return // it holds something else now
	}
	for _, child := range f.Entries {
		child.Offset, child.Size = layout.Some(0), layout.Some(0)
		if img, err := p.ByUUID(f.images[child.Node].uuid); err == nil {
			child.Offset, child.Size = layout.Some(img.Offset), layout.Some(img.Size)
		}
	}
}

// ReadChild returns an image that the FIP holds.
func (f *FIP) ReadChild(b *layout.Build, e, child *layout.Entry, inner content.Data, plain bool) (content.Data, error) {
	if err := f.open(inner); err != nil {
		return content.Data{}, e.Errorf("%w", err)
	}
	img, err := f.opened.ByUUID(f.images[child.Node].uuid)
	if err != nil {
		return content.Data{}, child.Errorf("Cannot find FIP entry '%s'", f.Alias(child))
	}
	return f.inner.Slice(img.Offset, img.Size), nil
}

// open reads the table of contents of a FIP of an opened image, once.
func (f *FIP) open(inner content.Data) error {
	if f.opened != nil {
		return nil
	}
	p, err := fip.Parse(inner, inner.Len())
	if err != nil {
		return err
	}
	f.opened, f.inner = p, inner
	return nil
}

// LoadChildren makes the images of an opened image known. A FIP that cannot
// be read stays as it is.
func (f *FIP) LoadChildren(b *layout.Build, e *layout.Entry, inner content.Data) error {
	loadChildren(f, b, e, inner)
	return nil
}

// rebuild makes the FIP of an opened image again, if something in it has
// changed. Images that the FDT map does not know stay in it.
func (f *FIP) rebuild(b *layout.Build, e *layout.Entry) (content.Data, error) {
	changed := false
	for _, child := range f.Entries {
		changed = changed || child.Replaced()
	}
	if f.opened == nil {
		if changed {
			return content.Data{}, e.Errorf("cannot be changed: it is not a FIP any more")
		}
		return e.LoadedContents(), nil
	}
	p := &fip.Package{Serial: f.opened.Serial, Flags: f.opened.Flags, Align: f.Align.Or(1)}
	p.Entries = append(p.Entries, f.opened.Entries...)
	children, datas := make([]*layout.Entry, len(p.Entries)), make([]content.Data, len(p.Entries))
	for i := range p.Entries {
		datas[i] = f.inner.Slice(p.Entries[i].Offset, p.Entries[i].Size)
	}
	for _, child := range f.Entries {
		i := f.find(child)
		if i >= 0 && children[i] == nil {
			children[i], datas[i] = child, child.Data
			p.Entries[i].Size = child.Data.Len()
		} else if child.Replaced() {
			return content.Data{}, child.Errorf("Cannot find FIP entry '%s'", f.Alias(child))
		}
	}
	if !changed {
		f.place(b, f.opened, children)
		return e.LoadedContents(), nil
	}
	data, err := joinFIP(p, datas)
	if err != nil {
		return content.Data{}, e.Errorf("%w", err)
	}
	f.place(b, p, children)
	return b.CompressData(e, data)
}

// find returns where in the table of an opened image an image is, or -1.
func (f *FIP) find(child *layout.Entry) int {
	for i, img := range f.opened.Entries {
		if img.UUID == f.images[child.Node].uuid {
			return i
		}
	}
	return -1
}
