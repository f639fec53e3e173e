// SPDX-License-Identifier: GPL-2.0-or-later

package dts

import (
	"strings"

	"binman/fdt"
)

// node is a node of the source. What is deleted stays in its place, marked:
// a later definition of the same name takes that place again, which decides
// the order in the blob.
type node struct {
	name     string
	parent   *node
	props    []*prop
	children []*node
	labels   labels
	pos      fdt.Pos

	deleted    bool
	omit       bool // /omit-if-no-ref/
	referenced bool

	path    string
	phandle uint32

	byName map[string]*node // first child of a name, deleted or not; for many children
	byProp map[string]*prop
	// Where liveChild and prop go on searching behind a deleted first.
	fromChild, fromProp map[string]int

	// For warnings.
	addrCells, sizeCells int
	bus                  bus
}

// prop is a property of the source.
type prop struct {
	name    string
	value   []byte
	marks   []mark
	labels  labels
	pos     fdt.Pos
	deleted bool
	typed   bool // the source gave a value, so marks are complete
}

// mark is something that stands at an offset of a value.
type mark struct {
	kind markKind
	off  int
	ref  string // label or path
	pos  fdt.Pos
}

type markKind uint8

const (
	markPhandle markKind = iota // a cell that becomes ref's phandle
	markPath                    // ref's path is inserted
	markLabel                   // a label inside the value
)

// label is a name for a node, a property or a place in a value.
type label struct {
	name    string
	deleted bool
}

// labels are kept in the reverse of dtc's order, which is the reverse of the
// order in which they were added.
type labels []label

// add adds a label, or brings a deleted one back.
func (l *labels) add(name string) {
	for i := range *l {
		if (*l)[i].name == name {
			(*l)[i].deleted = false
			return
		}
	}
	*l = append(*l, label{name: name})
}

func (l labels) delete() {
	for i := range l {
		l[i].deleted = true
	}
}

// live yields the labels that are not deleted, in dtc's order.
func (l labels) live(yield func(string) bool) {
	for i := len(l) - 1; i >= 0; i-- {
		if !l[i].deleted && !yield(l[i].name) {
			return
		}
	}
}

// indexFrom is the number of children or properties from which a map serves
// lookups.
const indexFrom = 16

// child returns the first child of that name, deleted or not.
func (n *node) child(name string) *node {
	if len(n.children) < indexFrom {
		for _, c := range n.children {
			if c.name == name {
				return c
			}
		}
		return nil
	}
	if n.byName == nil {
		n.byName = make(map[string]*node, len(n.children))
		for _, c := range n.children {
			if n.byName[c.name] == nil {
				n.byName[c.name] = c
			}
		}
	}
	return n.byName[name]
}

// liveChild returns the first child of that name that is not deleted.
func (n *node) liveChild(name string) *node {
	c := n.child(name)
	if c == nil || !c.deleted {
		return c
	}
	// Only the first of a name ever comes back, so what was found deleted
	// behind it needs no second look.
	for i := n.fromChild[name]; i < len(n.children); i++ {
		if c := n.children[i]; c.name == name && !c.deleted {
			n.fromChild = noteFrom(n.fromChild, name, i)
			return c
		}
	}
	n.fromChild = noteFrom(n.fromChild, name, len(n.children))
	return nil
}

// noteFrom notes where to go on searching for a name.
func noteFrom(m map[string]int, name string, i int) map[string]int {
	if i < indexFrom {
		return m
	}
	if m == nil {
		m = make(map[string]int)
	}
	m[name] = i
	return m
}

func (n *node) addChild(c *node) {
	c.parent = n
	n.children = append(n.children, c)
	if n.byName != nil && n.byName[c.name] == nil {
		n.byName[c.name] = c
	}
}

// anyProp returns the first property of that name, deleted or not.
func (n *node) anyProp(name string) *prop {
	if len(n.props) < indexFrom {
		for _, p := range n.props {
			if p.name == name {
				return p
			}
		}
		return nil
	}
	if n.byProp == nil {
		n.byProp = make(map[string]*prop, len(n.props))
		for _, p := range n.props {
			if n.byProp[p.name] == nil {
				n.byProp[p.name] = p
			}
		}
	}
	return n.byProp[name]
}

// prop returns the first property of that name that is not deleted.
func (n *node) prop(name string) *prop {
	p := n.anyProp(name)
	if p == nil || !p.deleted {
		return p
	}
	for i := n.fromProp[name]; i < len(n.props); i++ {
		if p := n.props[i]; p.name == name && !p.deleted {
			n.fromProp = noteFrom(n.fromProp, name, i)
			return p
		}
	}
	n.fromProp = noteFrom(n.fromProp, name, len(n.props))
	return nil
}

func (n *node) addProp(p *prop) {
	n.props = append(n.props, p)
	if n.byProp != nil && n.byProp[p.name] == nil {
		n.byProp[p.name] = p
	}
}

// walk calls f for the node and all below that are not deleted, parents
// first. What f deletes is not entered.
func (n *node) walk(f func(*node)) {
	f(n)
	for i := 0; i < len(n.children); i++ {
		if c := n.children[i]; !c.deleted {
			c.walk(f)
		}
	}
}

// base returns the name without its unit address.
func (n *node) base() string {
	base, _, _ := strings.Cut(n.name, "@")
	return base
}

// unit returns the unit address, "" for none.
func (n *node) unit() string {
	_, unit, _ := strings.Cut(n.name, "@")
	return unit
}

// setPaths gives every node its full path.
func (u *unit) setPaths(n *node, prefix string) {
	n.path = prefix + "/" + n.name
	if n.parent == nil {
		prefix = ""
	} else {
		prefix = n.path
	}
	for _, c := range n.children {
		if !c.deleted {
			u.setPaths(c, prefix)
		}
	}
}
