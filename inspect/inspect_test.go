// SPDX-License-Identifier: GPL-2.0-or-later

package inspect

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"binman/content"
	"binman/format/fip"
	"binman/format/fmap"
	"binman/format/ubootenv"
	"binman/format/uimage"
	"binman/internal/binfmt"
)

// outline prints what was found, one line for each part.
func outline(root *Item) string {
	var sb strings.Builder
	fmt.Fprintf(&sb, "%s: %s\n", root.Name, root.Format)
	root.Walk(func(path string, depth int, it *Item) {
		fmt.Fprintf(&sb, "%s%s at %#x, %#x bytes", strings.Repeat("  ", depth), path, it.Offset, it.Size)
		if it.Format != "" {
			fmt.Fprintf(&sb, ", %s", it.Format)
		}
		sb.WriteByte('\n')
	})
	return sb.String()
}

func environment(t *testing.T) []byte {
	t.Helper()
	env := ubootenv.Env{Size: 0x100, Vars: []string{"a=b"}}
	data, err := env.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func legacy(t *testing.T, payload []byte) []byte {
	t.Helper()
	img := uimage.Image{Name: "kernel", Type: 2}
	data, err := img.Marshal(payload)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestImage(t *testing.T) {
	uimg := legacy(t, []byte("payload"))
	typ, _ := fip.ByName("soc-fw")
	pkg := fip.Package{Entries: []fip.Entry{{UUID: typ.UUID}}}
	inFIP, err := pkg.Marshal([][]byte{uimg})
	if err != nil {
		t.Fatal(err)
	}
	m := fmap.New(0x1000, "FLASH")
	m.Areas = []fmap.Area{{Offset: 0x200, Size: int64(len(inFIP)), Name: "BOOT"}}
	table, err := m.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	chip := make([]byte, 0x1000)
	copy(chip[0x800:], table)
	copy(chip[0x200:], inFIP)

	tests := []struct {
		name string
		data []byte
		want string
	}{
		{"an environment", environment(t), "x: U-Boot environment\n"},
		{"a legacy image", uimg, "x: legacy U-Boot image\n  kernel at 0x40, 0x7 bytes\n"},
		{"an image in a FIP", inFIP, "x: FIP\n  soc-fw at 0x60, 0x47 bytes, legacy U-Boot image\n    soc-fw/kernel at 0xa0, 0x7 bytes\n"},
		{"a flash chip", chip, "x: FMAP\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			root, err := Image(content.Bytes(tt.data), "dir/x")
			if err != nil || root == nil {
				t.Fatalf("got %v, %v", root, err)
			}
			if got := outline(root); !strings.HasPrefix(got, tt.want) {
				t.Errorf("got\n%swant\n%s", got, tt.want)
			}
		})
	}
	root, _ := Image(content.Bytes(chip), "chip")
	if got := outline(root); !strings.Contains(got, "BOOT at 0x200, 0x") || !strings.Contains(got, "FIP") {
		t.Errorf("the area of the flash map is not looked into:\n%s", got)
	}
}

func TestUnknown(t *testing.T) {
	for _, data := range [][]byte{nil, []byte("hello"), bytes.Repeat([]byte{0xff}, 4096)} {
		if root, err := Image(content.Bytes(data), "x"); root != nil || err != nil {
			t.Errorf("%.8q: %v, %v", data, root, err)
		}
	}
}

// TestPlace checks that what a parser lists stays inside, with names of its
// own.
// What starts like a format and is not one says why.
func TestBegun(t *testing.T) {
	cut := legacy(t, []byte("payload"))
	cut[20] ^= 1
	for _, c := range []struct{ data, want string }{
		{"\xd0\x0d\xfe\xed\x00\x00\x10\x00" + strings.Repeat("\x00", 12) + "\x00\x00\x00\x11\x00\x00\x00\x10" + strings.Repeat("\x00", 100), "device tree or FIT in 'x': "},
		{string(cut), "legacy U-Boot image in 'x': not a legacy U-Boot image: header has bad CRC"},
		{"\x3d\xb8\xf3\x96" + strings.Repeat("\x00", 60), "MCUboot image in 'x': "},
		{"UBSH" + strings.Repeat("\x00", 60), "pre-load header in 'x': "},
	} {
		item, err := Image(content.String(c.data), "x")
		if item != nil || err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("got %v, error %v, want %s", item, err, c.want)
		}
	}
}

func TestPlace(t *testing.T) {
	got := place([]binfmt.Item{
		{Name: "a", Offset: 0, Size: 4},
		{Name: "a", Offset: 4, Size: 4},
		{Name: "", Offset: 8, Size: 1},
		{Name: "out", Offset: 9, Size: 2},
		{Name: "wrap", Offset: 1, Size: 1<<63 - 1},
		{Name: "before", Offset: -1, Size: 2},
	}, 0x100, 10)
	var names []string
	for _, it := range got {
		names = append(names, fmt.Sprintf("%s:%#x", it.Name, it.Offset))
	}
	if want := "a:0x100 a@104:0x104 @108:0x108"; strings.Join(names, " ") != want {
		t.Errorf("got %q, want %s", names, want)
	}
}

// FuzzImage checks that whatever the bytes are, everything found lies within
// them.
func FuzzImage(f *testing.F) {
	f.Add([]byte("__FMAP__"))
	f.Add([]byte{0xd0, 0x0d, 0xfe, 0xed})
	f.Fuzz(func(t *testing.T, data []byte) {
		root, err := Image(content.Bytes(data), "x")
		if err != nil || root == nil {
			return
		}
		root.Walk(func(path string, _ int, it *Item) {
			if it.Offset < 0 || it.Size < 0 || it.Offset+it.Size > int64(len(data)) {
				t.Errorf("%q at %#x, %#x bytes, is outside", path, it.Offset, it.Size)
			}
		})
	})
}
