// SPDX-License-Identifier: GPL-2.0-or-later

package difftest

import (
	"bytes"
	"debug/elf"
	"strings"

	"binman/internal/testelf"
)

// phase is one of the programs of a U-Boot build.
type phase struct{ name, dir, arg string }

var phases = []phase{
	{"u-boot", "", ""},
	{"u-boot-spl", "spl/", "spl"},
	{"u-boot-tpl", "tpl/", "tpl"},
	{"u-boot-vpl", "vpl/", "vpl"},
}

// Offsets in a program.
const (
	magicAt   = 8
	symbolsAt = 16
	embedAt   = 96 // of the symbol embed_start
)

// program makes the contents and the ELF file of a program that asks for
// values of some of the entries in names.
func (g *generator) program(names []string, bss bool) (code, file []byte) {
	base := uint64(g.power(12, 24))
	code = g.bytes(128 + g.n(200))
	wide := g.chance(50)
	f := testelf.File{BigEndian: g.chance(10)}
	if !wide {
		f.Class = elf.ELFCLASS32
	}
	f.Segments = []testelf.Segment{{Address: base, Data: code}}
	f.Symbols = []testelf.Symbol{
		{Name: "__image_copy_start", Value: base},
		{Name: "embed_start", Value: base + embedAt},
		{Name: "image_other_base", Value: base + 4},
	}
	if bss {
		f.Symbols = append(f.Symbols, testelf.Symbol{Name: "__bss_size", Value: uint64(g.n(300)), Section: elf.SHN_ABS})
	}
	if g.chance(70) {
		f.Symbols = append(f.Symbols, testelf.Symbol{Name: "_binman_sym_magic", Value: base + magicAt, Size: 4})
	}
	at := base + symbolsAt
	used := map[string]bool{}
	for range g.n(6) {
		if len(names) == 0 {
			break
		}
		name := strings.NewReplacer("-", "_", "@", "_", ".", "_").Replace(pick(g.random, names...))
		if g.chance(15) && strings.HasPrefix(name, "u_boot") {
			name += "_any"
		}
		sym := testelf.Symbol{
			Name:  "_binman_" + name + "_prop_" + pick(g.random, "image_pos", "image_pos", "offset", "size"),
			Value: at,
			Size:  uint64(pick(g.random, 4, 8)),
			Bind:  elf.STB_WEAK,
		}
		if g.high && strings.HasSuffix(sym.Name, "image_pos") && !g.wild {
			sym.Size = 8 // the address of the program is added
		}
		if g.wild && g.chance(20) {
			sym.Bind = elf.STB_GLOBAL
		}
		if used[sym.Name] {
			continue
		}
		used[sym.Name] = true
		f.Symbols = append(f.Symbols, sym)
		at += 8
	}
	return code, f.Bytes()
}

// filledProgram is the code of programWithBase with its variables set.
func filledProgram() []byte {
	code := bytes.Repeat([]byte{0x55}, 64)
	copy(code[magicAt:], "BSYM")
	copy(code[symbolsAt:], "\x40\x00\x00\x00")
	return code
}

// programWithBase makes a program that begins at the symbol base.
func programWithBase(base string) map[string][]byte {
	code := bytes.Repeat([]byte{0x55}, 64)
	f := testelf.File{
		Segments: []testelf.Segment{{Address: 0x1000, Data: code}},
		Symbols: []testelf.Symbol{
			{Name: base, Value: 0x1000},
			{Name: "_binman_sym_magic", Value: 0x1000 + magicAt, Size: 4},
			{Name: "_binman_blob_prop_size", Value: 0x1000 + symbolsAt, Size: 4},
		},
	}
	return map[string][]byte{"code": f.Bytes(), "code.bin": code}
}

// addProgram adds the files of a phase. Its device tree is added later.
func (g *generator) addProgram(p phase) {
	code, file := g.program(g.names, p.arg != "")
	stem := p.dir + p.name
	g.c.Files[stem] = file
	g.c.Files[stem+"-nodtb.bin"] = code
	g.c.Files[stem+".bin"] = append(bytes.Clone(code), g.bytes(40)...)
}

// firmware makes an ELF file, or what may be a TEE with a header.
func (g *generator) firmware() []byte {
	if g.chance(60) {
		_, file := g.program(nil, false)
		return file
	}
	return append([]byte("OPTE\x01\x00\x00\x00"), g.bytes(40)...)
}

// environment makes the text of a U-Boot environment.
func (g *generator) environment() []byte {
	var b bytes.Buffer
	for range 1 + g.n(5) {
		b.WriteString(pick(g.random, "bootcmd=run x", "a=1", "bootdelay=3", "empty=", "fdt_addr_r=0x100") + "\n")
	}
	if g.chance(20) {
		b.WriteString("last=no newline")
	}
	return b.Bytes()
}
