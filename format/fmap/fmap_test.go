// SPDX-License-Identifier: GPL-2.0-or-later

package fmap_test

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"binman/format/fmap"
	"binman/format/verify"
	"binman/internal/golden"
	"binman/internal/judge"
)

// sample is a map as a layout makes it: a section before what it holds, and
// one area that updates leave alone.
func sample() *fmap.Map {
	m := fmap.New(0x400000, "fmap")
	m.Add(0, 0x1000, "u-boot-spl", 0)
	m.Add(0x1000, 0x2000, "rw-section", fmap.Preserve)
	m.Add(0x1000, 0x800, "u-boot", 0)
	m.Add(0x3ff000, 0x1000, "fmap", 0)
	return m
}

func mustMarshal(t testing.TB, m *fmap.Map) []byte {
	t.Helper()
	data, err := m.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestMarshalGolden(t *testing.T) {
	got := mustMarshal(t, sample())
	golden.Compare(t, "sample.fmap", got)
}

func TestRoundTrip(t *testing.T) {
	want := sample()
	want.Minor = 1
	want.Base = 0xffc00000
	data := mustMarshal(t, want)
	got, err := fmap.Parse(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if err := verify.First(got.Verify(nil, 0, nil)); err != nil {
		t.Error(err)
	}
	if items := got.List(); len(items) != 4 || items[1].Name != "RW_SECTION" || items[1].Offset != 0x1000 || items[1].Size != 0x2000 {
		t.Errorf("List() = %+v", items)
	}
}

func TestName(t *testing.T) {
	for in, want := range map[string]string{
		"u-boot":      "U_BOOT",
		"ro_section@": "RO_SECTION@",
		"a\x00b":      "AB",
		"":            "",
	} {
		if got := fmap.Name(in); got != want {
			t.Errorf("Name(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestMarshalCutsLongAreaNames(t *testing.T) {
	m := fmap.New(0x1000, "fmap")
	m.Add(0, 1, strings.Repeat("x", 40), 0)
	data := mustMarshal(t, m)
	got, err := fmap.Parse(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	if want := strings.Repeat("X", 32); got.Areas[0].Name != want {
		t.Errorf("name %q, want %q", got.Areas[0].Name, want)
	}
}

func TestMarshalErrors(t *testing.T) {
	for _, c := range []struct {
		name string
		edit func(*fmap.Map)
		want string
	}{
		{"flash of more than 4 GiB", func(m *fmap.Map) { m.Size = 1 << 32 }, "must fit in 32 bits"},
		{"negative flash size", func(m *fmap.Map) { m.Size = -1 }, "must fit in 32 bits"},
		{"area offset", func(m *fmap.Map) { m.Areas[2].Offset = 1 << 32 }, "area 'U_BOOT' at offset 0x100000000"},
		{"negative area size", func(m *fmap.Map) { m.Areas[0].Size = -4 }, "both must fit in 32 bits"},
		{"long name", func(m *fmap.Map) { m.Name = strings.Repeat("N", 32) }, "the most is 31"},
		{"space in name", func(m *fmap.Map) { m.Name = "A B" }, "not a graphic character"},
		{"too many areas", func(m *fmap.Map) { m.Areas = make([]fmap.Area, math.MaxUint16+1) }, "65536 areas"},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := sample()
			c.edit(m)
			if _, err := m.Marshal(); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want an error with %q", err, c.want)
			}
		})
	}
}

func TestParseErrors(t *testing.T) {
	for _, c := range []struct {
		name string
		edit func([]byte) []byte
		want string
	}{
		{"empty", func(b []byte) []byte { return nil }, "FMAP header at offset 0x0 with size 0x38 is outside the image of 0x0 bytes"},
		{"cut in the header", func(b []byte) []byte { return b[:40] }, "outside the image"},
		{"cut in the areas", func(b []byte) []byte { return b[:len(b)-1] }, "table of 4 FMAP areas"},
		{"other signature", func(b []byte) []byte { b[7] = '!'; return b }, "no signature"},
		{"other version", func(b []byte) []byte { b[8] = 2; return b }, "version 2.0, only 1.x is known"},
		{"name not terminated", func(b []byte) []byte { copy(b[22:54], bytes.Repeat([]byte("A"), 32)); return b }, "not terminated"},
		{"name of control characters", func(b []byte) []byte { b[22] = 1; return b }, "byte 0x01"},
		{"more areas than bytes", func(b []byte) []byte { b[54], b[55] = 0xff, 0xff; return b }, "table of 65535 FMAP areas"},
	} {
		t.Run(c.name, func(t *testing.T) {
			data := c.edit(mustMarshal(t, sample()))
			_, err := fmap.Parse(bytes.NewReader(data), int64(len(data)))
			if !errors.Is(err, fmap.ErrFormat) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want a format error with %q", err, c.want)
			}
			if fmap.Detect(bytes.NewReader(data), int64(len(data))) {
				t.Error("Detect takes it for a map")
			}
		})
	}
}

func TestVerifyReportsAreasOutsideTheFlash(t *testing.T) {
	m := sample()
	m.Areas[3].Size++
	if err := verify.First(m.Verify(nil, 0, nil)); err == nil || !strings.Contains(err.Error(), "area 3 'FMAP'") {
		t.Errorf("got %v", err)
	}
}

// TestFindPassesOverDecoys puts what real images hold before the map: the
// signature as a constant of some program, and a damaged map.
func TestFindPassesOverDecoys(t *testing.T) {
	img := bytes.Repeat([]byte{0xff}, 0x100000)
	copy(img[0x10:], "searching for __FMAP__ in flash\x00")
	damaged := mustMarshal(t, sample())
	damaged[8] = 9
	copy(img[0x2000:], damaged)
	tiny := sample()
	tiny.Size = 16
	copy(img[0x3000:], mustMarshal(t, tiny))
	copy(img[0x8123:], mustMarshal(t, sample()))
	copy(img[len(img)-8:], "__FMAP__")

	m, off, err := fmap.Find(bytes.NewReader(img), int64(len(img)), 0)
	if err != nil || off != 0x8123 {
		t.Fatalf("Find = offset %#x, %v; want 0x8123", off, err)
	}
	if diff := cmp.Diff(sample(), m); diff != "" {
		t.Error(diff)
	}
	if _, _, err := fmap.Find(bytes.NewReader(img), int64(len(img)), off+1); !errors.Is(err, fmap.ErrNotFound) {
		t.Errorf("after the only map: got %v, want ErrNotFound", err)
	}
}

// TestDumpFmap has Chromium OS's own reader list our map.
func TestDumpFmap(t *testing.T) {
	tool := judge.Need(t, "dump_fmap")
	img := bytes.Repeat([]byte{0xff}, 0x400000)
	copy(img[0x3ff000:], mustMarshal(t, sample()))
	path := filepath.Join(t.TempDir(), "flash.bin")
	if err := os.WriteFile(path, img, 0o666); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(tool, "-p", path).Output()
	if err != nil {
		t.Fatal(err)
	}
	var want strings.Builder
	for _, a := range sample().Areas {
		fmt.Fprintf(&want, "%s %d %d\n", a.Name, a.Offset, a.Size)
	}
	if diff := cmp.Diff(want.String(), string(out)); diff != "" {
		t.Error(diff)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(mustMarshal(f, sample()))
	f.Add(mustMarshal(f, fmap.New(0, "")))
	f.Add([]byte("__FMAP__"))
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := fmap.Parse(bytes.NewReader(data), int64(len(data)))
		if err != nil {
			return
		}
		again := mustMarshal(t, m)
		got, err := fmap.Parse(bytes.NewReader(again), int64(len(again)))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(m, got); diff != "" {
			t.Error(diff)
		}
		_ = verify.First(m.Verify(nil, 0, nil))
		m.List()
	})
}

func BenchmarkFind(b *testing.B) {
	img := bytes.Repeat([]byte("__FMAP_ "), 4<<20/8)
	data := mustMarshal(b, sample())
	copy(img[len(img)-len(data):], data)
	b.SetBytes(int64(len(img)))
	for b.Loop() {
		if _, _, err := fmap.Find(bytes.NewReader(img), int64(len(img)), 0); err != nil {
			b.Fatal(err)
		}
	}
}
