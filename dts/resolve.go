// SPDX-License-Identifier: GPL-2.0-or-later

package dts

import (
	"encoding/binary"
	"math"
	"strings"
)

// byRef returns the node that a reference means: "/", "/path", "label" or
// "label/path"; nil when there is none.
func (u *unit) byRef(ref string) *node {
	if ref == "/" {
		return u.root
	}
	if ref == "" {
		return nil
	}
	if ref[0] == '/' {
		return u.root.byPath(ref)
	}
	name, path, relative := strings.Cut(ref, "/")
	n := u.byLabel(name)
	if n != nil && relative {
		return n.byPath(path)
	}
	return n
}

// byPath returns the node below n at path; slashes in front do not count.
func (n *node) byPath(path string) *node {
	for {
		if path == "" {
			if n.deleted {
				return nil
			}
			return n
		}
		path = strings.TrimLeft(path, "/")
		name, rest, more := strings.Cut(path, "/")
		if n = n.liveChild(name); n == nil || !more {
			return n
		}
		path = rest
	}
}

// byLabel returns the first node, in the order of the tree, that has the
// label.
func (u *unit) byLabel(name string) *node {
	var found *node
	for _, n := range u.labels[name] {
		if n.deleted && n != u.root || !n.hasLabel(name) {
			continue
		}
		if found != nil {
			return u.firstLabelled(u.root, name)
		}
		found = n
	}
	return found
}

func (n *node) hasLabel(name string) bool {
	for _, l := range n.labels {
		if l.name == name {
			return !l.deleted
		}
	}
	return false
}

// firstLabelled searches n and what is below it.
func (u *unit) firstLabelled(n *node, name string) *node {
	if u.visited++; u.visited > maxVisits {
		if u.visited == maxVisits+1 {
			u.errorf(n.pos, "label '%s' stands on too many nodes", name)
		}
		return nil
	}
	if n.hasLabel(name) {
		return n
	}
	for _, c := range n.children {
		if c.deleted {
			continue
		}
		if found := u.firstLabelled(c, name); found != nil {
			return found
		}
	}
	return nil
}

// validPhandle: 0 and -1 mean that there is none.
func validPhandle(v uint32) bool { return v != 0 && v != math.MaxUint32 }

func (u *unit) byPhandle(v uint32) *node {
	if n := u.phandles[v]; n != nil && !n.deleted {
		return n
	}
	return nil
}

// phandleOf returns the phandle of n, giving it the lowest free number when
// it has none: numbers are given out in the order of first use, and the
// property goes behind the others.
func (u *unit) phandleOf(n *node) uint32 {
	if validPhandle(n.phandle) {
		return n.phandle
	}
	if u.phandle == 0 {
		u.phandle = 1
	}
	for u.byPhandle(u.phandle) != nil {
		u.phandle++
	}
	n.phandle = u.phandle
	u.phandles[n.phandle] = n
	if n.prop("phandle") == nil {
		n.addProp(&prop{
			name:  "phandle",
			value: binary.BigEndian.AppendUint32(nil, n.phandle),
			pos:   n.pos,
			typed: true,
		})
	}
	return n.phandle
}

// resolvePhandles fills in the cells that refer to nodes.
func (u *unit) resolvePhandles(c *check, n *node) {
	for i := 0; i < len(n.props); i++ { // phandleOf may append
		p := n.props[i]
		if p.deleted {
			continue
		}
		for _, m := range p.marks {
			if m.kind != markPhandle {
				continue
			}
			target := u.byRef(m.ref)
			if target == nil {
				if !u.plugin {
					c.failAt(m.pos, n, "Reference to non-existent node or label \"%s\"", m.ref)
				} else {
					binary.BigEndian.PutUint32(p.value[m.off:], math.MaxUint32)
				}
				continue
			}
			binary.BigEndian.PutUint32(p.value[m.off:], u.phandleOf(target))
			target.referenced = true
		}
	}
}

// resolvePaths inserts the paths of the nodes that values refer to.
func (u *unit) resolvePaths(c *check, n *node) {
	for _, p := range n.props {
		if p.deleted || !p.hasPath() {
			continue
		}
		var value []byte
		from := 0
		for i := range p.marks {
			m := &p.marks[i]
			value = append(value, p.value[from:m.off]...)
			from, m.off = m.off, len(value)
			if m.kind != markPath {
				continue
			}
			target := u.byRef(m.ref)
			if target == nil {
				c.failAt(m.pos, n, "Reference to non-existent node or label \"%s\"", m.ref)
				continue
			}
			if !u.grow(len(target.path)+1, m.pos) {
				return
			}
			value = append(append(value, target.path...), 0)
			target.referenced = true
		}
		p.value = append(value, p.value[from:]...)
	}
}

func (p *prop) hasPath() bool {
	for _, m := range p.marks {
		if m.kind == markPath {
			return true
		}
	}
	return false
}
