// SPDX-License-Identifier: GPL-2.0-or-later

package testelf

import (
	"bytes"
	"debug/elf"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"binman/internal/judge"
)

var kinds = map[string]File{
	"elf32-little": {Class: elf.ELFCLASS32},
	"elf32-big":    {Class: elf.ELFCLASS32, BigEndian: true, Machine: elf.EM_PPC},
	"elf64-little": {},
	"elf64-big":    {Class: elf.ELFCLASS64, BigEndian: true, Machine: elf.EM_PPC64},
}

func sample(f File) File {
	f.Entry = 0x1004
	f.Segments = []Segment{
		{Address: 0x1000, Data: []byte("some code")},
		{Address: 0x2000, Physical: 0x3000, Data: []byte("data"), MemSize: 0x40, Section: ".rw"},
		{Type: elf.PT_NOTE, Flags: elf.PF_R, Address: 0x4000, Data: []byte("note"), Section: ".note"},
		{Address: 0x5000, PhysicalZero: true, MemSize: 0x80, Section: ".bss"},
	}
	f.Symbols = []Symbol{
		{Name: "local", Value: 0x1001, Local: true},
		{Name: "start", Value: 0x1004, Size: 5, Type: elf.STT_FUNC},
		{Name: "weak", Value: 0x2000, Size: 4, Bind: elf.STB_WEAK, Type: elf.STT_OBJECT},
		{Name: "bss", Value: 0x5080},
		{Name: "gone", Undefined: true},
		{Name: "constant", Value: 0x77777777},
	}
	return f
}

// debug/elf, which is not ours, reads what was asked for.
func TestRead(t *testing.T) {
	for name, k := range kinds {
		t.Run(name, func(t *testing.T) {
			want := sample(k)
			f, err := elf.NewFile(bytes.NewReader(want.Bytes()))
			if err != nil {
				t.Fatal(err)
			}
			class, machine := want.defaults()
			if f.Class != class || f.Machine != machine || f.Type != elf.ET_EXEC || f.Entry != 0x1004 || (f.Data == elf.ELFDATA2MSB) != k.BigEndian {
				t.Errorf("header %+v", f.FileHeader)
			}
			if len(f.Progs) != len(want.Segments) {
				t.Fatalf("%d segments", len(f.Progs))
			}
			for i, s := range want.Segments {
				p, got := f.Progs[i], make([]byte, len(s.Data))
				if _, err := p.ReadAt(got, 0); len(got) > 0 && err != nil {
					t.Error(err)
				}
				if !bytes.Equal(got, s.Data) || p.Vaddr != s.Address || p.Paddr != s.physical() || p.Memsz != s.memSize() {
					t.Errorf("segment %d is %+v with %q", i, p.ProgHeader, got)
				}
			}
			syms, err := f.Symbols()
			if err != nil || len(syms) != len(want.Symbols) {
				t.Fatalf("%d symbols, %v", len(syms), err)
			}
			sections := []string{".text", ".text", ".rw", ".bss", "", ""}
			for i, s := range want.Symbols {
				got := syms[i]
				if got.Name != s.Name || got.Value != s.Value || got.Size != s.Size || elf.ST_TYPE(got.Info) != s.Type {
					t.Errorf("symbol %d is %+v, want %+v", i, got, s)
				}
				if sections[i] != "" && f.Sections[got.Section].Name != sections[i] {
					t.Errorf("symbol %s is in %s", s.Name, f.Sections[got.Section].Name)
				}
			}
			if syms[4].Section != elf.SHN_UNDEF || syms[5].Section != elf.SHN_ABS {
				t.Errorf("sections %v and %v of the last symbols", syms[4].Section, syms[5].Section)
			}
			if b := elf.ST_BIND(syms[0].Info); b != elf.STB_LOCAL {
				t.Errorf("binding %v of the local symbol", b)
			}
		})
	}
}

// readelf finds nothing to complain about.
func TestReadelf(t *testing.T) {
	readelf := judge.Need(t, "readelf")
	path := filepath.Join(t.TempDir(), "sample.elf")
	for name, k := range kinds {
		for variant, f := range map[string]File{"full": sample(k), "empty": k} {
			t.Run(name+"/"+variant, func(t *testing.T) {
				if err := os.WriteFile(path, f.Bytes(), 0o666); err != nil {
					t.Fatal(err)
				}
				cmd := exec.Command(readelf, "--lint", "--wide", "--file-header", "--program-headers", "--section-headers", "--symbols", path)
				out, err := cmd.CombinedOutput()
				if err != nil || strings.Contains(string(out), "arning") || strings.Contains(string(out), "rror:") {
					t.Errorf("%v\n%s", err, out)
				}
			})
		}
	}
}
