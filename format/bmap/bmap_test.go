// SPDX-License-Identifier: GPL-2.0-or-later

package bmap_test

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"binman/content"
	"binman/format/bmap"
	"binman/internal/atomicfile"
	"binman/internal/judge"
)

const block = 4096

func pattern(n int) content.Data {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i*7 ^ i>>8)
	}
	return content.Bytes(b)
}

// holey returns a file with 128 KiB of data at 1 MiB, and holes.
func holey(t testing.TB) content.Data {
	path := filepath.Join(t.TempDir(), "holes")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteAt(bytes.Repeat([]byte("file"), 1<<15), 1<<20); err != nil {
		t.Fatal(err)
	}
	if err := f.Truncate(2<<20 + 5); err != nil {
		t.Fatal(err)
	}
	data, err := content.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

type dataCase struct {
	name   string
	data   content.Data
	ranges string
}

func cases(t testing.TB) []dataCase {
	file := holey(t)
	list := []dataCase{
		{"a byte", content.String("x"), "0"},
		{"zeros", content.Fill(0, 20*block), ""},
		{"few zeros", content.Fill(0, 15*block), "0-14"},
		{"a fill", content.Fill(0xff, 20*block), "0-19"},
		{"zeros that are read", content.Bytes(make([]byte, 20*block)), "0-19"},
		{"zeros behind data", content.Join(pattern(block), content.Fill(0, 30*block)), "0"},
		{"zeros at odd offsets", content.Join(pattern(block+1), content.Fill(0, 30*block), pattern(3*block)), "0-1 31-34"},
		{"zeros up to the end of a block", content.Join(pattern(block), content.Fill(0, 30*block), pattern(1)), "0 31"},
		{"few zeros within", content.Join(pattern(block), content.Fill(0, 15*block), pattern(1)), "0-16"},
		{"zeros as two", content.Join(pattern(block), content.Fill(0, 20*block), file), "0 277-308"},
	}
	if runtime.GOOS == "linux" {
		list = append(list, dataCase{"a file with holes", file, "256-287"})
	}
	return list
}

func TestWrite(t *testing.T) {
	for _, c := range cases(t) {
		t.Run(c.name, func(t *testing.T) {
			if runtime.GOOS != "linux" && strings.Contains(c.name, "as two") {
				t.Skip("holes of files are not known")
			}
			text, err := bmap.Write(c.data, "disk.img")
			if err != nil {
				t.Fatal(err)
			}
			var m struct {
				ImageSize, BlockSize, BlocksCount, MappedBlocksCount string
				Ranges                                               []string `xml:"BlockMap>Range"`
			}
			if err := xml.Unmarshal(text, &m); err != nil {
				t.Fatal(err)
			}
			var ranges []string
			count := 0
			for _, r := range m.Ranges {
				r = strings.TrimSpace(r)
				ranges = append(ranges, r)
				var first, last int
				if n, _ := fmt.Sscanf(r, "%d-%d", &first, &last); n == 1 {
					last = first
				}
				count += last - first + 1
			}
			got := []string{m.ImageSize, m.BlockSize, m.BlocksCount, m.MappedBlocksCount, strings.Join(ranges, " ")}
			want := []string{fmt.Sprintf(" %d ", c.data.Len()), " 4096 ", fmt.Sprintf(" %d ", (c.data.Len()+block-1)/block), fmt.Sprintf(" %d ", count), c.ranges}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
	if _, err := bmap.Write(content.Data{}, "disk.img"); err == nil {
		t.Error("there is a map of nothing")
	}
	for name, want := range map[string]bool{"disk.img": true, "disk--2.img": false, "disk\n.img": false, "disk\xff.img": false} {
		text, err := bmap.Write(content.String("x"), name)
		if err != nil {
			t.Fatal(err)
		}
		if err := xml.Unmarshal(text, &struct{}{}); err != nil {
			t.Errorf("%q: %v", name, err)
		}
		if bytes.Contains(text, []byte(name)) != want {
			t.Errorf("%q: in a comment, or not:\n%s", name, text)
		}
	}
}

// bmaptool writes the same bytes by the map. The ranges and their sums are those that
// it finds in the file.
func TestBmaptool(t *testing.T) {
	bmaptool := judge.Need(t, "bmaptool")
	dir := t.TempDir()
	run := func(args ...string) []byte {
		t.Helper()
		out, err := exec.Command(bmaptool, args...).CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %v\n%s", args, err, out)
		}
		return out
	}
	ranges := func(text []byte) []string {
		var list []string
		for _, m := range regexp.MustCompile(`<Range chksum="(.*)"> *(\S+) *</Range>`).FindAllSubmatch(text, -1) {
			list = append(list, fmt.Sprintf("%s %s", m[2], m[1]))
		}
		return list
	}
	for i, c := range cases(t) {
		t.Run(c.name, func(t *testing.T) {
			at := func(suffix string) string { return filepath.Join(dir, fmt.Sprint(i, suffix)) }
			text, err := bmap.Write(c.data, "disk.img")
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(at(".bmap"), text, 0o666); err != nil {
				t.Fatal(err)
			}
			if err := atomicfile.Write(at(".img"), c.data); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(ranges(run("create", at(".img"))), ranges(text)); diff != "" {
				t.Error(diff)
			}
			if c.ranges == "" {
				return // it cannot copy nothing
			}
			run("copy", "--bmap", at(".bmap"), at(".img"), at(".out"))
			b, err := os.ReadFile(at(".out"))
			if err != nil {
				t.Fatal(err)
			}
			if same, err := content.Equal(c.data, content.Bytes(b)); !same || err != nil {
				t.Errorf("it wrote something else, %d bytes: %v", len(b), err)
			}
		})
	}
}
