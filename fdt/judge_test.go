// SPDX-License-Identifier: GPL-2.0-or-later

package fdt

import (
	"bytes"
	"encoding/hex"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"binman/internal/judge"
)

// rebuild copies a live tree into a new one.
func rebuild(tree *Tree) *Tree {
	out := New()
	out.Reserve, out.BootCPU = tree.Reserve, tree.BootCPU
	var fill func(to, from *Node)
	fill = func(to, from *Node) {
		for _, p := range from.Props {
			to.SetProp(p.Name, p.Value)
		}
		for _, c := range from.Subnodes {
			fill(to.AddSubnode(c.Name), c)
		}
	}
	fill(out.Root, tree.Root)
	return out
}

// A tree made by New marshals to what dtc wrote for the same tree. (base.dtb
// is dtc's, with padding.)
func TestNewLikeDtc(t *testing.T) {
	tree := base(t)
	tree.Pack()
	made := rebuild(tree)
	if got, want := made.Marshal(), tree.Marshal(); !bytes.Equal(got, want) {
		t.Errorf("got\n%swant\n%s", hex.Dump(got), hex.Dump(want))
	}
	empty := New().Marshal()
	if want := blobOf(tagBeginNode, 0, tagEndNode, tagEnd); !bytes.Equal(empty[headerSize:], want[headerSize:len(want)-14]) {
		t.Errorf("empty tree is\n%s", hex.Dump(empty))
	}
	made.BootCPU = 3
	made.Pack()
	if made.Sync(); parse(t, made.Marshal()).BootCPU != 3 {
		t.Error("boot CPU is lost")
	}
}

func TestJudgeDtc(t *testing.T) {
	dtc := judge.Need(t, "dtc")
	want, err := exec.Command(dtc, "-q", "-O", "dtb", "testdata/base.dts").Output()
	if err != nil {
		t.Fatal(err)
	}
	if got := rebuild(parse(t, want)).Marshal(); !bytes.Equal(got, want) {
		t.Errorf("got\n%swant\n%s", hex.Dump(got), hex.Dump(want))
	}

	// dtc reads what we write (-f: also a "name" that it dislikes); names found as tails of others and edited
	// places must not confuse it.
	files, err := filepath.Glob("testdata/*.dtb")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		tree := parse(t, data)
		tree.Root.AddSubnode("added").SetString("by", "us")
		tree.Sync()
		cmd := exec.Command(dtc, "-q", "-f", "-s", "-I", "dtb", "-O", "dtb")
		cmd.Stdin = bytes.NewReader(tree.Marshal())
		out, err := cmd.Output()
		if err != nil {
			t.Errorf("%s: %v", file, err)
			continue
		}
		seen := parse(t, out)
		for n := range tree.Root.All() {
			m := seen.Node(n.Path())
			if m == nil || len(m.Props) != len(n.Props) {
				t.Errorf("%s: dtc sees %s in another way", file, n.Path())
				continue
			}
			for _, p := range n.Props {
				if q := m.Prop(p.Name); q == nil || !bytes.Equal(p.Value, q.Value) {
					t.Errorf("%s: dtc sees %s of %s in another way", file, p.Name, n.Path())
				}
			}
		}
	}
}

func TestJudgeFdtget(t *testing.T) {
	fdtget := judge.Need(t, "fdtget")
	tree := base(t)
	tree.Node("/firmware").SetU32("offset", 0x1234)
	tree.Node("/firmware").AddSubnode("x").SetStrings("list", "a", "b")
	tree.Sync()
	file := filepath.Join(t.TempDir(), "x.dtb")
	if err := os.WriteFile(file, tree.Marshal(), 0o666); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ node, prop, format, want string }{
		{"/firmware", "offset", "x", "1234"},
		{"/firmware/x", "list", "s", "a b"},
		{"/firmware/kernel", "filename", "s", "zImage"},
	} {
		out, err := exec.Command(fdtget, "-t", c.format, file, c.node, c.prop).Output()
		if got := strings.TrimSpace(string(out)); got != c.want || err != nil {
			t.Errorf("%s of %s: got %s, %v, want %s", c.prop, c.node, got, err, c.want)
		}
	}
}
