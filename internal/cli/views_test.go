// SPDX-License-Identifier: GPL-2.0-or-later

package cli

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"binman/codec"
)

// listedItem is an item as ls lists it.
type listedItem struct {
	Path   string `json:"path"`
	Pos    *int64 `json:"image-pos"`
	Offset *int64 `json:"offset"`
	Size   int64  `json:"size"`
}

// TestViews runs ls, map and diff on files of all formats: map has every item that ls
// lists, a file does not differ from itself, and diff names the item in which a byte
// has changed. They do so, too, for files in which the same is compressed.
func TestViews(t *testing.T) {
	samples := damageSamples(t)
	c, err := codec.Lookup("gzip")
	if err != nil {
		t.Fatal(err)
	}
	store := func(plain []byte) []byte { return plain }
	compress := func(plain []byte) []byte {
		packed, err := c.Compress(plain)
		if err != nil {
			t.Fatal(err)
		}
		return packed
	}
	for _, name := range []string{"fit.sample", "cbfs.sample", "fip.sample"} {
		samples[name+" in gzip"] = samples[name]
	}
	for name, plain := range samples {
		t.Run(name, func(t *testing.T) {
			v := &views{T: t, dir: t.TempDir(), store: store}
			if v.packed = strings.HasSuffix(name, " in gzip"); v.packed {
				v.store = compress
			}
			v.write("file", plain)
			v.write("same", plain)
			items := v.list("file")
			if len(items) == 0 {
				t.Fatal("ls lists nothing")
			}
			if text, status := v.run("diff", v.file("file"), v.file("same")); status != 0 || text != "" {
				t.Errorf("a file differs from itself: %d\n%s", status, text)
			}
			for _, it := range items {
				if text, status := v.run("map", "-i", v.file("file"), "--ascii", "--width", "200", escape(it.Path)); status != 0 || text == "" {
					t.Errorf("map of %q: %d\n%s", it.Path, status, text)
				}
			}
			v.changes(plain, items)
		})
	}
}

// views are commands that look at the files in a directory.
type views struct {
	*testing.T
	dir    string
	packed bool // what is in the files is compressed
	store  func(plain []byte) []byte
}

func (v *views) file(name string) string { return filepath.Join(v.dir, name) }

func (v *views) write(name string, plain []byte) {
	v.Helper()
	if err := os.WriteFile(v.file(name), v.store(plain), 0o600); err != nil {
		v.Fatal(err)
	}
}

// run runs a command, and returns what it prints and its status.
func (v *views) run(args ...string) (string, int) {
	if v.packed {
		args = append([]string{args[0], "--unpack"}, args[1:]...)
	}
	var text bytes.Buffer
	status := Main(args, &text, &text)
	return text.String(), status
}

// list returns what ls lists, or nothing if it knows nothing.
func (v *views) list(name string) []listedItem {
	v.Helper()
	text, status := v.run("ls", "--json", "-i", v.file(name))
	if status != 0 {
		return nil
	}
	var listed struct {
		Entries []listedItem `json:"entries"`
	}
	if err := json.Unmarshal([]byte(text), &listed); err != nil {
		v.Fatalf("%v\n%s", err, text)
	}
	var list []listedItem
	for _, it := range listed.Entries {
		if it.Path != "" { // the image itself
			list = append(list, it)
		}
	}
	return list
}

// changes changes a byte of each item that holds no others.
func (v *views) changes(plain []byte, items []listedItem) {
	n := 0
	for i, it := range items {
		at := it.Pos
		if v.packed {
			at = it.Offset
		}
		if at == nil || it.Size == 0 || i+1 < len(items) && strings.HasPrefix(items[i+1].Path, it.Path+"/") {
			continue
		}
		n++
		changed := bytes.Clone(plain)
		changed[*at+it.Size/2] ^= 0x40
		v.write("changed", changed)
		text, status := v.run("diff", v.file("file"), v.file("changed"))
		if status != 1 {
			v.Errorf("%q has changed: status %d\n%s", it.Path, status, text)
			continue
		}
		if len(v.list("changed")) == 0 { // that byte was part of what it is known by
			if !strings.Contains(text, "1 of") || !strings.Contains(text, "Compared as wholes") {
				v.Errorf("%q has changed, and all of it:\n%s", it.Path, text)
			}
			continue
		}
		if !strings.Contains(text, " /"+it.Path+"  ") {
			v.Errorf("%q has changed, and is not named:\n%s", it.Path, text)
		}
	}
	if n == 0 {
		v.Error("nothing was changed")
	}
	random := rand.New(rand.NewPCG(3, uint64(len(plain))))
	for range 20 { // whatever holds it, it is told
		changed, at := bytes.Clone(plain), random.IntN(len(plain))
		changed[at] ^= 1 << random.IntN(8)
		v.write("changed", changed)
		if text, status := v.run("diff", v.file("file"), v.file("changed")); status != 1 || text == "" {
			v.Errorf("byte %#x has changed: status %d\n%s", at, status, text)
		}
	}
}

// escape returns a path as a pattern that matches it alone.
func escape(path string) string {
	return strings.NewReplacer("[", "[[]", "*", "[*]", "?", "[?]").Replace(path)
}
