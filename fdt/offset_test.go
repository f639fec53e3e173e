// SPDX-License-Identifier: GPL-2.0-or-later

package fdt

import (
	"bytes"
	"testing"
)

// The value of every property stands where Offset says, before and after
// edits that move it.
func TestPropOffset(t *testing.T) {
	tree := base(t)
	check := func() {
		t.Helper()
		blob := tree.Marshal()
		n := 0
		for node := range tree.Root.All() {
			for _, p := range node.Props {
				off, ok := p.Offset()
				if !ok {
					t.Fatalf("no offset of %s in %s", p.Name, node.Path())
				}
				if got := blob[off : off+int64(len(p.Value))]; !bytes.Equal(got, p.Value) {
					t.Errorf("%s in %s: %x stands at %#x, want %x", p.Name, node.Path(), got, off, p.Value)
				}
				n++
			}
		}
		if n == 0 {
			t.Fatal("no properties")
		}
	}
	check()
	added := tree.Root.SetProp("longer", make([]byte, 33))
	if _, ok := added.Offset(); ok {
		t.Error("a property that is not in the blob has an offset")
	}
	tree.Sync()
	check()
	tree.Root.Subnodes[0].Delete()
	tree.Sync()
	tree.Pack()
	check()

	if _, ok := New().Root.SetProp("a", nil).Offset(); ok {
		t.Error("a property of a tree without a blob has an offset")
	}
}

// A blob with its blocks out of order has no offsets until it is edited.
func TestPropOffsetLoose(t *testing.T) {
	seen := false
	for name, blob := range layouts(t) {
		tree, err := Parse(blob)
		if err != nil {
			t.Fatal(err)
		}
		for node := range tree.Root.All() {
			for _, p := range node.Props {
				off, ok := p.Offset()
				seen = seen || !ok
				if ok && !bytes.Equal(blob[off:off+int64(len(p.Value))], p.Value) {
					t.Errorf("%s: %s in %s does not stand at %#x", name, p.Name, node.Path(), off)
				}
			}
		}
	}
	if !seen {
		t.Error("no layout is out of order")
	}
}
