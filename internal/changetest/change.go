// SPDX-License-Identifier: GPL-2.0-or-later

package changetest

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"binman/fdt"
	"binman/format/ubootenv"
)

// changed checks what a step that was done has changed.
func (st *state) changed(s *step, before, after *snapshot) *violation {
	replaced := map[*node]target{}
	for _, t := range s.targets {
		replaced[t.node] = t
	}
	if v := st.outside(s, before, after); v != nil {
		return v
	}
	for _, old := range before.order[1:] {
		n, now := old.node, after.entries[old.Path]
		t, own := replaced[n]
		below := slices.ContainsFunc(s.targets, func(t target) bool { return n.in(t.node) })
		above := slices.ContainsFunc(s.targets, func(t target) bool { return t.node.in(n) })
		if now == nil {
			if below {
				continue
			}
			return failf("gone", n, "is not listed any more")
		}
		var v *violation
		switch {
		case now.Type != old.Type:
			v = failf("type", n, "was %s, is %s", old.Type, now.Type)
		case own && !n.isOurs():
			v = st.replaced(old, now, t, after)
		case below && now.size() == 0 && old.size() != 0:
			v = failf("empty", n, "is listed with size 0, after what holds it was replaced")
		case !below && !above && !st.follows(n, replaced):
			v = st.kept(old, now, before, after)
		}
		if v != nil {
			return v
		}
	}
	return nil
}

// follows says whether binman makes something in the entry anew when other
// entries are replaced. Device trees are looked at by kept.
func (st *state) follows(n *node, replaced map[*node]target) bool {
	return n.any(func(n *node) bool {
		if n.typ != "collection" {
			return n.isOurs()
		}
		return slices.ContainsFunc(n.collects, func(part *node) bool {
			for other := range replaced {
				if other == part || other.in(part) || part.in(other) {
					return true
				}
			}
			return part.holdsTree()
		})
	})
}

// outside checks the bytes around the image, and the size of the file.
func (st *state) outside(s *step, before, after *snapshot) *violation {
	grown := len(after.file) - len(before.file)
	may := st.img.repack && !s.has("-F") && !st.img.embedded() && st.img.root.size == unset
	if grown != 0 && !may {
		return failf("file size", nil, "was %#x, is %#x", len(before.file), len(after.file))
	}
	rest := after.file[min(len(after.file), len(st.img.prefix)+int(after.image().size())):]
	if !bytes.HasPrefix(after.file, st.img.prefix) || !bytes.Equal(rest, st.img.suffix) {
		return failf("outside", nil, "the bytes around the image have changed")
	}
	return nil
}

// replaced checks the contents of an entry that has been given data.
func (st *state) replaced(old, now *entry, t target, after *snapshot) *violation {
	n, data := now.node, t.data
	if t.vars != nil {
		return checkEnvironment(now, t.vars)
	}
	if n.isTree() {
		if want, ok := st.timeless(data, nil); ok {
			if got, _ := st.timeless(now.plain, nil); got != want {
				return failf("new", n, "the device tree is not the one that was put in")
			}
			return nil
		}
	}
	slack := int(n.padBefore + n.padAfter + n.minSize + n.alignSize + n.alignEnd)
	if len(now.plain) > max(len(old.plain), len(data))+slack && !n.extend {
		return failf("new", n, "has %#x bytes now, had %#x, and got %#x", len(now.plain), len(old.plain), len(data))
	}
	want, got, rest := data, now.plain, []byte(nil)
	if !now.bare() {
		outer, _ := n.padBytes()
		want = append(bytes.Repeat([]byte{outer}, int(n.padBefore)), data...)
	}
	hidden := hidden(now, after)
	for i, b := range got {
		switch {
		case hidden[i]:
		case i >= len(want):
			rest = append(rest, b)
		case i < int(n.padBefore) && !now.bare() && i < len(old.plain) && b == old.plain[i]:
		case b != want[i]:
			return failf("new", n, "byte %#x of the %#x bytes that were put in is %#x, not %#x", i, len(data), b, want[i])
		}
	}
	if len(got) < len(want) {
		return failf("new", n, "has %#x of the %#x bytes that were put in", len(got), len(data))
	}
	if !st.fills(rest, old, now) {
		return failf("new", n, "the %#x bytes that were put in are followed by something else: %x", len(data), rest)
	}
	return nil
}

// checkEnvironment checks that an entry is an environment with some variables.
func checkEnvironment(e *entry, vars []string) *violation {
	data := e.contents()
	env, err := ubootenv.ParseForm(bytes.NewReader(data), int64(len(data)), ubootenv.Redundant, false)
	switch {
	case err != nil:
		return failf("new", e.node, "is no environment: %v", err)
	case env.CRC != env.Computed:
		return failf("new", e.node, "has the CRC %#x, not %#x", env.CRC, env.Computed)
	case !slices.Equal(env.Vars, vars):
		return failf("new", e.node, "has the variables %q, not %q", env.Vars, vars)
	}
	return nil
}

// fills says whether what follows new contents is what fills an entry up:
// zeros in place of old contents, then padding, then pad bytes up to the size.
// Padding may stay as it was.
func (st *state) fills(rest []byte, old, e *entry) bool {
	n := e.node
	outer, inner := n.padBytes()
	switch {
	case !n.parent.places():
		return only(rest, 0)
	case e.UncompSize != nil:
		return len(rest) == 0
	case e.bare():
		return true // of a device tree
	}
	after := int(n.padAfter)
	if k := len(rest) - after; k >= 0 && only(rest[:k], 0) && bytes.HasSuffix(old.plain, rest[k:]) {
		return true
	}
	leaf := n.oneFile() && len(e.kids) == 0 // what has lost its parts is no section
	for zeros := 0; zeros+after <= len(rest); zeros++ {
		if zeros > 0 && rest[zeros-1] != 0 {
			return false
		}
		fill := rest[zeros+after:]
		if only(rest[zeros:zeros+after], outer) && (only(fill, inner) || leaf && only(fill, outer)) {
			return true
		}
	}
	return false
}

// only says whether data has no other bytes than b.
func only(data []byte, b byte) bool { return bytes.Count(data, []byte{b}) == len(data) }

// hidden says which bytes of an entry are those of entries over it.
func hidden(e *entry, s *snapshot) map[int]bool {
	bytes := map[int]bool{}
	for _, over := range e.node.parent.kids {
		o := s.entries[over.path()]
		if !over.overlap || o == nil || e.node.overlap {
			continue
		}
		for i := range o.size() {
			bytes[int(*o.Offset-*e.Offset+i)] = true
		}
	}
	return bytes
}

// visible returns data without the bytes that are hidden.
func visible(data []byte, hidden map[int]bool) []byte {
	if len(hidden) == 0 {
		return data
	}
	var out []byte
	for i, b := range data {
		if !hidden[i] {
			out = append(out, b)
		}
	}
	return out
}

// kept checks that an entry which has nothing to do with a step has the same
// contents as before.
func (st *state) kept(old, now *entry, before, after *snapshot) *violation {
	n := now.node
	if n.any((*node).isTree) {
		if !n.isTree() {
			return nil // the tree in it is looked at
		}
		lost := func(path string) bool { return before.entries[path] != nil && after.entries[path] == nil }
		was, ok := st.timeless(old.plain, lost)
		if is, _ := st.timeless(now.plain, nil); ok && is != was {
			return failf("others", n, "the device tree has changed beside positions and hashes")
		} else if ok {
			return nil
		}
	}
	for i, form := range []struct{ was, is []byte }{{old.plain, now.plain}, {old.stored, now.stored}} {
		was, is := visible(form.was, hidden(old, before)), visible(form.is, hidden(now, after))
		packed := i == 1 && n.compress != "" // may have had room to grow
		if n.extend || n.alignEnd > 0 || packed {
			was, is = was[:len(was)-len(fillOf(was, n))], is[:len(is)-len(fillOf(is, n))]
			if n.typ == "fill" {
				was, is = was[:min(1, len(was))], is[:min(1, len(is))]
			}
		}
		if !bytes.Equal(was, is) {
			return failf("others", n, "has other contents, although it was not replaced")
		}
	}
	return nil
}

// timeless returns a device tree that describes the image as text, without
// what binman changes when something moves, nor the nodes of lost entries. It
// is false for anything else.
func (st *state) timeless(blob []byte, lost func(path string) bool) (string, bool) {
	tree, root := st.describes(blob)
	if root == nil {
		return "", false
	}
	var lines []string
	var add func(n *fdt.Node, inside bool)
	add = func(n *fdt.Node, inside bool) {
		inside = inside || n == root
		if inside && lost != nil && lost(strings.TrimPrefix(strings.TrimPrefix(n.Path(), root.Path()), "/")) {
			return
		}
		lines = append(lines, n.Path())
		for _, p := range n.Props {
			if !inside || p.Name != "value" && !slices.Contains(positions, p.Name) {
				lines = append(lines, fmt.Sprintf("%s/%s=%x", n.Path(), p.Name, p.Value))
			}
		}
		for _, sub := range n.Subnodes {
			add(sub, inside)
		}
	}
	add(tree.Root, false)
	slices.Sort(lines)
	return strings.Join(lines, "\n"), true
}
