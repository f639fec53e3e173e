// SPDX-License-Identifier: GPL-2.0-or-later

package layout_test

import (
	"bytes"
	"encoding/binary"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"binman/bintool"
	"binman/content/iodir"
	"binman/dts"
	"binman/etype"
	"binman/fdt"
	"binman/internal/host"
	"binman/layout"
	"binman/report"
)

// fuzzSeeds are the bodies of descriptions that build, or nearly.
var fuzzSeeds = []string{
	`mkimage { args = "-T script -n a"; multiple-data-files; text { text = "a"; }; imagename { type = "text"; text = "b"; }; };
	 intel-ifwi { filename = "blob.bin"; convert-fit; text { text = "a"; ifwi-subpart = "b"; ifwi-entry = "c"; }; };`,
	`text { text = "hello"; };`,
	`size = <0x40>; pad-byte = <0xff>; sort-by-offset;
	 b { type = "fill"; size = <3>; fill-byte = [0b]; offset = <0x20>; align-end = <8>; };
	 a { type = "text"; text = "a"; pad-before = <1>; pad-after = <2>; min-size = <9>; };`,
	`section { align-size = <16>; skip-at-start = <0x100>; name-prefix = "ro-"; read-only;
	   section { filename = "inner.bin"; fill { size = <2>; }; }; null { size = <4>; }; };
	 fdtmap { }; image-header { location = "end"; };`,
	`size = <0x100>; end-at-4gb; text { offset = <0xfffffff0>; text = "reset"; };
	 fmap { offset = <0xffffff40>; size = <0x20>; };`,
	`multiple-images; tmpl: template { fill { size = <1>; }; };
	 one { insert-template = <&tmpl>; symlink = "link"; fill { size = <2>; }; };
	 two { filename = "two.rom"; a: blob { filename = "blob.bin"; }; collection { content = <&a>; }; };`,
	`a: text { text = "over"; size = <8>; hash { algo = "sha256"; }; };
	 fill { overlap; offset = <4>; size = <2>; fill-byte = [aa]; }; text-2 { type = "text"; text = "end"; extend-size; };`,
	`blob-ext { filename = "missing.bin"; optional; assume-size = <4>; };
	 files { pattern = "*.bin"; files-align = <4>; };
	 u-boot-env { filename = "env.txt"; size = <0x40>; };`,
	`fit { description = "x"; fit,external-offset = <0x200>; fit,fdt-list-val = "none"; images { a { type = "kernel"; text { text = "a"; }; hash { algo = "sha1"; }; };
	   b { fill { size = <3>; }; }; @c-SEQ { fit,operation = "split-elf"; fit,data; fit,load; blob { filename = "blob.bin"; }; }; };
	   configurations { default = "c"; c { kernel = "a"; }; }; };
	 fdtmap { };`,
	`section { compress = "lz4"; text { text = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"; }; };
	 blob { filename = "blob.bin"; compress = "xz"; };`,
}

// FuzzBuild builds arbitrary descriptions, given as source or, where they
// start like one, as blobs. A build ends in an error, or its images are as the
// manifest says, and building again gives the same bytes. It never leaves
// a file that is not complete.
func FuzzBuild(f *testing.F) {
	for i, seed := range fuzzSeeds {
		src := []byte("/dts-v1/; / { binman { " + seed + " }; };")
		f.Add(src, byte(i))
		if tree, err := dts.CompileSource("seed.dts", src, dts.Options{}); err == nil {
			f.Add(tree.Marshal(), byte(i))
		} else {
			f.Fatal(err)
		}
	}
	// No external tool may run, whatever the description asks for.
	f.Setenv("PATH", "")
	f.Setenv("SOURCE_DATE_EPOCH", "1700000000") // FITs hold the time
	f.Fuzz(func(t *testing.T, description []byte, options byte) {
		in := fuzzDir(t)
		name := "image.dts"
		if len(description) > 4 && binary.BigEndian.Uint32(description) == 0xd00dfeed {
			name = "image.dtb"
		}
		if !affordable(name, description) {
			t.Skip("asks for more than a fuzz target should write")
		}
		write := func(name string, data []byte) {
			if err := os.WriteFile(filepath.Join(in, name), data, 0o666); err != nil {
				t.Fatal(err)
			}
		}
		write(name, description)
		write("blob.bin", []byte("some blob"))
		write("env.txt", []byte("a=b\n"))

		build := func(out string) (*layout.Build, error) {
			b := &layout.Build{Options: layout.Options{
				Trees: etype.Trees(), Env: host.Env(), Description: filepath.Join(in, name),
				Types:        etype.Table(),
				Input:        host.Input(in),
				Output:       iodir.Output{Dir: out},
				UpdateFDT:    options&1 != 0,
				WriteMap:     options&2 != 0,
				AllowMissing: options&4 != 0,
				UseExpanded:  options&8 != 0,
				MissingTools: noTools(),
			}}
			return b, b.Run()
		}
		out := fuzzDir(t)
		b, err := build(out)
		files := readAll(t, out)
		for name := range files {
			if strings.HasPrefix(filepath.Base(name), ".binman-") {
				t.Errorf("left the temporary file %s", name)
			}
		}
		if err != nil {
			return
		}
		for _, img := range report.ManifestOf(b.Images).Images {
			data, ok := files[img.Filename]
			if !ok || int64(len(data)) != *img.Size {
				t.Errorf("image %s has %d bytes, and by the manifest %d", img.Filename, len(data), *img.Size)
			}
		}
		out2 := fuzzDir(t)
		if _, err := build(out2); err != nil {
			t.Fatalf("builds once, but not again: %v", err)
		}
		for name, data := range readAll(t, out2) {
			if !bytes.Equal(data, files[name]) {
				t.Errorf("%s is different when built again", name)
			}
		}
	})
}

// affordable says whether no property of the description is a number that
// makes an image large, and no file it names is outside of the inputs.
func affordable(name string, description []byte) bool {
	var tree *fdt.Tree
	var err error
	if name == "image.dtb" {
		tree, err = fdt.Parse(description)
	} else {
		tree, err = dts.CompileSource(name, description, dts.Options{})
	}
	if err != nil {
		return true // soon refused
	}
	const limit = 1 << 16
	ok := true
	var walk func(n *fdt.Node)
	walk = func(n *fdt.Node) {
		endAt4GB := n.Parent != nil && n.Parent.Has("end-at-4gb")
		for _, p := range n.Props {
			v := uint64(0)
			switch len(p.Value) {
			case 4:
				v = uint64(binary.BigEndian.Uint32(p.Value))
			case 8:
				v = binary.BigEndian.Uint64(p.Value)
			}
			if v > limit && p.Name != "phandle" && !(endAt4GB && p.Name == "offset" && v < 1<<32) {
				ok = ok && len(p.Value) == 4 && isText(p.Value)
			}
		}
		for _, sub := range n.Subnodes {
			walk(sub)
		}
	}
	walk(tree.Root)
	return ok
}

// isText says whether a value is a short string rather than a number.
func isText(value []byte) bool {
	return value[len(value)-1] == 0 && !bytes.ContainsFunc(value[:len(value)-1], func(r rune) bool { return r < ' ' || r > '~' })
}

// fuzzDir makes a directory, in memory where there is a place for that.
func fuzzDir(t *testing.T) string {
	t.Helper()
	const memory = "/dev/shm"
	base := ""
	if fi, err := os.Stat(memory); err == nil && fi.IsDir() {
		base = memory
	}
	dir, err := os.MkdirTemp(base, "binman-fuzz")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// readAll reads the regular files below dir.
func readAll(t *testing.T, dir string) map[string][]byte {
	t.Helper()
	files := map[string][]byte{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		name, _ := filepath.Rel(dir, path)
		files[name], err = os.ReadFile(path)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// noTools returns all external tools, so that none runs with arguments from a
// fuzzer.
func noTools() map[string]bool {
	missing := map[string]bool{}
	for _, tool := range bintool.Tools() {
		missing[tool.Name] = true
	}
	return missing
}
