// SPDX-License-Identifier: GPL-2.0-or-later

package etype_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"binman/content/iodir"
	"binman/etype"
	"binman/internal/host"
	"binman/layout"
	"binman/signer"
)

var (
	update    = flag.Bool("update", false, "write golden files")
	reference = flag.String("reference", "", "path of U-Boot's binman: compare with what it makes, and record that with -update")
)

// A description is built by tests, from source without the braces of the
// root node.
type description struct {
	name      string
	source    string
	updateFDT bool
	allow     bool              // missing blobs
	missing   map[string]bool   // tools to do without
	args      map[string]string // entry arguments
}

// files are what a build reads or wrote, by name.
type files map[string][]byte

func (f files) write(t *testing.T, dir string) {
	t.Helper()
	for name, data := range f {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, data, 0o666); err != nil {
			t.Fatal(err)
		}
	}
}

func readFiles(t *testing.T, dir string) files {
	t.Helper()
	list := files{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		list[name], err = os.ReadFile(path)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// prepare writes the description and its inputs into a directory.
func (d description) prepare(t *testing.T, in files) (dir string) {
	t.Helper()
	dir = t.TempDir()
	in.write(t, dir)
	files{"image.dts": []byte("/dts-v1/;\n/ {\n" + d.source + "\n};\n")}.write(t, dir)
	return dir
}

// build returns the files that a build wrote but for those it made on the way.
func (d description) build(t *testing.T, in files) (files, error) {
	t.Helper()
	dir := d.prepare(t, in)
	env := host.Env()
	env.Keys = signer.NewKeyring(host.Keys())
	args := maps.Clone(d.args)
	for name, value := range args {
		args[name] = strings.ReplaceAll(value, "DIR", dir)
	}
	b := &layout.Build{Options: layout.Options{
		Trees: etype.Trees(), Env: env, Description: filepath.Join(dir, "image.dts"),
		Types:        etype.Table(),
		Args:         args,
		Input:        host.Input(dir),
		Output:       iodir.Output{Dir: t.TempDir()},
		Threads:      1,
		UseExpanded:  true,
		UpdateFDT:    d.updateFDT,
		WriteMap:     true,
		AllowMissing: d.allow,
		MissingTools: d.missing,
	}}
	err := b.Run()
	if errors.Is(err, layout.ErrMissing) {
		err = nil
	}
	return withoutSource(readFiles(t, b.Output.Dir)), err
}

// buildWithReference is build, done by U-Boot's binman.
func (d description) buildWithReference(t *testing.T, in files) files {
	t.Helper()
	dir, out := d.prepare(t, in), t.TempDir()
	args := []string{"build", "-d", filepath.Join(dir, "image.dts"), "-I", dir, "-O", out, "-m"}
	if d.updateFDT {
		args = append(args, "-u")
	}
	if d.allow {
		args = append(args, "-M", "-W")
	}
	for name, value := range d.args {
		args = append(args, "-a", name+"="+value)
	}
	cmd := exec.Command(*reference, args...)
	cmd.Dir = dir
	if msg, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", d.name, err, msg)
	}
	return withoutSource(readFiles(t, out))
}

func withoutSource(f files) files {
	delete(f, "source.dts")
	delete(f, "source.dtb")
	for name := range f {
		// What the reference gives to mkimage and gets from fdtgrep; the
		// trees of alternates-fdt are there to be looked at.
		cut := strings.HasSuffix(name, "-spl.dtb") || strings.HasSuffix(name, "-vpl.dtb")
		if strings.HasSuffix(name, ".itb") || cut && !strings.HasPrefix(name, "alternates-fdt.") {
			delete(f, name)
		}
	}
	return f
}

// checkGolden builds the descriptions and compares all files that this makes
// with a golden file, which has the size and SHA-256 of what U-Boot's binman
// makes.
func checkGolden(t *testing.T, golden string, in files, list []description) {
	t.Helper()
	recorded := readGolden(t, golden)
	var all strings.Builder
	for _, d := range list {
		t.Run(d.name, func(t *testing.T) {
			out, err := d.build(t, in)
			if err != nil {
				t.Fatal(err)
			}
			got, want := summary(d.name, out), recorded[d.name]
			switch {
			case *reference != "":
				ref := d.buildWithReference(t, in)
				want = summary(d.name, ref)
				for name := range out {
					if !bytes.Equal(out[name], ref[name]) {
						t.Errorf("%s differs from the reference", name)
					}
				}
			case *update:
				want = got
			}
			all.WriteString(want)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("made other files (-want +got):\n%s", diff)
			}
		})
	}
	if !*update {
		return
	}
	if err := os.WriteFile(filepath.Join("testdata", golden), []byte(all.String()), 0o666); err != nil {
		t.Fatal(err)
	}
}

// summary has a line for each file: name of the description, of the file,
// size, hash.
func summary(name string, f files) string {
	var lines []string
	for file, data := range f {
		lines = append(lines, fmt.Sprintf("%s: %s %#x %x\n", name, file, len(data), sha256.Sum256(data)))
	}
	slices.Sort(lines)
	return strings.Join(lines, "")
}

// readGolden returns the lines of a golden file by the name of the
// description.
func readGolden(t *testing.T, golden string) map[string]string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", golden))
	if err != nil && !(*update && errors.Is(err, fs.ErrNotExist)) {
		t.Fatal(err)
	}
	lines := map[string]string{}
	for line := range strings.Lines(string(text)) {
		name, _, _ := strings.Cut(line, ":")
		lines[name] += line
	}
	return lines
}

// checkErrors builds descriptions that must fail with the given messages.
func checkErrors(t *testing.T, in files, list map[string]struct{ source, want string }) {
	t.Helper()
	for name, c := range list {
		t.Run(name, func(t *testing.T) {
			_, err := description{name: name, source: c.source}.build(t, in)
			if err == nil {
				t.Fatalf("no error, want %q", c.want)
			}
			if got := err.Error(); got != c.want {
				t.Errorf("error:\n%s\nwant:\n%s", got, c.want)
			}
		})
	}
}

// filler returns n bytes that look different everywhere and for every name.
func filler(name string, n int) []byte {
	var b []byte
	for sum := sha256.Sum256([]byte(name)); len(b) < n; sum = sha256.Sum256(sum[:]) {
		b = append(b, sum[:]...)
	}
	return b[:n]
}
