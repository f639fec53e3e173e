// SPDX-License-Identifier: GPL-2.0-or-later

package limit

import (
	"bytes"
	"errors"
	"io"
	"math"
	"testing"
	"testing/iotest"
)

func TestReadAll(t *testing.T) {
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
			got, err := ReadAll([]byte("before"), tt.r, saturate(tt.limit))
			if !errors.Is(err, tt.want) {
				t.Fatalf("got error %v, want %v", err, tt.want)
			}
			if want := append([]byte("before"), data...); err == nil && !bytes.Equal(got, want) {
				t.Errorf("got %d bytes, want %d", len(got), len(want))
			}
		})
	}
}

// saturate adds the 6 bytes that stand before the data.
func saturate(limit int64) int64 {
	if limit > math.MaxInt64-6 {
		return limit
	}
	return limit + 6
}
