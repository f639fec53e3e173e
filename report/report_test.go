// SPDX-License-Identifier: GPL-2.0-or-later

package report

import (
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"binman/content"
	"binman/content/iodir"
	"binman/etype"
	"binman/internal/host"
	"binman/layout"
)

var update = flag.Bool("update", false, "write the golden files")

// golden compares text with the file of that name in testdata.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s differs (-want +got); -update writes it:\n%s", path, diff)
	}
}

// buildImage builds the image that the body of a binman node describes.
func buildImage(t testing.TB, body string, files map[string][]byte) string {
	t.Helper()
	path, _ := build(t, body, files)
	return path
}

// build builds such an image, and returns the manifest too.
func build(t testing.TB, body string, files map[string][]byte) (path string, m *Manifest) {
	t.Helper()
	dir := t.TempDir()
	files["desc.dts"] = []byte("/dts-v1/;\n/ { binman { " + body + " }; };\n")
	for name, data := range files {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	b := &layout.Build{Options: layout.Options{
		Trees: etype.Trees(), Env: host.Env(), Description: filepath.Join(dir, "desc.dts"),
		Types:     etype.Table(),
		Input:     host.Input(dir),
		Output:    iodir.Output{Dir: dir},
		UpdateFDT: true,
	}}
	if err := b.Run(); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(dir, "image.bin"), ManifestOf(b.Images)
}

// openImage opens an image as if its name were name.
func openImage(t testing.TB, path, name string) *layout.Opened {
	t.Helper()
	data, err := content.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	img, err := (&layout.Build{Options: layout.Options{Trees: etype.Trees(), Env: host.Env(), Input: host.Input(), Types: etype.Table()}}).Open(data, name)
	if err != nil {
		t.Fatal(err)
	}
	return img
}

func open(t testing.TB, body, name string, files map[string][]byte) *layout.Opened {
	t.Helper()
	if files == nil {
		files = map[string][]byte{}
	}
	return openImage(t, buildImage(t, body, files), name)
}

func TestPrintable(t *testing.T) {
	tests := []struct{ in, want string }{
		{"u-boot", "u-boot"},
		{"größer", "größer"},
		{"\x1b[31mred\x07", `\x1b[31mred\x07`},
		{"a\u202eb", `a\u202eb`},
		{"a\nb\tc\x7f", `a\x0ab\x09c\x7f`},
		{"bad\xff\xfeutf8", `bad\xff\xfeutf8`},
		{"\u0085", `\u0085`},
		{"\U000e0001", `\U000e0001`},
		{"\ufffd", "\ufffd"},
	}
	for _, tt := range tests {
		if got := Printable(tt.in); got != tt.want {
			t.Errorf("Printable(%q) = %q, want %q", tt.in, got, tt.want)
		}
	}
}

func TestHumanSize(t *testing.T) {
	tests := []struct {
		n    int64
		want string
	}{
		{0, "0 B"}, {1, "1 B"}, {1023, "1023 B"}, {1024, "1 KiB"}, {1536, "1.5 KiB"},
		{10240, "10 KiB"}, {40000, "39.1 KiB"}, {1023 << 10, "1023 KiB"}, {1<<20 - 1, "1 MiB"},
		{100 << 20, "100 MiB"}, {3 << 40, "3 TiB"}, {1<<63 - 1, "8 EiB"},
	}
	for _, tt := range tests {
		if got := HumanSize(tt.n); got != tt.want {
			t.Errorf("HumanSize(%d) = %q, want %q", tt.n, got, tt.want)
		}
	}
}

func TestShorten(t *testing.T) {
	tests := []struct {
		s    string
		n    int
		dots string
		want string
	}{
		{"u-boot", 6, "…", "u-boot"},
		{"u-boot", 5, "…", "u-bo…"},
		{"u-boot", 5, "...", "u-..."},
		{"u-boot", 2, "...", "u-"},
		{"u-boot", 1, "…", "…"},
		{"u-boot", 0, "…", ""},
		{"u-boot", -3, "…", ""},
		{"äöü", 3, "…", "äöü"},
	}
	for _, tt := range tests {
		if got := shorten(tt.s, tt.n, tt.dots); got != tt.want {
			t.Errorf("shorten(%q, %d, %q) = %q, want %q", tt.s, tt.n, tt.dots, got, tt.want)
		}
	}
}
