// SPDX-License-Identifier: GPL-2.0-or-later

package elf

import (
	"errors"
	"io/fs"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"binman/content"
	"binman/internal/testelf"
)

// embedding is a program with room for a device tree from 0x1010 to its end.
func embedding(k testelf.File) testelf.File {
	k.Segments = []testelf.Segment{{Address: 0x1000, Data: count(0x40), MemSize: 0x60}}
	k.Symbols = []testelf.Symbol{
		{Name: "__dtb_begin", Value: 0x1010},
		{Name: "__dtb_begin_too", Value: 0x1012},
		{Name: "__dtb_mid", Value: 0x1020},
		{Name: "__dtb_end", Value: 0x1040},
		{Name: "__bss_end", Value: 0x1060},
	}
	return k
}

func TestUpdateFile(t *testing.T) {
	for _, k := range kinds {
		t.Run(k.name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			in := embedding(k.file).Bytes()
			if err := os.WriteFile("in", in, 0o666); err != nil {
				t.Fatal(err)
			}
			for _, test := range []struct{ end, data, want string }{
				{"__dtb_mid", "hello", "hello" + strings.Repeat("\x00", 11)},
				{"__dtb_mid", "exactly sixteen.", "exactly sixteen."},
				{"__dtb_mid", "", strings.Repeat("\x00", 16)},
				{"__dtb_end", "to the end", "to the end" + strings.Repeat("\x00", 0x26)},
			} {
				if err := UpdateFile("in", "out", "__dtb_begin", test.end, content.String(test.data), nil); err != nil {
					t.Fatal(err)
				}
				at, _ := mustParse(t, embedding(k.file)).FileOffset(0x1010)
				want := string(in[:at]) + test.want + string(in[int(at)+len(test.want):])
				if got, err := os.ReadFile("out"); err != nil || string(got) != want {
					t.Errorf("%q up to %s: got\n%q, %v\nwant\n%q", test.data, test.end, got, err, want)
				}
			}
			// In place.
			if err := UpdateFile("in", "in", "__dtb_begin", "__dtb_end", content.Fill('x', 0x30), nil); err != nil {
				t.Fatal(err)
			}
			if got, err := os.ReadFile("in"); err != nil || len(got) != len(in) || !strings.Contains(string(got), "\x0f"+strings.Repeat("x", 0x30)) {
				t.Errorf("in place: %q, %v", got, err)
			}
		})
	}
}

func TestUpdateFileLog(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.WriteFile("in", embedding(testelf.File{}).Bytes(), 0o666); err != nil {
		t.Fatal(err)
	}
	var got logged
	if err := UpdateFile("in", "out", "__dtb_begin", "__dtb_mid", content.String("hello"), got.add); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(logged{
		"0 Creating file 'out' with data length 0x5 (5) between symbols '__dtb_begin' and '__dtb_mid'",
		"1 Written to offset 0x90",
	}, got); d != "" {
		t.Errorf("log (-want +got):\n%s", d)
	}
}

func TestUpdateFileErrors(t *testing.T) {
	for _, test := range []struct {
		name, in, begin, end string
		data                 content.Data
		want                 string
		is                   error
	}{
		{"no symbols", "in", "aa", "bb", content.String("x"), "Expected two symbols 'aa' and 'bb': got 0: ", nil},
		{"one symbol", "in", "__dtb_begin", "bb", content.String("x"), "Expected two symbols '__dtb_begin' and 'bb': got 1: __dtb_begin", nil},
		{"the same symbol", "in", "__dtb_end", "__dtb_end", content.String("x"), "Expected two symbols '__dtb_end' and '__dtb_end': got 1: __dtb_end", nil},
		{"too long", "in", "__dtb_begin", "__dtb_mid", content.Fill(1, 17), "Not enough space in 'in' for data length 0x11 (17); size is 0x10 (16)", ErrNoSpace},
		{"wrong order", "in", "__dtb_mid", "__dtb_begin", content.Data{}, "Not enough space in 'in' for data length 0x0 (0); size is -0x10 (-16)", ErrNoSpace},
		{"begin not in the file", "in", "__bss_end", "__dtb_end", content.Data{}, "symbol '__bss_end' at address 0x1060 is in no segment of 'in' that has bytes", nil},
		{"end not in the file", "in", "__dtb_begin", "__bss_end", content.Data{}, "symbol '__bss_end' at address 0x1060 is in no segment of 'in' that has bytes", nil},
		{"no file", "none", "__dtb_begin", "__dtb_end", content.Data{}, "[Errno 2] No such file or directory: 'none'", fs.ErrNotExist},
		{"no ELF file", "text", "__dtb_begin", "__dtb_end", content.Data{}, "'text': Magic number does not match", ErrMagic},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			for name, b := range map[string][]byte{"in": embedding(testelf.File{}).Bytes(), "text": []byte("text")} {
				if err := os.WriteFile(name, b, 0o666); err != nil {
					t.Fatal(err)
				}
			}
			err := UpdateFile(test.in, "out", test.begin, test.end, test.data, nil)
			if err == nil || err.Error() != test.want {
				t.Errorf("got  %v\nwant %s", err, test.want)
			}
			if test.is != nil && !errors.Is(err, test.is) {
				t.Errorf("it is not %v", test.is)
			}
			if _, err := os.Stat("out"); !errors.Is(err, fs.ErrNotExist) {
				t.Error("a file was written")
			}
		})
	}
}
