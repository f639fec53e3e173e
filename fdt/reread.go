// SPDX-License-Identifier: GPL-2.0-or-later

package fdt

import (
	"fmt"
	"slices"
)

// Reread applies all pending edits and puts the properties of all nodes into the order
// of the blob, as reading it again does. A phandle that stands in two nodes is an error,
// as it is for Parse.
func (t *Tree) Reread() error {
	t.Sync()
	for n := range t.Root.All() {
		n.orderProps()
	}
	phandles, err := uniquePhandles(t.Root)
	if err != nil {
		return err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.phandles, t.stale = phandles, false
	return nil
}

// orderProps puts properties of which all are in the blob into its order.
func (n *Node) orderProps() {
	i := 0
	k := n.begin.next
	for ; i < len(n.Props) && n.Props[i].tok == k; k = k.next {
		i++
	}
	if i == len(n.Props) { // as after most edits
		return
	}
	at := make(map[*token]int, len(n.Props))
	for k := n.begin.next; k.tag == tagProp || k.tag == tagNop; k = k.next {
		at[k] = len(at)
	}
	slices.SortFunc(n.Props, func(a, b *Prop) int { return at[a.tok] - at[b.tok] })
}

// uniquePhandles returns the nodes below one that have a phandle, by that.
func uniquePhandles(root *Node) (map[uint32]*Node, error) {
	all := map[uint32]*Node{}
	for n := range root.All() {
		ph := n.Phandle()
		if ph == 0 {
			continue
		}
		if dup := all[ph]; dup != nil {
			return nil, fmt.Errorf("Duplicate phandle %d in nodes %s and %s", ph, dup.Path(), n.Path()) //lint:ignore ST1005 wording of the original
		}
		all[ph] = n
	}
	return all, nil
}
