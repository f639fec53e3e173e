// SPDX-License-Identifier: GPL-2.0-or-later

package zstd

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"binman/codec/internal/sample"
)

// The header is that of the zstd program for a file: single segment, content
// size, checksum.
func TestHeader(t *testing.T) {
	for _, tt := range []struct {
		size int
		want string
	}{
		{0, "\x28\xb5\x2f\xfd" + "\x24" + "\x00"},
		{200, "\x28\xb5\x2f\xfd" + "\x24" + "\xc8"},
		{1000, "\x28\xb5\x2f\xfd" + "\x64" + "\xe8\x02"},
		{100_000, "\x28\xb5\x2f\xfd" + "\xa4" + "\xa0\x86\x01\x00"},
	} {
		packed, err := Encode(sample.Firmware(tt.size))
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(string(packed), tt.want) {
			t.Errorf("%d bytes: got % x, want % x", tt.size, packed[:len(tt.want)], tt.want)
		}
	}
}

// What is more than the window is one frame, too, that says its content's size.
func TestLarge(t *testing.T) {
	data := sample.Firmware(window + maxBlockSize)
	for _, size := range []int{window, window + 1, window + maxBlockSize} {
		want, err := Encode(data[:size])
		if err != nil {
			t.Fatal(err)
		}
		if end, bound, err := measure(want); err != nil || end != len(want) || bound != int64(size) {
			t.Errorf("%d bytes: end 0x%x of 0x%x, at most %d bytes, %v", size, end, len(want), bound, err)
		}
		if got, err := Decode(want, int64(size)); err != nil || !bytes.Equal(got, data[:size]) {
			t.Errorf("%d bytes come back as %d, %v", size, len(got), err)
		}
	}
}

func TestMeasure(t *testing.T) {
	packed, err := Encode(sample.Firmware(300_000))
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name, data string
		end        int
		bound      int64
	}{
		{"frame with content size", string(packed), len(packed), 300_000},
		{"two frames and padding", string(packed) + string(packed) + "\xff\xff", 2 * len(packed), 600_000},
		{"skippable frame", "\x5f\x2a\x4d\x18\x02\x00\x00\x00xy", 10, 0},
		{"raw block", "\x28\xb5\x2f\xfd\x00\x58" + "\x19\x00\x00abc", 12, 3},
		{"repeated byte", "\x28\xb5\x2f\xfd\x00\x58" + "\x23\x00\x00a", 10, 4},
		{"compressed block", "\x28\xb5\x2f\xfd\x00\x58" + "\x15\x00\x00ab", 11, 128 << 10},
	} {
		end, bound, err := measure([]byte(tt.data))
		if err != nil || end != tt.end || bound != tt.bound {
			t.Errorf("%s: got end 0x%x, at most %d bytes, %v; want 0x%x, %d", tt.name, end, bound, err, tt.end, tt.bound)
		}
	}
}

func TestDecodeErrors(t *testing.T) {
	for _, tt := range []struct{ name, data, want string }{
		{"nothing", "", "no frame magic"},
		{"no magic", "hello", "no frame magic"},
		{"no header", "\x28\xb5\x2f\xfd", "1 bytes wanted at offset 0x4"},
		{"no block", "\x28\xb5\x2f\xfd\x00\x58", "3 bytes wanted at offset 0x6"},
		{"reserved block", "\x28\xb5\x2f\xfd\x00\x58\x07\x00\x00", "reserved block type at offset 0x6"},
		{"no checksum", "\x28\xb5\x2f\xfd\x04\x58\x01\x00\x00", "4 bytes wanted at offset 0x9"},
		{"too much promised", "\x28\xb5\x2f\xfd\xa0\x00\x00\x00\x40\x01\x00\x00", "says 1073741824 bytes"},
		{"window of 256 MiB", "\x28\xb5\x2f\xfd\x00\x90\x09\x00\x00a", "window size exceeded"},
		{"long skippable frame", "\x50\x2a\x4d\x18\xff\xff\xff\xffxy", "4294967295 bytes wanted"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := Decode([]byte(tt.data), 1<<30); !errors.Is(err, ErrFormat) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got error %v, want one with %q", err, tt.want)
			}
		})
	}
}
