// SPDX-License-Identifier: GPL-2.0-or-later

package fdt

import (
	"bytes"
	"fmt"
	"testing"
)

// A blob grows by whole steps, and only when it has to.
func TestSyncStep(t *testing.T) {
	tree := New()
	tree.Sync()
	start := len(tree.Marshal())
	node := tree.Root.AddSubnode("a")
	for i, test := range []struct{ value, steps int }{{10, 1}, {900, 1}, {100, 2}, {5000, 6}} {
		node.SetProp(fmt.Sprintf("p%d", i), make([]byte, test.value))
		tree.SyncStep(1024)
		if got, want := len(tree.Marshal()), start+test.steps*1024; got != want {
			t.Errorf("after property %d of %d bytes: %d bytes, want %d", i, test.value, got, want)
		}
	}
	node.SetProp("q", make([]byte, 900))
	tree.Sync()
	if got := len(tree.Marshal()); got == start+7*1024 {
		t.Error("Sync keeps to the step of SyncStep")
	}
}

func TestDropStrings(t *testing.T) {
	tree := New()
	a := tree.Root.AddSubnode("a")
	b := tree.Root.AddSubnode("b")
	a.SetProp("unused", nil)
	a.SetProp("reg", []byte{1})
	b.SetProp("xreg", nil)
	b.SetProp("eg", nil)
	b.SetProp("reg", nil)
	tree.Sync()
	a.DeleteProp("unused")
	b.SetProp("later", nil)
	tree.DropStrings()
	again := parse(t, tree.Marshal())
	if got, want := string(again.flat.strs), "reg\x00later\x00xreg\x00"; got != want {
		t.Errorf("strings are %q, want %q", got, want)
	}
	if !equal(tree.Root, again.Root) {
		t.Error("the blob is not the live tree")
	}
	if again.flat.slack.size() != 0 || len(again.flat.gap) != 0 {
		t.Error("the blob is not packed")
	}
}

// DeleteSubnodes does what Delete does, one by one.
func TestDeleteSubnodes(t *testing.T) {
	chosen := func(n *Node) bool { return n.Name == "cpus" || len(n.Props) > 2 }
	one, all := base(t), base(t)
	for _, tree := range []*Tree{one, all} {
		tree.Root.AddSubnode("cpus").SetU32("pending", 1)
		tree.Root.AddSubnode("pending")
	}
	deleted := 0
	for i := len(one.Root.Subnodes) - 1; i >= 0; i-- {
		if n := one.Root.Subnodes[i]; chosen(n) {
			n.Delete()
			deleted++
		}
	}
	all.Root.DeleteSubnodes(chosen)
	if deleted == 0 || !equal(one.Root, all.Root) || !bytes.Equal(one.Marshal(), all.Marshal()) {
		t.Errorf("trees differ after deleting %d nodes", deleted)
	}
	for _, tree := range []*Tree{one, all} {
		tree.Sync()
	}
	if !bytes.Equal(one.Marshal(), all.Marshal()) {
		t.Error("trees differ after Sync")
	}
}
