// SPDX-License-Identifier: GPL-2.0-or-later

//go:build unix

package atomicfile

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"
	"testing"

	"binman/content"
	"binman/internal/judge"
)

func mode(t *testing.T, path string) os.FileMode {
	t.Helper()
	fi, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return fi.Mode().Perm()
}

func TestMode(t *testing.T) {
	dir := t.TempDir()
	fresh, kept := filepath.Join(dir, "fresh"), filepath.Join(dir, "kept")
	put(t, kept, "old", 0o751)
	old := syscall.Umask(0o027)
	defer syscall.Umask(old)
	for _, path := range []string{fresh, kept} {
		if err := Write(path, content.String("x")); err != nil {
			t.Fatal(err)
		}
	}
	if m := mode(t, fresh); m != 0o640 {
		t.Errorf("a new file has mode %v, want 0640", m)
	}
	if m := mode(t, kept); m != 0o751 {
		t.Errorf("a replaced file has mode %v, want 0751", m)
	}
}

func TestOwner(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	put(t, path, "old", 0o644)
	if err := os.Chown(path, 1234, 2345); err != nil {
		judge.Missing(t, "the right to give files away ("+err.Error()+")")
	}
	if err := Write(path, content.String("x")); err != nil {
		t.Fatal(err)
	}
	fi, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if st := fi.Sys().(*syscall.Stat_t); st.Uid != 1234 || st.Gid != 2345 {
		t.Errorf("owner %d:%d, want 1234:2345", st.Uid, st.Gid)
	}
}

func TestSymlinks(t *testing.T) {
	dir := t.TempDir()
	for _, d := range []string{"real", "other"} {
		if err := os.Mkdir(filepath.Join(dir, d), 0o777); err != nil {
			t.Fatal(err)
		}
	}
	put(t, filepath.Join(dir, "real/target"), "old", 0o644)
	for link, to := range map[string]string{
		"link":         "real/target",
		"chain":        "link",
		"dangling":     "real/new",
		"dir":          "other",
		"other/up":     "../real/up", // reached as dir/up
		"loop":         "loop",
		"nowhere":      "none/x",
		"to-directory": "real",
	} {
		if err := os.Symlink(to, filepath.Join(dir, link)); err != nil {
			t.Fatal(err)
		}
	}
	for _, test := range []struct{ path, lands string }{
		{"link", "real/target"},
		{"chain", "real/target"},
		{"dangling", "real/new"},
		{"dir/plain", "other/plain"},
		{"dir/up", "real/up"},
	} {
		t.Run(test.path, func(t *testing.T) {
			path := filepath.Join(dir, test.path)
			before, _ := os.Readlink(path)
			if err := Write(path, content.String(test.path)); err != nil {
				t.Fatal(err)
			}
			if after, _ := os.Readlink(path); after != before {
				t.Errorf("the link led to %q, now to %q", before, after)
			}
			lands := filepath.Join(dir, test.lands)
			if fi, err := os.Lstat(lands); err != nil || !fi.Mode().IsRegular() {
				t.Fatalf("%s is not a file: %v", lands, err)
			}
			if b, err := os.ReadFile(lands); err != nil || string(b) != test.path {
				t.Errorf("%s holds %q, %v", lands, b, err)
			}
		})
	}
	for path, want := range map[string]error{"loop": syscall.ELOOP, "nowhere": syscall.ENOENT, "to-directory": syscall.EISDIR} {
		if err := Write(filepath.Join(dir, path), content.String("x")); !errors.Is(err, want) {
			t.Errorf("%s: error %v, want %v", path, err, want)
		}
	}
}

func TestPipeIsWrittenDirectly(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(path, 0o666); err != nil {
		t.Fatal(err)
	}
	got := make(chan string)
	go func() {
		f, err := os.Open(path)
		if err != nil {
			got <- err.Error()
			return
		}
		b, _ := io.ReadAll(f)
		got <- string(b)
	}()
	if err := Write(path, content.Join(content.String("a"), content.Fill('-', 3))); err != nil {
		t.Fatal(err)
	}
	if s := <-got; s != "a---" {
		t.Errorf("came out: %q", s)
	}
	if fi, err := os.Lstat(path); err != nil || fi.Mode()&os.ModeNamedPipe == 0 {
		t.Error("the pipe is gone")
	}
}

// Standard output is a link to a link to something without a name.
func TestLinkToPipe(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	path := fmt.Sprintf("/dev/fd/%d", w.Fd())
	judge.NeedFile(t, path, "/dev/fd")
	if err := Write(path, content.String("through")); err != nil {
		t.Error(err)
	}
	w.Close()
	if b, err := io.ReadAll(r); err != nil || string(b) != "through" {
		t.Errorf("came out: %q, %v", b, err)
	}
}

func TestReadOnlyFile(t *testing.T) {
	dir := t.TempDir()
	// Others may come here and make files; what stops us is to be the file.
	for name, mode := range map[string]os.FileMode{filepath.Dir(dir): 0o755, dir: 0o777} {
		if err := os.Chmod(name, mode); err != nil {
			t.Fatal(err)
		}
	}
	path := filepath.Join(dir, "release.bin")
	put(t, path, "old", 0o444)
	restore := judge.Unprivileged(t)
	err := Write(path, content.String("new"))
	restore()
	if err == nil || err.Error() != "[Errno 13] Permission denied: '"+path+"'" {
		t.Errorf("error is %v", err)
	}
	if got := files(t, dir); len(got) != 1 || got["release.bin"] != "old" {
		t.Errorf("left %q", got)
	}
}

func TestDevices(t *testing.T) {
	if err := Write("/dev/null", content.Fill(0, 1<<20)); err != nil {
		t.Errorf("/dev/null: %v", err)
	}
	if fi, err := os.Stat("/dev/null"); err != nil || fi.Mode()&os.ModeCharDevice == 0 {
		t.Fatal("/dev/null is gone")
	}
	judge.NeedFile(t, "/dev/full", "/dev/full")
	err := Write("/dev/full", content.String("x"))
	if !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("/dev/full: %v", err)
	}
}

// TestFileTooBig writes past a limit of the system, which is met in the
// middle of the data as the end of a disk is. The limit holds for a process,
// so the test starts itself again.
func TestFileTooBig(t *testing.T) {
	const variable = "ATOMICFILE_TEST_LIMIT"
	if path := os.Getenv(variable); path != "" {
		signal.Ignore(syscall.SIGXFSZ)
		limit := syscall.Rlimit{Cur: 200 << 10, Max: 200 << 10}
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
			t.Fatal(err)
		}
		src, err := content.Open(filepath.Join(filepath.Dir(path), "blob"))
		if err != nil {
			t.Fatal(err)
		}
		for name, d := range map[string]content.Data{
			"memory": content.Bytes(make([]byte, 1<<20)),
			"fill":   content.Fill(0xff, 1<<20),
			"file":   src,
		} {
			if err := Write(path, d); !errors.Is(err, syscall.EFBIG) {
				t.Errorf("%s: error %v, want %v", name, err, syscall.EFBIG)
			}
		}
		return
	}
	dir := t.TempDir()
	path := filepath.Join(dir, "image.bin")
	put(t, path, "old", 0o644)
	put(t, filepath.Join(dir, "blob"), string(make([]byte, 1<<20)), 0o644)
	cmd := exec.Command(os.Args[0], "-test.run=^TestFileTooBig$")
	cmd.Env = append(os.Environ(), variable+"="+path)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if got := files(t, dir); len(got) != 2 || got["image.bin"] != "old" {
		t.Errorf("left %d files, image.bin %q", len(got), got["image.bin"])
	}
}
