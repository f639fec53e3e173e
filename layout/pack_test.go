// SPDX-License-Identifier: GPL-2.0-or-later

package layout_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"binman/layout"
)

// Where entries go. The space between them shows as dots.
func TestPack(t *testing.T) {
	for _, c := range []struct{ name, body, shape, bytes string }{
		{"nothing", ``, "", ""},
		{"one after the other", `a { is = "aaa"; }; b { is = "b"; };`, "a@0+3 b@3+1", "aaab"},
		{"an offset", `a { is = "a"; }; b { is = "b"; offset = <4>; }; c { is = "c"; };`, "a@0+1 b@4+1 c@5+1", "a...bc"},
		{"offset 0", `a { is = "a"; offset = <0>; };`, "a@0+1", "a"},
		{"a size", `a { is = "a"; size = <3>; }; b { is = "b"; };`, "a@0+3 b@3+1", "a..b"},
		{"size 0 is none", `a { is = "a"; size = <0>; }; b { is = "b"; };`, "a@0+1 b@1+1", "ab"},
		{"min-size", `a { is = "a"; min-size = <3>; }; b { is = "bbbb"; min-size = <3>; };`, "a@0+3 b@3+4", "a..bbbb"},
		{"padding", `a { is = "a"; pad-before = <2>; pad-after = <1>; }; b { is = "b"; };`, "a@0+4 b@4+1", "..a.b"},
		{"padding within min-size", `a { is = "a"; pad-before = <2>; min-size = <6>; };`, "a@0+6", "..a..."},
		{"padding within a size", `a { is = "a"; pad-before = <1>; pad-after = <1>; size = <5>; };`, "a@0+5", ".a..."},
		{"align", `a { is = "a"; }; b { is = "b"; align = <4>; }; c { is = "c"; align = <1>; };`, "a@0+1 b@4+1 c@5+1", "a...bc"},
		{"align-size", `a { is = "abc"; align-size = <4>; }; b { is = "b"; };`, "a@0+4 b@4+1", "abc.b"},
		{"align-size of padding", `a { is = "abc"; pad-before = <2>; align-size = <4>; };`, "a@0+8", "..abc..."},
		{"align-end", `a { is = "a"; }; b { is = "b"; align-end = <4>; }; c { is = "c"; };`, "a@0+1 b@1+3 c@4+1", "ab..c"},
		{"align-end that is met", `a { is = "abcd"; align-end = <4>; };`, "a@0+4", "abcd"},
		{"align-default", `align-default = <4>; a { is = "a"; }; b { is = "b"; }; c { is = "c"; align = <2>; };`, "a@0+1 b@4+1 c@6+1", "a...b.c"},
		{"align-default is for one level", `align-default = <4>; a { is = "a"; }; section { b { is = "b"; }; c { is = "c"; }; };`,
			"a@0+1 section@4+2(b@0+1 c@1+1)", "a...bc"},
		{"all at once", `a { is = "a"; }; b { is = "b"; align = <4>; pad-before = <1>; pad-after = <1>; min-size = <5>; align-size = <2>; align-end = <8>; };`,
			"a@0+1 b@4+c", "a....b.........."},

		{"image of a size", `size = <4>; a { is = "a"; };`, "a@0+1", "a..."},
		{"image with padding", `pad-before = <2>; pad-after = <1>; a { is = "a"; };`, "a@0+1", "..a."},
		{"image that is aligned", `align-size = <4>; a { is = "a"; };`, "a@0+1", "a..."},
		{"section of a size", `section { size = <4>; pad-byte = <0x2d>; a { is = "a"; }; }; b { is = "b"; };`, "section@0+4(a@0+1) b@4+1", "a---b"},
		{"section with padding", `section { pad-before = <1>; pad-after = <2>; pad-byte = <0x2d>; a { is = "a"; pad-after = <1>; }; }; b { is = "b"; };`,
			"section@0+5(a@0+2) b@5+1", ".a-..b"},
		{"section of min-size", `section { min-size = <4>; pad-byte = <0x2d>; a { is = "a"; }; };`, "section@0+4(a@0+1)", "a---"},
		{"section that is aligned", `section { align-size = <4>; align = <2>; pad-byte = <0x2d>; a { is = "a"; }; };`, "section@0+4(a@0+1)", "a---"},
		{"empty sections", `section { }; section-1 { type = "section"; size = <2>; pad-byte = <0x2d>; };`, "section@0+0() section-1@0+2()", "--"},
		{"sections in sections", `section { offset = <1>; section { offset = <2>; section { offset = <3>; pad-byte = <0x2d>; a { is = "a"; size = <2>; }; }; }; };`,
			"section@1+7(section@2+5(section@3+2(a@0+2)))", ".\x00\x00\x00\x00\x00a-"},
		{"name-prefix", `name-prefix = "ro-"; a { is = "a"; }; section { b { is = "b"; }; };`, "ro-a@0+1 ro-section@1+1(b@0+1)", "ab"},

		{"hole", `a { hole; size = <2>; }; b { is = "b"; };`, "a@0+2 b@2+1", "..b"},
		{"hole with the byte of its section", `section { pad-byte = <0x2d>; a { hole; size = <2>; }; b { is = "b"; }; };`, "section@0+3(a@0+2 b@2+1)", "--b"},
		{"hole with padding", `a { hole; size = <2>; pad-before = <1>; pad-after = <1>; }; b { is = "b"; };`, "a@0+2 b@2+1", "..b"},
		{"hole of align-size", `a { hole; size = <2>; min-size = <2>; align-size = <2>; }; b { is = "b"; };`, "a@0+2 b@2+1", "..b"},

		{"overlap", `a { is = "aaaaa"; }; b { is = "b"; overlap; offset = <1>; size = <2>; }; c { is = "c"; offset = <5>; };`, "a@0+5 b@1+2 c@5+1", "ab.aac"},
		{"what follows an overlap", `a { is = "aaaaa"; }; b { is = "b"; overlap; offset = <1>; size = <4>; }; c { is = "c"; };`, "a@0+5 b@1+4 c@5+1", "ab...c"},
		{"overlap of several", `a { is = "aa"; }; b { is = "bb"; }; c { is = "cc"; overlap; offset = <1>; };`, "a@0+2 b@2+2 c@1+2", "accb"},
		{"overlap of overlap", `a { is = "aaaa"; }; b { is = "bb"; overlap; offset = <1>; }; c { is = "c"; overlap; offset = <2>; };`, "a@0+4 b@1+2 c@2+1", "abca"},
		{"overlap with padding", `a { is = "aaaa"; }; b { is = "b"; overlap; offset = <0>; pad-before = <1>; };`, "a@0+4 b@0+2", ".baa"},
		{"overlap that is a hole", `a { is = "aaaa"; }; b { hole; overlap; offset = <1>; size = <2>; };`, "a@0+4 b@1+2", "aaaa"},
		{"overlap that is absent", `a { is = "a"; }; b { absent = "no"; optional; overlap; offset = <9>; size = <2>; };`, "a@0+1", "a"},
		{"absent", `a { absent = "no"; optional; is = "aa"; }; b { is = "b"; };`, "b@2+1", "..b"},
		{"absent but not optional", `a { absent = "no"; is = "aa"; }; b { is = "b"; };`, "a@0+2 b@2+1", "aab"},
		{"absent in a section", `section { a { absent = "no"; optional; is = "aa"; }; }; b { is = "b"; };`, "section@0+2() b@2+1", "\x00\x00b"},

		{"extend-size", `a { is = "a"; extend-size; }; b { is = "b"; offset = <4>; };`, "a@0+4 b@4+1", "a...b"},
		{"extend-size to the end", `size = <4>; a { is = "a"; }; b { is = "b"; extend-size; };`, "a@0+1 b@1+3", "ab.."},
		{"extend-size with nothing to do", `a { is = "aa"; extend-size; }; b { is = "b"; };`, "a@0+2 b@2+1", "aab"},
		{"extend-size of several", `size = <8>; a { is = "a"; extend-size; }; b { is = "b"; offset = <3>; extend-size; };`, "a@0+3 b@3+5", "a..b...."},
		{"extend-size of what fills itself", `a { is = "a"; }; stretch { is = "s"; extend-size; }; b { is = "b"; offset = <4>; };`, "a@0+1 stretch@1+3 b@4+1", "asssb"},
		{"extend-size in a section", `section { size = <4>; pad-byte = <0x2d>; a { is = "a"; extend-size; }; };`, "section@0+4(a@0+4)", "a---"},
		{"extend-size of a section", `size = <4>; section { extend-size; pad-byte = <0x2d>; a { is = "a"; }; };`, "section@0+4(a@0+1)", "a---"},
		{"extend-size before an earlier place", `size = <8>; a { is = "a"; offset = <4>; extend-size; }; b { is = "b"; overlap; offset = <0>; };`, "a@4+1 b@0+1", "b...a..."},

		{"skip-at-start", `skip-at-start = <16>; a { is = "a"; }; b { is = "b"; offset = <19>; };`, "a@10+1 b@13+1", "a..b"},
		{"skip-at-start in a section", `a { is = "a"; }; section { skip-at-start = <16>; pad-byte = <0x2d>; b { is = "b"; align = <4>; }; c { is = "c"; align = <4>; }; };`,
			"a@0+1 section@1+5(b@10+1 c@14+1)", "ab---c"},
		{"end-at-4gb", `end-at-4gb; size = <8>; a { is = "a"; }; b { is = "b"; offset = <0xfffffffe>; };`, "a@fffffff8+1 b@fffffffe+1", "a.....b."},
		{"end-at-4gb of a section", `size = <8>; section { end-at-4gb; size = <4>; pad-byte = <0x2d>; a { is = "a"; extend-size; }; };`, "section@0+4(a@fffffffc+4)", "a---...."},
		{"all 4 GiB but little", `end-at-4gb; size = <4>; a { is = "a"; offset = <0xffffffff>; };`, "a@ffffffff+1", "...a"},

		{"sort-by-offset", `sort-by-offset; a { is = "a"; offset = <2>; }; b { is = "b"; offset = <0>; }; c { is = "c"; offset = <1>; };`, "b@0+1 c@1+1 a@2+1", "bca"},
		{"sort-by-offset keeps the order of equals", `sort-by-offset; a { offset = <0>; }; b { offset = <0>; is = "b"; };`, "a@0+0 b@0+1", "b"},
		{"sort-by-offset then extend-size", `sort-by-offset; size = <8>; a { is = "a"; offset = <4>; extend-size; }; b { is = "b"; offset = <0>; extend-size; };`, "b@0+4 a@4+4", "b...a..."},
		{"sort-by-offset with overlap", `sort-by-offset; a { is = "a"; overlap; offset = <1>; }; b { is = "bbb"; offset = <0>; };`, "b@0+3 a@1+1", "bab"},

		{"an entry that places itself", `a { is = "a"; }; jump { to = <4>; }; b { is = "b"; };`, "a@0+1 jump@4+1 b@5+1", "a...Jb"},
		{"an entry that places itself at the next place", `a { is = "a"; }; jump { }; b { is = "b"; };`, "a@0+1 jump@1+1 b@2+1", "aJb"},
		{"an entry that knows another's place", `sets { name-of = "b"; at = <4>; }; b { is = "b"; offset-unset; };`, "sets@0+0 b@4+1", "....b"},
		{"an entry that knows another's size", `a { is = "a"; }; sets { name-of = "a"; size-of = <3>; };`, "a@0+3 sets@3+0", "a.."},
		{"a known place in a section that starts elsewhere", `section { skip-at-start = <16>; a { is = "a"; offset-unset; }; sets { name-of = "a"; at = <0>; }; };`, "section@0+1(a@10+1 sets@11+0)", "a"},

		{"a box", `box { a { is = "aaa"; }; b { is = "b"; }; }; c { is = "c"; };`, "box@0+a(a@2+3 b@8+1) c@a+1", "03aaa|01b|c"},
		{"a box packs what it holds like a section first", `box { a { is = "a"; offset = <16>; align = <16>; size = <8>; }; };`, "box@0+4(a@2+1)", "01a|"},
		{"a bag does not", `bag { a { is = "a"; align = <4>; size = <1>; min-size = <5>; }; };`, "bag@0+4(a@2+1)", "01a|"},
		{"a section in a box", `box { section { a { is = "a"; }; b { is = "b"; offset = <4>; }; }; };`, "box@0+8(section@2+5(a@0+1 b@4+1))", "05a\x00\x00\x00b|"},
		{"a section in a bag", `bag { section { align = <16>; a { is = "a"; }; b { is = "b"; offset = <4>; }; }; };`, "bag@0+8(section@2+5(a@0+1 b@4+1))", "05a\x00\x00\x00b|"},
		{"a box in a box", `box { box { a { is = "a"; }; }; b { is = "b"; }; };`, "box@0+b(box@2+4(a@2+1) b@9+1)", "0401a||01b|"},
		{"nowhere in a box", `box { a { is = "a"; absent = "no"; optional; }; b { is = "b"; }; };`, "box@0+4(b@2+1)", "01b|"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := build(t, "pad-byte = <0x2e>; "+c.body)
			if got := string(r.image(t)); got != c.bytes {
				t.Errorf("image %q, want %q", got, c.bytes)
			}
			if got := shape(r.Images[0].Entry); got != c.shape {
				t.Errorf("shape %s, want %s", got, c.shape)
			}
		})
	}
}

// What packing refuses, and in which words.
func TestPackErrors(t *testing.T) {
	for _, c := range []struct{ name, body, want string }{
		{"align", `a { align = <3>; };`, "Node '/binman/a': Alignment 3 must be a power of two"},
		{"align-size", `a { align-size = <3>; };`, "Node '/binman/a': Alignment size 3 must be a power of two"},
		{"align-end", `a { align-end = <6>; };`, "Node '/binman/a': Alignment of end 6 must be a power of two"},
		{"align-default", `section { align-default = <7>; };`, "Node '/binman/section': Alignment 7 must be a power of two"},
		{"align of an image", `align = <3>;`, "Node '/binman': Alignment 3 must be a power of two"},
		{"pad-byte", `section { pad-byte = <0x100>; };`, "Node '/binman/section': pad-byte 0x100 does not fit in a byte"},
		{"too small", `a { is = "aaa"; size = <2>; };`, "Node '/binman/a': Entry contents size is 0x3 (3) but entry size is 0x2 (2)"},
		{"too small for padding", `a { is = "a"; size = <2>; pad-after = <2>; };`, "Node '/binman/a': Entry contents size is 0x3 (3) but entry size is 0x2 (2)"},
		{"min-size and size", `a { is = "a"; size = <2>; min-size = <4>; };`, "Node '/binman/a': Entry contents size is 0x4 (4) but entry size is 0x2 (2)"},
		{"size and align-size", `a { size = <3>; align-size = <2>; };`, "Node '/binman/a': Size 0x3 (3) does not match align-size 0x2 (2)"},
		{"offset and align", `a { offset = <3>; align = <2>; };`, "Node '/binman/a': Offset 0x3 (3) does not match align 0x2 (2)"},
		{"placed, not aligned", `jump { to = <3>; }; sets { name-of = "a"; at = <1>; }; a { align = <4>; };`, "Node '/binman/a': Offset 0x1 (1) does not match align 0x4 (4)"},
		{"section and align-size", `section { size = <3>; align-size = <2>; };`, "Section '/binman/section': Size 0x3 (3) does not match align-size 0x2 (2)"},
		{"section too small", `section { size = <2>; a { is = "aaa"; }; };`, "Section '/binman/section': contents size 0x3 (3) exceeds section size 0x2 (2)"},
		{"image too small", `size = <2>; a { is = "aaa"; };`, "Section '/binman': contents size 0x3 (3) exceeds section size 0x2 (2)"},
		{"overlap", `a { is = "aaa"; }; b { is = "b"; offset = <2>; };`, "Node '/binman/b': Offset 0x2 (2) overlaps with previous entry '/binman/a' ending at 0x3 (3)"},
		{"order", `a { is = "a"; offset = <4>; }; b { is = "b"; offset = <0>; };`, "Node '/binman/b': Offset 0x0 (0) overlaps with previous entry '/binman/a' ending at 0x5 (5)"},
		{"outside", `section { size = <4>; a { overlap; hole; offset = <2>; size = <3>; }; };`, "Offset 0x2 (2) ending at 0x5 (5) must overlap with existing entries"},
		{"before the start", `skip-at-start = <4>; a { is = "aa"; offset = <3>; };`,
			"Node '/binman/a': Offset 0x3 (3) size 0x2 (2) is outside the section '/binman' starting at 0x4 (4) of size 0x2 (2)"},
		{"overlaps nothing", `a { is = "a"; }; b { is = "bb"; overlap; offset = <1>; };`, "Node '/binman/b': Offset 0x1 (1) ending at 0x3 (3) must overlap with existing entries"},
		{"overlaps before the start", `skip-at-start = <4>; a { is = "aaaa"; }; b { is = "b"; overlap; offset = <3>; };`, "Node '/binman/b': Offset 0x3 (3) ending at 0x4 (4) must overlap with existing entries"},
		{"nothing to extend to", `a { is = "a"; extend-size; };`, "Node '/binman/a': extend-size needs a later entry or a section with a size to extend to"},
		{"extends badly", `stretch { is = "s"; bad; extend-size; }; a { offset = <4>; };`, "Node '/binman/stretch': told to fail"},
		{"offset-unset", `a { offset-unset; };`, "Node '/binman/a': No offset set with offset-unset: should another entry provide this correct offset?"},
		{"end-at-4gb without size", `end-at-4gb;`, "Image '/binman': Section size must be provided when using end-at-4gb"},
		{"end-at-4gb with skip-at-start", `end-at-4gb; size = <16>; skip-at-start = <1>;`, "Image '/binman': Provide either 'end-at-4gb' or 'skip-at-start'"},
		{"end-at-4gb of too much", `end-at-4gb; size = <1 1>;`, "Image '/binman': Section size 0x100000001 does not fit below 4GB"},
		{"below end-at-4gb", `end-at-4gb; size = <16>; a { is = "a"; offset = <0>; };`, "Node '/binman/a': Offset 0x0 (0) size 0x1 (1) is outside the section '/binman' starting at 0xfffffff0"},
		{"placer", `jump { bad; };`, "Node '/binman/jump': told to fail"},
		{"offset setter", `section { sets { bad; }; };`, "Node '/binman/section/sets': told to fail"},
		{"offset of nothing", `section { sets { name-of = "x"; }; };`, "Section '/binman/section': Unable to set offset/size for unknown entry 'x'"},
		{"larger than any image", `a { offset = <0x100 1>; };`, "Node 'a' property 'offset' is 0x10000000001: larger than any image"},
		{"sizes larger than any image", `a { size = <0x100 0>; offset = <0x100 0>; }; b { };`, "Node '/binman/b': Offset 0x20000000000 and size 0x0 are larger than any image"},
		{"padding larger than any image", `a { pad-before = <0x100 0>; pad-after = <1>; };`, "Node '/binman/a': Offset 0x0 and size 0x10000000001 are larger than any image"},
		{"a section larger than any image", `section { a { size = <0x100 0>; }; b { size = <1>; }; };`, "Node '/binman/section': Contents of 0x10000000001 bytes are larger than any image"},
		{"a box that is too large", `box { lie = "huge"; };`, "Node '/binman/box': Contents of 0x10000000001 bytes are larger than any image"},
		{"a box that cannot be made", `box { fear = "making"; };`, "Node '/binman/box': told to fail"},
		{"a box without children", `box { fear = "children"; };`, "Node '/binman/box': told to fail"},
		{"a box in a box that cannot be made", `box { box { fear = "making"; }; };`, "Node '/binman/box/box': told to fail"},
		{"a section in a box that does not fit", `bag { section { size = <1>; a { is = "aa"; }; }; };`, "Section '/binman/bag/section': contents size 0x2 (2) exceeds section size 0x1 (1)"},
	} {
		t.Run(c.name, func(t *testing.T) { wantError(t, build(t, c.body).err, c.want) })
	}
}

// What does not fit is shown in a map, if there is to be one.
func TestPackErrorMap(t *testing.T) {
	mapped := func(o *layout.Options) { o.WriteMap = true }
	r := machine{opt: mapped}.build(t, `a { is = "aaa"; }; b { is = "b"; offset = <2>; };`)
	wantError(t, r.err, "overlaps")
	want := "ImagePos    Offset      Size  Name\n<none>    00000000  00000004  image\n<none>     00000000  00000003  a\n<none>     00000002  00000001  b\n"
	if got := string(r.file(t, "image.map")); got != want {
		t.Errorf("map:\n%s", got)
	}
	if !strings.HasPrefix(r.out.String(), "Wrote map file '") || !strings.Contains(r.out.String(), "image.map' to show errors\n") {
		t.Errorf("output %q", r.out.String())
	}
	// A map that cannot be written does not hide what is wrong.
	r = machine{opt: mapped}.prepare(t, `binman { a { is = "aaa"; size = <1>; }; };`)
	if err := os.Mkdir(filepath.Join(r.dir, "image.map"), 0o777); err != nil {
		t.Fatal(err)
	}
	err := r.Run()
	wantError(t, err, "Entry contents size")
	wantError(t, err, "image.map")
}

// Positions in the image: nothing in what is compressed has one.
func TestImagePos(t *testing.T) {
	r := build(t, `pad-byte = <0x2e>; a { is = "a"; };
		section { offset = <4>; skip-at-start = <16>; b { is = "b"; offset = <18>; };
			section { compress = "lz4"; c { is = "c"; }; }; };
		box { d { is = "d"; }; e { is = "e"; box-compress = "gzip"; };
			section { box-compress = "lz4"; f { is = "f"; }; }; };`).good(t)
	for path, want := range map[string]string{
		"a": "0", "section": "4", "section/b": "16", "section/section": "17", "section/section/c": "?",
		"box/d": "?", "box/section/f": "?",
	} {
		if path == "box/d" {
			box := r.entry(t, "box")
			want = hex(layout.Some(box.ImagePos.Value + 2))
		}
		if got := hex(r.entry(t, path).ImagePos); got != want {
			t.Errorf("%s is at %s, want %s", path, got, want)
		}
	}
}
