// SPDX-License-Identifier: GPL-2.0-or-later

package etype_test

import (
	"debug/elf"
	"encoding/binary"
	"encoding/hex"
	"maps"
	"testing"

	"binman/internal/testelf"
)

const (
	textBase  = 0xfffff000 // where the programs are linked to
	ucodePtr  = 0x14       // where in the programs the pointer to microcode is
	flashBase = 0xffff0000
)

// program returns an ELF file with a place for the address of the microcode,
// unless ptr is 0.
func program(ptr uint64) []byte {
	f := testelf.File{
		Class:    elf.ELFCLASS32,
		Machine:  elf.EM_386,
		Segments: []testelf.Segment{{Address: textBase, Data: make([]byte, 0x40)}},
		Symbols:  []testelf.Symbol{{Name: "__image_copy_start", Value: textBase}},
	}
	if ptr != 0 {
		f.Symbols = append(f.Symbols, testelf.Symbol{Name: "_dt_ucode_base_size", Value: ptr})
	}
	return f.Bytes()
}

// flashDescriptor returns a flash descriptor whose regions are BIOS and the
// one given for the ME, by the numbers of their first and last 4 KiB.
func flashDescriptor(first, last uint32) []byte {
	const magicAt, tableAt = 0x10, 0x40
	b := make([]byte, 0x1000)
	le := binary.LittleEndian
	le.PutUint32(b[magicAt:], 0x0ff0a55a)
	le.PutUint32(b[magicAt+4:], tableAt>>4<<16)
	le.PutUint32(b[tableAt+4:], 15<<16|8)
	le.PutUint32(b[tableAt+8:], last<<16|first)
	return b
}

// x86Inputs are the files of a build for x86.
func x86Inputs() files {
	f := files{
		"u-boot":                         program(textBase + ucodePtr),
		"spl/u-boot-spl":                 program(textBase + ucodePtr),
		"tpl/u-boot-tpl":                 program(textBase + ucodePtr),
		"descriptor.bin":                 flashDescriptor(1, 4),
		"no-me.bin":                      flashDescriptor(0x7fff, 0),
		"magic-only.bin":                 binary.LittleEndian.AppendUint32(nil, 0x0ff0a55a),
		"short.bin":                      flashDescriptor(1, 4)[:0x44],
		"u-boot-nodtb.bin":               nil,
		"spl/u-boot-spl-nodtb.bin":       nil,
		"tpl/u-boot-tpl-nodtb.bin":       nil,
		"u-boot-x86-start16.bin":         nil,
		"u-boot-x86-reset16.bin":         nil,
		"mrc.bin":                        nil,
		"refcode.bin":                    nil,
		"blob.bin":                       nil,
		"spl/u-boot-x86-start16-spl.bin": nil,
		"spl/u-boot-x86-reset16-spl.bin": nil,
		"tpl/u-boot-x86-start16-tpl.bin": nil,
		"tpl/u-boot-x86-reset16-tpl.bin": nil,
	}
	for name, data := range f {
		if data == nil {
			f[name] = filler(name, 0x40)
		}
	}
	return f
}

const (
	flash      = "binman { end-at-4gb; size = <0x10000>; pad-byte = <0xff>; sort-by-offset;\n"
	oneUpdate  = "microcode { update@0 { data = <0x12345678 0x12345679>; }; };"
	twoUpdates = "microcode { update@0 { x; data = <1 2>; y = \"s\"; }; update@1 { data = <0xabcd0000 4 5>; }; other { }; };"
	ucodeParts = "u-boot-dtb-with-ucode { }; u-boot-ucode { align = <16>; };"
	ucodeFlash = flash + "u-boot-with-ucode-ptr { offset = <0xfffff000>; };" + ucodeParts
)

// Microcode is handled as U-Boot's binman does, whichever program needs it.
func TestMicrocodeGolden(t *testing.T) {
	var list []description
	for _, c := range []description{
		{name: "one update", source: ucodeFlash + "};" + oneUpdate},
		{name: "two updates", source: ucodeFlash + "};" + twoUpdates},
		{name: "two updates before binman", source: twoUpdates + ucodeFlash + "};"},
		{name: "block first", source: flash + "u-boot-with-ucode-ptr { offset = <0xfffff000>; }; u-boot-ucode { }; u-boot-dtb-with-ucode { }; };" + twoUpdates},
		{name: "spl", source: flash + "u-boot-spl-with-ucode-ptr { offset = <0xfffff000>; };" + ucodeParts + "};" + oneUpdate},
		{name: "tpl", source: flash + "u-boot-tpl-with-ucode-ptr { offset = <0xfffff000>; };" + ucodeParts + "};" + twoUpdates},
		{name: "padded", source: flash + `u-boot-with-ucode-ptr { offset = <0xfffff000>; size = <0x100>; };
			u-boot-dtb-with-ucode { align-size = <0x40>; prepend = "length"; }; u-boot-ucode { pad-after = <8>; }; };` + twoUpdates},
		{name: "map", source: ucodeFlash + "fdtmap { offset = <0xffff8000>; }; u-boot-dtb { offset = <0xffffa000>; }; };" + twoUpdates},
		{name: "not needed", source: flash + ucodeParts + "};" + twoUpdates},
		{name: "two images", source: "binman { multiple-images; " +
			"a { end-at-4gb; size = <0x1000>; u-boot-with-ucode-ptr { }; " + ucodeParts + "};" +
			"b { end-at-4gb; size = <0x1000>; u-boot-with-ucode-ptr { }; " + ucodeParts + "}; };" + oneUpdate},
	} {
		list = append(list, c)
		c.name += ", -u"
		c.updateFDT = true
		list = append(list, c)
	}
	checkGolden(t, "microcode.golden", x86Inputs(), list)
}

// A program without a place for the address leaves the device tree alone.
func TestMicrocodeOptionalGolden(t *testing.T) {
	in := x86Inputs()
	in["u-boot"] = program(0)
	checkGolden(t, "microcode-optional.golden", in, []description{
		{name: "optional", source: flash + "u-boot-with-ucode-ptr { offset = <0xfffff000>; optional-ucode; };" + ucodeParts + "};" + twoUpdates},
	})
}

// ucodeField returns the address and size that the program at an offset of an
// image has been given.
func ucodeField(image []byte, program int) (addr, size uint32) {
	field := image[program+ucodePtr:]
	return binary.LittleEndian.Uint32(field), binary.LittleEndian.Uint32(field[4:])
}

// Where U-Boot's binman fails, or tells the program a wrong address, the
// address is that of the microcode in the image.
func TestMicrocodeAddress(t *testing.T) {
	const one, two = "1234567812345679", "0000000100000002abcd00000000000400000005"
	for _, c := range []struct{ name, source, want string }{
		{"device tree first", flash + "u-boot-dtb-with-ucode { offset = <0xffff8000>; }; u-boot-ucode { }; u-boot-with-ucode-ptr { offset = <0xfffff000>; }; };" + twoUpdates, two},
		{"nested", flash + "section { offset = <0xfffff000>; u-boot-with-ucode-ptr { }; " + ucodeParts + "}; };" + twoUpdates, two},
		{"nested, one update", flash + "section { offset = <0xfffff000>; u-boot-with-ucode-ptr { }; " + ucodeParts + "}; };" + oneUpdate, one},
		{"padding before the block", flash + "u-boot-with-ucode-ptr { offset = <0xfffff000>; }; u-boot-dtb-with-ucode { }; u-boot-ucode { pad-before = <4>; }; };" + twoUpdates, two},
		{"padding before the tree", flash + `u-boot-with-ucode-ptr { offset = <0xfffff000>; }; u-boot-dtb-with-ucode { pad-before = <4>; prepend = "length"; }; u-boot-ucode { }; };` + oneUpdate, one},
		{"padding before the program", flash + "u-boot-with-ucode-ptr { offset = <0xffffeffc>; pad-before = <4>; }; " + ucodeParts + "};" + twoUpdates, two},
		{"empty block with a size", flash + "u-boot-with-ucode-ptr { offset = <0xfffff000>; }; u-boot-dtb-with-ucode { }; u-boot-ucode { size = <16>; }; };" + oneUpdate, one},
		{"second pass", flash + `u-boot-with-ucode-ptr { offset = <0xfffff000>; }; u-boot-dtb { offset = <0xffff8000>; compress = "lz4"; };` + ucodeParts + "};" + twoUpdates, two},
		{"compressed tree", flash + `u-boot-with-ucode-ptr { offset = <0xfffff000>; }; u-boot-dtb-with-ucode { compress = "lz4"; }; u-boot-ucode { }; };` + twoUpdates, two},
	} {
		for _, updateFDT := range []bool{false, true} {
			t.Run(c.name, func(t *testing.T) {
				out, err := description{source: c.source, updateFDT: updateFDT}.build(t, x86Inputs())
				if err != nil {
					t.Fatal(err)
				}
				image := out["image.bin"]
				addr, size := ucodeField(image, textBase-flashBase)
				if addr < flashBase || int64(addr)+int64(size) > 1<<32 {
					t.Fatalf("microcode is said to be at %#x, size %#x", addr, size)
				}
				at := addr - flashBase
				if got := hex.EncodeToString(image[at : at+size]); got != c.want {
					t.Errorf("at %#x is %s, want %s", addr, got, c.want)
				}
			})
		}
	}
}

// Two images of one device tree have the same microcode.
func TestMicrocodeTwoImages(t *testing.T) {
	const image = " { end-at-4gb; size = <0x1000>; u-boot-with-ucode-ptr { }; " + ucodeParts + "};"
	out, err := description{source: "binman { multiple-images; a" + image + "b" + image + "};" + twoUpdates}.build(t, x86Inputs())
	if err != nil {
		t.Fatal(err)
	}
	addr, size := ucodeField(out["b.bin"], 0)
	if size != 20 {
		t.Errorf("microcode at %#x has %d bytes, want 20", addr, size)
	}
	if string(out["a.bin"]) != string(out["b.bin"]) {
		t.Error("the images differ")
	}
}

func TestMicrocodeErrors(t *testing.T) {
	const ptr = "u-boot-with-ucode-ptr { offset = <0xfffff000>; };"
	checkErrors(t, x86Inputs(), map[string]struct{ source, want string }{
		"no node": {
			ucodeFlash + "};",
			"Node '/binman/u-boot-dtb-with-ucode': No /microcode node found in 'u-boot-dtb'",
		},
		"no update": {
			ucodeFlash + "}; microcode { };",
			"Node '/binman/u-boot-dtb-with-ucode': No microcode found in the /microcode node of 'u-boot-dtb'",
		},
		"no data": {
			ucodeFlash + "}; microcode { update@0 { }; update@1 { }; };",
			"Node '/binman/u-boot-dtb-with-ucode': No microcode found in the /microcode node of 'u-boot-dtb'",
		},
		"no block": {
			flash + ptr + "u-boot-dtb-with-ucode { }; };" + oneUpdate,
			"Node '/binman/u-boot-with-ucode-ptr': Cannot find microcode region u-boot-ucode",
		},
		"no device tree": {
			flash + ptr + "u-boot-ucode { }; };" + oneUpdate,
			"Node '/binman/u-boot-with-ucode-ptr': Cannot find microcode region u-boot-dtb-with-ucode",
		},
		"program elsewhere": {
			flash + "u-boot-with-ucode-ptr { offset = <0xffffe000>; };" + ucodeParts + "};" + oneUpdate,
			"Node '/binman/u-boot-with-ucode-ptr': Microcode pointer _dt_ucode_base_size at fffff014 is outside the section ranging from ffffe000 to ffffe040",
		},
		"no TPL device tree": {
			flash + "u-boot-tpl-with-ucode-ptr { }; u-boot-tpl-dtb-with-ucode { }; u-boot-ucode { }; };" + oneUpdate,
			"Node '/binman/u-boot-tpl-dtb-with-ucode': No device tree 'tpl/u-boot-tpl.dtb' found for 'u-boot-tpl-dtb'",
		},
		"compressed update": {
			flash + ptr + `u-boot-dtb-with-ucode { compress = "lz4"; }; u-boot-ucode { }; };` + oneUpdate,
			"Node '/binman/u-boot-dtb-with-ucode': Microcode cannot be used in a compressed device tree",
		},
		"compressed section": {
			flash + `section { compress = "lz4"; u-boot-with-ucode-ptr { };` + ucodeParts + "}; };" + oneUpdate,
			"Node '/binman/section/u-boot-with-ucode-ptr': Microcode cannot be used in a compressed section",
		},
	})
	for name, c := range map[string]struct {
		ptr  uint64
		want string
	}{
		"no symbol":       {0, "Cannot locate _dt_ucode_base_size symbol in u-boot"},
		"across the end":  {textBase + 0x40 - 7, "Microcode pointer _dt_ucode_base_size at fffff039 is outside the section ranging from fffff000 to fffff040"},
		"before it":       {textBase - 1, "Microcode pointer _dt_ucode_base_size at ffffefff is outside the section ranging from fffff000 to fffff040"},
		"after the image": {textBase + 0x40, "Microcode pointer _dt_ucode_base_size at fffff040 is outside the section ranging from fffff000 to fffff040"},
	} {
		in := maps.Clone(x86Inputs())
		in["u-boot"] = program(c.ptr)
		checkErrors(t, in, map[string]struct{ source, want string }{
			name: {ucodeFlash + "};" + oneUpdate, "Node '/binman/u-boot-with-ucode-ptr': " + c.want},
		})
	}
}

// The other types for x86 make what U-Boot's binman makes.
func TestX86Golden(t *testing.T) {
	const me = `intel-me { filename = "blob.bin"; offset-unset; };`
	checkGolden(t, "x86.golden", x86Inputs(), []description{
		{name: "16-bit code", source: `binman { x86-start16 { }; x86-reset16 { align = <16>; }; x86-start16-spl { };
			x86-reset16-spl { filename = "no.bin"; }; x86-start16-tpl { }; x86-reset16-tpl { }; };`},
		{name: "blobs", source: `binman { intel-fsp { filename = "blob.bin"; }; intel-fsp-t { filename = "blob.bin"; };
			intel-fsp-m { filename = "blob.bin"; }; intel-fsp-s { filename = "blob.bin"; }; intel-cmc { filename = "blob.bin"; };
			intel-vbt { filename = "blob.bin"; }; intel-vga { filename = "blob.bin"; }; };`},
		{name: "fixed names", source: `binman { intel-mrc { filename = "blob.bin"; }; intel-refcode { filename = "blob.bin"; }; };`},
		{name: "missing blobs", allow: true, source: `binman { intel-fsp { }; intel-vga { assume-size = <4>; }; intel-me { optional; }; };`},
		{name: "descriptor", updateFDT: true, source: flash + `intel-descriptor { filename = "descriptor.bin"; };` + me + "};"},
		{name: "descriptor last", source: flash + me + `intel-descriptor { filename = "descriptor.bin"; }; };`},
		{name: "descriptor with an offset", source: flash + `intel-descriptor { filename = "descriptor.bin"; offset = <0xffff8000>; };` + me + "};"},
		{name: "descriptor without regions to place", source: flash + `intel-descriptor { filename = "no-me.bin"; }; };`},
		{name: "descriptor of a section", source: `binman { section { offset = <0x100>; intel-descriptor { filename = "descriptor.bin"; };` + me + `}; };`},
		{name: "missing descriptor", allow: true, source: flash + `intel-descriptor { filename = "no.bin"; };` + me + "};"},
		{name: "missing descriptor, nothing to place", allow: true, source: flash + `intel-descriptor { filename = "no.bin"; }; };`},
		{name: "interface table", updateFDT: true, source: flash + "mrc { type = \"intel-mrc\"; }; intel-fit { align = <4>; }; intel-fit-ptr { }; };"},
		{name: "interface table with an offset", source: flash + "intel-fit { offset = <0xffff8000>; }; intel-fit-ptr { offset = <0xffffff80>; }; };"},
	})
}

// The pointer to the firmware interface table has the address of the table,
// even if it is listed first.
func TestIntelFIT(t *testing.T) {
	out, err := description{source: flash + "intel-fit-ptr { }; intel-fit { offset = <0xffff8000>; }; };"}.build(t, x86Inputs())
	if err != nil {
		t.Fatal(err)
	}
	image := out["image.bin"]
	if got, want := hex.EncodeToString(image[0x8000:0x8010]), "5f4649545f2020200100000000018"+"07d"; got != want {
		t.Errorf("table is %s, want %s", got, want)
	}
	if got, want := hex.EncodeToString(image[0xffc0:0xffc8]), "0080ffff00000000"; got != want {
		t.Errorf("pointer is %s, want %s", got, want)
	}
}

// A second pass leaves the ME where the flash descriptor has it.
func TestIntelDescriptorSecondPass(t *testing.T) {
	out, err := description{updateFDT: true, source: flash + `intel-descriptor { filename = "descriptor.bin"; };
		intel-me { filename = "blob.bin"; offset-unset; };
		u-boot-dtb { offset = <0xffff8000>; compress = "lz4"; }; };`}.build(t, x86Inputs())
	if err != nil {
		t.Fatal(err)
	}
	const want = "ffff1000   ffff1000  00004000  intel-me\n"
	if got := string(out["image.map"]); !containsLine(got, want) {
		t.Errorf("no line %q in the map:\n%s", want, got)
	}
}

func TestX86Errors(t *testing.T) {
	descriptor := func(file string) string {
		return flash + `intel-descriptor { filename = "` + file + `"; }; intel-me { filename = "blob.bin"; offset-unset; }; };`
	}
	checkErrors(t, x86Inputs(), map[string]struct{ source, want string }{
		"no descriptor": {
			flash + `intel-me { filename = "blob.bin"; offset-unset; }; };`,
			"Node '/binman/intel-me': No offset set with offset-unset: should another entry provide this correct offset?",
		},
		"no signature": {
			descriptor("blob.bin"),
			"Node '/binman/intel-descriptor': Cannot find Intel Flash Descriptor (FD) signature",
		},
		"cut after the signature": {
			descriptor("magic-only.bin"),
			"Node '/binman/intel-descriptor': Intel Flash Descriptor (FD) at offset 0x0 is cut short: the file has 0x4 bytes",
		},
		"cut in the regions": {
			descriptor("short.bin"),
			"Node '/binman/intel-descriptor': Intel Flash Descriptor (FD) has its regions at offset 0x40, but the file has 0x44 bytes",
		},
		"region not in use": {
			descriptor("no-me.bin"),
			"Node '/binman/intel-descriptor': The flash descriptor has no region for 'intel-me'",
		},
		"pointer without a table": {
			flash + "intel-fit-ptr { }; };",
			"Node '/binman/intel-fit-ptr': 'intel-fit-ptr' section must have an 'intel-fit' sibling",
		},
		"table elsewhere": {
			flash + "intel-fit { }; section { intel-fit-ptr { }; }; };",
			"Node '/binman/section/intel-fit-ptr': 'intel-fit-ptr' section must have an 'intel-fit' sibling",
		},
	})
}
