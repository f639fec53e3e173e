// SPDX-License-Identifier: GPL-2.0-or-later

package layout_test

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"binman/content"
	"binman/content/iodir"
	"binman/layout"
)

// This file lets tests of the engine build images with few words. The entry
// types for that are in types_test.go; none of etype is needed.

// A machine is what a build sees of the world: input files by name, and the
// options that a test changes.
type machine struct {
	files map[string][]byte
	opt   func(*layout.Options)
}

// memory is files in memory, as iodir.System. A file whose data is nil cannot
// be read, although it is there.
type memory map[string][]byte

var errBroken = errors.New("the disk is broken")

func (m memory) fs() fs.FS {
	out := fstest.MapFS{}
	for name, data := range m {
		out[name] = &fstest.MapFile{Data: data}
	}
	return out
}

func (m memory) Open(name string) (content.Data, error) {
	data, ok := m[path.Clean(name)]
	switch {
	case !ok:
		return content.Data{}, fmt.Errorf("%s: %w", name, fs.ErrNotExist)
	case data == nil:
		return content.Data{}, fmt.Errorf("%s: %w", name, errBroken)
	}
	return content.Bytes(data), nil
}

func (m memory) Stat(name string) (fs.FileInfo, error) { return fs.Stat(m.fs(), path.Clean(name)) }

func (m memory) Names(dir string) ([]string, error) {
	list, err := fs.ReadDir(m.fs(), path.Clean(dir))
	var names []string
	for _, f := range list {
		names = append(names, f.Name())
	}
	return names, err
}

func (m memory) Glob(pattern string) ([]string, error) { return fs.Glob(m.fs(), path.Clean(pattern)) }

func (m memory) Getwd() string { return "/here" }

// built is what a build has made, or why it has not.
type built struct {
	*layout.Build
	err      error
	dir      string // of the output
	out, log bytes.Buffer
}

// build builds an image of the given body of the node /binman.
func (m machine) build(t testing.TB, body string) *built {
	t.Helper()
	return m.buildTree(t, "binman { "+body+" };")
}

// buildTree builds what the device tree with the given nodes describes.
func (m machine) buildTree(t testing.TB, nodes string) *built {
	t.Helper()
	r, err := m.prepare(t, nodes), error(nil)
	err = r.Run()
	r.err = err
	return r
}

// prepare makes ready a build of the device tree with the given nodes.
func (m machine) prepare(t testing.TB, nodes string) *built {
	t.Helper()
	r := &built{dir: tempDir(t)}
	source := filepath.Join(tempDir(t), "image.dts")
	if err := os.WriteFile(source, []byte("/dts-v1/;\n/ {\n"+nodes+"\n};\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	r.Build = &layout.Build{Options: layout.Options{
		Description: source,
		Types:       types(),
		Input:       iodir.Input{Files: memory(m.files)},
		Output:      iodir.Output{Dir: r.dir},
		Log:         &layout.Log{Level: layout.Info, Out: &r.out, Err: &r.log},
		Trees:       []layout.TreeFile{{Type: "dtb", File: "u-boot.dtb"}, {Type: "spl-dtb", File: "spl/u-boot-spl.dtb"}},
		UpdateFDT:   true,
	}}
	if m.opt != nil {
		m.opt(&r.Options)
	}
	return r
}

// build builds an image on a machine with no files.
func build(t testing.TB, body string) *built {
	t.Helper()
	return machine{}.build(t, body)
}

// good fails the test if there was an error.
func (r *built) good(t testing.TB) *built {
	t.Helper()
	if r.err != nil {
		t.Fatalf("build: %v\n%s", r.err, r.log.String())
	}
	return r
}

// file returns a file that the build has written.
func (r *built) file(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(r.dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// image returns the only image.
func (r *built) image(t testing.TB) []byte {
	t.Helper()
	return r.good(t).file(t, "image.bin")
}

// entry returns the entry of the first image at a path such as "section/a".
func (r *built) entry(t testing.TB, at string) *layout.Entry {
	t.Helper()
	e, err := r.Images[0].Find(at)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// shape says in one line where everything is: "a@0+3 s@4+8(b@0+2 c@2+6)" is
// an entry a of 3 bytes and a section of 8 behind it. Numbers are hexadecimal;
// ? is unknown.
func shape(e *layout.Entry) string {
	var parts []string
	for _, child := range e.Entries() {
		s := fmt.Sprintf("%s@%s+%s", child.Name, hex(child.Offset), hex(child.Size))
		if child.Section != nil {
			s += "(" + shape(child) + ")"
		}
		parts = append(parts, s)
	}
	return strings.Join(parts, " ")
}

func hex(v layout.OptInt) string {
	switch {
	case !v.Known:
		return "?"
	case v.Value < 0:
		return fmt.Sprintf("-%x", -v.Value)
	}
	return fmt.Sprintf("%x", v.Value)
}

// wantError checks that the error contains a text; "" is no error.
func wantError(t testing.TB, err error, want string) {
	t.Helper()
	switch {
	case want == "" && err != nil:
		t.Errorf("error: %v", err)
	case want != "" && err == nil:
		t.Errorf("no error, want: %s", want)
	case want != "" && !strings.Contains(err.Error(), want):
		t.Errorf("error: %v\nwant:  %s", err, want)
	}
}

// tempDir makes a directory, in memory where there is a place for that, since
// builds wait for the disk.
func tempDir(t testing.TB) string {
	t.Helper()
	const memory = "/dev/shm"
	base := ""
	if fi, err := os.Stat(memory); err == nil && fi.IsDir() {
		base = memory
	}
	dir, err := os.MkdirTemp(base, "binman-test")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// opened is an image that was opened again.
type opened struct {
	*layout.Opened
	log bytes.Buffer
}

// openWith opens an image with the given types and files.
func openWith(image []byte, table layout.Types, files memory) (*opened, error) {
	o := &opened{}
	b := &layout.Build{Options: layout.Options{
		Types: table,
		Input: iodir.Input{Files: files},
		Log:   &layout.Log{Level: layout.Info, Out: &o.log, Err: &o.log},
	}}
	var err error
	o.Opened, err = b.Open(content.Bytes(image), "image.bin")
	return o, err
}

// open opens an image.
func open(t testing.TB, image []byte) *opened {
	t.Helper()
	o, err := openWith(image, types(), nil)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// at returns the entry at a path.
func (o *opened) at(t testing.TB, path string) *layout.Entry {
	t.Helper()
	e, err := o.Find(path)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// contents returns the contents of the entry at a path.
func (o *opened) contents(t testing.TB, path string) string {
	t.Helper()
	data, err := o.Contents(o.at(t, path))
	if err != nil {
		t.Fatal(err)
	}
	return text(t, data)
}

// put replaces entries, given as path and contents in turn, in an image that
// may change its size if its description allows that.
func (o *opened) put(t testing.TB, pairs ...string) ([]byte, error) {
	t.Helper()
	var list []layout.Replacement
	for i := 0; i < len(pairs); i += 2 {
		list = append(list, layout.Replacement{Entry: o.at(t, pairs[i]), Data: content.String(pairs[i+1])})
	}
	return o.replace(t, list, true)
}

func (o *opened) replace(t testing.TB, list []layout.Replacement, resize bool) ([]byte, error) {
	t.Helper()
	out, err := o.Replace(list, resize)
	if err != nil {
		return nil, err
	}
	return []byte(text(t, out)), nil
}

func text(t testing.TB, d content.Data) string {
	t.Helper()
	b, err := d.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// counting counts how often files are opened.
type counting struct {
	memory
	opens map[string]int
}

func (c counting) Open(name string) (content.Data, error) {
	c.opens[name]++
	return c.memory.Open(name)
}
