// SPDX-License-Identifier: GPL-2.0-or-later

package changetest

import (
	"regexp"
	"slices"
)

// shrink leaves out of a failing case what it does not need: steps, entries,
// and properties. The files of the smallest case are in the directory then.
func (w *worker) shrink(img *image, steps []*step, v *violation) ([]*step, *violation) {
	fails := func(steps []*step) bool {
		now := w.replay(img, steps)
		if now == nil || now.kind() != v.kind() {
			return false
		}
		v = now
		return true
	}
	for progress := true; progress; {
		progress = false
		for i := len(steps) - 2; i >= 0; i-- {
			if fewer := slices.Delete(slices.Clone(steps), i, i+1); fails(fewer) {
				steps, progress = fewer, true
			}
		}
		for _, n := range img.root.all() {
			progress = w.smaller(img, n, steps, func() bool { return fails(steps) }) || progress
		}
	}
	fails(steps)
	return steps, v
}

// numbers are what differs between messages of the program that say the same.
var numbers = regexp.MustCompile(`'[^']*'|[0-9]+|/dev/.*`)

// kind is what a violation has in common with the smaller case.
func (v *violation) kind() string {
	if slices.Contains([]string{refused, "extract", "must"}, v.check) {
		return v.check + numbers.ReplaceAllString(v.text, "")
	}
	return v.check
}

// smaller tries to leave out the node or properties of it.
func (w *worker) smaller(img *image, n *node, steps []*step, fails func() bool) bool {
	if n.parent != nil && !slices.Contains(n.parent.kids, n) && !n.made {
		return false // gone with its parent
	}
	if removable(img, n, steps) {
		kids := n.parent.kids
		n.parent.kids = slices.DeleteFunc(slices.Clone(kids), func(k *node) bool { return k == n })
		if fails() {
			return true
		}
		n.parent.kids = kids
	}
	shrunk := false
	for _, reset := range []func(*node){
		func(n *node) { n.size = unset },
		func(n *node) { n.offset = unset },
		func(n *node) { n.compress = "" },
		func(n *node) { n.hash = false },
		func(n *node) { n.extend = false },
		func(n *node) { n.padBefore = 0 },
		func(n *node) { n.padAfter = 0 },
		func(n *node) { n.minSize = 0 },
		func(n *node) { n.align = 0 },
		func(n *node) { n.alignSize = 0 },
		func(n *node) { n.alignEnd = 0 },
		func(n *node) { n.padByte = 0 },
	} {
		old := *n
		reset(n)
		if equal(&old, n) {
			continue
		}
		if fails() {
			shrunk = true
		} else {
			*n = old
		}
	}
	return shrunk
}

func equal(a, b *node) bool { return slices.Equal(a.common(), b.common()) && a.hash == b.hash }

// removable says whether the description makes sense without a node.
func removable(img *image, n *node, steps []*step) bool {
	if n.parent == nil || n.made || n.typ == "fdtmap" || len(n.parent.kids) == 1 || n.name == "im-1" {
		return false
	}
	for _, s := range steps {
		for _, t := range s.targets {
			if !(s.again && s.dir) && (t.node == n || t.node.in(n)) {
				return false
			}
		}
	}
	return !img.root.any(func(c *node) bool {
		return slices.ContainsFunc(c.collects, func(part *node) bool { return part == n || part.in(n) })
	})
}

// replay builds the image and runs the steps, and returns the violation in the
// last one.
func (w *worker) replay(img *image, steps []*step) *violation {
	st, s, v, err := w.build(img)
	if err != nil || v != nil {
		return v
	}
	for i, p := range steps {
		if p.again {
			p = p.refreshed(s)
		}
		if len(p.targets) == 0 {
			return nil
		}
		if s, _, v, err = w.perform(st, s, p, i+1); err != nil || v != nil {
			if i+1 < len(steps) {
				return nil
			}
			return v
		}
	}
	return nil
}

// refreshed returns the step with what there is now to put in.
func (p *step) refreshed(s *snapshot) *step {
	now := *p
	now.targets = nil
	for _, t := range p.targets {
		if e := s.entries[t.node.path()]; e != nil {
			now.targets = append(now.targets, p.same(e, t.padded))
		}
	}
	return &now
}
