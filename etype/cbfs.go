// SPDX-License-Identifier: GPL-2.0-or-later

package etype

import (
	"bytes"
	"errors"
	"fmt"
	"slices"

	"binman/codec"
	"binman/content"
	"binman/describe"
	"binman/elf"
	"binman/fdt"
	"binman/format/cbfs"
	"binman/internal/suggest"
	"binman/layout"
)

// CBFS is a coreboot file system, which names the files that it holds and can
// compress them.
type CBFS struct {
	Arch string `dt:"cbfs-arch" doc:"Architecture: x86 (if absent), arm, arm64, mips, ppc64, riscv or unknown"`

	section layout.Section
	arch    cbfs.Arch
	files   map[*fdt.Node]cbfsFile // what the nodes say of the files
}

var (
	_ layout.Reader    = (*CBFS)(nil)
	_ layout.Holder    = (*CBFS)(nil)
	_ layout.Checker   = (*CBFS)(nil)
	_ layout.Sizer     = (*CBFS)(nil)
	_ layout.Container = (*CBFS)(nil)
	_ layout.Converter = (*CBFS)(nil)
)

// cbfsFile is what a node says of a file.
type cbfsFile struct {
	cbfs.File
	badType error // it is of no known type: a build says so when it has the contents
}

var cbfsInfo = layout.TypeInfo{
	Name:       "cbfs",
	New:        func() layout.Type { return &CBFS{} },
	Placing:    layout.Alone,
	FindsParts: true,
	Opaque:     true,
	ChildProps: []string{"cbfs-name", "cbfs-type", "cbfs-compress", "cbfs-offset"},
}

// Sect returns what holds the files. Unlike a section, a CBFS has none of its
// properties.
func (c *CBFS) Sect() *layout.Section { return &c.section }

// Read checks the properties of the CBFS.
func (c *CBFS) Read(ctx *layout.Context, e *layout.Entry) error {
	e.Compress = "" // only its files can be compressed
	if c.Arch == "" {
		c.Arch = cbfs.X86.String()
	}
	arch, ok := cbfs.ParseArch(c.Arch)
	if !ok && !ctx.Opened {
		err := e.PropErrorf("cbfs-arch", "Invalid architecture '%s'", c.Arch)
		return describe.Advise(err, "%s", suggest.Known([]string{"x86", "arm", "arm64", "mips", "ppc64", "riscv", "unknown"}))
	}
	c.arch = arch
	if !e.WantSize.Known && !ctx.Opened {
		return e.Errorf("'cbfs' entry must have a size property")
	}
	return nil
}

// Children reads what the nodes say of the files.
func (c *CBFS) Children(ctx *layout.Context, e *layout.Entry) ([]layout.Child, error) {
	c.files = map[*fdt.Node]cbfsFile{}
	var list []layout.Child
	for _, node := range e.Node.Subnodes {
		if !holdsEntry(node) {
			continue
		}
		f, err := readCBFSFile(e, node)
		if ctx.Checks && err == nil {
			err = f.badType
		}
		if ctx.Opened {
			err = nil
		}
		c.files[node] = f
		child := layout.Child{Node: node, Err: err, Plain: true, Alias: f.Name, Converted: f.Type == cbfs.Stage}
		if f.Compression != cbfs.Uncompressed {
			child.Compress = f.Compression.String()
		}
		list = append(list, child)
	}
	return list, nil
}

// readCBFSFile reads what a subnode says of its file. The file has a name even
// if there is an error.
func readCBFSFile(e *layout.Entry, node *fdt.Node) (cbfsFile, error) {
	f := cbfsFile{File: cbfs.File{Name: node.Name, Type: cbfs.Raw}}
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
	f.Name = name
	typ, err := str("cbfs-type", "None")
	if err != nil {
		return f, err
	}
	switch typ {
	case "raw":
	case "stage":
		f.Type = cbfs.Stage
	default:
		f.badType = describe.At(&layout.NodeError{Kind: "Node", Path: node.Path(),
			Msg: fmt.Sprintf("Unknown cbfs-type '%s' (use 'raw', 'stage')", typ)}, node, "cbfs-type")
	}
	compress, err := str("cbfs-compress", cbfs.Uncompressed.String())
	if err != nil {
		return f, err
	}
	compression, ok := cbfs.ParseCompression(compress)
	if !ok {
		err := describe.At(e.Errorf("Invalid compression in '%s': '%s'", node.Name, compress), node, "cbfs-compress")
		return f, describe.Advise(err, "%s", suggest.Known([]string{"none", "lz4", "lzma"}))
	}
	if f.Type == cbfs.Raw {
		f.Compression = compression
	}
	off, ok, err := node.U32("cbfs-offset")
	f.Offset, f.Fixed = int64(off), ok
	return f, err
}

// Check finds files that have no room, and those of one name.
func (c *CBFS) Check(ctx *layout.Context, e *layout.Entry, report func(layout.Level, error)) {
	if !ctx.Checks {
		return
	}
	im := &cbfs.Image{Size: e.WantSize.Value, Arch: c.arch}
	var sizes []int64
	seen := map[string]bool{}
	for _, child := range c.section.Entries {
		f := c.files[child.Node]
		if f.badType != nil || child.Optional {
			continue
		}
		if seen[f.Name] {
			report(layout.Error, e.Errorf("%w", cbfs.Twice(f.Name)))
		}
		seen[f.Name] = true
		size := child.ContentsSize
		if f.Type == cbfs.Stage || f.Compression != cbfs.Uncompressed {
			size = 0 // of a program, only segments are stored
		}
		im.Files, sizes = append(im.Files, f.File), append(sizes, size)
	}
	if err := im.Room(sizes); err != nil {
		report(layout.Error, e.PropErrorf("size", "%w", err))
	}
}

// LeastSize returns the size that is given.
func (c *CBFS) LeastSize(ctx *layout.Context, e *layout.Entry) (int64, bool) {
	return e.WantSize.Value, true
}

// Make returns the CBFS. In place of the old one, files that the FDT map does
// not know stay in it, and so do gaps between files.
func (c *CBFS) Make(ctx *layout.Context, e *layout.Entry, p layout.Parts) (content.Data, []layout.Place, error) {
	im := &cbfs.Image{Size: e.Size.Or(0), Arch: c.arch}
	if p.Opened {
		old, err := readCBFS(p.Old)
		if err != nil {
			return content.Data{}, nil, e.Errorf("%w", err)
		}
		if err := checkRepeatable(old, p.Old); err != nil {
			return content.Data{}, nil, e.Errorf("%w", err)
		}
		im = old
	}
	at := make([]int, len(p.List)) // which file a part is
	for i, part := range p.List {
		at[i] = -1
		if dropped(part) {
			continue
		}
		f, bad := c.files[part.Entry.Node].File, c.files[part.Entry.Node].badType
		if p.Opened {
			at[i] = slices.IndexFunc(im.Files, func(old cbfs.File) bool { return !old.Type.Free() && old.Name == f.Name })
			if !part.Changed {
				continue
			}
		}
		if at[i] < 0 { // of an image that was built without it, too
			if bad != nil {
				return content.Data{}, nil, bad
			}
			at[i] = len(im.Files)
			im.Files = append(im.Files, f)
		} else {
			old := im.Files[at[i]]
			old.Fixed = old.Fixed || f.Fixed
			f = old
		}
		if err := fillCBFSFile(ctx, &f, part); err != nil {
			return content.Data{}, nil, part.Entry.Errorf("%w", err)
		}
		im.Files[at[i]] = f
	}
	data, err := im.Data()
	if err != nil {
		return content.Data{}, nil, e.Errorf("%w", err)
	}
	places := make([]layout.Place, len(p.List))
	for i, n := range at {
		if n >= 0 {
			places[i] = cbfsPlace(&im.Files[n])
		}
	}
	return data, places, nil
}

func cbfsPlace(f *cbfs.File) layout.Place {
	p := layout.Place{Offset: f.Offset, Size: f.Size, Known: true}
	if f.Compression != cbfs.Uncompressed {
		p.Uncomp = layout.Some(f.UncompressedSize)
	}
	return p
}

// readCBFS reads a CBFS with the data of its files.
func readCBFS(data content.Data) (*cbfs.Image, error) {
	im, err := cbfs.Parse(data, data.Len())
	if err != nil {
		return nil, err
	}
	im.Size = data.Len()
	for i := range im.Files {
		f := &im.Files[i]
		if f.Data, err = data.Slice(f.Offset, f.Size).Bytes(); err != nil {
			return nil, err
		}
	}
	return im, nil
}

// checkRepeatable refuses to change a CBFS that another program made in a way
// that would not come out the same here.
func checkRepeatable(im *cbfs.Image, data content.Data) error {
	want, err := data.Bytes()
	if err != nil {
		return err
	}
	again := *im
	again.Files = slices.Clone(im.Files)
	got, err := again.Marshal()
	if err != nil {
		return fmt.Errorf("cannot be changed, since another program has: %w", err)
	}
	if !bytes.Equal(got, want) {
		return errors.New("cannot be changed, since another program has made it in a way that is not understood")
	}
	return nil
}

// fillCBFSFile makes the file of the contents of its entry.
func fillCBFSFile(ctx *layout.Context, f *cbfs.File, part layout.Part) error {
	data := wholeContents(part)
	switch {
	case f.Type == cbfs.Stage:
		return loadStage(f, part.Entry, data)
	case f.Compression != cbfs.Uncompressed:
		return compressCBFSFile(ctx, f, part, data)
	}
	var err error
	f.Data, err = data.Bytes()
	return err
}

func compressCBFSFile(ctx *layout.Context, f *cbfs.File, part layout.Part, data content.Data) error {
	out := part.Packed
	if out == nil {
		c, err := codec.Lookup(f.Compression.String())
		if err != nil {
			return err
		}
		packed, err := layout.Compress(ctx.Memo, c, data)
		if err != nil {
			return fmt.Errorf("cannot compress with %s: %w", c.Name, err)
		}
		out = &packed
	}
	small := *out
	if n := small.Len(); n < part.MinSize {
		small = content.Join(small, content.Fill(0, part.MinSize-n))
	}
	var err error
	f.Data, err = small.Bytes()
	f.UncompressedSize = data.Len()
	return err
}

// Loaded returns a program as it stands in memory. In an opened image the
// contents may be just that already.
func (c *CBFS) Loaded(child *layout.Entry, data content.Data) (content.Data, error) {
	if !elf.IsValid(data) {
		return data, nil
	}
	flat, err := flatten(data)
	return flat.Data, err
}

func flatten(data content.Data) (elf.Flat, error) {
	prog, err := elf.Parse(data)
	if err != nil {
		return elf.Flat{}, fmt.Errorf("a stage must be an ELF file: %w", err)
	}
	return prog.Flatten(0)
}

// loadStage sets the data of a program as it stands in memory. If the contents
// are just that already, the addresses stay.
func loadStage(f *cbfs.File, e *layout.Entry, data content.Data) error {
	known := f.MemSize > 0 || len(f.Data) > 0
	if missing := e.Missing || e.Faked; (missing || known) && !elf.IsValid(data) {
		src, err := data.Bytes()
		if err != nil {
			return err
		}
		f.MemSize += int64(len(src) - len(f.Data))
		f.Data = src
		return nil
	}
	flat, err := flatten(data)
	if err != nil {
		return err
	}
	if f.Data, err = flat.Data.Bytes(); err != nil {
		return err
	}
	f.Load, f.Entry, f.MemSize = flat.Load, flat.Entry, flat.MemSize
	return nil
}

// Open finds the files by their names.
func (c *CBFS) Open(ctx *layout.Context, e *layout.Entry, data content.Data) ([]layout.Item, error) {
	im, err := cbfs.Parse(data, data.Len())
	if err != nil {
		return nil, err
	}
	items := make([]layout.Item, len(c.section.Entries))
	for i, child := range c.section.Entries {
		name := c.files[child.Node].Name
		f := im.File(name)
		if f == nil {
			items[i].Err = child.Errorf("CBFS has no file '%s'", name)
			continue
		}
		items[i] = layout.Item{Place: cbfsPlace(f), Data: data.Slice(f.Offset, f.Size)}
		if f.Compression != cbfs.Uncompressed {
			items[i].Codec = f.Compression.String()
		}
	}
	return items, nil
}
