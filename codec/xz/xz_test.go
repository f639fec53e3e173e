// SPDX-License-Identifier: GPL-2.0-or-later

package xz

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"testing"

	"github.com/ulikunitz/xz"

	"binman/codec/bcj"
	"binman/codec/internal/sample"
	"binman/codec/lzma"
	"binman/internal/golden"
	"binman/internal/judge"
)

// noise is n bytes that do not compress, always the same.
func noise(n int) []byte {
	x := uint32(2463534242)
	b := make([]byte, n)
	for i := range b {
		x ^= x << 13
		x ^= x >> 17
		x ^= x << 5
		b[i] = byte(x >> 11)
	}
	return b
}

// listing resembles a log: lines with counters.
func listing(lines int) []byte {
	var b bytes.Buffer
	for i := range lines {
		fmt.Fprintf(&b, "%08x: entry %d at offset %#x, size %d\n", i*64, i%37, i*i, i*7919%1000)
	}
	return b.Bytes()
}

func corpora() []struct {
	name string
	data []byte
} {
	return []struct {
		name string
		data []byte
	}{
		{"empty", nil},
		{"one-byte", []byte{7}},
		{"short", []byte("hello hello hello hello")},
		{"listing", listing(3000)},
		{"noise", noise(150_000)},
		{"mixed", bytes.Join([][]byte{listing(300), noise(80_000), listing(600), make([]byte, 100_000)}, nil)},
		{"zeros", make([]byte, 2<<20+4)},
	}
}

func mustEncode(t testing.TB, data []byte) []byte {
	t.Helper()
	file, err := Encode(data)
	if err != nil {
		t.Fatal(err)
	}
	return file
}

func mustEqual(t *testing.T, what string, got, want []byte) {
	t.Helper()
	if !bytes.Equal(got, want) {
		t.Fatalf("%s: %d bytes, not the %d bytes wanted", what, len(got), len(want))
	}
}

func TestRoundTrip(t *testing.T) {
	for _, c := range corpora() {
		t.Run(c.name, func(t *testing.T) {
			file := mustEncode(t, c.data)
			got, err := Decode(file, int64(len(c.data)))
			if err != nil {
				t.Fatal(err)
			}
			mustEqual(t, "Decode", got, c.data)

			got, n, err := DecodePrefix(append(bytes.Clone(file), 1, 2, 3, 4, 5), int64(len(c.data)))
			if err != nil {
				t.Fatal(err)
			}
			if n != int64(len(file)) {
				t.Errorf("DecodePrefix consumed %d of %d bytes", n, len(file))
			}
			mustEqual(t, "DecodePrefix", got, c.data)

			r, err := xz.NewReader(bytes.NewReader(file))
			if err != nil {
				t.Fatal(err)
			}
			if got, err = io.ReadAll(r); err != nil {
				t.Fatal(err)
			}
			mustEqual(t, "ulikunitz", got, c.data)
		})
	}
}

// TestGolden notices any change of what Encode writes.
func TestGolden(t *testing.T) {
	var b strings.Builder
	for _, c := range corpora() {
		file := mustEncode(t, c.data)
		fmt.Fprintf(&b, "%s %d %x\n", c.name, len(file), sha256.Sum256(file))
	}
	golden.Text(t, "golden.txt", b.String())
}

func TestDictionarySize(t *testing.T) {
	for _, test := range []struct {
		size int64
		want byte // the byte in the block header
	}{
		{0, 0x16}, {1, 0}, {4096, 0}, {4097, 1}, {6144, 1}, {6145, 2}, {8 << 20, 0x16}, {1 << 30, 36}, {3 << 29, 37},
	} {
		var out bytes.Buffer
		if err := encode(&out, []byte("abc"), lzma.Params{DictSize: test.size}); err != nil {
			t.Fatal(err)
		}
		file := out.Bytes()
		if got := file[16]; got != test.want {
			t.Errorf("dictionary of %d: %#02x, want %#02x", test.size, got, test.want)
		}
		if _, err := Decode(file, 3); err != nil {
			t.Error(err)
		}
	}
	if err := encode(io.Discard, []byte("abc"), lzma.Params{LC: 4, LP: 1}); err == nil {
		t.Error("lc+lp of 5 is accepted")
	}
}

// pipe runs a command and returns its standard output.
func pipe(t *testing.T, in []byte, name string, args ...string) []byte {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Stdin = bytes.NewReader(in)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s %q: %v\n%s", name, args, err, stderr.Bytes())
	}
	return out
}

func TestJudge(t *testing.T) {
	tool := judge.Need(t, "xz")
	for _, c := range corpora() {
		t.Run(c.name, func(t *testing.T) {
			file := mustEncode(t, c.data)
			mustEqual(t, "xz -dc", pipe(t, file, tool, "-dc"), c.data)

			theirs := pipe(t, c.data, tool, "-c", "-T1")
			got, err := Decode(theirs, int64(len(c.data)))
			if err != nil {
				t.Fatal(err)
			}
			mustEqual(t, "Decode", got, c.data)
			// Everything up to the data is the same, and so is the size, nearly.
			n := min(24, len(theirs))
			if !bytes.Equal(file[:n], theirs[:n]) {
				t.Errorf("headers are\n% x, xz writes\n% x", file[:n], theirs[:n])
			}
			if len(file) > len(theirs)+len(theirs)/100+16 {
				t.Errorf("%d bytes became %d, xz needs %d", len(c.data), len(file), len(theirs))
			}
		})
	}
}

// What other settings of xz write: every check, several blocks, sizes in the
// block headers, another dictionary.
func TestVariants(t *testing.T) {
	tool := judge.Need(t, "xz")
	data := listing(2000)
	for _, args := range [][]string{
		{"--check=none"},
		{"--check=crc32"},
		{"--check=sha256"},
		{"--block-size=20000"},
		{"-T2", "--block-size=20000"},
		{"-0"},
		{"--lzma2=preset=6,lc=1,lp=3,pb=0,dict=5000"},
		{"--x86", "--lzma2"},
		{"--delta=dist=3", "--arm64=start=16", "--lzma2"},
	} {
		t.Run(strings.Join(args, " "), func(t *testing.T) {
			file := pipe(t, data, tool, append(args, "-c")...)
			got, n, err := DecodePrefix(append(bytes.Clone(file), 0xff), int64(len(data)))
			if err != nil {
				t.Fatal(err)
			}
			mustEqual(t, "DecodePrefix", got, data)
			if n != int64(len(file)) {
				t.Errorf("consumed %d of %d bytes", n, len(file))
			}
			if _, err := Decode(file, int64(len(data))-1); !errors.Is(err, ErrTooLarge) {
				t.Errorf("with a limit one byte too small: %v", err)
			}
			// Whatever byte is wrong, the file is refused.
			for at := 0; at < len(file); at += 1 + len(file)/500 {
				bad := bytes.Clone(file)
				bad[at] ^= 0x21
				if got, err := Decode(bad, int64(len(data))); err == nil && !(args[0] == "--check=none" && len(got) > 0) {
					t.Errorf("byte %d wrong: no error", at)
				}
			}
		})
	}
}

func TestStreamsAndPadding(t *testing.T) {
	a, b := mustEncode(t, []byte("first")), mustEncode(t, []byte("second"))
	for _, test := range []struct {
		name  string
		parts [][]byte
		want  string
		err   string
	}{
		{"two streams", [][]byte{a, b}, "firstsecond", ""},
		{"padding after", [][]byte{a, make([]byte, 8)}, "first", ""},
		{"padding between", [][]byte{a, make([]byte, 4), b}, "firstsecond", ""},
		{"padding of a wrong size", [][]byte{a, make([]byte, 6)}, "", "2 bytes after the stream"},
		{"padding before", [][]byte{make([]byte, 4), a}, "", "at offset 0: corrupt data: no .xz magic number"},
		{"erased flash after", [][]byte{a, {0xff, 0xff, 0xff, 0xff}}, "", "4 bytes after the stream"},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := Decode(bytes.Join(test.parts, nil), 11)
			if test.err != "" {
				if !errors.Is(err, ErrCorrupt) || !strings.Contains(err.Error(), test.err) {
					t.Errorf("error %v, want %q", err, test.err)
				}
				return
			}
			if err != nil || string(got) != test.want {
				t.Errorf("got %q, %v, want %q", got, err, test.want)
			}
		})
	}
	if _, err := Decode(append(bytes.Clone(a), b...), 10); !errors.Is(err, ErrTooLarge) {
		t.Errorf("two streams above the limit: %v", err)
	}
}

// fix recomputes the CRCs around what a test changes, so that the parser
// gets to see it. The positions are those of a file with one block.
func fix(file []byte) []byte {
	put := func(at int, data []byte) { copy(file[at:], appendCRC32(nil, data)) }
	put(8, file[6:8])
	if header := file[12:]; len(header) >= (int(header[0])+1)*4 && header[0] > 0 {
		crc := int(header[0]) * 4
		put(12+crc, header[:crc])
	}
	end := len(file)
	size := (int64(binary.LittleEndian.Uint32(file[end-8:])) + 1) * 4
	if start := int64(end-streamEnd) - size; start > 24 {
		put(end-streamEnd-4, file[start:end-streamEnd-4])
	}
	put(end-streamEnd, file[end-8:end-2])
	return file
}

func TestDecodeErrors(t *testing.T) {
	good := mustEncode(t, []byte("abc"))
	// 12 header, 12 block header, 7 data, 1 padding, 8 check, 8 index, 12 footer
	if len(good) != 60 {
		t.Fatalf("the file has %d bytes, this test expects 60", len(good))
	}
	with := func(at int, b ...byte) []byte {
		file := bytes.Clone(good)
		copy(file[at:], b)
		return file
	}
	footer := func(at int, b byte) []byte {
		file := with(at, b)
		copy(file[48:], appendCRC32(nil, file[52:58]))
		return file
	}
	fixed := func(at int, b ...byte) []byte { return fix(with(at, b...)) }
	for _, test := range []struct {
		name string
		file []byte
		is   error
		want string
	}{
		{"nothing", nil, ErrCorrupt, "at offset 0: corrupt data: the stream header is cut off"},
		{"magic", with(0, 'x'), ErrCorrupt, "at offset 0: corrupt data: no .xz magic number"},
		{"header CRC", with(8, 0), ErrCorrupt, "the CRC of the stream header is wrong"},
		{"stream flags", fixed(6, 1), ErrUnsupported, "at offset 6: stream flags 01 04"},
		{"check type", fixed(7, 2), ErrUnsupported, "at offset 7: check of type 2"},
		{"block header CRC", with(20, 0), ErrCorrupt, "at offset 12: corrupt data: the CRC of the block header"},
		{"block header cut", good[:20], ErrCorrupt, "at offset 12: corrupt data: the block header is cut off"},
		{"block flags", fixed(13, 4), ErrUnsupported, "at offset 13: block flags 04"},
		{"two filters, LZMA2 the first", fixed(13, 1), ErrCorrupt, "at offset 14: corrupt data: LZMA2 is filter 1 of 2"},
		{"other filter", fixed(14, 2), ErrUnsupported, "at offset 14: filter 0x02"},
		{"other filter in front", fixed(13, 1, 0x0c, 0, 0x21, 1, 0x16), ErrUnsupported, "at offset 14: filter 0x0c"},
		{"filter for too little data", fixed(13, 1, 4, 0, 0x21, 1, 0x16), nil, ""},
		{"filter that nobody applied", fixed(13, 1, 3, 1, 0, 0x21, 1, 0x16), ErrCorrupt, "the check of the block"},
		{"filter properties", fixed(16, 41), ErrCorrupt, "properties 01 29"},
		{"block header padding", fixed(18, 1), ErrCorrupt, "at offset 18: corrupt data: the padding of the block header"},
		{"packed size in header", fixed(13, 0x40, 6, 0x21, 1, 0x16), ErrCorrupt, "the block has 7 packed bytes, its header says 6"},
		{"unpacked size in header", fixed(13, 0x80, 6, 0x21, 1, 0x16), ErrCorrupt, "the block has 3 bytes of data, its header says 6"},
		{"both sizes in header", fixed(13, 0xc0, 7, 3, 0x21, 1, 0x16), nil, ""},
		{"number too long", fixed(13, 0x40, 0x87, 0, 0x21, 1, 0x16), ErrCorrupt, "a number is longer than it must be"},
		{"LZMA2 data", with(24, 0x77), ErrCorrupt, "in the LZMA2 data from offset 24: lzma: at offset 0"},
		{"block padding", with(31, 1), ErrCorrupt, "the padding of the block is not zero"},
		{"check", with(32, 0), ErrCorrupt, "at offset 32: corrupt data: the check of the block"},
		{"no index", good[:40], ErrCorrupt, "at offset 40: corrupt data: the stream ends without an index"},
		{"number of blocks", fixed(41, 2), ErrCorrupt, "the index records 2 blocks, the stream has 1"},
		{"packed size in index", fixed(42, 28), ErrCorrupt, "the index records 28 packed and 3 unpacked bytes for block 0, which has 27 and 3"},
		{"unpacked size in index", fixed(43, 4), ErrCorrupt, "the index records 27 packed and 4 unpacked"},
		{"index CRC", with(44, 0), ErrCorrupt, "the CRC of the index is wrong"},
		{"index cut", good[:43], ErrCorrupt, "the number is cut off"},
		{"footer cut", good[:59], ErrCorrupt, "the stream footer is cut off"},
		{"footer magic", with(58, 'x'), ErrCorrupt, "no magic number in the stream footer"},
		{"footer CRC", with(48, 0), ErrCorrupt, "the CRC of the stream footer is wrong"},
		{"backward size", footer(52, 2), ErrCorrupt, "the stream footer gives the index another size than 8"},
		{"footer flags", footer(57, 1), ErrCorrupt, "the stream footer and header have different flags"},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := Decode(test.file, 100)
			if test.is == nil {
				if err != nil || string(got) != "abc" {
					t.Errorf("got %q, %v", got, err)
				}
				return
			}
			if !errors.Is(err, test.is) || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want %v with %q", err, test.is, test.want)
			}
		})
	}
	for n := range good {
		if _, err := Decode(good[:n], 100); !errors.Is(err, ErrCorrupt) {
			t.Errorf("cut at %d: %v", n, err)
		}
	}
}

// FuzzDecode wants an error or data within the limit, with the CRCs of the
// headers made right as far as they are where Encode puts them.
func FuzzDecode(f *testing.F) {
	f.Add([]byte{})
	for _, data := range [][]byte{nil, []byte("abc"), listing(20), noise(100)} {
		f.Add(mustEncode(f, data))
	}
	two := mustEncode(f, []byte("two"))
	f.Add(append(two, two...))
	code := sample.Branches(300)
	f.Add(blockWith(f, 2, "\x0b\x00"+lzma2, branches(bcj.RISCV, code, 0), code))
	f.Add(blockWith(f, 4, "\x03\x01\x03\x06\x04\x10\x00\x00\x00\x04\x00"+lzma2, code, code))
	f.Fuzz(func(t *testing.T, file []byte) {
		check := func(file []byte) {
			const limit = 1 << 20
			out, n, err := DecodePrefix(file, limit)
			if err == nil && (n < 2*streamEnd || n > int64(len(file)) || int64(len(out)) > limit) {
				t.Fatalf("%d bytes from %d of %d", len(out), n, len(file))
			}
			all, err := Decode(file, limit)
			if err == nil && (int64(len(all)) > limit || !bytes.HasPrefix(all, out)) {
				t.Fatalf("%d bytes of all, %d of the first stream", len(all), len(out))
			}
		}
		check(file)
		if len(file) >= 60 {
			check(fix(bytes.Clone(file)))
		}
	})
}

func FuzzRoundTrip(f *testing.F) {
	f.Add([]byte("abc"))
	f.Add(listing(10))
	f.Fuzz(func(t *testing.T, data []byte) {
		got, err := Decode(mustEncode(t, data), int64(len(data)))
		if err != nil {
			t.Fatal(err)
		}
		mustEqual(t, "Decode", got, data)
	})
}

func BenchmarkEncode(b *testing.B) {
	data := listing(10_000)
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		mustEncode(b, data)
	}
}
