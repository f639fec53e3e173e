// SPDX-License-Identifier: GPL-2.0-or-later

package fdtmap_test

import (
	"encoding/binary"
	"errors"
	"strconv"
	"strings"
	"testing"

	"binman/content"
	"binman/dts"
	"binman/format/fdtmap"
)

// tree returns a device tree with the given properties and nodes in its root.
func tree(t testing.TB, body string) []byte {
	t.Helper()
	tr, err := dts.CompileSource("map.dts", []byte("/dts-v1/; / { "+body+" };"), dts.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return tr.Marshal()
}

// mapOf returns a map that says of itself that it is at pos of an image of size
// bytes.
func mapOf(t testing.TB, size, pos string) content.Data {
	return fdtmap.Marshal(tree(t, "size = <"+size+">; fdtmap { image-pos = <"+pos+">; };"))
}

// file puts pieces at offsets of a file of size bytes of 0xff.
func file(size int64, pieces map[int64]content.Data) content.Data {
	data := content.Fill(0xff, size)
	for at, p := range pieces {
		data = data.Replace(at, p)
	}
	return data
}

func TestFind(t *testing.T) {
	silent := fdtmap.Marshal(tree(t, "size = <0x1000>; fdtmap { };"))
	placed := fdtmap.Marshal(tree(t, "size = <0x1000>; fdtmap { image-pos = <0x200>; offset = <0x200>; };"))
	garbage := content.String(fdtmap.Magic + "........ and no tree behind it")
	for _, c := range []struct {
		name            string
		data            content.Data
		pos, base, size int64
	}{
		{"at its place", file(0x1000, map[int64]content.Data{0x200: mapOf(t, "0x1000", "0x200")}), 0x200, 0, 0x1000},
		{"with something behind the image", file(0x3000, map[int64]content.Data{0x200: mapOf(t, "0x1000", "0x200")}), 0x200, 0, 0x1000},
		{"in an image at an offset", file(0x4000, map[int64]content.Data{0x2200: mapOf(t, "0x1000", "0x200")}), 0x2200, 0x2000, 0x1000},
		{"cut off", file(0x800, map[int64]content.Data{0x200: mapOf(t, "0x1000", "0x200")}), 0x200, 0, 0},
		{"cut off in an image at an offset", file(0x2800, map[int64]content.Data{0x2200: placed}), 0x2200, 0x2000, 0x800},
		{"without a position", file(0x1000, map[int64]content.Data{0x300: silent}), 0x300, 0, 0},
		{"the one that knows its place", file(0x4000, map[int64]content.Data{
			0x100: garbage, 0x400: silent, 0x800: mapOf(t, "0x1000", "0x100"), 0x3000: mapOf(t, "0x4000", "0x3000"),
		}), 0x3000, 0, 0x4000},
		{"named by a header at the start", file(0x1000, map[int64]content.Data{
			0: fdtmap.Header(0x800), 0x200: mapOf(t, "0x1000", "0x200"), 0x800: silent,
		}), 0x800, 0, 0},
		{"named by a header at the end", file(0x1000, map[int64]content.Data{
			0x200: mapOf(t, "0x1000", "0x200"), 0x800: silent, 0xff8: fdtmap.Header(0x800 - 0x1000),
		}), 0x800, 0, 0},
		{"named by a header that lies", file(0x1000, map[int64]content.Data{
			0: fdtmap.Header(0x700), 0x200: mapOf(t, "0x1000", "0x200"),
		}), 0x200, 0, 0x1000},
		{"in a ROM that ends at 4 GiB", file(0x1000, map[int64]content.Data{
			0x200: fdtmap.Marshal(tree(t, "size = <0x1000>; end-at-4gb; fdtmap { image-pos = <0xfffff200>; };")),
		}), 0x200, 0, 0x1000},
		{"as far from the start of the file as its image counts from", file(0x3000, map[int64]content.Data{
			0x1200: fdtmap.Marshal(tree(t, "size = <0x1000>; skip-at-start = <0x1000>; fdtmap { offset = <0x1200>; image-pos = <0x1200>; };")),
		}), 0x1200, 0x1000, 0x1000},
		{"in such a ROM, with positions from 0", file(0x1000, map[int64]content.Data{
			0x200: fdtmap.Marshal(tree(t, "size = <0x1000>; end-at-4gb; fdtmap { image-pos = <0x200>; };")),
		}), 0x200, 0, 0x1000},
	} {
		t.Run(c.name, func(t *testing.T) {
			m, err := fdtmap.Find(c.data)
			if err != nil {
				t.Fatal(err)
			}
			if m.Pos != c.pos || m.Base != c.base || m.Size != c.size {
				t.Errorf("map at %#x, image at %#x of size %#x, want %#x, %#x, %#x", m.Pos, m.Base, m.Size, c.pos, c.base, c.size)
			}
		})
	}
}

func TestFindErrors(t *testing.T) {
	whole, err := mapOf(t, "0x1000", "0").Bytes()
	if err != nil {
		t.Fatal(err)
	}
	huge := append([]byte{}, whole...)
	binary.BigEndian.PutUint32(huge[fdtmap.HeaderLen+4:], 0x7fffffff)
	for name, c := range map[string]struct {
		data []byte
		want string
	}{
		"nothing":     {nil, ""},
		"no map":      {[]byte("some file"), ""},
		"magic alone": {[]byte(fdtmap.Magic), "cut short"},
		"half a map":  {whole[:len(whole)/2], "more than there is"},
		"a lie":       {huge, "totalsize is 0x7fffffff"},
	} {
		_, err := fdtmap.Find(content.Bytes(c.data))
		if !errors.Is(err, fdtmap.ErrNone) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q", name, err, c.want)
		}
	}
}

// FuzzFind finds maps in anything. A map that is put behind it at a place that it
// names is found, unless there is another that does so too.
func FuzzFind(f *testing.F) {
	f.Add([]byte("xx"), []byte{})
	f.Add([]byte(fdtmap.Magic), []byte("size"))
	f.Fuzz(func(t *testing.T, before, after []byte) {
		if len(before)+len(after) > 1<<16 {
			t.Skip("larger than it helps")
		}
		data := content.Join(content.Bytes(before), content.Bytes(after))
		if m, err := fdtmap.Find(data); err == nil && (m.Pos < 0 || m.Base < 0 || m.Size < 0 || m.Base+m.Size > data.Len()) {
			t.Errorf("map at %#x, image of %#x bytes at %#x in %#x bytes", m.Pos, m.Size, m.Base, data.Len())
		}
		pos := int64(len(before))
		blob := tree(t, "size = <0x7fffffff>; fdtmap { image-pos = <"+strconv.FormatInt(pos, 10)+">; };")
		m, err := fdtmap.Find(content.Join(content.Bytes(before), fdtmap.Marshal(blob), content.Bytes(after)))
		if err != nil {
			t.Fatal(err)
		}
		if m.Tree == nil {
			t.Error("a map without a tree")
		}
	})
}
