// SPDX-License-Identifier: GPL-2.0-or-later

//go:build unix

package content

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"binman/internal/judge"
)

// What is not a regular file is refused, at once.
func TestSpecialFiles(t *testing.T) {
	dir := t.TempDir()
	pipe, link, sock := filepath.Join(dir, "pipe"), filepath.Join(dir, "link"), filepath.Join(dir, "sock")
	if err := syscall.Mkfifo(pipe, 0o666); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("pipe", link); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("unix", sock)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for path, want := range map[string]string{
		pipe:        "'" + pipe + "' is a pipe: not a regular file",
		link:        "'" + link + "' is a pipe: not a regular file",
		sock:        "'" + sock + "' is a socket: not a regular file",
		"/dev/zero": "'/dev/zero' is a device: not a regular file",
		dir:         "[Errno 21] Is a directory: '" + dir + "'",
	} {
		result := make(chan error, 1)
		go func() {
			_, err := Open(path)
			result <- err
		}()
		select {
		case err := <-result:
			if err == nil || err.Error() != want || !errors.Is(err, ErrNotRegular) {
				t.Errorf("got  %v\nwant %s", err, want)
			}
		case <-time.After(5 * time.Second):
			t.Errorf("opening %s waits", path)
		}
	}
}

func TestPermission(t *testing.T) {
	dir := t.TempDir()
	if err := os.Chmod(filepath.Dir(dir), 0o755); err != nil { // others may come here
		t.Fatal(err)
	}
	path := put(t, filepath.Join(dir, "secret"), nil)
	if err := os.Chmod(path, 0); err != nil {
		t.Fatal(err)
	}
	defer judge.Unprivileged(t)()
	if _, err := os.Stat(path); err != nil {
		t.Fatal(err) // what stops us is to be the file
	}
	if _, err := Open(path); err == nil || err.Error() != "[Errno 13] Permission denied: '"+path+"'" {
		t.Errorf("got %v", err)
	}
}

// Files that the system makes up say that they are empty, and are not.
func TestProc(t *testing.T) {
	const path = "/proc/self/status"
	judge.NeedFile(t, path, "the proc file system")
	d, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	if got := text(t, d); !strings.HasPrefix(got, "Name:") {
		t.Errorf("read %q", got)
	}
	if _, err := Open("/proc/self/mem"); err == nil {
		t.Error("a process's memory can be opened")
	}
}
