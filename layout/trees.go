// SPDX-License-Identifier: GPL-2.0-or-later

package layout

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"

	"binman/content"
	"binman/fdt"
)

// A deviceTree is one of the device trees that the build keeps up to date:
// U-Boot's own, which also describes the images, and those of earlier phases.
type deviceTree struct {
	etype string // entry type that holds it, e.g. "u-boot-spl-dtb"
	tree  *fdt.Tree
	out   string // name in the output directory
	blob  []byte // the tree as bytes, as of the last synchronisation
	dirty bool   // the bytes have changed since the tree was read

	// In an opened image, the entry that holds the tree, and the path of
	// the image's node in it.
	entry  *Entry
	prefix string
}

// phaseTrees are the device trees of the other phases, by the entry type that
// holds them, and the names of their files.
var phaseTrees = []struct{ etype, file string }{
	{"u-boot-spl-dtb", "spl/u-boot-spl.dtb"},
	{"u-boot-tpl-dtb", "tpl/u-boot-tpl.dtb"},
	{"u-boot-vpl-dtb", "vpl/u-boot-vpl.dtb"},
}

// treeSet holds the device trees of a build.
type treeSet struct {
	list []*deviceTree // the main one first
}

// updateNode is the node of an entry in one device tree.
type updateNode struct {
	node *fdt.Node
	main bool // in the tree that describes the images
	full bool // in a tree that carries properties for repacking
}

// loadTrees finds the device trees of the other phases.
func (b *Build) loadTrees(main *fdt.Tree) error {
	b.trees.list = []*deviceTree{{etype: "u-boot-dtb", tree: main, out: "u-boot.dtb.out"}}
	if b.FakeDTB {
		return nil
	}
	for _, pt := range phaseTrees {
		path, err := b.Input.Find(pt.file)
		if err != nil {
			continue // this build has no such phase
		}
		data, err := content.Open(path)
		if errors.Is(err, fs.ErrNotExist) {
			continue // without input directories, Find takes the name as it is
		}
		if err != nil {
			return err
		}
		blob, err := data.Bytes()
		if err != nil {
			return fmt.Errorf("device tree '%s': %w", path, err)
		}
		tree, err := fdt.Parse(blob)
		if err != nil {
			return fmt.Errorf("device tree '%s': %w", path, err)
		}
		b.trees.list = append(b.trees.list, &deviceTree{etype: pt.etype, tree: tree, out: filepath.Base(pt.file) + ".out"})
	}
	return nil
}

// find returns the device tree that the entry e of type etype holds, or nil.
func (s *treeSet) find(e *Entry, etype string) *deviceTree {
	for _, dt := range s.list {
		if dt.entry == nil && dt.etype == etype || dt.entry != nil && dt.entry == e {
			return dt
		}
	}
	return nil
}

// sync writes pending changes into the trees' bytes; pack also drops unused
// space.
func (b *Build) sync(pack bool) {
	b.scanned = nil
	for _, dt := range b.trees.list {
		dt.tree.Sync()
		if pack {
			dt.tree.Pack()
		}
		blob := dt.tree.Marshal()
		dt.dirty = dt.dirty || !bytes.Equal(blob, dt.blob)
		dt.blob = blob
	}
}

// TreeChanged says whether the device tree that an entry of an opened image
// holds has been changed since.
func (b *Build) TreeChanged(e *Entry) bool {
	for _, dt := range b.trees.list {
		if dt.entry == e {
			return dt.dirty
		}
	}
	return false
}

// TreeContents returns the device tree that an entry of type etype holds, e.g.
// "u-boot-dtb", as seen by the entry e.
func (b *Build) TreeContents(e *Entry, etype string) (content.Data, error) {
	for p := e.Parent; p != nil; p = p.Parent {
		src, ok := p.Type.(TreeSource)
		if !ok {
			continue
		}
		data, ok, err := src.TreeContents(b, p, etype)
		if ok || err != nil {
			return data, err
		}
	}
	if b.FakeDTB {
		file := "u-boot.dtb"
		for _, pt := range phaseTrees {
			if pt.etype == etype {
				file = pt.file
			}
		}
		path, err := b.Input.Find(file)
		if err != nil {
			return content.Data{}, err
		}
		return content.Open(path)
	}
	dt := b.trees.find(e, etype)
	if dt == nil {
		file := etype
		if h, ok := e.Type.(TreeHolder); ok {
			_, file = h.Tree()
		}
		return content.Data{}, fmt.Errorf("[Errno 2] No such file or directory: '%s'", file)
	}
	return content.Bytes(dt.blob), nil
}

// Tree returns the device tree that an entry of type etype holds, e.g.
// "u-boot-spl-dtb", for an FDTProcessor to adjust, or nil if this build has
// none. With fake device trees it is always the main one.
func (b *Build) Tree(etype string) *fdt.Tree {
	if b.FakeDTB {
		return b.MainTree()
	}
	dt := b.trees.find(nil, etype)
	if dt == nil {
		return nil
	}
	return dt.tree
}

// MainTree returns the device tree that describes the images.
func (b *Build) MainTree() *fdt.Tree { return b.trees.list[0].tree }

// EditTree changes the device tree that entries of type etype hold, e.g.
// "u-boot-spl-dtb", while contents are gathered. Only a Depender may call it,
// from Contents: other contents are gathered at the same time. It returns
// false if this build has no such tree.
func (b *Build) EditTree(etype string, edit func(*fdt.Tree) error) (bool, error) {
	dt := b.trees.find(nil, etype)
	if dt == nil {
		return false, nil
	}
	if err := edit(dt.tree); err != nil {
		return true, err
	}
	dt.blob, dt.dirty = dt.tree.Marshal(), true
	b.mu.Lock()
	defer b.mu.Unlock()
	b.scanned = nil
	return true, nil
}

// updateNodes returns the nodes of the entry in all device trees.
func (b *Build) updateNodes(e *Entry) []updateNode {
	if e.pos == nil {
		e.pos = b.nodesFor(e.Node)
	}
	return e.pos
}

// nodesFor returns the counterparts of a node of the main tree in all device
// trees, itself first. Trees of other phases lack what was not for them.
func (b *Build) nodesFor(node *fdt.Node) []updateNode {
	own := node.Tree()
	nodes := []updateNode{{node: node, main: true, full: true}}
	base := node.Path()
	for _, dt := range b.trees.list {
		if dt.tree == own {
			continue
		}
		path := base
		if dt.prefix != "" {
			path = dt.prefix + strings.TrimSuffix(base, "/")
		}
		if other := dt.tree.Node(path); other != nil {
			nodes = append(nodes, updateNode{node: other, full: dt.etype == "u-boot-dtb"})
		}
	}
	return nodes
}

// AddSubnode adds a node to the entry's node in every device tree and returns
// the one in the main tree.
func (b *Build) AddSubnode(node *fdt.Node, name string) *fdt.Node {
	var first *fdt.Node
	for _, n := range b.nodesFor(node) {
		sub := n.node.AddSubnode(name)
		if first == nil {
			first = sub
		}
	}
	return first
}

// SetProp sets a property of a node, and of its counterparts in the other
// device trees.
func (b *Build) SetProp(node *fdt.Node, name string, value []byte) {
	for _, n := range b.nodesFor(node) {
		n.node.SetProp(name, value)
	}
}

// SetString sets a string property in every device tree.
func (b *Build) SetString(node *fdt.Node, name, value string) {
	b.SetProp(node, name, append([]byte(value), 0))
}

// SetU32 sets a property of one cell in every device tree.
func (b *Build) SetU32(node *fdt.Node, name string, value uint32) {
	b.SetProp(node, name, binary.BigEndian.AppendUint32(nil, value))
}

// AddZero adds a property of one zero cell to the entry's node in every
// device tree, as a placeholder.
func (b *Build) AddZero(e *Entry, name string) { b.addZero(e, name, false) }

// addZero is AddZero; forRepack leaves out the trees without properties for
// repacking.
func (b *Build) addZero(e *Entry, name string, forRepack bool) {
	for _, n := range b.updateNodes(e) {
		if n.full || !forRepack {
			n.node.SetProp(name, make([]byte, 4))
		}
	}
}

// SetNumber sets the value of a placeholder in every device tree: one cell,
// or two for what 32 bits cannot hold.
func (b *Build) SetNumber(e *Entry, name string, value int64) {
	b.setNumber(e, name, value, false)
}

func (b *Build) setNumber(e *Entry, name string, value int64, forRepack bool) {
	v := cells(value)
	for _, n := range b.updateNodes(e) {
		if forRepack && !n.full {
			continue
		}
		// A device tree that was put into an image need not have
		// properties that the image does not need.
		if b.reading && !n.main && !n.node.Has(name) {
			continue
		}
		n.node.SetProp(name, v)
	}
}

func cells(v int64) []byte {
	if v>>32 == 0 {
		return binary.BigEndian.AppendUint32(nil, uint32(v))
	}
	return binary.BigEndian.AppendUint64(nil, uint64(v))
}

// addMissingProperties adds placeholders for what packing will find out, so
// that the device trees have their final size. Entries in a compressed section
// have no position in the image.
func (b *Build) addMissingProperties(e *Entry, havePos bool) error {
	for _, name := range []string{"offset", "size"} {
		if !e.Node.Has(name) {
			b.AddZero(e, name)
		}
	}
	if havePos && !e.Node.Has("image-pos") {
		b.AddZero(e, "image-pos")
	}
	if e.Image.AllowRepack {
		if e.OrigOffset.Known {
			b.addZero(e, "orig-offset", true)
		}
		if e.OrigSize.Known {
			b.addZero(e, "orig-size", true)
		}
	}
	if e.Compressed() {
		b.AddZero(e, "uncomp-size")
	}
	if err := b.addHash(e); err != nil {
		return err
	}
	if e.Section != nil {
		havePos = havePos && !e.Compressed()
		if e.Section.EndAt4GB {
			b.AddZero(e, "skip-at-start")
		}
		for _, child := range e.Section.Entries {
			if err := b.addMissingProperties(child, havePos); err != nil {
				return err
			}
		}
	}
	if p, ok := e.Type.(PropertyAdder); ok {
		return p.AddProperties(b, e)
	}
	return nil
}

// setCalculatedProperties sets what packing found out.
func (b *Build) setCalculatedProperties(e *Entry) error {
	b.SetNumber(e, "offset", e.Offset.Or(0))
	b.SetNumber(e, "size", e.Size.Or(0))
	if e.ImagePos.Known {
		b.SetNumber(e, "image-pos", e.ImagePos.Value)
	}
	if e.Image.AllowRepack {
		if e.OrigOffset.Known {
			b.setNumber(e, "orig-offset", e.OrigOffset.Value, true)
		}
		if e.OrigSize.Known {
			b.setNumber(e, "orig-size", e.OrigSize.Value, true)
		}
	}
	if e.UncompSize.Known {
		b.SetNumber(e, "uncomp-size", e.UncompSize.Value)
	}
	if err := b.setHash(e); err != nil {
		return err
	}
	if e.Section != nil {
		if e.Section.EndAt4GB {
			b.SetNumber(e, "skip-at-start", e.Section.start)
		}
		for _, child := range e.Section.Entries {
			if err := b.setCalculatedProperties(child); err != nil {
				return err
			}
		}
	}
	if p, ok := e.Type.(PropertySetter); ok {
		return p.SetProperties(b, e)
	}
	return nil
}
