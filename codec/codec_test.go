// SPDX-License-Identifier: GPL-2.0-or-later

package codec

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"binman/codec/internal/sample"
	"binman/internal/golden"
)

const anySize = 1 << 40

// each runs f as a subtest for every codec.
func each(t *testing.T, f func(t *testing.T, c Codec)) {
	t.Helper()
	for _, c := range codecs() {
		t.Run(c.Name, func(t *testing.T) { f(t, c) })
	}
}

func compress(t testing.TB, c Codec, data []byte) []byte {
	t.Helper()
	packed, err := c.Compress(data)
	if err != nil {
		t.Fatal(err)
	}
	return packed
}

func TestNames(t *testing.T) {
	want := []string{"bzip2", "gzip", "lz4", "lzma", "lzo", "xz", "zstd"}
	if diff := cmp.Diff(want, Names()); diff != "" {
		t.Error(diff)
	}
}

func TestLookup(t *testing.T) {
	for _, name := range Names() {
		c, err := Lookup(name)
		if err != nil || c.Name != name || c.Tool == "" {
			t.Errorf("Lookup(%q) = %q, %q, %v", name, c.Name, c.Tool, err)
		}
	}
	_, err := Lookup("invalid")
	if want := "Unknown algorithm 'invalid'"; err == nil || err.Error() != want {
		t.Errorf("got error %v, want %s", err, want)
	}
}

func TestRoundTrip(t *testing.T) {
	shapes := sample.Shapes()
	each(t, func(t *testing.T, c Codec) {
		for _, s := range shapes {
			packed := compress(t, c, s.Data)
			got, err := c.Decompress(packed, int64(len(s.Data)))
			if err != nil {
				t.Errorf("%s, %d bytes: %v", s.Name, len(s.Data), err)
			} else if !bytes.Equal(got, s.Data) {
				t.Errorf("%s, %d bytes: comes back different", s.Name, len(s.Data))
			}
			if name := Detect(packed[:min(len(packed), DetectLen)]); name != c.Name {
				t.Errorf("%s, %d bytes: detected as %q", s.Name, len(s.Data), name)
			}
		}
	})
}

// Incompressible data must not grow by more than the framing.
func TestNoiseHardlyGrows(t *testing.T) {
	data := sample.Noise(200_000, 7)
	each(t, func(t *testing.T, c Codec) {
		// LZMA alone and bzip2 have no stored form.
		bound := len(data) + len(data)/64
		if packed := compress(t, c, data); len(packed) > bound {
			t.Errorf("%d bytes became %d", len(data), len(packed))
		}
	})
}

// Padding after the stream is what an entry larger than its content has.
func TestBytesAfterTheStream(t *testing.T) {
	data := sample.Firmware(5000)
	each(t, func(t *testing.T, c Codec) {
		packed := compress(t, c, data)
		for _, tail := range []string{"\x00", "\xff", "\x00\x00\x00", "\xff\xff", "B", "BX", "\x00\x00\x00\x00",
			"padding", strings.Repeat("\x00", 100), strings.Repeat("\xff", 100), strings.Repeat("\xa5", 1000)} {
			got, err := c.Decompress(append(packed[:len(packed):len(packed)], tail...), anySize)
			if err != nil {
				t.Errorf("followed by %q: %v", tail, err)
			} else if !bytes.Equal(got, data) {
				t.Errorf("followed by %q: comes back different", tail)
			}
		}
	})
}

// The programs write out the streams of a file one after the other.
func TestStreamsInARow(t *testing.T) {
	first, second := sample.Firmware(3000), []byte("second")
	each(t, func(t *testing.T, c Codec) {
		if c.Name == "lzma" {
			return // a second stream would have no magic to be known by
		}
		packed := append(compress(t, c, first), compress(t, c, second)...)
		for _, tail := range []string{"", "\xff\xff\xff\xff"} {
			got, err := c.Decompress(append(packed[:len(packed):len(packed)], tail...), anySize)
			if err != nil {
				t.Fatal(err)
			}
			if want := append(first[:len(first):len(first)], second...); !bytes.Equal(got, want) {
				t.Errorf("got %d bytes, want %d", len(got), len(want))
			}
		}
		if _, err := c.Decompress(packed, int64(len(first)+len(second)-1)); !errors.Is(err, ErrTooLarge) {
			t.Errorf("got error %v, want %v", err, ErrTooLarge)
		}
	})
}

// Files compressed one by one and joined, as blob-ext-list stores them, in an
// entry that may be larger.
func TestDecompressAll(t *testing.T) {
	first, second, third := sample.Firmware(3000), []byte("second"), sample.Noise(500, 3)
	padding := func(n int, value byte) []byte { return bytes.Repeat([]byte{value}, n) }
	each(t, func(t *testing.T, c Codec) {
		pack := func(contents ...[]byte) []byte {
			var packed []byte
			for _, data := range contents {
				packed = append(packed, compress(t, c, data)...)
			}
			return packed
		}
		join := func(parts ...[]byte) []byte { return bytes.Join(parts, nil) }
		two := pack(first, second)
		for _, tt := range []struct {
			name   string
			packed []byte
			want   []byte
		}{
			{"one stream", pack(first), first},
			{"two streams", two, join(first, second)},
			{"three streams", pack(first, second, third), join(first, second, third)},
			{"the same three times", pack(second, second, second), []byte("secondsecondsecond")},
			{"an empty one first", pack(nil, first), first},
			{"an empty one between", pack(first, nil, second), join(first, second)},
			{"an empty one last", pack(first, nil), first},
			{"empty ones only", pack(nil, nil), nil},
			{"one zero byte after", join(two, padding(1, 0)), join(first, second)},
			{"zero padding", join(two, padding(37, 0)), join(first, second)},
			{"much zero padding", join(two, padding(4096, 0)), join(first, second)},
			{"one 0xff after", join(two, padding(1, 0xff)), join(first, second)},
			{"erased flash after", join(two, padding(100, 0xff)), join(first, second)},
			{"padding of another value", join(two, padding(100, 0xa5)), join(first, second)},
			{"zero padding, then erased flash", join(two, padding(6, 0), padding(9, 0xff)), join(first, second)},
		} {
			got, err := c.DecompressAll(tt.packed, int64(len(tt.want)))
			if err != nil {
				t.Errorf("%s: %v", tt.name, err)
			} else if !bytes.Equal(got, tt.want) {
				t.Errorf("%s: got %d bytes, want %d, or they differ", tt.name, len(got), len(tt.want))
			}
		}
		for _, tt := range []struct {
			name   string
			packed []byte
		}{
			{"nothing", nil},
			{"padding only", padding(100, 0xff)},
			{"erased flash, then zero padding", join(two, padding(9, 0xff), padding(6, 0))},
			{"a stream behind padding", join(pack(first), padding(7, 0xff), pack(second))},
			{"no stream", join(two, []byte("something"))},
			{"a second stream that begins wrong", join(pack(first), []byte{0xee}, pack(second)[1:])},
			{"a second stream that is cut off", two[:len(two)-9]},
		} {
			if got, err := c.DecompressAll(tt.packed, anySize); err == nil || got != nil {
				t.Errorf("%s: %d bytes, error %v", tt.name, len(got), err)
			}
		}
	})
}

// The limit of DecompressAll is for the sum, whichever stream passes it.
func TestDecompressAllLimit(t *testing.T) {
	a, b := sample.Firmware(3000), sample.Firmware(700)
	each(t, func(t *testing.T, c Codec) {
		var packed []byte
		for _, data := range [][]byte{a, b, b} {
			packed = append(packed, compress(t, c, data)...)
		}
		for _, limit := range []int64{0, 1, 2999, 3000, 3001, 3699, 3700, 3701, 4399} {
			if _, err := c.DecompressAll(packed, limit); !errors.Is(err, ErrTooLarge) {
				t.Errorf("limit of %d for 4400: got error %v", limit, err)
			}
		}
		if got, err := c.DecompressAll(packed, 4400); err != nil || len(got) != 4400 {
			t.Errorf("limit just right: got %d bytes, %v", len(got), err)
		}
	})
}

// Zero bytes between the streams belong to .xz, in fours; in other formats they
// end the streams, and a stream behind them is an error (TestDecompressAll).
func TestZerosBetweenStreams(t *testing.T) {
	each(t, func(t *testing.T, c Codec) {
		for _, zeros := range []int{1, 4, 6, 8} {
			packed := append(compress(t, c, []byte("one")), make([]byte, zeros)...)
			packed = append(packed, compress(t, c, []byte("two"))...)
			got, err := c.DecompressAll(packed, anySize)
			if c.Name == "xz" && zeros%4 == 0 {
				if err != nil || string(got) != "onetwo" {
					t.Errorf("%d zeros: got %q, %v", zeros, got, err)
				}
			} else if err == nil {
				t.Errorf("%d zeros: got %q and no error", zeros, got)
			}
		}
	})
}

// A row of streams costs what they hold, not what they might need: the header
// of an LZMA stream can ask for 6 MiB of models.
func TestManyStreams(t *testing.T) {
	empty := []byte("\x2c\x00\x10\x00\x00" + "\x00\x00\x00\x00\x00\x00\x00\x00" + "\x00\x00\x00\x00\x00")
	c, err := Lookup("lzma")
	if err != nil {
		t.Fatal(err)
	}
	packed := append(bytes.Repeat(empty, 1000), compress(t, c, []byte("end"))...)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	got, err := c.DecompressAll(packed, 3)
	runtime.ReadMemStats(&after)
	if err != nil || string(got) != "end" {
		t.Errorf("got %q, %v", got, err)
	}
	if used := after.TotalAlloc - before.TotalAlloc; used > 100<<20 {
		t.Errorf("allocated %d bytes for %d bytes of input", used, len(packed))
	}
}

func TestLimit(t *testing.T) {
	each(t, func(t *testing.T, c Codec) {
		for _, n := range []int{0, 1, 100, 5000, 300_000} {
			data := sample.Firmware(n)
			packed := compress(t, c, data)
			if got, err := c.Decompress(packed, int64(n)); err != nil || len(got) != n {
				t.Errorf("%d bytes with that limit: %d bytes, %v", n, len(got), err)
			}
			if _, err := c.Decompress(packed, int64(n)-1); n > 0 && !errors.Is(err, ErrTooLarge) {
				t.Errorf("%d bytes with one less as limit: got error %v, want %v", n, err, ErrTooLarge)
			}
			if _, err := c.Decompress(packed, 1<<63-1); err != nil {
				t.Errorf("%d bytes without limit: %v", n, err)
			}
		}
	})
}

// A bomb costs no more than the limit allows, whatever it would unfold to.
func TestBomb(t *testing.T) {
	bomb := make([]byte, 4<<20)
	const limit = 64 << 10
	each(t, func(t *testing.T, c Codec) {
		packed := compress(t, c, bomb)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := c.Decompress(packed, limit)
		runtime.ReadMemStats(&after)
		if !errors.Is(err, ErrTooLarge) {
			t.Errorf("got error %v, want %v", err, ErrTooLarge)
		}
		bound := uint64(1 << 20)
		if c.Name == "bzip2" {
			bound += 4 * 900_000 // for a block of the largest size
		}
		if used := after.TotalAlloc - before.TotalAlloc; used > bound {
			t.Errorf("allocated %d bytes for a limit of %d", used, limit)
		}
	})
}

// Headers that promise much and hold little must not make room for it.
func TestLyingHeaders(t *testing.T) {
	for _, tt := range []struct{ codec, name, data string }{
		{"zstd", "1 GiB in no block", "\x28\xb5\x2f\xfd\xa0\x00\x00\x00\x40\x01\x00\x00"},
		{"zstd", "1 GiB in a raw block of 1", "\x28\xb5\x2f\xfd\xa0\x00\x00\x00\x40\x09\x00\x00a"},
		{"lzo", "64 MiB in one byte", lzoHeader(t) + "\x04\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00\x11"},
		{"lzma", "1 GiB in five bytes", "\x5d\x00\x00\x80\x00\x00\x00\x00\x40\x00\x00\x00\x00\x00\x00\x00\x00\x00"},
		{"bzip2", "a block with no data", "BZh9\x31\x41\x59\x26\x53\x59\x00\x00\x00\x00"},
	} {
		t.Run(tt.codec+" "+tt.name, func(t *testing.T) {
			c, err := Lookup(tt.codec)
			if err != nil {
				t.Fatal(err)
			}
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			_, err = c.Decompress([]byte(tt.data), anySize)
			runtime.ReadMemStats(&after)
			if err == nil {
				t.Error("no error")
			}
			if used := after.TotalAlloc - before.TotalAlloc; used > 8<<20 {
				t.Errorf("allocated %d bytes for %d bytes of input", used, len(tt.data))
			}
		})
	}
}

// lzoHeader returns the header of an lzop file.
func lzoHeader(t *testing.T) string {
	c, err := Lookup("lzo")
	if err != nil {
		t.Fatal(err)
	}
	empty := compress(t, c, nil)
	return string(empty[:len(empty)-4])
}

func TestCutShort(t *testing.T) {
	data := sample.Firmware(1500)
	each(t, func(t *testing.T, c Codec) {
		packed := compress(t, c, data)
		for n := 0; n < len(packed); n++ {
			got, err := c.Decompress(packed[:n], anySize)
			// LZMA knows its size, so a missing end may go unnoticed when
			// the range decoder has already read what it needs.
			if err == nil && !bytes.Equal(got, data) {
				t.Fatalf("%d of %d bytes decode without error, to %d bytes", n, len(packed), len(got))
			}
		}
	})
}

// A flipped bit must never panic, and where the format has checksums must
// never go unnoticed unless it changes nothing.
func TestFlippedBits(t *testing.T) {
	data := sample.Firmware(800)
	each(t, func(t *testing.T, c Codec) {
		packed := compress(t, c, data)
		for i := range len(packed) * 8 {
			bad := bytes.Clone(packed)
			bad[i/8] ^= 1 << (i % 8)
			got, err := c.Decompress(bad, 1<<20)
			if checked := c.Name != "lz4" && c.Name != "lzma"; checked && err == nil && !bytes.Equal(got, data) {
				t.Errorf("bit %d of byte 0x%x flipped: decodes to other data", i%8, i/8)
			}
		}
	})
}

func TestConcurrentUse(t *testing.T) {
	data := sample.Firmware(60_000)
	each(t, func(t *testing.T, c Codec) {
		want := compress(t, c, data)
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				packed, err := c.Compress(data)
				if err != nil || !bytes.Equal(packed, want) {
					t.Errorf("another result: %v", err)
				}
				if got, err := c.Decompress(packed, anySize); err != nil || !bytes.Equal(got, data) {
					t.Errorf("comes back different: %v", err)
				}
			})
		}
		wg.Wait()
	})
}

func TestDetect(t *testing.T) {
	for _, tt := range []struct{ name, prefix, want string }{
		{"nothing", "", ""},
		{"zeros", strings.Repeat("\x00", 16), ""},
		{"text", "hello, this is no compressed file", ""},
		{"device tree", "\xd0\x0d\xfe\xed\x00\x00\x10\x00\x00\x00\x00\x38\x00\x00", ""},
		{"ELF", "\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00", ""},
		{"lz4 legacy", "\x02\x21\x4c\x18\x00\x00\x00\x00", "lz4"},
		{"bzip2 of nothing", "BZh9\x17\x72\x45\x38\x50\x90", "bzip2"},
		{"BZh and no block", "BZh9 hello", ""},
		{"lzma, 8 MiB, size unknown", "\x5d\x00\x00\x80\x00\xff\xff\xff\xff\xff\xff\xff\xff\x00", "lzma"},
		{"lzma, 12 MiB", "\x5d\x00\x00\xc0\x00\x00\x10\x00\x00\x00\x00\x00\x00\x00", "lzma"},
		{"lzma, odd dictionary", "\x5d\x00\x00\xd0\x00\x00\x10\x00\x00\x00\x00\x00\x00\x00", ""},
		{"lzma, size too large", "\x5d\x00\x00\x80\x00\x00\x10\x00\x00\x00\x00\x00\x01\x00", ""},
	} {
		if got := Detect([]byte(tt.prefix)); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}

// TestGolden pins the bytes that the encoders write: whoever changes an
// encoder, or a module that holds one, changes everybody's images. The
// packages lzma and xz have golden files of their own, for more parameters.
func TestGolden(t *testing.T) {
	var got strings.Builder
	for _, s := range []sample.Named{
		{Name: "empty"},
		{Name: "firmware-200000", Data: sample.Firmware(200_000)},
		{Name: "noise-70000", Data: sample.Noise(70_000, 5)},
	} {
		for _, c := range codecs() {
			if c.Name == "lzma" || c.Name == "xz" {
				continue
			}
			packed := compress(t, c, s.Data)
			sum := sha256.Sum256(packed)
			fmt.Fprintf(&got, "%-15s %-5s %6d %s\n", s.Name, c.Name, len(packed), hex.EncodeToString(sum[:]))
		}
	}
	golden.Text(t, "golden.txt", got.String())
}
