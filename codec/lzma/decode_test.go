// SPDX-License-Identifier: GPL-2.0-or-later

package lzma

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"runtime"
	"strings"
	"testing"
)

func mustEncode(t testing.TB, data []byte, p Params) []byte {
	t.Helper()
	out, err := Encode(data, p)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestDecodePrefix(t *testing.T) {
	data := text(5000)
	file := mustEncode(t, data, Binman())
	for _, rest := range []string{"", "\x00", "\x00\x00\x00\x00", "\xff\xff\xff\xff\xff\xff", string(file)} {
		got, n, err := DecodePrefix(append(bytes.Clone(file), rest...), 5000)
		if err != nil {
			t.Fatal(err)
		}
		if n != int64(len(file)) {
			t.Errorf("consumed %d bytes, the file has %d", n, len(file))
		}
		mustEqual(t, "DecodePrefix", got, data)
	}
}

// markedFile is a file with an end marker and the given size in the header.
func markedFile(data []byte, size uint64) []byte {
	p, _ := Default().normal()
	e := newEncoder(data, p)
	defer e.scout.stop()
	e.rc.out = make([]byte, headerSize)
	e.rc.out[0] = p.properties()
	binary.LittleEndian.PutUint32(e.rc.out[1:], uint32(p.DictSize))
	binary.LittleEndian.PutUint64(e.rc.out[5:], size)
	e.rc.reset()
	for e.pos < len(data) {
		e.send(e.nextPacket())
	}
	ps := uint32(e.pos) & e.posMask
	e.rc.bit(&e.isMatch[e.state][ps], 1)
	e.rc.bit(&e.isRep[e.state], 0)
	e.rc.length(&e.model.match, minLen, ps)
	e.sendDistance(0, math.MaxUint32)
	e.rc.flush()
	return e.rc.out
}

func TestEndMarker(t *testing.T) {
	data := text(3000)
	for _, test := range []struct {
		name string
		size uint64
		want string
	}{
		{"unknown size", math.MaxUint64, ""},
		{"known size", 3000, ""},
		{"marker before the known size", 3001, "ends after 3000 bytes, the header says 3001"},
		{"data after the known size", 2990, "corrupt data"},
	} {
		t.Run(test.name, func(t *testing.T) {
			file := markedFile(data, test.size)
			got, n, err := DecodePrefix(append(file, 1, 2, 3), 4000)
			if test.want != "" {
				if !errors.Is(err, ErrCorrupt) || !strings.Contains(err.Error(), test.want) {
					t.Fatalf("error %v, want %q", err, test.want)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			mustEqual(t, "DecodePrefix", got, data)
			if n != int64(len(file)) {
				t.Errorf("consumed %d bytes of %d", n, len(file))
			}
		})
	}
}

func TestDecodeErrors(t *testing.T) {
	good := mustEncode(t, []byte("some data, some more data, and some more"), Default())
	with := func(at int, b ...byte) []byte {
		file := bytes.Clone(good)
		copy(file[at:], b)
		return file
	}
	for _, test := range []struct {
		name  string
		file  []byte
		limit int64
		is    error
		want  string
	}{
		{"nothing", nil, 100, ErrCorrupt, "at offset 0: corrupt data: the LZMA header is cut off"},
		{"half a header", good[:12], 100, ErrCorrupt, "at offset 12: corrupt data: the LZMA header is cut off"},
		{"header only", good[:13], 100, ErrCorrupt, "cut off"},
		{"properties", with(0, 225), 100, ErrCorrupt, "at offset 0: corrupt data: LZMA properties 0xe1"},
		{"first byte of stream", with(13, 1), 100, ErrCorrupt, "at offset 13"},
		{"impossible code", with(13, 0, 0xff, 0xff, 0xff, 0xff), 100, ErrCorrupt, "at offset 13"},
		{"larger than limit", good, 39, ErrTooLarge, "the header says 40 bytes, the limit is 39"},
		{"negative limit", good, -1, ErrTooLarge, "the limit is -1"},
		{"huge size", with(5, 0, 0, 0, 0, 0, 0, 1), 1 << 40, ErrTooLarge, "281474976710656"},
		{"size too small", with(5, 30), 100, ErrCorrupt, "past the end"},
		{"size too small for literals", with(5, 3), 100, ErrCorrupt, "goes on after the 3 bytes"},
		{"size too large", with(5, 90), 100, ErrCorrupt, "at offset"},
		{"last byte missing", good[:len(good)-1], 100, ErrCorrupt, "cut off"},
		{"a byte more", append(bytes.Clone(good), 0), 100, ErrCorrupt, "1 bytes follow the stream"},
		{"unknown size, larger than limit", markedFile(make([]byte, 1000), math.MaxUint64), 999, ErrTooLarge, "more than 999 bytes"},
		{"unknown size, literals above limit", markedFile([]byte("abcdef"), math.MaxUint64), 5, ErrTooLarge, "more than 5 bytes"},
		{"distance above dictionary", dictLie(), 1 << 20, ErrCorrupt, "a dictionary of 4096"},
	} {
		t.Run(test.name, func(t *testing.T) {
			out, err := Decode(test.file, test.limit)
			if !errors.Is(err, test.is) || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want %v with %q", err, test.is, test.want)
			}
			if out != nil {
				t.Errorf("%d bytes of output beside the error", len(out))
			}
		})
	}
}

// dictLie is a file whose matches reach further than its header promises.
func dictLie() []byte {
	data := new(dice).bytes(5000)
	file, err := Encode(append(data, data...), Default())
	if err != nil {
		panic(err)
	}
	binary.LittleEndian.PutUint32(file[1:], minDict)
	return file
}

// Every cut-off or damaged file must give an error or other data, within the
// limit, and never a panic.
func TestDamage(t *testing.T) {
	data := firmware()[60_000:68_000]
	file := mustEncode(t, data, Params{LC: 3, LP: 1, PB: 1})
	chunks, err := Encode2(data, Default())
	if err != nil {
		t.Fatal(err)
	}
	for n := range file {
		if _, err := Decode(file[:n], 8000); !errors.Is(err, ErrCorrupt) {
			t.Fatalf("cut at %d: %v", n, err)
		}
	}
	for n := range chunks {
		if _, _, err := Decode2Prefix(chunks[:n], 8<<20, 8000); !errors.Is(err, ErrCorrupt) {
			t.Fatalf("LZMA2 cut at %d: %v", n, err)
		}
	}
	d := dice(20)
	for range 2000 {
		bad := bytes.Clone(file)
		for range 1 + d.below(3) {
			bad[d.below(len(bad))] ^= byte(1 + d.below(255))
		}
		checkDecode(t, bad, 10_000)
		bad = bytes.Clone(chunks)
		bad[d.below(len(bad))] ^= byte(1 + d.below(255))
		checkDecode2(t, bad, 10_000)
	}
}

func checkDecode(t *testing.T, file []byte, limit int64) {
	t.Helper()
	out, n, err := DecodePrefix(file, limit)
	checkResult(t, file, out, n, limit, err)
}

func checkDecode2(t *testing.T, file []byte, limit int64) {
	t.Helper()
	out, n, err := Decode2Prefix(file, 1<<20, limit)
	checkResult(t, file, out, n, limit, err)
}

func checkResult(t *testing.T, file, out []byte, n, limit int64, err error) {
	t.Helper()
	switch {
	case err != nil && !errors.Is(err, ErrCorrupt) && !errors.Is(err, ErrTooLarge):
		t.Fatalf("error without a known cause: %v", err)
	case err != nil && (out != nil || n != 0):
		t.Fatalf("error %v with %d bytes of output, %d consumed", err, len(out), n)
	case err == nil && (n < 1 || n > int64(len(file))):
		t.Fatalf("consumed %d of %d bytes", n, len(file))
	case int64(len(out)) > limit || int64(cap(out)) > limit:
		t.Fatalf("output of %d bytes, room for %d, limit %d", len(out), cap(out), limit)
	}
}

// A header may claim what it likes: memory follows the data.
func TestMemory(t *testing.T) {
	file := mustEncode(t, []byte("small"), Params{LC: 8, LP: 4})
	binary.LittleEndian.PutUint32(file[1:], math.MaxUint32) // dictionary
	binary.LittleEndian.PutUint64(file[5:], 1<<40)          // size
	allocated := func(f func()) uint64 {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		f()
		runtime.ReadMemStats(&after)
		return after.TotalAlloc - before.TotalAlloc
	}
	var err error
	got := allocated(func() { _, err = Decode(file, math.MaxInt64) })
	if !errors.Is(err, ErrCorrupt) && !errors.Is(err, ErrTooLarge) {
		t.Errorf("error %v", err)
	}
	if got > 8<<20 {
		t.Errorf("%d bytes allocated for a file of %d bytes", got, len(file))
	}

	bomb := markedFile(make([]byte, 6<<20), math.MaxUint64)
	got = allocated(func() { _, err = Decode(bomb, 1<<20) })
	if !errors.Is(err, ErrTooLarge) {
		t.Errorf("error %v", err)
	}
	if got > 3<<20 {
		t.Errorf("%d bytes allocated with a limit of 1 MiB", got)
	}
}

func TestDecode2Errors(t *testing.T) {
	lzmaChunk, err := Encode2(bytes.Repeat([]byte("abcd"), 20), Default())
	if err != nil {
		t.Fatal(err)
	}
	body := lzmaChunk[:len(lzmaChunk)-1] // without the end byte
	with := func(at int, b byte) []byte {
		c := bytes.Clone(lzmaChunk)
		c[at] = b
		return c
	}
	join := func(parts ...[]byte) []byte { return bytes.Join(parts, nil) }
	stored := []byte{1, 0, 1, 'x', 'y'}
	for _, test := range []struct {
		name  string
		in    []byte
		limit int64
		is    error
		want  string // or the data when is is nil
	}{
		{"empty stream", []byte{0}, 10, nil, ""},
		{"stored", join(stored, []byte{2, 0, 0, 'z', 0}), 10, nil, "xyz"},
		{"two dictionaries", join(stored, stored, []byte{0}), 10, nil, "xyxy"},
		{"nothing", nil, 10, ErrCorrupt, "at offset 0: corrupt data: the LZMA2 stream ends without"},
		{"no end byte", stored, 10, ErrCorrupt, "at offset 5: corrupt data: the LZMA2 stream ends without"},
		{"control byte", []byte{3}, 10, ErrCorrupt, "control byte 0x03"},
		{"stored before dictionary reset", []byte{2, 0, 0, 'z', 0}, 10, ErrCorrupt, "does not reset the dictionary"},
		{"LZMA before dictionary reset", with(0, 0xc0), 100, ErrCorrupt, "does not reset what"},
		{"LZMA after stored without properties", join(stored, with(0, 0xa0)), 100, ErrCorrupt, "at offset 5: corrupt data: LZMA2 control byte 0xa0 does not reset what"},
		{"LZMA after a second dictionary without properties", join(body, stored, with(0, 0xa0)), 200, ErrCorrupt, "control byte 0xa0 does not reset what"},
		{"LZMA after stored with state kept", join(body, []byte{2, 0, 0, 'z', 0x80, 0, 0, 0, 0, 0, 0}), 200, ErrCorrupt, "control byte 0x80 does not reset what"},
		{"stored header cut", []byte{1, 0}, 10, ErrCorrupt, "header is cut off"},
		{"stored data cut", []byte{1, 0, 5, 'x'}, 10, ErrCorrupt, "stored chunk of 6 bytes is cut off"},
		{"stored above limit", []byte{1, 0, 5, 1, 2, 3, 4, 5, 6, 0}, 5, ErrTooLarge, "more than 5 bytes"},
		{"LZMA header cut", body[:5], 100, ErrCorrupt, "header is cut off"},
		{"LZMA cut", body[:len(body)-1], 100, ErrCorrupt, "is cut off"},
		{"LZMA above limit", lzmaChunk, 79, ErrTooLarge, "more than 79 bytes"},
		{"properties", with(5, 225), 100, ErrCorrupt, "at offset 5: corrupt data: LZMA2 properties 0xe1"},
		{"lc+lp", with(5, 9+8), 100, ErrCorrupt, "LZMA2 properties 0x11"},
		{"range code", with(6, 1), 100, ErrCorrupt, "at offset 6"},
		{"unpacked size", with(2, 70), 100, ErrCorrupt, "corrupt data"},
		{"distance into old dictionary", join(bytes.Repeat(stored, 9), []byte{0xe0, 0, 1, 0, 9, 0}, bytes.Repeat([]byte{0xaa}, 10)), 100, ErrCorrupt, "corrupt data"},
	} {
		t.Run(test.name, func(t *testing.T) {
			out, _, err := Decode2Prefix(test.in, 1<<20, test.limit)
			if test.is == nil {
				if err != nil || string(out) != test.want {
					t.Errorf("got %q, %v, want %q", out, err, test.want)
				}
				return
			}
			if !errors.Is(err, test.is) || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want %v with %q", err, test.is, test.want)
			}
		})
	}
}
