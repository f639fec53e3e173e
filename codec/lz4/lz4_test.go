// SPDX-License-Identifier: GPL-2.0-or-later

package lz4

import (
	"bytes"
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"binman/codec/internal/sample"
)

func TestXXH32(t *testing.T) {
	// Known answers from the xxHash specification's sanity checks and the
	// xxhsum program.
	for _, tt := range []struct {
		data string
		want uint32
	}{
		{"", 0x02cc5d05},
		{"a", 0x550d7456},
		{"abc", 0x32d153ff},
		{"Nobody inspects the spammish repetition", 0xe2293b2f},
	} {
		if got := xxh32([]byte(tt.data)); got != tt.want {
			t.Errorf("%q: got 0x%08x, want 0x%08x", tt.data, got, tt.want)
		}
	}
}

// The header is that of "lz4 --no-frame-crc -B4".
func TestFrame(t *testing.T) {
	for _, tt := range []struct{ name, data, want string }{
		{"empty", "", "04224d18604082" + "00000000"},
		{"stored", "abc", "04224d18604082" + "03000080" + "616263" + "00000000"},
		// One literal, 34 equal bytes from a distance of one, five literals.
		{"run", strings.Repeat("a", 40), "04224d18604082" + "0b000000" + "1f61010" + "00f" + "506161616161" + "00000000"},
	} {
		if got := hex.EncodeToString(Encode([]byte(tt.data))); got != tt.want {
			t.Errorf("%s: got %s, want %s", tt.name, got, tt.want)
		}
	}
}

// U-Boot's decoder needs the end of a block to be as the format says.
func TestEndOfBlock(t *testing.T) {
	for n := 1; n < 300; n++ {
		block := bytes.Repeat([]byte("ab"), n)[:n]
		p := newParser(blockSize)
		p.findMatches(block)
		p.choose(block)
		for i := 0; i < n; {
			step := int(p.length[i])
			if step == 0 {
				i++
				continue
			}
			if i > n-matchMargin || i+step > n-lastLiterals {
				t.Fatalf("block of %d bytes: match of %d at %d", n, step, i)
			}
			i += step
		}
	}
}

func TestDecodeErrors(t *testing.T) {
	const frame = "04224d18604082"
	for _, tt := range []struct{ name, data, want string }{
		{"empty input", "", "no LZ4 frame magic"},
		{"other magic", "1f8b0800", "no LZ4 frame magic"},
		{"version 2", "04224d18a04000", "frame version 2"},
		{"reserved bit", "04224d18624000", "reserved bits"},
		{"dictionary", "04224d18614000", "dictionary"},
		{"block size code", "04224d18603000", "block size code 3"},
		{"header checksum", "04224d18604083", "header checksum 0x83, computed 0x82"},
		{"no end mark", frame, "block size of 4 bytes"},
		{"block larger than the frame allows", frame + "01000180", "block of 65537 bytes"},
		{"block cut short", frame + "05000000" + "10", "block of 5 bytes, but the input has only 1"},
		{"literals beyond the block", frame + "02000000" + "2061", "literals beyond"},
		{"literal length without end", frame + "03000000" + "f0ffff", "literals beyond"},
		{"offset cut short", frame + "03000000" + "106101", "match offset beyond"},
		{"offset 0", frame + "04000000" + "10610000", "match offset 0"},
		{"offset before the data", frame + "04000000" + "10610200", "match offset 2"},
		{"match length without end", frame + "05000000" + "1f610100ff", "match length beyond"},
		{"no last literals", frame + "04000000" + "10610100", "no last literals"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			data, err := hex.DecodeString(tt.data)
			if err != nil {
				t.Fatal(err)
			}
			_, err = Decode(data, 1<<20)
			if !errors.Is(err, ErrFormat) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got error %v, want one with %q", err, tt.want)
			}
		})
	}
}

// A block may reach into the one before only if the frame says so.
func TestIndependentAndLinkedBlocks(t *testing.T) {
	// A stored "a", then four bytes from a distance of one and five literals.
	const blocks = "\x01\x00\x00\x80a" + "\x09\x00\x00\x00" + "\x00\x01\x00" + "\x50bbbbb" + "\x00\x00\x00\x00"
	frame := func(flags byte) []byte {
		descriptor := []byte{flags, 0x40}
		out := append([]byte("\x04\x22\x4d\x18"), descriptor...)
		out = append(out, byte(xxh32(descriptor)>>8))
		return append(out, blocks...)
	}
	if got, err := Decode(frame(flagVersion), 10); err != nil || string(got) != "aaaaabbbbb" {
		t.Errorf("linked: got %q, %v", got, err)
	}
	if _, err := Decode(frame(flagVersion|flagIndependent), 10); err == nil || !strings.Contains(err.Error(), "before the start") {
		t.Errorf("independent: got error %v", err)
	}
}

func TestSkippableFrame(t *testing.T) {
	data := append([]byte("\x5a\x2a\x4d\x18\x03\x00\x00\x00xyz"), Encode([]byte("hello"))...)
	if got, err := Decode(data, 5); err != nil || string(got) != "hello" {
		t.Errorf("got %q, %v", got, err)
	}
}

func BenchmarkEncode(b *testing.B) {
	data := sample.Firmware(1 << 20)
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		Encode(data)
	}
}
