// SPDX-License-Identifier: GPL-2.0-or-later

package dts

import (
	"bytes"
	"fmt"
	"strings"

	"binman/fdt"
)

// check is one check of the tree while it runs.
type check struct {
	u      *unit
	name   string
	warn   bool
	failed bool
}

// fail reports a fault of a node.
func (c *check) fail(n *node, format string, args ...any) {
	c.failAt(n.pos, n, format, args...)
}

// failAt is fail with a position of its own.
func (c *check) failAt(pos fdt.Pos, n *node, format string, args ...any) {
	c.report(pos, n.path, format, args...)
}

// failProp reports a fault of a property.
func (c *check) failProp(n *node, p *prop, format string, args ...any) {
	pos := p.pos
	if pos == (fdt.Pos{}) {
		pos = n.pos
	}
	c.report(pos, n.path+":"+p.name, format, args...)
}

func (c *check) report(pos fdt.Pos, what, format string, args ...any) {
	c.failed = true
	msg := fmt.Sprintf(format, args...)
	if c.warn {
		c.u.warnf(pos, "Warning (%s): %s: %s", c.name, what, msg)
		return
	}
	c.u.errorf(pos, "ERROR (%s): %s: %s", c.name, what, msg)
}

// errorChecks are the checks that fail a compilation, and the steps that
// depend on them, in dtc's order. The first that fails ends the run.
var errorChecks = []struct {
	name string
	node func(*unit, *check, *node)
}{
	{"duplicate_node_names", (*unit).checkNodeNames},
	{"duplicate_property_names", (*unit).checkPropertyNames},
	{"node_name_chars", (*unit).checkNodeChars},
	{"node_name_format", (*unit).checkNodeFormat},
	{"property_name_chars", (*unit).checkPropertyChars},
	{"name_is_string", (*unit).checkNameString},
	{"name_properties", (*unit).checkName},
	{"duplicate_label", nil},
	{"explicit_phandles", (*unit).checkPhandles},
	{"phandle_references", (*unit).resolvePhandles},
	{"path_references", (*unit).resolvePaths},
	{"omit_unused_nodes", (*unit).omitUnused},
}

// check runs all checks.
func (u *unit) check() {
	for _, e := range errorChecks {
		c := &check{u: u, name: e.name}
		if e.node == nil {
			u.checkLabels(c)
		} else {
			u.root.walk(func(n *node) { e.node(u, c, n) })
		}
		if len(u.errs) > 0 {
			return
		}
	}
	u.warn()
}

func (u *unit) checkNodeNames(c *check, n *node) {
	if len(n.children) < 2 {
		return
	}
	// A deletion counts when it follows the node it names in one body,
	// where it deletes nothing.
	seen := make(map[string]bool, len(n.children))
	for _, k := range n.children {
		if seen[k.name] {
			c.failAt(k.pos, &node{path: join(n.path, k.name)}, "Duplicate node name")
		}
		if !k.deleted {
			seen[k.name] = true
		}
	}
}

func join(dir, name string) string {
	if dir == "/" {
		return dir + name
	}
	return dir + "/" + name
}

func (u *unit) checkPropertyNames(c *check, n *node) {
	if len(n.props) < 2 {
		return
	}
	if len(n.props) <= 8 {
		for i, p := range n.props {
			for _, q := range n.props[:i] {
				if !p.deleted && !q.deleted && p.name == q.name {
					c.failProp(n, p, "Duplicate property name")
					break
				}
			}
		}
		return
	}
	seen := make(map[string]bool, len(n.props))
	for _, p := range n.props {
		if p.deleted {
			continue
		}
		if seen[p.name] {
			c.failProp(n, p, "Duplicate property name")
		}
		seen[p.name] = true
	}
}

// badByte returns the index of the first byte of s that is neither letter,
// digit nor in set, or -1.
func badByte(s, set string) int {
	for i := range len(s) {
		if class[s[i]]&(inLabel|inDigit) != 0 && s[i] != '_' {
			continue
		}
		if strings.IndexByte(set, s[i]) < 0 {
			return i
		}
	}
	return -1
}

func (u *unit) checkNodeChars(c *check, n *node) {
	if i := badByte(n.name, ",._+-@"); i >= 0 {
		c.fail(n, "Bad character '%c' in node name", n.name[i])
	}
}

func (u *unit) checkNodeFormat(c *check, n *node) {
	if strings.Contains(n.unit(), "@") {
		c.fail(n, "multiple '@' characters in node name")
	}
}

func (u *unit) checkPropertyChars(c *check, n *node) {
	for _, p := range n.props {
		if p.deleted {
			continue
		}
		if i := badByte(p.name, ",._+*#?-"); i >= 0 {
			c.failProp(n, p, "Bad character '%c' in property name", p.name[i])
		}
	}
}

// oneString reports whether a value is one string with its NUL.
func oneString(b []byte) bool {
	return len(b) > 0 && bytes.IndexByte(b, 0) == len(b)-1
}

func (u *unit) checkNameString(c *check, n *node) {
	if p := n.prop("name"); p != nil && !oneString(p.value) {
		c.failProp(n, p, "property is not a string")
	}
}

// checkName drops a property "name" that says what the node's name says.
func (u *unit) checkName(c *check, n *node) {
	p := n.anyProp("name")
	if p == nil {
		return
	}
	if base := n.base(); string(p.value) != base+"\x00" {
		c.fail(n, "\"name\" property is incorrect (%q instead of base node name)", bytes.TrimRight(p.value, "\x00"))
		return
	}
	p.deleted = true
}

// holder is what a label stands on.
type holder struct {
	node *node
	prop *prop
	mark *mark
}

func (h holder) String() string {
	switch {
	case h.mark != nil:
		return fmt.Sprintf("value of '%s' in %s", h.prop.name, h.node.path)
	case h.prop != nil:
		return fmt.Sprintf("'%s' in %s", h.prop.name, h.node.path)
	}
	return h.node.path
}

// checkLabels finds labels that stand on two things. Of these, a node comes
// before a property and a property before a place in a value.
func (u *unit) checkLabels(c *check) {
	first := make(map[string]holder)
	note := func(name string, h holder) {
		if _, ok := first[name]; !ok {
			first[name] = h
		}
	}
	u.root.walk(func(n *node) {
		for name := range n.labels.live {
			note(name, holder{node: n})
		}
	})
	// Most trees have labels on nodes only.
	visit := func(labels, marks func(string, holder)) {
		u.root.walk(func(n *node) {
			for _, p := range n.props {
				if p.deleted {
					continue
				}
				for name := range p.labels.live {
					labels(name, holder{n, p, nil})
				}
				for i := range p.marks {
					if p.marks[i].kind == markLabel {
						marks(p.marks[i].ref, holder{n, p, &p.marks[i]})
					}
				}
			}
		})
	}
	ignore := func(string, holder) {}
	visit(note, ignore)
	visit(ignore, note)
	compare := func(name string, h holder) {
		if other := first[name]; other != h {
			pos := h.node.pos
			if h.prop != nil {
				pos = h.prop.pos
			}
			c.failAt(pos, h.node, "Duplicate label '%s' on %v and %v", name, h, other)
		}
	}
	u.root.walk(func(n *node) {
		for name := range n.labels.live {
			compare(name, holder{node: n})
		}
	})
	visit(compare, compare)
}

// explicitPhandle returns the number that a property gives the node; 0 when
// there is none yet.
func (u *unit) explicitPhandle(c *check, n *node, name string) uint32 {
	p := n.prop(name)
	if p == nil {
		return 0
	}
	if len(p.value) != 4 {
		c.failProp(n, p, "bad length (%d) %s property", len(p.value), name)
		return 0
	}
	for _, m := range p.marks {
		if m.kind == markPhandle {
			// <&self> asks for a number.
			if u.byRef(m.ref) != n {
				c.fail(n, "%s is a reference to another node", name)
			}
			return 0
		}
	}
	v := uint32(p.value[0])<<24 | uint32(p.value[1])<<16 | uint32(p.value[2])<<8 | uint32(p.value[3])
	if !validPhandle(v) {
		c.failProp(n, p, "bad value (0x%x) in %s property", v, name)
		return 0
	}
	return v
}

func (u *unit) checkPhandles(c *check, n *node) {
	v := u.explicitPhandle(c, n, "phandle")
	old := u.explicitPhandle(c, n, "linux,phandle")
	if v == 0 && old == 0 {
		return
	}
	if v != 0 && old != 0 && v != old {
		c.fail(n, "mismatching 'phandle' and 'linux,phandle' properties")
	}
	if v == 0 {
		v = old
	}
	if other := u.byPhandle(v); other != nil && other != n {
		c.fail(n, "duplicated phandle 0x%x (seen before at %s)", v, other.path)
		return
	}
	n.phandle = v
	u.phandles[v] = n
}

// omitUnused deletes nodes marked /omit-if-no-ref/ that nothing refers to.
func (u *unit) omitUnused(c *check, n *node) {
	if u.opts.Symbols && len(n.labels) > 0 || !n.omit || n.referenced {
		return
	}
	if n == u.root {
		c.fail(n, "the root node cannot be omitted")
		return
	}
	n.delete()
}
