// SPDX-License-Identifier: GPL-2.0-or-later

package fdt

import (
	"bytes"
	"encoding/hex"
	"flag"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
)

var update = flag.Bool("update", false, "write the golden files")

func base(t testing.TB) *Tree {
	t.Helper()
	data, err := os.ReadFile("testdata/base.dtb")
	if err != nil {
		t.Fatal(err)
	}
	return parse(t, data)
}

func parse(t testing.TB, data []byte) *Tree {
	t.Helper()
	tree, err := Parse(data)
	if err != nil {
		t.Fatal(err)
	}
	return tree
}

// edit applies one line of edits.txt.
func edit(t *testing.T, tree *Tree, line string) {
	t.Helper()
	f := strings.Fields(line)
	var n *Node
	if len(f) > 1 {
		if n = tree.Node(f[1]); n == nil {
			t.Fatalf("%s: no such node", line)
		}
	}
	switch f[0] {
	case "set":
		v, err := hex.DecodeString(f[3])
		if err != nil {
			t.Fatal(err)
		}
		n.SetProp(f[2], v)
	case "delprop":
		n.DeleteProp(f[2])
	case "add":
		n.AddSubnode(f[2])
	case "insert":
		n.InsertSubnode(f[2])
	case "first":
		n.MoveToFirst()
	case "del":
		n.Delete()
	case "copy":
		var list []uint32
		for _, s := range f[2:] {
			ph, err := strconv.ParseUint(s, 0, 32)
			if err != nil {
				t.Fatal(err)
			}
			list = append(list, uint32(ph))
		}
		if err := n.CopySubnodesFromPhandles(list); err != nil {
			t.Fatal(err)
		}
	case "sync":
		tree.Sync()
	case "pack":
		tree.Pack()
	default:
		t.Fatalf("%s: unknown edit", line)
	}
}

func TestEdits(t *testing.T) {
	script, err := os.ReadFile("testdata/edits.txt")
	if err != nil {
		t.Fatal(err)
	}
	_, script, _ = bytes.Cut(script, []byte("\n== "))
	for _, part := range strings.Split(string(script), "\n== ") {
		name, lines, _ := strings.Cut(part, "\n")
		t.Run(name, func(t *testing.T) {
			tree := base(t)
			other := tree.Clone()
			for line := range strings.Lines(lines) {
				if strings.TrimSpace(line) == "" {
					continue
				}
				edit(t, tree, line)
				// A clone at any moment goes on as its original.
				edit(t, other, line)
				other = other.Clone()
			}
			got := tree.Marshal()
			if !bytes.Equal(other.Marshal(), got) {
				t.Error("a clone differs from its original")
			}
			file := filepath.Join("testdata", name+".dtb")
			if *update {
				if err := os.WriteFile(file, got, 0o666); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got, want) {
				t.Errorf("differs from %s:\n%s", file, hex.Dump(got))
			}
		})
	}
}

// A blob whose blocks are out of order, or of version 16, cannot be edited by
// libfdt; it is laid out again first.
func TestEditOddLayouts(t *testing.T) {
	for name, data := range layouts(t) {
		t.Run(name, func(t *testing.T) {
			tree := parse(t, data)
			tree.Root.SetU32("answer", 42)
			tree.Node("/more").Delete()
			tree.Reserve = append(tree.Reserve, Reserve{1 << 32, 4096})
			tree.BootCPU = 7
			tree.Sync()
			again := parse(t, tree.Marshal())
			if v, _, err := again.Root.U32("answer"); v != 42 || err != nil {
				t.Errorf("answer is %d, %v", v, err)
			}
			if again.Node("/more") != nil || again.Node("/firmware/loader") == nil {
				t.Error("wrong nodes")
			}
			if len(again.Reserve) != 2 || again.Reserve[1] != (Reserve{1 << 32, 4096}) || again.BootCPU != 7 {
				t.Errorf("reserve %v, boot CPU %d", again.Reserve, again.BootCPU)
			}
			tree.Reserve = nil
			tree.Sync()
			tree.Pack()
			again = parse(t, tree.Marshal())
			if len(again.Reserve) != 0 || again.Node("/firmware/kernel") == nil {
				t.Error("wrong after pack")
			}
		})
	}
}

// libfdt refuses a node x beside x@1, and one process of adding may meet the
// end of the free space anywhere; neither may fail.
func TestSyncWhereLibfdtFails(t *testing.T) {
	tree := base(t)
	tree.Node("/frame").AddSubnode("tree")
	tree.Sync()
	for size := range 1100 {
		tree.Root.SetProp("fill", make([]byte, size))
		tree.Root.SetProp("new"+strconv.Itoa(size), make([]byte, size%7))
		tree.Root.AddSubnode("n" + strconv.Itoa(size))
		if size%50 == 0 {
			tree.Root.SetProp(strings.Repeat("long", 500)+strconv.Itoa(size), nil)
		}
		tree.Sync()
		if size%100 == 0 {
			again := parse(t, tree.Marshal())
			if again.Node("/frame/tree") == nil || again.Node("/n"+strconv.Itoa(size)) == nil {
				t.Fatal("lost a node")
			}
		}
	}
}

func TestCopyErrors(t *testing.T) {
	tree := base(t)
	for _, c := range []struct {
		name, path string
		phandle    uint32
		want       string
	}{
		{"no such phandle", "/user", 99, "Node '/user': Cannot find node for phandle 99"},
		{"onto itself", "/frame", 1, "Node '/frame': Cannot copy node '/frame' into itself"},
		{"into itself", "/frame/kernel", 1, "Node '/frame/kernel': Cannot copy node '/frame' into itself"},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := tree.Node(c.path).CopySubnodesFromPhandles([]uint32{c.phandle})
			if err == nil || err.Error() != c.want {
				t.Errorf("got %v, want %s", err, c.want)
			}
		})
	}
	if n, err := tree.Node("/user").CopyNode(tree.Node("/frame"), false); err != nil || n.Path() != "/user/frame" || n.Has("phandle") {
		t.Errorf("got %v, %v", n, err)
	}
}

func TestLiveTree(t *testing.T) {
	tree := base(t)
	var paths []string
	for n := range tree.Root.All() {
		paths = append(paths, n.Path())
		if tree.Node(n.Path()) != n {
			t.Errorf("cannot find %s", n.Path())
		}
		if n.Tree() != tree {
			t.Errorf("%s has another tree", n.Path())
		}
	}
	if got, want := strings.Join(paths, " "), "/ /frame /frame/kernel /frame/kernel/digest /frame/tree@1 /firmware /firmware/kernel /firmware/loader /more /more/note /user"; got != want {
		t.Errorf("depth first:\n%s, want\n%s", got, want)
	}
	for _, path := range []string{"", "frame", "//", "/frame/", "/frame/tree", "/frame/kernel/x"} {
		if n := tree.Node(path); n != nil {
			t.Errorf("found %q at %s", path, n.Path())
		}
	}

	// A copy of a template has its phandle too; the number still means the template.
	frame := tree.Node("/frame")
	if _, err := tree.Node("/user").CopyNode(frame, true); err != nil {
		t.Fatal(err)
	}
	if tree.ByPhandle(1) != frame || tree.ByPhandle(2) != tree.Node("/more") || tree.ByPhandle(3) != nil {
		t.Error("wrong phandles after a copy")
	}
	frame.Delete()
	if n := tree.ByPhandle(1); n == nil || n.Path() != "/user/frame" {
		t.Error("wrong phandle after the template went")
	}
	frame.MoveToFirst()
	frame.Delete()
	frame.SetU32("x", 1)
	frame.DeleteProp("align")
	tree.Root.Delete()
	tree.Root.MoveToFirst()
	tree.Root.DeleteProp("none")
	tree.Sync()

	// The blob is as it was synced last; pending additions are not in it.
	before := tree.Marshal()
	p := tree.Root.SetString("model", "x")
	tree.Root.AddSubnode("late").SetStrings("list", "a", "b")
	if !bytes.Equal(tree.Marshal(), before) {
		t.Error("pending edits are in the blob")
	}
	clone := tree.Clone()
	p.Value[0] = 'y'
	tree.Sync()
	if bytes.Equal(tree.Marshal(), before) || !bytes.Equal(clone.Marshal(), before) {
		t.Error("wrong blob after Sync")
	}
	if v, _, _ := clone.Root.Str("model"); v != "x" {
		t.Errorf("the clone's model is %q", v)
	}
	if tree.Root.AddSubnode("late") != tree.Node("/late") || tree.Root.InsertSubnode("late").Path() != "/late" || tree.Root.Subnodes[0].Name != "late" {
		t.Error("a node that exists was made again")
	}
}

// Lookups in a node with many properties and subnodes go through a map.
func TestManyNames(t *testing.T) {
	tree := New()
	n := tree.Root.AddSubnode("many")
	for i := range 3 * indexFrom {
		n.SetU32("p"+strconv.Itoa(i), uint32(i))
		n.AddSubnode("n" + strconv.Itoa(i))
	}
	n.Child("n40").MoveToFirst()
	n.Child("n3").Delete()
	n.DeleteProp("p3")
	n.InsertSubnode("first")
	for _, tree := range []*Tree{tree, parse(t, tree.Marshal()), tree.Clone()} {
		n := tree.Node("/many")
		if n.Child("n3") != nil || n.Has("p3") || n.Subnodes[0].Name != "first" || n.Subnodes[1].Name != "n40" {
			t.Error("wrong names")
		}
		for i := range 3 * indexFrom {
			if i == 3 {
				continue
			}
			if v, ok, err := n.U32("p" + strconv.Itoa(i)); v != uint32(i) || !ok || err != nil {
				t.Errorf("p%d is %d, %v, %v", i, v, ok, err)
			}
			if c := n.Child("n" + strconv.Itoa(i)); c == nil || c.Parent != n {
				t.Errorf("no n%d", i)
			}
		}
	}
}

func TestPos(t *testing.T) {
	if s := (Pos{}).String(); s != "" {
		t.Errorf("zero Pos is %q", s)
	}
	if s := (Pos{"a.dts", 3, 7}).String(); s != "a.dts:3:7" {
		t.Errorf("got %q", s)
	}
}

// Readers may look up names, phandles and bytes at the same time.
func TestConcurrentReads(t *testing.T) {
	tree := New()
	for i := range 100 {
		c := tree.Root.AddSubnode("n" + strconv.Itoa(i))
		c.SetU32("phandle", uint32(i+1))
		tree.Root.SetU32("p"+strconv.Itoa(i), uint32(i))
	}
	want := tree.Clone().Marshal()
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			if n := tree.Node("/n77"); n == nil || tree.ByPhandle(78) != n || !tree.Root.Has("p99") {
				t.Error("wrong lookup")
			}
			if !bytes.Equal(tree.Marshal(), want) {
				t.Error("wrong bytes")
			}
		})
	}
	wg.Wait()
}

func BenchmarkCopyTemplate(b *testing.B) {
	for _, n := range []int{1000, 10_000, 100_000} {
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			for b.Loop() {
				b.StopTimer()
				tree := New()
				from := tree.Root.AddSubnode("template")
				from.SetU32("phandle", 1)
				to := tree.Root.AddSubnode("image")
				for i := range n {
					from.AddSubnode("n"+strconv.Itoa(i)).SetString("type", "fill")
					to.AddSubnode("n"+strconv.Itoa(2*i)).SetU32("size", 1)
				}
				tree.Sync()
				b.StartTimer()
				if err := to.CopySubnodesFromPhandles([]uint32{1}); err != nil {
					b.Fatal(err)
				}
				tree.Sync()
			}
		})
	}
}
