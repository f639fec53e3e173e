// SPDX-License-Identifier: GPL-2.0-or-later

package layout_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"binman/content"
	"binman/content/iodir"
	"binman/layout"
)

// Files are looked for in directories, in their order.
func TestInput(t *testing.T) {
	files := memory{"a": []byte("here"), "one/a": []byte("one"), "two/a": []byte("two"), "two/b": []byte("b"), "one/dir/x.dtb": nil, "one/dir/.dtb": nil, "one/dir/.y.dtb": nil, "one/dir/z.txt": nil, "two/a.txt": nil}
	for _, c := range []struct {
		dirs       []string
		name, want string
	}{
		{nil, "a", "a"},
		{nil, "none", "none"},
		{[]string{"one", "two"}, "a", "one/a"},
		{[]string{"two", "one"}, "a", "two/a"},
		{[]string{"one", "two"}, "b", "two/b"},
		{[]string{"."}, "a", "a"},
		{[]string{""}, "a", "a"},
		{[]string{"one", "."}, "two/b", "two/b"},
		{[]string{"one"}, "/absolute", "/absolute"},
	} {
		in := iodir.Input{Dirs: c.dirs, Files: files}
		if got, err := in.Find(c.name); err != nil || got != c.want {
			t.Errorf("%s in %v is %s, error %v", c.name, c.dirs, got, err)
		}
	}
	in := iodir.Input{Dirs: []string{"one", "two"}, Files: files}
	data, err := in.Open("b")
	if err != nil || text(t, data) != "b" {
		t.Errorf("b has %v, error %v", data, err)
	}
	_, err = in.Open("none")
	if !errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrExist) || err.Error() != "Filename 'none' not found in input path (one,two) (cwd='/here')" {
		t.Errorf("error %v", err)
	}
	if names, dir, err := in.Trees("dir"); err != nil || dir != "one/dir" || !slices.Equal(names, []string{"x"}) {
		t.Errorf("trees %v in %s, error %v", names, dir, err)
	}
	if _, _, err := in.Trees("none"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("error %v", err)
	}
	if _, _, err := in.Trees("b"); err == nil {
		t.Error("a file has trees")
	}
	for _, c := range []struct {
		dirs          []string
		pattern, want string
	}{
		{[]string{"two", "one"}, "*", "one/a two/a two/a.txt two/b"},
		{[]string{"one"}, "d*", ""},
		{nil, "*/a", "one/a two/a"},
		{[]string{""}, "a", "a"},
		{[]string{"one/"}, "a", "one/a"},
	} {
		in := iodir.Input{Dirs: c.dirs, Files: files}
		if got, err := in.Glob(c.pattern); err != nil || strings.Join(got, " ") != c.want {
			t.Errorf("%s in %v: %v, error %v", c.pattern, c.dirs, got, err)
		}
	}
	if _, err := in.Glob("["); err == nil {
		t.Error("no error")
	}
}

// Nothing is written outside of the output directory.
func TestOutput(t *testing.T) {
	dir := tempDir(t)
	out := iodir.Output{Dir: dir}
	for _, name := range []string{"../x", "/x", "", "a/../../x"} {
		if _, err := out.Path(name); err == nil {
			t.Errorf("%q is allowed", name)
		}
		wantError(t, out.Write(name, content.Data{}), "is outside the output directory")
		wantError(t, out.Write(name, content.Data{}), "is outside the output directory")
		wantError(t, out.Symlink(name, "x"), "is outside the output directory")
		wantError(t, out.Symlink("x", name), "is outside the output directory")
	}
	if got, err := out.Path("a/b"); err != nil || got != dir+"/a/b" {
		t.Errorf("path %s, error %v", got, err)
	}
	if got, err := (iodir.Output{}).Path("a"); err != nil || got != "a" {
		t.Errorf("path %s, error %v", got, err)
	}
	for _, s := range []string{"one", "two"} {
		if err := out.Write("x", content.String(s)); err != nil {
			t.Fatal(err)
		}
		if err := out.Symlink("link", "x"); err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(filepath.Join(dir, "link")); err != nil || string(got) != s {
			t.Errorf("link has %q, error %v", got, err)
		}
	}
	// Only links are replaced by links.
	if err := out.Symlink("x", "link"); err == nil {
		t.Error("a file was replaced by a link")
	}
}

// What a build writes must not lead out of the output directory either.
func TestOutputNames(t *testing.T) {
	for name, body := range map[string]string{
		"image":   `filename = "../x";`,
		"link":    `symlink = "../x"; a { };`,
		"section": `section { filename = "/x"; a { }; };`,
	} {
		wantError(t, build(t, body).err, "is outside the output directory")
		_ = name
	}
	r := build(t, `section { filename = "s.bin"; pad-after = <2>; a { is = "a"; }; }; box { filename = "b.bin"; a { is = "a"; }; };`).good(t)
	if got := string(r.file(t, "s.bin")) + " " + string(r.file(t, "b.bin")); got != "a 01a|" {
		t.Errorf("files %q", got)
	}
	m := machine{opt: func(o *layout.Options) { o.WriteMap = true }}
	wantError(t, m.buildTree(t, `binman { multiple-images; image { filename = "x"; }; };`).err, "")
	r = m.prepare(t, `binman { a { }; };`)
	if err := os.Mkdir(filepath.Join(r.dir, "image.map"), 0o777); err != nil {
		t.Fatal(err)
	}
	wantError(t, r.Run(), "image.map")
	r = m.prepare(t, `binman { a { }; };`)
	if err := os.Mkdir(filepath.Join(r.dir, "u-boot.dtb.out"), 0o777); err != nil {
		t.Fatal(err)
	}
	wantError(t, r.Run(), "u-boot.dtb.out")
	r = m.prepare(t, `binman { a { }; };`)
	r.Output.Dir = filepath.Join(r.dir, "none")
	wantError(t, r.Run(), "none")
}

// A machine of which nothing is known has no files.
func TestNoFiles(t *testing.T) {
	in := iodir.Input{}
	if _, err := in.Open("a"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("error %v", err)
	}
	in.Dirs = []string{"dir"}
	if _, err := in.Open("a"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("error %v", err)
	}
	if list, err := in.Glob("*"); err != nil || len(list) > 0 {
		t.Errorf("files %v, error %v", list, err)
	}
	if _, _, err := in.Trees("a"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("error %v", err)
	}
	m := machine{opt: func(o *layout.Options) { o.Input = iodir.Input{} }}
	m.build(t, `a { };`).good(t)
	wantError(t, m.build(t, `a { elf = "prog"; };`).err, "No such file or directory: 'prog'")
}
