// SPDX-License-Identifier: GPL-2.0-or-later

package limit

import (
	"bytes"
	"errors"
	"io"
	"math"
	"math/rand/v2"
	"testing"
	"testing/iotest"
)

func TestCopy(t *testing.T) {
	data := bytes.Repeat([]byte("0123456789"), 1000)
	for _, tt := range []struct {
		name  string
		r     io.Reader
		limit int64
		want  error
	}{
		{"below the limit", bytes.NewReader(data), 20_000, nil},
		{"at the limit", bytes.NewReader(data), 10_000, nil},
		{"one above the limit", bytes.NewReader(data), 9_999, ErrTooLarge},
		{"no limit", bytes.NewReader(data), math.MaxInt64, nil},
		{"limit 0", bytes.NewReader(data), 0, ErrTooLarge},
		{"negative limit", bytes.NewReader(data), -1, ErrTooLarge},
		{"byte by byte", iotest.OneByteReader(bytes.NewReader(data)), 10_000, nil},
		{"data with the end", iotest.DataErrReader(bytes.NewReader(data)), 10_000, nil},
		{"broken", io.MultiReader(bytes.NewReader(data), iotest.ErrReader(io.ErrUnexpectedEOF)), 20_000, io.ErrUnexpectedEOF},
		{"broken at the limit", io.MultiReader(bytes.NewReader(data), iotest.ErrReader(io.ErrUnexpectedEOF)), 10_000, io.ErrUnexpectedEOF},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := Buffer{Max: tt.limit}
			n, err := Copy(&got, tt.r, tt.limit)
			if !errors.Is(err, tt.want) {
				t.Fatalf("got error %v, want %v", err, tt.want)
			}
			if err == nil && (!bytes.Equal(got.Out, data) || n != int64(len(data))) {
				t.Errorf("got %d bytes, said to be %d, want %d", len(got.Out), n, len(data))
			}
		})
	}
}

// TestWindow checks that a window has what matches refer to, and that everything
// arrives in order, however much is kept.
func TestWindow(t *testing.T) {
	for _, keep := range []int{0, 1, 1000, 3 << 20} {
		var got, want []byte
		out := Buffer{Max: 8 << 20}
		w := NewWindow(&out, 8<<20)
		random := rand.New(rand.NewPCG(1, uint64(keep)))
		for w.Left() > 1<<18 {
			before := len(w.Out)
			moved, err := w.Pass(int64(keep))
			if err != nil {
				t.Fatal(err)
			}
			if len(w.Out) != before-moved || moved > 0 && len(w.Out) != keep {
				t.Fatalf("keep %d: %d bytes less of %d leave %d", keep, moved, before, len(w.Out))
			}
			part := bytes.Repeat([]byte{byte(random.Uint32())}, random.IntN(1<<18))
			if err := w.Make(len(part)); err != nil {
				t.Fatal(err)
			}
			w.Out = append(w.Out, part...)
			want = append(want, part...)
			if w.Total() != int64(len(want)) || !bytes.HasSuffix(want, w.Out) || len(w.Out) < min(keep, len(want)) {
				t.Fatalf("keep %d: the window has %d of %d bytes", keep, len(w.Out), len(want))
			}
		}
		if err := w.Make(int(w.Left()) + 1); !errors.Is(err, ErrTooLarge) {
			t.Errorf("more than the limit: %v", err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		if got = out.Out; !bytes.Equal(got, want) {
			t.Errorf("keep %d: %d bytes arrive, want %d", keep, len(got), len(want))
		}
	}
}

// Memory for a window is there at once if the input may fill it, and follows what is decoded if not.
func TestReserve(t *testing.T) {
	for _, tt := range []struct {
		limit, keep int64
		input       int
		want        int
	}{
		{1 << 30, 8 << 20, 1000, 4000},
		{1 << 30, 8 << 20, 100 << 20, 10<<20 + 64<<10},
		{1 << 30, 64 << 10, 100 << 20, 1<<20 + 128<<10},
		{500, 8 << 20, 100 << 20, 500},
		{-1, 8 << 20, 100 << 20, 0},
	} {
		w := NewWindow(io.Discard, tt.limit)
		w.Reserve(tt.keep, tt.input)
		w.Out = append(w.Out, make([]byte, min(tt.want, 100))...)
		w.Reserve(tt.keep, tt.input)
		if cap(w.Out) != tt.want {
			t.Errorf("limit %d, %d to keep, from %d bytes: room for %d, want %d", tt.limit, tt.keep, tt.input, cap(w.Out), tt.want)
		}
	}
}
