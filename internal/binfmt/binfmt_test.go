// SPDX-License-Identifier: GPL-2.0-or-later

package binfmt

import (
	"bytes"
	"errors"
	"io"
	"math"
	"slices"
	"testing"
)

func TestBytesStaysInside(t *testing.T) {
	src := Source{bytes.NewReader([]byte("0123456789")), 10}
	for _, c := range []struct {
		name   string
		off, n int64
		want   string
		ok     bool
	}{
		{"all", 0, 10, "0123456789", true},
		{"none at the end", 10, 0, "", true},
		{"tail", 7, 3, "789", true},
		{"one too many", 7, 4, "", false},
		{"negative offset", -1, 1, "", false},
		{"negative size", 1, -1, "", false},
		{"sum overflows", 1, math.MaxInt64, "", false},
		{"offset past the end", math.MaxInt64, 1, "", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := src.Bytes(c.off, c.n, "thing")
			if (err == nil) != c.ok || string(got) != c.want {
				t.Errorf("Bytes(%d, %d) = %q, %v", c.off, c.n, got, err)
			}
			if err != nil && !errors.Is(err, ErrRange) {
				t.Errorf("error %v is not ErrRange", err)
			}
		})
	}
}

func TestBytesNamesAShortFile(t *testing.T) {
	src := Source{bytes.NewReader([]byte("0123")), 10}
	if _, err := src.Bytes(0, 8, "header"); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("got %v, want an unexpected end of file", err)
	}
}

func TestBytesRefusesToAllocateGigabytes(t *testing.T) {
	src := Source{zeros{}, 1 << 40}
	if _, err := src.Bytes(0, 1<<39, "table"); err == nil {
		t.Error("a read of 512 GiB succeeded")
	}
}

// zeros reads as an endless run of zero bytes.
type zeros struct{}

func (zeros) ReadAt(p []byte, off int64) (int, error) { clear(p); return len(p), nil }

func TestSearchFindsAcrossChunks(t *testing.T) {
	magic := []byte("MAGIC")
	img := make([]byte, 2*searchChunk+100)
	want := []int64{0, 77, searchChunk - 2, searchChunk + 3, int64(len(img)) - 5}
	for _, off := range want {
		copy(img[off:], magic)
	}
	var got []int64
	err := Source{bytes.NewReader(img), int64(len(img))}.Search(magic, 0, func(off int64) bool {
		got = append(got, off)
		return true
	})
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("Search = %v, %v; want %v", got, err, want)
	}
}

func TestSearchStartsAndStopsWhereTold(t *testing.T) {
	img := []byte("aaaa")
	var got []int64
	err := Source{bytes.NewReader(img), 4}.Search([]byte("a"), 1, func(off int64) bool {
		got = append(got, off)
		return off < 2
	})
	if err != nil || !slices.Equal(got, []int64{1, 2}) {
		t.Errorf("Search = %v, %v; want [1 2]", got, err)
	}
}

func TestSection(t *testing.T) {
	src := Source{bytes.NewReader([]byte("0123456789")), 8}
	section, err := src.Section(2, 6, "data")
	if err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(section); string(got) != "234567" || err != nil {
		t.Errorf("section reads %q, %v", got, err)
	}
	if _, err := src.Section(2, 7, "data"); !errors.Is(err, ErrRange) {
		t.Errorf("section past the end: %v", err)
	}
}

func TestHasAt(t *testing.T) {
	src := Source{bytes.NewReader([]byte("0123456789")), 10}
	for off, want := range map[int64]bool{3: true, 2: false, 9: false, -1: false} {
		if got := src.HasAt([]byte("34"), off); got != want {
			t.Errorf("HasAt(%d) = %v", off, got)
		}
	}
}

func TestSearchReportsAShortFile(t *testing.T) {
	src := Source{bytes.NewReader([]byte("0123")), 10}
	if err := src.Search([]byte("x"), 0, func(int64) bool { return true }); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("got %v, want an unexpected end of file", err)
	}
}

func TestCString(t *testing.T) {
	for _, c := range []struct {
		in, want   string
		terminated bool
	}{{"ab\x00c", "ab", true}, {"abc", "abc", false}, {"\x00", "", true}, {"", "", false}} {
		if got, terminated := CString([]byte(c.in)); got != c.want || terminated != c.terminated {
			t.Errorf("CString(%q) = %q, %v", c.in, got, terminated)
		}
	}
}
