// SPDX-License-Identifier: GPL-2.0-or-later

package elf

import (
	"debug/elf"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"binman/content"
	"binman/internal/testelf"
)

// target is a program at 0x1000 with variables for binman to fill in.
func target(k testelf.File, extra ...testelf.Symbol) testelf.File {
	k.Segments = []testelf.Segment{{Address: 0x1000, Data: count(0x40)}}
	k.Symbols = append([]testelf.Symbol{
		{Name: "_binman_u_boot_prop_image_pos", Value: 0x1010, Size: 4},
		{Name: "_binman_u_boot_prop_size", Value: 0x1018, Size: 8, Bind: elf.STB_WEAK},
		{Name: "_binman_sym_magic", Value: 0x1008, Size: 4},
		{Name: "__image_copy_start", Value: 0x1000},
		{Name: "my_start", Value: 0x1004},
		{Name: "binman_other", Value: 0x1020, Size: 3},
	}, extra...)
	return k
}

// logged collects a log.
type logged []string

func (l *logged) add(level Level, text string) {
	*l = append(*l, fmt.Sprintf("%d %s", level, text))
}

func TestPlanSymbols(t *testing.T) {
	addr := func(v int64) *int64 { return &v }
	for _, test := range []struct {
		name string
		plan SymbolPlan
		want []Patch
		base int64
	}{
		{
			"program", SymbolPlan{},
			[]Patch{
				{"_binman_sym_magic", 8, 4, SymMagic},
				{"_binman_u_boot_prop_image_pos", 0x10, 4, 0x12345678},
				{"_binman_u_boot_prop_size", 0x18, 8, 0x123456789a},
			}, 0x1000,
		}, {
			"another start", SymbolPlan{BaseSym: "my_start"},
			[]Patch{
				{"_binman_sym_magic", 4, 4, SymMagic},
				{"_binman_u_boot_prop_image_pos", 0xc, 4, 0x12345678},
				{"_binman_u_boot_prop_size", 0x14, 8, 0x123456789a},
			}, 0x1004,
		}, {
			"given base", SymbolPlan{BaseAddr: addr(0)},
			[]Patch{
				{"_binman_sym_magic", 8, 4, SymMagic},
				{"_binman_u_boot_prop_image_pos", 0x10, 4, 0x12345678},
				{"_binman_u_boot_prop_size", 0x18, 8, 0x123456789a},
			}, 0,
		}, {
			// Offsets count from the segment's start in the file here.
			"in the ELF file", SymbolPlan{InELF: true, BaseSym: "none"},
			[]Patch{
				{"_binman_sym_magic", 8, 4, SymMagic},
				{"_binman_u_boot_prop_image_pos", 0x10, 4, 0x12345678},
				{"_binman_u_boot_prop_size", 0x18, 8, 0x123456789a},
			}, 0,
		}, {
			"in the ELF file with a base", SymbolPlan{InELF: true, BaseAddr: addr(0x77)},
			[]Patch{
				{"_binman_sym_magic", 8, 4, SymMagic},
				{"_binman_u_boot_prop_image_pos", 0x10, 4, 0x12345678},
				{"_binman_u_boot_prop_size", 0x18, 8, 0x123456789a},
			}, 0x77,
		},
	} {
		for _, k := range kinds {
			t.Run(test.name+"/"+k.name, func(t *testing.T) {
				f := mustParse(t, target(k.file))
				p := test.plan
				p.SectionPath, p.EntryPath, p.Contents = "/binman", "/binman/spl", 0x40
				start := int64(0)
				if p.InELF {
					p.Contents = f.Data.Len()
					start, _ = f.FileOffset(0x1000)
				}
				var wanted []Wanted
				p.Lookup = func(w Wanted) (int64, bool, error) {
					wanted = append(wanted, w)
					if strings.HasSuffix(w.Name, "_size") {
						return 0x123456789a, true, nil
					}
					return 0x12345678, true, nil
				}
				got, err := f.PlanSymbols(p)
				if err != nil {
					t.Fatal(err)
				}
				for i := range got {
					got[i].Offset -= start
				}
				if d := cmp.Diff(test.want, got); d != "" {
					t.Errorf("patches (-want +got):\n%s", d)
				}
				where := func(name string) string {
					return "Section '/binman': Symbol '" + name + "'\n   in entry '/binman/spl'"
				}
				if d := cmp.Diff([]Wanted{
					{"_binman_u_boot_prop_image_pos", false, test.base, where("_binman_u_boot_prop_image_pos")},
					{"_binman_u_boot_prop_size", true, test.base, where("_binman_u_boot_prop_size")},
				}, wanted); d != "" {
					t.Errorf("asked for (-want +got):\n%s", d)
				}
			})
		}
	}
}

// Values are little-endian in every program, and all ones for what is absent.
func TestApply(t *testing.T) {
	for _, k := range kinds {
		f := mustParse(t, target(k.file))
		patches, err := f.PlanSymbols(SymbolPlan{
			Contents: 0x40,
			Lookup: func(w Wanted) (int64, bool, error) {
				return 0x11223344, !w.Weak, nil
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		want := count(0x40)
		copy(want[0x08:], "BSYM")
		copy(want[0x10:], "\x44\x33\x22\x11")
		copy(want[0x18:], "\xff\xff\xff\xff\xff\xff\xff\xff")
		if got := text(t, Apply(content.Bytes(count(0x40)), patches)); got != string(want) {
			t.Errorf("%s: got %x\nwant %x", k.name, got, want)
		}
	}
	f := mustParse(t, target(testelf.File{}, testelf.Symbol{Name: "_binman_x", Value: 0x1030, Size: 4}))
	patches, err := f.PlanSymbols(SymbolPlan{
		Contents: 0x40,
		Lookup:   func(w Wanted) (int64, bool, error) { return 0, false, nil },
	})
	if last := patches[len(patches)-1]; err != nil || last.Value != 0xffffffff || last.Size != 4 {
		t.Errorf("no value in 4 bytes: %+v, %v", last, err)
	}
}

func TestPlanErrors(t *testing.T) {
	const where = "Section 'section_path': Symbol '_binman_x'\n   in entry 'entry_path'"
	none := errors.New("none such")
	for _, test := range []struct {
		name  string
		sym   testelf.Symbol
		inELF bool
		value int64
		err   error // of the lookup
		want  string
	}{
		{"past the end", testelf.Symbol{Value: 0x1030, Size: 0x14}, false, 0, nil, "entry_path has offset 30 (size 14) but the contents size is 40"},
		{"at the end", testelf.Symbol{Value: 0x1040, Size: 4}, false, 0, nil, "entry_path has offset 40 (size 4) but the contents size is 40"},
		{"before the start", testelf.Symbol{Value: 0xff0, Size: 4}, false, 0, nil, "entry_path has offset -10 (size 4) but the contents size is 40"},
		{"huge size", testelf.Symbol{Value: 0x1000, Size: 1<<64 - 1}, false, 0, nil, "entry_path has offset 0 (size ffffffffffffffff) but the contents size is 40"},
		{"size", testelf.Symbol{Value: 0x1030, Size: 2}, false, 0, nil, where + " has size 2: only 4 and 8 are supported"},
		{"size in ELF", testelf.Symbol{Value: 0x1030, Size: 0}, true, 0, nil, where + " has size 0: only 4 and 8 are supported"},
		{"not in the file", testelf.Symbol{Value: 0x5000, Size: 4}, true, 0, nil, where + " is at address 0x5000, which no segment of the ELF file has bytes for"},
		{"too great", testelf.Symbol{Value: 0x1030, Size: 4}, false, 1 << 32, nil, where + " has value 0x100000000, which does not fit in its 4 bytes"},
		{"negative", testelf.Symbol{Value: 0x1030, Size: 4}, false, -1, nil, where + " has value -0x1, which does not fit in its 4 bytes"},
		{"unknown", testelf.Symbol{Value: 0x1030, Size: 4}, false, 0, none, "none such"},
	} {
		t.Run(test.name, func(t *testing.T) {
			test.sym.Name = "_binman_x"
			f := mustParse(t, testelf.File{
				Segments: []testelf.Segment{{Address: 0x1000, Data: count(0x40)}},
				Symbols:  []testelf.Symbol{{Name: DefaultBase, Value: 0x1000}, test.sym},
			})
			size := int64(0x40)
			if test.inELF {
				size = f.Data.Len()
			}
			_, err := f.PlanSymbols(SymbolPlan{
				SectionPath: "section_path", EntryPath: "entry_path", Contents: size, InELF: test.inELF,
				Lookup: func(Wanted) (int64, bool, error) { return test.value, test.err == nil, test.err },
			})
			if err == nil || err.Error() != test.want {
				t.Errorf("got  %v\nwant %s", err, test.want)
			}
			if test.err != nil && !errors.Is(err, test.err) {
				t.Errorf("%v is not the lookup's error", err)
			}
		})
	}
}

func TestPlanLog(t *testing.T) {
	lookup := func(w Wanted) (int64, bool, error) { return 0x77, !w.Weak, nil }
	const at = "Section '/s': Symbol '%s'\n   in entry '/s/e':\n   insert %[1]s, "
	for _, test := range []struct {
		name string
		file testelf.File
		plan SymbolPlan
		want logged
	}{
		{"no symbols", testelf.File{}, SymbolPlan{}, logged{"3 LookupAndWriteSymbols: no syms"}},
		{"no base", target(testelf.File{}), SymbolPlan{BaseSym: "none"}, logged{
			"3 LookupAndWriteSymbols: no base: elf_fname=spl/u-boot-spl, base_sym=none, is_elf=False",
		}},
		{"symbols", target(testelf.File{}), SymbolPlan{}, logged{
			"3 " + fmt.Sprintf(at, "_binman_sym_magic") + "offset 8, value 4d595342, length 4",
			"3 " + fmt.Sprintf(at, "_binman_u_boot_prop_image_pos") + "offset 10, value 77, length 4",
			"3 " + fmt.Sprintf(at, "_binman_u_boot_prop_size") + "offset 18, value -1, length 8",
			"2 Section '/s': entry '/s/e' : 3 symbols",
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			f := mustParse(t, test.file)
			f.Name = "spl/u-boot-spl"
			var got logged
			p := test.plan
			p.SectionPath, p.EntryPath, p.Contents, p.Lookup, p.Log = "/s", "/s/e", 0x40, lookup, got.add
			if _, err := f.PlanSymbols(p); err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(test.want, got); d != "" {
				t.Errorf("log (-want +got):\n%s", d)
			}
		})
	}
}
