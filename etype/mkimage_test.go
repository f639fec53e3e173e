// SPDX-License-Identifier: GPL-2.0-or-later

package etype_test

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"testing"

	"binman/internal/judge"
	"binman/internal/testelf"
)

// mkimageInputs are the files of a build with mkimage. The SPL has symbols for
// where things are.
func mkimageInputs() files {
	const base = 0x10
	symbols := []testelf.Symbol{{Name: "__image_copy_start", Value: base}}
	for i, name := range []string{
		"_binman_sym_magic",
		"_binman_u_boot_spl_any_prop_image_pos",
		"_binman_u_boot_prop_image_pos",
		"_binman_u_boot_prop_size",
		"_binman_second_prop_offset",
	} {
		symbols = append(symbols, testelf.Symbol{Name: name, Value: base + 4*uint64(i), Size: 4, Bind: elf.STB_WEAK})
	}
	spl := testelf.File{
		Class:    elf.ELFCLASS32,
		Machine:  elf.EM_386,
		Segments: []testelf.Segment{{Address: base, Data: make([]byte, 0x20)}},
		Symbols:  symbols,
	}
	return files{
		"u-boot-nodtb.bin":         filler("u-boot", 0x123),
		"u-boot.bin":               filler("u-boot.bin", 0x143),
		"spl/u-boot-spl":           spl.Bytes(),
		"spl/u-boot-spl.bin":       filler("spl", 0x21),
		"spl/u-boot-spl-nodtb.bin": filler("spl", 0x21),
		"tpl.bin":                  filler("tpl", 0x17),
		"config":                   []byte("IMAGE_VERSION 2\nBOOT_OFFSET 0x400\n"),
	}
}

const (
	mkimageScript = `args = "-T script -n name";`
	mkimageSPL    = "u-boot-spl { no-expanded; };"
	mkimageUBoot  = "u-boot { no-expanded; };"
	secondSPL     = `second { type = "u-boot-spl"; no-expanded; };`
)

// What mkimage makes, and where the entries in it are said to be, is what
// U-Boot's binman has.
func TestMkimageGolden(t *testing.T) {
	judge.Need(t, "mkimage")
	t.Setenv("SOURCE_DATE_EPOCH", "1700000000")
	var list []description
	for _, c := range []description{
		{name: "one", source: "mkimage {" + mkimageScript + mkimageSPL + "};" + mkimageUBoot},
		{name: "two", source: mkimageUBoot + "mkimage {" + mkimageScript + mkimageSPL + secondSPL + "};"},
		{name: "files", source: `mkimage {` + mkimageScript + `multiple-data-files;` + secondSPL + `tpl { type = "blob"; filename = "tpl.bin"; };` + mkimageSPL + "};" + mkimageUBoot},
		{name: "filename", source: `section { offset = <0x40>; mkimage { filename = "boot.scr"; ` + mkimageScript + mkimageSPL + "}; };" + mkimageUBoot},
		{name: "padding", source: `pad-byte = <0xa5>; section { pad-byte = <0x5a>; mkimage { align = <0x40>; pad-before = <3>; pad-after = <5>; align-size = <0x10>; ` +
			mkimageScript + `u-boot-spl { no-expanded; pad-after = <3>; align = <16>; }; fill { size = <7>; }; }; };` + mkimageUBoot},
		{name: "section", source: `mkimage { args = "-T", "firmware", "-A", "arm64", "-n", "a name", "-a", "0x1000";
			section { align = <8>; pad-byte = <0xff>;` + mkimageUBoot + secondSPL + ` u-boot-dtb { align = <4>; }; }; };` + mkimageSPL},
		{name: "nested", source: "mkimage {" + mkimageScript + "mkimage {" + mkimageScript + mkimageSPL + "};" + mkimageUBoot + "};"},
		{name: "collection", source: "collection { content = <&spl &mk>; }; mk: mkimage {" + mkimageScript + "spl: u-boot-spl { no-expanded; }; };" + mkimageUBoot},
		{name: "tree", source: "u-boot-dtb { }; mkimage {" + mkimageScript + "u-boot-dtb { };" + mkimageUBoot + `hash { algo = "sha256"; }; }; fdtmap { };`},
		{name: "map", source: "allow-repack; mkimage {" + mkimageScript + mkimageUBoot + "}; fdtmap { };"},
		{name: "images", source: `multiple-images; a { mkimage { filename = "one"; ` + mkimageScript + mkimageUBoot + `}; }; b { mkimage { filename = "two"; ` + mkimageScript + mkimageSPL + "}; " + mkimageUBoot + "};"},
		{name: "missing blob", allow: true, source: "mkimage {" + mkimageScript + mkimageUBoot + `section { blob-ext { filename = "nowhere"; }; }; };` + mkimageSPL},
		{name: "missing optional blob", allow: true, source: "mkimage {" + mkimageScript + mkimageUBoot + `blob-ext { filename = "nowhere"; optional; }; };` + mkimageSPL},
	} {
		c.source = "binman {" + c.source + "};"
		list = append(list, c)
		c.name += ", -u"
		c.updateFDT = true
		list = append(list, c)
	}
	in := mkimageInputs()
	in["u-boot.dtb"] = compile(t, "binman { };")
	checkGolden(t, "mkimage.golden", in, list)
}

// The symbols of programs that mkimage has wrapped say where in the image
// things are.
func TestMkimageSymbols(t *testing.T) {
	judge.Need(t, "mkimage")
	t.Setenv("SOURCE_DATE_EPOCH", "1700000000")
	out, err := description{source: "binman { fill { size = <0x100>; }; mkimage {" + mkimageScript + mkimageSPL + secondSPL + "}; " + mkimageUBoot + "};"}.build(t, mkimageInputs())
	if err != nil {
		t.Fatal(err)
	}
	const (
		base   = 0x10           // address of the SPL
		magic  = 0x4d595342     // "BSYM"
		data   = 0x48           // offset in what mkimage makes: header of 64 bytes, size, zero
		size   = 0x21           // of the SPL
		first  = 0x100 + data   // position
		uboot  = first + 2*size // position
		second = data + size    // offset
		end    = uboot + 0x143
	)
	image := out["image.bin"]
	if len(image) != end {
		t.Fatalf("the image has %#x bytes, want %#x", len(image), end)
	}
	var want []byte
	for _, v := range []uint32{magic, base + first, base + uboot, 0x143, second} {
		want = binary.LittleEndian.AppendUint32(want, v)
	}
	for i := range 2 {
		at := first + i*size
		if got := image[at : at+len(want)]; !bytes.Equal(got, want) {
			t.Errorf("the symbols of SPL %d are\n%x, want\n%x", i, got, want)
		}
	}
	if !bytes.Equal(image[first:uboot], out["mkimage.mkimage"]) {
		t.Error("the data file left behind is not what is in the image")
	}
}
