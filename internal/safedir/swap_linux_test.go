// SPDX-License-Identifier: GPL-2.0-or-later

package safedir

import (
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"binman/content"
)

// TestLinkSwapped exchanges a directory with a link that leads
// outside, again and again, while files are written into it and read from it.
func TestLinkSwapped(t *testing.T) {
	outside, dir := t.TempDir(), t.TempDir()
	inside, link := filepath.Join(dir, "x"), filepath.Join(dir, "link")
	if err := os.Mkdir(inside, 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(outside, link); err != nil {
		t.Fatal(err)
	}
	if err := unix.Renameat2(unix.AT_FDCWD, inside, unix.AT_FDCWD, link, unix.RENAME_EXCHANGE); err != nil {
		t.Skipf("this file system cannot exchange files: %v", err)
	}
	stop, done := make(chan bool), make(chan bool)
	go func() {
		defer close(done)
		for {
			select {
			case <-stop:
				return
			default:
				_ = unix.Renameat2(unix.AT_FDCWD, inside, unix.AT_FDCWD, link, unix.RENAME_EXCHANGE)
			}
		}
	}()
	d, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	const writes = 2000
	refused := 0
	for range writes {
		clear(d.written)
		if d.Write("x/file", content.String("evil")) != nil {
			refused++
		}
	}
	if err := os.WriteFile(filepath.Join(outside, "secret"), []byte("secret"), 0o666); err != nil {
		t.Fatal(err)
	}
	for range writes {
		if _, err := d.Read("x/secret"); err == nil {
			t.Error("a file outside was read")
			break
		}
	}
	if err := os.Remove(filepath.Join(outside, "secret")); err != nil {
		t.Error(err)
	}
	close(stop)
	<-done
	if list, err := os.ReadDir(outside); err != nil || len(list) > 0 {
		t.Errorf("outside are now %v, %v", list, err)
	}
	t.Logf("%d of %d writes were refused", refused, writes)
}
