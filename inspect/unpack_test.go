// SPDX-License-Identifier: GPL-2.0-or-later

package inspect_test

import (
	"bytes"
	"encoding/binary"
	"strings"
	"testing"

	"binman/codec"
	"binman/content"
	"binman/format/sparse"
	"binman/format/verify"
	"binman/inspect"
)

// packed returns data compressed, as often as it is said.
func packed(t testing.TB, name string, data []byte, times int) []byte {
	t.Helper()
	c, err := codec.Lookup(name)
	if err != nil {
		t.Fatal(err)
	}
	for range times {
		if data, err = c.Compress(data); err != nil {
			t.Fatal(err)
		}
	}
	return data
}

// unpacked returns what is in data, with what is in that compressed.
func unpacked(t testing.TB, data content.Data, memory int64) (*inspect.Item, map[string]*inspect.Item) {
	t.Helper()
	root, err := inspect.Image(data, "file")
	if err != nil || root == nil {
		t.Fatal(root, err)
	}
	inspect.NewUnpacker(memory).Unpack(root, data)
	items := map[string]*inspect.Item{}
	root.Walk(func(path string, _ int, it *inspect.Item) { items[path] = it })
	return root, items
}

// What is compressed is looked into, with positions in its contents.
func TestUnpack(t *testing.T) {
	plain := append(bytes.Repeat([]byte("x"), 0x100), legacy(t, "data")...)
	for _, name := range codec.Names() {
		data := content.Bytes(packed(t, name, plain, 1))
		if name == "lzma" {
			continue // of its headers, only the usual one is known: TestUnpackFile has one in a CBFS
		}
		root, items := unpacked(t, data, 1<<20)
		holder, it := items["contents"], items["contents/uimage@100"]
		if it == nil || it.In != holder || it.Offset != 0x100 || holder.UncompSize != int64(len(plain)) || holder.Offset != 0 || holder.In != nil {
			t.Errorf("%s: %+v, %+v", name, holder, it)
			continue
		}
		stored, err := it.Stored(data).Bytes()
		if err != nil || !bytes.Equal(stored, plain[0x100:]) {
			t.Errorf("%s: it has other bytes: %v", name, err)
		}
		last := root.Verify(data, nil)
		if f := last[len(last)-1]; f.In != "contents" || f.Path != "contents/uimage@100" || f.Offset != 0x140 || f.Verdict != verify.Good {
			t.Errorf("%s: %+v", name, f)
		}
	}
}

// Contents within contents are looked into up to a depth.
func TestUnpackDeep(t *testing.T) {
	for _, c := range []struct {
		times int
		found bool
	}{{2, true}, {6, true}, {7, false}, {40, false}} {
		_, items := unpacked(t, content.Bytes(packed(t, "gzip", legacy(t, "data"), c.times)), 1<<20)
		path := strings.Repeat("contents/", c.times)
		if found := items[path+"uimage@0"] != nil || items[path+"name"] != nil; found != c.found {
			t.Errorf("%d times: found %t", c.times, found)
		}
		if deep := items[strings.TrimSuffix(strings.Repeat("contents/", 7), "/")]; c.times >= 7 && (deep == nil || deep.NotUnpacked != "it is within 6 others") {
			t.Errorf("%d times: %+v", c.times, deep)
		}
	}
}

// What would take too much memory is told, and does not keep what is beside it from being
// looked into. What was tried in vain is tried a bounded number of times.
func TestUnpackBomb(t *testing.T) {
	const memory = 1 << 20
	bomb := packed(t, "gzip", make([]byte, 4*memory), 1)
	small := packed(t, "gzip", legacy(t, "data"), 1)
	list := func(parts ...[]byte) (*inspect.Item, map[string]*inspect.Item, content.Data) {
		var file []byte
		for _, p := range parts { // each in a legacy image
			im := legacy(t, string(p))
			file = append(file, append(im, make([]byte, -len(im)&511)...)...)
		}
		data := content.Bytes(file)
		root, items := unpacked(t, data, memory)
		return root, items, data
	}
	root, items, data := list(bomb, small)
	why := items["uimage@0/name/contents"].NotUnpacked
	if why != "all that is decompressed would be more than 0x100000 bytes: --memory allows more" {
		t.Errorf("%q", why)
	}
	var next *inspect.Item
	for path, it := range items {
		if strings.HasPrefix(path, "uimage@") && !strings.HasPrefix(path, "uimage@0/") && strings.HasSuffix(path, "/name/contents") {
			next = it
		}
	}
	if next == nil || next.Unpacked == nil || next.Format != "legacy U-Boot image" {
		t.Errorf("%+v", next)
	}
	for _, f := range root.Verify(data, nil) {
		if f.Verdict == verify.Bad {
			t.Errorf("%+v", f)
		}
	}
	_, items, _ = list(bomb, bomb, bomb, bomb, bomb, bomb, small)
	for path, it := range items {
		if it.Compress != "" && (it.Unpacked != nil || it.NotUnpacked == "") {
			t.Errorf("%s: %+v", path, it)
		}
	}
}

// A sparse image anywhere is looked into: its holes take nothing.
func TestUnpackSparse(t *testing.T) {
	const hole = 4 << 30
	image := content.Join(diskImage(), content.Fill(0, hole))
	form, err := sparse.Write(image)
	if err != nil {
		t.Fatal(err)
	}
	data := content.Join(content.Bytes(legacy(t, "data")), content.Fill(0xff, 0x200-0x44), form)
	root, items := unpacked(t, data, 1)
	it := items["sparse@200/image/dtb@8000"]
	if it == nil || it.Offset != 0x8000 || it.In != items["sparse@200/image"] || it.In.UncompSize != image.Len() {
		t.Fatalf("%+v", items)
	}
	if same, err := content.Equal(*it.In.Unpacked, image); !same || err != nil {
		t.Errorf("the image is another: %v", err)
	}
	if n := verify.Count(root.Verify(data, nil), verify.Bad); n > 0 {
		t.Errorf("%d claims are bad", n)
	}
	// One that fills more than a bound is told.
	b, err := form.Slice(0, 28+12).Bytes()
	if err != nil {
		t.Fatal(err)
	}
	const blocks = 1 << 20 // of 4 KiB
	binary.LittleEndian.PutUint32(b[16:], blocks)
	binary.LittleEndian.PutUint32(b[20:], 1)
	binary.LittleEndian.PutUint32(b[24:], 0)
	binary.LittleEndian.PutUint16(b[28:], 0xcac2)
	binary.LittleEndian.PutUint32(b[32:], blocks)
	binary.LittleEndian.PutUint32(b[36:], 16)
	data = content.Join(content.Bytes(legacy(t, "data")), content.Fill(0xff, 0x200-0x44), content.Bytes(append(b, "fill"...)))
	_, items = unpacked(t, data, 1)
	if it := items["sparse@200/image"]; it == nil || it.NotUnpacked != "too much is in sparse images, or filled by them" {
		t.Errorf("%+v", it)
	}
}
