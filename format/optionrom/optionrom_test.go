// SPDX-License-Identifier: GPL-2.0-or-later

package optionrom

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"binman/format/verify"
	"binman/internal/judge"
)

// seal makes the bytes sum up to 0.
func seal(b []byte) []byte {
	b[len(b)-1] = 0
	for _, v := range b[:len(b)-1] {
		b[len(b)-1] -= v
	}
	return b
}

// pci returns an image with a data structure.
func pci(units int, code, indicator byte) []byte {
	b := make([]byte, units*unit)
	copy(b, "\x55\xaa")
	b[2] = byte(units)
	le.PutUint16(b[24:], 0x1c)
	copy(b[0x1c:], "PCIR\x86\x80\x0e\x10")
	le.PutUint16(b[0x1c+10:], structure)
	copy(b[0x1c+13:], "\x00\x00\x02")
	le.PutUint16(b[0x1c+16:], uint16(units))
	b[0x1c+20], b[0x1c+21] = code, indicator
	return b
}

// plug gives an image names.
func plug(b []byte) []byte {
	le.PutUint16(b[26:], 0x40)
	copy(b[0x40:], "$PnP")
	le.PutUint16(b[0x40+14:], 0x80)
	le.PutUint16(b[0x40+16:], 0x90)
	copy(b[0x80:], "Maker")
	copy(b[0x90:], "Product")
	return b
}

func sample() []byte {
	efi := pci(2, codeEFI, 0)
	le.PutUint16(efi[2:], 2)
	le.PutUint32(efi[4:], efiMagic)
	le.PutUint16(efi[10:], 0x8664)
	le.PutUint16(efi[12:], 1)
	le.PutUint16(efi[22:], 0x100)
	return slices.Concat(seal(plug(pci(3, codeX86, 0))), efi, pci(1, 1, lastImage))
}

// isa returns a ROM without a data structure.
func isa() []byte {
	b := make([]byte, 2*unit)
	copy(b, "\x55\xaa\x02\xcb")
	return seal(plug(b))
}

func view(t testing.TB, b []byte) string {
	t.Helper()
	r := bytes.NewReader(b)
	rom, err := Parse(r, r.Size())
	if err != nil {
		return "error: " + err.Error()
	}
	var text strings.Builder
	for _, it := range rom.List() {
		fmt.Fprintf(&text, "%s: %s, %#x+%#x\n", it.Name, it.Type, it.Offset, it.Size)
	}
	list, err := rom.Verify(r, r.Size(), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range list {
		fmt.Fprintf(&text, "%s %s: %s %s\n", f.Path, f.What, f.Verdict, f.Why)
	}
	return text.String()
}

func TestROM(t *testing.T) {
	for _, test := range []struct {
		name, want string
		b          []byte
	}{
		{"a chain", `x86: option ROM for PCI 8086:100e, class 020000, Maker, Product, 0x0+0x600
efi-2: option ROM for PCI 8086:100e, class 020000, 0x600+0x400
efi-2.program: EFI program for x86-64, compressed by EFI, 0x700+0x300
open-firmware-3: option ROM for PCI 8086:100e, class 020000, 0xa00+0x200
 structure: good 
x86 sum of the bytes: good 
efi-2 contents: not covered only images for x86 have a sum
open-firmware-3 contents: not covered only images for x86 have a sum
`, sample()},
		{"without PCI data", "isa: option ROM without PCI data, Maker, Product, 0x0+0x400\n structure: good \nisa sum of the bytes: good \n", isa()},
		{"another sum", "x86: option ROM for PCI 8086:100e, class 020000, 0x0+0x200\n structure: good \nx86 sum of the bytes: bad the bytes that are loaded do not sum up to 0\n", pci(1, codeX86, lastImage)},
		{"another sum without PCI data", "error: no expansion ROM: the bytes of the image at 0x0 do not sum up to 0", isa()},
		{"no size", "error: no expansion ROM: the image at 0x0 has no size", pci(1, codeX86, 0)},
	} {
		b := test.b
		switch test.name {
		case "another sum without PCI data":
			b = isa()
			b[100]++
		case "no size":
			le.PutUint16(b[0x1c+16:], 0)
		}
		if got := view(t, b); got != test.want {
			t.Errorf("%s: got\n%s\nwant\n%s", test.name, got, test.want)
		}
	}
}

// What is cut or changed is told, if it has a sum.
func TestDamage(t *testing.T) {
	b := sample()
	before := view(t, b)
	for i := range len(b) - 1 {
		if cut := view(t, b[:i]); !strings.HasPrefix(cut, "error") && !strings.Contains(cut, ": bad ") {
			t.Errorf("cut at %#x:\n%s", i, cut)
		}
		changed := slices.Clone(b)
		changed[i] ^= 0x20
		if got := view(t, changed); got == before && i < 3*unit {
			t.Errorf("byte %#x changed, and nothing is told", i)
		}
	}
	endless := bytes.Repeat(seal(pci(1, codeX86, 0)), maxImages+1)
	if got := view(t, endless); !strings.Contains(got, "structure: bad there are more than 64 images") {
		t.Error(got)
	}
}

// The ROMs of SeaBIOS and of iPXE are read, and their sums are right.
func TestReal(t *testing.T) {
	var files []string
	for pattern, from := range map[string]string{"/usr/share/seabios/vgabios-*.bin": "SeaBIOS (package seabios)", "/usr/lib/ipxe/qemu/*-*.rom": "iPXE (package ipxe-qemu)"} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		if len(found) == 0 {
			judge.Missing(t, from)
		}
		files = append(files, found...)
	}
	for _, name := range files {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if got := view(t, b); !strings.Contains(got, "sum of the bytes: good") || strings.Contains(got, "bad") {
			t.Errorf("%s:\n%s", name, got)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(sample())
	f.Add(isa())
	f.Fuzz(func(t *testing.T, b []byte) {
		r := bytes.NewReader(b)
		rom, err := Parse(r, r.Size())
		if err != nil {
			return
		}
		for _, it := range rom.List() {
			if it.Offset < 0 || it.Size < 0 || it.Offset > r.Size()-it.Size {
				t.Errorf("%s is outside: %#x+%#x of %#x", it.Name, it.Offset, it.Size, len(b))
			}
		}
		if list, err := rom.Verify(r, r.Size(), nil); err != nil || len(list) != len(rom.Images)+1 || verify.Count(list, verify.Good) > len(list) {
			t.Errorf("%v, error %v", list, err)
		}
	})
}
