// SPDX-License-Identifier: GPL-2.0-or-later

package ihex_test

import (
	"bytes"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"binman/content"
	"binman/format/ihex"
)

func lines(list ...string) []byte { return []byte(strings.Join(list, "\n") + "\n") }

const end = ":00000001FF"

func TestParse(t *testing.T) {
	for _, c := range []struct {
		name string
		text []byte
		want []ihex.Run
		err  string
	}{
		{"nothing", lines(end), nil, ""},
		{"no end", lines(":01000000AA55"), []ihex.Run{{0, []byte{0xaa}}}, ""},
		{"lower case, CRLF", []byte(":02000000aabb99\r\n:00000001ff\r\n"), []ihex.Run{{0, []byte{0xaa, 0xbb}}}, ""},
		{"what follows the end", lines(end, "nonsense"), nil, ""},
		{"joined in any order", lines(":0100010002FC", ":0100000001FE", end), []ihex.Run{{0, []byte{1, 2}}}, ""},
		{"upper half", lines(":020000040801F1", ":01FFFF0001 00"[:11]+"00", end), []ihex.Run{{0x0801ffff, []byte{1}}}, ""},
		{"segment", lines(":020000021000EC", ":0100010007F7", end), []ihex.Run{{0x10001, []byte{7}}}, ""},
		{"start address", lines(":0400000508000000EF", end), nil, ""},
		{"two starts", lines(":0400000508000000EF", ":0400000508000000EF"), nil, "line 2 of the HEX file: the start address is given twice"},
		{"checksum", lines(":01000000AA56"), nil, "line 1 of the HEX file: its checksum is wrong"},
		{"no colon", lines("01000000AA55"), nil, "line 1 of the HEX file: it does not start with a colon"},
		{"length", lines(":02000000AA54"), nil, "line 1 of the HEX file: it does not have the length that it gives"},
		{"no digits", lines(":0100000gAA55"), nil, "line 1 of the HEX file: it is not hexadecimal: encoding/hex: invalid byte: U+0067 'g'"},
		{"type", lines(":0000000BF5"), nil, "line 1 of the HEX file: a record of type 11 with 0 bytes is not known"},
		{"twice", lines(":0100000001FE", ":0100000001FE", end), nil, "the HEX file has the byte at address 0x0 twice"},
		{"beyond the end", lines(":02000004FFFFFC", ":02FFFF000102FD", end), nil, "line 2 of the HEX file: it has data beyond the last address of 32 bits, at 0xffffffff"},
	} {
		t.Run(c.name, func(t *testing.T) {
			f, err := ihex.Parse(c.text)
			if c.err != "" {
				if err == nil || err.Error() != c.err {
					t.Errorf("%v, want %s", err, c.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, f.Runs); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestWrite(t *testing.T) {
	piece := func(addr int64, n int) ihex.Piece { return ihex.Piece{Addr: addr, Data: content.Fill(0x11, int64(n))} }
	for _, c := range []struct {
		name   string
		pieces []ihex.Piece
		want   []byte
	}{
		{"nothing", nil, lines(end)},
		{"low", []ihex.Piece{piece(3, 2)}, lines(":020003001111D9", end)},
		{"of two joined pieces", []ihex.Piece{piece(0, 1), piece(1, 1)}, lines(":020000001111DC", end)},
		{"across 64 KiB", []ihex.Piece{piece(0xfffe, 4)}, lines(":020000040000FA", ":02FFFE001111DF", ":020000040001F9", ":020000001111DC", end)},
		{"a hole", []ihex.Piece{piece(0, 1), piece(0x20000, 1)}, lines(":020000040000FA", ":0100000011EE", ":020000040002F8", ":0100000011EE", end)},
	} {
		t.Run(c.name, func(t *testing.T) {
			var b bytes.Buffer
			if err := ihex.Write(&b, c.pieces); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(c.want), b.String()); diff != "" {
				t.Error(diff)
			}
		})
	}
	for _, bad := range [][]ihex.Piece{{piece(1<<32-1, 2)}, {piece(0, 4), piece(3, 1)}} {
		if err := ihex.Write(&bytes.Buffer{}, bad); err == nil {
			t.Errorf("%v is written", bad)
		}
	}
}

// A hole takes no memory.
func TestHole(t *testing.T) {
	text := lines(":0100000001FE", ":020000041000EA", ":0100000001FE", end)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f, err := ihex.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	image := f.Image(0xff)
	runtime.ReadMemStats(&after)
	if image.Len() != 1<<28+1 {
		t.Errorf("%#x bytes", image.Len())
	}
	if used := after.TotalAlloc - before.TotalAlloc; used > 1<<20 {
		t.Errorf("%d bytes of memory were used", used)
	}
}

// What was read and is written again reads the same.
func FuzzParse(f *testing.F) {
	f.Add(lines(":0100010002FC", ":0100000001FE", end))
	f.Add(lines(":020000040801F1", ":01FFFF000100", end))
	f.Add(lines(":020000021000EC", ":0100010007F7", ":0400000508000000EF"))
	f.Fuzz(func(t *testing.T, text []byte) {
		file, err := ihex.Parse(text)
		if err != nil {
			return
		}
		var pieces []ihex.Piece
		for _, r := range file.Runs {
			pieces = append(pieces, ihex.Piece{Addr: int64(r.Addr), Data: content.Bytes(r.Data)})
		}
		var b bytes.Buffer
		if err := ihex.Write(&b, pieces); err != nil {
			t.Fatal(err)
		}
		again, err := ihex.Parse(b.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(file.Runs, again.Runs); diff != "" {
			t.Fatal(diff)
		}
	})
}
