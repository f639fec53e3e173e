// SPDX-License-Identifier: GPL-2.0-or-later

package etype_test

import (
	"debug/elf"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"binman/dts"
	"binman/etype"
	"binman/fdt"
	"binman/internal/testelf"
)

// exampleInputs are the files that examples need: those that types look for
// without being told, and those that must be more than some bytes. Of the
// others, the files that properties name, there is anything.
func exampleInputs(t *testing.T) files {
	t.Helper()
	cert, err := os.ReadFile(filepath.Join("..", "signer", "testdata", "rsa4096.crt"))
	if err != nil {
		t.Fatal(err)
	}
	key, err := os.ReadFile(filepath.Join("..", "format", "fit", "testdata", "keys", "rsa2048.key"))
	if err != nil {
		t.Fatal(err)
	}
	in := files{
		"dev.key":         key,
		"u-boot.img":      filler("u-boot.img", 0x80),
		"u-boot-br.bin":   filler("u-boot-br.bin", 0x1000),
		"u-boot.dtb":      compile(t, model("proper", "")),
		"dev.crt":         cert,
		"board-cfg.yaml":  []byte("---\n\nrev: 1\n"),
		"rm-cfg.yaml":     []byte("---\n\nrev: 2\n"),
		"schema.yaml":     []byte("type: object\nproperties: {rev: {$ref: \"#/definitions/u16\"}}\ndefinitions: {u16: {type: integer}}\n"),
		"descriptor.bin":  flashDescriptor(1, 4),
		"env.txt":         []byte("bootdelay=3\n"),
		"logos/small.bmp": filler("small", 0x40),
		"logos/large.bmp": filler("large", 0x100),
		"dtb/model1.dtb":  compile(t, model("one", "")),
		"dtb/model2.dtb":  compile(t, model("two", "")),
		"mrc.bin":         filler("mrc", 0x100),
		"refcode.bin":     filler("refcode", 0x100),
	}
	keys := filepath.Join("..", "format", "vboot", "testdata", "devkeys")
	list, err := os.ReadDir(keys)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range list {
		if in["devkeys/"+f.Name()], err = os.ReadFile(filepath.Join(keys, f.Name())); err != nil {
			t.Fatal(err)
		}
	}
	for _, key := range []string{"psk", "ssk"} {
		if in[key+"0.pem"], err = os.ReadFile(filepath.Join("..", "format", "zynqmp", "testdata", key+".pem")); err != nil {
			t.Fatal(err)
		}
	}
	in["bmpblk.bin"] = filler("bmpblk.bin", 0x40)
	for _, p := range []string{"u-boot", "spl/u-boot-spl", "tpl/u-boot-tpl", "vpl/u-boot-vpl"} {
		in[p] = exampleProgram(0)
		in[p+".bin"] = filler(p, 0x100)
		in[p+"-nodtb.bin"] = filler(p, 0x80)
		in["pmu-firmware.elf"] = in[p]
		if p != "u-boot" {
			in[p+".dtb"] = compile(t, model(p, ""))
		}
		dir, suffix := filepath.Dir(p)+"/", strings.TrimPrefix(filepath.Base(p), "u-boot")
		for _, name := range []string{"u-boot-x86-start16", "u-boot-x86-reset16"} {
			in[filepath.Clean(dir+name+suffix+".bin")] = filler(name, 0x10)
		}
	}
	return in
}

// exampleProgram returns a program with the symbols that types look for; the
// place for the address of the microcode only if it is not 0.
func exampleProgram(ucode uint64) []byte {
	const base = 0xfff00000
	f := testelf.File{
		Class:    elf.ELFCLASS32,
		Machine:  elf.EM_386,
		Segments: []testelf.Segment{{Address: base, Data: make([]byte, 0x80)}},
		Entry:    base,
		Symbols:  []testelf.Symbol{{Name: "__image_copy_start", Value: base}, {Name: "__bss_size", Value: 0x20}},
	}
	if ucode != 0 {
		f.Symbols = append(f.Symbols, testelf.Symbol{Name: "_dt_ucode_base_size", Value: base + ucode})
	}
	return f.Bytes()
}

// addNamed adds something for every file that a property below the node names.
func (f files) addNamed(node *fdt.Node) {
	for n := range node.All() {
		for _, p := range n.Props {
			if !strings.HasSuffix(p.Name, "filename") && !strings.HasSuffix(p.Name, "-path") && p.Name != "filenames" {
				continue
			}
			for name := range strings.SplitSeq(strings.TrimRight(string(p.Value), "\x00"), "\x00") {
				if _, ok := f[name]; !ok {
					f[name] = filler(name, 0x30)
				}
			}
		}
	}
}

// TestExamples builds the example of every type, which must have one.
func TestExamples(t *testing.T) {
	inputs := exampleInputs(t)
	table := etype.Table()
	for _, name := range slices.Sorted(maps.Keys(table)) {
		info := table[name]
		if strings.HasPrefix(name, "_") {
			continue // for tests
		}
		t.Run(name, func(t *testing.T) {
			info := info.Text()
			if info.Summary == "" || info.Doc == "" || info.Example == "" {
				t.Fatal("it has no summary, no documentation or no example")
			}
			if strings.Contains(info.Doc, "Example::") {
				t.Error("the example is not in its field")
			}
			if strings.HasPrefix(info.Example, "\n") || !strings.HasSuffix(info.Example, ";\n") || strings.Contains(info.Example, "\t") {
				t.Error("the example is not lines indented by spaces")
			}
			d := description{
				name:      name,
				source:    "binman {\n" + info.Example + "};\n",
				updateFDT: true,
				args:      map[string]string{"message": "a message", "pre-load-key-path": "DIR"},
			}
			in := maps.Clone(inputs)
			if strings.HasSuffix(name, "ucode") {
				in["u-boot"] = exampleProgram(0x10)
				d.source = d.source + oneUpdate
			}
			tree, err := dts.CompileSource("example.dts", []byte("/dts-v1/; / {"+d.source+"};"), dts.Options{})
			if err != nil {
				t.Fatal(err)
			}
			in.addNamed(tree.Root)
			if !exampleShows(tree.Root, name) && !strings.Contains(info.Doc, "cannot be used directly") {
				t.Errorf("no entry of the example has this type\n%s", info.Example)
			}
			if tool := exampleTools[name]; tool != "" {
				// The image does not work, but is built.
				d.allow, d.missing = true, map[string]bool{tool: true}
			}
			out, err := d.build(t, in)
			if err != nil {
				t.Fatalf("%v\n%s", err, info.Example)
			}
			if len(out["image.bin"]) == 0 {
				t.Error("the image is empty")
			}
		})
	}
}

// exampleTools are the external programs that types need; the test does without.
var exampleTools = map[string]string{
	"mkimage":      "mkimage",
	"intel-ifwi":   "ifwitool",
	"nxp-imx8mcst": "cst",
}

// exampleShows says whether a node below root is of the type.
func exampleShows(root *fdt.Node, name string) bool {
	for n := range root.All() {
		etype, ok, _ := n.Str("type")
		if !ok {
			etype = n.Name
		}
		if etype == name {
			return true
		}
	}
	return false
}
