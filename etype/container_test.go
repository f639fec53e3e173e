// SPDX-License-Identifier: GPL-2.0-or-later

package etype_test

import (
	"bytes"
	"debug/elf"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"binman/content"
	"binman/etype"
	"binman/fdt"
	"binman/format/cbfs"
	"binman/format/fip"
	"binman/format/verify"
	"binman/internal/host"
	"binman/internal/judge"
	"binman/internal/testelf"
	"binman/layout"
)

// containerInputs are what the descriptions of this file are made of.
func containerInputs() files {
	return files{
		"big":              filler("big", 0x900),
		"small":            filler("small", 11),
		"empty":            nil,
		"zeros":            make([]byte, 500),
		"u-boot.dtb":       nil,
		"u-boot-nodtb.bin": []byte("U-Boot"),
		"u-boot.bin":       []byte("U-Boot with tree"),
		"program.elf":      testProgram(),
	}
}

// testProgram is an ELF file with two segments, a gap between them, memory
// behind the last one, and an entry point.
func testProgram() []byte {
	return testelf.File{
		Class: elf.ELFCLASS32,
		Entry: 0x1110004,
		Segments: []testelf.Segment{
			{Address: 0x1110000, Data: filler("text", 40)},
			{Address: 0x1110040, Data: filler("data", 12), MemSize: 0x100},
		},
	}.Bytes()
}

func blob(file, props string) string {
	return fmt.Sprintf("%s { type = \"blob\"; filename = \"%s\"; %s };\n", file, file, props)
}

const rawFile = `cbfs-type = "raw";`

// What these descriptions make has been compared with the reference byte by
// byte: images, maps and device trees.
func TestContainerGolden(t *testing.T) {
	var list []description
	add := func(name, source string) {
		list = append(list, description{name: name, source: "binman { " + source + " };", updateFDT: true})
	}
	for _, arch := range []string{"x86", "arm", "arm64", "mips", "ppc64", "riscv", "unknown"} {
		add("cbfs on "+arch, fmt.Sprintf(`cbfs { size = <0x1000>; cbfs-arch = "%s"; %s %s };`, arch, blob("big", rawFile), blob("small", rawFile)))
	}
	for _, size := range []int{0x80, 0xbf, 0xc0, 0x104, 0x13f, 0x1234} {
		add(fmt.Sprintf("cbfs of %#x bytes", size), fmt.Sprintf(`cbfs { size = <%#x>; %s };`, size, blob("small", rawFile)))
	}
	for _, offset := range []int{0x24, 0x38, 0x40, 0x78, 0x400, 0x7ff} {
		add(fmt.Sprintf("cbfs-offset %#x", offset), fmt.Sprintf(`cbfs { size = <0x1000>; %s %s };`,
			blob("small", rawFile+fmt.Sprintf("cbfs-offset = <%#x>;", offset)), blob("zeros", rawFile+`cbfs-name = "a/long/name";`)))
	}
	add("two cbfs in a section", `section { pad-byte = <0xff>;
		cbfs@0 { type = "cbfs"; size = <0x800>; align = <64>; `+blob("small", rawFile)+`
			text { text = "hi"; size = <8>; align = <16>; pad-before = <4>; cbfs-type = "raw"; };
			fill { size = <3>; fill-byte = [55]; cbfs-type = "raw"; };
		};
		cbfs@1 { type = "cbfs"; size = <0x800>; cbfs-arch = "ppc64"; `+blob("empty", rawFile)+` };
	};
	fdtmap { };`)
	add("cbfs in an fmap", `size = <0x4000>; allow-repack; u-boot { }; cbfs { offset = <0x1000>; size = <0x1000>; `+blob("big", rawFile)+` };
	fmap { }; fdtmap { }; image-header { location = "end"; };`)
	add("cbfs in a collection", `c: cbfs { size = <0x800>; s: `+blob("small", rawFile)+` }; collection { content = <&c &s>; };`)
	for _, align := range []int{1, 16, 0x1000} {
		add(fmt.Sprintf("fip aligned to %d", align), `fill { size = <13>; }; atf-fip { fip-hdr-flags = /bits/ 64 <0xfedcba9876543210>; fip-align = <`+fmt.Sprint(align)+`>;
			soc-fw { filename = "small"; fip-flags = /bits/ 64 <0x123456789abcdef>; };
			u-boot { fip-type = "nt-fw"; };
			u-boot-dtb { fip-type = "hw-config"; };
			`+blob("zeros", `fip-uuid = [fc 65 13 92 4a 5b 11 ec 94 35 ff 2d 1c fc 79 9c];`)+`
		}; fmap { }; fdtmap { };`)
	}
	add("fip of a size", `atf-fip { size = <0x200>; pad-byte = <0xff>; align = <0x40>; soc-fw { filename = "small"; }; }; u-boot { };`)
	add("fip with properties of a section", `allow-repack; atf-fip { filename = "fip.bin"; align-size = <0x80>; align-default = <32>;
		soc-fw { filename = "small"; size = <0x20>; pad-after = <2>; align = <8>; hash { algo = "sha256"; }; };
		nt-fw { filename = "small"; offset = <0x40>; };
	}; u-boot { };  fdtmap { };`)
	add("fip with a section", `atf-fip { fip-align = <8>; soc-fw { filename = "small"; };
		section { fip-type = "tos-fw"; align = <16>; a { type = "text"; text = "ab"; }; b { type = "text"; text = "abc"; offset = <12>; }; };
	}; fdtmap { };`)
	add("fip in a collection", `f: atf-fip { soc-fw { filename = "small"; }; }; collection { content = <&f>; };`)
	add("cbfs in a fip in a section", `section { offset = <0x20>; atf-fip { soc-fw { filename = "small"; };
		cbfs { size = <0x400>; fip-type = "tos-fw"; `+blob("small", rawFile)+` };
	}; }; fdtmap { };`)
	checkGolden(t, "container.golden", containerInputs(), list)
}

func TestContainerErrors(t *testing.T) {
	cbfsWith := func(s string) string { return "binman { cbfs { size = <0x800>; " + s + " }; };" }
	fipWith := func(s string) string { return "binman { atf-fip { " + s + " }; };" }
	for name, c := range map[string]struct{ source, want string }{
		"no architecture":   {cbfsWith(`cbfs-arch = "pdp11";`), "Node '/binman/cbfs': Invalid architecture 'pdp11'"},
		"no size":           {"binman { cbfs { " + blob("small", rawFile) + "}; };", "Node '/binman/cbfs': 'cbfs' entry must have a size property"},
		"no type":           {cbfsWith(blob("small", "")), "Node '/binman/cbfs/small': Unknown cbfs-type 'None' (use 'raw', 'stage')"},
		"bad type":          {cbfsWith(blob("small", `cbfs-type = "payload";`)), "Node '/binman/cbfs/small': Unknown cbfs-type 'payload' (use 'raw', 'stage')"},
		"bad compression":   {cbfsWith(blob("small", rawFile+`cbfs-compress = "gzip";`)), "Node '/binman/cbfs': Invalid compression in 'small': 'gzip'"},
		"no space":          {"binman { cbfs { size = <0x80>; " + blob("big", rawFile) + "}; };", "Node '/binman/cbfs': No space for header at offset 0x5c (current offset 0x91c)"},
		"offset taken":      {cbfsWith(blob("zeros", rawFile) + blob("small", rawFile+`cbfs-offset = <0x80>;`)), "Node '/binman/cbfs': No space for data before pad offset 0x40 (current offset 0x240)"},
		"same name":         {cbfsWith(blob("zeros", rawFile) + blob("small", rawFile+`cbfs-name = "zeros";`)), "Node '/binman/cbfs': CBFS file 'zeros' appears twice: use cbfs-name to tell them apart"},
		"stage not ELF":     {cbfsWith(blob("small", `cbfs-type = "stage";`)), "Node '/binman/cbfs/small': a stage must be an ELF file: Magic number does not match"},
		"fip alignment":     {fipWith("fip-align = <31>;"), "Node '/binman/atf-fip': FIP alignment 31 must be a power of two"},
		"fip flags":         {fipWith("fip-hdr-flags = <1>;"), "Node 'atf-fip' property 'fip-hdr-flags' should be a list with 2 items for 64-bit values"},
		"flags of an image": {fipWith(`soc-fw { filename = "small"; fip-flags = <1>; };`), "Node 'soc-fw' property 'fip-flags' should be a list with 2 items for 64-bit values"},
		"no fip type":       {fipWith("u-boot { };"), "Node '/binman/atf-fip': Must provide a fip-type (node name 'u-boot' is not a known FIP type)"},
		"unknown fip type":  {fipWith(`u-boot { fip-type = "kernel"; };`), "Node '/binman/atf-fip': Unknown FIP entry type 'kernel' in 'u-boot'"},
		"short uuid":        {fipWith("u-boot { fip-uuid = [01 02]; };"), "length 2, expecting 16"},
		"same uuid":         {fipWith(`soc-fw { filename = "small"; }; u-boot { fip-type = "soc-fw"; };`), "Node '/binman/atf-fip': FIP entry 'soc-fw' appears twice"},
		"missing image":     {fipWith(`soc-fw { filename = "none"; };`), "Filename 'none' not found in input path"},
		"hash with a type":  {fipWith(`hash { type = "text"; text = "x"; };`), "Must provide a fip-type (node name 'hash' is not a known FIP type)"},
		"unknown entry":     {cbfsWith(`thing { cbfs-type = "raw"; };`), "Unknown entry type 'thing' in node '/binman/cbfs/thing'"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := description{name: name, source: c.source}.build(t, containerInputs())
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error:\n%v\nwant:\n%s", err, c.want)
			}
		})
	}
}

// mixed has containers in each other, in a compressed section, and in them
// files of all kinds.
const mixed = `binman {
	%s
	section { compress = "lz4"; size = <0x1a00>;
		cbfs { size = <0x6000>;
			big { type = "blob"; filename = "big"; cbfs-name = "file/big"; cbfs-type = "raw"; cbfs-compress = "lzma"; };
			u-boot-dtb { cbfs-type = "raw"; cbfs-compress = "lz4"; };
			fixed { type = "blob"; filename = "small"; cbfs-type = "raw"; cbfs-offset = <0x4000>; };
			program { type = "blob"; filename = "program.elf"; cbfs-type = "stage"; };
			section { cbfs-type = "raw"; cbfs-compress = "lzma";
				zeros { type = "blob"; filename = "zeros"; };
				small { type = "blob"; filename = "small"; align = <16>; };
			};
		};
	};
	atf-fip { fip-align = <16>;
		soc-fw { filename = "big"; };
		extra { type = "blob"; filename = "small"; fip-uuid = [fc 65 13 92 4a 5b 11 ec 94 35 ff 2d 1c fc 79 9c]; };
		inner { type = "section"; fip-type = "tos-fw";
			text { text = "hello"; };
			u-boot-dtb { };
			cbfs { size = <0x1000>; small { type = "blob"; filename = "small"; cbfs-type = "raw"; }; };
		};
	};
	cbfs { size = <0x2000>;
		first { type = "blob"; filename = "small"; cbfs-type = "raw"; };
		packed { type = "blob"; filename = "zeros"; cbfs-type = "raw"; cbfs-compress = "lz4"; };
		last { type = "blob"; filename = "big"; cbfs-type = "raw"; };
	};
	fdtmap { };
};`

// opened is an image with all that it holds, by path.
type opened struct {
	*layout.Opened
	stored, plain map[string][]byte
}

func openImage(t *testing.T, image []byte) opened {
	t.Helper()
	b := &layout.Build{Options: layout.Options{Trees: etype.Trees(), Env: host.Env(), Input: host.Input(), Types: etype.Table()}}
	img, err := b.Open(content.Bytes(image), "image.bin")
	if err != nil {
		t.Fatal(err)
	}
	o := opened{img, map[string][]byte{}, map[string][]byte{}}
	img.Entry.Walk(func(e *layout.Entry) {
		for list, read := range map[*map[string][]byte]func(*layout.Entry) (content.Data, error){&o.stored: img.Stored, &o.plain: img.Contents} {
			data, err := read(e)
			if err != nil {
				t.Fatal(err)
			}
			if (*list)[e.Path()], err = data.Bytes(); err != nil {
				t.Fatal(err)
			}
		}
	})
	return o
}

// check reads all containers of the image by their own formats, and holds the
// device trees in it against its FDT map.
func (o opened) check(t *testing.T) {
	t.Helper()
	o.Entry.Walk(func(e *layout.Entry) {
		data := o.plain[e.Path()]
		r := bytes.NewReader(data)
		var err error
		switch e.TypeName {
		case "cbfs":
			var im *cbfs.Image
			if im, err = cbfs.Parse(r, r.Size()); err == nil {
				err = verify.First(im.Verify(nil, 0, nil))
			}
		case "atf-fip":
			var p *fip.Package
			if p, err = fip.Parse(r, r.Size()); err == nil {
				err = verify.First(p.Verify(nil, 0, nil))
			}
		case "u-boot-dtb":
			o.checkTree(t, e, data)
		}
		if err != nil {
			t.Errorf("%s: %v", e.Path(), err)
		}
	})
}

func (o opened) checkTree(t *testing.T, holder *layout.Entry, blob []byte) {
	t.Helper()
	tree, err := fdt.Parse(blob)
	if err != nil {
		t.Errorf("%s: %v", holder.Path(), err)
		return
	}
	o.Entry.Walk(func(e *layout.Entry) {
		node := tree.Node("/binman" + strings.TrimSuffix(e.Path(), "/"))
		if node == nil {
			t.Errorf("%s lacks %s", holder.Path(), e.Path())
			return
		}
		for name, want := range map[string]layout.OptInt{"offset": e.Offset, "size": e.Size, "image-pos": e.ImagePos} {
			got, ok, err := node.U32(name)
			if err != nil || ok != want.Known || int64(got) != want.Value {
				t.Errorf("%s says %s of %s is %#x, the FDT map %#x (%v)", holder.Path(), name, e.Path(), got, want.Value, err)
			}
		}
	})
}

func buildMixed(t *testing.T, top string) []byte {
	t.Helper()
	out, err := description{name: "mixed", source: fmt.Sprintf(mixed, top), updateFDT: true}.build(t, containerInputs())
	if err != nil {
		t.Fatal(err)
	}
	return out["image.bin"]
}

// Device trees in a CBFS or a FIP are those that were updated, however they
// are compressed.
func TestContainerRead(t *testing.T) {
	in := containerInputs()
	o := openImage(t, buildMixed(t, ""))
	o.check(t)
	for path, want := range map[string][]byte{
		"/section/cbfs/big":           in["big"],
		"/section/cbfs/fixed":         in["small"],
		"/section/cbfs/section/zeros": in["zeros"],
		"/section/cbfs/section/small": in["small"],
		"/atf-fip/soc-fw":             in["big"],
		"/atf-fip/extra":              in["small"],
		"/atf-fip/inner/text":         []byte("hello"),
		"/atf-fip/inner/cbfs/small":   in["small"],
		"/cbfs/packed":                in["zeros"],
		"/section/cbfs/program":       append(append(filler("text", 40), make([]byte, 24)...), filler("data", 12)...),
	} {
		if !bytes.Equal(o.plain[path], want) {
			t.Errorf("%s has %q, want %q", path, o.plain[path], want)
		}
	}
	for _, c := range []struct{ path, want string }{
		{"section/cbfs/file/big", "/section/cbfs/big"},
		{"section/cbfs/big", "/section/cbfs/big"},
		{"atf-fip/tos-fw/text", "/atf-fip/inner/text"},
		{"atf-fip/fc651392-4a5b-11ec-9435-ff2d1cfc799c", "/atf-fip/extra"},
	} {
		e, err := o.Find(c.path)
		if err != nil || e.Path() != c.want {
			t.Errorf("found %v, %v at %s", e, err, c.path)
		}
	}
	for _, path := range []string{"", "section/cbfs/file", "section/cbfs/file/big/", "atf-fip/tos-fw/"} {
		if e, err := o.Find(path); err == nil {
			t.Errorf("found %s at %q", e.Path(), path)
		}
	}
}

// A stage is loaded where the program wants to be, below the end of the CBFS
// too.
func TestCBFSStage(t *testing.T) {
	low := testelf.File{Entry: 0x104, Segments: []testelf.Segment{{Address: 0x100, Data: filler("low", 64)}}}.Bytes()
	in := containerInputs()
	in["low.elf"] = low
	out, err := description{name: "stage", source: `binman { cbfs { size = <0x1000>; ` + blob("program.elf", `cbfs-type = "stage";`) + blob("low.elf", `cbfs-type = "stage";`) + `}; };`}.build(t, in)
	if err != nil {
		t.Fatal(err)
	}
	im, err := cbfs.Parse(bytes.NewReader(out["image.bin"]), 0x1000)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]cbfs.File{
		"program.elf": {Load: 0x1110000, Entry: 0x1110004, MemSize: 0x140, Size: 76},
		"low.elf":     {Load: 0x100, Entry: 0x104, MemSize: 64, Size: 64},
	} {
		f := im.File(name)
		if f == nil || f.Load != want.Load || f.Entry != want.Entry || f.MemSize != want.MemSize || f.Size != want.Size {
			t.Errorf("stage %s is %+v, want %+v", name, f, want)
		}
	}
	if f := im.File("low.elf"); f != nil && !bytes.Contains(out["image.bin"], filler("low", 64)) {
		t.Error("the program below the end of the CBFS is lost")
	}
}

// Symbols are written into what a CBFS or a FIP holds.
func TestContainerSymbols(t *testing.T) {
	prog := testelf.File{
		Class:    elf.ELFCLASS32,
		Segments: []testelf.Segment{{Address: 0x100, Data: make([]byte, 16)}},
		Symbols: []testelf.Symbol{
			{Name: "__image_copy_start", Value: 0x100},
			{Name: "_binman_sym_magic", Value: 0x100, Size: 4},
			{Name: "_binman_target_prop_offset", Value: 0x104, Size: 4},
			{Name: "_binman_target_prop_size", Value: 0x108, Size: 4},
		},
	}.Bytes()
	in := files{"prog": make([]byte, 16), "prog.elf": prog, "u-boot.dtb": nil}
	const symbols = `elf-filename = "prog.elf"; write-symbols; filename = "prog";`
	for name, source := range map[string]string{
		"cbfs":       `cbfs { size = <0x400>; prog { type = "blob"; cbfs-type = "raw"; ` + symbols + ` }; };`,
		"compressed": `cbfs { size = <0x400>; prog { type = "blob"; cbfs-type = "raw"; cbfs-compress = "lz4"; ` + symbols + ` }; };`,
		"fip":        `atf-fip { prog { type = "blob"; fip-type = "nt-fw"; ` + symbols + ` }; };`,
		"nested":     `cbfs { size = <0x400>; s { type = "section"; cbfs-type = "raw"; prog { type = "blob"; ` + symbols + ` }; }; };`,
	} {
		t.Run(name, func(t *testing.T) {
			out, err := description{name: name, source: "binman { " + source + ` target { type = "text"; text = "x"; offset = <0x800>; }; fdtmap { }; };`, updateFDT: true}.build(t, in)
			if err != nil {
				t.Fatal(err)
			}
			o := openImage(t, out["image.bin"])
			want := "BSYM\x00\x08\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00"
			found := false
			for path, data := range o.plain {
				if strings.HasSuffix(path, "/prog") {
					found = true
					if string(data) != want {
						t.Errorf("%s has %q, want %q", path, data, want)
					}
				}
			}
			if !found {
				t.Error("program not found")
			}
		})
	}
}

// Missing files leave empty ones in a container, and optional files are left
// out.
func TestContainerMissing(t *testing.T) {
	in := containerInputs()
	source := `binman {
		atf-fip { soc-fw { filename = "none"; }; tos-fw { filename = "none"; optional; }; nt-fw { filename = "small"; }; };
		cbfs { size = <0x400>;
			a { type = "blob-ext"; filename = "none"; cbfs-type = "raw"; };
			b { type = "blob-ext"; filename = "none"; cbfs-type = "raw"; optional; };
			c { type = "blob-ext"; filename = "none"; cbfs-type = "stage"; };
			d { type = "blob"; filename = "small"; cbfs-type = "raw"; };
		};
		fdtmap { };
	};`
	out, err := description{name: "missing", source: source, updateFDT: true, allow: true}.build(t, in)
	if err != nil {
		t.Fatal(err)
	}
	image := out["image.bin"]
	p, err := fip.Parse(bytes.NewReader(image), int64(len(image)))
	if err != nil {
		t.Fatal(err)
	}
	if len(p.Entries) != 2 || p.Entries[0].Size != 0 || p.Entries[1].Size != 11 {
		t.Errorf("FIP has %+v", p.Entries)
	}
	start := p.Entries[1].Offset + p.Entries[1].Size
	im, err := cbfs.Parse(bytes.NewReader(image[start:start+0x400]), 0x400)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, f := range im.Files {
		if !f.Type.Free() {
			got = append(got, fmt.Sprintf("%s %s %d", f.Name, f.Type, f.Size))
		}
	}
	if s := strings.Join(got, ", "); s != "a raw 0, c stage 0, d raw 11" {
		t.Errorf("CBFS has %s", s)
	}
}

// replaceIn replaces one entry and returns the new image.
func replaceIn(image []byte, path string, data []byte, compressed, resize bool) ([]byte, error) {
	b := &layout.Build{Options: layout.Options{Trees: etype.Trees(), Env: host.Env(), Input: host.Input(), Types: etype.Table()}}
	img, err := b.Open(content.Bytes(image), "image.bin")
	if err != nil {
		return nil, err
	}
	e, err := img.Find(path)
	if err != nil {
		return nil, err
	}
	out, err := img.Replace([]layout.Replacement{{Entry: e, Data: content.Bytes(data), Compressed: compressed}}, resize)
	if err != nil {
		return nil, err
	}
	return out.Bytes()
}

// Replacing an entry at any depth leaves the stored bytes of all others as
// they are, compressed ones too, and keeps tables and device trees right.
func TestContainerReplace(t *testing.T) {
	movable, rigid := buildMixed(t, "allow-repack;"), buildMixed(t, "")
	for _, c := range []struct {
		path  string
		size  int
		rigid bool // works without allow-repack
	}{
		{"/section/cbfs/big", 0xa00, false}, // the compressed section grows
		{"/section/cbfs/big", 3, false},
		{"/section/cbfs/fixed", 200, false},
		{"/section/cbfs/program", 100, false},
		{"/section/cbfs/section/small", 11, false},
		{"/section/cbfs/section/small", 300, false},
		{"/atf-fip/soc-fw", 0x900, true},
		{"/atf-fip/soc-fw", 0x8ff, true},
		{"/atf-fip/soc-fw", 0xa00, false},
		{"/atf-fip/extra", 20, false},
		{"/atf-fip/inner/text", 5, true},
		{"/atf-fip/inner/text", 50, false},
		{"/atf-fip/inner/cbfs/small", 500, true},
		{"/cbfs/first", 0, true},
		{"/cbfs/first", 700, true},
		{"/cbfs/packed", 700, true},
		{"/cbfs/last", 0xa00, true},
		{"/cbfs/last", 1, true},
	} {
		t.Run(fmt.Sprintf("%s %d", c.path[1:], c.size), func(t *testing.T) {
			data := filler("new", c.size)
			for name, image := range map[string][]byte{"movable": movable, "rigid": rigid} {
				out, err := replaceIn(image, c.path[1:], data, false, true)
				if name == "rigid" && !c.rigid {
					// Compressed sections may happen to have room.
					if err != nil && !strings.Contains(err.Error(), "allow-repack is not present") {
						t.Errorf("error %v", err)
					}
					continue
				}
				if err != nil {
					t.Fatalf("%s: %v", name, err)
				}
				checkReplaced(t, openImage(t, image), openImage(t, out), c.path, data)
			}
		})
	}
}

func checkReplaced(t *testing.T, before, after opened, path string, data []byte) {
	t.Helper()
	after.check(t)
	if got := after.plain[path]; !bytes.Equal(got[:min(len(data), len(got))], data) || len(bytes.Trim(got[len(data):], "\x00")) > 0 {
		t.Errorf("%s has %x, want %x", path, got, data)
	}
	after.Entry.Walk(func(e *layout.Entry) {
		p := e.Path()
		if len(e.Entries()) > 0 || p == path || e.TypeName == "u-boot-dtb" || e.TypeName == "fdtmap" {
			return
		}
		if !bytes.Equal(before.stored[p], after.stored[p]) {
			t.Errorf("%s has changed", p)
		}
	})
	fixed, err := after.Find("section/cbfs/fixed")
	if err != nil || fixed.Offset != layout.Some(0x4000) {
		t.Errorf("the fixed file is at %v (%v)", fixed.Offset, err)
	}
}

// A container can be replaced as a whole by what its own tools make: what it
// holds of the entries is then found, and can be changed again.
func TestContainerReplaceWhole(t *testing.T) {
	im := cbfs.Image{Size: 0x2000, Files: []cbfs.File{
		{Name: "other", Type: cbfs.Raw, Data: filler("other", 20)},
		{Name: "last", Type: cbfs.Raw, Data: filler("changed", 30)},
	}}
	newCBFS, err := im.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	newFIP, err := (&fip.Package{Entries: []fip.Entry{{UUID: fip.UUID{1}}, {UUID: mustType(t, "soc-fw")}}}).
		Marshal([][]byte{filler("other", 20), filler("changed", 30)})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		path, child string
		data        []byte
	}{{"cbfs", "last", newCBFS}, {"atf-fip", "soc-fw", newFIP}} {
		t.Run(c.path, func(t *testing.T) {
			out, err := replaceIn(buildMixed(t, "allow-repack;"), c.path, c.data, false, true)
			if err != nil {
				t.Fatal(err)
			}
			out, err = replaceIn(out, c.path+"/"+c.child, filler("again", 40), false, true)
			if err != nil {
				t.Fatal(err)
			}
			b := &layout.Build{Options: layout.Options{Trees: etype.Trees(), Env: host.Env(), Input: host.Input(), Types: etype.Table()}}
			img, err := b.Open(content.Bytes(out), "image.bin")
			if err != nil {
				t.Fatal(err)
			}
			e, err := img.Find(c.path + "/" + c.child)
			if err != nil {
				t.Fatal(err)
			}
			at := e.ImagePos.Value
			if !bytes.Equal(out[at:at+e.Size.Value], filler("again", 40)) {
				t.Errorf("the FDT map puts the entry at %#x with size %#x", at, e.Size.Value)
			}
			if !bytes.Contains(out, filler("other", 20)) {
				t.Error("what the FDT map does not know is lost")
			}
		})
	}
}

func mustType(t *testing.T, name string) fip.UUID {
	t.Helper()
	typ, ok := fip.ByName(name)
	if !ok {
		t.Fatalf("no type %s", name)
	}
	return typ.UUID
}

func TestContainerReplaceErrors(t *testing.T) {
	movable, rigid := buildMixed(t, "allow-repack;"), buildMixed(t, "")
	for _, c := range []struct {
		name       string
		image      []byte
		path       string
		data       []byte
		compressed bool
		fixed      bool
		want       string
	}{
		{"full", movable, "cbfs/first", filler("new", 0x1800), false, false, "Node '/cbfs': No space for header at offset 0x1fdc"},
		{"before a fixed file", movable, "section/cbfs/big", filler("new", 0x5000), false, false, "Node '/section/cbfs': No space for data before pad offset 0x3fc0"},
		{"fip grows", rigid, "atf-fip/soc-fw", filler("new", 0x901), false, false, "Node '/atf-fip': Entry data size does not match, but allow-repack is not present for this image"},
		{"fixed size", movable, "cbfs/first", filler("new", 12), false, true, "Node '/cbfs/first': Entry data size does not match, but resize is disabled"},
		{"not compressed", movable, "cbfs/packed", filler("new", 12), true, false, "the new data is not compressed as its container does it"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := replaceIn(c.image, c.path, c.data, c.compressed, !c.fixed)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want %s", err, c.want)
			}
		})
	}
}

// Contents that are compressed already are taken as they are.
func TestCBFSReplaceCompressed(t *testing.T) {
	image := buildMixed(t, "")
	packed := openImage(t, image).stored["/cbfs/packed"]
	first, err := replaceIn(image, "cbfs/packed", filler("x", 20), false, true)
	if err != nil {
		t.Fatal(err)
	}
	again, err := replaceIn(first, "cbfs/packed", packed, true, true)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(again, image) {
		t.Error("the image is not what it was")
	}
}

// A stage takes another program, as it stands in memory, or just that. What it
// holds then is what is extracted.
func TestCBFSReplaceStage(t *testing.T) {
	image := buildMixed(t, "allow-repack;")
	const stage, holder = "section/cbfs/program", "/section/cbfs"
	code := filler("code", 30)
	program := testelf.File{Entry: 0x200, Segments: []testelf.Segment{{Address: 0x200, Data: code}}}.Bytes()
	tests := map[string]struct {
		data     []byte
		fixed    bool
		want     []byte
		load     uint64
		wantsErr string
	}{
		"a program":             {data: program, want: code, load: 0x200},
		"code":                  {data: code, want: code, load: 0x1110000},
		"of another fixed size": {data: program, fixed: true, wantsErr: "resize is disabled"},
		"of the same size":      {data: testProgram(), fixed: true, want: openImage(t, image).stored["/"+stage], load: 0x1110000},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			out, err := replaceIn(image, stage, test.data, false, !test.fixed)
			if test.wantsErr != "" {
				if err == nil || !strings.Contains(err.Error(), test.wantsErr) {
					t.Errorf("error %v, want %q", err, test.wantsErr)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			after := openImage(t, out)
			if got := after.stored["/"+stage]; !bytes.Equal(got, test.want) {
				t.Errorf("the stage is %q, want %q", got, test.want)
			}
			im, err := cbfs.Parse(bytes.NewReader(after.stored[holder]), int64(len(after.stored[holder])))
			if err != nil {
				t.Fatal(err)
			}
			if f := im.File("program"); f == nil || f.Load != test.load {
				t.Errorf("the file is %+v, want its address to be %#x", f, test.load)
			}
		})
	}
}

// Damaged containers, with lying headers, are errors for what they hold, and
// nothing else is affected.
func TestContainerDamage(t *testing.T) {
	image := buildMixed(t, "")
	o := openImage(t, image)
	for _, path := range []string{"/cbfs", "/atf-fip"} {
		e, err := o.Find(path[1:])
		if err != nil {
			t.Fatal(err)
		}
		if len(o.plain[path]) < 0x120 {
			t.Fatal("too small to damage")
		}
		for off := e.ImagePos.Value; off < e.ImagePos.Value+0x120; off += 3 {
			bad := bytes.Clone(image)
			bad[off] ^= 0xff
			b := &layout.Build{Options: layout.Options{Trees: etype.Trees(), Env: host.Env(), Input: host.Input(), Types: etype.Table()}}
			img, err := b.Open(content.Bytes(bad), "image.bin")
			if err != nil {
				t.Fatal(err)
			}
			img.Entry.Walk(func(e *layout.Entry) {
				data, err := img.Contents(e)
				if err == nil && data.Len() > 1<<16 {
					t.Errorf("byte %#x: %s has %d bytes", off, e.Path(), data.Len())
				}
			})
			// What stands elsewhere can still be replaced, unless the FIP
			// contradicts the FDT map about a section.
			if _, err := replaceIn(bad, "section/cbfs/fixed", o.plain["/section/cbfs/fixed"], false, true); err != nil && !strings.Contains(err.Error(), "is outside the section '/atf-fip/inner'") {
				t.Errorf("byte %#x: %v", off, err)
			}
		}
	}
}

// cbfstool and fiptool read what we write, and what replacing leaves behind.
func TestContainerJudges(t *testing.T) {
	cbfstool, fiptool := judge.Need(t, "cbfstool"), judge.Need(t, "fiptool")
	run := func(t *testing.T, dir, name string, args ...string) string {
		t.Helper()
		cmd := exec.Command(name, args...)
		cmd.Dir = dir
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Errorf("%s %v: %v\n%s", filepath.Base(name), args, err, out)
		}
		return string(out)
	}
	verify := func(t *testing.T, image []byte) {
		o, dir := openImage(t, image), t.TempDir()
		same := func(path string) {
			t.Helper()
			got, err := os.ReadFile(filepath.Join(dir, "got"))
			if err != nil {
				t.Error(err)
			} else if !bytes.Equal(got, o.plain[path]) {
				t.Errorf("the judge reads %x from %s, not %x", got, path, o.plain[path])
			}
			os.Remove(filepath.Join(dir, "got"))
		}
		for _, path := range []string{"/section/cbfs", "/cbfs", "/atf-fip/inner/cbfs"} {
			files{"c": o.plain[path]}.write(t, dir)
			e, err := o.Find(path[1:])
			if err != nil {
				t.Fatal(err)
			}
			list := run(t, dir, cbfstool, "c", "print")
			for _, child := range e.Entries() {
				name := child.As.Alias
				if !strings.Contains(list, "\n"+name+" ") {
					t.Errorf("cbfstool does not list %s:\n%s", name, list)
				}
				if child.Name != "program" { // extracted as an ELF file
					run(t, dir, cbfstool, "c", "extract", "-n", name, "-f", "got")
					same(child.Path())
				}
			}
		}
		files{"f": o.plain["/atf-fip"]}.write(t, dir)
		run(t, dir, fiptool, "info", "f")
		run(t, dir, fiptool, "unpack", "--soc-fw", "got", "f")
		same("/atf-fip/soc-fw")
		run(t, dir, fiptool, "unpack", "--blob", "uuid=fc651392-4a5b-11ec-9435-ff2d1cfc799c,file=got", "f")
		same("/atf-fip/extra")
	}
	image := buildMixed(t, "allow-repack;")
	verify(t, image)
	for _, path := range []string{"section/cbfs/big", "cbfs/packed", "cbfs/first", "atf-fip/soc-fw", "atf-fip/extra", "atf-fip/inner/text"} {
		out, err := replaceIn(image, path, filler("new", 600), false, true)
		if err != nil {
			t.Fatal(err)
		}
		verify(t, out)
	}
}
