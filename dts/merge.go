// SPDX-License-Identifier: GPL-2.0-or-later

package dts

import (
	"fmt"

	"binman/fdt"
)

// addLabel adds a label to a node that is in the tree.
func (u *unit) addLabel(n *node, name string, pos fdt.Pos) {
	n.labels.add(name)
	if len(n.labels) > maxLabels {
		u.errorf(pos, "node has more than %d labels", maxLabels)
	}
	u.index(n, name)
}

// index makes a node known by a label.
func (u *unit) index(n *node, name string) {
	list := u.labels[name]
	for _, have := range list {
		if have == n {
			return
		}
	}
	if len(list) < maxLabels {
		u.labels[name] = append(list, n)
	}
}

// attach makes the labels of a new subtree known.
func (u *unit) attach(n *node) {
	for _, l := range n.labels {
		u.index(n, l.name)
	}
	for _, c := range n.children {
		u.attach(c)
	}
}

// merge adds what the node add says to the node old. A property or child
// that old has, even deleted, keeps its place.
func (u *unit) merge(old, add *node) {
	old.deleted = false
	for i := len(add.labels) - 1; i >= 0; i-- {
		u.addLabel(old, add.labels[i].name, add.pos)
	}
	for _, p := range add.props {
		have := old.anyProp(p.name)
		switch {
		case p.deleted:
			if have != nil {
				have.delete()
			}
		case have != nil:
			for i := len(p.labels) - 1; i >= 0; i-- {
				have.labels.add(p.labels[i].name)
			}
			have.value, have.marks, have.typed = p.value, p.marks, p.typed
			have.pos = p.pos
			have.deleted = false
		default:
			old.addProp(p)
		}
	}
	for _, c := range add.children {
		have := old.child(c.name)
		switch {
		case c.deleted:
			if have != nil {
				have.delete()
			}
		case have != nil:
			u.merge(have, c)
		default:
			old.addChild(c)
			u.attach(c)
		}
	}
	if old.pos == (fdt.Pos{}) {
		old.pos = add.pos
	}
}

func (p *prop) delete() {
	p.deleted = true
	p.labels.delete()
}

// delete marks the node and all in it.
func (n *node) delete() {
	n.deleted = true
	for _, c := range n.children {
		if !c.deleted {
			c.delete()
		}
	}
	for _, p := range n.props {
		if !p.deleted {
			p.delete()
		}
	}
	n.labels.delete()
}

// addFragment puts the contents of a `&ref { }` whose target is not in this
// source into a fragment of the overlay.
func (u *unit) addFragment(body *node, ref string, pos fdt.Pos) {
	p := &prop{pos: pos, typed: true}
	if ref == "" {
		u.errorf(pos, "the reference names no node")
		return
	}
	if ref[0] == '/' {
		p.name = "target-path"
		p.value = append([]byte(ref), 0)
	} else {
		p.name = "target"
		p.value = []byte{0xff, 0xff, 0xff, 0xff}
		p.marks = []mark{{kind: markPhandle, ref: ref, pos: pos}}
	}
	f := &node{name: fmt.Sprintf("fragment@%d", u.fragments), pos: pos}
	u.fragments++
	f.addProp(p)
	body.name = "__overlay__"
	f.addChild(body)
	u.root.addChild(f)
	u.attach(f)
}
