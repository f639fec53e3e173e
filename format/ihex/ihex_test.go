// SPDX-License-Identifier: GPL-2.0-or-later

package ihex_test

import (
	"bytes"
	"io"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"binman/content"
	"binman/format/addressed"
	"binman/format/ihex"
)

func lines(list ...string) []byte { return []byte(strings.Join(list, "\n") + "\n") }

const end = ":00000001FF"

// run is an addressed.Piece that can be compared.
type run struct {
	Addr int64
	Data string
}

// parse reads a file.
func parse(text []byte) ([]run, error) {
	f, err := ihex.Parse(content.Bytes(text))
	if err != nil {
		return nil, err
	}
	var list []run
	for _, r := range f.Runs {
		b, err := r.Data.Bytes()
		if err != nil {
			return nil, err
		}
		list = append(list, run{r.Addr, string(b)})
	}
	return list, nil
}

func TestParse(t *testing.T) {
	for _, c := range []struct {
		name string
		text []byte
		want []run
		err  string
	}{
		{"nothing", lines(end), nil, ""},
		{"no end", lines(":01000000AA55"), []run{{0, "\xaa"}}, ""},
		{"lower case, CRLF", []byte(":02000000aabb99\r\n:00000001ff\r\n"), []run{{0, "\xaa\xbb"}}, ""},
		{"what follows the end", lines(end, "nonsense"), nil, ""},
		{"joined in any order", lines(":0100010002FC", ":0100000001FE", end), []run{{0, "\x01\x02"}}, ""},
		{"upper half", lines(":020000040801F1", ":01FFFF0001 00"[:11]+"00", end), []run{{0x0801ffff, "\x01"}}, ""},
		{"segment", lines(":020000021000EC", ":0100010007F7", end), []run{{0x10001, "\x07"}}, ""},
		{"start address", lines(":0400000508000000EF", end), nil, ""},
		{"two starts", lines(":0400000508000000EF", ":0400000508000000EF"), nil, "line 2 of the HEX file: the start address is given twice"},
		{"a long line", append(lines(":"+strings.Repeat("0", 1<<17)), end...), nil, "line 1 of the HEX file: it is too long"},
		{"checksum", lines(":01000000AA56"), nil, "line 1 of the HEX file: its checksum is wrong"},
		{"no colon", lines("01000000AA55"), nil, "line 1 of the HEX file: it does not start with a colon"},
		{"length", lines(":02000000AA54"), nil, "line 1 of the HEX file: it does not have the length that it gives"},
		{"no digits", lines(":0100000gAA55"), nil, "line 1 of the HEX file: it is not hexadecimal: encoding/hex: invalid byte: U+0067 'g'"},
		{"type", lines(":0000000BF5"), nil, "line 1 of the HEX file: a record of type 11 with 0 bytes is not known"},
		{"twice", lines(":0100000001FE", ":0100000001FE", end), nil, "the HEX file has the byte at address 0x0 twice"},
		{"beyond the end", lines(":02000004FFFFFC", ":02FFFF000102FD", end), nil, "line 2 of the HEX file: it has data beyond the last address of 32 bits, at 0xffffffff"},
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
		want   []byte
	}{
		{"nothing", nil, lines(end)},
		{"low", []addressed.Piece{piece(3, 2)}, lines(":020003001111D9", end)},
		{"of two joined pieces", []addressed.Piece{piece(0, 1), piece(1, 1)}, lines(":020000001111DC", end)},
		{"across 64 KiB", []addressed.Piece{piece(0xfffe, 4)}, lines(":020000040000FA", ":02FFFE001111DF", ":020000040001F9", ":020000001111DC", end)},
		{"a hole", []addressed.Piece{piece(0, 1), piece(0x20000, 1)}, lines(":020000040000FA", ":0100000011EE", ":020000040002F8", ":0100000011EE", end)},
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
	for _, bad := range [][]addressed.Piece{{piece(1<<32-1, 2)}, {piece(0, 4), piece(3, 1)}} {
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
	f, err := ihex.Parse(content.Bytes(text))
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

// image is a file of many records, and its data.
func image(t testing.TB, size int) (text, data []byte) {
	data = make([]byte, size)
	for i := range data {
		data[i] = byte(i ^ i>>8 ^ i>>16)
	}
	var b bytes.Buffer
	if err := ihex.Write(&b, []addressed.Piece{{Addr: 0x8000000, Data: content.Bytes(data)}}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes(), data
}

// What is read takes as much memory as its data and a little more, in one run,
// and what is written takes next to none.
func TestMemory(t *testing.T) {
	text, data := image(t, 4<<20)
	used := func(do func()) uint64 {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		do()
		runtime.ReadMemStats(&after)
		return after.TotalAlloc - before.TotalAlloc
	}
	var f *addressed.File
	var err error
	if n := used(func() { f, err = ihex.Parse(content.Bytes(text)) }); err != nil || n > 5<<20 {
		t.Errorf("reading uses %d bytes: %v", n, err)
	}
	if len(f.Runs) != 1 || f.Runs[0].Data.Len() != int64(len(data)) {
		t.Fatalf("%d runs", len(f.Runs))
	}
	same, err := content.Equal(f.Runs[0].Data, content.Bytes(data))
	if !same || err != nil {
		t.Errorf("the data is another: %v", err)
	}
	if n := used(func() { err = ihex.Write(io.Discard, []addressed.Piece{{Data: f.Image(0)}}) }); err != nil || n > 1<<18 {
		t.Errorf("writing uses %d bytes: %v", n, err)
	}
}

func BenchmarkParse(b *testing.B) {
	text, data := image(b, 4<<20)
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ihex.Parse(content.Bytes(text)); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkWrite(b *testing.B) {
	_, data := image(b, 4<<20)
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		if err := ihex.Write(io.Discard, []addressed.Piece{{Addr: 0x8000000, Data: content.Bytes(data)}}); err != nil {
			b.Fatal(err)
		}
	}
}

// What was read and is written again reads the same.
func FuzzParse(f *testing.F) {
	f.Add(lines(":0100010002FC", ":0100000001FE", end))
	f.Add(lines(":020000040801F1", ":01FFFF000100", end))
	f.Add(lines(":020000021000EC", ":0100010007F7", ":0400000508000000EF"))
	f.Fuzz(func(t *testing.T, text []byte) {
		file, err := parse(text)
		if err != nil {
			return
		}
		var pieces []addressed.Piece
		for _, r := range file {
			pieces = append(pieces, addressed.Piece{Addr: r.Addr, Data: content.String(r.Data)})
		}
		var b bytes.Buffer
		if err := ihex.Write(&b, pieces); err != nil {
			t.Fatal(err)
		}
		again, err := parse(b.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(file, again); diff != "" {
			t.Fatal(diff)
		}
	})
}
