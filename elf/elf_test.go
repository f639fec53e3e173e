// SPDX-License-Identifier: GPL-2.0-or-later

package elf

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"binman/content"
	"binman/internal/judge"
	"binman/internal/testelf"
)

// kinds are the four kinds of ELF file.
var kinds = []struct {
	name string
	file testelf.File
}{
	{"elf32-little", testelf.File{Class: elf.ELFCLASS32, Machine: elf.EM_ARM}},
	{"elf32-big", testelf.File{Class: elf.ELFCLASS32, Machine: elf.EM_PPC, BigEndian: true}},
	{"elf64-little", testelf.File{Class: elf.ELFCLASS64, Machine: elf.EM_AARCH64}},
	{"elf64-big", testelf.File{Class: elf.ELFCLASS64, Machine: elf.EM_PPC64, BigEndian: true}},
}

// count returns the n bytes 0, 1, 2…
func count(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i)
	}
	return b
}

func mustParse(t testing.TB, f testelf.File) *File {
	t.Helper()
	p, err := Parse(content.Bytes(f.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func text(t testing.TB, d content.Data) string {
	t.Helper()
	b, err := d.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// program is a small program with every sort of symbol.
func (k kind) program() testelf.File {
	f := testelf.File(k)
	f.Entry = 0x1002
	f.Segments = []testelf.Segment{
		{Address: 0x1000, Data: count(0x40)},
		{Type: elf.PT_NOTE, Address: 0x9000, Data: []byte("a note"), Section: ".note"},
		{Address: 0x1080, Data: count(0x10), MemSize: 0x100},
	}
	f.Symbols = []testelf.Symbol{
		{Name: "main.c", Section: elf.SHN_ABS, Type: elf.STT_FILE, Local: true},
		{Value: 0x1000, Type: elf.STT_SECTION, Section: 1, Local: true},
		{Name: "end", Value: 0x1180},
		{Name: "twice", Value: 0x1010, Size: 1, Local: true},
		{Name: "__image_copy_start", Value: 0x1000},
		{Name: "_start", Value: 0x1000},
		{Name: "weak_one", Value: 0x1020, Size: 8, Bind: elf.STB_WEAK, Type: elf.STT_OBJECT},
		{Name: "undefined", Undefined: true},
		{Name: "undefined_weak", Undefined: true, Bind: elf.STB_WEAK},
		{Name: "secret", Value: 0x1024, Size: 4, Visibility: elf.STV_HIDDEN},
		{Name: "__bss_size", Value: 0x2f0, Section: elf.SHN_ABS},
		{Name: "twice", Value: 0x1084, Size: 2},
		{Name: "function", Value: 0x1008, Size: 6, Type: elf.STT_FUNC},
	}
	return f
}

type kind testelf.File

func TestSymbols(t *testing.T) {
	// Equal addresses stay in the order of the table, and a name that
	// comes twice has the place of the first and the value of the last.
	want := []Symbol{
		{Name: "main.c", Section: "*ABS*"},
		{Name: "undefined", Section: "*UND*"},
		{Name: "undefined_weak", Section: "*UND*", Weak: true},
		{Name: "__bss_size", Section: "*ABS*", Address: 0x2f0},
		{Name: ".text", Section: ".text", Address: 0x1000},
		{Name: "__image_copy_start", Section: ".text", Address: 0x1000},
		{Name: "_start", Section: ".text", Address: 0x1000},
		{Name: "function", Section: ".text", Address: 0x1008, Size: 6},
		{Name: "weak_one", Section: ".text", Address: 0x1020, Size: 8, Weak: true},
		{Name: "secret", Section: ".text", Address: 0x1024, Size: 4},
		{Name: "twice", Section: ".data", Address: 0x1084, Size: 2},
		{Name: "end", Section: ".data", Address: 0x1180},
	}
	for _, k := range kinds {
		t.Run(k.name, func(t *testing.T) {
			f := mustParse(t, kind(k.file).program())
			if d := cmp.Diff(want, f.Symbols); d != "" {
				t.Errorf("symbols (-want +got):\n%s", d)
			}
			for _, w := range want {
				if got, ok := f.Symbol(w.Name); !ok || got != w {
					t.Errorf("Symbol(%q) is %+v, %v", w.Name, got, ok)
				}
			}
			if f.Entry != 0x1002 || f.Class != k.file.Class || f.Machine != k.file.Machine {
				t.Errorf("header: entry %#x, class %v, machine %v", f.Entry, f.Class, f.Machine)
			}
		})
	}
}

// What the linkers of some machines put into symbol tables.
func TestMachineSymbols(t *testing.T) {
	for _, test := range []struct {
		name    string
		machine elf.Machine
		sym     testelf.Symbol
		want    []Symbol
	}{
		{"Thumb function", elf.EM_ARM, testelf.Symbol{Name: "f", Value: 0x1001, Type: elf.STT_FUNC}, []Symbol{{Name: "f", Section: ".text", Address: 0x1000}}},
		{"odd object", elf.EM_ARM, testelf.Symbol{Name: "o", Value: 0x1001, Type: elf.STT_OBJECT}, []Symbol{{Name: "o", Section: ".text", Address: 0x1001}}},
		{"microMIPS function", elf.EM_MIPS, testelf.Symbol{Name: "f", Value: 0x1001, Type: elf.STT_FUNC}, []Symbol{{Name: "f", Section: ".text", Address: 0x1000}}},
		{"odd function elsewhere", elf.EM_386, testelf.Symbol{Name: "f", Value: 0x1001, Type: elf.STT_FUNC}, []Symbol{{Name: "f", Section: ".text", Address: 0x1001}}},
		{"Thumb mark", elf.EM_ARM, testelf.Symbol{Name: "$t", Value: 0x1000}, nil},
		{"AArch64 mark", elf.EM_AARCH64, testelf.Symbol{Name: "$x.12", Value: 0x1000}, nil},
		{"not a mark", elf.EM_AARCH64, testelf.Symbol{Name: "$xyz", Value: 0x1000}, []Symbol{{Name: "$xyz", Section: ".text", Address: 0x1000}}},
		{"no mark here", elf.EM_386, testelf.Symbol{Name: "$d", Value: 0x1000}, []Symbol{{Name: "$d", Section: ".text", Address: 0x1000}}},
		{"common", elf.EM_386, testelf.Symbol{Name: "c", Value: 16, Size: 100, Section: elf.SHN_COMMON}, []Symbol{{Name: "c", Section: "*COM*", Address: 100, Size: 16}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			f := mustParse(t, testelf.File{
				Class: elf.ELFCLASS32, Machine: test.machine,
				Segments: []testelf.Segment{{Address: 0x1000, Data: count(8)}},
				Symbols:  []testelf.Symbol{test.sym},
			})
			if d := cmp.Diff(test.want, f.Symbols); d != "" {
				t.Errorf("symbols (-want +got):\n%s", d)
			}
		})
	}
}

// objdump lists the symbols as the original reads them.
func TestSymbolsLikeObjdump(t *testing.T) {
	objdump := judge.Need(t, "objdump")
	for _, k := range kinds {
		t.Run(k.name, func(t *testing.T) {
			prog := kind(k.file).program()
			path := filepath.Join(t.TempDir(), "prog.elf")
			if err := os.WriteFile(path, prog.Bytes(), 0o666); err != nil {
				t.Fatal(err)
			}
			out, err := exec.Command(objdump, "-t", path).Output()
			if err != nil {
				t.Fatal(err)
			}
			want := map[string]Symbol{}
			for line := range strings.Lines(string(out)) {
				address, rest, ok := strings.Cut(strings.TrimRight(line, "\n"), " ")
				value, err := strconv.ParseUint(address, 16, 64)
				if !ok || err != nil || len(rest) < 8 {
					continue
				}
				fields := strings.Fields(rest[7:])
				size, err := strconv.ParseUint(fields[1], 16, 64)
				if err != nil {
					t.Fatalf("unexpected line %q", line)
				}
				s := Symbol{Name: fields[len(fields)-1], Section: fields[0], Address: value, Size: size, Weak: rest[1] == 'w'}
				want[s.Name] = s
			}
			got := map[string]Symbol{}
			for _, s := range mustParse(t, prog).Symbols {
				got[s.Name] = s
			}
			if d := cmp.Diff(want, got); d != "" || len(got) == 0 {
				t.Errorf("symbols (-objdump +got):\n%s", d)
			}
		})
	}
}

func TestSymbolOffset(t *testing.T) {
	f := mustParse(t, kind(kinds[2].file).program())
	f.Name = "u-boot"
	for _, test := range []struct {
		name, base string
		want       int64
		err        string
	}{
		{"secret", "", 0x24, ""},
		{"secret", "twice", 0x24 - 0x84, ""},
		{"secret", "nothing", 0, "no such symbol 'nothing' in ELF file 'u-boot'"},
		{"nothing", "", 0, "no such symbol 'nothing' in ELF file 'u-boot'"},
	} {
		got, err := f.SymbolOffset(test.name, test.base)
		if got != test.want || (err == nil) != (test.err == "") || err != nil && (err.Error() != test.err || !errors.Is(err, ErrNoSymbol)) {
			t.Errorf("%s from %q: %#x, %v; want %#x, %q", test.name, test.base, got, err, test.want, test.err)
		}
	}
}

func TestFileOffset(t *testing.T) {
	for _, k := range kinds {
		f := mustParse(t, kind(k.file).program())
		for _, test := range []struct {
			address uint64
			want    int // value of the byte there, -1 for none
		}{
			{0xfff, -1}, {0x1000, 0}, {0x103f, 0x3f}, {0x1040, -1},
			{0x1080, 0}, {0x108f, 0xf}, {0x1090, -1}, // in memory only
			{0x9000, -1}, // in a note
		} {
			off, ok := f.FileOffset(test.address)
			if ok != (test.want >= 0) {
				t.Errorf("%s: %#x: found %v", k.name, test.address, ok)
				continue
			}
			if ok {
				if b := []byte(text(t, f.Data))[off]; int(b) != test.want {
					t.Errorf("%s: byte at %#x is %#x, want %#x", k.name, test.address, b, test.want)
				}
			}
		}
	}
}

func TestOpen(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.WriteFile("prog.elf", kind(kinds[0].file).program().Bytes(), 0o666); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile("text", []byte("just text"), 0o666); err != nil {
		t.Fatal(err)
	}
	if f, err := Open("prog.elf"); err != nil || f.Name != "prog.elf" {
		t.Errorf("Open: %v", err)
	}
	if _, err := Open("none"); !errors.Is(err, fs.ErrNotExist) || err.Error() != "[Errno 2] No such file or directory: 'none'" {
		t.Errorf("no file: %v", err)
	}
	if _, err := Open("text"); !errors.Is(err, ErrMagic) || err.Error() != "'text': Magic number does not match" {
		t.Errorf("no ELF file: %v", err)
	}
}

// Every damage to a file is an error that says what is wrong, not a panic.
func TestMalformed(t *testing.T) {
	prog := kind(kinds[0].file).program()
	good := prog.Bytes()
	put := func(off int, order binary.AppendByteOrder, v any) func([]byte) []byte {
		return func(b []byte) []byte {
			switch v := v.(type) {
			case byte:
				b[off] = v
			case uint16:
				copy(b[off:], order.AppendUint16(nil, v))
			case uint32:
				copy(b[off:], order.AppendUint32(nil, v))
			}
			return b
		}
	}
	le := binary.LittleEndian
	sections := int(le.Uint32(good[32:]))
	sectionCount := int(le.Uint16(good[48:]))
	section := func(i int) int { return sections + 40*i }
	symtab, strtab, shstrtab := sectionCount-3, sectionCount-2, sectionCount-1
	symbols := int(le.Uint32(good[section(symtab)+16:]))
	for _, test := range []struct {
		name   string
		damage func([]byte) []byte
		want   string
	}{
		{"empty", func([]byte) []byte { return nil }, "Magic number does not match"},
		{"text", func([]byte) []byte { return []byte("hello, world, here I am") }, "Magic number does not match"},
		{"only the magic number", func(b []byte) []byte { return b[:4] }, "malformed ELF file: it has only 4 bytes"},
		{"class", put(4, le, byte(3)), `Invalid EI_CLASS b'\x03'`},
		{"byte order", put(5, le, byte(0)), `Invalid EI_DATA b'\x00'`},
		{"header cut", func(b []byte) []byte { return b[:40] }, "malformed ELF file: header of 0x34 bytes at offset 0x0 lies outside the file of 0x28 bytes"},
		{"program headers outside", put(28, le, uint32(0xfffffff0)), "malformed ELF file: program headers of 0x60 bytes at offset 0xfffffff0 lies outside"},
		{"program header size", put(42, le, uint16(31)), "malformed ELF file: entries of the program headers have 31 bytes, not 32"},
		{"section headers outside", put(32, le, uint32(0xfffffff0)), "malformed ELF file: section headers of"},
		{"section header size", put(46, le, uint16(0)), "malformed ELF file: entries of the section headers have 0 bytes, not 40"},
		{"section headers cut", func(b []byte) []byte { return b[:len(b)-1] }, "malformed ELF file: section headers of"},
		{"section names elsewhere", put(50, le, uint16(99)), "malformed ELF file: string table in section 99 of 7"},
		{"section names in code", put(50, le, uint16(1)), "malformed ELF file: section 1 has type SHT_PROGBITS, a string table was expected"},
		{"section names outside", put(section(shstrtab)+20, le, uint32(1<<31)), "malformed ELF file: string table of 0x80000000 bytes"},
		{"section name", put(section(1), le, uint32(1<<20)), "malformed ELF file: section 1: name at offset 0x100000 of a string table of"},
		{"section name without end", put(section(shstrtab)+20, le, uint32(3)), "malformed ELF file: section 1: name at offset 0x1 of a string table is not ended within 2 bytes"},
		{"symbols outside", put(section(symtab)+20, le, uint32(1<<30)), "malformed ELF file: symbol table of"},
		{"symbol size", put(section(symtab)+36, le, uint32(15)), "malformed ELF file: entries of the symbol table have 15 bytes, not 16"},
		{"symbol names", put(section(symtab)+24, le, uint32(0)), "malformed ELF file: section 0 has type SHT_NULL, a string table was expected"},
		{"symbol name", put(symbols+16, le, uint32(0xffffffff)), "malformed ELF file: symbol 1 of section 4: name at offset 0xffffffff of a string table of"},
		{"symbol names outside", put(section(strtab)+16, le, uint32(1<<30)), "malformed ELF file: string table of"},
	} {
		t.Run(test.name, func(t *testing.T) {
			d := content.Bytes(test.damage(bytes.Clone(good)))
			_, err := Parse(d)
			if err == nil || !strings.HasPrefix(err.Error(), test.want) {
				t.Errorf("got  %v\nwant %s", err, test.want)
			}
			if IsValid(d) {
				t.Error("it counts as valid")
			}
		})
	}
}

// Many long names that overlap do not take more memory than the file.
func TestOverlappingNames(t *testing.T) {
	const symbols = 20000
	f := testelf.File{Symbols: make([]testelf.Symbol, symbols)}
	f.Symbols[0].Name = strings.Repeat("x", maxName-1)
	b := f.Bytes()
	raw, err := parse(content.Bytes(b))
	if err != nil {
		t.Fatal(err)
	}
	table := raw.sects[1]
	if table.typ != elf.SHT_SYMTAB {
		t.Fatal("section 1 is not the symbol table")
	}
	for i := range symbols {
		binary.LittleEndian.PutUint32(b[int(table.off)+24*(i+1):], uint32(1+i))
	}
	p, err := Parse(content.Bytes(b))
	if err != nil {
		t.Fatal(err)
	}
	if len(p.Symbols) != symbols {
		t.Errorf("%d symbols, want %d", len(p.Symbols), symbols)
	}
	if n := testing.AllocsPerRun(1, func() { _, _ = Parse(content.Bytes(b)) }); n > 1000 {
		t.Errorf("%v allocations", n)
	}
}

// Counts that do not fit in the header are in the first section.
func TestManyHeaders(t *testing.T) {
	const n = 0x10010
	f := testelf.File{Segments: make([]testelf.Segment, 3)}
	small := f.Bytes()
	le := binary.LittleEndian
	sections := int(le.Uint64(small[40:]))
	// A new table of sections at the end, and a new one of segments.
	b := bytes.Clone(small)
	table := make([]byte, 64*n)
	copy(table, small[sections:])
	names := int(le.Uint16(small[62:]))
	copy(table[64*(n-1):], small[sections+64*names:][:64])
	le.PutUint64(table[32:], n)   // sh_size: sections
	le.PutUint32(table[40:], n-1) // sh_link: section of the names
	le.PutUint32(table[44:], n)   // sh_info: segments
	le.PutUint64(b[40:], uint64(len(b)))
	b = append(b, table...)
	le.PutUint64(b[32:], uint64(len(b)))
	progs := make([]byte, 56*n)
	last := progs[56*(n-1):]
	le.PutUint32(last, uint32(elf.PT_LOAD))
	le.PutUint64(last[24:], 0x4000)
	le.PutUint64(last[40:], 1)
	b = append(b, progs...)
	le.PutUint16(b[56:], 0xffff)
	le.PutUint16(b[60:], 0)
	le.PutUint16(b[62:], 0xffff)
	p, err := Parse(content.Bytes(b))
	if err != nil {
		t.Fatal(err)
	}
	segs, err := p.LoadableSegments()
	if err != nil || len(segs) != 1 || segs[0].Index != n-1 || segs[0].Address != 0x4000 {
		t.Errorf("segments %+v, %v", segs, err)
	}
	if len(p.sects) != n || p.sects[n-1].name != ".shstrtab" {
		t.Errorf("%d sections, the last is %q", len(p.sects), p.sects[len(p.sects)-1].name)
	}
}
