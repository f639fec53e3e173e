// SPDX-License-Identifier: GPL-2.0-or-later

package layout_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"
	"testing"

	"binman/content"
	"binman/fdt"
	"binman/format/fdtmap"
	"binman/layout"
)

// damaged returns an image in which the first bytes of an entry are others.
func damaged(t *testing.T, image []byte, path string, with string) []byte {
	t.Helper()
	out := bytes.Clone(image)
	e := open(t, image).at(t, path)
	copy(out[e.ImagePos.Value+e.PadBefore:], with)
	return out
}

// A container that cannot be read keeps its bytes whatever happens around it,
// and can be replaced as a whole.
func TestDamagedContainers(t *testing.T) {
	const body = `allow-repack; a { is = "a"; }; box { wide; b { is = "b"; }; section { c { is = "c"; }; }; }; section { compress = "gzip"; d { is = "d"; }; };
		bag { wide; box { wide; e { is = "e"; }; }; f { is = "f"; box-compress = "gzip"; }; }; fdtmap { };`
	whole := build(t, body).image(t)
	for _, c := range []struct{ name, path, with string }{
		{"box", "box", "zzzz"},
		{"a part of a box", "box", "ffff"},
		{"box in a bag", "bag/box", "zzzz"},
		{"compressed in a bag", "bag/f", "zzzz"},
		{"compressed section", "section", "zzzz"},
	} {
		t.Run(c.name, func(t *testing.T) {
			image := damaged(t, whole, c.path, c.with)
			o := open(t, image)
			before, err := o.Stored(o.at(t, c.path))
			if err != nil {
				t.Fatal(err)
			}
			got, err := o.put(t, "a", "longer")
			if err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(o.log.String(), ": leaving it as it is") {
				t.Errorf("log %q", o.log.String())
			}
			after := open(t, got)
			data, err := after.Stored(after.at(t, c.path))
			if err != nil || text(t, data) != text(t, before) {
				t.Errorf("it has %q, and not %q; error %v", text(t, data), text(t, before), err)
			}
			if c.path == "box" && c.with == "zzzz" {
				_, err = open(t, image).put(t, "box/b", "B")
				wantError(t, err, "Node '/box/b': it cannot be read in the image, so it cannot be replaced: replace what holds it as a whole")
				got, err = open(t, image).put(t, "box", "0001B|0001C|")
				if err != nil {
					t.Fatal(err)
				}
				if s := open(t, got).contents(t, "box/b"); s != "B" {
					t.Errorf("the new box has %q", s)
				}
			}
		})
	}
}

// Entries that are made of others follow them; those that are not stay.
func TestFollowing(t *testing.T) {
	const body = `allow-repack; wants@1 { of = <&x>; }; wants@2 { of = <&y>; }; x: a { is = "a"; }; y: b { is = "b"; };
		section { hash { algo = "sha256"; }; wants { of = <&z>; }; z: c { is = "c"; }; }; grow { is = "g"; then = "G"; }; dtb { }; header { }; fdtmap { };`
	r := build(t, body)
	image := r.image(t)
	o := open(t, image)
	if got := o.contents(t, "grow"); got != "G" {
		t.Fatalf("grow has %q", got)
	}
	got, err := open(t, image).put(t, "a", "AA", "section/c", "CC")
	if err != nil {
		t.Fatal(err)
	}
	after := open(t, got)
	for path, want := range map[string]string{"wants@1": "AA", "wants@2": "b", "a": "AA", "section/wants": "CC", "section/c": "CC", "grow": "G"} {
		if s := after.contents(t, path); s != want {
			t.Errorf("%s has %q, want %q", path, s, want)
		}
	}
	checkTrees(t, after)
	head := after.contents(t, "header")
	if at := int64(binary.LittleEndian.Uint32([]byte(head[4:]))); at != after.MapPos {
		t.Errorf("the header points to %#x, the map is at %#x", at, after.MapPos)
	}
	dt := mapTree(t, got)
	if v, _ := dt.Node("/section/hash").Bytes("value"); fmt.Sprintf("%x", v) != sum([]byte("CCCC")) {
		t.Errorf("the hash is %x", v)
	}
	// What somebody has given is not made again.
	if got, err = open(t, image).put(t, "a", "AA", "wants@1", "own"); err != nil {
		t.Fatal(err)
	}
	if s := open(t, got).contents(t, "wants@1"); s != "own" {
		t.Errorf("it has %q", s)
	}
	// Nor does anything change that nobody has touched.
	if got, err = open(t, image).put(t, "b", "b"); err != nil || !bytes.Equal(got, image) {
		t.Errorf("error %v", err)
	}
}

// mapTree returns the device tree in the map of an image.
func mapTree(t testing.TB, image []byte) *fdt.Tree {
	t.Helper()
	o := open(t, image)
	dt, err := fdt.Parse(image[o.MapPos+fdtmap.HeaderLen:])
	if err != nil {
		t.Fatal(err)
	}
	return dt
}

// checkTrees checks that the device trees in an image say what its map says.
func checkTrees(t testing.TB, o *opened) {
	t.Helper()
	o.Entry.Walk(func(holder *layout.Entry) {
		if holder.Info.Tree == "" {
			return
		}
		blob := []byte(o.contents(t, holder.Path()[1:]))
		o.Entry.Walk(func(e *layout.Entry) {
			dt, err := fdt.Parse(blob)
			if err != nil {
				t.Fatal(err)
			}
			node := dt.Node("/binman" + strings.TrimSuffix(e.Path(), "/"))
			if node == nil {
				return
			}
			for name, want := range map[string]layout.OptInt{"offset": e.Offset, "size": e.Size, "image-pos": e.ImagePos} {
				if got, ok, err := node.U64(name); err != nil || ok && int64(got) != want.Value || !ok && want.Known {
					t.Errorf("%s says %s of %s is %#x, the map %#x (%v)", holder.Path(), name, e.Path(), got, want.Value, err)
				}
			}
		})
	})
}

// A device tree may be replaced by another: it is then kept up to date if it
// describes the image, and left alone if it does not.
func TestReplaceTrees(t *testing.T) {
	const body = `allow-repack; dtb { }; a { is = "a"; }; section { compress = "gzip"; dtb { }; }; box { wide; dtb { }; }; bag { wide; dtb { box-compress = "gzip"; }; }; fdtmap { };`
	image := build(t, body).image(t)
	ours := tree(t, `compatible = "new"; binman { a { offset = <0>; size = <0>; image-pos = <0>; }; section { image-pos = <0>; }; };`)
	for _, path := range []string{"dtb", "section/dtb", "box/dtb", "bag/dtb"} {
		got, err := open(t, image).put(t, path, string(ours))
		if err != nil {
			t.Errorf("%s: %v", path, err)
			continue
		}
		after := open(t, got)
		blob := []byte(after.contents(t, path))
		if s, want := props(t, blob, "/binman/a"), fmt.Sprintf("offset=%x size=1 image-pos=%x", after.at(t, "a").Offset.Value, after.at(t, "a").ImagePos.Value); s != want {
			t.Errorf("%s says %s of a, want %s", path, s, want)
		}
		if s, want := props(t, blob, "/binman/section"), fmt.Sprintf("image-pos=%x", after.at(t, "section").ImagePos.Value); s != want {
			t.Errorf("%s says %s of the section, want %s", path, s, want)
		}
		// The trees that nobody has replaced are right, too.
		for _, other := range []string{"dtb", "section/dtb", "box/dtb", "bag/dtb"} {
			if s := props(t, []byte(after.contents(t, other)), "/binman/a"); !strings.Contains(s, fmt.Sprintf("image-pos=%x", after.at(t, "a").ImagePos.Value)) {
				t.Errorf("%s says %s after %s was replaced", other, s, path)
			}
		}
		// And the next change finds it.
		if got, err = after.put(t, "a", strings.Repeat("x", 300)); err != nil {
			t.Errorf("%s: %v", path, err)
			continue
		}
		after = open(t, got)
		if s := props(t, []byte(after.contents(t, path)), "/binman/a"); !strings.Contains(s, "size=12c") {
			t.Errorf("%s says %s of a", path, s)
		}
	}
	other := string(tree(t, `compatible = "other"; firmware { };`))
	for name, data := range map[string]string{"other tree": other, "several images": string(tree(t, `binman { multiple-images; not-this { a { size = <9>; }; }; };`)), "no tree": "no tree at all"} {
		o := open(t, image)
		got, err := o.put(t, "dtb", data, "a", "longer than a")
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if s := open(t, got).contents(t, "dtb"); strings.TrimRight(s, "\x00") != strings.TrimRight(data, "\x00") {
			t.Errorf("%s has changed", name)
		}
		if (name == "no tree") != strings.Contains(o.log.String(), "Node '/dtb': not a devicetree blob") {
			t.Errorf("%s: log %q", name, o.log.String())
		}
	}
	// One of several images is the one whose name the map has.
	r := machine{}.buildTree(t, `binman { multiple-images; one { a { is = "no"; }; }; two { allow-repack; a { is = "a"; }; dtb { }; fdtmap { }; }; };`).good(t)
	got, err := open(t, r.file(t, "two.bin")).put(t, "a", "longer")
	if err != nil {
		t.Fatal(err)
	}
	blob := []byte(open(t, got).contents(t, "dtb"))
	if one, two := props(t, blob, "/binman/one/a"), props(t, blob, "/binman/two/a"); !strings.Contains(one, "size=2") || !strings.Contains(two, "size=6") {
		t.Errorf("one says %s, two %s", one, two)
	}
}

// Programs in an image learn where others have gone, if their ELF files are
// at hand.
func TestOpenedSymbols(t *testing.T) {
	files := memory{"prog": prog("b_prop_image_pos", "b_prop_size")}
	for _, c := range []struct{ name, body string }{
		{"plain", `a { elf = "prog"; len = <8>; };`},
		{"compressed", `a { elf = "prog"; len = <60>; compress = "gzip"; };`},
		{"in a compressed section", `section { compress = "gzip"; a { elf = "prog"; len = <8>; }; };`},
		{"in a box", `box { wide; a { elf = "prog"; len = <8>; box-compress = "gzip"; }; };`},
	} {
		t.Run(c.name, func(t *testing.T) {
			image := machine{files: files}.build(t, `allow-repack; `+c.body+` c { is = "c"; }; b { is = "b"; }; fdtmap { };`).image(t)
			path := ""
			open(t, image).Entry.Walk(func(e *layout.Entry) {
				if e.Name == "a" {
					path = e.Path()[1:]
				}
			})
			for _, have := range []bool{true, false} {
				var in memory
				if have {
					in = files
				}
				o, err := openWith(image, types(), in)
				if err != nil {
					t.Fatal(err)
				}
				got, err := o.put(t, "c", "longer than c", "b", "bbb")
				if err != nil {
					t.Fatal(err)
				}
				after := open(t, got)
				b := after.at(t, "b")
				if !have {
					b = o.at(t, "b")
				}
				want := fmt.Sprintf("%x %x", b.ImagePos.Value+progBase, b.Size.Value)
				if !have {
					fresh := open(t, image).at(t, "b")
					want = fmt.Sprintf("%x %x", fresh.ImagePos.Value+progBase, fresh.Size.Value)
				}
				if s := words([]byte(after.contents(t, path)[:8])); s != want {
					t.Errorf("have the file %v: values %s, want %s", have, s, want)
				}
				if lost := strings.Contains(o.log.String(), "its symbols are left as they are, since the ELF file 'prog' is not here"); lost == have {
					t.Errorf("have the file %v: log %q", have, o.log.String())
				}
			}
		})
	}
	// A file that is there, but is none, is an error.
	image := machine{files: files}.build(t, `a { elf = "prog"; len = <8>; }; b { is = "b"; }; fdtmap { };`).image(t)
	o, err := openWith(image, types(), memory{"prog": []byte("text")})
	if err != nil {
		t.Fatal(err)
	}
	_, err = o.put(t, "b", "B")
	wantError(t, err, "Magic number does not match")
}

// What is in a container that was given as a whole is not updated: it is not
// ours.
func TestWholeIsNotUpdated(t *testing.T) {
	files := memory{"prog": prog("b_prop_image_pos")}
	image := machine{files: files}.build(t, `allow-repack; box { wide; a { elf = "prog"; len = <4>; }; dtb { }; }; b { is = "b"; }; fdtmap { };`).image(t)
	o, err := openWith(image, types(), files)
	if err != nil {
		t.Fatal(err)
	}
	given := "0004ABCD|0003dtb|"
	got, err := o.put(t, "box", given, "b", "bbb")
	if err != nil {
		t.Fatal(err)
	}
	after := open(t, got)
	if s := after.contents(t, "box"); strings.TrimRight(s, "\x00") != given {
		t.Errorf("the box has %q", s)
	}
	if s := after.contents(t, "box/a"); s != "ABCD" {
		t.Errorf("a has %q", s)
	}
}

// Bytes that no entry has are left alone as long as nothing moves.
func TestGapsStay(t *testing.T) {
	image := build(t, `size = <64>; pad-byte = <0x2e>; a { is = "aaaa"; offset = <4>; }; section { offset = <16>; size = <16>; b { is = "b"; offset = <4>; }; }; header { offset = <40>; }; fdtmap { offset = <0x300>; };`)
	wantError(t, image.err, "exceeds section size")
	whole := build(t, `size = <0x600>; pad-byte = <0x2e>; a { is = "aaaa"; offset = <4>; }; section { offset = <16>; size = <16>; b { is = "b"; offset = <4>; }; }; header { offset = <40>; }; fdtmap { offset = <0x100>; };`).image(t)
	// Somebody has written into the gaps.
	for _, at := range []int{0, 9, 17, 30, 50, 0x5ff} {
		whole[at] = '!'
	}
	got, err := open(t, whole).put(t, "a", "bbbb", "section/b", "c")
	if err != nil {
		t.Fatal(err)
	}
	want := bytes.Clone(whole)
	copy(want[4:], "bbbb")
	want[20] = 'c'
	if !bytes.Equal(got, want) {
		t.Errorf("image %q", got[:64])
	}
}

// What a change has not touched is still a part of the old file, so that it
// need not be copied.
func TestChangedRanges(t *testing.T) {
	image := build(t, `a { is = "aaaa"; }; b { len = <1000>; }; section { c { is = "c"; }; d { len = <1000>; }; }; fdtmap { };`).image(t)
	file := content.File(bytes.NewReader(image), "image", 0, int64(len(image)))
	o, err := (&layout.Build{Options: layout.Options{Types: types()}}).Open(file, "image.bin")
	if err != nil {
		t.Fatal(err)
	}
	e, err := o.Find("section/c")
	if err != nil {
		t.Fatal(err)
	}
	out, err := o.Replace([]layout.Replacement{{Entry: e, Data: content.String("C")}}, false)
	if err != nil {
		t.Fatal(err)
	}
	if got := out.Changed(file); len(got) != 1 || got[0] != (content.Range{Off: 1004, Len: 1}) {
		t.Errorf("changed: %v", got)
	}
}

// An entry that others are made of may have gone with the container that held
// it: these then stay as they are.
func TestLostDependencies(t *testing.T) {
	image := build(t, `allow-repack; s: section { x: a { is = "aa"; }; b { is = "b"; }; wants { of = <&x>; }; }; wants { of = <&x>; }; c { is = "c"; }; fdtmap { };`).image(t)
	got, err := open(t, image).put(t, "section", "something else")
	if err != nil {
		t.Fatal(err)
	}
	after := open(t, got)
	if s := after.contents(t, "wants"); s != "aa" {
		t.Errorf("it has %q", s)
	}
	// And so it is later on.
	if got, err = after.put(t, "c", "longer"); err != nil {
		t.Fatal(err)
	}
	if s := open(t, got).contents(t, "wants"); s != "aa" {
		t.Errorf("it has %q", s)
	}
}
