// SPDX-License-Identifier: GPL-2.0-or-later

package openfile_test

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"binman/internal/openfile"
)

// A file can be replaced while it is open, and what was opened stays what it
// was.
func TestReplacedWhileOpen(t *testing.T) {
	dir := t.TempDir()
	path, fresh := filepath.Join(dir, "image"), filepath.Join(dir, "fresh")
	for name, text := range map[string]string{path: "old", fresh: "new"} {
		if err := os.WriteFile(name, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	f, err := openfile.Read(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	if err := root.Rename("fresh", "image"); err != nil {
		t.Fatal(err)
	}
	if text, err := io.ReadAll(f); string(text) != "old" || err != nil {
		t.Errorf("read %q, %v", text, err)
	}
}

func TestUpdate(t *testing.T) {
	path := filepath.Join(t.TempDir(), "image")
	if err := os.WriteFile(path, []byte("old"), 0o666); err != nil {
		t.Fatal(err)
	}
	f, err := openfile.Update(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteAt([]byte("w"), 2); err != nil {
		t.Fatal(err)
	}
	if text, err := io.ReadAll(f); string(text) != "olw" || err != nil {
		t.Errorf("read %q, %v", text, err)
	}
}

func TestErrors(t *testing.T) {
	var pe *fs.PathError
	_, err := openfile.Read(filepath.Join(t.TempDir(), "none"))
	if !errors.Is(err, fs.ErrNotExist) || !errors.As(err, &pe) {
		t.Errorf("error is %v", err)
	}
}
