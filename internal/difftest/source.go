// SPDX-License-Identifier: GPL-2.0-or-later

package difftest

import (
	"fmt"
	"slices"
	"strings"
)

// node is a node of a device tree that is being made.
type node struct {
	label, name string
	props       []string // as in the source, without the semicolon
	subs        []*node
	reserve     bool // the tree begins with a memory reservation

	// Place in the section, from its start, if there is one.
	placed bool
	offset int64
}

func (n *node) add(format string, args ...any) {
	n.props = append(n.props, fmt.Sprintf(format, args...))
}

func (n *node) sub(name string) *node {
	s := &node{name: name}
	n.subs = append(n.subs, s)
	return s
}

func (n *node) child(name string) *node {
	for _, s := range n.subs {
		if s.name == name {
			return s
		}
	}
	return nil
}

// has says whether the node has the property.
func (n *node) has(name string) bool {
	return slices.ContainsFunc(n.props, func(p string) bool {
		return p == name || strings.HasPrefix(p, name+" ")
	})
}

// labelled says whether the node or anything in it has a label.
func (n *node) labelled() bool {
	return n.label != "" || slices.ContainsFunc(n.subs, (*node).labelled)
}

// source returns the tree as device-tree source.
func (n *node) source() string {
	var b strings.Builder
	b.WriteString("/dts-v1/;\n\n")
	if n.reserve {
		b.WriteString("/memreserve/ 0x1000 0x200;\n\n")
	}
	n.write(&b, 0)
	return b.String()
}

func (n *node) write(b *strings.Builder, depth int) {
	tabs := strings.Repeat("\t", depth)
	b.WriteString(tabs)
	if n.label != "" {
		b.WriteString(n.label + ": ")
	}
	b.WriteString(n.name + " {\n")
	for _, p := range n.props {
		b.WriteString(tabs + "\t" + p + ";\n")
	}
	for _, s := range n.subs {
		s.write(b, depth+1)
	}
	b.WriteString(tabs + "};\n")
}

// subset returns a copy of the tree that lacks some nodes without labels.
func (n *node) subset(r random, percent int) *node {
	c := *n
	c.subs = nil
	for _, s := range n.subs {
		if !s.labelled() && r.chance(percent) {
			continue
		}
		c.subs = append(c.subs, s.subset(r, percent))
	}
	return &c
}
