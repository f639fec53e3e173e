// SPDX-License-Identifier: GPL-2.0-or-later

package lzma

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"

	"github.com/ulikunitz/xz/lzma"

	"binman/internal/golden"
)

// mustEqual compares long data without printing it.
func mustEqual(t *testing.T, what string, got, want []byte) {
	t.Helper()
	if bytes.Equal(got, want) {
		return
	}
	n := 0
	for n < min(len(got), len(want)) && got[n] == want[n] {
		n++
	}
	t.Fatalf("%s: %d bytes differ from the %d wanted at offset %d", what, len(got), len(want), n)
}

func TestRoundTrip(t *testing.T) {
	forAll(t, func(t *testing.T, k packed) {
		got, err := Decode(k.alone, int64(len(k.data)))
		if err != nil {
			t.Fatal(err)
		}
		mustEqual(t, "Decode", got, k.data)
		if len(k.data) == 0 {
			return // ulikunitz insists on a sixth byte of stream
		}
		r, err := lzma.NewReader(bytes.NewReader(k.alone))
		if err != nil {
			t.Fatal(err)
		}
		got, err = io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		mustEqual(t, "ulikunitz", got, k.data)
	})
}

func TestRoundTrip2(t *testing.T) {
	forAll(t, func(t *testing.T, k packed) {
		if most := len(k.data) + 3*(len(k.data)/chunkPacked+1) + 1; len(k.chunks) > most {
			t.Errorf("%d bytes became %d, more than storing them takes", len(k.data), len(k.chunks))
		}
		followed := append(bytes.Clone(k.chunks), 0xff)
		got, n, err := Decode2Prefix(followed, 8<<20, int64(len(k.data)))
		if err != nil {
			t.Fatal(err)
		}
		if n != int64(len(k.chunks)) {
			t.Errorf("consumed %d of %d bytes", n, len(k.chunks))
		}
		mustEqual(t, "Decode2Prefix", got, k.data)

		r, err := lzma.NewReader2(bytes.NewReader(k.chunks))
		if err != nil {
			t.Fatal(err)
		}
		got, err = io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		mustEqual(t, "ulikunitz", got, k.data)
	})
}

// Every size from 0 up ends a stream in another way.
func TestSmallSizes(t *testing.T) {
	d := dice(7)
	for n := range 600 {
		data := make([]byte, n)
		for i := range data {
			data[i] = byte(d.below(1 + n%7))
		}
		packed, err := Encode(data, paramSets[n%len(paramSets)].p)
		if err != nil {
			t.Fatal(err)
		}
		got, err := Decode(packed, int64(n))
		if err != nil {
			t.Fatalf("size %d: %v", n, err)
		}
		mustEqual(t, fmt.Sprintf("size %d", n), got, data)
	}
}

// TestGolden notices any change of what the encoders write: images must come
// out the same after an update of this program.
func TestGolden(t *testing.T) {
	var b strings.Builder
	all, err := encodeAll()
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range all {
		name := strings.ReplaceAll(k.corpus, " ", "-") + " " + k.params
		fmt.Fprintf(&b, "%s lzma %d %x\n", name, len(k.alone), sha256.Sum256(k.alone))
		fmt.Fprintf(&b, "%s lzma2 %d %x\n", name, len(k.chunks), sha256.Sum256(k.chunks))
	}
	golden.Text(t, "golden.txt", b.String())
}

func TestHeader(t *testing.T) {
	for _, test := range []struct {
		name string
		p    Params
		want string
	}{
		{"binman", Binman(), "01 00 10 00 00 03 00 00 00 00 00 00 00"},
		{"default", Default(), "5d 00 00 80 00 03 00 00 00 00 00 00 00"},
		{"coreboot", Coreboot(336_020), "01 00 00 06 00 03 00 00 00 00 00 00 00"},
		{"coreboot, no data", Coreboot(0), "01 00 10 00 00 03 00 00 00 00 00 00 00"},
		{"zero", Params{}, "00 00 00 80 00 03 00 00 00 00 00 00 00"},
		{"smallest dictionary", Params{DictSize: 1}, "00 00 10 00 00 03 00 00 00 00 00 00 00"},
		{"dictionary between", Params{DictSize: 4097}, "00 00 18 00 00 03 00 00 00 00 00 00 00"},
		{"dictionary rounded", Params{DictSize: 6145}, "00 00 20 00 00 03 00 00 00 00 00 00 00"},
		{"largest", Params{LC: 8, LP: 4, PB: 4, DictSize: 3 << 29}, "e0 00 00 00 60 03 00 00 00 00 00 00 00"},
	} {
		t.Run(test.name, func(t *testing.T) {
			packed, err := Encode([]byte("abc"), test.p)
			if err != nil {
				t.Fatal(err)
			}
			if got := fmt.Sprintf("% x", packed[:headerSize]); got != test.want {
				t.Errorf("header is\n%s, want\n%s", got, test.want)
			}
		})
	}
}

func TestBadParams(t *testing.T) {
	for _, test := range []struct {
		p    Params
		want string
	}{
		{Params{LC: 9}, "lc is 9"},
		{Params{LC: -1}, "lc is -1"},
		{Params{LP: 5}, "lp is 5"},
		{Params{PB: 5}, "pb is 5"},
		{Params{DictSize: 3<<29 + 1}, "dictionary size is 1610612737"},
		{Params{DictSize: -1}, "dictionary size is -1"},
		{Params{NiceLen: 3}, "nice length is 3"},
		{Params{NiceLen: 274}, "nice length is 274"},
		{Params{Depth: -1}, "search depth is -1"},
	} {
		if _, err := Encode(nil, test.p); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("Encode: %v, want %q", err, test.want)
		}
	}
	if _, err := Encode2(nil, Params{LC: 3, LP: 2}); err == nil || !strings.Contains(err.Error(), "lc+lp is 5") {
		t.Errorf("Encode2: %v", err)
	}
}

// Encoders running at once share nothing.
func TestConcurrent(t *testing.T) {
	data := firmware()[:120_000]
	want, err := Encode(data, Default())
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			got, err := Encode(data, Default())
			if err != nil || !bytes.Equal(got, want) {
				t.Errorf("another result (%v)", err)
			}
		})
	}
	wg.Wait()
}
