// SPDX-License-Identifier: GPL-2.0-or-later

package fdt

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
)

// What parses marshals to the same bytes; after random edits the blob holds
// the live tree; nothing panics.
func FuzzParse(f *testing.F) {
	files, err := filepath.Glob("testdata/*.dtb")
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range files {
		data, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data, []byte("\x00\x11\x22\x33\x44\x55\x66\x77\x88\x99\xaa\xbb\xcc\xdd\xee\xff"))
	}
	for _, data := range layouts(f) {
		f.Add(data, []byte("edit me, edit me not"))
	}
	f.Fuzz(checkEdits)
}

// checkEdits is the oracle of FuzzParse.
func checkEdits(t *testing.T, data, edits []byte) {
	tree, err := Parse(data)
	if err != nil {
		return
	}
	size, err := TotalSize(data)
	if err != nil || !bytes.Equal(tree.Marshal(), data[:size]) {
		t.Fatalf("unchanged tree gives other bytes (%v)", err)
	}
	clone := tree.Clone()
	mutate(tree, edits)
	checkReread(t, tree.Clone(), edits)
	tree.Sync()
	again, err := Parse(tree.Marshal())
	if err != nil {
		t.Fatal(err)
	}
	if !equal(tree.Root, again.Root) {
		t.Fatal("the blob is not the live tree")
	}
	if !bytes.Equal(clone.Marshal(), data[:size]) {
		t.Fatal("the clone changed")
	}
	mutate(clone, edits)
	clone.Sync()
	if !bytes.Equal(clone.Marshal(), tree.Marshal()) {
		t.Fatal("the clone goes another way")
	}
	tree.Pack()
	packed, err := Parse(tree.Marshal())
	if err != nil {
		t.Fatal(err)
	}
	if !equal(tree.Root, packed.Root) {
		t.Fatal("packing changed the tree")
	}
}

// checkReread compares what is read again with what is parsed.
func checkReread(t *testing.T, tree *Tree, edits []byte) {
	t.Helper()
	again := tree.Clone()
	again.Sync()
	parsed, err := Parse(again.Marshal())
	if rereadErr := tree.Reread(); err != nil || rereadErr != nil {
		if fmt.Sprint(err) != fmt.Sprint(rereadErr) {
			t.Fatalf("error %v, and reading again %v", err, rereadErr)
		}
		return
	}
	for range 2 {
		if !equal(tree.Root, parsed.Root) || !slices.Equal(order(tree), order(parsed)) {
			t.Fatal("reading again gives another tree than parsing")
		}
		mutate(tree, edits)
		mutate(parsed, edits)
		tree.Sync()
		parsed.Sync()
		if !bytes.Equal(tree.Marshal(), parsed.Marshal()) {
			t.Fatal("reading again goes another way than parsing")
		}
	}
}

// order returns the names of all properties, in order.
func order(tree *Tree) []string {
	var names []string
	for n := range tree.Root.All() {
		for _, p := range n.Props {
			names = append(names, n.Path()+":"+p.Name)
		}
	}
	return names
}

// Long random runs of edits, which a fuzzer comes to late.
func TestRandomEdits(t *testing.T) {
	data := layouts(t)
	data["padded"] = base(t).Marshal()
	for name, blob := range data {
		t.Run(name, func(t *testing.T) {
			for seed := range uint64(100) {
				r := rand.New(rand.NewPCG(seed, 0))
				edits := make([]byte, 2*r.IntN(200))
				for i := range edits {
					edits[i] = byte(r.Uint32())
					if i%2 == 1 {
						edits[i] %= 32
					}
				}
				checkEdits(t, blob, edits)
			}
		})
	}
}

// mutate makes edits, two bytes each. It leaves phandles alone so that they
// stay unique.
func mutate(tree *Tree, edits []byte) {
	for len(edits) >= 2 {
		op, where := edits[0], int(edits[1])
		edits = edits[2:]
		var n *Node
		for m := range tree.Root.All() {
			if n = m; where == 0 {
				break
			}
			where--
		}
		value := bytes.Repeat([]byte{op}, int(op)*int(op)/64)
		switch op % 10 {
		case 0, 1:
			n.SetProp("p"+strconv.Itoa(int(op)), value)
		case 2:
			n.AddProp("name"[where%4:], value)
		case 3:
			if len(n.Props) > 0 {
				if p := n.Props[int(op/10)%len(n.Props)]; !isPhandle(p.Name) {
					n.SetProp(p.Name, value)
				}
			}
		case 4:
			if len(n.Props) > 0 {
				n.DeleteProp(n.Props[int(op/10)%len(n.Props)].Name)
			}
		case 5:
			n.AddSubnode("a" + strconv.Itoa(int(op)))
		case 6:
			n.InsertSubnode("i" + strconv.Itoa(int(op)))
		case 7:
			n.MoveToFirst()
		case 8:
			n.Delete()
		case 9:
			tree.Sync()
		}
	}
}
