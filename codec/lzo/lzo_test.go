// SPDX-License-Identifier: GPL-2.0-or-later

package lzo

import (
	"bytes"
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"binman/codec/internal/sample"
)

func TestHeader(t *testing.T) {
	got := hex.EncodeToString(Encode(nil))
	want := "894c5a4f000d0a1a0a" + // magic
		"1040" + "20a0" + "0940" + "01" + "05" + // versions, method, level
		"03000001" + "000081a4" + "0000000000000000" + "00" + // flags, mode, time, name
		"2aa70289" + "00000000" // Adler-32, no more blocks
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// Every kind of instruction, by hand.
func TestExpand(t *testing.T) {
	long := string(sample.Noise(3075, 1)) // 18 + 11·255 + 252 bytes
	for _, tt := range []struct{ name, block, want string }{
		{"first literals", "\x16hello", "hello"},
		{"first literals, few", "\x13ab" + "\x00\x00", "abbb"},
		{"literals", "\x02hello", "hello"},
		{"literals, extended", "\x00\x02" + strings.Repeat("x", 20), strings.Repeat("x", 20)},
		{"literals, extended twice", "\x00\x00\x01" + strings.Repeat("x", 274), strings.Repeat("x", 274)},
		{"3 bytes, near", "\x14abc" + "\x48\x00", "abcabc"},
		{"8 bytes, near, overlapping", "\x13ab" + "\xe4\x00", "ab" + "abababab"},
		{"a literal after a match", "\x14abc" + "\x49\x00" + "z", "abcabcz"},
		{"2 bytes after a literal", "\x14abc" + "\x49\x00z" + "\x08\x01", "abcabc" + "z" + "ab"},
		{"5 bytes, middle", "\x14abc" + "\x23\x08\x00", "abc" + "abcab"},
		{"34 bytes, middle, extended", "\x12a" + "\x20\x01\x00\x00", "a" + strings.Repeat("a", 34)},
		{"3 bytes beyond near, after literals", "\x00" + strings.Repeat("\x00", 11) + "\xfc" + long[:3075] + "\x00\x00", long[:3075] + long[1026:1029]},
		{"nothing", "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := expand([]byte("before"), []byte(tt.block+"\x11\x00\x00"), len(tt.want))
			if err != nil {
				t.Fatal(err)
			}
			if string(got) != "before"+tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestExpandErrors(t *testing.T) {
	for _, tt := range []struct {
		name, block string
		want        error
	}{
		{"empty", "", errShort},
		{"no end", "\x14abc", errShort},
		{"literals beyond the input", "\x20abc", errShort},
		{"literals beyond the block", "\x1e" + strings.Repeat("x", 13) + "\x11\x00\x00", errTooLong},
		{"match beyond the block", "\x14abc" + "\x3f\x00\x00" + "\x11\x00\x00", errTooLong},
		{"match before the block", "\x14abc" + "\x4c\x00" + "\x11\x00\x00", errDistance},
		{"far match before the block", "\x14abc" + "\x12\x04\x00" + "\x11\x00\x00", errDistance},
		{"distance cut short", "\x14abc" + "\x4c", errShort},
		{"long distance cut short", "\x14abc" + "\x21\x00", errShort},
		{"length without end", "\x14abc" + "\x20", errShort},
		{"data after the end", "\x1babcdefghij" + "\x11\x00\x00" + "x", errTrailing},
		{"less than announced", "\x14abc" + "\x11\x00\x00", errSize},
		// CVE-2014-4607: so many zero bytes that the length overflows, here
		// in literals and in a match.
		{"literal length of 2^32", "\x00" + strings.Repeat("\x00", 1<<24) + "\x01", errTooLong},
		{"match length of 2^32", "\x14abc" + "\x20" + strings.Repeat("\x00", 1<<24) + "\x01\x00\x00", errTooLong},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := expand(nil, []byte(tt.block), 10)
			if !errors.Is(err, tt.want) {
				t.Errorf("got error %v, want %v", err, tt.want)
			}
		})
	}
}

func TestDecodeErrors(t *testing.T) {
	empty := Encode(nil)
	head := string(empty[:len(empty)-4])
	change := func(at int, b string) string { return head[:at] + b + head[at+len(b):] }
	for _, tt := range []struct{ name, data, want string }{
		{"no magic", "hello", "no lzop magic"},
		{"cut short", head[:20], "header of 12 bytes"},
		{"old version", change(9, "\x09\x00"), "version 0x0900"},
		{"method", change(15, "\x80"), "method 128"},
		{"filter", change(19, "\x08") + "\x01\x00\x00\x00", "filter"},
		{"header checksum", change(21, "\xff"), "header checksum"},
		{"name beyond the input", change(33, "\xff"), "file name of 255 bytes"},
		{"no end", head, "block size of 4 bytes"},
		{"large block", head + "\x04\x00\x00\x01", "block of 67108865 bytes"},
		{"grown block", head + "\x00\x00\x00\x01" + "\x00\x00\x00\x02", "compressed size 2 of a block of 1"},
		{"block checksum", head + "\x00\x00\x00\x01" + "\x00\x00\x00\x01" + "\x00\x00\x00\x00" + "a", "block Adler-32 0x00000000"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := Decode([]byte(tt.data), 1<<30); !errors.Is(err, ErrFormat) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got error %v, want one with %q", err, tt.want)
			}
		})
	}
}

// Each reach, and one beyond, with just the match that the encoder would
// want there.
func TestReaches(t *testing.T) {
	for _, distance := range []int{1, 2, 1024, 1025, 2048, 2049, 3072, 3073, 16384, 16385, 32767, 32768, 49151, 49152} {
		for _, length := range []int{2, 3, 4, 8, 9, 10, 33, 34, 264, 265, 288, 289, 1023, 1024, 1025} {
			data := sample.Noise(distance+5, 1)
			for range length {
				data = append(data, data[len(data)-distance])
			}
			data = append(data, sample.Noise(30, 2)...)
			got, err := Decode(Encode(data), int64(len(data)))
			if err != nil || !bytes.Equal(got, data) {
				t.Fatalf("%d bytes at a distance of %d: %v", length, distance, err)
			}
		}
	}
}

// U-Boot takes exactly one checksum in each block, and calls a block stored
// when its two sizes are equal.
func TestBlocks(t *testing.T) {
	data := append(sample.Noise(blockSize, 1), make([]byte, blockSize+1)...)
	packed := Encode(data)
	pos := 42 - 4
	var sizes [][2]int
	for {
		word := func(i int) int {
			b := packed[pos+4*i:]
			return int(b[0])<<24 | int(b[1])<<16 | int(b[2])<<8 | int(b[3])
		}
		if word(0) == 0 {
			break
		}
		sizes = append(sizes, [2]int{word(0), word(1)})
		pos += 12 + word(1)
	}
	if pos+4 != len(packed) {
		t.Errorf("the end mark is at 0x%x of 0x%x bytes", pos, len(packed))
	}
	if len(sizes) != 3 || sizes[0] != [2]int{blockSize, blockSize} || sizes[1][0] != blockSize || sizes[2] != [2]int{1, 1} {
		t.Errorf("got blocks %v", sizes)
	}
}

func BenchmarkEncode(b *testing.B) {
	data := sample.Firmware(1 << 20)
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		Encode(data)
	}
}
