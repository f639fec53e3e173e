// SPDX-License-Identifier: GPL-2.0-or-later

package dts

import "binman/fdt"

// build makes the tree that callers see from what is not deleted.
func (u *unit) build() *fdt.Tree {
	t := fdt.New()
	t.Reserve = u.reserve
	t.BootCPU = u.bootCPU
	t.Root.Pos = u.root.pos
	fill(t.Root, u.root)
	return t
}

func fill(to *fdt.Node, from *node) {
	for _, p := range from.props {
		if !p.deleted {
			to.SetProp(p.name, p.value).Pos = p.pos
		}
	}
	for _, c := range from.children {
		if !c.deleted {
			n := to.AddSubnode(c.name)
			n.Pos = c.pos
			fill(n, c)
		}
	}
}
