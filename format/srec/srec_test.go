// SPDX-License-Identifier: GPL-2.0-or-later

package srec_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"binman/content"
	"binman/format/addressed"
	"binman/format/srec"
	"binman/internal/judge"
)

func lines(list ...string) []byte { return []byte(strings.Join(list, "\r\n") + "\r\n") }

const (
	header = "S0030000FC"
	end    = "S9030000FC"
)

// file is an srec.File that can be compared.
type file struct {
	Header string
	Entry  uint32
	Runs   []run
}

type run struct {
	Addr int64
	Data string
}

func parse(text []byte) (file, error) {
	f, err := srec.Parse(content.Bytes(text))
	if err != nil {
		return file{}, err
	}
	got := file{Header: f.Header, Entry: f.Entry}
	for _, r := range f.Runs {
		b, err := r.Data.Bytes()
		if err != nil {
			return file{}, err
		}
		got.Runs = append(got.Runs, run{r.Addr, string(b)})
	}
	return got, nil
}

func TestParse(t *testing.T) {
	for _, c := range []struct {
		name string
		text []byte
		want file
		err  string
	}{
		{"nothing", lines(end), file{}, ""},
		{"no end", lines("S1040000AA51"), file{Runs: []run{{0, "\xaa"}}}, ""},
		{"lower case, LF", []byte("S1050000aabb95\nS9030000fc\n"), file{Runs: []run{{0, "\xaa\xbb"}}}, ""},
		{"header and entry point", lines("S00600004844521B", "S5030000FC", "S8041234565F"), file{Header: "HDR", Entry: 0x123456}, ""},
		{"what follows the end", lines(end, "nonsense"), file{}, ""},
		{"joined in any order", lines("S104000102F8", "S104000001FA", "S5030002FA", end), file{Runs: []run{{0, "\x01\x02"}}}, ""},
		{"all sizes of addresses", lines("S104000001FA", "S20501000001F8", "S3060100000001F7", "S604000003F8", "S70500000000FA"),
			file{Runs: []run{{0, "\x01"}, {0x10000, "\x01"}, {0x1000000, "\x01"}}}, ""},
		{"the last address", lines("S306FFFFFFFF01FC", end), file{Runs: []run{{0xffffffff, "\x01"}}}, ""},
		{"count", lines("S104000001FA", "S5030002FA"), file{}, "line 2 of the S-record file: it says that there are 2 records with data in front of it, and there are 1"},
		{"a long line", append(lines("S1"+strings.Repeat("0", 1<<17)), end...), file{}, "line 1 of the S-record file: it is too long"},
		{"checksum", lines("S1040000AA52"), file{}, "line 1 of the S-record file: its checksum is wrong"},
		{"no letter", lines(header, "1040000AA51"), file{}, "line 2 of the S-record file: it does not start with an S and a digit"},
		{"length", lines("S1050000AA50"), file{}, "line 1 of the S-record file: it does not have the length that it gives"},
		{"less than an address", lines("S10200FD"), file{}, "line 1 of the S-record file: it does not have the length that it gives"},
		{"no digits", lines("S104000gAA51"), file{}, "line 1 of the S-record file: it is not hexadecimal: encoding/hex: invalid byte: U+0067 'g'"},
		{"type", lines("S4030000FC"), file{}, "line 1 of the S-record file: a record of type S4 is not known"},
		{"twice", lines("S104000001FA", "S104000001FA", end), file{}, "the S-record file has the byte at address 0x0 twice"},
		{"beyond the end", lines("S307FFFFFFFF0102F9", end), file{}, "line 1 of the S-record file: it has data beyond the last address of 32 bits, at 0xffffffff"},
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

func TestWrite(t *testing.T) {
	piece := func(addr int64, n int) addressed.Piece {
		return addressed.Piece{Addr: addr, Data: content.Fill(0x11, int64(n))}
	}
	for _, c := range []struct {
		name   string
		pieces []addressed.Piece
		entry  uint32
		want   []byte
	}{
		{"nothing", nil, 0, lines(header, end)},
		{"low", []addressed.Piece{piece(3, 2)}, 3, lines(header, "S10500031111D5", "S9030003F9")},
		{"up to 64 KiB", []addressed.Piece{piece(0xffff, 1)}, 0, lines(header, "S104FFFF11EC", end)},
		{"across 64 KiB", []addressed.Piece{piece(0xffff, 2)}, 0, lines(header, "S20600FFFF1111D9", "S804000000FB")},
		{"from 16 MiB on", []addressed.Piece{piece(1<<24, 1)}, 0, lines(header, "S3060100000011E7", "S70500000000FA")},
		{"a high entry point", []addressed.Piece{piece(0, 1)}, 1 << 24, lines(header, "S3060000000011E8", "S70501000000F9")},
		{"two pieces as one", []addressed.Piece{piece(0, 1), piece(1, 1)}, 0, lines(header, "S10500001111D8", end)},
		{"a hole", []addressed.Piece{piece(0, 17), piece(0x20, 1)}, 0, lines(header, "S113000011111111111111111111111111111111DC", "S104001011DA", "S104002011CA", end)},
	} {
		t.Run(c.name, func(t *testing.T) {
			var b bytes.Buffer
			if err := srec.Write(&b, c.pieces, "", c.entry); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(c.want), b.String()); diff != "" {
				t.Error(diff)
			}
		})
	}
	for _, bad := range [][]addressed.Piece{{piece(1<<32-1, 2)}, {piece(0, 4), piece(3, 1)}, {piece(-1, 1)}} {
		if err := srec.Write(&bytes.Buffer{}, bad, "", 0); err == nil {
			t.Errorf("%v is written", bad)
		}
	}
}

func pattern(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i*7 ^ i>>8)
	}
	return b
}

// objcopy writes the same of data at addresses.
func TestObjcopy(t *testing.T) {
	objcopy := judge.Need(t, "objcopy")
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	run := func(args ...string) {
		t.Helper()
		cmd := exec.Command(objcopy, args...)
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v: %v\n%s", args, err, out)
		}
	}
	write := func(name, header string, entry uint32, pieces ...addressed.Piece) []byte {
		t.Helper()
		var b bytes.Buffer
		if err := srec.Write(&b, pieces, header, entry); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(at(name), b.Bytes(), 0o666); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	same := func(t *testing.T, want string, got []byte) {
		t.Helper()
		b, err := os.ReadFile(at(want))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(strings.Split(string(b), "\n"), strings.Split(string(got), "\n")); diff != "" {
			t.Error(diff)
		}
	}
	long := "a_name_that_is_longer_than_what_a_header_has.srec"
	for _, n := range []int{1, 15, 16, 17, 70000} {
		for _, addr := range []int64{0, 1, 0xfff0, 0xffff, 0x10000, 0xfffff0, 0x1000000, 0x08000000, 0xfffe0000} {
			for _, name := range []string{"u-boot.srec", long} {
				t.Run(fmt.Sprintf("%d at %#x in %s", n, addr, name), func(t *testing.T) {
					data := pattern(n)
					if err := os.WriteFile(at("data.bin"), data, 0o666); err != nil {
						t.Fatal(err)
					}
					run("-I", "binary", "-O", "srec", "--change-addresses", fmt.Sprint(addr), "data.bin", name)
					same(t, name, write("ours.srec", name, uint32(addr), addressed.Piece{Addr: addr, Data: content.Bytes(data)}))
				})
			}
		}
	}
	// What it reads it writes again in the same way, and it sees the same image.
	pieces := []addressed.Piece{
		{Addr: 0x8000, Data: content.Bytes(pattern(100))},
		{Addr: 0x8100, Data: content.Bytes(pattern(50000))},
		{Addr: 0x20001, Data: content.Bytes(pattern(3))},
	}
	got := write("ours.srec", "again.srec", 0x8010, pieces...)
	run("-I", "srec", "-O", "srec", "ours.srec", "again.srec")
	same(t, "again.srec", got)
	run("-I", "srec", "-O", "binary", "--gap-fill", "0x55", "ours.srec", "image.bin")
	f, err := srec.Parse(content.Bytes(got))
	if err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile(at("image.bin"))
	if err != nil {
		t.Fatal(err)
	}
	if equal, err := content.Equal(f.Image(0x55), content.Bytes(want)); !equal || err != nil {
		t.Errorf("the image is another: %v", err)
	}
}

// What was read and is written again reads the same.
func FuzzParse(f *testing.F) {
	f.Add(lines("S104000102F8", "S104000001FA", "S5030002FA", end))
	f.Add(lines("S00600004844521B", "S20501000001F8", "S3060100000001F7", "S70501000000F9"))
	f.Fuzz(func(t *testing.T, text []byte) {
		got, err := parse(text)
		if err != nil {
			return
		}
		var pieces []addressed.Piece
		for _, r := range got.Runs {
			pieces = append(pieces, addressed.Piece{Addr: r.Addr, Data: content.String(r.Data)})
		}
		var b bytes.Buffer
		if err := srec.Write(&b, pieces, got.Header, got.Entry); err != nil {
			t.Fatal(err)
		}
		again, err := parse(b.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		got.Header = got.Header[:min(len(got.Header), 40)]
		if diff := cmp.Diff(got, again); diff != "" {
			t.Fatal(diff)
		}
	})
}
