// SPDX-License-Identifier: GPL-2.0-or-later

package cli

import (
	"testing"

	"binman/codec"
	"binman/content"
	"binman/format/verify"
	"binman/inspect"
)

// TestUnpackSamples compresses files of all formats: looked into, they are found in the
// contents as in the files themselves, and are judged alike.
func TestUnpackSamples(t *testing.T) {
	c, err := codec.Lookup("xz")
	if err != nil {
		t.Fatal(err)
	}
	for name, plain := range damageSamples(t) {
		t.Run(name, func(t *testing.T) {
			packed, err := c.Compress(plain)
			if err != nil {
				t.Fatal(err)
			}
			direct, err := inspect.Image(content.Bytes(plain), "x")
			if err != nil || direct == nil {
				t.Fatal(direct, err)
			}
			data := content.Bytes(packed)
			root, err := inspect.Image(data, "x")
			if err != nil || root == nil {
				t.Fatal(root, err)
			}
			inspect.NewUnpacker(1<<30).Unpack(root, data)
			inspect.NewUnpacker(1<<30).Unpack(direct, content.Bytes(plain))
			items := map[string]*inspect.Item{}
			root.Walk(func(path string, _ int, it *inspect.Item) { items[path] = it })
			n := 1 // with the contents
			direct.Walk(func(path string, _ int, want *inspect.Item) {
				n++
				it := items["contents/"+path]
				if it == nil || it.In == nil || want.In == nil && it.In != items["contents"] || it.Offset != want.Offset || it.Size != want.Size || it.Format != want.Format {
					t.Errorf("%s: %+v, and in the contents %+v", path, want, it)
				}
			})
			if len(items) != n {
				t.Errorf("%d items, and in the contents %d", n-1, len(items)-1)
			}
			want := direct.Verify(content.Bytes(plain), nil)
			got := root.Verify(data, nil)
			if len(got) != len(want)+1 || got[0].Verdict != verify.Good {
				t.Fatalf("%d findings, and in the contents %d: %+v", len(want), len(got)-1, got)
			}
			for i, f := range verify.Within(want, "contents", 0) {
				if f.In == "" {
					f.In = "contents"
				}
				if got[i+1] != f {
					t.Errorf("%+v, and in the contents %+v", f, got[i+1])
				}
			}
		})
	}
}
