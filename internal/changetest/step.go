// SPDX-License-Identifier: GPL-2.0-or-later

package changetest

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"binman/codec"
)

// step is one run of replace.
type step struct {
	kind    string
	targets []target
	dir     bool     // with -I, not with -f
	flags   []string // other options
	again   bool     // puts in what extract gave: nothing may change
}

// target is an entry that a step replaces.
type target struct {
	node *node
	data []byte // decompressed
}

func (s *step) has(flag string) bool { return slices.Contains(s.flags, flag) }

// args returns the arguments of the program, for input files below dir.
func (s *step) args(image, dir string) []string {
	args := append([]string{"replace", "-i", image}, s.flags...)
	if s.dir {
		args = append(args, "-I", dir)
	} else {
		args = append(args, "-f", filepath.Join(dir, s.targets[0].node.path()))
	}
	if s.again && s.dir {
		return args // no names are all
	}
	for _, t := range s.targets {
		args = append(args, t.node.command())
	}
	return args
}

// draw draws the next step for an image.
func (st *state) draw(r *rand.Rand, s *snapshot) *step {
	var leaves, holders []*entry
	for _, e := range s.order[1:] {
		switch {
		case e.node.isOurs():
		case e.node.isSection():
			holders = append(holders, e)
		default:
			leaves = append(leaves, e)
		}
	}
	p := &step{}
	for _, option := range []string{"--in-place", "-F", "-m", "-C"} {
		if r.IntN(6) == 0 {
			p.flags = append(p.flags, option)
		}
	}
	switch n := r.IntN(20); {
	case n < 3 && slices.Contains(st.without, "again"):
		return st.draw(r, s)
	case n == 0:
		p.kind, p.again, p.dir = "extract and replace all", true, true
		p.targets = same(slices.DeleteFunc(slices.Clone(s.order), func(e *entry) bool { return e.node.isSection() })...)
	case n < 3:
		p.kind, p.again = "extract and replace", true
		for len(p.targets) == 0 {
			p.targets = same(pick(r, s.order[1:]...))
		}
	case n < 6 && len(leaves) > 1:
		p.kind, p.dir = "several", true
		for _, i := range r.Perm(len(leaves))[:min(len(leaves), 2+r.IntN(3))] {
			data, _ := st.fresh(r, leaves[i])
			p.targets = append(p.targets, target{leaves[i].node, data})
		}
	case n < 11 && len(holders) > 0 && !slices.Contains(st.without, "whole"):
		e := pick(r, holders...)
		data, how := st.fresh(r, e)
		p.kind = "whole " + how
		if other := remake(r, e); other != nil && r.IntN(3) > 0 {
			data, p.kind = other, "whole valid"
		}
		p.targets = []target{{e.node, data}}
	case len(leaves) > 0:
		e := pick(r, leaves...)
		data, how := st.fresh(r, e)
		p.kind = "one " + how
		p.targets = []target{{e.node, data}}
	default:
		return st.draw(r, s)
	}
	return p
}

// same returns entries with the contents that they have.
func same(entries ...*entry) []target {
	var targets []target
	for _, e := range entries {
		if data, ok := e.contents(); ok {
			targets = append(targets, target{e.node, data})
		}
	}
	return targets
}

// fresh returns new contents for an entry, and how large they are compared to
// the old ones.
func (st *state) fresh(r *rand.Rand, e *entry) (data []byte, how string) {
	if e.node.isTree() && r.IntN(4) > 0 {
		if tree, root := st.describes(e.plain); root != nil {
			tree.Root.SetString("model", strings.Repeat("x", 1+r.IntN(30)))
			tree.Sync()
			return tree.Marshal(), "device tree"
		}
	}
	old, _ := e.contents()
	n := len(old)
	switch r.IntN(5) {
	case 0:
		return randomBytes(r, n), "same size"
	case 1, 2:
		return randomBytes(r, r.IntN(n+1)), "smaller"
	case 3:
		return randomBytes(r, n+1+r.IntN(40)), "larger"
	default:
		return randomBytes(r, n+1+r.IntN(2000)), "much larger"
	}
}

// save writes the input files below dir.
func (s *step) save(dir string) error {
	for _, t := range s.targets {
		data, err := t.packed(s)
		if err != nil {
			return err
		}
		name := filepath.Join(dir, t.node.path())
		if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
			return err
		}
		if err := os.WriteFile(name, data, 0o666); err != nil {
			return err
		}
	}
	return nil
}

// packed returns what the input file of a target holds.
func (t target) packed(s *step) ([]byte, error) {
	if !s.has("-C") || t.node.compress == "" {
		return t.data, nil
	}
	c, err := codec.Lookup(t.node.compress)
	if err != nil {
		return nil, err
	}
	return c.Compress(t.data)
}

// must says why a step cannot be refused, or "".
func (st *state) must(s *step, before *snapshot) string {
	if s.again {
		return "the contents are the same"
	}
	// A change may change a compressed device tree, whose size nobody knows.
	grows := func(n *node) bool { return n.isTree() && (n.compress != "" || n.squeezed()) }
	if len(s.targets) != 1 || st.img.root.any(grows) || st.img.root.any(func(n *node) bool { return n.typ == "collection" && n.holdsTree() }) {
		return ""
	}
	t := s.targets[0]
	n, e := t.node, before.entries[t.node.path()]
	garbage := n.isSection() && !n.places() && s.kind != "whole valid"
	if garbage || n.isTree() || st.touched(n) {
		return ""
	}
	packed := n.compress != "" || n.squeezed()
	old, _ := e.contents()
	switch {
	case st.collected(n):
		// The size of what else a collection holds may not be known.
	case !packed && !n.extend && len(t.data) <= len(old):
		return "the contents fit"
	case st.img.repack && !s.has("-F") && !st.img.embedded() && st.free(n):
		return "the image may be packed anew, and nothing in it is fixed"
	}
	return ""
}

// collected says whether the entry is part of a collection.
func (st *state) collected(n *node) bool {
	return st.img.root.any(func(c *node) bool {
		return slices.ContainsFunc(c.collects, func(part *node) bool { return part == n || n.in(part) || part.in(n) })
	})
}

// free says whether the size of an entry is limited by nothing.
func (st *state) free(n *node) bool {
	for ; n != nil; n = n.parent {
		if n.size != unset || n.parent != nil && n.parent.typ == "cbfs" {
			return false
		}
		if slices.ContainsFunc(n.kids, func(k *node) bool { return k.offset != unset || k.extend }) && n.places() {
			return false
		}
	}
	return true
}
