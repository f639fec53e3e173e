// SPDX-License-Identifier: GPL-2.0-or-later

package elf

import (
	"debug/elf"
	"strings"
	"testing"

	"binman/content"
	"binman/internal/testelf"
)

func TestLoadableSegments(t *testing.T) {
	for _, k := range kinds {
		t.Run(k.name, func(t *testing.T) {
			file := k.file
			file.Segments = []testelf.Segment{
				{Type: elf.PT_NOTE, Address: 0x10, Data: []byte("note")},
				{Address: 0x80001000, Physical: 0x1000, Data: []byte("code"), MemSize: 0x20},
				{Address: 0x3000, Data: []byte("no memory"), NoMemory: true},
				{Address: 0x2000, PhysicalZero: true, MemSize: 0x800},
			}
			segs, err := mustParse(t, file).LoadableSegments()
			if err != nil {
				t.Fatal(err)
			}
			want := []struct {
				index     int
				phys, vir uint64
				mem       int64
				data      string
			}{
				{1, 0x1000, 0x80001000, 0x20, "code"},
				{3, 0, 0x2000, 0x800, ""},
			}
			if len(segs) != len(want) {
				t.Fatalf("%d segments, want %d", len(segs), len(want))
			}
			for i, w := range want {
				s := segs[i]
				if s.Index != w.index || s.Address != w.phys || s.Virtual != w.vir || s.MemSize != w.mem || text(t, s.Data) != w.data {
					t.Errorf("segment %d is %+v, want %+v", i, s, w)
				}
			}
		})
	}
}

func TestFlatten(t *testing.T) {
	type result struct {
		data        string
		load, entry uint64
		mem         int64
	}
	for _, test := range []struct {
		name     string
		entry    uint64
		segs     []testelf.Segment
		location uint64
		want     result
	}{
		{
			"one segment", 0x1002,
			[]testelf.Segment{{Address: 0x1000, Data: []byte("abcdef")}},
			0, result{"abcdef", 0x1000, 0x1002, 6},
		}, {
			"gap and bss", 0x1000,
			[]testelf.Segment{
				{Address: 0x1000, Data: []byte("ab")},
				{Address: 0x1005, Data: []byte("cd"), MemSize: 9},
			},
			0, result{"ab\x00\x00\x00cd", 0x1000, 0x1000, 14},
		}, {
			"later segment first", 0x1000,
			[]testelf.Segment{{Address: 0x1004, Data: []byte("cd")}, {Address: 0x1000, Data: []byte("ab")}},
			0, result{"ab\x00\x00cd", 0x1000, 0x1000, 6},
		}, {
			"overlap: the later header wins", 0x1000,
			[]testelf.Segment{{Address: 0x1000, Data: []byte("abcd")}, {Address: 0x1002, Data: []byte("XY")}},
			0, result{"abXY", 0x1000, 0x1000, 4},
		}, {
			"physical entry", 0xc0001004,
			[]testelf.Segment{{Address: 0xc0001000, Physical: 0x1000, Data: []byte("abcd")}},
			0, result{"abcd", 0x1000, 0x1004, 4},
		}, {
			"entry moves by the first difference", 0x2000,
			[]testelf.Segment{
				{Address: 0x1000, Data: []byte("ab")},
				{Address: 0x2000, Physical: 0x1004, Data: []byte("cd")},
				{Address: 0x9000, Physical: 0x1002, Data: []byte("ef")},
			},
			0, result{"abefcd", 0x1000, 0x1004, 6},
		}, {
			"location within", 0x1000,
			[]testelf.Segment{{Address: 0x1000, Data: []byte("abcd")}},
			0x1002, result{"\x00\x00cd", 0x1000, 0x1000, 4},
		}, {
			"location past the end", 0x1000,
			[]testelf.Segment{{Address: 0x1000, Data: []byte("abcd")}},
			0x2000, result{"\x00\x00\x00\x00", 0x1000, 0x1000, 4},
		}, {
			"only bss", 0x1000,
			[]testelf.Segment{{Address: 0x1000, MemSize: 0x100}},
			0, result{"", 0x1000, 0x1000, 0x100},
		}, {
			"more in the file than in memory", 0x1000,
			[]testelf.Segment{{Address: 0x1000, Data: []byte("abcd"), MemSize: 2}},
			0, result{"abcd", 0x1000, 0x1000, 2},
		},
	} {
		for _, k := range kinds {
			t.Run(test.name+"/"+k.name, func(t *testing.T) {
				file := k.file
				file.Entry, file.Segments = test.entry, test.segs
				f := mustParse(t, file)
				flat, err := f.Flatten(test.location)
				if err != nil {
					t.Fatal(err)
				}
				got := result{text(t, flat.Data), flat.Load, flat.Entry, flat.MemSize}
				if got != test.want {
					t.Errorf("got %+v\nwant %+v", got, test.want)
				}
				if !IsValid(f.Data) {
					t.Error("it does not count as valid")
				}
			})
		}
	}
}

// Above 4 GiB the image starts where its first segment does. (The original
// takes 0xffffffff for the start then, and cannot flatten the file.)
func TestFlattenHigh(t *testing.T) {
	f := mustParse(t, testelf.File{
		Entry: 0x8_0000_0000,
		Segments: []testelf.Segment{
			{Address: 0x8_0000_0000, Data: []byte("ab")},
			{Address: 0x8_0000_0004, Data: []byte("cd")},
		},
	})
	flat, err := f.Flatten(0)
	if err != nil || flat.Load != 0x8_0000_0000 || flat.Entry != flat.Load || text(t, flat.Data) != "ab\x00\x00cd" {
		t.Errorf("%+v, %v", flat, err)
	}
}

func TestFlattenErrors(t *testing.T) {
	for _, test := range []struct {
		name string
		segs []testelf.Segment
		want string
	}{
		{"nothing to load", nil, "ELF file has no loadable segments"},
		{"only a note", []testelf.Segment{{Type: elf.PT_NOTE, Data: []byte("x")}}, "ELF file has no loadable segments"},
		{"far apart", []testelf.Segment{
			{Address: 0x1000, Data: []byte("a")},
			{Address: 0xffffffff80000000, Data: []byte("b")},
		}, "segment 1 of ELF file: 0x1 bytes at address 0xffffffff80000000 end more than 0x100000000 bytes after the first segment's address 0x1000"},
		{"much memory", []testelf.Segment{{Address: 0x1000, MemSize: 1<<32 + 1}}, "segment 0 of ELF file: 0x100000001 bytes at address 0x1000 end more than"},
		{"very much memory", []testelf.Segment{{Address: 0x1000, MemSize: 1 << 63}}, "segment 0 of ELF file takes 0x8000000000000000 bytes of memory"},
	} {
		t.Run(test.name, func(t *testing.T) {
			f := mustParse(t, testelf.File{Segments: test.segs})
			if _, err := f.Flatten(0); err == nil || !strings.HasPrefix(err.Error(), test.want) {
				t.Errorf("got  %v\nwant %s", err, test.want)
			}
			if IsValid(f.Data) {
				t.Error("it counts as valid")
			}
		})
	}
}

// A file that lacks its end is not loaded with what is left of it.
func TestTruncatedSegment(t *testing.T) {
	b := testelf.File{Segments: []testelf.Segment{{Address: 0x1000, Data: make([]byte, 100)}}}.Bytes()
	f, err := Parse(content.Bytes(b))
	if err != nil {
		t.Fatal(err)
	}
	f.programs[0].filesz = uint64(len(b))
	_, err = f.LoadableSegments()
	if err == nil || !strings.Contains(err.Error(), "lie outside the file") {
		t.Errorf("error is %v", err)
	}
}

// Sections count, in the order of their headers, and what is zeroed at the end does not.
func TestFlattenSections(t *testing.T) {
	f := mustParse(t, testelf.File{Entry: 0x1002, Segments: []testelf.Segment{
		{Address: 0x1004, Physical: 0x5000, Data: []byte("data")},
		{Address: 0, Data: []byte("elsewhere")},
		{Address: 0x1000, Data: []byte("code")},
		{Address: 0x1006, Data: []byte("over")},
		{Address: 0x2000, MemSize: 0x100},
	}})
	flat, err := f.FlattenSections()
	if err != nil || flat.Load != 0x1000 || flat.Entry != 0x1002 || flat.MemSize != 10 || text(t, flat.Data) != "codedaover" {
		t.Errorf("%+v, %v", flat, err)
	}
	for _, test := range []struct {
		segs []testelf.Segment
		size uint64 // of the first section
		want string
	}{
		{nil, 0, "ELF file has no sections to load"},
		{[]testelf.Segment{{Address: 1, MemSize: 4}, {Data: []byte("a")}}, 4, "ELF file has no sections to load"},
		{[]testelf.Segment{{Address: 0x1000, Data: []byte("a")}, {Address: 0xffffffff80000000, Data: []byte("b")}}, 1, "section '.data' of ELF file: 0x1 bytes at address 0xffffffff80000000 end more than 0x100000000 bytes after the first section's address 0x1000"},
		{[]testelf.Segment{{Address: 0x1000, Data: []byte("a")}}, 1 << 63, "section '.text' of ELF file: 0x8000000000000000 bytes at offset 0x80 lie outside the file of "},
	} {
		f := mustParse(t, testelf.File{Segments: test.segs})
		f.sects[min(1, len(f.sects)-1)].size = test.size
		if _, err := f.FlattenSections(); err == nil || !strings.HasPrefix(err.Error(), test.want) {
			t.Errorf("got  %v\nwant %s", err, test.want)
		}
	}
}
