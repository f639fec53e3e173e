// SPDX-License-Identifier: GPL-2.0-or-later

package etype

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"

	"binman/codec"
	"binman/content"
	"binman/elf"
	"binman/fdt"
	"binman/format/cbfs"
	"binman/layout"
)

// CBFS is a coreboot file system, which names the files that it holds and can
// compress them.
type CBFS struct {
	Arch string `dt:"cbfs-arch" doc:"Architecture: x86 (if absent), arm, arm64, mips, ppc64, riscv or unknown"`

	section layout.Section
	arch    cbfs.Arch
	files   map[*fdt.Node]*cbfsFile
	opened  *cbfs.Image  // of an opened image
	inner   content.Data // that it was read from
	kept    bool         // the opened image can be made again, byte for byte
}

// cbfsFile is what a subnode says of a file, and the file made of it.
type cbfsFile struct {
	name        string
	typ         cbfs.Type
	compression cbfs.Compression
	offset      layout.OptInt // of the data in the CBFS
	badType     string        // the type, if there is none such

	made   *cbfs.File        // last made
	from   [sha256.Size]byte // hash of the contents that made was made of
	rounds int               // how often the contents have changed
}

var cbfsInfo = layout.TypeInfo{
	Name:    "cbfs",
	New:     func() layout.Type { return &CBFS{} },
	Summary: "Coreboot Filesystem (CBFS)",
	Doc: `A CBFS groups files, each behind a header with its name and type. It serves
programs that run from flash, since a file can have a fixed place, and holds
programs and data that are loaded, since files can be compressed. The size of a
CBFS is fixed and must be given with the size property.

The subnodes are the files: entries of any type, with these properties:

cbfs-name
    Name of the file; that of the node if absent.

cbfs-type
    What the file is: 'raw' for any data, 'stage' for a program, which must be an
    ELF file. It goes into the CBFS as it stands in memory, with the addresses
    that it is to be loaded at and entered at.

cbfs-compress
    Compression of a raw file: 'none' (if absent), 'lz4' or 'lzma'. The offset and
    the size of the entry are then those of the compressed data, and uncomp-size is
    that of the file.

cbfs-offset
    Offset of the file's data from the start of the CBFS. The header goes before
    it, and files follow where there is room. If absent, the file goes behind the
    one before.

Properties such as align, size or pad-after have no effect on a file.

A file can be extracted and replaced under the name of its node or its own. Files
without cbfs-offset move as its size changes; the CBFS keeps its size.

A map shows a CBFS as one entry, and so does an fmap.`,
	Example: `cbfs {
    size = <0x100000>;
    cbfs-arch = "x86";

    u-boot {
        cbfs-name = "fallback/payload";
        cbfs-type = "raw";
        cbfs-compress = "lzma";
    };

    u-boot-dtb {
        cbfs-type = "raw";
        cbfs-offset = <0x80000>;
    };

    u-boot-elf {
        cbfs-name = "u-boot";
        cbfs-type = "stage";
    };
};
`,
}

// Sect returns what holds the files. Unlike a section, a CBFS has none of its
// properties.
func (c *CBFS) Sect() *layout.Section { return &c.section }

// Opaque says that maps show the CBFS as one area.
func (c *CBFS) Opaque() {}

// Read checks the properties of the CBFS and of its files.
func (c *CBFS) Read(b *layout.Build, e *layout.Entry) error {
	e.Compress = "" // only its files can be compressed
	if c.Arch == "" {
		c.Arch = cbfs.X86.String()
	}
	arch, ok := cbfs.ParseArch(c.Arch)
	if !ok && !b.Reading() {
		return e.Errorf("Invalid architecture '%s'", c.Arch)
	}
	c.arch = arch
	if !e.WantSize.Known && !b.Reading() {
		return e.Errorf("'cbfs' entry must have a size property")
	}
	c.files = map[*fdt.Node]*cbfsFile{}
	for _, node := range e.Node.Subnodes {
		if !holdsEntry(node) {
			continue
		}
		f, err := readCBFSFile(e, node)
		if err != nil && !b.Reading() {
			return err
		}
		c.files[node] = f
	}
	return nil
}

// readCBFSFile reads what a subnode says of its file. The file has a name even
// if there is an error.
func readCBFSFile(e *layout.Entry, node *fdt.Node) (*cbfsFile, error) {
	f := &cbfsFile{name: node.Name, typ: cbfs.Raw}
	str := func(prop, absent string) (string, error) {
		v, ok, err := node.Str(prop)
		if !ok {
			v = absent
		}
		return v, err
	}
	name, err := str("cbfs-name", node.Name)
	if err != nil {
		return f, err
	}
	f.name = name
	typ, err := str("cbfs-type", "None")
	if err != nil {
		return f, err
	}
	switch typ {
	case "raw":
	case "stage":
		f.typ = cbfs.Stage
	default:
		f.badType = typ
	}
	compress, err := str("cbfs-compress", cbfs.Uncompressed.String())
	if err != nil {
		return f, err
	}
	compression, ok := cbfs.ParseCompression(compress)
	if !ok {
		return f, e.Errorf("Invalid compression in '%s': '%s'", node.Name, compress)
	}
	if f.typ == cbfs.Raw {
		f.compression = compression
	}
	off, ok, err := node.U32("cbfs-offset")
	if ok {
		f.offset = layout.Some(int64(off))
	}
	return f, err
}

// checkType reports a file of an unknown type. It is an error when its contents
// are known, as in the original.
func (f *cbfsFile) checkType(node *fdt.Node) error {
	if f.badType == "" {
		return nil
	}
	return &layout.NodeError{Kind: "Node", Path: node.Path(), Pos: node.Pos,
		Msg: fmt.Sprintf("Unknown cbfs-type '%s' (use 'raw', 'stage')", f.badType)}
}

// CheckChild checks the type of a file.
func (c *CBFS) CheckChild(node *fdt.Node) error {
	f := c.files[node]
	if f == nil {
		return nil // what is wrong has been said already
	}
	return f.checkType(node)
}

// ChildProperties names what describes files in the CBFS.
func (c *CBFS) ChildProperties() []string {
	return []string{"cbfs-name", "cbfs-type", "cbfs-compress", "cbfs-offset"}
}

// Alias returns the name of a file, to find it by.
func (c *CBFS) Alias(child *layout.Entry) string { return c.files[child.Node].name }

// ReadEntries reads the files.
func (c *CBFS) ReadEntries(b *layout.Build, e *layout.Entry) error {
	c.section.Entries = nil
	for _, node := range e.Node.Subnodes {
		f := c.files[node]
		if f == nil {
			continue
		}
		child, err := b.NewEntry(e, node, "", false)
		if err != nil {
			return err
		}
		if b.Reading() {
			if f.compression != cbfs.Uncompressed {
				// Written there for readers of the device tree. It is the
				// CBFS that compresses.
				child.Compress = ""
			}
			if f.typ == cbfs.Stage {
				// What the image has is not the ELF file any more.
				child.ELF = layout.ELFSource{}
			}
		}
		c.section.Entries = append(c.section.Entries, child)
	}
	return nil
}

// AddProperties adds to compressed files what their readers need.
func (c *CBFS) AddProperties(b *layout.Build, e *layout.Entry) error {
	for _, child := range c.section.Entries {
		f := c.files[child.Node]
		if f.compression == cbfs.Uncompressed {
			continue
		}
		b.AddZero(child, "uncomp-size")
		b.SetString(child.Node, "compress", f.compression.String())
	}
	return nil
}

// PackEntries packs what files are made of; their offsets come from Build.
func (c *CBFS) PackEntries(b *layout.Build, e *layout.Entry) error {
	if b.Reading() {
		return packInner(b, e)
	}
	for _, child := range c.section.Entries {
		if child.Section == nil {
			continue
		}
		child.UncompSize = layout.OptInt{} // of the file, not for packing
		if _, err := b.Pack(child, 0); err != nil {
			return err
		}
	}
	return nil
}

// CheckEntries has nothing to check: the CBFS has placed its files itself.
func (c *CBFS) CheckEntries(b *layout.Build, e *layout.Entry) error { return nil }

// SetImagePos positions the CBFS and its files. What a section in a compressed
// file holds has no position.
func (c *CBFS) SetImagePos(b *layout.Build, e *layout.Entry, base int64) error {
	pos := base + e.Offset.Value
	e.ImagePos = layout.Some(pos)
	if e.ReplacedWhole() {
		c.relocate(e)
	}
	for _, child := range c.section.Entries {
		if c.files[child.Node].compression != cbfs.Uncompressed {
			child.ImagePos = layout.Some(pos + child.Offset.Or(0))
			continue
		}
		if err := b.SetImagePos(child, pos); err != nil {
			return err
		}
	}
	return nil
}

// relocate finds the files in a CBFS that was put into an opened image. Those
// that it lacks have no size.
func (c *CBFS) relocate(e *layout.Entry) {
	im, err := cbfs.Parse(e.Data, e.Data.Len())
	if err != nil {
		return // it holds something else now
	}
	for _, child := range c.section.Entries {
		child.Offset, child.Size = layout.Some(0), layout.Some(0)
		if file := im.File(c.Alias(child)); file != nil {
			child.Offset, child.Size = layout.Some(file.Offset), layout.Some(file.Size)
			if file.Compression != cbfs.Uncompressed {
				child.UncompSize = layout.Some(file.UncompressedSize)
			}
		}
	}
}

// Contents returns the CBFS with the files as far as they are known.
func (c *CBFS) Contents(b *layout.Build, e *layout.Entry) (content.Data, error) {
	return c.Build(b, e)
}

// Build returns the CBFS and sets the offsets and sizes of the files.
func (c *CBFS) Build(b *layout.Build, e *layout.Entry) (content.Data, error) {
	if b.Reading() {
		return c.rebuild(b, e)
	}
	im := &cbfs.Image{Size: e.Size.Or(0), Arch: c.arch}
	var children []*layout.Entry
	for _, child := range c.section.Entries {
		if child.Absent && child.Optional {
			continue
		}
		f := c.files[child.Node]
		if err := f.checkType(child.Node); err != nil {
			return content.Data{}, err
		}
		file, err := f.make(child, cbfs.File{Name: f.name, Type: f.typ, Compression: f.compression, Offset: f.offset.Or(0), Fixed: f.offset.Known})
		if err != nil {
			return content.Data{}, err
		}
		im.Files, children = append(im.Files, file), append(children, child)
	}
	return c.marshal(b, e, im, children)
}

func (c *CBFS) marshal(b *layout.Build, e *layout.Entry, im *cbfs.Image, children []*layout.Entry) (content.Data, error) {
	data, err := im.Marshal()
	if err != nil {
		return content.Data{}, e.Errorf("%w", err)
	}
	c.place(b, im, children)
	return content.Bytes(data), nil
}

// place sets the offsets and sizes of the files, asking for another pass if
// one has changed.
func (c *CBFS) place(b *layout.Build, im *cbfs.Image, children []*layout.Entry) {
	for i, child := range children {
		if child == nil {
			continue
		}
		file := im.Files[i]
		if file.Compression != cbfs.Uncompressed {
			child.UncompSize = layout.Some(file.UncompressedSize)
		}
		offset, size := layout.Some(file.Offset), layout.Some(file.Size)
		if child.Offset != offset || child.Size != size {
			child.Offset, child.Size = offset, size
			b.PackAgain()
		}
	}
}

// make returns the file for the contents of an entry; base is what else is
// known of it. Contents that have not changed make the same file.
func (f *cbfsFile) make(child *layout.Entry, base cbfs.File) (cbfs.File, error) {
	src, err := wholeContents(child).Bytes()
	if err != nil {
		return cbfs.File{}, child.Errorf("%w", err)
	}
	sum := sha256.Sum256(src)
	if f.made != nil && f.from == sum {
		made := *f.made
		made.Offset, made.Fixed = base.Offset, base.Fixed
		return made, nil
	}
	switch {
	case base.Type == cbfs.Stage:
		err = loadStage(&base, child, src)
	case base.Compression != cbfs.Uncompressed:
		err = f.compress(&base, src)
	default:
		base.Data = src
	}
	if err != nil {
		return cbfs.File{}, child.Errorf("%w", err)
	}
	made := base
	f.made, f.from = &made, sum
	f.rounds++
	return base, nil
}

// compress sets the data of a compressed file. A device tree holds the size
// that it has when it is compressed, so that the two could go on changing each
// other: from the third time on the data does not shrink.
func (f *cbfsFile) compress(file *cbfs.File, src []byte) error {
	c, err := codec.Lookup(file.Compression.String())
	if err != nil {
		return err
	}
	data, err := c.Compress(src)
	if err != nil {
		return fmt.Errorf("cannot compress with %s: %w", c.Name, err)
	}
	if f.rounds >= 2 && len(data) < len(f.made.Data) {
		data = append(data, make([]byte, len(f.made.Data)-len(data))...)
	}
	file.Data, file.UncompressedSize = data, int64(len(src))
	return nil
}

// loadStage sets the data of a program as it stands in memory. In an opened
// image the contents may be just that already; the addresses then stay.
func loadStage(file *cbfs.File, child *layout.Entry, src []byte) error {
	d := content.Bytes(src)
	known := file.MemSize > 0 || len(file.Data) > 0
	if missing := child.Missing || child.Faked; (missing || known) && !elf.IsValid(d) {
		file.MemSize += int64(len(src) - len(file.Data))
		file.Data = src
		return nil
	}
	prog, err := elf.Parse(d)
	if err != nil {
		return fmt.Errorf("a stage must be an ELF file: %w", err)
	}
	flat, err := prog.Flatten(0)
	if err != nil {
		return err
	}
	if file.Data, err = flat.Data.Bytes(); err != nil {
		return err
	}
	file.Load, file.Entry, file.MemSize = flat.Load, flat.Entry, flat.MemSize
	return nil
}

// maxCBFSFile bounds what a file of a CBFS may decompress to, in bytes.
const maxCBFSFile = 1 << 30

// decompress returns the contents of a file that an image holds.
func decompressCBFS(file *cbfs.File, stored content.Data) (content.Data, error) {
	if file.Compression == cbfs.Uncompressed {
		return stored, nil
	}
	c, err := codec.Lookup(file.Compression.String())
	if err != nil {
		return content.Data{}, fmt.Errorf("CBFS file '%s' is compressed in the unknown way %s", file.Name, file.Compression)
	}
	src, err := stored.Bytes()
	if err != nil {
		return content.Data{}, err
	}
	limit := min(file.UncompressedSize, maxCBFSFile)
	out, err := c.Decompress(src, limit)
	switch {
	case errors.Is(err, codec.ErrTooLarge):
		return content.Data{}, fmt.Errorf("CBFS file '%s' decompresses to more than the %#x bytes that its header allows: %w", file.Name, limit, err)
	case err != nil:
		return content.Data{}, fmt.Errorf("cannot decompress CBFS file '%s': %w", file.Name, err)
	}
	return content.Bytes(out), nil
}

// ReadChild returns a file that the CBFS holds.
func (c *CBFS) ReadChild(b *layout.Build, e, child *layout.Entry, inner content.Data, plain bool) (content.Data, error) {
	file, err := c.file(e, child, inner)
	if err != nil {
		return content.Data{}, err
	}
	stored := c.inner.Slice(file.Offset, file.Size)
	if !plain {
		return stored, nil
	}
	data, err := decompressCBFS(file, stored)
	if err != nil {
		return content.Data{}, child.Errorf("%w", err)
	}
	return data, nil
}

// file returns the file of an entry in an opened image.
func (c *CBFS) file(e, child *layout.Entry, inner content.Data) (*cbfs.File, error) {
	if c.opened == nil {
		im, err := cbfs.Parse(inner, inner.Len())
		if err != nil {
			return nil, e.Errorf("%w", err)
		}
		c.opened, c.inner = im, inner
	}
	name := c.files[child.Node].name
	file := c.opened.File(name)
	if file == nil {
		return nil, child.Errorf("CBFS has no file '%s'", name)
	}
	return file, nil
}

// LoadChildren makes the files of an opened image known. What cannot be read
// stays as it is.
func (c *CBFS) LoadChildren(b *layout.Build, e *layout.Entry, inner content.Data) error {
	for _, child := range c.section.Entries {
		data, err := c.ReadChild(b, e, child, inner, true)
		if err != nil {
			b.Log.Printf(layout.Info, "%v: leaving it as it is", err)
			continue
		}
		child.SetContents(data)
		if err := c.keep(e, child, inner, data); err != nil {
			return err
		}
	}
	return nil
}

// keep notes that data, the contents of an entry, are in the CBFS as its file
// has them, however they were compressed.
func (c *CBFS) keep(e, child *layout.Entry, inner, data content.Data) error {
	file, err := c.file(e, child, inner)
	if err != nil {
		return err
	}
	plain, err := data.Bytes()
	if err != nil {
		return child.Errorf("%w", err)
	}
	made := *file
	if made.Data, err = c.inner.Slice(file.Offset, file.Size).Bytes(); err != nil {
		return child.Errorf("%w", err)
	}
	f := c.files[child.Node]
	f.made, f.from = &made, sha256.Sum256(plain)
	return nil
}

// UnpackChild takes contents that are compressed already for a file.
func (c *CBFS) UnpackChild(b *layout.Build, e, child *layout.Entry, packed content.Data) (content.Data, error) {
	if c.opened == nil {
		return packed, nil
	}
	old, err := c.file(e, child, c.inner)
	if err != nil {
		return content.Data{}, err
	}
	if old.Compression == cbfs.Uncompressed {
		return packed, nil
	}
	made := *old
	made.UncompressedSize = maxCBFSFile
	data, err := decompressCBFS(&made, packed)
	if err != nil {
		return content.Data{}, child.Errorf("%w", err)
	}
	plain, err := data.Bytes()
	if err != nil {
		return content.Data{}, child.Errorf("%w", err)
	}
	if made.Data, err = packed.Bytes(); err != nil {
		return content.Data{}, child.Errorf("%w", err)
	}
	made.UncompressedSize = data.Len()
	f := c.files[child.Node]
	f.made, f.from = &made, sha256.Sum256(plain)
	return data, nil
}

// rebuild makes the CBFS of an opened image again, if something in it has
// changed. Files that the FDT map does not know stay in it, and gaps between
// files stay as well.
func (c *CBFS) rebuild(b *layout.Build, e *layout.Entry) (content.Data, error) {
	changed := false
	for _, child := range c.section.Entries {
		changed = changed || child.Replaced()
	}
	if c.opened == nil {
		if changed {
			return content.Data{}, e.Errorf("cannot be changed: it is not a CBFS any more")
		}
		return e.LoadedContents(), nil
	}
	im := &cbfs.Image{Size: c.inner.Len(), Arch: c.opened.Arch, Files: append([]cbfs.File(nil), c.opened.Files...)}
	for i := range im.Files {
		f := &im.Files[i]
		var err error
		if f.Data, err = c.inner.Slice(f.Offset, f.Size).Bytes(); err != nil {
			return content.Data{}, e.Errorf("%w", err)
		}
	}
	children := make([]*layout.Entry, len(im.Files))
	for _, child := range c.section.Entries {
		i := c.find(child)
		if i < 0 || children[i] != nil {
			if child.Replaced() {
				return content.Data{}, child.Errorf("CBFS has no file '%s'", c.Alias(child))
			}
			continue
		}
		children[i] = child
	}
	if !changed {
		c.place(b, c.opened, children)
		return e.LoadedContents(), nil
	}
	if err := c.checkKept(e, *im); err != nil {
		return content.Data{}, err
	}
	for i, child := range children {
		if child == nil || !child.Replaced() {
			continue
		}
		f := c.files[child.Node]
		base := im.Files[i]
		base.Fixed = base.Fixed || f.offset.Known
		file, err := f.make(child, base)
		if err != nil {
			return content.Data{}, err
		}
		im.Files[i] = file
	}
	return c.marshal(b, e, im, children)
}

// find returns which file of an opened image is that of an entry, or -1.
func (c *CBFS) find(child *layout.Entry) int {
	for i, f := range c.opened.Files {
		if !f.Type.Free() && f.Name == c.files[child.Node].name {
			return i
		}
	}
	return -1
}

// checkKept refuses to change a CBFS that another program made in a way that
// would not come out the same here.
func (c *CBFS) checkKept(e *layout.Entry, im cbfs.Image) error {
	if c.kept {
		return nil
	}
	want, err := c.inner.Bytes()
	if err != nil {
		return e.Errorf("%w", err)
	}
	im.Files = append([]cbfs.File(nil), im.Files...)
	got, err := im.Marshal()
	if err != nil {
		return e.Errorf("cannot be changed, since another program has: %w", err)
	}
	if !bytes.Equal(got, want) {
		return e.Errorf("cannot be changed, since another program has made it in a way that is not understood")
	}
	c.kept = true
	return nil
}
