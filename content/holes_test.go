// SPDX-License-Identifier: GPL-2.0-or-later

package content_test

import (
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"testing"

	"binman/content"
)

func TestNextData(t *testing.T) {
	const hole = 16 << 20
	name := filepath.Join(t.TempDir(), "sparse")
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt([]byte("data"), hole); err != nil {
		t.Fatal(err)
	}
	if err := f.Truncate(2 * hole); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	file, err := content.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	all := content.Join(content.Fill(0, 100), content.String("x"), content.Fill(0, 1000), content.Fill(1, 10), file)
	for _, c := range []struct{ from, want int64 }{{0, 100}, {99, 100}, {100, 100}, {101, 1101}, {1105, 1105}, {all.Len(), all.Len()}, {all.Len() + 5, all.Len()}} {
		if got := all.NextData(c.from); got != c.want {
			t.Errorf("from %d: %d, want %d", c.from, got, c.want)
		}
	}
	// Where the system tells, the hole is passed over; never more than that.
	at := file.NextData(0)
	if at > hole || runtime.GOOS == "linux" && at < hole-(1<<20) {
		t.Errorf("data at %#x, found at %#x", hole, at)
	}
	if at := file.NextData(hole + 1<<20); runtime.GOOS == "linux" && at != file.Len() {
		t.Errorf("behind the data: %#x, want the end", at)
	}
}

func TestUniform(t *testing.T) {
	const hole = 16 << 20
	name := filepath.Join(t.TempDir(), "sparse")
	if err := os.WriteFile(name, make([]byte, 1<<20), 0o666); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(name, hole); err != nil {
		t.Fatal(err)
	}
	file, err := content.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	type stretch struct {
		end   int64
		value byte
		known bool
	}
	all := content.Join(content.Fill(7, 100), content.String("xyz"), content.Fill(0, 1000), file, content.Fill(1, 10))
	want := []stretch{{100, 7, true}, {103, 0, false}, {1103, 0, true}, {1103 + 1<<20, 0, false}, {1103 + hole, 0, true}, {1113 + hole, 1, true}}
	if runtime.GOOS != "linux" {
		want = slices.Delete(want, 3, 4)
		want[3].known = false
	}
	var got []stretch
	for off := int64(0); off < all.Len(); {
		var s stretch
		s.end, s.value, s.known = all.Uniform(off)
		if end, value, known := all.Uniform(s.end - 1); (stretch{end, value, known}) != s {
			t.Errorf("up to %#x something else is known at its end than at its start", s.end)
		}
		got, off = append(got, s), s.end
	}
	if !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	// A file that was cut has no hole at its end.
	if err := os.Truncate(name, 1<<20); err != nil {
		t.Fatal(err)
	}
	if _, _, known := file.Uniform(2 << 20); known {
		t.Error("what is not there any more is known")
	}
}

// Holes of a file, and fills of zeros, stay holes in a copy, which has the same bytes.
func TestCopyKeepsHoles(t *testing.T) {
	dir := t.TempDir()
	in, err := os.Create(filepath.Join(dir, "in"))
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	const size = 64 << 20
	for _, at := range []int64{0, 1 << 20, 5<<20 + 1, size - 3} {
		if _, err := in.WriteAt([]byte("abc"), at); err != nil {
			t.Fatal(err)
		}
	}
	for _, parts := range [][2]int64{{0, size}, {1, size - 1}, {4096, size - 8192}, {2 << 20, 1 << 20}, {size - 4, 4}} {
		d := content.Join(content.File(in, "in", parts[0], parts[1]), content.Fill(0, 1<<20), content.String("end"), content.Fill(0, 1<<20))
		out, err := os.Create(filepath.Join(dir, "out"))
		if err != nil {
			t.Fatal(err)
		}
		defer out.Close()
		n, err := d.CopyTo(out, content.CopyOptions{Holes: true})
		if err != nil || n != d.Len() {
			t.Fatalf("%d bytes, error %v", n, err)
		}
		fi, err := out.Stat()
		if err != nil || fi.Size() != d.Len() {
			t.Fatalf("the file has %d bytes, error %v", fi.Size(), err)
		}
		if same, err := content.Equal(d, content.File(out, "out", 0, fi.Size())); !same || err != nil {
			t.Errorf("%v: other bytes, error %v", parts, err)
		}
		if used, ok := usedBlocks(fi); ok && used > 1<<20 {
			t.Errorf("%v: %d bytes are used", parts, used)
		}
	}
}

// A file that was cut does not become one with a hole.
func TestCutIsNoHole(t *testing.T) {
	path := filepath.Join(t.TempDir(), "in")
	if err := os.WriteFile(path, []byte("abc"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(path, 1<<20); err != nil {
		t.Fatal(err)
	}
	d, err := content.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(path, 0); err != nil {
		t.Fatal(err)
	}
	out, err := os.Create(path + ".out")
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	if _, err := d.CopyTo(out, content.CopyOptions{Holes: true}); err == nil {
		t.Error("no error")
	}
}
