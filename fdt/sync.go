// SPDX-License-Identifier: GPL-2.0-or-later

package fdt

import (
	"bytes"
	"slices"
)

// Marshal gives the blob as it stands after the last Sync or Pack and the
// deletions since; edits still pending are not in it. A tree from New that was
// never synced is synced first. The caller owns the result.
func (t *Tree) Marshal() []byte { return bytes.Clone(t.Blob()) }

// Blob is Marshal for a caller that changes none of the bytes: it makes no copy. What it has
// returned stays as it is when the tree is edited.
func (t *Tree) Blob() []byte {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.flat == nil {
		t.build()
	}
	if t.cache == nil {
		t.cache = t.flat.marshal()
	}
	return t.cache
}

// Pack drops gaps between the blocks and padding at the end of the blob, as
// libfdt's fdt_pack. Unused names stay in the strings block.
func (t *Tree) Pack() {
	if t.flat == nil {
		t.Sync()
	}
	t.edit().pack()
}

// edit gives the blob, to be edited.
func (t *Tree) edit() *flat {
	t.cache = nil
	t.flat.open()
	return t.flat
}

// Sync applies all pending edits to the blob. Where the blob is too small it
// grows: by 1024 bytes for a node, by 1024 and the size of the value for a
// property, as often as needed. The subnodes of a node are put in the order of
// the blob: added ones first. Time is proportional to the size of the tree.
func (t *Tree) Sync() {
	if t.flat == nil {
		t.build()
		return
	}
	f := t.flat
	if f.bootCPU != t.BootCPU {
		t.edit().bootCPU = t.BootCPU
	}
	if !slices.Equal(f.reserve, t.Reserve) {
		t.edit().setReserve(t.Reserve)
	}
	t.Root.sync()
	t.deleted = false
}

// sync applies the pending edits of a node that is in the blob. The order
// decides in which order names are added, and what the alignment of values
// holds: subnodes before properties, the last first, old ones before new ones.
func (n *Node) sync() {
	t := n.tree
	for _, c := range slices.Backward(n.Subnodes) {
		if c.begin != nil {
			c.sync()
		}
	}
	if pending := len(n.Subnodes) - n.inBlob; pending > 0 {
		f := t.edit()
		at := n.begin.next
		for at.tag == tagProp || at.tag == tagNop {
			at = at.next
		}
		for _, c := range slices.Backward(n.Subnodes) {
			if c.begin == nil {
				c.begin, c.end = f.addNode(c.Name, at)
				at = c.begin
				c.sync()
			}
		}
		// Additions stand last in the live order and first in the blob.
		if n.inBlob > 0 {
			n.Subnodes = append(slices.Clone(n.Subnodes[n.inBlob:]), n.Subnodes[:n.inBlob]...)
			n.nodeIndex.Store(nil)
		}
		n.inBlob = len(n.Subnodes)
	}
	n.syncProps()
}

func (n *Node) syncProps() {
	var dirty map[*token]*Prop
	for _, p := range n.Props {
		switch {
		case p.tok == nil:
			p.tok = n.tree.edit().addProp(n.begin, p.Name, p.Value)
		case p.again && !n.tree.deleted:
			n.tree.edit().setProp(p.tok, p.Value)
		case p.dirty:
			if dirty == nil {
				dirty = map[*token]*Prop{}
			}
			dirty[p.tok] = p
		}
		p.dirty, p.again = false, false
	}
	if len(dirty) == 0 {
		return
	}
	// Old properties are set last, from the end of the node to its start.
	var order []*Prop
	depth := 0
	for k := n.begin.next; len(order) < len(dirty) && depth >= 0; k = k.next {
		switch k.tag {
		case tagBeginNode:
			depth++
		case tagEndNode:
			depth--
		case tagProp:
			if p := dirty[k]; p != nil {
				order = append(order, p)
			}
		}
	}
	for _, p := range slices.Backward(order) {
		n.tree.edit().setProp(p.tok, p.Value)
	}
}

// build makes the blob of a new tree as dtc writes it: nodes and properties in
// live order, no gaps, no padding.
func (t *Tree) build() {
	f := &flat{version: 17, lastComp: 16, bootCPU: t.BootCPU, reserve: slices.Clone(t.Reserve)}
	f.list.prev, f.list.next = &f.list, &f.list
	f.end = []byte{0, 0, 0, tagEnd}
	f.pack()
	t.flat, t.cache = f, nil
	t.Root.build(f, &f.list)
	f.slack = slack{}
}

// build puts a node before at.
func (n *Node) build(f *flat, at *token) {
	name := n.Name
	if n.Parent == nil {
		name = ""
	}
	n.begin, n.end = f.addNode(name, at)
	for _, p := range n.Props {
		off, add := f.name(p.Name)
		if add {
			f.strs = append(append(f.strs, p.Name...), 0)
		}
		k := &token{tag: tagProp, nameoff: uint32(off), n: len(p.Value)}
		k.data = make([]byte, align4(int64(len(p.Value))))
		copy(k.data, p.Value)
		f.fit(k.size(), 1024)
		f.insert(k, n.end)
		p.tok, p.dirty = k, false
	}
	for _, c := range n.Subnodes {
		c.build(f, n.end)
	}
	n.inBlob = len(n.Subnodes)
}
