// SPDX-License-Identifier: GPL-2.0-or-later

package layout_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"binman/content"
	"binman/format/fdtmap"
	"binman/layout"
)

// rebuilt builds an image with the file x, replaces its contents in it by
// those that x is to have, and checks that the result is what a build with
// these makes.
func rebuilt(t *testing.T, body, path, before, after string) {
	t.Helper()
	m := machine{files: map[string][]byte{"x": []byte(before), "y": []byte("y")}}
	image := m.build(t, body).image(t)
	got, err := open(t, image).put(t, path, after)
	if err != nil {
		t.Errorf("%s\n%v", body, err)
		return
	}
	m.files["x"] = []byte(after)
	want := m.build(t, body).image(t)
	if !bytes.Equal(got, want) {
		at := 0
		for at < min(len(got), len(want)) && got[at] == want[at] {
			at++
		}
		t.Errorf("%s\nafter replacing %s there are %#x bytes, and from %#x on others than the %#x of a build: %q, not %q\nshape %s\nbuilt %s", body, path,
			len(got), at, len(want), got[at:min(at+40, len(got))], want[at:min(at+40, len(want))], shape(open(t, got).Entry), shape(open(t, want).Entry))
	}
}

// Replacing gives the image that a build with the new contents gives, as long
// as these are not smaller: what is smaller is filled up.
func TestReplaceIsBuilding(t *testing.T) {
	const x, y, end = `x: a { from = "x"; }; `, `y: b { from = "y"; }; `, ` fdtmap { };`
	for _, c := range []struct{ name, path, body string }{
		{"first", "a", x + y + end},
		{"last", "a", y + x + end},
		{"behind the map", "a", `fdtmap { }; ` + x},
		{"with padding", "a", `pad-byte = <0xff>; a { from = "x"; pad-before = <3>; pad-after = <5>; }; ` + y + end},
		{"filled up", "a", `a { from = "x"; pad-before = <3>; pad-after = <5>; align-end = <16>; }; ` + y + end},
		{"aligned", "a", `align-default = <8>; ` + x + y + `c { is = "c"; align = <32>; };` + end},
		{"with places", "a", x + `b { from = "y"; offset = <200>; }; c { is = "c"; };` + end},
		{"of a size", "a", `a { from = "x"; size = <100>; }; ` + y + end},
		{"of a least size", "a", `a { from = "x"; min-size = <20>; align-size = <16>; }; ` + y + end},
		{"in an image of a size", "a", `size = <0x1000>; ` + x + y + end},
		{"in an image that is aligned", "a", `align-size = <0x100>; ` + x + end},
		{"in a section", "section/a", `section { ` + x + y + `}; c { is = "c"; };` + end},
		{"in a section of a size", "section/a", `section { size = <150>; ` + x + y + `}; c { is = "c"; };` + end},
		{"in a section at 4 GiB", "section/a", `section { end-at-4gb; size = <0x200>; ` + x + y + `}; c { is = "c"; };` + end},
		{"in an image at 4 GiB", "a", `end-at-4gb; size = <0x2000>; ` + x + y + end},
		{"in a compressed section", "section/a", `section { compress = "gzip"; ` + x + y + `}; c { is = "c"; };` + end},
		{"compressed", "a", `a { from = "x"; compress = "lz4"; }; ` + y + end},
		{"compressed and padded", "a", `a { from = "x"; compress = "lz4"; pad-before = <2>; align-size = <4>; }; ` + y + end},
		{"in a box", "box/a", `box { wide; ` + x + y + `}; c { is = "c"; };` + end},
		{"in a bag", "bag/a", `bag { wide; ` + x + y + `}; c { is = "c"; };` + end},
		{"compressed in a box", "box/a", `box { wide; a { from = "x"; box-compress = "lz4"; }; ` + y + `}; c { is = "c"; };` + end},
		{"in a compressed box", "box/a", `box { wide; compress = "gzip"; ` + x + y + `}; c { is = "c"; };` + end},
		{"in a section in a box", "box/section/a", `box { wide; section { ` + x + y + `}; c { is = "c"; }; }; c { is = "c"; };` + end},
		{"in a section of a size in a box", "box/section/a", `box { wide; section { size = <120>; ` + x + `}; c { is = "c"; }; }; c { is = "c"; };` + end},
		{"in a section at 4 GiB in a box", "box/section/a", `box { wide; section { end-at-4gb; size = <120>; ` + x + y + `}; c { is = "c"; }; }; c { is = "c"; };` + end},
		{"in a section with padding in a box", "box/section/a", `box { wide; section { pad-before = <2>; pad-after = <3>; min-size = <90>; ` + x + y + `}; c { is = "c"; }; }; c { is = "c"; };` + end},
		{"in a compressed section in a box", "box/section/a", `box { wide; section { compress = "gzip"; ` + x + y + `}; c { is = "c"; }; }; c { is = "c"; };` + end},
		{"in a box in a box", "box/box/a", `box { wide; box { wide; ` + x + y + `}; c { is = "c"; }; }; c { is = "c"; };` + end},
		{"in a box in a bag", "bag/box/a", `bag { wide; box { wide; ` + x + y + `}; c { is = "c"; }; }; c { is = "c"; };` + end},
		{"in a box with properties of a section", "box/a", `box { wide; a { from = "x"; align = <8>; size = <200>; pad-before = <3>; offset = <8>; }; b { from = "y"; offset = <300>; }; }; c { is = "c"; };` + end},
		{"that is wanted", "a", `wants { of = <&x>; }; ` + x + y + end},
		{"that is wanted far away", "section/a", `wants { of = <&s>; }; s: section { ` + x + y + `section { wants { of = <&z>; }; z: c { is = "z"; }; }; };` + end},
		{"that is wanted from a box", "box/a", `wants { of = <&x>; }; box { wide; ` + x + y + `}; c { is = "c"; };` + end},
		{"that is wanted in a box", "a", `box { wide; section { b { is = "b"; }; }; }; wants { of = <&x>; echo; }; ` + x + end},
		{"with hashes", "section/a", `section { a { from = "x"; hash { algo = "sha256"; }; }; hash { algo = "sha256"; }; }; b { from = "y"; hash { algo = "sha256"; }; };` + end},
		{"with a tree", "a", x + `dtb { }; section { dtb { }; };` + end},
		{"with a tree in a box", "a", x + `box { wide; dtb { }; };` + end},
		{"with a hash of a tree", "a", x + `section { dtb { }; hash { algo = "sha256"; }; };` + end},
		{"with a header", "a", `header { }; ` + x + y + end},
		{"with a header at the end", "a", `size = <0x1000>; ` + x + y + `fdtmap { }; header { from-end; offset = <0xff8>; };`},
		{"with a header that moves", "a", x + y + `fdtmap { }; header { from-end; };`},
		{"under an overlap", "a", `a { from = "x"; };` + end + `b { from = "y"; overlap; offset = <2>; };`},
		{"over others", "a", `b { is = "bbbbbbbbbb"; min-size = <200>; }; a { from = "x"; overlap; offset = <2>; }; c { is = "c"; offset = <200>; };` + end},
		{"before a hole", "a", x + `hole { size = <32>; };` + end},
		{"before a hole with others over it", "a", x + `hole { size = <32>; offset = <200>; };` + end + `c { is = "c"; overlap; offset = <202>; };`},
		{"extended", "a", `a { from = "x"; extend-size; }; b { from = "y"; offset = <200>; };` + end},
		{"before one that is extended", "a", `size = <0x1000>; fdtmap { }; ` + x + `b { from = "y"; extend-size; };`},
		{"sorted", "a", `sort-by-offset; b { from = "y"; offset = <300>; }; a { from = "x"; offset = <100>; }; fdtmap { offset = <400>; }; c { is = "c"; offset = <0>; };`},
		{"in a sorted section", "section/a", `section { sort-by-offset; b { from = "y"; offset = <300>; }; a { from = "x"; offset = <10>; }; c { is = "c"; offset = <0>; }; };` + end},
		{"in a sorted section in a box", "box/section/a", `box { wide; section { sort-by-offset; b { from = "y"; offset = <300>; }; a { from = "x"; offset = <10>; }; c { is = "c"; offset = <0>; }; }; };` + end},
		{"with a map of a section", "a", x + `section { ` + y + `fdtmap { }; };` + end},
		{"in a section with a map", "section/a", `section { ` + x + y + `fdtmap { }; };` + end},
		{"under a hole", "a", `a { from = "x"; };` + end + `hole { overlap; offset = <2>; size = <2>; };`},
		{"over a hole", "a", y + `hole { size = <200>; };` + end + `a { from = "x"; overlap; offset = <20>; };`},
		{"before one of a size that fills itself", "a", x + `stretch { is = "s"; size = <2>; extend-size; }; b { from = "y"; offset = <200>; };` + end},
		{"in an aligned section in a box", "box/section/a", `box { wide; d { is = "ddd"; }; section { align = <16>; ` + x + y + `}; c { is = "c"; }; }; c { is = "c"; };` + end},
		{"in a filled section of a size in a box", "box/section/a", `box { wide; section { size = <120>; ` + x + `b { from = "y"; extend-size; }; }; c { is = "c"; }; }; c { is = "c"; };` + end},
		{"in a filled section of a size in a bag", "bag/section/a", `bag { wide; section { size = <120>; ` + x + `b { from = "y"; extend-size; }; }; c { is = "c"; }; }; c { is = "c"; };` + end},
		{"in an aligned section in a bag", "bag/section/a", `bag { wide; d { is = "ddd"; }; section { align = <16>; ` + x + y + `}; c { is = "c"; }; }; c { is = "c"; };` + end},
		{"in a section with everything", "section/a", `section { offset = <64>; pad-byte = <1>; pad-before = <2>; pad-after = <3>; align-size = <8>; skip-at-start = <32>; ` + x + y + `}; c { is = "c"; };` + end},
		{"in what is generated", "maker/a", `maker { names = "n", "m"; ` + x + `};` + end},
		{"with a name-prefix", "section/a", `section { name-prefix = "ro-"; ` + x + y + `};` + end},
		{"that a setter knows", "a", `sets { name-of = "a"; at = <16>; }; a { from = "x"; offset-unset; }; ` + y + end},
		{"in an image with padding", "a", `pad-before = <3>; pad-after = <4>; ` + x + y + end},
		{"with many", "a", x + manyEntries(40) + end},
		{"of no size before", "section/a", `section { ` + x + `}; b { };` + end},
	} {
		t.Run(c.name, func(t *testing.T) {
			rebuilt(t, "allow-repack; "+c.body, c.path, "before", "before")
			rebuilt(t, "allow-repack; "+c.body, c.path, "before", "AFTER!")
			rebuilt(t, "allow-repack; "+c.body, c.path, "before", "a bit longer than before")
			rebuilt(t, "allow-repack; "+c.body, c.path, "before", strings.Repeat("much longer ", 8))
			rebuilt(t, c.body, c.path, "before", "AFTER!")
		})
	}
}

func manyEntries(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "c@%d { is = \"%d\"; align = <%d>; };\n", i, i, 1<<(i%4))
	}
	return b.String()
}

// A hole over others shows what these have, whatever they get; it can have
// contents of its own all the same.
func TestReplaceHoles(t *testing.T) {
	image := build(t, `a { is = "aaaa"; }; fdtmap { }; hole { overlap; offset = <1>; size = <2>; };`).image(t)
	got, err := open(t, image).put(t, "hole", "hh")
	if err != nil {
		t.Fatal(err)
	}
	if o := open(t, got); o.contents(t, "a") != "ahha" || o.contents(t, "hole") != "hh" {
		t.Errorf("a has %q, the hole %q", o.contents(t, "a"), o.contents(t, "hole"))
	}
	if got, err = open(t, got).put(t, "a", "bbbb"); err != nil {
		t.Fatal(err)
	}
	if o := open(t, got); o.contents(t, "a") != "bbbb" || o.contents(t, "hole") != "bb" {
		t.Errorf("a has %q, the hole %q", o.contents(t, "a"), o.contents(t, "hole"))
	}
	// What has been put where there was nothing stays when it moves.
	image = build(t, `allow-repack; a { is = "aaaa"; }; hole { size = <2>; }; fdtmap { };`).image(t)
	if got, err = open(t, image).put(t, "hole", "hh"); err != nil {
		t.Fatal(err)
	}
	if got, err = open(t, got).put(t, "a", "bbbbb"); err != nil {
		t.Fatal(err)
	}
	if o := open(t, got); o.contents(t, "a") != "bbbbb" || o.contents(t, "hole") != "hh" {
		t.Errorf("a has %q, the hole %q", o.contents(t, "a"), o.contents(t, "hole"))
	}
}

// An entry that fills itself can be replaced, and then has what it is given.
func TestReplaceStretched(t *testing.T) {
	const body = `allow-repack; a { is = "a"; }; stretch { is = "s"; size = <2>; extend-size; }; b { is = "b"; offset = <10>; }; fdtmap { };`
	got, err := open(t, build(t, body).image(t)).put(t, "stretch", "gi", "a", "aa")
	if err != nil {
		t.Fatal(err)
	}
	o := open(t, got)
	if s := string(got[:11]); s != "aagi\x00\x00\x00\x00\x00\x00b" {
		t.Errorf("image %q", s)
	}
	// Several passes do not make it grow. Without allow-repack all stays.
	if got, err = o.put(t, "a", "aaaa", "b", "bbbbbbb"); err != nil {
		t.Fatal(err)
	}
	if s := string(got[:12]); s != "aaaagi\x00\x00\x00\x00bb" {
		t.Errorf("image %q", s)
	}
	image := build(t, strings.TrimPrefix(body, "allow-repack;")).image(t)
	if got, err = open(t, image).put(t, "a", "b"); err != nil {
		t.Fatal(err)
	}
	if s := string(got[:11]); s != "bsssssssssb" {
		t.Errorf("image %q", s)
	}
}

// The hash of an entry that reaches up to the next one follows when that changes
// its size: what filled it up is not part of the contents any more.
func TestReplaceStretchedHash(t *testing.T) {
	o := open(t, build(t, `allow-repack; a { is = "a"; }; b { is = "bbbb"; extend-size; `+hashed+`}; c { is = "c"; offset = <10>; }; fdtmap { };`).image(t))
	for _, c := range []struct{ path, data, slot, hashed string }{
		{"b", "bb", "bb\x00\x00\x00\x00\x00\x00\x00", "bb\x00\x00"},
		{"a", "aa", "bb\x00\x00\x00\x00\x00\x00", "bb"},
	} {
		got, err := o.put(t, c.path, c.data)
		if err != nil {
			t.Fatal(err)
		}
		o = open(t, got)
		if s := o.contents(t, "b"); s != c.slot {
			t.Errorf("it has %q, want %q", s, c.slot)
		}
		if v, _ := mapTree(t, got).Node("/b/hash").Bytes("value"); fmt.Sprintf("%x", v) != sum([]byte(c.hashed)) {
			t.Errorf("after a change to %s, the hash is not that of %q", c.path, c.hashed)
		}
	}
}

// Contents that become smaller are filled up, unless the entry has a size of
// its own.
func TestReplaceSmaller(t *testing.T) {
	for _, c := range []struct{ name, body, path, want string }{
		{"in a section", `a { is = "aaaa"; }; b { is = "b"; };`, "a", "n\x00\x00\x00b"},
		{"that may move", `allow-repack; a { is = "aaaa"; }; b { is = "b"; };`, "a", "n\x00\x00\x00b"},
		{"of a size", `allow-repack; pad-byte = <0x2e>; a { is = "aaaa"; size = <5>; }; b { is = "b"; };`, "a", "n\x00\x00\x00\x00b"},
		{"of a size in an image that cannot say so", `pad-byte = <0x2e>; a { is = "aaaa"; size = <5>; }; b { is = "b"; };`, "a", "n\x00\x00\x00\x00b"},
		{"in a box", `box { a { is = "aaaa"; }; c { is = "c"; }; }; b { is = "b"; };`, "box/a", "01n|01c|\x00\x00\x00b"},
		{"in a box that may move", `allow-repack; box { a { is = "aaaa"; }; c { is = "c"; }; }; b { is = "b"; };`, "box/a", "01n|01c|b"},
		{"in a section in a box", `box { section { a { is = "aaaa"; }; c { is = "c"; }; }; }; b { is = "b"; };`, "box/section/a", "05n\x00\x00\x00c|b"},
		{"nothing", `a { is = "aaaa"; }; b { is = "b"; };`, "a=", "\x00\x00\x00\x00b"},
	} {
		t.Run(c.name, func(t *testing.T) {
			path, data := c.path, "n"
			if s, ok := strings.CutSuffix(path, "="); ok {
				path, data = s, ""
			}
			image := build(t, c.body+` fdtmap { };`).image(t)
			got, err := open(t, image).put(t, path, data)
			if err != nil {
				t.Fatal(err)
			}
			if !strings.HasPrefix(string(got), c.want+fdtmap.Magic) {
				t.Errorf("image %q, want %q", got[:len(c.want)+8], c.want)
			}
			o := open(t, got)
			if s := strings.TrimRight(o.contents(t, path), "\x00."); s != data {
				t.Errorf("contents %q", s)
			}
		})
	}
}

// What cannot be replaced, and why not.
func TestReplaceErrors(t *testing.T) {
	const body = `a { is = "aaaa"; }; header { }; section { b { is = "b"; }; c { compress = "gzip"; len = <50>; }; }; box { d { is = "d"; }; e { len = <60>; box-compress = "gzip"; }; };
		section-2 { type = "section"; size = <40>; f { is = "f"; }; }; wrapped { is = "w"; }; fdtmap { };`
	movable, rigid := build(t, "allow-repack; "+body).image(t), build(t, body).image(t)
	bag := build(t, `bag { d { is = "d"; }; }; fdtmap { };`).image(t)
	far := append(bytes.Clone(rigid), "more"...)
	const repack, resize = "Entry data size does not match, but allow-repack is not present for this image", "Entry data size does not match, but resize is disabled"
	for _, c := range []struct {
		name   string
		image  []byte
		fixed  bool
		packed bool
		put    []string
		want   string
	}{
		{"the image", movable, false, false, []string{"", "x"}, "the whole image cannot be replaced as an entry: copy the file instead"},
		{"the map", movable, false, false, []string{"fdtmap", "x"}, "Node '/fdtmap': it is made of the rest of the image, so it cannot be replaced"},
		{"the header", movable, false, false, []string{"header", "x"}, "Node '/header': it is made of the rest of the image"},
		{"too large", rigid, false, false, []string{"a", "aaaaa"}, "Node '/a': " + repack},
		{"too large, not to be resized", movable, true, false, []string{"a", "aaaaa"}, "Node '/a': " + resize},
		{"too large, compressed", rigid, false, false, []string{"section/c", string(junk(100))}, "Node '/section/c': " + repack},
		{"too large in a box", rigid, false, false, []string{"box/d", "dd"}, "Node '/box': " + repack},
		{"too large in a box, not to be resized", movable, true, false, []string{"box/d", "dd"}, "Node '/box/d': " + resize},
		{"too large in a section of a size", movable, false, false, []string{"section-2/f", strings.Repeat("f", 41)}, "Section '/section-2': contents size 0x29 (41) exceeds section size 0x28 (40)"},
		{"with what holds it", movable, false, false, []string{"section", "x", "section/b", "y"}, "Node '/section/b': cannot be replaced together with '/section', which holds it"},
		{"with what holds it, the other way round", movable, false, false, []string{"box/d", "x", "box", "y"}, "Node '/box/d': cannot be replaced together with '/box', which holds it"},
		{"not compressed", movable, false, true, []string{"section/c", "plain"}, "Node '/section/c': cannot decompress"},
		{"not compressed as the box does it", movable, false, true, []string{"box/e", "plain"}, "Node '/box/e': the new data is not compressed as its container does it: cannot decompress"},
		{"followed by more", far, false, false, []string{"box/d", "dd"}, repack},
		{"a bag", bag, false, false, []string{"bag/d", "dd"}, "Node '/bag': " + repack},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := open(t, c.image)
			var list []layout.Replacement
			for i := 0; i < len(c.put); i += 2 {
				e := o.Entry
				if c.put[i] != "" {
					e = o.at(t, c.put[i])
				}
				list = append(list, layout.Replacement{Entry: e, Data: content.String(c.put[i+1]), Compressed: c.packed})
			}
			_, err := o.Replace(list, !c.fixed)
			wantError(t, err, c.want)
		})
	}
	// An image that is followed by something else keeps its size.
	_, err := open(t, append(bytes.Clone(movable), "more"...)).put(t, "a", "much longer than before")
	wantError(t, err, "exceeds section size")
	wantError(t, err, "the image is followed by 0x4 further bytes in its file, so that it cannot grow")
	got, err := open(t, append([]byte("before"), far...)).put(t, "a", "bbbb")
	if err != nil || !bytes.HasPrefix(got, []byte("beforebbbb")) || !bytes.HasSuffix(got, []byte("more")) || len(got) != len(far)+6 {
		t.Errorf("image %q, error %v", got, err)
	}
}

// What an entry has already changes nothing, not even for what cannot be
// replaced.
func TestReplaceSame(t *testing.T) {
	image := build(t, `a { is = "aaaa"; }; b { compress = "gzip"; len = <50>; }; box { c { len = <60>; box-compress = "gzip"; }; }; wrapped { is = "w"; }; header { }; fdtmap { };`).image(t)
	o := open(t, image)
	all, err := o.Select(nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, packed := range []bool{false, true} {
		for _, e := range all[1:] {
			read := o.Contents
			if packed {
				read = o.Stored
			}
			data, err := read(e.Entry)
			if err != nil {
				t.Fatal(err)
			}
			fresh := open(t, image)
			out, err := fresh.replace(t, []layout.Replacement{{Entry: fresh.at(t, e.Path()[1:]), Data: data, Compressed: packed}}, false)
			if err != nil || !bytes.Equal(out, image) {
				t.Errorf("%s, %v: error %v", e.Path(), packed, err)
			}
		}
	}
	if out, err := o.replace(t, nil, true); err != nil || !bytes.Equal(out, image) {
		t.Errorf("error %v", err)
	}
}

// Data that was extracted with the padding of its entry is put back without.
func TestReplacePadded(t *testing.T) {
	image := build(t, `pad-byte = <0x2e>; a { is = "aaaa"; pad-before = <2>; pad-after = <1>; }; section { pad-before = <1>; b { is = "b"; }; }; fdtmap { };`).image(t)
	for _, c := range []struct{ path, data, want string }{
		{"a", "..bbbb.", "..bbbb."}, // as it was extracted
		{"a", "bbbb", "..bbbb."},
		{"a", "bb", "..bb\x00\x00."},
		{"section", ".c", ".c"},
		{"section", "c", ".c"},
	} {
		got, err := open(t, image).put(t, c.path, c.data)
		if err != nil {
			t.Errorf("%q: %v", c.data, err)
			continue
		}
		if s := open(t, got).contents(t, c.path); s != c.want {
			t.Errorf("%q: %s has %q, want %q", c.data, c.path, s, c.want)
		}
	}
	for _, data := range []string{"x.bbbb.", "..bbbbx", ".bbbbbb"} {
		_, err := open(t, image).put(t, "a", data)
		wantError(t, err, "Entry data size does not match")
	}
}

// What ends like the padding of a section is not padding in a format, which
// knows how long its parts are.
func TestReplaceFormatEnds(t *testing.T) {
	m := machine{files: map[string][]byte{"x": []byte("a\x00\x00")}}
	got, err := open(t, m.build(t, `box { wide; a { from = "x"; }; }; fdtmap { };`).image(t)).put(t, "box/a", "a")
	if err != nil {
		t.Fatal(err)
	}
	if s := open(t, got).contents(t, "box/a"); s != "a" {
		t.Errorf("it has %q", s)
	}
}

// Data may come as it is to be stored.
func TestReplaceStored(t *testing.T) {
	const body = `allow-repack; b { compress = "gzip"; len = <50>; }; box { wide; c { len = <60>; box-compress = "lz4"; }; }; wrapped { is = "w"; }; a { is = "a"; };
		section { compress = "gzip"; d { is = "d"; }; }; dtb { compress = "gzip"; }; fdtmap { };`
	image := build(t, body).image(t)
	other := open(t, build(t, strings.NewReplacer("<50>", "<500>", "<60>", "<600>", `"w"`, `"other"`, `"d"`, `"D"`).Replace(body)).image(t))
	for _, path := range []string{"b", "box/c", "wrapped", "section"} {
		data, err := other.Stored(other.at(t, path))
		if err != nil {
			t.Fatal(err)
		}
		o := open(t, image)
		got, err := o.replace(t, []layout.Replacement{{Entry: o.at(t, path), Data: data, Compressed: true}}, true)
		if err != nil {
			t.Errorf("%s: %v", path, err)
			continue
		}
		after := open(t, got)
		e := after.at(t, path)
		if s := after.contents(t, path); s != other.contents(t, path) || (e.Compressed() || e.As.Compress != "") && e.UncompSize != layout.Some(int64(len(s))) {
			t.Errorf("%s has %q of %v bytes", path, s, e.UncompSize)
		}
		if stored, err := after.Stored(e); err != nil || text(t, stored) != text(t, data) {
			t.Errorf("%s is stored as %q, error %v", path, text(t, stored), err)
		}
		for _, other := range []string{"b", "box/c", "wrapped", "section", "a"} {
			if other != path && after.contents(t, other) != o.contents(t, other) {
				t.Errorf("%s has changed %s", path, other)
			}
		}
	}
}

// A container may be replaced as a whole. What the map says is in it is then
// found there, or the map does not say so any more.
func TestReplaceWhole(t *testing.T) {
	const body = `a { is = "a"; }; section { b { is = "b"; }; section { c { is = "c"; }; d { is = "dd"; }; }; }; box { wide; e { is = "e"; }; section { f { is = "f"; }; }; g { is = "g"; box-compress = "gzip"; }; };
		section-2 { type = "section"; compress = "gzip"; h { is = "hhh"; }; }; fdtmap { };`
	for _, c := range []struct{ name, path, data, shape, log string }{
		{"section", "section", "BCDD", "b@0+1 section@1+3(c@0+1 d@1+2)", ""},
		{"section of another size", "section", "BCDDE", "", "Node '/section/b': it is not found in the new contents of '/section', so the map does not show it any more"},
		{"section of less", "section", "BC", "", "Node '/section/section': it is not found"},
		{"box", "box", "0005eeeee|0001F|ffff", "e@4+5 section@e+1(f@0+1) g@?+?", "Node '/box/g': it is not found"},
		{"box with a section of another size", "box", "0005eeeee|0002FF|ffff", "e@4+5 section@e+2() g@?+?", "Node '/box/section/f': it is not found"},
		{"box that is none", "box", "nothing of the kind", "", "Node '/box/e': it is not found"},
		{"compressed section", "section-2", "HHH", "h@0+3", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			want := c.shape
			if strings.Contains(want, " g@?") {
				want, _, _ = strings.Cut(want, " g@?")
			}
			o := open(t, build(t, "allow-repack; "+body).image(t))
			got, err := o.put(t, c.path, c.data)
			if err != nil {
				t.Fatal(err)
			}
			after := open(t, got)
			if s := shape(after.at(t, c.path)); s != want {
				t.Errorf("shape %s, want %s", s, want)
			}
			if s := strings.TrimRight(after.contents(t, c.path), "\x00"); s != c.data {
				t.Errorf("contents %q, want %q", s, c.data)
			}
			if log := o.log.String(); !strings.Contains(log, c.log) || c.log == "" && strings.Contains(log, "not found") {
				t.Errorf("log %q", log)
			}
			// What else there is has not changed, and can go on being replaced.
			for _, path := range []string{"a", "section/b", "section/section/d", "box/section/f", "box/g", "section-2/h"} {
				if !strings.HasPrefix(path, c.path) && after.contents(t, path) != o.contents(t, path) {
					t.Errorf("%s has changed", path)
				}
			}
			if got, err = after.put(t, "a", "longer"); err != nil {
				t.Fatal(err)
			}
			if s := strings.TrimRight(open(t, got).contents(t, c.path), "\x00"); s != c.data {
				t.Errorf("contents %q after another change, want %q", s, c.data)
			}
		})
	}
}
