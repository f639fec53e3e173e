// SPDX-License-Identifier: GPL-2.0-or-later

package fdt

import (
	"encoding/binary"
	"iter"
	"slices"
	"strings"
	"sync/atomic"
)

// Node is a node of a live tree. Change it through its methods: they note what
// Sync has to do.
type Node struct {
	// Name is the node's name with its unit address, "/" for the root.
	Name   string
	Parent *Node
	// Props is in the order of the blob when it was parsed, followed by
	// additions.
	Props    []*Prop
	Subnodes []*Node
	Pos      Pos // where the source says it; zero for a node from a blob

	tree *Tree
	// begin and end are the node's tokens in the blob; nil while pending.
	// What is inside a pending node is pending too.
	begin, end *token
	inBlob     int // number of subnodes that are not pending

	// Lookups by name in a long list; nil until needed. Readers may make
	// them at the same time.
	propIndex atomic.Pointer[map[string]*Prop]
	nodeIndex atomic.Pointer[map[string]*Node]
}

// Prop is a property of a live tree. Change its value with the Set methods of
// its node.
type Prop struct {
	Name  string
	Value []byte
	Pos   Pos // where the source says it; zero for a property from a blob
	Node  *Node

	tok   *token // in the blob; nil while pending
	dirty bool
	again bool // added once more while in the blob
}

// indexFrom is the number of properties or subnodes from which a lookup is
// done through a map.
const indexFrom = 16

// Tree gives the tree the node was made in.
func (n *Node) Tree() *Tree { return n.tree }

// Path gives the full path, such as "/binman/section".
func (n *Node) Path() string {
	if n.Parent == nil {
		return n.Name
	}
	var names []string
	for ; n.Parent != nil; n = n.Parent {
		names = append(names, n.Name)
	}
	var b strings.Builder
	for _, name := range slices.Backward(names) {
		b.WriteByte('/')
		b.WriteString(name)
	}
	return b.String()
}

// Child finds a subnode by its exact name, or nil.
func (n *Node) Child(name string) *Node {
	if len(n.Subnodes) < indexFrom {
		for _, c := range n.Subnodes {
			if c.Name == name {
				return c
			}
		}
		return nil
	}
	if x := n.nodeIndex.Load(); x != nil {
		return (*x)[name]
	}
	x := make(map[string]*Node, len(n.Subnodes))
	for _, c := range slices.Backward(n.Subnodes) {
		x[c.Name] = c // of two with one name, the first
	}
	n.nodeIndex.Store(&x)
	return x[name]
}

// Prop finds a property by name, or nil.
func (n *Node) Prop(name string) *Prop {
	if len(n.Props) < indexFrom {
		for _, p := range n.Props {
			if p.Name == name {
				return p
			}
		}
		return nil
	}
	if x := n.propIndex.Load(); x != nil {
		return (*x)[name]
	}
	x := make(map[string]*Prop, len(n.Props))
	for _, p := range n.Props {
		x[p.Name] = p
	}
	n.propIndex.Store(&x)
	return x[name]
}

// Has tells whether the node has a property.
func (n *Node) Has(name string) bool { return n.Prop(name) != nil }

// Phandle gives the node's phandle: property "phandle", or the older
// "linux,phandle"; 0 if there is none of one cell.
func (n *Node) Phandle() uint32 {
	for _, name := range []string{"phandle", "linux,phandle"} {
		if p := n.Prop(name); p != nil && len(p.Value) == 4 {
			return binary.BigEndian.Uint32(p.Value)
		}
	}
	return 0
}

// All yields the node and everything below it, depth first, parents before
// their subnodes. The subtree must not change meanwhile.
func (n *Node) All() iter.Seq[*Node] {
	return func(yield func(*Node) bool) { n.walk(yield) }
}

func (n *Node) walk(yield func(*Node) bool) bool {
	if !yield(n) {
		return false
	}
	for _, c := range n.Subnodes {
		if !c.walk(yield) {
			return false
		}
	}
	return true
}

// appendProp adds p to the live properties.
func (n *Node) appendProp(p *Prop) {
	n.Props = append(n.Props, p)
	if x := n.propIndex.Load(); x != nil {
		(*x)[p.Name] = p
	}
}

// appendNode adds c to the live subnodes.
func (n *Node) appendNode(c *Node) {
	n.Subnodes = append(n.Subnodes, c)
	if x := n.nodeIndex.Load(); x != nil && (*x)[c.Name] == nil {
		(*x)[c.Name] = c
	}
}
