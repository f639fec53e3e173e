// SPDX-License-Identifier: GPL-2.0-or-later

package inspect_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"binman/content"
	"binman/format/ubootenv"
	"binman/format/uimage"
	"binman/format/verify"
	"binman/inspect"
)

// legacy returns a legacy image.
func legacy(t testing.TB, data string) []byte {
	t.Helper()
	im := uimage.Image{Name: "name", Type: 2}
	b, err := im.Marshal([]byte(data))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// Where a search is given up is told.
func TestGivenUp(t *testing.T) {
	one := legacy(t, "data")
	decoy := binary.BigEndian.AppendUint32([]byte{0xd0, 0x0d, 0xfe, 0xed}, 0x8000)
	data := append(append([]byte("x   "), one...), bytes.Repeat(decoy, 1<<20)...)
	d := content.Bytes(data)
	root, err := inspect.Image(d, "x")
	if err != nil || root == nil {
		t.Fatalf("%v, %v", root, err)
	}
	if len(root.Items) != 1 {
		t.Errorf("%d items", len(root.Items))
	}
	if why := strings.Join(inspect.Damage(d, root)[""], "; "); !strings.Contains(why, "it was searched up to") {
		t.Errorf("damage %q", why)
	}
}

// No bytes break the search, and what it finds lies inside them.
func FuzzScan(f *testing.F) {
	f.Add(append([]byte("some bytes  "), legacy(f, "data")...))
	f.Add([]byte("xxxx\xd0\x0d\xfe\xed\x00\x00\x00\x48"))
	f.Add([]byte("UBSHLARCHIVE\x01\x00\x64\xaa"))
	f.Add(packed(f, "gzip", packed(f, "lz4", legacy(f, "data"), 1), 1))
	f.Fuzz(func(t *testing.T, b []byte) {
		d := content.Bytes(b)
		root, err := inspect.Image(d, "x")
		if err != nil || root == nil {
			return
		}
		inspect.NewUnpacker(1<<20).Unpack(root, d)
		root.Walk(func(path string, _ int, it *inspect.Item) {
			all := d.Len()
			if it.In != nil {
				all = it.In.Unpacked.Len()
			}
			if it.Offset < 0 || it.Size < 0 || it.Offset > all || it.Size > all-it.Offset {
				t.Errorf("%s: %#x bytes at %#x of %#x", path, it.Size, it.Offset, all)
			}
		})
		inspect.Damage(d, root)
	})
}

// BenchmarkScan looks through a file of noise, in which there is much that begins like
// something.
func BenchmarkScan(b *testing.B) {
	noise := make([]byte, 64<<20)
	rand.NewChaCha8([32]byte{}).Read(noise)
	path := filepath.Join(b.TempDir(), "noise")
	if err := os.WriteFile(path, noise, 0o600); err != nil {
		b.Fatal(err)
	}
	data, err := content.Open(path)
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(data.Len())
	for b.Loop() {
		if root, err := inspect.Image(data, "x"); root != nil || err != nil {
			b.Fatal(root, err)
		}
	}
}

// What programs without a header say of themselves is found, wherever it is.
func TestBanners(t *testing.T) {
	for _, test := range []struct{ text, format, name string }{
		{"U-Boot SPL 2025.01-3 (Jun 24 2026 - 09:07:15 +0000)", "U-Boot version", "u-boot@e11"},
		{"U-Boot 2025.01-rc1 (Jun 24 2026 - 09:07:15 +0000) for a board", "U-Boot version", "u-boot@e11"},
		{"v2.12.1(release):v2.12.1-dirty", "TF-A version", "tf-a@e11"},
		{"v2.10.0-rc0(debug):", "TF-A version", "tf-a@e11"},
		{"OpenSBI v%d.%d", "OpenSBI", "opensbi@e11"},
		{"SeaBIOS (version %s)", "SeaBIOS", "seabios@e11"},
	} {
		data := append(bytes.Repeat([]byte("code U-Boot "), 300), "\xff"+test.text+"\x00U-Boot 2025.01\x00U-Boot SPL loads it, v2.0, v1.1 (debug)"...)
		root, err := inspect.Image(content.Bytes(data), "x")
		if err != nil || root == nil || len(root.Items) != 1 {
			t.Errorf("%s: %+v, %v", test.text, root, err)
			continue
		}
		it := root.Items[0]
		if it.Name != test.name || it.Format != test.format || len(it.Items) != 1 || it.Items[0].Type != test.text || it.Size != int64(len(test.text)) {
			t.Errorf("%+v", it)
		}
		list, err := inspect.Verify(content.Bytes(data), "x", nil)
		if err != nil || len(list) != 1 || list[0].Verdict != verify.NotCovered {
			t.Errorf("%v, %v", list, err)
		}
	}
}

// twoCopies returns a dump with two copies of an environment, whose flags count up.
func twoCopies(t *testing.T, flags byte) []byte {
	t.Helper()
	dump := bytes.Repeat([]byte{0xff}, 0x20000)
	copy(dump[0x200:], legacy(t, "a=b"))
	for i, at := range []int{0x4200, 0x8200} {
		env := ubootenv.Env{Size: 0x4000, Form: ubootenv.Redundant, Flags: flags + byte(i), Fill: 0xff, Vars: []string{"bootcmd=boot", "serial#=1"}}
		b, err := env.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		copy(dump[at:], b)
	}
	return dump
}

// Two copies of an environment are found in what is larger, each with its own size, and
// which U-Boot uses.
func TestEnvironments(t *testing.T) {
	dump := twoCopies(t, 7)
	root, err := inspect.Image(content.Bytes(dump), "x")
	if err != nil || root == nil {
		t.Fatal(root, err)
	}
	var text strings.Builder
	root.Walk(func(path string, _ int, it *inspect.Item) { fmt.Fprintf(&text, "%s %#x %s\n", path, it.Size, it.Type) })
	const want = `uimage@200 0x43 legacy U-Boot image
uimage@200/name 0x3 kernel
env@4200 0x4000 U-Boot environment
env@4200/header 0x5 redundant environment of 0x4000 bytes, 2 variables, flags 7, not in use: that at 0x8200 is
env@4200/bootcmd 0x4 variable, boot
env@4200/serial# 0x1 variable, 1
env@8200 0x4000 U-Boot environment
env@8200/header 0x5 redundant environment of 0x4000 bytes, 2 variables, flags 8, in use: the other is at 0x4200
env@8200/bootcmd 0x4 variable, boot
env@8200/serial# 0x1 variable, 1
`
	if got := text.String(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	list, err := inspect.Verify(content.Bytes(dump), "x", nil)
	if err != nil || verify.Count(list, verify.Bad) != 0 || verify.Count(list, verify.Good) < 4 {
		t.Errorf("%v, %v", list, err)
	}
}

// A copy that is damaged is told, and which one U-Boot falls back to; also if the flags
// begin anew.
func TestDamagedEnvironments(t *testing.T) {
	for _, c := range []struct {
		flags   byte
		damage  int // an offset, 0 for none
		first   string
		second  string
		verdict string
	}{
		{255, 0, "not in use: that at 0x8200 is", "in use: the other is at 0x4200", ""},
		{7, 0x4300, "", "in use: that at 0x4200 is damaged", "env@4200"},
		{7, 0x8300, "in use: that at 0x8200 is damaged", "", "env@8200"},
		{7, 0x8204, "not in use: that at 0x8200 is", "in use: the other is at 0x4200", ""}, // the flags have no sum
	} {
		dump := twoCopies(t, c.flags)
		if c.damage > 0 {
			dump[c.damage]++
		}
		root, err := inspect.Image(content.Bytes(dump), "x")
		if err != nil {
			t.Fatal(err)
		}
		got := map[string]string{}
		root.Walk(func(path string, _ int, it *inspect.Item) { got[path] = it.Type })
		if !strings.HasSuffix(got["env@4200/header"], c.first) || !strings.HasSuffix(got["env@8200/header"], c.second) {
			t.Errorf("%+v: %q", c, got)
		}
		damage := inspect.Damage(content.Bytes(dump), root)
		if len(damage) > 1 || c.verdict != "" && !strings.Contains(strings.Join(damage[c.verdict], " "), "bad CRC") || c.verdict == "" && len(damage) > 0 {
			t.Errorf("%+v: %q", c, damage)
		}
	}
}
