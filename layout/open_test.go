// SPDX-License-Identifier: GPL-2.0-or-later

package layout_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"binman/content"
	"binman/fdt"
	"binman/format/fdtmap"
	"binman/layout"
)

// editMap changes the device tree of the FDT map that ends an image.
func editMap(t testing.TB, image []byte, edit func(*fdt.Tree)) []byte {
	t.Helper()
	at := bytes.LastIndex(image, []byte(fdtmap.Magic)) + fdtmap.HeaderLen
	dt, err := fdt.Parse(image[at:])
	if err != nil {
		t.Fatal(err)
	}
	edit(dt)
	dt.Sync()
	return append(bytes.Clone(image[:at]), dt.Marshal()...)
}

// What is in an image is what was put into it.
func TestOpen(t *testing.T) {
	r := build(t, `pad-byte = <0x2e>; a { is = "a"; pad-before = <1>; size = <4>; };
		b { len = <100>; compress = "gzip"; };
		section { skip-at-start = <16>; align = <4>; c { is = "c"; offset = <18>; }; };
		section-2 { type = "section"; compress = "lz4"; d { is = "d"; pad-after = <1>; }; };
		box { e { is = "e"; }; f { len = <50>; box-compress = "xz"; }; section { g { is = "g"; }; h { hole; size = <1>; }; }; };
		wrapped@1 { is = "w"; }; wrapped@2 { is = "ww"; compress = "gzip"; };
		unknown-later { type = "piece"; is = "?"; };
		fdtmap { };`)
	image := r.image(t)
	table := types()
	delete(table, "piece") // a type that this program does not know is a blob
	o, err := openWith(image, table, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := shape(o.Entry), shape(r.Images[0].Entry); got != want {
		t.Errorf("opened: %s\nbuilt:  %s", got, want)
	}
	for _, c := range []struct{ path, contents, stored string }{
		{"a", ".a..", ".a.."},
		{"b", strings.Repeat("x", 100), ""},
		{"section", "\x00\x00c", "\x00\x00c"},
		{"section/c", "c", "c"},
		{"section-2", "d\x00", ""},
		{"section-2/d", "d\x00", "d\x00"},
		{"box/e", "e", "e"},
		{"box/f", strings.Repeat("x", 50), ""},
		{"box/section", "g\x00", "g\x00"},
		{"box/section/g", "g", "g"},
		{"wrapped@1", "w", "<w>"},
		{"wrapped@2", "ww", ""},
		{"unknown-later", "?", "?"},
	} {
		if got := o.contents(t, c.path); got != c.contents {
			t.Errorf("%s has %q, want %q", c.path, got, c.contents)
		}
		e := o.at(t, c.path)
		stored, err := o.Stored(e)
		if err != nil {
			t.Fatal(err)
		}
		if got := text(t, stored); c.stored != "" && got != c.stored {
			t.Errorf("%s is stored as %q, want %q", c.path, got, c.stored)
		}
		if e.Compressed() && e.UncompSize != layout.Some(int64(len(c.contents))) {
			t.Errorf("%s had %v bytes", c.path, e.UncompSize)
		}
	}
	for _, e := range []*layout.Entry{o.Entry} {
		data, err := o.Contents(e)
		if err != nil || text(t, data) != string(image) {
			t.Errorf("the image has other contents, error %v", err)
		}
		if data, err = o.Stored(e); err != nil || text(t, data) != string(image) {
			t.Errorf("the image has other contents, error %v", err)
		}
	}
	for path, want := range map[string]string{"a": "", "b": "processed", "section": "plain", "section-2": "processed", "box": "", "box/f": "processed", "wrapped@1": "processed"} {
		e, got := o.at(t, path), ""
		if e.Plain() {
			got = "plain"
		}
		if e.Processed() {
			got += "processed"
		}
		if got != want {
			t.Errorf("%s is %q, want %q", path, got, want)
		}
	}
	if o.Base != 0 || o.MapPos != o.at(t, "fdtmap").ImagePos.Value || o.Name != "image" || o.Filename != "image.bin" {
		t.Errorf("base %#x, map at %#x, name %s, file %s", o.Base, o.MapPos, o.Name, o.Filename)
	}
}

// Whatever the sections start at, and wherever the image does.
func TestOpenPlaces(t *testing.T) {
	for _, c := range []struct{ name, body string }{
		{"start", `fdtmap { }; a { is = "here"; };`},
		{"end", `a { is = "here"; }; fdtmap { };`},
		{"skip-at-start", `skip-at-start = <0x1000>; a { is = "here"; }; fdtmap { };`},
		{"end-at-4gb", `end-at-4gb; size = <0x1000>; a { is = "here"; }; fdtmap { };`},
		{"in a section", `section { pad-before = <4>; a { is = "here"; }; }; fdtmap { };`},
		{"another name", `a { is = "here"; }; the-map { type = "fdtmap"; };`},
		{"header at the start", `header { }; a { is = "here"; }; fdtmap { };`},
		{"header at the end", `size = <0x1000>; a { is = "here"; }; fdtmap { }; header { from-end; offset = <0xff8>; };`},
		{"header at the end, with skip-at-start", `skip-at-start = <0x100>; a { is = "here"; }; fdtmap { };`},
		{"padded", `size = <0x2000>; pad-byte = <0xff>; a { is = "here"; }; fdtmap { };`},
		{"image with padding", `pad-before = <8>; pad-after = <4>; a { is = "here"; }; fdtmap { };`},
	} {
		t.Run(c.name, func(t *testing.T) {
			image := build(t, c.body).image(t)
			other := junk(1 << 20)
			for _, around := range []struct{ before, after int }{{0, 0}, {0, 100}, {1, 0}, {100, 0}, {1 << 20, 0}, {1<<20 - 8, 10}} {
				file := slices.Concat(other[:around.before], image, other[:around.after])
				o := open(t, file)
				if o.Base != int64(around.before) {
					t.Errorf("%v: base %#x", around, o.Base)
				}
				for _, path := range []string{"a", "section/a"} {
					e, err := o.Find(path)
					if err != nil {
						continue
					}
					if data, err := o.Contents(e); err != nil || text(t, data) != "here" {
						t.Errorf("%v: a has %v, error %v", around, data, err)
					}
				}
			}
		})
	}
}

// Every offset of a map is found, also where blocks of the search meet.
func TestSearch(t *testing.T) {
	image := build(t, `fdtmap { }; a { is = "here"; };`).image(t)
	for n := 1<<20 - 10; n <= 1<<20+2; n++ {
		if o := open(t, append(make([]byte, n), image...)); o.Base != int64(n) {
			t.Errorf("%#x: base %#x", n, o.Base)
		}
	}
}

// silent is an image whose map does not say where anything is.
func silent(t *testing.T) []byte {
	m := machine{opt: func(o *layout.Options) { o.UpdateFDT = false }}
	return m.build(t, `b { is = "b"; }; fdtmap { };`).image(t)
}

// The bytes of a map may be in the contents of an entry: the true one is the
// one that tells where it stands.
func TestDecoys(t *testing.T) {
	other := build(t, `c { len = <30>; }; b { is = "no"; }; fdtmap { };`).image(t)
	first := build(t, `fdtmap { }; b { is = "no"; };`).image(t)
	cut := other[:len(other)-20]
	magic := []byte(fdtmap.Magic)
	for name, decoy := range map[string][]byte{
		"another image":         other,
		"two":                   slices.Concat(first, other),
		"whose map is first":    first,
		"cut short":             cut,
		"silent":                silent(t),
		"the magic":             magic,
		"many magics":           bytes.Repeat(magic, 100),
		"a map without a tree":  append(bytes.Clone(magic), make([]byte, 100)...),
		"a header":              append([]byte("BinM"), 0, 0, 0, 0),
		"a header that is far":  append([]byte("BinM"), 0xff, 0xff, 0xff, 0x7f),
		"a header to the decoy": slices.Concat([]byte("BinM"), []byte{8, 0, 0, 0}, magic, make([]byte, 100)),
	} {
		t.Run(name, func(t *testing.T) {
			m := machine{files: map[string][]byte{"decoy": decoy}}
			for _, body := range []string{
				`x: d { from = "decoy"; }; a { is = "here"; }; fdtmap { };`,
				`a { is = "here"; }; fdtmap { }; d { from = "decoy"; };`,
				`d { from = "decoy"; }; a { is = "here"; }; fdtmap { }; e { from = "decoy"; };`,
			} {
				image := m.build(t, body).image(t)
				for _, before := range []int{0, 77} {
					o := open(t, append(junk(before), image...))
					if got := o.contents(t, "a"); o.Base != int64(before) || got != "here" {
						t.Errorf("%s: base %#x, a has %q", body, o.Base, got)
					}
				}
			}
		})
	}
}

// A map that does not say where it is counts if there is no other.
func TestSilent(t *testing.T) {
	o := open(t, append(junk(10), silent(t)...))
	if o.Base != 0 {
		t.Errorf("base %#x", o.Base)
	}
	_, err := o.Contents(o.at(t, "b"))
	wantError(t, err, "Node '/b': the FDT map does not say where this entry is: was the image built without --update-fdt?")
	// What a map says may be impossible.
	image := build(t, `b { is = "b"; }; fdtmap { };`).image(t)
	for _, edit := range []func(*fdt.Tree){
		func(dt *fdt.Tree) { dt.Node("/fdtmap").SetU32("image-pos", 1<<30) },
		func(dt *fdt.Tree) { dt.Node("/fdtmap").SetU32("image-pos", 0); dt.Root.SetU32("size", 0x100000) },
		func(dt *fdt.Tree) { dt.Node("/fdtmap").SetU32("image-pos", 0); dt.Root.SetU32("size", 0) },
		func(dt *fdt.Tree) { dt.Node("/fdtmap").Delete() },
	} {
		if o := open(t, editMap(t, image, edit)); o.Base != 0 || o.contents(t, "b") != "b" {
			t.Errorf("base %#x", o.Base)
		}
	}
}

// An image in the middle of a flash: what is behind it does not belong to it.
func TestWindow(t *testing.T) {
	image := build(t, `size = <0x400>; a { is = "here"; }; fdtmap { };`).image(t)
	file := slices.Concat(junk(50), image, junk(60))
	o := open(t, file)
	if text(t, o.Data) != string(image) || o.MapPos != 50+o.at(t, "fdtmap").ImagePos.Value {
		t.Errorf("the image has %#x bytes, its map is at %#x", o.Data.Len(), o.MapPos)
	}
}

// A header at the end of a file that has more than the image in front.
func TestHeaderOfShifted(t *testing.T) {
	image := build(t, `size = <0x400>; a { is = "here"; }; fdtmap { }; header { from-end; offset = <0x3f8>; };`).image(t)
	o := open(t, append(junk(100), image...))
	if got := o.contents(t, "a"); o.Base != 100 || got != "here" {
		t.Errorf("base %#x, a has %q", o.Base, got)
	}
}

// A section may have a map of its own. The map of the image is meant, whichever
// comes first; and if there is only that of a section, the section.
func TestMapsInSections(t *testing.T) {
	o := open(t, build(t, `c { is = "c"; }; section { fdtmap { }; a { is = "no"; }; }; a { is = "here"; }; fdtmap { };`).image(t))
	if got := o.contents(t, "a"); got != "here" {
		t.Errorf("a has %q", got)
	}
	o = open(t, build(t, `section { fdtmap { }; a { is = "no"; }; }; a { is = "here"; }; fdtmap { };`).image(t))
	if got := o.contents(t, "a"); got != "here" {
		t.Errorf("a has %q", got)
	}
	for _, skip := range []string{"", "skip-at-start = <0x100>;", "pad-before = <3>; pad-after = <2>;"} {
		o = open(t, build(t, `c { is = "c"; }; section { `+skip+` b { is = "b"; }; section { a { is = "here"; }; fdtmap { }; }; };`).image(t))
		if got := o.contents(t, "a"); got != "here" {
			t.Errorf("a has %q", got)
		}
	}
}

func TestOpenErrors(t *testing.T) {
	image := build(t, `a { is = "here"; }; section { b { is = "b"; }; }; fdtmap { };`).image(t)
	at := int64(bytes.Index(image, []byte(fdtmap.Magic)))
	tree := image[at+fdtmap.HeaderLen:]
	where := fmt.Sprintf("FDT map at offset %#x", at)
	patch := func(off int64, b ...byte) []byte {
		out := bytes.Clone(image)
		copy(out[off:], b)
		return out
	}
	for _, c := range []struct {
		name  string
		file  []byte
		want  string
		noMap bool
	}{
		{"nothing", nil, "Cannot find FDT map in image", true},
		{"something else", junk(3000), "Cannot find FDT map in image", true},
		{"cut in its header", image[:at+20], where + " is cut short", true},
		{"cut", image[:at+100], "more than there is", true},
		{"no tree", patch(at+16, 0), "not a devicetree blob", true},
		{"larger than the file", patch(at+16+4, 0, 0x10), where + " says its size is 0x10", true},
		{"smaller than a header", patch(at+16+4, 0, 0, 0, 10), where + ": ", true},
		{"damaged", patch(at+16+int64(bytes.Index(tree, []byte{0, 0, 0, 1, 0, 0, 0, 0})), 0xff), where + ": ", true},
		{"a property of the wrong size", editMap(t, image, func(dt *fdt.Tree) { dt.Node("/a").SetProp("offset", []byte{1}) }), where + ": Node 'a' property 'offset'", false},
		{"an alignment that is none", editMap(t, image, func(dt *fdt.Tree) { dt.Node("/a").SetU32("align", 3) }), "Alignment 3 must be a power of two", false},
		{"a pad byte that is none", editMap(t, image, func(dt *fdt.Tree) { dt.Root.SetU32("pad-byte", 300) }), "pad-byte 0x12c does not fit", false},
		{"end-at-4gb without a size", editMap(t, image, func(dt *fdt.Tree) {
			dt.Node("/section").SetProp("end-at-4gb", nil)
			dt.Node("/section").DeleteProp("size")
		}), "Section size must be provided", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := openWith(c.file, types(), nil)
			wantError(t, err, c.want)
			if errors.Is(err, fdtmap.ErrNone) != c.noMap {
				t.Errorf("error %v: no map is %v", err, !c.noMap)
			}
		})
	}
	// Nested without end.
	deep := editMap(t, image, func(dt *fdt.Tree) {
		node := dt.Root
		for range 1001 {
			node = node.AddSubnode("section")
		}
	})
	_, err := openWith(deep, types(), nil)
	wantError(t, err, "sections are nested more than 1000 deep")
}

// The search ends, whatever an image is full of.
func TestOpenBounded(t *testing.T) {
	const claim = 16 << 20
	head := fdt.New().Marshal()[:40]
	binary.BigEndian.PutUint32(head[4:], claim)
	one := slices.Concat([]byte(fdtmap.Magic), make([]byte, 8), head, make([]byte, 64))
	file := content.Join(content.Bytes(bytes.Repeat(one, 1000)), content.Fill(0, 2*claim))
	_, err := (&layout.Build{Options: layout.Options{Types: types()}}).Open(file, "x")
	wantError(t, err, "too many things in it look like one")
	if !errors.Is(err, fdtmap.ErrNone) {
		t.Errorf("error %v", err)
	}
}

// broken cannot be read behind its first bytes.
type broken int64

func (b broken) ReadAt(p []byte, off int64) (int, error) {
	if off+int64(len(p)) > int64(b) {
		return 0, errBroken
	}
	return len(p), nil
}

func TestOpenBroken(t *testing.T) {
	_, err := (&layout.Build{Options: layout.Options{Types: types()}}).Open(content.File(broken(100), "x", 0, 3000), "x")
	if !errors.Is(err, errBroken) {
		t.Errorf("error %v", err)
	}
	// The map can be read, but not what it tells of.
	image := build(t, `header { }; fdtmap { }; a { len = <500>; }; b { compress = "gzip"; len = <500>; }; box { c { }; }; section { d { }; }; wrapped { };`).image(t)
	o, err := openWith(image, types(), nil)
	if err != nil {
		t.Fatal(err)
	}
	at := o.at(t, "a").ImagePos.Value
	rest := content.File(broken(0), "x", 0, int64(len(image))-at)
	o.Opened, err = (&layout.Build{Options: layout.Options{Types: types()}}).Open(content.Join(content.Bytes(image[:at]), rest), "x")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"b", "box/c", "wrapped"} {
		if _, err := o.Contents(o.at(t, path)); !errors.Is(err, errBroken) {
			t.Errorf("%s: error %v", path, err)
		}
	}
	out, err := o.Replace([]layout.Replacement{{Entry: o.at(t, "a"), Data: content.String("new")}}, true)
	if err == nil {
		_, err = out.Bytes()
	}
	if !errors.Is(err, errBroken) {
		t.Errorf("error %v", err)
	}
}

// What the map says of an entry need not be so.
func TestLyingMap(t *testing.T) {
	image := build(t, `a { is = "here"; pad-before = <1>; }; section { b { is = "b"; }; }; section-2 { type = "section"; compress = "gzip"; c { is = "c"; }; };
		box { d { is = "d"; }; e { len = <60>; box-compress = "gzip"; }; }; wrapped { is = "w"; }; h { len = <70>; compress = "gzip"; }; rows { len = <80>; compress = "gzip"; }; fdtmap { };`).image(t)
	for _, c := range []struct{ name, path, prop, entry, want string }{
		{"offset", "/a", "offset=1000000", "a", "Node '/a': Offset 0x1000000 (16777216) size 0x5 (5) is outside the section '/', which has"},
		{"size", "/a", "size=1000000", "a", "is outside the section '/'"},
		{"offset that is too large to add", "/a", "offset=100_0", "a", "is outside the section '/'"},
		{"section", "/section", "offset=1000000", "section/b", "Node '/section': Offset 0x1000000"},
		{"in a section", "/section/b", "offset=2", "section/b", "Node '/section/b': Offset 0x2 (2) size 0x1 (1) is outside the section '/section', which has 0x1 (1) bytes from offset 0x0"},
		{"before a section", "/section", "skip-at-start=9", "section/b", "is outside the section '/section', which has 0x1 (1) bytes from offset 0x9"},
		{"a compressed section", "/section-2", "offset=0", "section-2/c", "Node '/section-2': cannot decompress"},
		{"a box", "/box", "offset=0", "box/d", "Node '/box': it is not a box"},
		{"wrapped", "/wrapped", "offset=0", "wrapped", "Node '/wrapped': it has no brackets"},
		{"compressed", "/h", "offset=0", "h", "Node '/h': cannot decompress"},
		{"rows", "/rows", "offset=0", "rows", "Node '/rows': cannot decompress"},
		{"not compressed in a box", "/box/d", "compress=gzip", "box/d", "Node '/box/d': cannot decompress"},
	} {
		t.Run(c.name, func(t *testing.T) {
			bad := editMap(t, image, func(dt *fdt.Tree) {
				name, value, _ := strings.Cut(c.prop, "=")
				var hi, lo uint32
				switch n, _ := fmt.Sscanf(value, "%x_%x", &hi, &lo); n {
				case 2:
					dt.Node(c.path).SetU64(name, uint64(hi)<<32|uint64(lo))
				case 1:
					dt.Node(c.path).SetU32(name, hi)
				default:
					dt.Node(c.path).SetString(name, value)
				}
			})
			o, err := openWith(bad, types(), nil)
			if err != nil {
				t.Fatal(err)
			}
			e := o.at(t, c.entry)
			_, err = o.Contents(e)
			wantError(t, err, c.want)
			if _, again := o.Contents(e); fmt.Sprint(again) != fmt.Sprint(err) {
				t.Errorf("first %v, then %v", err, again)
			}
		})
	}
	// Padding that is more than there is.
	bad := editMap(t, image, func(dt *fdt.Tree) { dt.Node("/h").SetU32("pad-after", 1000) })
	o := open(t, bad)
	_, err := o.Contents(o.at(t, "h"))
	wantError(t, err, "Node '/h': padding of 0x0 and 0x3e8 bytes is more than its size")
}
