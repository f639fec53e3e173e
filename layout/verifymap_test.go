// SPDX-License-Identifier: GPL-2.0-or-later

package layout_test

import (
	"testing"

	"binman/content"
	"binman/fdt"
	"binman/format/fdtmap"
	"binman/layout"
)

// An image that would not be as it should is refused. Boxes lie about what
// they make of an opened image, so that the verification has to find out.
func TestVerifyContents(t *testing.T) {
	for _, c := range []struct{ name, body, path, want string }{
		{"other bytes", `box { wide; lie = "bytes"; a { is = "a"; }; };`, "box/a", "Node '/box/a': its contents are others"},
		{"other bytes elsewhere", `box { wide; lie = "bytes"; a { is = "a"; }; b { is = "b"; }; };`, "box/a", "Node '/box/a': its contents are others"},
		{"other bytes in a section", `box { wide; lie = "bytes"; section { a { is = "a"; }; }; };`, "box/section/a", "Node '/box/section': its contents are others"},
		{"compressed bytes that are others", `box { wide; lie = "bytes"; a { len = <50>; box-compress = "gzip"; }; };`, "box/a", "Node '/box/a': it has lost contents"},
		{"another place", `box { wide; lie = "offset"; a { is = "a"; }; };`, "box/a", "Node '/box/a': it is at offset 0x4 with size 0x4, but the map says image-pos 0x5 offset 0x5 size 0x4"},
		{"another size", `box { wide; lie = "size"; a { is = "aa"; }; };`, "box/a", "Node '/box/a': it is at offset 0x4 with size 0x4, but the map says image-pos 0x4 offset 0x4 size 0x3"},
		{"another place of what did not change", `box { wide; lie = "offset"; b { is = "b"; }; a { is = "a"; }; };`, "box/a", "Node '/box/b': it is at offset 0x4 with size 0x1, but the map says image-pos 0x5 offset 0x5 size 0x1"},
		{"truth", `box { wide; a { is = "a"; }; };`, "box/a", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			image := build(t, "allow-repack; "+c.body+` c { is = "c"; }; fdtmap { };`).image(t)
			o := open(t, image)
			_, err := o.put(t, c.path, "new!")
			if c.want != "" {
				wantError(t, err, "the changed image would not be as it should, so the old one stays: ")
			}
			wantError(t, err, c.want)
			if text(t, o.File) != string(image) {
				t.Error("the old file has changed")
			}
			// What has nothing to do with the box can be changed.
			if _, err := open(t, image).put(t, "c", "new!"); err != nil {
				t.Error(err)
			}
		})
	}
}

// faulty is a map that says something else than it should, once it is made
// for a change.
type faulty struct {
	mapEntry
	edit func(*fdt.Tree)
}

func (f *faulty) Update(ctx *layout.Context, e *layout.Entry) (content.Data, error) {
	data, err := f.Contents(ctx, e)
	if err != nil || !ctx.Opened {
		return data, err
	}
	blob, err := data.Slice(fdtmap.HeaderLen, data.Len()-fdtmap.HeaderLen).Bytes()
	if err != nil {
		return data, err
	}
	dt, err := fdt.Parse(blob)
	if err != nil {
		return data, err
	}
	f.edit(dt)
	dt.Sync()
	return content.Join(data.Slice(0, fdtmap.HeaderLen), content.Bytes(dt.Marshal())), nil
}

// A map that does not say what was done is found out, too.
func TestVerifyMap(t *testing.T) {
	const body = `allow-repack; a { is = "a"; }; section { b { is = "b"; }; }; fdtmap { };`
	for _, c := range []struct {
		name string
		edit func(*fdt.Tree)
		want string
	}{
		{"another position", func(dt *fdt.Tree) { dt.Node("/a").SetU32("image-pos", 3) }, "Node '/a': the map says another position: image-pos 0x3 offset 0x0 size 0x4"},
		{"another size", func(dt *fdt.Tree) { dt.Node("/section/b").SetU32("size", 0) }, "Node '/section/b': the map says another position"},
		{"another offset", func(dt *fdt.Tree) { dt.Node("/section").SetU32("offset", 3) }, "Node '/section': the map says another position"},
		{"an entry too few", func(dt *fdt.Tree) { dt.Node("/section/b").Delete() }, "Node '/section': the map says that it holds 0 entries and not 1"},
		{"an entry too many", func(dt *fdt.Tree) {
			n := dt.Node("/section").AddSubnode("x")
			n.SetU32("offset", 0)
			n.SetU32("size", 0)
		}, "the map says that it holds 2 entries and not 1"},
		{"another entry", func(dt *fdt.Tree) {
			dt.Node("/a").Delete()
			n := dt.Root.AddSubnode("x")
			n.SetU32("offset", 0)
			n.SetU32("size", 0)
		}, "Node '/a': the map has lost it"},
		{"another start of the image", func(dt *fdt.Tree) {
			v, _, _ := dt.Node("/fdtmap").U32("image-pos")
			dt.Node("/fdtmap").SetU32("image-pos", v-1)
			dt.Root.SetU32("size", 16)
		}, "it starts at 0x1 of the file and not at 0x0"},
		{"nothing that can be read", func(dt *fdt.Tree) { dt.Node("/a").SetProp("size", []byte{1}) }, "property 'size'"},
		{"a place outside", func(dt *fdt.Tree) { dt.Node("/a").SetU32("size", 1<<30) }, "is outside the section"},
		{"the truth", func(*fdt.Tree) {}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			image := build(t, body).image(t)
			info := *types()["fdtmap"]
			info.New = func() layout.Type { return &faulty{edit: c.edit} }
			o, err := openWith(image, with(info), nil)
			if err != nil {
				t.Fatal(err)
			}
			_, err = o.put(t, "a", "aaaa")
			if c.want != "" {
				wantError(t, err, "the changed image would not be as it should, so the old one stays: ")
			}
			wantError(t, err, c.want)
		})
	}
}
