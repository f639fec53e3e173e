// SPDX-License-Identifier: GPL-2.0-or-later

//go:build unix

package openfile_test

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"binman/internal/openfile"
)

// A pipe is read and written if somebody is at its other end, soon; else it is an error.
func TestPipes(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(path, 0o666); err != nil {
		t.Fatal(err)
	}
	if _, err := openfile.ReadAll(path, 100); !errors.Is(err, openfile.ErrNobody) {
		t.Errorf("reading: %v", err)
	}
	if _, err := openfile.Write(path); !errors.Is(err, openfile.ErrNobody) {
		t.Errorf("writing: %v", err)
	}
	go func() {
		time.Sleep(100 * time.Millisecond)
		f, err := openfile.Write(path)
		if err != nil {
			t.Error(err)
			return
		}
		defer f.Close()
		time.Sleep(100 * time.Millisecond) // a writer that thinks first
		if _, err := f.WriteString("text"); err != nil {
			t.Error(err)
		}
	}()
	if text, err := openfile.ReadAll(path, 100); string(text) != "text" || err != nil {
		t.Errorf("%q, %v", text, err)
	}
}

func TestReadAll(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, []byte("text"), 0o666); err != nil {
		t.Fatal(err)
	}
	for _, limit := range []int64{100, 4} {
		if text, err := openfile.ReadAll(path, limit); string(text) != "text" || err != nil {
			t.Errorf("at most %d: %q, %v", limit, text, err)
		}
	}
	if text, err := openfile.ReadAll(path, 3); !errors.Is(err, openfile.ErrTooLong) {
		t.Errorf("at most 3: %q, %v", text, err)
	}
}
