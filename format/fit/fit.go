// SPDX-License-Identifier: GPL-2.0-or-later

// Package fit lists, checks and writes a Flat Image Tree (FIT), the image format
// of U-Boot that is itself a device tree blob.
//
//	/ {
//		description; timestamp;
//		images {
//			NAME {
//				description; type; arch; os; compression; load; entry;
//				data = [...];            // inline, or
//				data-offset; data-size;  // behind the blob, or
//				data-position; data-size;
//				hash-1 { algo; value; };
//			};
//		};
//		configurations {
//			default;
//			NAME { description; kernel; fdt; ramdisk; firmware; loadables; ... };
//		};
//	};
//
// A data-offset counts bytes from the end of the blob, rounded up to a
// multiple of 4; a data-position from its start.
//
// What is written has the bytes that U-Boot's mkimage makes, tools/fit_image.c
// and tools/image-host.c of U-Boot 2026.10: properties and hashes that it adds
// come first in their nodes; a FIT with inline data keeps the free space that
// mkimage reserves for them (128 bytes for each hash, 1024 if there is none),
// one with external data has none.
//
// The format is specified in doc/usage/fit/source_file_format.rst of U-Boot
// and by the Flat Image Tree specification (fitspec.osfw.foundation).
package fit

import (
	"bytes"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
	"io"
	"slices"
	"strings"

	"binman/fdt"
	"binman/internal/binfmt"
)

// headerSize is that of a device tree blob, in bytes.
const headerSize = 40

// headerMagic starts a device tree blob.
var headerMagic = []byte{0xd0, 0x0d, 0xfe, 0xed}

var (
	// ErrFormat is wrapped by the errors about bytes that are not a FIT.
	ErrFormat = errors.New("not a FIT")
)

// Storage is where the data of an image is kept.
type Storage int

// The places for data.
const (
	Absent   Storage = iota // the image has no data
	Inline                  // in the blob
	Offset                  // behind it, by data-offset
	Position                // behind it, by data-position
)

// FIT is what a Flat Image Tree holds.
type FIT struct {
	Tree     *fdt.Tree // properties "data" of images are empty
	BlobSize int64     // of the device tree in bytes
	Size     int64     // with external data, in bytes
	Desc     string
	Images   []Image
	Configs  []Config
	Default  string // name of the configuration that is used unless told; may be ""

	blob []byte // the device tree, without contents of images
}

// Image is a node under /images.
type Image struct {
	Name        string
	Desc        string
	Type        string
	Arch        string
	OS          string
	Compression string
	Load, Entry *uint64 // addresses; nil if not given
	Storage     Storage
	Offset      int64 // of the data, bytes from the start of the FIT
	Size        int64 // of the data, bytes
	Hashes      []Hash
	Node        *fdt.Node
}

// Hash is a node that holds a hash of the data of an image.
type Hash struct {
	Name    string
	Algo    string
	Value   []byte
	Ignored bool // U-Boot is told not to check it
}

// Config is a node under /configurations.
type Config struct {
	Name string
	Desc string
	Refs []Ref
	Node *fdt.Node
}

// Ref is a property of a configuration that names images.
type Ref struct {
	Property string
	Images   []string
}

// refProperties are the properties of a configuration that name images.
var refProperties = [...]string{"kernel", "fdt", "ramdisk", "firmware", "loadables", "fpga", "setup", "script", "standalone"}

// Detect reports whether r starts with a device tree that has a node /images
// and fits.
func Detect(r io.ReaderAt, size int64) bool {
	src := binfmt.Source{R: r, Size: size}
	if !src.HasAt(headerMagic, 0) {
		return false
	}
	tree, _, err := parseTree(src)
	return err == nil && tree.Node("/images") != nil
}

// parseTree reads the device tree at the start of src, without the contents of
// images.
func parseTree(src binfmt.Source) (*fdt.Tree, *lean, error) {
	l, err := readLean(src)
	if err != nil {
		return nil, nil, err
	}
	tree, err := fdt.Parse(l.blob)
	return tree, l, err
}

// Parse reads the FIT at the start of r, of which size bytes may be read: the
// device tree, not what is behind it. All data lies inside these bytes.
func Parse(r io.ReaderAt, size int64) (*FIT, error) {
	src := binfmt.Source{R: r, Size: size}
	tree, lean, err := parseTree(src)
	if err != nil {
		return nil, err
	}
	images := tree.Node("/images")
	if images == nil {
		return nil, fmt.Errorf("%w: the device tree has no node /images", ErrFormat)
	}
	f := &FIT{Tree: tree, BlobSize: lean.size, Size: lean.size, Desc: text(tree.Root, "description"), blob: lean.blob}
	inline := lean.data
	if lean.full {
		inline = nil
		for i, at := range inlineData(lean.blob, len(images.Subnodes)) {
			var size int64
			if p := images.Subnodes[i].Prop("data"); p != nil {
				size = int64(len(p.Value))
			}
			inline = append(inline, span{at, size})
		}
	}
	for i, node := range images.Subnodes {
		if i >= len(inline) {
			return nil, fmt.Errorf("%w: node '%s' is not where libfdt reads it", ErrFormat, node.Path())
		}
		im, err := f.parseImage(node, inline[i])
		if err != nil {
			return nil, err
		}
		if im.Size == 0 {
			im.Offset = min(im.Offset, size) // mkimage does not pad up to nothing
		}
		if err := src.Check(im.Offset, im.Size, fmt.Sprintf("data of node '%s'", node.Path())); err != nil {
			return nil, err
		}
		f.Images = append(f.Images, im)
		f.Size = max(f.Size, im.Offset+im.Size)
	}
	configs := tree.Node("/configurations")
	if configs == nil {
		return f, nil
	}
	f.Default = text(configs, "default")
	for _, node := range configs.Subnodes {
		c := Config{Name: node.Name, Desc: text(node, "description"), Node: node}
		for _, name := range refProperties {
			list, ok, err := node.Strs(name)
			if err != nil {
				return nil, err
			}
			if ok {
				c.Refs = append(c.Refs, Ref{Property: name, Images: list})
			}
		}
		f.Configs = append(f.Configs, c)
	}
	return f, nil
}

// text returns a property up to its first NUL, and "" if it is absent.
func text(node *fdt.Node, name string) string {
	p := node.Prop(name)
	if p == nil {
		return ""
	}
	s, _ := binfmt.CString(p.Value)
	return s
}

// parseImage reads an image whose inline data, if any, is at inline.
func (f *FIT) parseImage(node *fdt.Node, inline span) (Image, error) {
	im := Image{
		Name:        node.Name,
		Desc:        text(node, "description"),
		Type:        text(node, "type"),
		Arch:        text(node, "arch"),
		OS:          text(node, "os"),
		Compression: text(node, "compression"),
		Node:        node,
	}
	for _, address := range [...]struct {
		name string
		to   **uint64
	}{{"load", &im.Load}, {"entry", &im.Entry}} {
		v, ok, err := node.U64(address.name)
		if err != nil {
			return im, err
		}
		if ok {
			*address.to = &v
		}
	}
	for _, sub := range node.Subnodes {
		// U-Boot takes every node whose name starts so for a hash.
		if !strings.HasPrefix(sub.Name, "hash") {
			continue
		}
		h := Hash{Name: sub.Name, Algo: text(sub, "algo"), Ignored: sub.Has("uboot-ignore")}
		if p := sub.Prop("value"); p != nil {
			h.Value = bytes.Clone(p.Value)
		}
		im.Hashes = append(im.Hashes, h)
	}
	if err := f.place(&im, inline); err != nil {
		return im, err
	}
	return im, nil
}

// place finds the data of im. As in U-Boot, data-position goes before
// data-offset, and both before inline data.
func (f *FIT) place(im *Image, inline span) error {
	for _, way := range [...]struct {
		name    string
		storage Storage
		base    int64
	}{{"data-position", Position, 0}, {"data-offset", Offset, binfmt.Align(f.BlobSize, 4)}} {
		off, ok, err := im.Node.U32(way.name)
		if err != nil {
			return err
		}
		if !ok {
			continue
		}
		size, ok, err := im.Node.U32("data-size")
		if err != nil {
			return err
		}
		if !ok {
			return fmt.Errorf("node '%s' has a property '%s', but no 'data-size'", im.Node.Path(), way.name)
		}
		im.Storage, im.Offset, im.Size = way.storage, way.base+int64(off), int64(size)
		return nil
	}
	if im.Node.Has("data") {
		im.Storage, im.Offset, im.Size = Inline, inline.offset, inline.size
	}
	return nil
}

// Tags in the structure block of a device tree, and its version 17 header
// fields, from the Devicetree Specification, chapter 5.
const (
	tagBeginNode = 1
	tagEndNode   = 2
	tagProp      = 3
	tagNop       = 4
	tagEnd       = 9

	atTotalSize  = 4
	atStruct     = 8
	atStrings    = 12
	atReserved   = 16
	atVersion    = 20
	atSizeStruct = 36
)

// inlineData returns, for each of the count subnodes of /images in turn, the
// offset in the blob of the value of its property "data". The blob is one
// that fdt.Parse accepted.
func inlineData(blob []byte, count int) []int64 {
	offsets := make([]int64, count)
	u32 := func(at int64) int64 { return int64(binary.BigEndian.Uint32(blob[at:])) }
	strs := u32(atStrings)
	depth := 0 // the root is at 1, /images at 2
	image := -1
	inImages, seen := false, false
	for at := u32(atStruct); ; {
		tag := u32(at)
		at += 4
		switch tag {
		case tagBeginNode:
			name, _ := binfmt.CString(blob[at:])
			at += binfmt.Align(int64(len(name))+1, 4)
			depth++
			switch {
			case depth == 2 && name == "images" && !seen:
				inImages, seen = true, true
			case depth == 3 && inImages:
				image++
			}
		case tagEndNode:
			if depth == 2 {
				inImages = false
			}
			depth--
		case tagProp:
			size, name := u32(at), strs+u32(at+4)
			at += 8
			// Of two properties of one name, every reader takes the first.
			if depth == 3 && inImages && image < count && offsets[image] == 0 && bytes.HasPrefix(blob[name:], []byte("data\x00")) {
				offsets[image] = at
			}
			at += binfmt.Align(size, 4)
		case tagEnd:
			return offsets
		}
	}
}

// hashes are the algorithms of hash nodes.
var hashes = map[string]func() hash.Hash{
	"crc16-ccitt": newCRC16,
	"crc32":       func() hash.Hash { return crc32.NewIEEE() },
	"md5":         md5.New,
	"sha1":        sha1.New,
	"sha256":      sha256.New,
	"sha384":      sha512.New384,
	"sha512":      sha512.New,
}

// Open returns a reader for the data of the image, from the r given to Parse.
func (im *Image) Open(r io.ReaderAt) *io.SectionReader {
	return io.NewSectionReader(r, im.Offset, im.Size)
}

// What List calls configurations.
const (
	aConfig       = "configuration"
	defaultConfig = "default configuration"
)

// Boots returns which images a configuration names that List has returned. Of other items
// it returns false.
func Boots(it binfmt.Item) ([]Ref, bool) {
	if it.Type != aConfig && it.Type != defaultConfig {
		return nil, false
	}
	var refs []Ref
	for _, d := range it.Details {
		if images, ok := d.Value.([]string); ok && slices.Contains(refProperties[:], d.Name) {
			refs = append(refs, Ref{d.Name, images})
		}
	}
	return refs, true
}

// List returns the images, then the configurations, which take up no space
// of their own.
func (f *FIT) List() []binfmt.Item {
	var items []binfmt.Item
	for _, im := range f.Images {
		items = append(items, im.item())
	}
	for _, c := range f.Configs {
		kind := aConfig
		if c.Name == f.Default {
			kind = defaultConfig
		}
		it := binfmt.Item{Name: c.Name, Type: kind}.With("description", c.Desc)
		for _, ref := range c.Refs {
			it = it.With(ref.Property, ref.Images)
		}
		items = append(items, it.With("signatures", signatures(c.Node)))
	}
	return items
}

// item returns the image as it is listed.
func (im *Image) item() binfmt.Item {
	it := binfmt.Item{Name: im.Name, Type: im.Type, Offset: im.Offset, Size: im.Size}
	it = it.With("description", im.Desc).With("arch", im.Arch).With("os", im.OS).With("compression", im.Compression)
	if im.Load != nil {
		it = it.With("load", *im.Load)
	}
	if im.Entry != nil {
		it = it.With("entry", *im.Entry)
	}
	var hashes []string
	for _, h := range im.Hashes {
		hashes = append(hashes, h.Algo)
	}
	it = it.With("hashes", hashes).With("signatures", signatures(im.Node))
	if cipher := im.Node.Child("cipher"); cipher != nil {
		it = it.With("cipher", algoAndKey(cipher))
	}
	return it
}

// signatures returns the algorithm and the name of the key of each signature in a node.
func signatures(node *fdt.Node) []string {
	var list []string
	for _, child := range node.Subnodes {
		if strings.HasPrefix(child.Name, "signature") {
			list = append(list, algoAndKey(child))
		}
	}
	return list
}

func algoAndKey(node *fdt.Node) string { return text(node, "algo") + ":" + text(node, "key-name-hint") }

// Details returns what the FIT says of itself.
func (f *FIT) Details() binfmt.Details {
	d := binfmt.Details{}.With("description", f.Desc)
	if at, ok, err := f.Tree.Root.U32("timestamp"); ok && err == nil {
		d = d.With("timestamp", int64(at))
	}
	return d.With("default", f.Default)
}
