// SPDX-License-Identifier: GPL-2.0-or-later

package layout

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"binman/content"
	"binman/fdt"
)

// A deviceTree is one of the device trees that the build keeps up to date:
// U-Boot's own, which also describes the images, and those of earlier phases.
type deviceTree struct {
	etype string // entry type that holds it
	tree  *fdt.Tree
	out   string // name in the output directory
	blob  []byte // the tree as bytes, as of the last synchronisation
	dirty bool   // the bytes have changed since the tree was read

	// In an opened image, the entry that holds the tree, and the path of
	// the image's node in it.
	entry  *Entry
	prefix string
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
	b.trees.list = []*deviceTree{{etype: b.mainTreeType(), tree: main, out: "u-boot.dtb.out"}}
	if b.FakeDTB || len(b.Trees) == 0 {
		return nil
	}
	for _, tf := range b.Trees[1:] {
		path, err := b.Input.Find(tf.File)
		if err != nil {
			continue // this build has no such phase
		}
		data, err := b.Input.System().Open(path)
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
		b.trees.list = append(b.trees.list, &deviceTree{etype: tf.Type, tree: tree, out: outName(tf.File)})
	}
	return nil
}

// mainTreeType returns the entry type that holds the tree of the description.
func (b *Build) mainTreeType() string {
	if len(b.Trees) == 0 {
		return ""
	}
	return b.Trees[0].Type
}

// treeFile returns the input file of the tree that entries of type etype hold.
func (b *Build) treeFile(etype string) string {
	for _, tf := range b.Trees {
		if tf.Type == etype {
			return tf.File
		}
	}
	return etype
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
		blob := dt.tree.Blob()
		dt.dirty = dt.dirty || !bytes.Equal(blob, dt.blob)
		dt.blob = blob
	}
}

// treeContents returns the device tree of type etype, as seen by the entry e.
func (b *Build) treeContents(e *Entry, etype string) (content.Data, error) {
	if b.override != nil {
		return *b.override, nil
	}
	if b.FakeDTB {
		return b.Input.Open(b.treeFile(etype))
	}
	dt := b.trees.find(e, etype)
	if dt == nil {
		return content.Data{}, fmt.Errorf("[Errno 2] No such file or directory: '%s'", b.treeFile(etype))
	}
	return content.Bytes(dt.blob), nil
}

// mapTree returns the device tree for the FDT map of the section e, with the
// nodes in the order of the description, or of offsets. That of an opened image
// keeps the order that it has.
func (b *Build) mapTree(e *Entry, byOffset bool) ([]byte, error) {
	if b.opened != nil && e.Parent == nil {
		return b.mainTree().Blob(), nil
	}
	tree, err := b.scan()
	if byOffset && err == nil {
		tree, err = fdt.Parse(b.trees.list[0].blob) // one to change
	}
	if err != nil {
		return nil, err
	}
	node := tree.Node(e.Path())
	if node == nil {
		return nil, e.Errorf("Internal error: Cannot locate node for path '%s'", e.Path())
	}
	if byOffset {
		sortNodes(e, node)
	}
	name := &fdt.Prop{Name: "image-node", Value: append([]byte(node.Name), 0)}
	return fdt.Sequential(node, name), nil
}

// sortNodes puts the nodes of entries in the order of their offsets, in the
// section e whose node is given, and in sections within. What else holds
// entries makes its bytes of them in their order, so that this stays.
func sortNodes(e *Entry, node *fdt.Node) {
	if e.Section == nil || e.placing() != InSection {
		return
	}
	nodes := make(map[string]*fdt.Node, len(node.Subnodes))
	for _, sub := range node.Subnodes {
		nodes[sub.Name] = sub
	}
	var sorted []*Entry
	moves := map[*fdt.Node]bool{}
	for _, child := range e.Section.Entries {
		sub := nodes[child.Node.Name]
		if sub == nil {
			continue
		}
		sortNodes(child, sub)
		// What goes over others stays behind them, unless its section sorts.
		if child.Offset.Known && (!child.Overlap || e.Section.SortByOffset) {
			sorted, moves[sub] = append(sorted, child), true
		}
	}
	sortByOffset(sorted)
	for i, sub := range node.Subnodes {
		if moves[sub] {
			node.Subnodes[i], sorted = nodes[sorted[0].Node.Name], sorted[1:]
		}
	}
}

// scan returns the main device tree as its bytes stand, with nodes and
// properties in their order.
func (b *Build) scan() (*fdt.Tree, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.scanned == nil {
		tree, err := fdt.Parse(b.trees.list[0].blob)
		if err != nil {
			return nil, fmt.Errorf("our own device tree is malformed: %w", err)
		}
		b.scanned = tree
	}
	return b.scanned, nil
}

// mainTree returns the device tree that describes the images.
func (b *Build) mainTree() *fdt.Tree { return b.trees.list[0].tree }

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
			nodes = append(nodes, updateNode{node: other, full: dt.etype == b.mainTreeType()})
		}
	}
	return nodes
}

// addSubnode adds a node to the entry's node in every device tree and returns
// the one in the main tree.
func (b *Build) addSubnode(node *fdt.Node, name string) *fdt.Node {
	var first *fdt.Node
	for _, n := range b.nodesFor(node) {
		sub := n.node.AddSubnode(name)
		if first == nil {
			first = sub
		}
	}
	return first
}

// setProp sets a property of a node, and of its counterparts in the other
// device trees.
func (b *Build) setProp(node *fdt.Node, name string, value []byte) {
	for _, n := range b.nodesFor(node) {
		n.node.SetProp(name, value)
	}
}

// setString sets a string property in every device tree.
func (b *Build) setString(node *fdt.Node, name, value string) {
	b.setProp(node, name, append([]byte(value), 0))
}

// setU32 sets a property of one cell in every device tree.
func (b *Build) setU32(node *fdt.Node, name string, value uint32) {
	b.setProp(node, name, binary.BigEndian.AppendUint32(nil, value))
}

// scope says which device trees get a property.
type scope int

const (
	everyTree scope = iota
	fullTrees       // those with properties for repacking
)

// addZero adds a property of one zero cell to the entry's node, as a
// placeholder.
func (b *Build) addZero(e *Entry, name string, s scope) {
	for _, n := range b.updateNodes(e) {
		if n.full || s == everyTree {
			n.node.SetProp(name, make([]byte, 4))
		}
	}
}

// setNumber sets the value of a placeholder: one cell, or two for what 32
// bits cannot hold.
func (b *Build) setNumber(e *Entry, name string, value int64, s scope) {
	v := cells(value)
	for _, n := range b.updateNodes(e) {
		if s == fullTrees && !n.full {
			continue
		}
		// A device tree that was put into an image need not have
		// properties that the image does not need.
		if b.opened != nil && !n.main && !n.node.Has(name) {
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

// addPlaceholders adds placeholders for what packing will find out, so that
// the device trees have their final size. Entries in a compressed section
// have no position in the image.
func (b *Build) addPlaceholders(e *Entry, havePos bool) error {
	for _, name := range []string{"offset", "size"} {
		if !e.Node.Has(name) {
			b.addZero(e, name, everyTree)
		}
	}
	if havePos && !e.Node.Has("image-pos") {
		b.addZero(e, "image-pos", everyTree)
	}
	if e.Image.AllowRepack {
		if e.OrigOffset.Known {
			b.addZero(e, "orig-offset", fullTrees)
		}
		if e.OrigSize.Known {
			b.addZero(e, "orig-size", fullTrees)
		}
	}
	if e.Compressed() {
		b.addZero(e, "uncomp-size", everyTree)
	}
	b.setWritten(e)
	if err := b.addHash(e); err != nil {
		return b.about(e, err)
	}
	havePos = havePos && !e.Compressed()
	if e.Section != nil && e.Section.EndAt4GB {
		b.addZero(e, "skip-at-start", everyTree)
	}
	for _, child := range e.described() {
		if child.As.Source && !child.As.Shown {
			continue
		}
		if err := b.addPlaceholders(child, havePos); err != nil {
			return err
		}
	}
	// What the container compresses tells its readers how.
	for _, child := range e.Entries() {
		if child.As.Compress != "" {
			b.addZero(child, "uncomp-size", everyTree)
			b.setString(child.Node, "compress", child.As.Compress)
		}
	}
	return nil
}

// setCalculated sets what packing found out.
func (b *Build) setCalculated(e *Entry) error {
	b.setNumber(e, "offset", e.Offset.Or(0), everyTree)
	b.setNumber(e, "size", e.Size.Or(0), everyTree)
	if e.ImagePos.Known {
		b.setNumber(e, "image-pos", e.ImagePos.Value, everyTree)
	}
	if e.Image.AllowRepack && !e.inAlone() { // there they have no effect, and stay 0
		if e.OrigOffset.Known {
			b.setNumber(e, "orig-offset", e.OrigOffset.Value, fullTrees)
		}
		if e.OrigSize.Known {
			b.setNumber(e, "orig-size", e.OrigSize.Value, fullTrees)
		}
	}
	if e.UncompSize.Known {
		b.setNumber(e, "uncomp-size", e.UncompSize.Value, everyTree)
	}
	b.setWritten(e)
	if b.opened != nil && e.Section == nil {
		b.moveHeld(e)
	}
	if err := b.setHash(e); err != nil {
		return err
	}
	if e.Section != nil && e.Section.EndAt4GB && (b.opened == nil || e.Node.Has("skip-at-start")) {
		b.setNumber(e, "skip-at-start", e.Section.start, everyTree)
	}
	for _, child := range e.Entries() {
		if err := b.setCalculated(child); err != nil {
			return err
		}
	}
	return nil
}

// setWritten sets the properties that the type of an entry writes. In an opened image
// they stay, since what was found out is not found out again.
func (b *Build) setWritten(e *Entry) {
	w, ok := e.Type.(PropertyWriter)
	if !ok || b.opened != nil {
		return
	}
	for _, p := range w.WrittenProperties(e) {
		for _, n := range b.updateNodes(e) {
			n.node.SetProp(p.Name, p.Value)
		}
	}
}

// held returns the nodes of what an entry of an opened image holds although its type,
// which is not known here, does not say so.
func held(e *Entry) []*fdt.Node {
	var list []*fdt.Node
	for _, sub := range e.Node.Subnodes {
		for n := range sub.All() {
			if !IsSpecialNode(n) && n.Has("image-pos") {
				list = append(list, n)
			}
		}
	}
	return list
}

// moveHeld moves what an entry holds with it, so that the map stays true for those who
// know its type.
func (b *Build) moveHeld(e *Entry) {
	if !e.ImagePos.Known || !e.HaveImagePos.Known || e.ImagePos == e.HaveImagePos {
		return
	}
	by := e.ImagePos.Value - e.HaveImagePos.Value
	for _, n := range held(e) {
		if pos, ok, err := n.U64("image-pos"); ok && err == nil { // else it says nothing
			b.setProp(n, "image-pos", cells(max(int64(pos)+by, 0)))
		}
	}
	e.HaveImagePos = e.ImagePos
}

// forget forgets the device trees of an entry and of all it holds.
func (s *treeSet) forget(e *Entry) {
	e.Walk(func(e *Entry) { s.dropTree(e) })
}

// deleteNode removes a node from every device tree.
func (b *Build) deleteNode(node *fdt.Node) {
	for _, n := range b.nodesFor(node) {
		n.node.Delete()
	}
}
