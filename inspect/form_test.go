// SPDX-License-Identifier: GPL-2.0-or-later

package inspect_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"binman/content"
	"binman/format/addressed"
	"binman/format/ihex"
	"binman/format/sparse"
	"binman/format/srec"
	"binman/format/uf2"
	"binman/format/verify"
	"binman/inspect"
)

// formed returns data in all forms. Of UF2, it has whole blocks.
func formed(t testing.TB, data content.Data) map[string]content.Data {
	t.Helper()
	pieces := []addressed.Piece{{Addr: 0x8000000, Data: data}}
	var hex, s bytes.Buffer
	if err := ihex.Write(&hex, pieces); err != nil {
		t.Fatal(err)
	}
	if err := srec.Write(&s, pieces, "image.srec", 0x8000000); err != nil {
		t.Fatal(err)
	}
	blocks, err := uf2.Write(data, 0x8000000, 0xe48bff56, true)
	if err != nil {
		t.Fatal(err)
	}
	chunks, err := sparse.Write(data)
	if err != nil {
		t.Fatal(err)
	}
	return map[string]content.Data{
		"Intel HEX": content.Bytes(hex.Bytes()), "S-records": content.Bytes(s.Bytes()), "UF2": blocks, "Android sparse image": chunks,
	}
}

// diskImage returns an image with something known in it, behind zeros.
func diskImage() content.Data {
	tree := []byte{ // an empty device tree
		0xd0, 0x0d, 0xfe, 0xed, 0, 0, 0, 0x48, 0, 0, 0, 0x38, 0, 0, 0, 0x48, 0, 0, 0, 0x28, 0, 0, 0, 0x11, 0, 0, 0, 0x10, 0, 0, 0, 0,
		0, 0, 0, 0, 0, 0, 0, 0x10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0,
		0, 0, 0, 2, 0, 0, 0, 9,
	}
	return content.Join(content.Fill(0, 0x8000), content.Bytes(tree), content.Fill(0, 0x1000-int64(len(tree))))
}

func TestForms(t *testing.T) {
	image := diskImage()
	for name, file := range formed(t, image) {
		t.Run(name, func(t *testing.T) {
			f, err := inspect.FormOf(file)
			if err != nil {
				t.Fatal(err)
			}
			if f == nil || f.Name != name || (f.Addr == nil) != (name == "Android sparse image") {
				t.Fatalf("%+v", f)
			}
			if same, err := content.Equal(f.Image, image); !same || err != nil {
				t.Fatalf("the image is another: %v", err)
			}
			root, err := f.Root("dir/file")
			if err != nil {
				t.Fatal(err)
			}
			var paths []string
			root.Walk(func(path string, _ int, it *inspect.Item) { paths = append(paths, path) })
			if got := strings.Join(paths, " "); !strings.HasPrefix(got, "image image/dtb@8000") || root.Name != "file" || root.Format != name {
				t.Errorf("%s, %s: %s", root.Name, root.Format, got)
			}
			list, err := f.Verify("file", nil)
			if err != nil || len(list) == 0 || list[0].Path != "image/dtb@8000" || list[0].Verdict != verify.Good {
				t.Errorf("%+v, %v", list, err)
			}
			if damage := inspect.Damage(f.Image, root); len(damage) > 0 {
				t.Errorf("damage: %v", damage)
			}
		})
	}
	for name, file := range map[string]content.Data{
		"nothing":         {},
		"text":            content.String("S for S-record, : for HEX\n"),
		"a damaged image": content.Join(formed(t, image)["Android sparse image"].Slice(0, 50)),
		"much fill": content.String("\x3a\xff\x26\xed\x01\x00\x00\x00\x1c\x00\x0c\x00" + "\x00\x00\x10\x00" + "\x00\x00\x01\x00" + "\x01\x00\x00\x00" + "\x00\x00\x00\x00" +
			"\xc2\xca\x00\x00" + "\x00\x00\x01\x00" + "\x10\x00\x00\x00" + "\xff\xff\xff\xff"),
	} {
		if f, err := inspect.FormOf(file); f != nil || err != nil {
			t.Errorf("%s: %+v, %v", name, f, err)
		}
	}
}

// A UF2 file for several families has an image for each.
func TestFamilies(t *testing.T) {
	first, err := uf2.Write(content.Bytes(legacy(t, "for one")), 0x1000, 1, true)
	if err != nil {
		t.Fatal(err)
	}
	second, err := uf2.Write(content.Bytes(legacy(t, "and two")), 0x2000, 2, true)
	if err != nil {
		t.Fatal(err)
	}
	f, err := inspect.FormOf(content.Join(first, second))
	if err != nil || f == nil {
		t.Fatal(f, err)
	}
	root, err := f.Root("x")
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	root.Walk(func(path string, _ int, it *inspect.Item) {
		fmt.Fprintf(&text, "%s %#x %#x %s %s\n", path, it.Offset, it.Size, it.Type, it.Format)
	})
	const want = `image-00000001 0x0 0x100 family 0x00000001, from address 0x1000 legacy U-Boot image
image-00000001/name 0x40 0x7 kernel 
image-00000002 0x100 0x100 family 0x00000002, from address 0x2000 legacy U-Boot image
image-00000002/name 0x140 0x7 kernel 
`
	if got := text.String(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	list, err := f.Verify("x", nil)
	if err != nil || verify.Count(list, verify.Good) != 4 || verify.Count(list, verify.Bad) > 0 {
		t.Errorf("%v, %v", list, err)
	}
}

// A file with addresses far from each other is looked into at once.
func TestFormHoles(t *testing.T) {
	var b bytes.Buffer
	pieces := []addressed.Piece{{Addr: 0, Data: content.String("x")}, {Addr: 1<<32 - 1, Data: content.String("y")}}
	if err := srec.Write(&b, pieces, "", 0); err != nil {
		t.Fatal(err)
	}
	f, err := inspect.FormOf(content.Bytes(b.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	root, err := f.Root("file")
	if err != nil || root.Size != 1<<32 || root.Items[0].Type != "entry point 0x0, from address 0x0, in 2 runs" {
		t.Errorf("%+v, %v", root, err)
	}
}
