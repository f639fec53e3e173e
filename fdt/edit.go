// SPDX-License-Identifier: GPL-2.0-or-later

package fdt

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
)

// SetProp sets the value of a property: one that exists keeps its place, any
// other is added after those there are. The value is copied. A name ends at
// its first NUL and must not be empty, here and for nodes.
func (n *Node) SetProp(name string, value []byte) *Prop {
	name = cutName(name)
	p := n.Prop(name)
	if p == nil {
		p = &Prop{Name: name, Node: n}
		n.appendProp(p)
	}
	if isPhandle(name) {
		n.tree.stale = true
	}
	p.Value = append(make([]byte, 0, len(value)), value...)
	p.dirty = true
	return p
}

// AddProp is SetProp but for the order in which Sync applies changes: also a
// property that exists counts as new, which may show in the alignment of
// values. This is what dtoc does when it adds a property twice.
func (n *Node) AddProp(name string, value []byte) *Prop {
	p := n.SetProp(name, value)
	p.again = p.tok != nil
	return p
}

// SetU32 sets a property to one cell.
func (n *Node) SetU32(name string, v uint32) *Prop {
	return n.SetProp(name, binary.BigEndian.AppendUint32(nil, v))
}

// SetU32s sets a property to a list of cells.
func (n *Node) SetU32s(name string, list ...uint32) *Prop {
	var b []byte
	for _, v := range list {
		b = binary.BigEndian.AppendUint32(b, v)
	}
	return n.SetProp(name, b)
}

// SetU64 sets a property to two cells, the upper half first.
func (n *Node) SetU64(name string, v uint64) *Prop {
	return n.SetProp(name, binary.BigEndian.AppendUint64(nil, v))
}

// SetString sets a property to a NUL-terminated string.
func (n *Node) SetString(name, s string) *Prop {
	return n.SetProp(name, append([]byte(s), 0))
}

// SetStrings sets a property to NUL-terminated strings, one after another.
func (n *Node) SetStrings(name string, list ...string) *Prop {
	var b []byte
	for _, s := range list {
		b = append(append(b, s...), 0)
	}
	return n.SetProp(name, b)
}

// DeleteProp deletes a property, if there is one, also from the blob.
func (n *Node) DeleteProp(name string) {
	p := n.Prop(name)
	if p == nil {
		return
	}
	if p.tok != nil {
		f := n.tree.edit()
		n.tree.deleted = true
		f.remove(p.tok, p.tok)
		for _, k := range n.tree.dups[p] {
			f.remove(k, k)
		}
		delete(n.tree.dups, p)
	}
	if isPhandle(name) {
		n.tree.stale = true
	}
	i := slices.Index(n.Props, p)
	n.Props = slices.Delete(n.Props, i, i+1)
	if x := n.propIndex.Load(); x != nil {
		delete(*x, name)
	}
}

func isPhandle(name string) bool { return name == "phandle" || name == "linux,phandle" }

func cutName(name string) string {
	name, _, _ = strings.Cut(name, "\x00")
	return name
}

// AddSubnode adds a subnode after the others; Sync puts it before them. A
// subnode of that name that exists already is given back unchanged.
func (n *Node) AddSubnode(name string) *Node {
	name = cutName(name)
	if c := n.Child(name); c != nil {
		return c
	}
	c := &Node{Name: name, Parent: n, tree: n.tree}
	n.appendNode(c)
	return c
}

// InsertSubnode adds a subnode before the others. To give it that place in the
// blob too, the others are deleted from the blob and become pending. A subnode
// of that name that exists already is moved.
func (n *Node) InsertSubnode(name string) *Node {
	name = cutName(name)
	if c := n.Child(name); c != nil {
		c.MoveToFirst()
		return c
	}
	n.unsyncSubnodes()
	c := &Node{Name: name, Parent: n, tree: n.tree}
	n.Subnodes = slices.Insert(n.Subnodes, 0, c)
	if x := n.nodeIndex.Load(); x != nil {
		(*x)[name] = c
	}
	return c
}

// MoveToFirst puts a node before the other subnodes of its parent. Unless it
// stands there already all of them are deleted from the blob and become
// pending.
func (n *Node) MoveToFirst() {
	p := n.Parent
	if p == nil {
		return
	}
	i := slices.Index(p.Subnodes, n)
	if i <= 0 {
		return
	}
	p.unsyncSubnodes()
	copy(p.Subnodes[1:i+1], p.Subnodes[:i])
	p.Subnodes[0] = n
	p.nodeIndex.Store(nil)
}

// unsyncSubnodes takes all subnodes out of the blob and makes them pending.
func (n *Node) unsyncSubnodes() {
	if n.inBlob == 0 {
		return
	}
	f := n.tree.edit()
	n.tree.deleted = true
	for _, c := range slices.Backward(n.Subnodes) {
		if c.begin != nil {
			f.remove(c.begin, c.end)
			c.unsync()
		}
	}
	n.inBlob = 0
}

// unsync makes a node that was taken out of the blob pending.
func (n *Node) unsync() {
	n.begin, n.end, n.inBlob = nil, nil, 0
	for _, p := range n.Props {
		p.tok = nil
		delete(n.tree.dups, p)
	}
	for _, c := range n.Subnodes {
		if c.begin != nil {
			c.unsync()
		}
	}
}

// Delete deletes the node and what is below it, also from the blob. The root
// stays.
func (n *Node) Delete() {
	p := n.Parent
	if p == nil {
		return
	}
	i := slices.Index(p.Subnodes, n)
	if i < 0 {
		return
	}
	if n.begin != nil {
		n.tree.edit().remove(n.begin, n.end)
		n.tree.deleted = true
		n.unsync()
		p.inBlob--
	}
	n.tree.stale = true
	p.Subnodes = slices.Delete(p.Subnodes, i, i+1)
	p.nodeIndex.Store(nil)
}

// MergeProps adds the properties of src which the node does not have. A
// phandle is added only if phandles is set, since two nodes with one phandle
// make references to it ambiguous.
func (n *Node) MergeProps(src *Node, phandles bool) {
	for _, p := range src.Props {
		if (phandles || p.Name != "phandle") && !n.Has(p.Name) {
			n.SetProp(p.Name, p.Value).Pos = p.Pos
		}
	}
}

// CopyNode copies src and what is below it into the node, before the other
// subnodes. A subnode of its name that exists already is moved there, and gets
// those properties and subnodes of src which it does not have. Phandles are
// copied if phandles is set, and always below src. It gives the subnode, or an
// error if the two are not apart.
func (n *Node) CopyNode(src *Node, phandles bool) (*Node, error) {
	list := []*Node{src}
	if err := n.checkCopy(src, list); err != nil {
		return nil, err
	}
	n.copyNodes(list, phandles)
	return n.Child(src.Name), nil
}

// CopySubnodesFromPhandles copies what is below the nodes with the given
// phandles into the node, as CopyNode does, and merges their own properties
// but their phandles. Of a property found in several nodes the last one in the
// list is taken; subnodes end up in the order of the list.
func (n *Node) CopySubnodesFromPhandles(phandles []uint32) error {
	for _, ph := range slices.Backward(phandles) {
		src := n.tree.ByPhandle(ph)
		if src == nil {
			return fmt.Errorf("Node '%s': Cannot find node for phandle %d", n.Path(), ph)
		}
		if err := n.checkCopy(src, src.Subnodes); err != nil {
			return err
		}
		n.copyNodes(src.Subnodes, false)
		n.MergeProps(src, false)
	}
	return nil
}

// checkCopy refuses to copy nodes, which are src or its subnodes, onto a node
// that they are part of or that is part of them: the copy would have no end.
func (n *Node) checkCopy(src *Node, list []*Node) error {
	bad := src.contains(n)
	for _, s := range list {
		if dst := n.Child(s.Name); dst != nil && dst.contains(s) {
			bad = true
		}
	}
	if bad {
		return fmt.Errorf("Node '%s': Cannot copy node '%s' into itself", n.Path(), src.Path())
	}
	return nil
}

// contains tells whether m is n or below it.
func (n *Node) contains(m *Node) bool {
	for ; m != nil; m = m.Parent {
		if m == n {
			return true
		}
	}
	return false
}

// copyNodes copies nodes into n, the last first, each to the first place. The
// subnodes of n are put in order once, at the end.
func (n *Node) copyNodes(list []*Node, phandles bool) {
	var front []*Node // the last one is first now
	var made map[string]*Node
	for _, src := range slices.Backward(list) {
		dst := n.Child(src.Name)
		if dst == nil {
			dst = made[src.Name]
		}
		if dst == nil {
			dst = &Node{Name: src.Name, Parent: n, Pos: src.Pos, tree: n.tree}
			if made == nil {
				made = map[string]*Node{}
			}
			made[src.Name] = dst
		}
		first := len(front) > 0 && front[len(front)-1] == dst ||
			len(front) == 0 && len(n.Subnodes) > 0 && n.Subnodes[0] == dst
		if !first {
			n.unsyncSubnodes()
		}
		front = append(front, dst)
		dst.MergeProps(src, phandles)
		dst.copyNodes(src.Subnodes, true)
	}
	if len(front) == 0 {
		return
	}
	placed := make(map[*Node]bool, len(front))
	order := make([]*Node, 0, len(front)+len(n.Subnodes))
	slices.Reverse(front)
	for _, c := range append(front, n.Subnodes...) {
		if !placed[c] {
			placed[c] = true
			order = append(order, c)
		}
	}
	n.Subnodes = order
	n.nodeIndex.Store(nil)
}
