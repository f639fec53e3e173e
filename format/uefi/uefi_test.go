// SPDX-License-Identifier: GPL-2.0-or-later

package uefi

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"

	"binman/format/verify"
	"binman/internal/binfmt"
)

// ucs2 returns text of 16-bit characters with a zero behind it.
func ucs2(s string) []byte {
	var b []byte
	for _, c := range append(utf16.Encode([]rune(s)), 0) {
		b = le.AppendUint16(b, c)
	}
	return b
}

func section(kind byte, data []byte) []byte {
	n := len(data) + 4
	b := append([]byte{byte(n), byte(n >> 8), byte(n >> 16), kind}, data...)
	return append(b, make([]byte, -len(b)&3)...)
}

// ffs returns a file.
func ffs(id byte, kind, attributes byte, data []byte) []byte {
	head := fileHeader
	if attributes&attrLarge != 0 {
		head = largeHeader
	}
	b := make([]byte, head, head+len(data))
	b[0], b[18], b[19], b[23] = id, kind, attributes, 0xf8
	b = append(b, data...)
	if attributes&attrLarge != 0 {
		le.PutUint64(b[24:], uint64(len(b)))
	} else {
		b[20], b[21], b[22] = byte(len(b)), byte(len(b)>>8), byte(len(b)>>16)
	}
	b[16] = -(sum8(b[:head]) - b[23])
	if b[17] = noSum; attributes&attrSum != 0 {
		b[17] = -sum8(data)
	}
	return append(b, bytes.Repeat([]byte{0xff}, -len(b)&7)...)
}

// volume returns a volume with contents.
func volume(system binfmt.GUID, size int, contents ...[]byte) []byte {
	const head = volumeHeader + 16
	b := make([]byte, head)
	copy(b[16:], system[:])
	le.PutUint64(b[32:], uint64(size))
	copy(b[MagicAt:], Magic)
	le.PutUint32(b[44:], erasedOnes)
	le.PutUint16(b[48:], head)
	b[55] = 2
	le.PutUint32(b[56:], uint32(size))
	le.PutUint32(b[60:], 1)
	le.PutUint16(b[50:], -sum16(b))
	for _, c := range contents {
		b = append(b, c...)
	}
	return append(b, bytes.Repeat([]byte{0xff}, size-len(b))...)
}

var lzmaGUID = binfmt.MustGUID("ee4e5898-3914-4259-9d6e-dc7bd79403cf")

func sample() []byte {
	lzma := append(slices.Clone(lzmaGUID[:]), 24, 0, 1, 0)
	lzma = append(lzma, 0x5d, 0, 0, 0x80, 0, 0x34, 0x12, 0, 0, 0, 0, 0, 0, 1, 2, 3)
	inner := volume(ffs2, 0x100, ffs(9, 0x09, 0, section(sectionName, ucs2("Shell"))))
	return volume(ffs3, 0x1000,
		ffs(1, 0x07, attrSum, slices.Concat(section(0x10, []byte("program")), section(sectionName, ucs2("Driver")), section(sectionVersion, append([]byte{1, 0}, ucs2("1.2")...)))),
		ffs(2, typePadding, 0, make([]byte, 100)),
		ffs(3, 0x0b, attrLarge, section(sectionGUID, lzma)),
		ffs(4, 0x0b, 0, section(sectionVolume, inner)),
		ffs(5, 0x01, 0, []byte("raw")),
	)
}

// variables returns a volume with a store.
func variables(kind binfmt.GUID, head int) []byte {
	store := make([]byte, storeHeader)
	copy(store, kind[:])
	le.PutUint32(store[16:], 0x400)
	store[20], store[21] = storeFormatted, 0xfe
	for i, name := range []string{"BootOrder", "Deleted", "Boot0000"} {
		v := make([]byte, head)
		le.PutUint16(v, variableStart)
		if v[2] = variableAdded; name == "Deleted" {
			v[2] = 0x3d
		}
		le.PutUint32(v[4:], 7)
		le.PutUint32(v[head-24:], uint32(len(ucs2(name))))
		le.PutUint32(v[head-20:], uint32(i+1))
		v = append(append(v, ucs2(name)...), make([]byte, i+1)...)
		store = append(store, append(v, make([]byte, -len(v)&3)...)...)
	}
	return volume(variable, 0x1000, store)
}

func view(t testing.TB, b []byte) string {
	t.Helper()
	r := bytes.NewReader(b)
	v, err := Parse(r, r.Size())
	if err != nil {
		return "error: " + err.Error()
	}
	var text strings.Builder
	for _, it := range v.List() {
		fmt.Fprintf(&text, "%s: %s, %#x+%#x %s %#x\n", it.Name, it.Type, it.Offset, it.Size, it.Compress, it.UncompSize)
	}
	list, err := v.Verify(r, r.Size(), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range list {
		fmt.Fprintf(&text, "%s %s: %s %s\n", f.Path, f.What, f.Verdict, f.Why)
	}
	return text.String()
}

func TestFiles(t *testing.T) {
	const want = `Driver: DXE driver, version 1.2, 00000001-0000-0000-0000-000000000000, 0x48+0x48  0x0
00000003-0000-0000-0000-000000000000: volume, 0x110+0x48  0x0
00000003-0000-0000-0000-000000000000.compressed: section, compressed with lzma, 0x148+0x10 lzma 0x1234
00000004-0000-0000-0000-000000000000: volume, 0x158+0x11c  0x0
00000004-0000-0000-0000-000000000000.fv: volume, 0x174+0x100  0x0
00000005-0000-0000-0000-000000000000: raw, 0x278+0x1b  0x0
 sum of the header: good 
Driver sum of the data: good 
 sums of the headers of 5 files: good 
 contents: not covered volumes have no signature
`
	if got := view(t, sample()); got != want {
		t.Errorf("got\n%s", got)
	}
}

func TestVariables(t *testing.T) {
	for kind, head := range map[binfmt.GUID]int{storePlain: plainVariable, storeSigned: signedVariable} {
		got := view(t, variables(kind, head))
		if !strings.HasPrefix(got, "BootOrder: variable of 00000000-0000-0000-0000-000000000000, 1 bytes") || !strings.Contains(got, "\nBoot0000: ") || strings.Contains(got, "Deleted") {
			t.Errorf("%s:\n%s", kind, got)
		}
	}
}

// What changes in what has a sum is told; in the rest nothing crashes.
func TestDamage(t *testing.T) {
	b := sample()
	before := view(t, b)
	for i := range b {
		changed := slices.Clone(b)
		changed[i] ^= 0x20
		got := view(t, changed)
		summed := i < 0x48 || i >= 0x48 && i < 0x48+0x46 && i != 0x48+23 // the header, and a file but for its state
		if summed && got == before {
			t.Errorf("byte %#x changed, and nothing is told", i)
		}
		if cut := view(t, b[:i]); !strings.HasPrefix(cut, "error") {
			t.Errorf("cut at %#x:\n%s", i, cut)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(sample())
	f.Add(variables(storeSigned, signedVariable))
	f.Fuzz(func(t *testing.T, b []byte) {
		r := bytes.NewReader(b)
		v, err := Parse(r, r.Size())
		if err != nil {
			return
		}
		for _, it := range v.List() {
			if it.Offset < 0 || it.Size < 0 || it.Offset > v.Size-it.Size {
				t.Errorf("%s is outside of the volume: %#x+%#x", it.Name, it.Offset, it.Size)
			}
		}
		list, err := v.Verify(r, r.Size(), nil)
		if err != nil || verify.Count(list, verify.Good) == 0 {
			t.Errorf("%v, error %v", list, err)
		}
	})
}
