// SPDX-License-Identifier: GPL-2.0-or-later

package layout_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"binman/dts"
	"binman/fdt"
	"binman/format/fdtmap"
	"binman/layout"
)

// tree compiles the nodes of a device tree.
func tree(t testing.TB, nodes string) []byte {
	t.Helper()
	made, err := dts.CompileSource("tree.dts", []byte("/dts-v1/;\n/ {\n"+nodes+"\n};\n"), dts.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return made.Marshal()
}

// props shows the properties of a node that start with one of the names that
// builds write, in order: "offset=4 size=2". Numbers are hexadecimal, those of
// two cells with an underscore between these.
func props(t testing.TB, blob []byte, path string) string {
	t.Helper()
	dt, err := fdt.Parse(blob)
	if err != nil {
		t.Fatal(err)
	}
	node := dt.Node(path)
	if node == nil {
		return "no node"
	}
	written := []string{"offset", "size", "image-pos", "uncomp-size", "orig-offset", "orig-size", "skip-at-start"}
	var list []string
	for _, p := range node.Props {
		for _, name := range written {
			if p.Name != name {
				continue
			}
			v := "none"
			switch len(p.Value) {
			case 4:
				n, _, _ := node.U32(name)
				v = fmt.Sprintf("%x", n)
			case 8:
				n, _, _ := node.U64(name)
				v = fmt.Sprintf("%x_%x", n>>32, uint32(n))
			}
			list = append(list, name+"="+v)
		}
	}
	return strings.Join(list, " ")
}

// A new property goes first, so what is added last is seen first.
func TestPlaceholders(t *testing.T) {
	for _, c := range []struct{ name, body, path, want string }{
		{"an entry", `a { is = "a"; }; b { is = "bb"; };`, "/b", "image-pos=1 size=2 offset=1"},
		{"with an offset", `b { is = "bb"; offset = <4>; };`, "/b", "image-pos=4 size=2 offset=4"},
		{"with all of them", `b { is = "bb"; image-pos = <1>; size = <3>; offset = <4>; };`, "/b", "image-pos=4 size=3 offset=4"},
		{"the image", `a { is = "a"; };`, "", "image-pos=0 size=1 offset=0"},
		{"in a section", `section { offset = <8>; b { is = "bb"; offset = <1>; }; };`, "/section/b", "image-pos=9 size=2 offset=1"},
		{"allow-repack", `allow-repack; b { is = "bb"; };`, "/b", "image-pos=0 size=2 offset=0"},
		{"allow-repack of what is given", `allow-repack; b { is = "bb"; offset = <1>; size = <4>; };`, "/b", "orig-size=4 orig-offset=1 image-pos=1 offset=1 size=4"},
		{"allow-repack and no size", `allow-repack; size = <9>; b { is = "bb"; };`, "", "orig-size=9 image-pos=0 offset=0 size=9"},
		{"compressed", `b { compress = "none"; is = "b"; };`, "/b", "image-pos=0 size=1 offset=0"},
		{"compressed section", `section { compress = "gzip"; b { junk = <100>; }; };`, "/section/b", "size=64 offset=0"},
		{"in a box", `box { b { is = "bb"; }; };`, "/box/b", "image-pos=2 size=2 offset=2"},
		{"skip-at-start", `skip-at-start = <4>; b { is = "bb"; };`, "", "image-pos=0 size=2 offset=0 skip-at-start=4"},
		{"end-at-4gb", `end-at-4gb; size = <16>; b { is = "bb"; };`, "", "skip-at-start=fffffff0 image-pos=0 offset=0 size=10"},
		{"end-at-4gb: entries", `end-at-4gb; size = <16>; b { is = "bb"; };`, "/b", "image-pos=fffffff0 size=2 offset=fffffff0"},
		{"two cells", `skip-at-start = <2 0>; b { is = "bb"; };`, "/b", "image-pos=2_0 size=2 offset=2_0"},
		{"two cells that one can hold", `b { offset = <0 4>; is = "bb"; };`, "/b", "image-pos=4 size=2 offset=4"},
		{"one cell is not enough", `skip-at-start = <0xffffffff>; a { is = "a"; }; b { is = "bb"; };`, "/b", "image-pos=1_0 size=2 offset=1_0"},
		{"aside", `mix { aside { type = "b"; }; };`, "/mix/aside", ""},
		{"in what is aside", `mix { aside { type = "section"; b { }; }; };`, "/mix/aside/b", ""},
		{"aside but shown", `mix { shown { type = "section"; b { }; }; };`, "/mix/shown", "image-pos=0 size=0 offset=0"},
		{"absent", `a { is = "a"; absent = "no"; optional; }; b { is = "bb"; };`, "/a", "image-pos=0 size=1 offset=0"},
		{"made", `maker { names = "x", "yy"; };`, "/maker/yy", "image-pos=1 size=2 offset=1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := build(t, c.body).good(t)
			if got := props(t, r.file(t, "u-boot.dtb.out"), "/binman"+c.path); got != c.want {
				t.Errorf("%s has %s\nwant %s", c.path, got, c.want)
			}
		})
	}
	m := machine{opt: func(o *layout.Options) { o.UpdateFDT = false }}
	if got := props(t, m.build(t, `b { is = "bb"; size = <4>; };`).good(t).file(t, "u-boot.dtb.out"), "/binman/b"); got != "size=4" {
		t.Errorf("without updating device trees: %s", got)
	}
}

// What a container has compressed tells its readers how.
func TestPlaceholdersOfCompressed(t *testing.T) {
	r := build(t, `box { b { len = <100>; box-compress = "gzip"; }; }; c { len = <100>; compress = "lz4"; };`).good(t)
	blob := r.file(t, "u-boot.dtb.out")
	for path, e := range map[string]*layout.Entry{"/binman/box/b": r.entry(t, "box/b"), "/binman/c": r.entry(t, "c")} {
		want := fmt.Sprintf("uncomp-size=64 image-pos=%x size=%x offset=%x", e.ImagePos.Value, e.Size.Value, e.Offset.Value)
		if got := props(t, blob, path); got != want {
			t.Errorf("%s has %s\nwant %s", path, got, want)
		}
	}
	dt, err := fdt.Parse(blob)
	if err != nil {
		t.Fatal(err)
	}
	if s, _, _ := dt.Node("/binman/box/b").Str("compress"); s != "gzip" {
		t.Errorf("compress is %q", s)
	}
}

// splTree is the device tree of an earlier phase: it lacks the entry b, and has
// one that the images lack.
const splTree = `compatible = "spl"; binman { a { align = <4>; }; old { offset = <9>; }; section { c { }; hash { algo = "sha256"; }; }; };`

const treesBody = `allow-repack; a { is = "a"; offset = <4>; }; b { is = "b"; };
	section { c { is = "c"; }; hash { algo = "sha256"; }; }; dtb { }; spl-dtb { };`

// Every device tree that the input has is kept up to date, as far as it has the
// nodes.
func TestSeveralTrees(t *testing.T) {
	m := machine{files: map[string][]byte{"spl/u-boot-spl.dtb": tree(t, splTree)}}
	r := m.build(t, treesBody).good(t)
	full, small := r.file(t, "u-boot.dtb.out"), r.file(t, "u-boot-spl.dtb.out")
	for _, c := range []struct{ path, full, small string }{
		{"/binman/a", "orig-offset=4 image-pos=4 size=1 offset=4", "offset=4 image-pos=4 size=1"},
		{"/binman/b", "image-pos=5 size=1 offset=5", "no node"},
		{"/binman/section/c", "image-pos=6 size=1 offset=0", "image-pos=6 size=1 offset=0"},
		{"/binman/old", "no node", "offset=9"},
	} {
		if got := props(t, full, c.path); got != c.full {
			t.Errorf("%s has %s, want %s", c.path, got, c.full)
		}
		if got := props(t, small, c.path); got != c.small {
			t.Errorf("%s of the small tree has %s, want %s", c.path, got, c.small)
		}
	}
	for _, blob := range [][]byte{full, small} {
		dt, err := fdt.Parse(blob)
		if err != nil {
			t.Fatal(err)
		}
		if v, _ := dt.Node("/binman/section/hash").Bytes("value"); fmt.Sprintf("%x", v) != sum([]byte("c")) {
			t.Errorf("hash %x", v)
		}
	}
	image := r.image(t)
	for name, blob := range map[string][]byte{"dtb": full, "spl-dtb": small} {
		e := r.entry(t, name)
		if !bytes.Equal(image[e.ImagePos.Value:][:e.Size.Value], blob) {
			t.Errorf("the image has another %s", name)
		}
	}
}

// The properties of generated entries go into every tree, too.
func TestGeneratedInTrees(t *testing.T) {
	m := machine{files: map[string][]byte{"spl/u-boot-spl.dtb": tree(t, `binman { maker { }; };`)}}
	r := m.build(t, `maker { names = "x", "y"; align-each = <4>; };`).good(t)
	for _, file := range []string{"u-boot.dtb.out", "u-boot-spl.dtb.out"} {
		dt, err := fdt.Parse(r.file(t, file))
		if err != nil {
			t.Fatal(err)
		}
		node := dt.Node("/binman/maker/y")
		if node == nil {
			t.Fatalf("%s lacks the node", file)
		}
		is, _, _ := node.Str("is")
		align, _, _ := node.U32("align")
		offset, _, _ := node.U32("offset")
		if is != "y" || align != 4 || offset != 4 {
			t.Errorf("%s: is %q, align %d, offset %d", file, is, align, offset)
		}
	}
}

// Entries may edit the trees, before they get placeholders and after.
func TestEditTrees(t *testing.T) {
	m := machine{files: map[string][]byte{"spl/u-boot-spl.dtb": tree(t, `compatible = "spl";`)}}
	r := m.build(t, `editor { early = "dtb"; late = "spl-dtb"; }; dtb { }; spl-dtb { };`).good(t)
	for name, prop := range map[string]string{"dtb": "early", "spl-dtb": "late"} {
		blob := []byte(text(t, r.entry(t, name).Data))
		dt, err := fdt.Parse(blob)
		if err != nil {
			t.Fatal(err)
		}
		if !dt.Root.Has(prop) {
			t.Errorf("%s has no property %s", name, prop)
		}
	}
	// A tree that this build does not have is not edited.
	build(t, `editor { early = "spl-dtb"; late = "spl-dtb"; bad; };`).good(t)
	wantError(t, m.build(t, `editor { late = "spl-dtb"; bad; };`).err, "Node '/binman/editor': told to fail")
	wantError(t, build(t, `section { maker { bad; }; };`).err, "Node '/binman/section/maker': told to fail")
}

// Trees may come from the input as they are.
func TestFakeTrees(t *testing.T) {
	m := machine{
		files: map[string][]byte{"u-boot.dtb": []byte("a tree"), "spl/u-boot-spl.dtb": []byte("no tree")},
		opt:   func(o *layout.Options) { o.FakeDTB = true },
	}
	r := m.build(t, `editor { early = "spl-dtb"; }; dtb { }; spl-dtb { };`)
	if got := string(r.image(t)); got != "a treeno tree" {
		t.Errorf("image %q", got)
	}
	if !r.mainTree(t).Root.Has("early") {
		t.Error("with fake trees there is only the main one")
	}
}

func TestTreeErrors(t *testing.T) {
	good := tree(t, `binman { };`)
	for _, c := range []struct {
		name  string
		files map[string][]byte
		opt   func(*layout.Options)
		body  string
		want  string
	}{
		{"no tree", nil, nil, `spl-dtb { };`, "[Errno 2] No such file or directory: 'spl/u-boot-spl.dtb'"},
		{"a tree that nobody keeps", nil, func(o *layout.Options) { o.Trees = o.Trees[:1] }, `spl-dtb { };`, "[Errno 2] No such file or directory: 'spl-dtb'"},
		{"malformed", map[string][]byte{"spl/u-boot-spl.dtb": good[:50]}, nil, `a { };`, "device tree 'spl/u-boot-spl.dtb': devicetree blob is truncated"},
		{"broken", map[string][]byte{"spl/u-boot-spl.dtb": nil}, nil, `a { };`, "the disk is broken"},
		{"no trees at all", nil, func(o *layout.Options) { o.Trees = nil }, `a { };`, ""},
		{"not in the directories", nil, func(o *layout.Options) { o.Input.Dirs = []string{"dir"} }, `a { };`, ""},
		{"a map in what is aside", nil, nil, `mix { aside { type = "section"; fdtmap { }; }; };`, ""},
	} {
		t.Run(c.name, func(t *testing.T) { wantError(t, machine{c.files, c.opt}.build(t, c.body).err, c.want) })
	}
}

// Templates may take away the node that a hash was for.
func TestHashOfTemplate(t *testing.T) {
	r := machine{}.buildTree(t, `binman { tmpl: template { a { hash { algo = "sha256"; }; }; };
		section { insert-template = <&tmpl>; a { is = "a"; }; }; };`).good(t)
	if got := r.hash(t, "/binman/section/a/hash"); got != sum([]byte("a")) {
		t.Errorf("hash %s", got)
	}
}

// An FDT map of a section tells of that section alone.
func TestMapOfSection(t *testing.T) {
	r := build(t, `a { is = "a"; }; section { b { is = "b"; }; fdtmap { }; };`).good(t)
	blob := text(t, r.entry(t, "section/fdtmap").Data)[fdtmap.HeaderLen:]
	if got := props(t, []byte(blob), "/b"); got != "image-pos=1 size=1 offset=0" {
		t.Errorf("the map says %s", got)
	}
	dt, err := fdt.Parse([]byte(blob))
	if err != nil {
		t.Fatal(err)
	}
	if name, _, _ := dt.Root.Str("image-node"); name != "section" {
		t.Errorf("image-node %q", name)
	}
}
