// SPDX-License-Identifier: GPL-2.0-or-later

package deflate

import (
	"bytes"
	"compress/flate"
	"io"
	"testing"

	"binman/codec/internal/sample"
)

func TestAgainstFlate(t *testing.T) {
	shapes := sample.Shapes()
	// Lengths and distances around each change of code.
	for _, distance := range []int{1, 2, 3, 4, 5, 8, 9, 255, 256, 257, 4096, 4097, 24576, 24577, 32767, 32768, 32769} {
		var data []byte
		data = append(data, sample.Noise(distance+300, 1)...)
		for length := 3; length <= 260; length += 1 + length/8 {
			for range length {
				data = append(data, data[len(data)-distance])
			}
			data = append(data, sample.Noise(3, sample.Random(length))...)
		}
		shapes = append(shapes, sample.Named{Name: "matches", Data: data})
	}
	for _, s := range shapes {
		got, err := io.ReadAll(flate.NewReader(bytes.NewReader(Encode(s.Data))))
		if err != nil || !bytes.Equal(got, s.Data) {
			t.Errorf("%s, %d bytes: got %d bytes, %v", s.Name, len(s.Data), len(got), err)
		}
	}
}

// The first block must be of the kind that is smallest for the data.
func TestBlockType(t *testing.T) {
	for _, tt := range []struct {
		name string
		data []byte
		want byte
	}{
		{"nothing", nil, 1},
		{"a short text", []byte("hello"), 1},
		{"noise", sample.Noise(1000, 1), 0},
		{"firmware", sample.Firmware(20_000), 2},
	} {
		if got := Encode(tt.data)[0] >> 1 & 3; got != tt.want {
			t.Errorf("%s: got type %d, want %d", tt.name, got, tt.want)
		}
	}
}

func TestCodes(t *testing.T) {
	// From the tables in RFC 1951, 3.2.5.
	for _, tt := range []struct {
		length, code int
		extra        uint
		value        uint32
	}{
		{3, 257, 0, 0}, {10, 264, 0, 0}, {11, 265, 1, 0}, {12, 265, 1, 1}, {19, 269, 2, 0},
		{114, 279, 4, 15}, {115, 280, 4, 0}, {131, 281, 5, 0}, {257, 284, 5, 30}, {258, 285, 0, 0},
	} {
		if code, extra, value := lengthCode(tt.length); code != tt.code || extra != tt.extra || value != tt.value {
			t.Errorf("length %d: got %d, %d, %d", tt.length, code, extra, value)
		}
	}
	for _, tt := range []struct {
		distance, code int
		extra          uint
		value          uint32
	}{
		{1, 0, 0, 0}, {4, 3, 0, 0}, {5, 4, 1, 0}, {6, 4, 1, 1}, {7, 5, 1, 0}, {193, 15, 6, 0},
		{24577, 29, 13, 0}, {32768, 29, 13, 8191},
	} {
		if code, extra, value := distanceCode(tt.distance); code != tt.code || extra != tt.extra || value != tt.value {
			t.Errorf("distance %d: got %d, %d, %d", tt.distance, code, extra, value)
		}
	}
}

func BenchmarkEncode(b *testing.B) {
	data := sample.Firmware(1 << 20)
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		Encode(data)
	}
}
