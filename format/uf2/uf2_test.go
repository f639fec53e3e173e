// SPDX-License-Identifier: GPL-2.0-or-later

package uf2_test

import (
	"bytes"
	"encoding/binary"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"binman/content"
	"binman/format/uf2"
)

// block is a block with what differs from that of a small file.
type block struct {
	flags, addr, size, number, total, family uint32
	data                                     string
}

func (b block) bytes() []byte {
	raw := make([]byte, uf2.BlockSize)
	size := b.size
	if size == 0 {
		size = uint32(len(b.data))
	}
	for i, v := range []uint32{0x0a324655, 0x9e5d5157, b.flags, b.addr, size, b.number, b.total, b.family} {
		binary.LittleEndian.PutUint32(raw[4*i:], v)
	}
	copy(raw[32:508], b.data)
	binary.LittleEndian.PutUint32(raw[508:], 0x0ab16f30)
	return raw
}

func join(list ...block) []byte {
	var all []byte
	for _, b := range list {
		all = append(all, b.bytes()...)
	}
	return all
}

// part is a uf2.Part that can be compared.
type part struct {
	Name string
	Runs []run
}

type run struct {
	Addr int64
	Data string
}

func parse(text []byte) ([]part, error) {
	f, err := uf2.Parse(content.Bytes(text))
	if err != nil {
		return nil, err
	}
	var list []part
	for _, p := range f.Parts {
		got := part{Name: p.String()}
		for _, r := range p.Runs {
			b, err := r.Data.Bytes()
			if err != nil {
				return nil, err
			}
			got.Runs = append(got.Runs, run{r.Addr, string(b)})
		}
		list = append(list, got)
	}
	return list, nil
}

func TestParse(t *testing.T) {
	const pico, other = 0xe48bff56, 0x1b57745f
	wake := block{0xa000, 0x10ffff00, 0, 0, 2, 0xe48bff57, strings.Repeat("\xef", 256) + "\x04\xe3\x57\x99"}
	wake.size = 256
	for _, c := range []struct {
		name string
		text []byte
		want []part
		err  string
	}{
		{"one", join(block{addr: 0x2000, total: 1, data: "abcd"}), []part{{"no family", []run{{0x2000, "abcd"}}}}, ""},
		{"no data", join(block{addr: 0x2000, total: 1}), []part{{"no family", nil}}, ""},
		{"out of order", join(block{addr: 4, number: 1, total: 2, data: "efgh"}, block{total: 2, data: "abcd"}),
			[]part{{"no family", []run{{0, "abcdefgh"}}}}, ""},
		{"a hole", join(block{total: 2, data: "abcd"}, block{addr: 8, number: 1, total: 2, data: "ijkl"}),
			[]part{{"no family", []run{{0, "abcd"}, {8, "ijkl"}}}}, ""},
		{"two families", join(block{0x2000, 0, 0, 0, 1, pico, "abcd"}, block{0x2000, 0, 0, 0, 1, other, "efgh"}),
			[]part{{"family 0xe48bff56", []run{{0, "abcd"}}}, {"family 0x1b57745f", []run{{0, "efgh"}}}}, ""},
		{"not for the main flash", join(block{total: 2, data: "abcd"}, block{flags: 1, number: 1, total: 2, data: "note"}),
			[]part{{"no family", []run{{0, "abcd"}}}}, ""},
		{"nothing for the main flash", join(block{flags: 1, total: 1, data: "note"}), nil, ""},
		{"a block that wakes the flash", append(wake.bytes(), join(block{0x2000, 0, 0, 0, 1, 0xe48bff59, "abcd"})...),
			[]part{{"family 0xe48bff59", []run{{0, "abcd"}}}}, ""},
		{"the last address", join(block{addr: 0xfffffffc, total: 1, data: "abcd"}), []part{{"no family", []run{{0xfffffffc, "abcd"}}}}, ""},

		{"empty", nil, nil, "the UF2 file has 0x0 bytes, which are no blocks of 512"},
		{"half a block", make([]byte, 256), nil, "the UF2 file has 0x100 bytes, which are no blocks of 512"},
		{"no magic", append(join(block{total: 1}), make([]byte, 512)...), nil, "block at offset 0x200 of the UF2 file: it does not start and end as a block does"},
		{"too much data", join(block{total: 1, size: 477}), nil, "block at offset 0x0 of the UF2 file: it has 0x1dd bytes of data, and there is room for 0x1dc"},
		{"data over the MD5 sum", join(block{flags: 0x4000, total: 1, size: 453}), nil, "block at offset 0x0 of the UF2 file: it has 0x1c5 bytes of data, and there is room for 0x1c4"},
		{"a part of a file", join(block{flags: 0x1000, total: 1}), nil, "block at offset 0x0 of the UF2 file: it has a part of a file with a name, which cannot be read: only data for addresses"},
		{"number", join(block{number: 1, total: 1}), nil, "block at offset 0x0 of the UF2 file: it has the number 1, and there are 1 blocks"},
		{"total", join(block{total: 2}, block{number: 1, total: 3}), nil, "block at offset 0x200 of the UF2 file: it says that there are 3 blocks, others say 2"},
		{"beyond the end", join(block{addr: 0xfffffffe, total: 1, data: "abcd"}), nil, "block at offset 0x0 of the UF2 file: it has data beyond the last address of 32 bits, at 0xfffffffe"},
		{"missing", join(block{total: 3}, block{number: 2, total: 3}), nil, "UF2 file, no family: block 1 of 3 is missing"},
		{"last one missing", join(block{0x2000, 0, 0, 0, 0xffffffff, pico, ""}), nil, "UF2 file, family 0xe48bff56: block 1 of 4294967295 is missing"},
		{"twice", join(block{total: 1}, block{total: 1}), nil, "UF2 file, no family: block 0 is there twice"},
		{"twice in the middle", join(block{total: 2}, block{total: 2}, block{number: 1, total: 2}), nil, "UF2 file, no family: block 0 is there twice"},
		{"an address twice", join(block{total: 2, data: "abcd"}, block{addr: 3, number: 1, total: 2, data: "efgh"}), nil, "UF2 file, no family: two blocks have the byte at address 0x3"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := parse(c.text)
			if c.err != "" {
				if err == nil || err.Error() != c.err {
					t.Errorf("%v, want %s", err, c.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func pattern(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i*7 ^ i>>8)
	}
	return b
}

func TestWrite(t *testing.T) {
	for _, n := range []int{0, 1, 255, 256, 257, 1000, 100000} {
		data := pattern(n)
		made, err := uf2.Write(content.Bytes(data), 0x10000000, 0xe48bff56, true)
		if err != nil {
			t.Fatal(err)
		}
		padded := append(bytes.Clone(data), make([]byte, -n&0xff)...)
		var want []byte
		for i := 0; i < len(padded); i += 256 {
			want = append(want, block{0x2000, 0x10000000 + uint32(i), 0, uint32(i / 256), uint32(len(padded) / 256), 0xe48bff56, string(padded[i : i+256])}.bytes()...)
		}
		if err := iotest.TestReader(made.NewReader(), want); err != nil {
			t.Fatalf("%d bytes: %v", n, err)
		}
		if n == 0 {
			continue
		}
		f, err := uf2.Parse(made)
		if err != nil {
			t.Fatal(err)
		}
		if err := iotest.TestReader(f.Parts[0].Image(0xff).NewReader(), padded); err != nil {
			t.Fatalf("%d bytes: %v", n, err)
		}
	}
	for _, bad := range []struct {
		size int64
		addr uint32
	}{{1, 2}, {257, 0xffffff00}, {1<<32 + 1, 0}} {
		if _, err := uf2.Write(content.Fill(0, bad.size), bad.addr, 0, false); err == nil {
			t.Errorf("%#x bytes at %#x are written", bad.size, bad.addr)
		}
	}
	// A file of 8 GiB takes no memory.
	huge, err := uf2.Write(content.Fill(0xff, 1<<32), 0, 0, false)
	if err != nil || huge.Len() != 1<<33 {
		t.Fatalf("%d bytes, %v", huge.Len(), err)
	}
	last, err := huge.Slice(1<<33-512, 512).Bytes()
	if err != nil {
		t.Fatal(err)
	}
	want := block{0, 0xffffff00, 0, 1<<24 - 1, 1 << 24, 0, strings.Repeat("\xff", 256)}.bytes()
	if !bytes.Equal(last, want) {
		t.Errorf("the last block is % x", last)
	}
}

// What was read and is written again reads the same; all ways to read the data of a
// file agree.
func FuzzParse(f *testing.F) {
	f.Add(join(block{addr: 4, number: 1, total: 2, data: "efgh"}, block{total: 2, data: "abcd"}))
	f.Add(join(block{0x2000, 0, 0, 0, 1, 5, "abcd"}, block{0x2000, 8, 0, 0, 1, 7, "efgh"}))
	f.Add(join(block{total: 2, data: "abcd"}, block{flags: 1, number: 1, total: 2, data: "note"}))
	f.Fuzz(func(t *testing.T, text []byte) {
		file, err := uf2.Parse(content.Bytes(text))
		if err != nil {
			return
		}
		for _, p := range file.Parts {
			for _, r := range p.Runs {
				want, err := r.Data.Bytes()
				if err != nil {
					t.Fatal(err)
				}
				var single []byte
				for i := range r.Data.Len() {
					b, err := r.Data.Slice(i, 1).Bytes()
					if err != nil {
						t.Fatal(err)
					}
					single = append(single, b...)
				}
				if !bytes.Equal(single, want) {
					t.Fatal("bytes one by one are others")
				}
				made, err := uf2.Write(r.Data, uint32(r.Addr), p.Family, p.HasFamily)
				if err != nil {
					continue // the address, or what fills the last block up
				}
				again, err := uf2.Parse(made)
				if err != nil {
					t.Fatal(err)
				}
				got := again.Parts[0]
				if got.Family != p.Family || got.HasFamily != p.HasFamily || len(got.Runs) != 1 || got.Runs[0].Addr != r.Addr {
					t.Fatalf("%v at %#x became %v with %d runs", p, r.Addr, got, len(got.Runs))
				}
				b, err := io.ReadAll(io.LimitReader(got.Image(0).NewReader(), r.Data.Len()))
				if err != nil || !bytes.Equal(b, want) {
					t.Fatalf("it reads otherwise: %v", err)
				}
			}
		}
	})
}
