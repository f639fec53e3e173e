// SPDX-License-Identifier: GPL-2.0-or-later

package report

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"binman/content"
	"binman/fdt"
	"binman/layout"
)

// tree returns a device tree with the given properties of /chosen.
func tree(props ...string) []byte {
	t := fdt.New()
	t.Root.SetString("model", "board")
	node := t.Root.AddSubnode("chosen")
	for _, p := range props {
		name, value, _ := strings.Cut(p, "=")
		node.SetString(name, value)
	}
	return t.Marshal()
}

// TestDiffText compares pairs of images and shows what is printed, without
// the lines of the FDT map itself, which repeat the description.
func TestDiffText(t *testing.T) {
	const end = ` fdtmap { offset = <0x8000>; };`
	const head = `size = <0x10000>; pad-byte = <0xff>;`
	tests := []struct {
		name         string
		a, b         string
		filesA       map[string][]byte
		filesB       map[string][]byte
		patchB       map[int64]string
		paths        []string
		want         []string // lines without heading, map and summary
		wantSame     bool
		wantSummary  string
		wantInHeader string
	}{
		{
			name:     "same",
			a:        head + `one { type = "text"; text = "abc"; };` + end,
			b:        head + `one { type = "text"; text = "abc"; };` + end,
			wantSame: true,
		},
		{
			name:        "changed",
			a:           head + `one { type = "blob"; filename = "f"; };` + end,
			b:           head + `one { type = "blob"; filename = "f"; };` + end,
			filesA:      map[string][]byte{"f": []byte("abcdefghijkl")},
			filesB:      map[string][]byte{"f": []byte("abcxefghijyz")},
			want:        []string{"~ /one  3 of 12 bytes differ, first at 0x3"},
			wantSummary: "1 changed, 0 added, 0 removed, 2 unchanged",
		},
		{
			name:   "moved and resized",
			a:      head + `one { type = "blob"; filename = "f"; }; two { type = "blob"; filename = "g"; };` + end,
			b:      head + `one { type = "blob"; filename = "f"; }; two { type = "blob"; filename = "g"; };` + end,
			filesA: map[string][]byte{"f": []byte("abcd"), "g": []byte("same")},
			filesB: map[string][]byte{"f": []byte("abcdef"), "g": []byte("same")},
			want: []string{
				"~ /one  resized 0x4 -> 0x6 (+2); first 4 bytes are the same (4 and 6 in all)",
				"~ /two  moved 0x4 -> 0x6",
			},
		},
		{
			name: "added and removed, with what they hold",
			a:    head + `one { type = "text"; text = "a"; }; old { type = "section"; x { type = "text"; text = "x"; }; };` + end,
			b:    head + `one { type = "text"; text = "a"; }; new { type = "text"; text = "longer"; };` + end,
			want: []string{
				"- /old  section at 0x1, 0x1 bytes (1 B)",
				"- /old/x  text at 0x0, 0x1 bytes (1 B)",
				"+ /new  text at 0x1, 0x6 bytes (6 B)",
			},
			wantSummary: "1 changed, 1 added, 2 removed, 2 unchanged",
		},
		{
			name: "another type",
			a:    head + `one { type = "text"; text = "abc"; };` + end,
			b:    head + `one { type = "blob"; filename = "f"; };` + end,
			filesB: map[string][]byte{
				"f": []byte("abc"),
			},
			want: []string{"~ /one  type text -> blob"},
		},
		{
			name:   "between entries",
			a:      head + `s { type = "section"; size = <0x100>; one { type = "text"; text = "abc"; }; };` + end,
			b:      head + `s { type = "section"; size = <0x100>; one { type = "text"; text = "abc"; }; };` + end,
			patchB: map[int64]string{0x80: "x", 0x81: "y", 0x7000: "z"},
			want: []string{
				"~ /  between its entries 1 of 64816 bytes differ, first at 0x7000",
				"~ /s  between its entries 2 of 253 bytes differ, first at 0x80",
			},
		},
		{
			name:   "device tree",
			a:      head + `dtb { type = "blob"; filename = "f"; size = <0x400>; };` + end,
			b:      head + `dtb { type = "blob"; filename = "f"; size = <0x400>; };` + end,
			filesA: map[string][]byte{"f": tree("bootargs=quiet", "gone=x")},
			filesB: map[string][]byte{"f": tree("bootargs=loud", "new=\x1bx")},
			want: []string{
				"~ /dtb  16 of 1024 bytes differ, first at 0x7",
				`    ~ /chosen: bootargs = "quiet" -> "loud"`,
				`    - /chosen: gone = "x"`,
				"    + /chosen: new = [1b 78 00]",
			},
		},
		{
			name:   "compressed, one entry changed",
			a:      head + `z { type = "section"; compress = "lz4"; one { type = "blob"; filename = "f"; }; two { type = "text"; text = "two"; }; };` + end,
			b:      head + `z { type = "section"; compress = "lz4"; one { type = "blob"; filename = "f"; }; two { type = "text"; text = "two"; }; };` + end,
			filesA: map[string][]byte{"f": []byte("abcdefghijklmnop")},
			filesB: map[string][]byte{"f": []byte("abcdefghijkXmnop")},
			want: []string{
				"~ /z  stored 1 of 34 bytes differ, first at 0x16; decompressed 1 of 19 bytes differ, first at 0xb",
				"~ /z/one  1 of 16 bytes differ, first at 0xb",
			},
		},
		{
			name:   "another compression of the same",
			a:      head + `one { type = "blob"; filename = "f"; compress = "lz4"; size = <0x100>; };` + end,
			b:      head + `one { type = "blob"; filename = "f"; compress = "gzip"; size = <0x100>; };` + end,
			filesA: map[string][]byte{"f": bytes.Repeat([]byte("abc"), 100)},
			filesB: map[string][]byte{"f": bytes.Repeat([]byte("abc"), 100)},
			want:   []string{"~ /one  compression lz4 -> gzip; stored # of 256 bytes differ, first at 0x0; the same when decompressed"},
		},
		{
			name:   "only some paths",
			a:      head + `one { type = "blob"; filename = "f"; }; two { type = "blob"; filename = "f"; };` + end,
			b:      head + `one { type = "blob"; filename = "f"; }; two { type = "blob"; filename = "f"; };` + end,
			filesA: map[string][]byte{"f": []byte("a")},
			filesB: map[string][]byte{"f": []byte("b")},
			paths:  []string{"tw*"},
			want:   []string{"~ /two  1 of 1 bytes differ, first at 0x0"},

			wantSummary: "1 changed, 0 added, 0 removed, 0 unchanged",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if tt.filesA == nil {
				tt.filesA = map[string][]byte{}
			}
			if tt.filesB == nil {
				tt.filesB = map[string][]byte{}
			}
			pathA, pathB := buildImage(t, tt.a, tt.filesA), buildImage(t, tt.b, tt.filesB)
			patch(t, pathB, tt.patchB)
			d := Compare(openImage(t, pathA, "a.bin"), openImage(t, pathB, "b.bin"), tt.paths)
			if d.Errors > 0 || d.Same != tt.wantSame {
				t.Errorf("%d errors, same %v", d.Errors, d.Same)
			}
			var out strings.Builder
			if err := d.Text(&out); err != nil {
				t.Fatal(err)
			}
			if tt.wantSame {
				if out.Len() > 0 {
					t.Errorf("printed %q", &out)
				}
				return
			}
			lines := strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
			var got []string
			inMap := false
			for _, l := range lines[2 : len(lines)-1] {
				if !strings.HasPrefix(l, "    ") {
					inMap = strings.HasPrefix(l, "~ /fdtmap")
				}
				if !inMap {
					got = append(got, l)
				}
			}
			if strings.Contains(strings.Join(tt.want, ""), "#") { // a number that depends on an encoder
				for i, f := range got {
					before, rest, _ := strings.Cut(f, "stored ")
					_, after, _ := strings.Cut(rest, " of")
					got[i] = before + "stored # of" + after
				}
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got)\n%s\nin\n%s", diff, &out)
			}
			if tt.wantSummary != "" && lines[len(lines)-1] != tt.wantSummary {
				t.Errorf("summary %q, want %q", lines[len(lines)-1], tt.wantSummary)
			}
		})
	}
}

// patch overwrites bytes of a file.
func patch(t testing.TB, path string, at map[int64]string) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for off, s := range at {
		if _, err := f.WriteAt([]byte(s), off); err != nil {
			t.Fatal(err)
		}
	}
}

// TestDiffJSON pins the names of the JSON form, which docs/json.md promises.
func TestDiffJSON(t *testing.T) {
	const body = `one { type = "blob"; filename = "f"; }; two { type = "text"; text = "x"; }; fdtmap { };`
	a := open(t, body, "a.bin", map[string][]byte{"f": []byte("abc")})
	b := open(t, body, "b.bin", map[string][]byte{"f": []byte("axcd")})
	text, err := json.MarshalIndent(Compare(a, b, []string{"one", "two"}), "", " ")
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "diff.json", string(text)+"\n")
}

// TestDiffUnreadable compares images whose map says what cannot be.
func TestDiffUnreadable(t *testing.T) {
	const body = `one { type = "text"; text = "abc"; }; z { type = "section"; compress = "lz4"; two { type = "text"; text = "abc"; }; }; fdtmap { };`
	pathA, pathB := buildImage(t, body, map[string][]byte{}), buildImage(t, body, map[string][]byte{})
	patch(t, pathB, map[int64]string{3: "\x00\x00\x00\x00"}) // no lz4 any more
	d := Compare(openImage(t, pathA, "a.bin"), openImage(t, pathB, "b.bin"), nil)
	if d.Errors == 0 || d.Same {
		t.Errorf("%d errors, same %v", d.Errors, d.Same)
	}
	var out strings.Builder
	if err := d.Text(&out); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.String(), "cannot be compared: ") {
		t.Errorf("printed %s", &out)
	}
}

func TestCompareWhole(t *testing.T) {
	tests := []struct {
		name, a, b string
		want       ByteDiff
		same       bool
	}{
		{"both empty", "", "", ByteDiff{First: -1}, true},
		{"same", "abc", "abc", ByteDiff{Compared: 3, First: -1, SizeA: 3, SizeB: 3}, true},
		{"longer", "abc", "abcd", ByteDiff{Compared: 3, First: 3, SizeA: 3, SizeB: 4}, false},
		{"changed", "abc", "aXc", ByteDiff{Compared: 3, Differ: 1, First: 1, SizeA: 3, SizeB: 3}, false},
		{"late", strings.Repeat("x", compareBuffer) + "a", strings.Repeat("x", compareBuffer) + "b",
			ByteDiff{Compared: compareBuffer + 1, Differ: 1, First: compareBuffer, SizeA: compareBuffer + 1, SizeB: compareBuffer + 1}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d, err := CompareWhole(Side{Image: "a"}, Side{Image: "b"}, content.String(tt.a), content.String(tt.b), "no map")
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(&tt.want, d.Whole); diff != "" || d.Same != tt.same {
				t.Errorf("same %v, (-want +got)\n%s", d.Same, diff)
			}
		})
	}
}

// broken fails to be read.
type broken struct{}

func (broken) ReadAt([]byte, int64) (int, error) { return 0, io.ErrUnexpectedEOF }

func TestCompareReadError(t *testing.T) {
	_, err := CompareBytes(content.File(broken{}, "broken", 0, 10), content.Fill(0, 10))
	if !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("error %v", err)
	}
}

// TestCompareLimit checks that entries which all cover the same bytes do not
// keep us comparing.
func TestCompareLimit(t *testing.T) {
	c := newComparer(100)
	for i, want := range []error{nil, nil, ErrTooMuch, ErrTooMuch} {
		if _, err := c.compare(content.Fill(0, 50), content.Fill(0, 60)); !errors.Is(err, want) {
			t.Errorf("comparison %d: error %v, want %v", i, err, want)
		}
	}
}

func TestCompareTrees(t *testing.T) {
	a, b := fdt.New(), fdt.New()
	for _, tr := range []*fdt.Tree{a, b} {
		tr.Root.AddSubnode("both").SetU32("cells", 1)
	}
	a.Root.SetU32s("reg", 1, 2)
	b.Root.SetU32s("reg", 1, 3)
	a.Root.AddSubnode("old").SetU32("x", 1)
	b.Root.AddSubnode("new")
	long := bytes.Repeat([]byte{7}, 1000)
	a.Root.SetProp("data", long)
	long[999] = 8
	b.Root.SetProp("data", long)
	b.Reserve = []fdt.Reserve{{Address: 0x1000, Size: 0x10}}
	d, err := compareTrees(content.Bytes(a.Marshal()), content.Bytes(b.Marshal()), false)
	if err != nil {
		t.Fatal(err)
	}
	want := &TreeDiff{Changes: []TreeChange{
		{"/", "/memreserve/", Changed, "(empty)", "<0x1000 0x10>"},
		{"/", "reg", Changed, "<0x1 0x2>", "<0x1 0x3>"},
		{"/", "data", Changed, "1000 bytes", "1 of them other ones, the first at 0x3e7"},
		{Node: "/old", Change: Removed},
		{Node: "/new", Change: Added},
	}}
	if diff := cmp.Diff(want, d); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestValue(t *testing.T) {
	tests := []struct {
		in   string
		want string
	}{
		{"", "(empty)"},
		{"abc\x00", `"abc"`},
		{"abc\x00de\x00", `"abc", "de"`},
		{"\x00\x00\x00\x05", "<0x5>"},
		{"\x00", "[00]"},
		{"abc", "[61 62 63]"},
		{"a\x00\x00", "[61 00 00]"},
		{strings.Repeat("x", 100) + "\x00", `"` + strings.Repeat("x", maxValue-4) + "..."},
		{strings.Repeat("\x00\x00\x00\x01", 1000), "<" + strings.Repeat("0x1 ", 14) + "..."},
	}
	for _, tt := range tests {
		if got := value([]byte(tt.in)); got != tt.want {
			t.Errorf("value(%q) = %q, want %q", tt.in, got, tt.want)
		}
	}
}

func FuzzDiffering(f *testing.F) {
	f.Add([]byte("same"), []byte("same"))
	f.Add([]byte("0123456789abcdef"), []byte("0123x56789abcdeF"))
	f.Add(bytes.Repeat([]byte("x"), 10000), append(bytes.Repeat([]byte("x"), 9995), "abcde"...))
	f.Fuzz(func(t *testing.T, a, b []byte) {
		n := min(len(a), len(b))
		a, b = a[:n], b[:n]
		var want int64
		first := -1
		for i := range a {
			if a[i] != b[i] {
				want++
				if first < 0 {
					first = i
				}
			}
		}
		if got, at := differing(a, b); got != want || at != first {
			t.Errorf("differing(%x, %x) = %d, %d, want %d, %d", a, b, got, at, want, first)
		}
	})
}

// FuzzCompareTrees compares what may be trees: whatever it is, a tree does
// not differ from itself.
func FuzzCompareTrees(f *testing.F) {
	f.Add(tree("a=b"), tree("a=c", "d=e"))
	f.Fuzz(func(t *testing.T, a, b []byte) {
		if d, err := compareTrees(content.Bytes(a), content.Bytes(b), false); err != nil {
			t.Fatal(err)
		} else if d != nil {
			d.text(io.Discard)
		}
		d, err := compareTrees(content.Bytes(a), content.Bytes(a), false)
		if err != nil || d != nil && len(d.Changes) > 0 {
			t.Errorf("differs from itself: %v, %v", d, err)
		}
	})
}

// BenchmarkDiff compares two images of 64 MiB that differ in one byte of one
// of four entries.
func BenchmarkDiff(b *testing.B) {
	const size = 64 << 20
	blob := make([]byte, size/4)
	for i := range blob {
		blob[i] = byte(i * 7 >> 3)
	}
	body := `size = <0x4001000>; a { type = "blob"; filename = "f"; }; b { type = "blob"; filename = "f"; };
		c { type = "blob"; filename = "f"; }; d { type = "blob"; filename = "f"; }; fdtmap { };`
	pathA := buildImage(b, body, map[string][]byte{"f": blob})
	pathB := filepath.Join(b.TempDir(), "b.bin")
	data, err := os.ReadFile(pathA)
	if err != nil {
		b.Fatal(err)
	}
	data[size-1] ^= 1
	if err := os.WriteFile(pathB, data, 0o666); err != nil {
		b.Fatal(err)
	}
	var imgs [2]*layout.Opened
	for i, path := range []string{pathA, pathB} {
		imgs[i] = openImage(b, path, path)
	}
	b.SetBytes(size)
	b.ReportAllocs()
	for b.Loop() {
		if d := Compare(imgs[0], imgs[1], nil); d.Same || d.Errors > 0 || len(d.Entries) != 1 {
			b.Fatalf("%+v", d)
		}
	}
}

// TestDiffTextHostile prints names that would command a terminal.
func TestDiffTextHostile(t *testing.T) {
	const evil = "\x1b]0;title\x07\u202e\nx"
	n := int64(1)
	p := &Place{Type: evil, Compress: evil, Offset: &n, Size: &n}
	q := &Place{Type: "x", Size: &n}
	d := &Diff{A: Side{Image: evil}, B: Side{Image: evil}, Errors: 1, Entries: []*EntryDiff{
		{Path: evil, Changes: []string{Added}, B: p},
		{Path: evil, Changes: []string{Retyped, Moved, Resized, Recompressed}, A: p, B: q, Error: evil, Tree: &TreeDiff{
			Changes: []TreeChange{{Node: evil, Property: evil, Change: Changed, Old: evil, New: evil}, {Node: evil, Change: Added}}}},
	}}
	var out strings.Builder
	if err := d.Text(&out); err != nil {
		t.Fatal(err)
	}
	checkText(t, out.String(), TextOptions{Width: 10000})
	if lines := strings.Count(out.String(), "\n"); lines != 7 {
		t.Errorf("%d lines:\n%s", lines, &out)
	}
	d = &Diff{Note: evil, Whole: &ByteDiff{Compared: 1, Differ: 1, SizeA: 1, SizeB: 1}}
	out.Reset()
	if err := d.Text(&out); err != nil {
		t.Fatal(err)
	}
	checkText(t, out.String(), TextOptions{Width: 10000})
}
