// SPDX-License-Identifier: GPL-2.0-or-later

package layout_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
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
