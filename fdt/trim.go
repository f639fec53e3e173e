// SPDX-License-Identifier: GPL-2.0-or-later

package fdt

import "slices"

// SyncStep is Sync, but where the blob is too small it grows by step bytes, as
// often as needed. U-Boot's tools that add keys and signatures (mkimage,
// fdt_add_pubkey) grow a blob by 1024 bytes and start again. They make one
// edit after the other: a caller who wants their bytes syncs after each.
func (t *Tree) SyncStep(step int64) {
	if t.flat == nil {
		t.build()
	}
	t.flat.step = step
	t.Sync()
	t.flat.step = 0
}

// DropStrings makes the strings block anew with the names in use alone, in the
// order of their first use; a name that is the tail of one before it is not
// repeated. Then it packs the blob. Edits still pending are applied first.
func (t *Tree) DropStrings() {
	t.Sync()
	f := t.edit()
	old := f.strs
	f.strs, f.names = nil, nil
	for k := f.list.next; k != &f.list; k = k.next {
		if k.tag != tagProp {
			continue
		}
		name := old[k.nameoff:]
		n := 0
		for name[n] != 0 {
			n++
		}
		off, add := f.name(string(name[:n]))
		if add {
			f.strs = append(f.strs, name[:n+1]...)
		}
		k.nameoff = uint32(off)
	}
	f.pack()
}

// Grow adds n zero bytes of free space to the end of the blob, as opening it
// into a larger buffer does. Edits still pending are applied first.
func (t *Tree) Grow(n int64) {
	t.Sync()
	t.edit().slack.grow(n)
}

// SetPropStep is SetProp, but at once also in the blob, which grows by step
// bytes where it is too small, as often as needed. Other pending edits of the
// same node are applied with it. It takes constant time but for the name, so
// that many edits in a given order do not cost one Sync each.
func (n *Node) SetPropStep(name string, value []byte, step int64) {
	n.SetProp(name, value)
	if n.tree.flat == nil || n.begin == nil {
		n.tree.SyncStep(step)
		return
	}
	f := n.tree.edit()
	f.step = step
	n.syncProps()
	f.step = 0
}

// DeleteSubnodes deletes the subnodes that del chooses, as Delete does, the
// last first. Time is proportional to the number of subnodes and the size of
// those that go.
func (n *Node) DeleteSubnodes(del func(*Node) bool) {
	gone := map[*Node]bool{}
	for _, c := range slices.Backward(n.Subnodes) {
		if !del(c) {
			continue
		}
		gone[c] = true
		if c.begin != nil {
			n.tree.edit().remove(c.begin, c.end)
			n.tree.deleted = true
			c.unsync()
			n.inBlob--
		}
	}
	if len(gone) == 0 {
		return
	}
	n.tree.stale = true
	n.Subnodes = slices.DeleteFunc(n.Subnodes, func(c *Node) bool { return gone[c] })
	n.nodeIndex.Store(nil)
}
