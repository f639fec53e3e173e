// SPDX-License-Identifier: GPL-2.0-or-later

package dts

import (
	"encoding/binary"
	"fmt"
	"strings"
)

// child returns the child of that name, adding it when there is none.
func (u *unit) childOrNew(n *node, name string) *node {
	if c := n.liveChild(name); c != nil {
		return c
	}
	c := &node{name: name, path: join(n.path, name)}
	// Not addChild: lookups must keep finding a deleted node's place last.
	c.parent = n
	n.children = append(n.children, c)
	n.byName = nil
	return c
}

// appendTo appends to the property of that name, adding it when there is
// none.
func (n *node) appendTo(name string, value []byte) {
	p := n.prop(name)
	if p == nil {
		p = &prop{name: name, typed: true}
		n.addProp(p)
	}
	p.value = append(p.value, value...)
}

// addSymbols makes /__symbols__: for every label a property with the path of
// its node. The nodes get phandles, so that overlays can refer to them.
func (u *unit) addSymbols() {
	found := false
	u.root.walk(func(n *node) { found = found || len(n.labels) > 0 })
	if !found {
		return
	}
	symbols := u.childOrNew(u.root, "__symbols__")
	u.root.walk(func(n *node) {
		for name := range n.labels.live {
			if symbols.prop(name) != nil {
				u.warnf(n.pos, "WARNING: label %s already exists in /%s", name, symbols.name)
				continue
			}
			symbols.addProp(&prop{name: name, value: append([]byte(n.path), 0), typed: true})
		}
		if len(n.labels) > 0 {
			u.phandleOf(n)
		}
	})
}

// fixup is a cell that holds a phandle.
type fixup struct {
	node *node
	prop *prop
	mark mark
}

// fixups returns the cells whose reference is, or is not, in this source.
func (u *unit) fixups(local bool) []fixup {
	var list []fixup
	u.root.walk(func(n *node) {
		for _, p := range n.props {
			if p.deleted {
				continue
			}
			for _, m := range p.marks {
				if m.kind == markPhandle && (u.byRef(m.ref) != nil) == local {
					list = append(list, fixup{n, p, m})
				}
			}
		}
	})
	return list
}

// replaceNode adds a new node to the root; one of that name that exists is
// deleted.
func (u *unit) replaceNode(name string) *node {
	c := &node{name: name, path: "/" + name, parent: u.root}
	u.root.children = append(u.root.children, c)
	u.root.byName = nil
	return c
}

// addFixups makes /__fixups__: for every label outside of this source a
// property with strings "path:property:offset" of the cells that refer to it.
func (u *unit) addFixups() {
	if old := u.root.liveChild("__fixups__"); old != nil {
		old.deleted = true
	}
	list := u.fixups(false)
	if len(list) == 0 {
		return
	}
	to := u.replaceNode("__fixups__")
	for _, f := range list {
		if strings.Contains(f.mark.ref, "/") {
			u.errorf(f.mark.pos, "Can't generate fixup for reference to path &{%s}", f.mark.ref)
			continue
		}
		entry := fmt.Sprintf("%s:%s:%d\x00", f.node.path, f.prop.name, f.mark.off)
		to.appendTo(f.mark.ref, []byte(entry))
	}
}

// addLocalFixups makes /__local_fixups__, a copy of the tree's shape whose
// properties hold the offsets of cells that refer to nodes of this source.
func (u *unit) addLocalFixups() {
	if old := u.root.liveChild("__local_fixups__"); old != nil {
		old.deleted = true
	}
	list := u.fixups(true)
	if len(list) == 0 {
		return
	}
	root := u.replaceNode("__local_fixups__")
	made := map[*node]*node{u.root: root}
	var mirror func(n *node) *node
	mirror = func(n *node) *node {
		if made[n] == nil {
			made[n] = u.childOrNew(mirror(n.parent), n.name)
		}
		return made[n]
	}
	for _, f := range list {
		mirror(f.node).appendTo(f.prop.name, binary.BigEndian.AppendUint32(nil, uint32(f.mark.off)))
	}
}
