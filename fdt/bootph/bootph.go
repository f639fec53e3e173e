// SPDX-License-Identifier: GPL-2.0-or-later

// Package bootph cuts a device tree down to what an early boot phase of U-Boot
// needs.
//
// The phases before U-Boot proper run in little memory, so that they get only
// the nodes that are marked for them, by properties of the boot-phase tags of
// the dt-schema project (bootphases.yaml):
//
//	phase  tag              when
//	tpl    bootph-pre-sram  before static RAM is set up
//	vpl    bootph-verify    when the next phase is verified
//	spl    bootph-pre-ram   before main memory is set up
//	all    bootph-all       in every phase
//
// What stays of a tree:
//
//   - a node with a tag of the phase, all nodes above it, and their properties;
//   - the root with its properties, /chosen and /config with theirs;
//   - the aliases of nodes that stay, and those that lead nowhere.
//
// The tags themselves are removed, and other properties by request, such as
// those that CONFIG_OF_SPL_REMOVE_PROPS names. Names of properties that are
// gone leave the strings block.
//
// This is what U-Boot's build does with two runs of its tool fdtgrep
// (cmd_fdtgrep in scripts/Makefile.lib, tools/fdtgrep.c). [Cut] gives the same
// bytes, with its peculiarities: the blob says that readers of version 2 can
// read it, and that the boot CPU is 0; the aliases are dropped from trees of
// which many separate pieces stay, see maxRegions.
package bootph

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strings"

	"binman/fdt"
)

// tags gives the tag for each phase.
var tags = map[string]string{
	"tpl": "bootph-pre-sram",
	"vpl": "bootph-verify",
	"spl": "bootph-pre-ram",
}

const tagAll = "bootph-all"

// lastCompatible is the oldest version of the format that, as the blob says,
// is compatible with it; in a header it stands at offLastCompatible.
const (
	lastCompatible    = 2
	offLastCompatible = 24
)

// maxRegions bounds the number of separate pieces of a blob with which fdtgrep
// looks for aliases: it starts with a list of this many pieces, and when a
// longer one is needed, or this one is full, does not come to the aliases.
const maxRegions = 100

// Check returns an error unless phase is "tpl", "vpl" or "spl".
func Check(phase string) error {
	if tags[phase] == "" {
		return fmt.Errorf("Invalid U-Boot phase '%s': Use tpl/vpl/spl", phase) //lint:ignore ST1005 wording of the original
	}
	return nil
}

// Cut returns the device tree in blob, a .dtb file, cut down to what the phase
// "tpl", "vpl" or "spl" needs, without the properties named in remove. Time is
// proportional to the size of the blob.
func Cut(blob []byte, phase string, remove ...string) ([]byte, error) {
	if err := Check(phase); err != nil {
		return nil, err
	}
	t, err := fdt.Parse(blob)
	if err != nil {
		return nil, err
	}
	c := cutter{root: t.Root, tag: tags[phase], keep: map[*fdt.Node]bool{}}
	c.mark(t.Root)
	c.keep[t.Root] = true
	for _, name := range []string{"chosen", "config"} {
		// Nodes of one name do not come from a compiler; all are meant.
		for _, n := range t.Root.Subnodes {
			if n.Name == name {
				c.keep[n] = true
			}
		}
	}
	if aliases := t.Root.Child("aliases"); aliases != nil && !c.keep[aliases] && c.regions() < maxRegions {
		c.aliases(aliases)
	}
	c.prune(t.Root)

	drop := append([]string{tagAll, "bootph-pre-ram", "bootph-pre-sram", "bootph-verify"}, remove...)
	for n := range t.Root.All() {
		for _, name := range drop {
			n.DeleteProp(name)
		}
	}
	t.BootCPU = 0
	t.DropStrings()
	out := t.Marshal()
	binary.BigEndian.PutUint32(out[offLastCompatible:], lastCompatible)
	return out, nil
}

// cutter finds what stays of a tree.
type cutter struct {
	root *fdt.Node
	tag  string
	keep map[*fdt.Node]bool
}

// mark keeps the nodes that are for the phase and those above them.
func (c *cutter) mark(n *fdt.Node) bool {
	keep := n.Has(tagAll) || n.Has(c.tag)
	for _, sub := range n.Subnodes {
		if c.mark(sub) {
			keep = true
		}
	}
	if keep {
		c.keep[n] = true
	}
	return keep
}

// regions returns the number of separate pieces of the blob that stay: the
// memory reservations, the strings, and those of the structure, which every
// run of nodes that are dropped divides.
func (c *cutter) regions() int {
	n := 3
	for kept := range c.keep {
		gap := false
		for _, sub := range kept.Subnodes {
			if !c.keep[sub] && !gap {
				n++
			}
			gap = !c.keep[sub]
		}
	}
	return n
}

// aliases keeps the aliases of nodes that stay. Aliases that lead nowhere, and
// properties that are no aliases, stay as well; this alone does not keep an
// empty node.
func (c *cutter) aliases(aliases *fdt.Node) {
	var drop []string
	for _, p := range aliases.Props {
		target := c.resolve(p.Value)
		switch {
		case target == nil || c.keep[target]:
			c.keep[aliases] = true
		default:
			drop = append(drop, p.Name)
		}
	}
	for _, name := range drop {
		aliases.DeleteProp(name)
	}
}

// resolve returns the node that an alias leads to, or nil. As everywhere in
// paths, a unit address can be left out.
func (c *cutter) resolve(alias []byte) *fdt.Node {
	if len(alias) == 0 || alias[0] != '/' || alias[len(alias)-1] != 0 {
		return nil
	}
	path, _, _ := strings.Cut(string(alias), "\x00")
	n := c.root
	for name := range strings.SplitSeq(path, "/") {
		if name == "" {
			continue
		}
		i := slices.IndexFunc(n.Subnodes, func(sub *fdt.Node) bool {
			if sub.Name == name {
				return true
			}
			base, _, _ := strings.Cut(sub.Name, "@")
			return base == name
		})
		if i < 0 {
			return nil
		}
		n = n.Subnodes[i]
	}
	return n
}

// prune deletes what does not stay.
func (c *cutter) prune(n *fdt.Node) {
	n.DeleteSubnodes(func(sub *fdt.Node) bool { return !c.keep[sub] })
	for _, sub := range n.Subnodes {
		c.prune(sub)
	}
}
