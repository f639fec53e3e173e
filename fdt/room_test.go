// SPDX-License-Identifier: GPL-2.0-or-later

package fdt_test

import (
	"bytes"
	"fmt"
	"testing"

	"binman/fdt"
)

func nested() *fdt.Tree {
	t := fdt.New()
	for i := range 3 {
		n := t.Root.AddSubnode(fmt.Sprint("n", i))
		n.SetString("description", "of a node")
		n.AddSubnode("sub").SetU32("x", uint32(i))
	}
	t.Sync()
	return t
}

// SetPropStep makes the blob that one SyncStep after each edit makes, with
// values of all lengths, names that are new or not, and free space or none.
func TestSetPropStep(t *testing.T) {
	for _, room := range []int64{0, 30, 5000} {
		at, after := nested(), nested()
		if room > 0 {
			at.Grow(room)
			after.Grow(room)
		}
		for i, name := range []string{"value", "x", "description", "lue", "new", "x"} {
			value := bytes.Repeat([]byte{byte(i + 1)}, 3*i+1)
			for j := range 3 {
				at.Root.Subnodes[j].Subnodes[0].SetPropStep(name, value, 64)
				after.Root.Subnodes[j].Subnodes[0].SetProp(name, value)
				after.SyncStep(64)
			}
		}
		got, want := at.Marshal(), after.Marshal()
		if !bytes.Equal(got, want) {
			t.Errorf("with room of %d: %d bytes differ from %d", room, len(got), len(want))
		}
		if tree, err := fdt.Parse(got); err != nil || len(tree.Node("/n1/sub").Props) != 5 {
			t.Errorf("with room of %d: %v", room, err)
		}
	}
}

// Grow adds free space and nothing else; Pack takes it away again.
func TestGrow(t *testing.T) {
	tree := nested()
	before := tree.Marshal()
	tree.Grow(1000)
	grown := tree.Marshal()
	if len(grown) != len(before)+1000 || !bytes.Equal(grown[40:len(before)], before[40:]) || len(bytes.Trim(grown[len(before):], "\x00")) > 0 {
		t.Errorf("%d bytes became %d", len(before), len(grown))
	}
	tree.Pack()
	if !bytes.Equal(tree.Marshal(), before) {
		t.Error("Pack does not undo Grow")
	}
}

// A property of a node that is not in the blob yet takes the node with it.
func TestSetPropStepPending(t *testing.T) {
	tree := nested()
	tree.Root.AddSubnode("late").SetPropStep("y", []byte("z"), 64)
	again, err := fdt.Parse(tree.Marshal())
	if err != nil {
		t.Fatal(err)
	}
	if n := again.Node("/late"); n == nil || string(n.Prop("y").Value) != "z" {
		t.Error("the node is not there")
	}
}
