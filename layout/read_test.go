// SPDX-License-Identifier: GPL-2.0-or-later

package layout_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"binman/fdt"
	"binman/layout"
)

// How entries get their types and names.
func TestTypes(t *testing.T) {
	for _, c := range []struct{ name, body, want string }{
		{"of the node", `a { };`, "a a"},
		{"of the property", `thing { type = "a"; };`, "thing a"},
		{"with a unit address", `a@1 { };`, "a@1 a@1"},
		{"with a unit address in the property", `thing { type = "a@1"; };`, "thing a@1"},
		{"with an underscore", `spl_dtb { };`, "spl_dtb spl_dtb"},
		{"of special nodes", `hash-x { }; cipher { }; signature@1 { }; template { }; templates { }; a { };`, "a a"},
		{"none", `any { };`, "Unknown entry type 'any' in node '/binman/any' (expected etype/any.py, error 'no such entry type')"},
		{"near another", `sextion { };`, "; did you mean 'section'?"},
		{"near but short", `bo { };`, "; did you mean 'b'?"},
		{"near two letters", `bixx { };`, "(expected etype/bixx.py, error 'no such entry type')"},
		{"swapped", `pieec { };`, "; did you mean 'piece'?"},
		{"dashes", `some-thing { };`, "(expected etype/some_thing.py, error"},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := machine{opt: func(o *layout.Options) { o.UpdateFDT = false }}
			if c.name == "with an underscore" {
				m.files = map[string][]byte{"spl/u-boot-spl.dtb": tree(t, "")}
			}
			r := m.build(t, c.body)
			if strings.Contains(c.want, "ntry type") || strings.Contains(c.want, "did you") || strings.Contains(c.want, "expected") {
				wantError(t, r.err, c.want)
				var unknown *layout.UnknownTypeError
				if !errors.As(r.err, &unknown) || unknown.Pos.Line == 0 {
					t.Errorf("error %#v", r.err)
				}
				return
			}
			r.good(t)
			var got []string
			for _, e := range r.Images[0].Entry.Entries() {
				got = append(got, e.Name+" "+e.TypeName)
			}
			if s := strings.Join(got, ", "); s != c.want {
				t.Errorf("entries %s, want %s", s, c.want)
			}
		})
	}
}

// expandable returns types of which blob has an expanded form.
func expandable(expands func(*layout.Context) bool) layout.Types {
	return with(layout.TypeInfo{Name: "blob-expanded", Expands: expands, New: func() layout.Type { return &maker{Names: []string{"made"}} }})
}

// Types with an expanded form are used in that unless something speaks against
// it.
func TestExpanded(t *testing.T) {
	no := func(*layout.Context) bool { return false }
	for _, c := range []struct {
		name    string
		expands func(*layout.Context) bool
		use     bool
		body    string
		want    string // the type
		log     string
	}{
		{"always", nil, true, `blob { };`, "blob-expanded", "Node '/binman/blob': etype 'blob': blob-expanded selected"},
		{"not wanted", nil, false, `blob { };`, "blob", ""},
		{"not here", nil, true, `blob { no-expanded; };`, "blob", ""},
		{"not this one", no, true, `blob { };`, "blob", "Node '/binman/blob': etype 'blob': blob-expanded not selected"},
		{"by name", nil, false, `blob-expanded { };`, "blob-expanded", ""},
		{"by another node's name", nil, true, `thing { type = "blob"; };`, "blob-expanded", "etype 'blob': blob-expanded selected"},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := machine{opt: func(o *layout.Options) {
				o.Types = expandable(c.expands)
				o.UseExpanded = c.use
				o.Log.Level = layout.Debug
			}}
			r := m.build(t, c.body).good(t)
			if got := r.Images[0].Entry.Entries()[0].TypeName; got != c.want {
				t.Errorf("type %s, want %s", got, c.want)
			}
			if !strings.Contains(r.out.String(), c.log) || c.log == "" && strings.Contains(r.out.String(), "selected") {
				t.Errorf("log %q", r.out.String())
			}
		})
	}
	// An expanded form in an image is known by what it holds.
	m := machine{opt: func(o *layout.Options) { o.Types = expandable(nil); o.UseExpanded = true }}
	image := m.build(t, `blob { }; b1: blob-1 { type = "blob"; no-expanded; is = "b"; }; fdtmap { };`).image(t)
	o, err := openWith(image, expandable(nil), nil)
	if err != nil {
		t.Fatal(err)
	}
	if got := shape(o.Entry); !strings.HasPrefix(got, "blob@0+4(made@0+4) blob-1@4+1 ") {
		t.Errorf("opened: %s", got)
	}
}

// One description may be of several images.
func TestSeveralImages(t *testing.T) {
	const body = `multiple-images; one { a { is = "a"; }; }; template-x { y { }; }; two { filename = "2.rom"; symlink = "two"; b { is = "bb"; }; };`
	r := build(t, body).good(t)
	if got := string(r.file(t, "one.bin")) + " " + string(r.file(t, "2.rom")) + " " + string(r.file(t, "two")); got != "a bb bb" {
		t.Errorf("files %s", got)
	}
	for _, c := range []struct {
		only []string
		want string // images
		log  string
	}{
		{[]string{"two"}, "two", "Skipping images: one\n"},
		{[]string{"two", "one"}, "one two", "Skipping images: \n"},
		{[]string{"three"}, "", "Image 'three' is not in the description, which has: one, two"},
	} {
		m := machine{opt: func(o *layout.Options) { o.Only = c.only }}
		r := m.build(t, body)
		if c.want == "" {
			wantError(t, r.err, c.log)
			continue
		}
		var got []string
		for _, img := range r.good(t).Images {
			got = append(got, img.Name)
		}
		if s := strings.Join(got, " "); s != c.want || !strings.Contains(r.out.String(), c.log) {
			t.Errorf("only %v: images %s, log %q", c.only, s, r.out.String())
		}
	}
	wantError(t, build(t, `multiple-images; one { a { size = "x"; }; };`).err, "Node 'a' property 'size'")
	wantError(t, machine{}.buildTree(t, `nothing { };`).err, "does not have a 'binman' node")
}

// What is suspicious is said; with strict it is an error.
func TestWarnings(t *testing.T) {
	for _, c := range []struct{ name, body, want string }{
		{"unknown", `a { lne = <1>; };`, "Node '/binman/a': unknown property 'lne' of an entry of type 'a'; did you mean 'len'?"},
		{"unknown, and like none", `a { quite-other = <1>; };`, "Node '/binman/a': unknown property 'quite-other' of an entry of type 'a'"},
		{"of the image", `algin-size = <1>;`, "Node '/binman': unknown property 'algin-size' of an entry of type 'section'; did you mean 'align-size'?"},
		{"of the container, for its parts", `box { a { box-compress = "lz4"; }; };`, ""},
		{"of another container, for its parts", `section { a { box-compress = "none"; }; };`, "unknown property 'box-compress'"},
		{"allowed anywhere", `#address-cells = <1>; a { compatible = "x"; bootph-all; u-boot,dm-spl; phandle = <1>; };`, ""},
		{"beside multiple-images", `multiple-images; size = <1>; one { };`, "Node '/binman': property 'size' has no effect beside multiple-images: it belongs into the images"},
		{"compress without effect", `grow { compress = "lz4"; };`, "property 'compress' has no effect: an entry of type 'grow' is not compressed"},
		{"ignored", `ignoring { is = "x"; };`, "property 'is' has no effect: it never has"},
		{"offset twice", `a { offset = <0>; offset-unset; };`, "property 'offset-unset' has no effect: the offset is given"},
		{"offset from ELF", `a { offset = <0>; offset-from-elf = <1>; };`, "property 'offset-from-elf' has no effect: the offset is given"},
		{"size and min-size", `a { size = <1>; min-size = <1>; };`, "property 'min-size' has no effect: the size is given"},
		{"size and min-size of an overlap", `a { len = <1>; }; b { size = <1>; min-size = <1>; overlap; offset = <0>; };`, ""},
		{"image with overlap", `overlap;`, "Node '/binman': property 'overlap' has no effect: it is for entries, and this is an image"},
		{"image with extend-size", `extend-size;`, "property 'extend-size' has no effect: it is for entries"},
		{"lost subnodes", `a { b { }; hash { algo = "sha256"; }; };`, "Node '/binman/a/b': has no effect: an entry of type 'a' holds no entries"},
		{"subnodes that describe something", `rules { r { depth = <1>; label = "x"; }; };`, ""},
		{"a subnode with another property", `rules { r { dept = <1>; }; };`, "Node '/binman/rules/r': unknown property 'dept' of a subnode of an entry of type 'rules'; did you mean 'depth'?"},
		{"lost subnodes of what may be expanded", `blob { b { }; };`, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, strict := range []bool{false, true} {
				m := machine{opt: func(o *layout.Options) {
					o.Types = expandable(nil)
					o.Types["ignoring"] = &layout.TypeInfo{Name: "ignoring", New: func() layout.Type { return &piece{} }, Ignored: map[string]string{"is": "it never has"}}
					o.Types["rules"] = &layout.TypeInfo{Name: "rules", New: func() layout.Type { return &piece{} }, ChildProps: []string{"depth"}}
					o.Strict = strict
				}}
				r := m.build(t, c.body)
				if strict {
					wantError(t, r.err, c.want)
					continue
				}
				r.good(t)
				if log := r.log.String(); !strings.Contains(log, c.want) || c.want == "" && log != "" || c.want != "" && !strings.Contains(log, "warning: ") {
					t.Errorf("log %q, want %s", log, c.want)
				}
			}
		})
	}
}

// Check finds all at once, and writes nothing.
func TestCheck(t *testing.T) {
	r := machine{opt: func(o *layout.Options) { o.Types = expandable(nil); o.Output.Dir = "/nowhere" }}.prepare(t, `binman {
		a@1 { size = "x"; lne = <1>; };
		unknown { };
		a@2 { align = <3>; compress = "zip"; hash { algo = "md5"; other; }; };
		a@3 { hash { }; };
		a@4 { hash { algo = <1 2>; }; };
		section@1 { size = <4>; a { offset = <2>; size = <4>; }; };
		section@2 { size = <4>; end-at-4gb; skip-at-start = <1>; };
		a@5 { offset = <1>; size = <0x100 0>; };
		a@6 { fails = "reading"; };
		box { fear = "children"; };
		need { };
		a@7 { pos = <1>; };
		section@3 { size = <4>; compress = "lz4"; a { offset = <2>; size = <4>; }; };
		section@4 { a { offset = <2>; size = <4>; overlap; }; };
	};`)
	r.Types["need"] = &layout.TypeInfo{Name: "need", New: func() layout.Type { return &kinds{seen: &kinds{}} }}
	findings, err := r.Check()
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, f := range findings {
		s := f.String()
		if i := strings.Index(s, "image.dts:"); i >= 0 {
			s = s[i+len("image.dts:"):]
		} else {
			t.Errorf("no place: %s", s)
		}
		got = append(got, s)
	}
	want := []string{
		"3:1: error: Node '/binman': Offset 0x0 and size 0x10000000001 are larger than any image", // with a@5
		"4:9: error: Node '/binman/a@1': property 'size'",
		"4:21: warning: Node '/binman/a@1': unknown property 'lne' of an entry of type 'a'; did you mean 'len'?",
		"5:3: error: Node '/binman/unknown': Unknown entry type 'unknown'",
		"6:9: error: Node '/binman/a@2': Alignment 3 must be a power of two",
		"6:47: error: Node '/binman/a@2': Unknown hash algorithm 'md5'",
		"6:22: error: Node '/binman/a@2': Unknown algorithm 'zip'; did you mean 'gzip'?",
		"6:61: warning: Node '/binman/a@2/hash': unknown property 'other' of a hash node",
		"7:9: error: Node '/binman/a@3': Missing 'algo' property for hash node",
		"8:16: error: Node '/binman/a@4/hash': property 'algo'",
		"9:45: error: Node '/binman/section@1/a': Offset 0x2 (2) size 0x4 (4) is outside the section '/binman/section@1' starting at 0x0 (0) of size 0x4 (4)",
		"10:3: error: Node '/binman/section@2': Provide either 'end-at-4gb' or 'skip-at-start'",
		"12:3: error: Node '/binman/a@6': told to fail",
		"13:3: error: Node '/binman/box': told to fail",
		"14:3: error: Node '/binman/need': 'need' entry is missing properties: vendor,must",
		"15:9: error: Node '/binman/a@7': Please use 'offset' instead of 'pos'",
		"16:3: error: Node '/binman/section@3': Offset 0x10000000001 and size 0x4 are larger than any image",
		"17:45: error: Node '/binman/section@4/a': Offset 0x2 (2) ending at 0x6 (6) must overlap with existing entries",
	}
	if !slices.EqualFunc(got, want, strings.HasPrefix) {
		t.Errorf("findings:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	var warnings []string
	for _, f := range findings {
		if f.Severity == layout.Warning {
			warnings = append(warnings, fmt.Sprint(f.Pos.Line))
		}
	}
	if s := strings.Join(warnings, " "); s != "4 6" {
		t.Errorf("warnings on lines %s", s)
	}
	// Without source there is no place.
	if s := (layout.Finding{Node: "/x", Msg: "is wrong", Severity: layout.Warning}).String(); s != "warning: Node '/x': is wrong" {
		t.Error(s)
	}
	r = machine{}.prepare(t, `binman { multiple-images; one { lne; a { lne; }; }; two { lne; }; };`)
	if findings, err = r.Check(); err != nil || len(findings) != 3 {
		t.Errorf("findings %v, error %v", findings, err)
	}
	r.Description = "/nowhere.dts"
	_, err = r.Check()
	wantError(t, err, "/nowhere.dts")
}

// Sections can be nested as deep as anybody needs, and no deeper.
func TestDepth(t *testing.T) {
	for _, c := range []struct {
		depth int
		want  string
	}{{900, ""}, {1001, "sections are nested more than 1000 deep"}} {
		dt := fdt.New()
		node := dt.Root.AddSubnode("binman")
		for range c.depth {
			node = node.AddSubnode("section")
		}
		r := machine{}.prepare(t, "")
		r.Description = filepath.Join(tempDir(t), "image.dtb")
		if err := os.WriteFile(r.Description, dt.Marshal(), 0o666); err != nil {
			t.Fatal(err)
		}
		wantError(t, r.Run(), c.want)
	}
}

// Paths of entries, with second names.
func TestFind(t *testing.T) {
	r := build(t, `a { }; section { a { }; box { b { }; section { c { }; }; }; }; section-2 { type = "section"; name-prefix = "ro-"; d { }; };`).good(t)
	for _, c := range []struct{ path, want string }{
		{"a", "/binman/a"},
		{"section/a", "/binman/section/a"},
		{"section/box/b", "/binman/section/box/b"},
		{"section/box/the-b", "/binman/section/box/b"},
		{"section/box/the-section/c", "/binman/section/box/section/c"},
		{"section-2/d", "/binman/section-2/d"},
		{"section-2/ro-d", "/binman/section-2/d"},
	} {
		if e := r.entry(t, c.path); e.Path() != c.want {
			t.Errorf("%s is %s", c.path, e.Path())
		}
	}
	for path, want := range map[string]string{
		"":                      "Entry '' not found in '/'",
		"x":                     "Entry 'x' not found in '/'",
		"section/x/a":           "Entry 'x' not found in '/binman/section'",
		"a/b":                   "Entry 'b' not found in '/binman/a'",
		"section/box/the":       "Entry 'the' not found in '/binman/section/box'",
		"section/box/the-b/":    "Entry '' not found in '/binman/section/box/b'",
		"section/box/the-b-not": "Entry 'the-b-not' not found in '/binman/section/box'",
	} {
		_, err := r.Images[0].Find(path)
		wantError(t, err, want)
	}
}

// Entries know each other within their section.
func TestSiblings(t *testing.T) {
	r := build(t, `a { }; b { }; section { c { }; };`).good(t)
	a := r.entry(t, "a")
	if a.Sibling("b") != r.entry(t, "b") || a.Sibling("c") != nil || a.Sibling("a") != a || a.Child("b") != nil {
		t.Error("a has other siblings")
	}
	if img := r.Images[0].Entry; img.Sibling("a") != nil || img.Child("a") != a {
		t.Error("the image has siblings")
	}
	if got := r.entry(t, "section/c").UniqueName(); got != "section.c" {
		t.Errorf("unique name %s", got)
	}
	if a.Opaque() || a.Processed() {
		t.Error("a is not plain")
	}
	many := machine{opt: func(o *layout.Options) { o.UpdateFDT = false }}.build(t, `multiple-images; img { section { a { }; }; };`).good(t)
	if got := many.entry(t, "section/a").UniqueName(); got != "img.section.a" {
		t.Errorf("unique name %s", got)
	}
}

// Lists show what matches a pattern, with all in it.
func TestList(t *testing.T) {
	img := build(t, `a { }; section { a { }; box { b { }; }; };`).good(t).Images[0]
	for _, c := range []struct {
		patterns []string
		want     string
	}{
		{nil, "0 image, 1 a, 1 section, 2 a, 2 box, 3 b"},
		{[]string{"a"}, "1 a"},
		{[]string{"section"}, "1 section, 2 a, 2 box, 3 b"},
		{[]string{"*b*"}, "2 box, 3 b"},
		{[]string{"section/*"}, "2 a, 2 box, 3 b"},
		{[]string{"section/box/b", "a"}, "1 a, 3 b"},
		{[]string{"x"}, ""},
		{[]string{""}, "0 image, 1 a, 1 section, 2 a, 2 box, 3 b"},
	} {
		var got []string
		list, _ := img.Select(c.patterns) // of what matches nothing, entrypath's tests tell
		for _, e := range list {
			got = append(got, fmt.Sprint(e.Depth, " ", e.Name))
		}
		if s := strings.Join(got, ", "); s != c.want {
			t.Errorf("%q: %s, want %s", c.patterns, s, c.want)
		}
	}
}
