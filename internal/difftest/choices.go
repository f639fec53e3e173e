// SPDX-License-Identifier: GPL-2.0-or-later

package difftest

import (
	"bytes"
	"slices"
)

// choice is a case in which the original fails, or does what nobody can want,
// and we do otherwise on purpose.
type choice struct {
	Case
	reason string
	want   []byte // contents of image.bin, if they do not depend on much else
}

// images returns the source of a description with these contents of binman.
func images(binman string) string {
	return "/dts-v1/;\n\n/ {\n\tbinman {\n" + binman + "\n\t};\n};\n"
}

// choices lists them all.
func choices() []choice {
	blob := map[string][]byte{"a.bin": []byte("contents"), "u-boot.bin": []byte("U-Boot")}
	plain := Options{NoExpanded: true, Map: true}
	update := Options{NoExpanded: true, Map: true, Update: true}
	repeat := func(b byte, n int) []byte { return bytes.Repeat([]byte{b}, n) }
	over := slices.Concat(repeat(0x11, 4), []byte("over"), repeat(0x11, 24))
	list := []choice{
		{Case{Name: "overlap-end-at-4gb", Options: plain, Source: images(`
			size = <64>; end-at-4gb;
			fill { size = <32>; fill-byte = [11]; };
			text { overlap; offset = <0xffffffc4>; size = <4>; text = "over"; };`)},
			"the original compares the address of an overlapping entry with the length of what is there", slices.Concat(over, repeat(0, 32))},
		{Case{Name: "overlap-skip-at-start", Options: plain, Source: images(`
			skip-at-start = <0x1000>;
			fill { size = <32>; fill-byte = [11]; };
			text { overlap; offset = <0x1004>; size = <4>; text = "over"; };`)},
			"the same with skip-at-start", over},
		{Case{Name: "extend-end-at-4gb", Options: plain, Source: images(`
			size = <64>; end-at-4gb;
			fill { size = <4>; fill-byte = [11]; extend-size; };`)},
			"the original extends an entry to the size of its section, not to its end", repeat(0x11, 64)},
		{Case{Name: "extend-skip-at-start", Options: plain, Source: images(`
			size = <64>; skip-at-start = <0x10>;
			fill { size = <4>; fill-byte = [11]; extend-size; };`)},
			"the same with skip-at-start", repeat(0x11, 64)},
		{Case{Name: "extend-null", Options: plain, Source: images(`
			size = <64>;
			null { size = <4>; extend-size; };`)},
			"extend-size works for every entry type", repeat(0, 64)},
		{Case{Name: "pad-null", Options: plain, Source: images(`
			null { size = <4>; pad-before = <1>; pad-after = <2>; };
			text { text = "x"; };`)},
			"padding of a null entry is part of its size, and does not shift what follows it", append(repeat(0, 4), 'x')},
		{Case{Name: "min-size-section", Options: plain, Source: images(`
			section { min-size = <16>; text { text = "short"; }; };`)},
			"min-size works for sections", append([]byte("short"), repeat(0, 11)...)},
		{Case{Name: "utf8-text", Options: plain, Source: images(`
			text { text = "grüße"; };`)},
			"strings of a description may be UTF-8", []byte("grüße")},
		{Case{Name: "hash-null", Options: update, Source: images(`
			null { size = <4>; hash { algo = "sha256"; }; };`)},
			"a null entry with a hash has the hash of nothing", repeat(0, 4)},
		{Case{Name: "fdtmap-at-0", Options: update, Source: images(`
			fdtmap { };
			image-header { location = "end"; };`)},
			"the original takes an fdtmap at position 0 for none", nil},
		{Case{Name: "optional-list", Options: plain, Source: images(`
			blob-ext-list { optional; filenames = "a.bin", "missing.bin"; };
			text { text = "x"; };`)},
			"blob-ext-list may be optional without -M, as blob-ext may", []byte("x")},
		{Case{Name: "collection-of-later-collections", Options: plain, Source: images(`
			collection@1 { content = <&c2>; };
			c2: collection@2 { content = <&c3>; };
			c3: collection@3 { content = <&c4>; };
			c4: collection@4 { content = <&t>; };
			t: text { text = "x"; };`)},
			"entries that others depend on are collected first, wherever they stand", []byte("xxxxx")},
		{Case{Name: "collection-final-contents", Options: update, Source: images(`
			collection { content = <&s>; };
			s: section { d: u-boot-dtb { }; };`)},
			"a collection holds the contents that its entries have in the end, wherever they stand", nil},
		{Case{Name: "collection-sized-section", Options: plain, Source: images(`
			s: section { size = <16>; text@1 { text = "x"; }; text@2 { align = <8>; text = "y"; }; };
			collection { content = <&s>; };`)},
			"a section that a collection names keeps its size when the image is packed again",
			slices.Concat([]byte("x"), repeat(0, 7), []byte("y"), repeat(0, 7), []byte("x"), repeat(0, 7), []byte("y"))},
		{Case{Name: "template-names", Options: plain, Source: images(`
			tmpl: template { fill { size = <4>; }; };
			section { insert-template = <&tmpl>; fill@1 { size = <8>; }; };`)},
			"libfdt refuses to add a node x where x@1 stands", repeat(0, 12)},
		{Case{Name: "template-other-tree", Options: update, Source: images(`
			multiple-images;
			tmpl: template { a { type = "fill"; size = <4>; }; };
			image { insert-template = <&tmpl>; a { align = <4>; }; u-boot-spl-dtb { }; };`),
			Trees: map[string]string{"spl/u-boot-spl.dtb": images(`
			image { a { align = <4>; }; };`)}},
			"a property that a template gives an entry is missing in the device trees of other phases; we add it", nil},
		{Case{Name: "missing-absolute", Options: Options{NoExpanded: true, AllowMissing: true}, Source: images(`
			blob-ext { filename = "/no/such/file"; };`)},
			"a missing file with an absolute name is a missing blob", []byte{}},
		{Case{Name: "fake-list", Options: Options{NoExpanded: true, AllowMissing: true, Fake: true}, Source: images(`
			blob-ext-list { filenames = "a.bin"; };`)},
			"the original makes dummies of the files of a list that are there", blob["a.bin"]},
		{Case{Name: "elf-base-sym", Options: plain, Source: images(`
			blob { filename = "code.bin"; elf-filename = "code"; elf-base-sym = "start"; write-symbols; };`)},
			"the original looks for the base among symbols with image or binman in their names only, and writes nothing if it is another", filledProgram()},
	}
	for i := range list {
		c := &list[i].Case
		c.Files = blob
		if c.Name == "elf-base-sym" {
			c.Files = programWithBase("start")
		}
	}
	return list
}
