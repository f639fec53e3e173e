// SPDX-License-Identifier: GPL-2.0-or-later

package changetest

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"binman/codec"
	"binman/format/ubootenv"
	"binman/internal/testelf"
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
	data []byte   // new contents, decompressed
	file []byte   // what is put in, if it is not that, nor that compressed
	vars []string // that the new environment has, which is made of a text
	bad  bool     // must be refused

	padded bool // of what is put in again: with its padding
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
		for _, e := range s.order {
			if !e.isDir() && !e.isPart() {
				p.targets = append(p.targets, p.same(e, true))
			}
		}
	case n < 3:
		p.kind, p.again = "extract and replace", true
		p.targets = []target{p.same(pick(r, s.order[1:]...), r.IntN(2) == 0)}
	case n < 6 && len(leaves) > 1:
		p.kind, p.dir = "several", true
		for _, i := range r.Perm(len(leaves))[:min(len(leaves), 2+r.IntN(3))] {
			t, _ := st.fresh(r, leaves[i])
			p.targets = append(p.targets, t)
		}
	case n < 11 && len(holders) > 0 && !slices.Contains(st.without, "whole"):
		e := pick(r, holders...)
		t, how := st.fresh(r, e)
		p.kind = "whole " + how
		if other := remake(r, e); other != nil && r.IntN(3) > 0 {
			t.data, p.kind = other, "whole valid"
		}
		p.targets = []target{t}
	case len(leaves) > 0:
		t, how := st.fresh(r, pick(r, leaves...))
		p.kind = "one " + how
		p.targets = []target{t}
	default:
		return st.draw(r, s)
	}
	return p
}

// same returns an entry with what it has: as extract gives it, or without the
// padding that the entry asks for.
func (s *step) same(e *entry, padded bool) target {
	t := target{node: e.node, data: e.contents(), file: e.plain, padded: padded}
	switch {
	case s.has("-C") && (padded || e.node.typ == "blob-ext-list" || e.node.absent): // several pieces, or none
		t.file = e.stored
	case !padded && !e.bare():
		t.file = e.unpadded()
	case s.has("-C"):
		t.file = nil // compressed once more
	}
	return t
}

// fresh returns new contents for an entry, and how large they are compared to
// the old ones.
func (st *state) fresh(r *rand.Rand, e *entry) (t target, how string) {
	t.node = e.node
	if e.node.isTree() && r.IntN(4) > 0 {
		if tree, root := st.describes(e.plain); root != nil {
			tree.Root.SetString("model", strings.Repeat("x", 1+r.IntN(30)))
			tree.Sync()
			t.data = tree.Marshal()
			return t, "device tree"
		}
	}
	n := len(e.contents())
	if e.node.typ == "u-boot-env" {
		return t.environment(r, n)
	}
	switch kind := r.IntN(5); {
	case e.node.stage && kind > 2:
		t.data, how = randomBytes(r, 1+r.IntN(n+40)), "program"
		elf := testelf.File{Entry: 0x10000, Segments: []testelf.Segment{{Address: 0x10000, Data: t.data}}}
		t.file = elf.Bytes()
	case kind == 0:
		t.data, how = randomBytes(r, n), "same size"
	case kind < 3:
		t.data, how = randomBytes(r, r.IntN(n+1)), "smaller"
	case kind == 3:
		t.data, how = randomBytes(r, n+1+r.IntN(40)), "larger"
	default:
		t.data, how = randomBytes(r, n+1+r.IntN(2000)), "much larger"
	}
	return t, how
}

// environment returns what can be put into an entry with an environment of n
// bytes: another one, its source, or what must be refused.
func (t target) environment(r *rand.Rand, n int) (target, string) {
	env := ubootenv.Env{Size: int64(n), Form: ubootenv.Redundant, Flags: byte(r.Uint32()), Vars: []string{}}
	for i := range r.IntN(4) {
		env.Vars = append(env.Vars, fmt.Sprintf("v%d=%x", i, r.Uint32()))
	}
	data, err := env.Marshal()
	switch kind := r.IntN(3); {
	case kind == 0 && err == nil:
		t.data = data
		return t, "environment"
	case kind == 1 && err == nil:
		t.vars, t.file = env.Vars, []byte(strings.Join(env.Vars, "\n"))
		return t, "environment as text"
	}
	t.bad, t.data = true, append([]byte{0xff}, randomBytes(r, r.IntN(n+1))...)
	return t, "no environment"
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
	if t.file != nil || t.vars != nil {
		return t.file, nil
	}
	data := t.data
	if !s.has("-C") {
		return data, nil
	}
	if t.node.prepend && t.node.parent.typ == "cbfs" {
		data = withLength(data) // the CBFS compresses it with that
	}
	if t.node.compress != "" {
		c, err := codec.Lookup(t.node.compress)
		if err != nil {
			return nil, err
		}
		if data, err = c.Compress(data); err != nil {
			return nil, err
		}
	}
	if t.node.prepend && t.node.parent.typ != "cbfs" {
		data = withLength(data)
	}
	return data, nil
}

func withLength(data []byte) []byte {
	return append(binary.LittleEndian.AppendUint32(nil, uint32(len(data))), data...)
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
	if t.bad {
		return ""
	}
	n, e := t.node, before.entries[t.node.path()]
	garbage := n.isSection() && !n.places() && s.kind != "whole valid"
	if garbage || n.isTree() || st.touched(n) {
		return ""
	}
	packed := n.compress != "" || n.squeezed()
	old := e.contents()
	switch {
	case st.collected(n), n.stage && t.file != nil && s.has("-F"):
		// The size of what else a collection holds may not be known, and that of
		// a program cannot be filled up.
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
