// SPDX-License-Identifier: GPL-2.0-or-later

package content

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

// pattern returns n bytes without repetition at short distances.
func pattern(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i) ^ byte(i>>8)*3 ^ byte(i>>16)*7
	}
	return b
}

func put(t testing.TB, path string, b []byte) string {
	t.Helper()
	if err := os.WriteFile(path, b, 0o666); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestOpen(t *testing.T) {
	dir := t.TempDir()
	for _, size := range []int{0, 1, smallFile, smallFile + 1, 1 << 20} {
		path := put(t, filepath.Join(dir, "blob"), pattern(size))
		d, err := Open(path)
		if err != nil {
			t.Fatal(err)
		}
		if got := text(t, d); got != string(pattern(size)) {
			t.Errorf("%d bytes: read %d others", size, len(got))
		}
		if referenced := size > 0 && d.root.ext.src != nil; referenced != (size > smallFile) {
			t.Errorf("%d bytes: referenced %v", size, referenced)
		}
	}
}

func TestOpenErrors(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, test := range []struct {
		path, want string
		is         error
	}{
		{"none.bin", "[Errno 2] No such file or directory: 'none.bin'", fs.ErrNotExist},
		{"it's", `[Errno 2] No such file or directory: "it's"`, fs.ErrNotExist},
		{`it's "so"`, `[Errno 2] No such file or directory: 'it\'s "so"'`, fs.ErrNotExist},
		{".", "[Errno 21] Is a directory: '.'", ErrNotRegular},
	} {
		_, err := Open(test.path)
		if err == nil || err.Error() != test.want {
			t.Errorf("got  %v\nwant %s", err, test.want)
		}
		if !errors.Is(err, test.is) {
			t.Errorf("%v is not %v", err, test.is)
		}
	}
}

// Every change that can be seen after opening is an error when reading.
func TestFileChanges(t *testing.T) {
	for name, change := range map[string]func(path string) error{
		"shrinks":   func(path string) error { return os.Truncate(path, 1000) },
		"grows":     func(path string) error { return os.Truncate(path, 1<<20) },
		"rewritten": func(path string) error { return os.Chtimes(path, time.Time{}, time.Now().Add(time.Hour)) },
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			path := put(t, filepath.Join(dir, "blob"), pattern(100<<10))
			d, err := Open(path)
			if err != nil {
				t.Fatal(err)
			}
			if err := change(path); err != nil {
				t.Fatal(err)
			}
			out, err := os.Create(filepath.Join(dir, "out"))
			if err != nil {
				t.Fatal(err)
			}
			defer out.Close()
			_, writeErr := d.WriteTo(out)
			_, bytesErr := d.Bytes()
			_, readErr := io.ReadAll(d.NewReader())
			for how, err := range map[string]error{"WriteTo": writeErr, "Bytes": bytesErr, "Read": readErr} {
				if !errors.Is(err, ErrChanged) || !strings.Contains(err.Error(), path) {
					t.Errorf("%s: %v", how, err)
				}
			}
		})
	}
}

// A file that another takes the place of is still the one that was opened.
func TestFileReplaced(t *testing.T) {
	dir := t.TempDir()
	path := put(t, filepath.Join(dir, "blob"), pattern(100<<10))
	d, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(put(t, filepath.Join(dir, "new"), []byte("new")), path); err != nil {
		t.Fatal(err)
	}
	if got := text(t, d); got != string(pattern(100<<10)) {
		t.Error("the data is not that of the file opened")
	}
}

// layout returns data of every kind of extent, and its bytes.
func layout(t testing.TB, dir string) (Data, []byte) {
	blob := pattern(3*bufferSize + 17)
	d, err := Open(put(t, filepath.Join(dir, "blob"), blob))
	if err != nil {
		t.Fatal(err)
	}
	all := Join(
		String("header"), Fill(0xff, 3*bufferSize+5), d, Fill(0, 2*minHole),
		d.Slice(bufferSize-3, 100), Fill(0, minHole-1), Fill(7, 9),
		File(bytes.NewReader(blob), "reader", 5, bufferSize+1), Fill(0, 1<<20),
	)
	want, err := all.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	return all, want
}

func TestCopyTo(t *testing.T) {
	dir := t.TempDir()
	d, want := layout(t, dir)
	var buf bytes.Buffer
	if n, err := d.WriteTo(&buf); n != d.Len() || err != nil || !bytes.Equal(buf.Bytes(), want) {
		t.Errorf("to memory: %d bytes, %v", n, err)
	}
	for _, test := range []struct {
		name string
		flag int
		old  string // what the file holds, and where writing starts
		opt  CopyOptions
	}{
		{"new file", 0, "", CopyOptions{}},
		{"after others", 0, "before", CopyOptions{}},
		// The system refuses to copy ranges into such a file.
		{"append", os.O_APPEND, "before", CopyOptions{}},
		{"holes", 0, "", CopyOptions{Holes: true}},
		{"holes after others", 0, "before", CopyOptions{Holes: true}},
	} {
		t.Run(test.name, func(t *testing.T) {
			path := put(t, filepath.Join(dir, "out"), []byte(test.old))
			f, err := os.OpenFile(path, os.O_RDWR|test.flag, 0)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			if _, err := f.Seek(0, io.SeekEnd); err != nil {
				t.Fatal(err)
			}
			n, err := d.CopyTo(f, test.opt)
			if err != nil || n != d.Len() {
				t.Fatalf("copied %d of %d bytes, %v", n, d.Len(), err)
			}
			got, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got, append([]byte(test.old), want...)) {
				t.Error("the file does not hold the data")
			}
		})
	}
}

// Holes are not left where they would let old bytes through.
func TestHolesOverOldBytes(t *testing.T) {
	path := put(t, filepath.Join(t.TempDir(), "out"), pattern(1<<20))
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := Fill(0, 1<<20).CopyTo(f, CopyOptions{Holes: true}); err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, make([]byte, 1<<20)) {
		t.Errorf("not all zero, %v", err)
	}
}

// A pipe takes neither ranges nor holes.
func TestCopyToPipe(t *testing.T) {
	d, want := layout(t, t.TempDir())
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() {
		_, err := d.CopyTo(w, CopyOptions{Holes: true})
		w.Close()
		done <- err
	}()
	got, err := io.ReadAll(r)
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("%d bytes came out, %v", len(got), err)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// Hundreds of times as much data as memory: what is streamed stays small.
func TestBoundedMemory(t *testing.T) {
	path := put(t, filepath.Join(t.TempDir(), "blob"), pattern(1<<20))
	blob, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	var b Builder
	for i := range 256 {
		b.Add(blob)
		b.Fill(byte(i), 1<<20)
	}
	d := b.Data()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if n, err := d.WriteTo(struct{ io.Writer }{io.Discard}); n != 512<<20 || err != nil {
		t.Fatalf("wrote %d, %v", n, err)
	}
	runtime.ReadMemStats(&after)
	if grew := after.TotalAlloc - before.TotalAlloc; grew > 8<<20 {
		t.Errorf("writing 512 MiB allocated %d bytes", grew)
	}
}
