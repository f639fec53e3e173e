// SPDX-License-Identifier: GPL-2.0-or-later

package safedir

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"binman/content"
	"binman/internal/judge"
)

func TestWrite(t *testing.T) {
	dir := t.TempDir()
	d, err := Open(filepath.Join(dir, "new"))
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if err := d.Write("a/b/c", content.String("hello")); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(filepath.Join(dir, "new/a/b/c"))
	if err != nil || string(got) != "hello" {
		t.Fatalf("got %q, %v", got, err)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "new/a/b/.*")); len(left) > 0 {
		t.Errorf("temporary files are left: %q", left)
	}
	if err := d.Write("a/b/c", content.String("again")); !errors.Is(err, ErrTwice) {
		t.Errorf("writing twice: %v", err)
	}
}

func TestWriteReplacesFileOfEarlierRun(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "x")
	if err := os.WriteFile(name, []byte("old"), 0o666); err != nil {
		t.Fatal(err)
	}
	d, _ := Open(dir)
	defer d.Close()
	if err := d.Write("x", content.String("new")); err != nil {
		t.Fatal(err)
	}
	if got, _ := os.ReadFile(name); string(got) != "new" {
		t.Errorf("got %q", got)
	}
}

func TestRead(t *testing.T) {
	dir := t.TempDir()
	if _, err := OpenExisting(filepath.Join(dir, "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a directory that is not there: %v", err)
	}
	d, err := OpenExisting(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	large := strings.Repeat("x", 1<<20)
	for name, text := range map[string]string{"a/b/c": "hello", "large": large} {
		if err := d.Write(name, content.String(text)); err != nil {
			t.Fatal(err)
		}
		data, err := d.Read(name)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := data.Bytes(); err != nil || string(got) != text {
			t.Errorf("%s: got %.20q, %v", name, got, err)
		}
	}
	for _, name := range []string{"none", "a/none", "none/c", "a/b/c/none", "a/b/c/none/d"} {
		if _, err := d.Read(name); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if info, err := d.Stat("a/b"); err != nil || !info.IsDir() {
		t.Errorf("a directory: %v, %v", info, err)
	}
	if _, err := d.Read("a/b"); !errors.Is(err, content.ErrNotRegular) {
		t.Errorf("reading a directory: %v", err)
	}
}

func TestNamesAreRefused(t *testing.T) {
	d, _ := Open(t.TempDir())
	defer d.Close()
	for _, name := range []string{
		"", ".", "..", "/abs", "../x", "a/../../x", "a//b", "a/", "./a", "nul\x00byte", `a\b`,
		strings.Repeat("n", 4096),
	} {
		if err := d.Write(name, content.String("x")); !errors.Is(err, ErrName) {
			t.Errorf("%.20q: %v", name, err)
		}
		if _, err := d.Read(name); !errors.Is(err, ErrName) {
			t.Errorf("reading %.20q: %v", name, err)
		}
	}
}

// TestWindowsNames checks the names that Windows takes for something else than
// files, wherever the test runs.
func TestWindowsNames(t *testing.T) {
	d, _ := Open(t.TempDir())
	defer d.Close()
	d.windows = true
	for _, name := range []string{
		"c:", "c:x", "c:/x", "a/c:x", "file:stream", "//server/share/x",
		"nul", "NUL.txt", "a/con", "aux .c", "COM1", "lpt9.bin", "com¹", "CONIN$",
		"dot.", "a. /b", "space ", "star*", "what?", `quo"te`, "<a>", "a|b", "tab\tx",
	} {
		if err := d.Write(name, content.String("x")); !errors.Is(err, ErrName) {
			t.Errorf("%q: %v", name, err)
		}
		if _, err := d.Read(name); !errors.Is(err, ErrName) {
			t.Errorf("reading %q: %v", name, err)
		}
	}
	for _, name := range []string{"nullify", "console", "com", "com10", "lptx", "a.nul", ".hidden", "fdt-1", "kernel@1", "é"} {
		if err := d.Write(name, content.String("x")); err != nil {
			t.Errorf("%q: %v", name, err)
		}
	}
}

// TestNothingIsFollowed puts things in the way that an attacker could have
// left there.
func TestNothingIsFollowed(t *testing.T) {
	outside := t.TempDir()
	victim := filepath.Join(outside, "victim")
	if err := os.WriteFile(victim, []byte("precious"), 0o666); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name  string
		put   func(dir string) error
		file  string
		plain bool // nothing that must not be read
	}{
		{"link to a file", func(dir string) error { return os.Symlink(victim, filepath.Join(dir, "x")) }, "x", false},
		{"dangling link", func(dir string) error { return os.Symlink(outside+"/new", filepath.Join(dir, "x")) }, "x", false},
		{"link inside", func(dir string) error { return os.Symlink("y", filepath.Join(dir, "x")) }, "x", false},
		{"link to a directory", func(dir string) error { return os.Symlink(outside, filepath.Join(dir, "x")) }, "x/victim", false},
		{"pipe", func(dir string) error { return mkfifo(filepath.Join(dir, "x")) }, "x", false},
		{"directory as file", func(dir string) error { return os.Mkdir(filepath.Join(dir, "x"), 0o777) }, "x", true},
		{"file as directory", func(dir string) error { return os.WriteFile(filepath.Join(dir, "x"), nil, 0o666) }, "x/y", true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			if err := tt.put(dir); errors.Is(err, errors.ErrUnsupported) {
				judge.Missing(t, "a way to make a pipe")
			} else if err != nil {
				t.Fatal(err)
			}
			d, err := Open(dir)
			if err != nil {
				t.Fatal(err)
			}
			defer d.Close()
			if err := d.Write(tt.file, content.String("evil")); !errors.Is(err, ErrSpecial) {
				t.Errorf("got %v", err)
			}
			if !tt.plain {
				if _, err := d.Read(tt.file); !errors.Is(err, ErrSpecial) {
					t.Errorf("reading: %v", err)
				}
			}
			if got, _ := os.ReadFile(victim); string(got) != "precious" {
				t.Errorf("victim holds %q", got)
			}
			if _, err := os.Stat(outside + "/new"); err == nil {
				t.Error("a file appeared outside")
			}
		})
	}
}

// TestNamesThatDifferInCase writes two names that are one file on some file
// systems. A second link stands for that here.
func TestNamesThatDifferInCase(t *testing.T) {
	dir := t.TempDir()
	d, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if err := d.Write("a/Name", content.String("first")); err != nil {
		t.Fatal(err)
	}
	small := filepath.Join(dir, "a/name")
	if _, err := os.Lstat(small); err != nil {
		if err := d.Write("a/name", content.String("second")); err != nil {
			t.Errorf("another file: %v", err)
		}
		if got, _ := os.ReadFile(filepath.Join(dir, "a/Name")); string(got) != "first" {
			t.Errorf("the first file has %q", got)
		}
		if err := os.Remove(small); err != nil {
			t.Fatal(err)
		}
		d.written["a/name"] = "a/Name"
		if err := os.Link(filepath.Join(dir, "a/Name"), small); err != nil {
			t.Fatal(err)
		}
	}
	if err := d.Write("a/name", content.String("second")); !errors.Is(err, ErrTwice) {
		t.Errorf("the same file: %v", err)
	}
}

// A file that is kept is not replaced, whatever its name in the directory.
func TestKeep(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "sub", "image")
	d, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if err := d.Write("sub/image", content.String("old")); err != nil {
		t.Fatal(err)
	}
	d.Keep(path)
	delete(d.written, "sub/image")
	if err := d.Write("sub/image", content.String("new")); err == nil || err.Error() != "cannot write 'sub/image': it is the file that is read" {
		t.Errorf("got %v", err)
	}
	if text, err := os.ReadFile(path); string(text) != "old" || err != nil {
		t.Errorf("%q, %v", text, err)
	}
}
