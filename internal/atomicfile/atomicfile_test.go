// SPDX-License-Identifier: GPL-2.0-or-later

package atomicfile

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"binman/content"
)

// files returns the names in dir and what the files hold.
func files(t *testing.T, dir string) map[string]string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	m := map[string]string{}
	for _, e := range entries {
		b, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		m[e.Name()] = string(b)
	}
	return m
}

func put(t *testing.T, path, text string, mode fs.FileMode) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
}

func TestWrite(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "image.bin")
	for _, text := range []string{"new", "replaced by something longer", ""} {
		if err := Write(path, content.String(text)); err != nil {
			t.Fatal(err)
		}
		if got := files(t, dir); len(got) != 1 || got["image.bin"] != text {
			t.Fatalf("after writing %q: %q", text, got)
		}
	}
}

// Data read from a file can go to the same name: an image is updated from
// itself.
func TestWriteOverItsSource(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "image.bin")
	old := make([]byte, 300<<10)
	for i := range old {
		old[i] = byte(i * 7)
	}
	put(t, path, string(old), 0o644)
	d, err := content.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := Write(path, d.Replace(5, content.String("hello"))); err != nil {
		t.Fatal(err)
	}
	copy(old[5:], "hello")
	if got := files(t, dir); len(got) != 1 || got["image.bin"] != string(old) {
		t.Error("the file is not what was written")
	}
}

// Whatever step fails, the old file is untouched and nothing else is left.
func TestFaults(t *testing.T) {
	full := errors.New("disk on fire")
	for _, old := range []bool{false, true} {
		for _, failing := range []step{stepCreate, stepWrite, stepMode, stepSync, stepClose, stepRename} {
			if failing == stepMode && !old {
				continue
			}
			name := string(failing)
			if old {
				name += " over an old file"
			}
			t.Run(name, func(t *testing.T) {
				dir := t.TempDir()
				path := filepath.Join(dir, "image.bin")
				want := 0
				if old {
					put(t, path, "old", 0o644)
					want = 1
				}
				reached := false
				opt := Options{fault: func(s step) error {
					if s == failing {
						reached = true
						return full
					}
					return nil
				}}
				err := opt.Write(path, content.String("new"))
				if !errors.Is(err, full) {
					t.Errorf("error is %v", err)
				}
				if !reached {
					t.Error("the step did not happen")
				}
				if got := files(t, dir); len(got) != want || old && got["image.bin"] != "old" {
					t.Errorf("left behind: %q", got)
				}
			})
		}
	}
}

func TestFaultInDirectoryFlush(t *testing.T) {
	dir := t.TempDir()
	bad := errors.New("no")
	fault := func(s step) error {
		if s == stepSyncDir {
			return bad
		}
		return nil
	}
	if err := (Options{fault: fault}).Write(filepath.Join(dir, "a"), content.String("x")); !errors.Is(err, bad) {
		t.Errorf("error is %v", err)
	}
	if err := (Options{fault: fault, NoSync: true}).Write(filepath.Join(dir, "b"), content.String("x")); err != nil {
		t.Errorf("NoSync flushes: %v", err)
	}
	if got := files(t, dir); len(got) != 2 {
		t.Errorf("left %q", got)
	}
}

// A source that fails while it is copied is a failure of the write.
func TestSourceFails(t *testing.T) {
	dir := t.TempDir()
	src, dst := filepath.Join(dir, "blob"), filepath.Join(dir, "image.bin")
	put(t, src, string(make([]byte, 100<<10)), 0o644)
	put(t, dst, "old", 0o644)
	d, err := content.Open(src)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(src, 90<<10); err != nil {
		t.Fatal(err)
	}
	if err := Write(dst, d); !errors.Is(err, content.ErrChanged) {
		t.Errorf("error is %v", err)
	}
	if got := files(t, dir); len(got) != 2 || got["image.bin"] != "old" {
		t.Errorf("left %d files, image.bin %q", len(got), got["image.bin"])
	}
}

func TestAbortAndReuse(t *testing.T) {
	dir := t.TempDir()
	f, err := Create(filepath.Join(dir, "x"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Write([]byte("half")); err != nil {
		t.Fatal(err)
	}
	if len(files(t, dir)) != 1 {
		t.Error("no temporary file in the directory")
	}
	f.Abort()
	if got := files(t, dir); len(got) != 0 {
		t.Errorf("left %q", got)
	}
	if err := f.Commit(); !errors.Is(err, fs.ErrClosed) {
		t.Errorf("commit after abort: %v", err)
	}
	if _, err := f.Write([]byte("more")); !errors.Is(err, fs.ErrClosed) {
		t.Errorf("write after abort: %v", err)
	}
	f, err = Create(filepath.Join(dir, "x"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Write([]byte("all")); err != nil {
		t.Fatal(err)
	}
	if err := f.Commit(); err != nil {
		t.Fatal(err)
	}
	f.Abort()
	if got := files(t, dir); len(got) != 1 || got["x"] != "all" {
		t.Errorf("abort after commit: %q", got)
	}
}

func TestErrors(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	put(t, "file", "", 0o644)
	for _, test := range []struct{ name, path, want string }{
		{"no directory", "none/image.bin", "[Errno 2] No such file or directory: 'none/image.bin'"},
		{"empty name", "", "[Errno 2] No such file or directory: ''"},
		{"a directory", dir, "[Errno 21] Is a directory: '" + dir + "'"},
		{"named as a directory", "image/", "[Errno 21] Is a directory: 'image/'"},
		{"below a file", "file/image", "[Errno 20] Not a directory: 'file/image'"},
	} {
		t.Run(test.name, func(t *testing.T) {
			err := Write(test.path, content.String("x"))
			if err == nil || err.Error() != test.want {
				t.Errorf("got  %v\nwant %s", err, test.want)
			}
		})
	}
}

func TestHoles(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sparse")
	d := content.Join(content.String("a"), content.Fill(0, 1<<20), content.String("b"), content.Fill(0, 1<<20))
	if err := (Options{NoSync: true}).Write(path, d); err != nil {
		t.Fatal(err)
	}
	got, err := content.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	if eq, err := content.Equal(d, got); !eq || err != nil {
		t.Errorf("equal %v, %v", eq, err)
	}
}

// Of files that belong together, all appear or none does, whatever fails with one of them.
func TestCommitAll(t *testing.T) {
	fail := errors.New("fault")
	for _, s := range []step{"", stepSync, stepClose, stepRename} {
		for broken := range 2 {
			dir := t.TempDir()
			var list []*File
			for i, name := range []string{"one", "two"} {
				o := Options{New: true, Mode: 0o600}
				o.fault = func(at step) error {
					if i == broken && at == s {
						return fail
					}
					return nil
				}
				f, err := o.Create(filepath.Join(dir, name))
				if err != nil {
					t.Fatal(err)
				}
				if _, err := f.Write([]byte(name)); err != nil {
					t.Fatal(err)
				}
				list = append(list, f)
			}
			err := CommitAll(list...)
			got := files(t, dir)
			if s == "" && (err != nil || len(got) != 2 || got["one"] != "one" || got["two"] != "two") {
				t.Errorf("%q, %v", got, err)
			}
			if s != "" && (!errors.Is(err, fail) || len(got) != 0) {
				t.Errorf("%s of %d: %q, %v", s, broken, got, err)
			}
		}
	}
}

// What is new replaces nothing, also what has appeared meanwhile.
func TestNew(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	f, err := Options{New: true}.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	put(t, path, "old", 0o666)
	if err := f.Commit(); !errors.Is(err, fs.ErrExist) {
		t.Errorf("got %v", err)
	}
	if _, err := (Options{New: true}).Create(path); !errors.Is(err, fs.ErrExist) {
		t.Errorf("got %v", err)
	}
	if got := files(t, filepath.Dir(path)); len(got) != 1 || got["file"] != "old" {
		t.Errorf("%q", got)
	}
}
