// SPDX-License-Identifier: GPL-2.0-or-later

package layout_test

import (
	"debug/elf"
	"encoding/binary"
	"fmt"
	"strings"
	"testing"

	"binman/internal/testelf"
	"binman/layout"
)

// progBase is the address of the first byte of the programs of these tests.
const progBase = 0x100

// prog makes a program that asks for the values of symbols: names are those
// in _binman_NAME, values have 4 bytes, one after the other from the start of
// the program on. A name that starts with ? is a weak symbol, one with 8: has
// 8 bytes.
func prog(names ...string) []byte {
	f := testelf.File{
		Class:   elf.ELFCLASS32,
		Symbols: []testelf.Symbol{{Name: "__image_copy_start", Value: progBase}, {Name: "here", Value: progBase + 6}},
	}
	at := uint64(progBase)
	for _, name := range names {
		s := testelf.Symbol{Value: at, Size: 4}
		var weak, wide bool
		name, weak = strings.CutPrefix(name, "?")
		if weak {
			s.Bind = elf.STB_WEAK
		}
		if name, wide = strings.CutPrefix(name, "8:"); wide {
			s.Size = 8
		}
		s.Name = "_binman_" + name
		f.Symbols = append(f.Symbols, s)
		at += s.Size
	}
	f.Segments = []testelf.Segment{{Address: progBase, Data: make([]byte, at-progBase)}}
	return f.Bytes()
}

// words shows 32-bit little-endian numbers.
func words(b []byte) string {
	var list []string
	for ; len(b) >= 4; b = b[4:] {
		list = append(list, fmt.Sprintf("%x", binary.LittleEndian.Uint32(b)))
	}
	return strings.Join(list, " ")
}

// A program learns where other entries are.
func TestSymbols(t *testing.T) {
	const none = "ffffffff"
	for _, c := range []struct {
		name    string
		symbols []string
		body    string
		want    string // values in the entry p
		logs    string
	}{
		{"magic", []string{"sym_magic"}, `p: a { elf = "prog"; len = <4>; };`, "4d595342", ""},
		{"offset, size and position", []string{"b_prop_offset", "b_prop_size", "b_prop_image_pos"},
			`p: a { elf = "prog"; len = <12>; }; section { offset = <16>; b { is = "bb"; offset = <4>; }; };`, "4 2 114", ""},
		{"itself", []string{"a_prop_size", "a_prop_image_pos"}, `b { }; p: a { elf = "prog"; len = <8>; offset = <4>; };`, "8 104", ""},
		{"names with dashes", []string{"one_two_prop_size"}, `p: a { elf = "prog"; len = <4>; }; one-two { type = "b"; is = "b"; };`, "1", ""},
		{"names with a prefix", []string{"ro_b_prop_size"}, `p: a { elf = "prog"; len = <4>; }; section { name-prefix = "ro-"; b { is = "b"; }; };`, "1", ""},
		{"a section", []string{"section_prop_size"}, `p: a { elf = "prog"; len = <4>; }; section { b { is = "bb"; }; };`, "2", ""},
		{"the image", []string{"image_prop_size"}, `p: a { elf = "prog"; len = <4>; }; b { is = "bb"; };`, "6", ""},
		{"8 bytes", []string{"8:b_prop_image_pos", "b_prop_size"}, `p: a { elf = "prog"; len = <12>; }; b { is = "b"; };`, "10c 0 1", ""},
		{"position 0 counts as none", []string{"b_prop_image_pos"}, `b { }; p: a { elf = "prog"; len = <4>; };`, none, "Symbol-writing: no value for /binman/b"},
		{"none in 8 bytes", []string{"8:b_prop_image_pos"}, `b { }; p: a { elf = "prog"; len = <8>; };`, none + " " + none, ""},
		{"offset 0 counts", []string{"b_prop_offset"}, `b { }; p: a { elf = "prog"; len = <4>; };`, "0", ""},
		{"no position in what is compressed", []string{"b_prop_image_pos", "b_prop_offset"}, `p: a { elf = "prog"; len = <8>; }; section { compress = "lz4"; c { is = "c"; }; b { is = "b"; }; };`, none + " 1", ""},
		{"a weak symbol without an entry", []string{"?x_prop_size"}, `p: a { elf = "prog"; len = <4>; };`, none,
			"Warning: Section '/binman': Symbol '_binman_x_prop_size'\n   in entry '/binman/a': Entry 'x' not found in list (a,image)"},
		{"any", []string{"u_boot_any_prop_size"}, `p: a { elf = "prog"; len = <4>; }; u-boot { type = "b"; is = "b"; };`, "1", ""},
		{"any without a tree", []string{"u_boot_any_prop_size"}, `p: a { elf = "prog"; len = <4>; }; u-boot-nodtb { type = "b"; is = "bb"; };`, "2", ""},
		{"any image", []string{"u_boot_any_prop_size"}, `p: a { elf = "prog"; len = <4>; }; u-boot-img { type = "b"; is = "bb"; };`, "2", ""},
		{"any ELF file", []string{"u_boot_any_prop_size"}, `p: a { elf = "prog"; len = <4>; }; u-boot-elf { type = "b"; is = "bb"; };`, "2", ""},
		{"any takes the last", []string{"u_boot_any_prop_size"}, `p: a { elf = "prog"; len = <4>; }; u-boot { type = "b"; is = "b"; }; u-boot-nodtb { type = "b"; is = "bb"; };`, "2", ""},
		{"any but not other phases", []string{"?u_boot_any_prop_size"}, `p: a { elf = "prog"; len = <4>; }; u-boot-spl { type = "b"; is = "b"; };`, none, "Entry 'u-boot-any' not found in list (a,u-boot-spl,image)"},
		{"any by its very name", []string{"u_boot_any_prop_size"}, `p: a { elf = "prog"; len = <4>; }; u-boot-any { type = "b"; is = "bbb"; }; u-boot { type = "b"; };`, "3", ""},
		{"what is nearer to the top", []string{"b_prop_size"}, `p: a { elf = "prog"; len = <4>; }; b { type = "section"; b { is = "b"; size = <9>; }; c { len = <4>; }; };`, "d", ""},
		{"the later of two on a level", []string{"b_prop_size"}, `section { b { is = "b"; }; }; p: a { elf = "prog"; len = <4>; }; section-2 { type = "section"; b { is = "bb"; }; };`, "2", ""},
		{"from within a section", []string{"b_prop_image_pos"}, `section { p: a { elf = "prog"; len = <4>; }; }; b { is = "b"; };`, "104", ""},
		{"in a section at 4 GiB, absolute", []string{"b_prop_image_pos"}, `end-at-4gb; size = <16>; p: a { elf = "prog"; len = <4>; }; b { is = "b"; };`, "fffffff4", ""},
		{"relative to another address", []string{"b_prop_image_pos"}, `p: a { elf = "prog"; len = <4>; symbols-base = <0x1000>; }; b { is = "b"; };`, "1004", ""},
		{"relative to address 0", []string{"b_prop_image_pos"}, `p: a { elf = "prog"; len = <4>; symbols-base = <0>; }; b { is = "b"; };`, "4", ""},
		{"not wanted", []string{"b_prop_size"}, `p: a { elf = "prog"; len = <4>; no-write-symbols; }; b { is = "b"; };`, "78787878", ""},
		{"none", nil, `p: a { elf = "prog"; len = <4>; };`, "78787878", ""},
		{"in a box", []string{"b_prop_size", "b_prop_image_pos"}, `box { p: a { elf = "prog"; len = <8>; }; }; b { is = "bb"; };`, "2 10b", ""},
		{"of what is in a box", []string{"b_prop_size", "b_prop_offset", "b_prop_image_pos"}, `p: a { elf = "prog"; len = <12>; }; box { b { is = "bb"; }; };`, "2 2 10e", ""},
		{"in a bag, where nothing may fail", []string{"x_prop_size"}, `bag { section { p: a { elf = "prog"; len = <4>; }; }; };`, none, "Entry 'x' not found in list"},
		{"for what grows", []string{"grow_prop_size", "b_prop_offset"}, `p: a { elf = "prog"; len = <8>; }; grow { then = "gg"; }; b { };`, "2 a", ""},
		{"aside of a mix", []string{"b_prop_size"}, `mix { aside { type = "section"; p: a { elf = "prog"; len = <4>; }; }; }; b { is = "b"; };`, "1", ""},
		{"never what is only shown", []string{"?c_prop_size"}, `p: a { elf = "prog"; len = <4>; }; mix { shown-x { type = "section"; c { is = "c"; }; }; };`, none, "Entry 'c' not found in list (a,mix,image)"},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := machine{files: map[string][]byte{"prog": prog(c.symbols...)}}
			r := m.build(t, c.body).good(t)
			var got string
			r.Images[0].Entry.Walk(func(e *layout.Entry) {
				if e.ELF.File != "" {
					got = words([]byte(text(t, e.Data)))
				}
			})
			if got != c.want {
				t.Errorf("values %s, want %s", got, c.want)
			}
			if logs := r.log.String() + r.out.String(); !strings.Contains(logs, c.logs) {
				t.Errorf("it logs:\n%s\nwant: %s", logs, c.logs)
			}
		})
	}
}

// The ELF file may be the contents; symbols are then where the file has them.
func TestSymbolsInELF(t *testing.T) {
	m := machine{files: map[string][]byte{"prog": prog("b_prop_image_pos")}}
	r := m.build(t, fmt.Sprintf(`a { elf = "prog"; elf-whole; len = <%d>; }; b { is = "b"; };`, len(m.files["prog"]))).good(t)
	at := strings.Index(string(r.image(t)), "\x00")
	if want := words(binary.LittleEndian.AppendUint32(nil, uint32(len(m.files["prog"])))); at < 0 || words(r.image(t)[at&^3:][:4]) != want {
		t.Errorf("value %x at %#x, want %s", r.image(t)[max(at&^3, 0):][:4], at, want)
	}
}

// Another symbol may be that of the first byte.
func TestSymbolBase(t *testing.T) {
	f := testelf.File{
		Class:    elf.ELFCLASS32,
		Segments: []testelf.Segment{{Address: 0x100, Data: make([]byte, 16)}},
		Symbols:  []testelf.Symbol{{Name: "start", Value: 0x104}, {Name: "_binman_b_prop_image_pos", Value: 0x108, Size: 4}},
	}
	m := machine{files: map[string][]byte{"prog": f.Bytes()}}
	r := m.build(t, `a { elf = "prog"; elf-base = "start"; len = <8>; }; b { is = "b"; };`)
	if got := words(r.image(t)); got != "78787878 10c" {
		t.Errorf("image has %s", got)
	}
}

func TestSymbolErrors(t *testing.T) {
	a := func(props string) string { return `a { elf = "prog"; len = <8>; ` + props + ` };` }
	const where = "Section '/binman': Symbol '_binman_%s'\n   in entry '/binman/a': "
	for _, c := range []struct{ name, symbol, body, want string }{
		{"no such entry", "x_prop_size", a("") + `section { b { }; };`, fmt.Sprintf(where, "x_prop_size") + "Entry 'x' not found in list (a,b,section,image)"},
		{"no such property", "b_prop_colour", a("") + `b { };`, fmt.Sprintf(where, "b_prop_colour") + "No such property 'colour'"},
		{"not such a name", "b_size", a(""), fmt.Sprintf(where, "b_size") + "Symbol '_binman_b_size' has invalid format"},
		{"beyond the contents", "b_prop_size", `a { elf = "prog"; }; b { };`, "/binman/a has offset 0 (size 4) but the contents size is 0"},
		{"too large a value", "b_prop_image_pos", a("symbols-base = <1 0>;") + `b { };`, "which does not fit in its 4 bytes"},
		{"no ELF file", "sym_magic", `a { elf = "none"; };`, "none"},
		{"not an ELF file", "sym_magic", `a { elf = "text"; };`, "Magic number does not match"},
		{"an ELF file that cannot be read", "sym_magic", `a { elf = "broken"; };`, "the disk is broken"},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := machine{files: map[string][]byte{"prog": prog(c.symbol), "text": []byte("text"), "broken": nil}}
			wantError(t, m.build(t, c.body).err, c.want)
		})
	}
}

// An entry may stand where a symbol of another one says.
func TestOffsetFromELF(t *testing.T) {
	files := map[string][]byte{"prog": prog("sym_magic", "sym_magic"), "text": []byte("text")}
	build := func(body string) *built { return machine{files: files}.build(t, body) }
	for _, c := range []struct{ addend, want string }{{"0", "6"}, {"4", "a"}, {"(-2)", "4"}} {
		r := build(`x: a { elf = "prog"; len = <4>; no-write-symbols; }; b { is = "b"; offset-from-elf = <&x>, "here", <` + c.addend + `>; };`).good(t)
		if got := hex(r.entry(t, "b").Offset); got != c.want {
			t.Errorf("addend %s: offset %s, want %s", c.addend, got, c.want)
		}
	}
	const a = `x: a { elf = "prog"; no-write-symbols; }; `
	const format = `Property 'offset-from-elf' must be <&entry>, "symbol", <offset>`
	for _, c := range []struct{ name, body, want string }{
		{"no symbol", a + `b { offset-from-elf = <&x>, "", <0>; };`, "Node '/binman/b': "},
		{"unknown symbol", a + `b { offset-from-elf = <&x>, "there", <0>; };`, "there"},
		{"no end", a + `b { offset-from-elf = <&x>, "here"; };`, format},
		{"too long", a + `b { offset-from-elf = <&x>, "here", <0 1>; };`, format},
		{"numbers", a + `b { offset-from-elf = <1 0x61616161 0x61616161>; };`, format},
		{"short", a + `b { offset-from-elf = <1>; };`, format},
		{"no such entry", `b { offset-from-elf = <99>, "here", <0>; };`, "Node '/binman/b': Cannot find node for phandle 99"},
		{"no ELF file", `x: a { }; b { offset-from-elf = <&x>, "here", <0>; };`, "Node '/binman/a': Need elf-fname property 'a'"},
		{"a missing ELF file", `x: a { elf = "none"; no-write-symbols; }; b { offset-from-elf = <&x>, "here", <0>; };`, "Node '/binman/b': "},
		{"of the image", `offset-from-elf = <&x>, "here", <0>; ` + a, "Image '/binman': "},
	} {
		t.Run(c.name, func(t *testing.T) { wantError(t, build(c.body).err, c.want) })
	}
}

// ELF files are read once, however many entries are made of them.
func TestELFOnce(t *testing.T) {
	m := machine{files: map[string][]byte{"prog": prog("sym_magic")}}
	opens := map[string]int{}
	m.opt = func(o *layout.Options) { o.Input.Files = counting{memory(m.files), opens} }
	m.build(t, `a { elf = "prog"; len = <4>; }; b { elf = "prog"; len = <4>; }; grow { then = "gg"; };`).good(t)
	if opens["prog"] != 1 {
		t.Errorf("it is opened %d times", opens["prog"])
	}
}

// Symbols go into the contents, whatever compresses those afterwards.
func TestSymbolsCompressed(t *testing.T) {
	m := machine{files: map[string][]byte{"prog": prog("b_prop_image_pos", "b_prop_size", "grow_prop_size")}}
	for _, c := range []struct{ name, body, path string }{
		{"section", `section { compress = "lz4"; a { elf = "prog"; len = <64>; }; };`, "section/a"},
		{"entry", `a { elf = "prog"; len = <64>; compress = "lz4"; };`, "a"},
		{"in a box", `box { a { elf = "prog"; len = <64>; box-compress = "lz4"; }; };`, "box/a"},
		{"hard to compress", `a { elf = "prog"; len = <12>; junk = <9>; compress = "gzip"; };`, "a"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := m.build(t, c.body+`grow { is = "g"; then = "gg"; }; b { is = "bb"; }; fdtmap { };`)
			o := open(t, r.image(t))
			got := o.contents(t, c.path)
			b := o.at(t, "b")
			if want := fmt.Sprintf("%x 2 2", b.ImagePos.Value+progBase); words([]byte(got[:12])) != want {
				t.Errorf("values %s, want %s", words([]byte(got[:12])), want)
			}
			if strings.Trim(got[12:21], "x") != "" && c.name != "hard to compress" {
				t.Errorf("contents %q", got)
			}
		})
	}
}
