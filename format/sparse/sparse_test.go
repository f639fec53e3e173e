// SPDX-License-Identifier: GPL-2.0-or-later

package sparse_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"binman/content"
	"binman/format/sparse"
	"binman/internal/judge"
)

const block = 4096

// image makes an image with blocks of a size.
func image(size, blocks, sum uint32, chunks ...[]byte) []byte {
	b := append([]byte(nil), sparse.Magic[:]...)
	for _, v := range []uint16{1, 0, 28, 12} {
		b = binary.LittleEndian.AppendUint16(b, v)
	}
	for _, v := range []uint32{size, blocks, uint32(len(chunks)), sum} {
		b = binary.LittleEndian.AppendUint32(b, v)
	}
	return append(b, bytes.Join(chunks, nil)...)
}

func chunk(kind uint16, blocks uint32, data string) []byte {
	b := binary.LittleEndian.AppendUint32(nil, uint32(kind))
	b = binary.LittleEndian.AppendUint32(b, blocks)
	b = binary.LittleEndian.AppendUint32(b, uint32(12+len(data)))
	return append(b, data...)
}

func sum(v uint32) string { return string(binary.LittleEndian.AppendUint32(nil, v)) }

func TestExpand(t *testing.T) {
	crc := func(s string) string { return sum(crc32.ChecksumIEEE([]byte(s))) }
	all := "12345678" + "abcdabcdabcdabcd" + strings.Repeat("\x00", 8) + strings.Repeat("\xff", 8)
	chunks := [][]byte{chunk(0xcac1, 1, "12345678"), chunk(0xcac2, 2, "abcd"), chunk(0xcac4, 0, crc(all[:24])), chunk(0xcac3, 1, ""), chunk(0xcac2, 1, "\xff\xff\xff\xff")}
	for _, c := range []struct {
		name  string
		image []byte
		want  string
		err   string
	}{
		{"nothing", image(4, 0, 0), "", ""},
		{"all kinds", image(8, 5, 0, chunks...), all, ""},
		{"checksum in the header", image(8, 5, crc32.ChecksumIEEE([]byte(all)), chunks...), all, ""},
		{"checksum with a count of blocks", image(8, 1, 0, chunk(0xcac1, 1, "12345678"), chunk(0xcac4, 7, crc(all[:8]))), all[:8], ""},

		{"no image", []byte("nothing of that kind, and long enough"), "", "it does not start as a sparse image does"},
		{"short", sparse.Magic[:], "", "header at offset 0x0 with size 0x1c is outside the image of 0x4 bytes"},
		{"size of a block", image(6, 1, 0), "", "version 1 with blocks of 0x6 bytes and 0 chunks is not known"},
		{"kind", image(4, 1, 0, chunk(0xcac5, 1, "")), "", "chunk 0 at 0x1c has the type 0xcac5 and 0xc bytes for 1 blocks"},
		{"size", image(4, 2, 0, chunk(0xcac1, 2, "1234")), "", "chunk 0 at 0x1c has the type 0xcac1 and 0x10 bytes for 2 blocks"},
		{"cut", image(4, 1, 0, chunk(0xcac1, 1, "1234"))[:42], "", "the last chunk ends at 0x2c, and there are 0x2a bytes"},
		{"cut in a header", image(4, 2, 0, chunk(0xcac1, 1, "1234"), chunk(0xcac3, 1, ""))[:50], "", "chunk at offset 0x2c with size 0xc is outside the image of 0x32 bytes"},
		{"too few blocks", image(4, 2, 0, chunk(0xcac1, 1, "1234")), "", "the chunks expand to 1 blocks, the header says 2"},
		{"too many blocks", image(4, 2, 0, chunk(0xcac3, 3, ""), chunk(0xcac3, 1<<31, "")), "", "the chunks expand to more than the 2 blocks that the header says"},
		{"wrong checksum", image(8, 1, 0, chunk(0xcac1, 1, "12345678"), chunk(0xcac4, 0, "abcd")), "", "chunk 1 at 0x30: its checksum of the expanded image is 0x64636261, that of what the chunks expand to is 0x9ae0daaf"},
		{"wrong checksum in the header", image(8, 1, 1, chunk(0xcac1, 1, "12345678")), "", "header: its checksum of the expanded image is 0x00000001, that of what the chunks expand to is 0x9ae0daaf"},
	} {
		t.Run(c.name, func(t *testing.T) {
			out, err := sparse.Expand(content.Bytes(c.image))
			if c.err != "" {
				if err == nil || err.Error() != c.err {
					t.Errorf("%v, want %s", err, c.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			got, err := out.Bytes()
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, string(got)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// Checksums of fills that are too long to be gone through are right.
func TestLongFills(t *testing.T) {
	for _, n := range []int{1<<16 + 4, 1 << 17, 3<<20 + 12345*4} {
		for _, word := range []string{"\x00\x00\x00\x00", "\xff\xff\xff\xff", "abcd"} {
			all := "12345678" + strings.Repeat(word, n/4) + "1234"
			crc := crc32.ChecksumIEEE([]byte(all))
			text := image(4, uint32(n/4+3), crc, chunk(0xcac1, 2, "12345678"), chunk(0xcac2, uint32(n/4), word), chunk(0xcac1, 1, "1234"))
			if _, err := sparse.Expand(content.Bytes(text)); err != nil {
				t.Errorf("%d bytes of %q: %v", n, word, err)
			}
		}
	}
	// An image of a few bytes may expand to very many.
	huge := image(1<<24, 1<<31, 1, chunk(0xcac2, 1<<31, "abcd"))
	if _, err := sparse.Expand(content.Bytes(huge)); err == nil {
		t.Error("the checksum cannot be that")
	}
}

func pattern(n int) content.Data {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i*7 ^ i>>8 ^ i>>12)
	}
	return content.Bytes(b)
}

// cases are data that become chunks of all kinds.
func cases(t testing.TB) map[string]content.Data {
	holes := filepath.Join(t.TempDir(), "holes")
	if err := os.WriteFile(holes, bytes.Repeat([]byte("file"), 1<<15), 0o666); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(holes, 1<<20+5); err != nil {
		t.Fatal(err)
	}
	file, err := content.Open(holes)
	if err != nil {
		t.Fatal(err)
	}
	return map[string]content.Data{
		"nothing":               {},
		"a byte":                content.String("x"),
		"a short fill":          content.Fill(0xff, 5),
		"a block":               pattern(block),
		"a fill":                content.Fill(0xff, 3*block),
		"zeros":                 content.Fill(0, 3*block),
		"a fill and a little":   content.Fill(0xff, 3*block+4),
		"a fill at odd offsets": content.Join(pattern(100), content.Fill(1, 3*block), pattern(300), content.Fill(2, block)),
		"fills behind each other": content.Join(content.Fill(1, block), content.Fill(2, block), content.Fill(0, 2*block), content.Bytes(make([]byte, block)),
			content.Fill(3, block/2), content.Bytes(bytes.Repeat([]byte{3}, block+block/2))),
		"a word":             content.Join(content.Bytes(bytes.Repeat([]byte("abcd"), 2*block/4)), content.Bytes(bytes.Repeat([]byte("abcdefgh"), block/8))),
		"a word of fills":    content.Bytes(bytes.Repeat([]byte{1, 1, 2, 2}, block/2)),
		"many blocks":        pattern(300*block + 7),
		"a file with a hole": file,
		"a part of it":       content.Join(content.String("x"), file.Slice(7, file.Len()-7), pattern(2*block)),
	}
}

func TestWrite(t *testing.T) {
	for name, data := range cases(t) {
		t.Run(name, func(t *testing.T) {
			made, err := sparse.Write(data)
			if err != nil {
				t.Fatal(err)
			}
			out, err := sparse.Expand(made)
			if err != nil {
				t.Fatal(err)
			}
			padded := content.Join(data, content.Fill(0, -data.Len()&(block-1)))
			if same, err := content.Equal(out, padded); !same || err != nil {
				t.Errorf("it expands to something else: %v", err)
			}
			// It does not matter where bytes come from.
			b, err := data.Bytes()
			if err != nil {
				t.Fatal(err)
			}
			again, err := sparse.Write(content.Bytes(b))
			if err != nil {
				t.Fatal(err)
			}
			if same, err := content.Equal(made, again); !same || err != nil {
				t.Errorf("the same bytes in memory give another image: %v", err)
			}
		})
	}
}

// What is known is not read, and what has more than 4 GiB is cut.
func TestWriteMuch(t *testing.T) {
	made, err := sparse.Write(content.Join(content.Fill(0, 1<<40), content.String("x"), content.Fill(0xff, 1<<34)))
	if err != nil || made.Len() > 1<<16 {
		t.Fatalf("%d bytes, %v", made.Len(), err)
	}
	out, err := sparse.Expand(made)
	if err != nil {
		t.Fatal(err)
	}
	if end, value, known := out.Uniform(0); end != 1<<40 || value != 0 || !known || out.Len() != 1<<40+1<<34+block {
		t.Errorf("zeros up to %#x, %#x bytes", end, out.Len())
	}
	if _, err := sparse.Write(content.Fill(0, 1<<45)); err == nil {
		t.Error("there are 32 bits for the number of blocks")
	}
}

// img2simg writes the same, and simg2img expands it.
func TestAndroid(t *testing.T) {
	img2simg, simg2img := judge.Need(t, "img2simg"), judge.Need(t, "simg2img")
	dir := t.TempDir()
	run := func(args ...string) {
		t.Helper()
		if out, err := exec.Command(args[0], args[1:]...).CombinedOutput(); err != nil {
			t.Fatalf("%v: %v\n%s", args, err, out)
		}
	}
	read := func(path string) content.Data {
		t.Helper()
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return content.Bytes(b)
	}
	same := func(what string, a, b content.Data) {
		t.Helper()
		if equal, err := content.Equal(a, b); !equal || err != nil {
			t.Errorf("%s: not the same, %d and %d bytes: %v", what, a.Len(), b.Len(), err)
		}
	}
	number := 0
	for name, data := range cases(t) {
		t.Run(name, func(t *testing.T) {
			number++
			at := func(suffix string) string { return filepath.Join(dir, fmt.Sprint(number, suffix)) }
			b, err := data.Bytes()
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(at(".img"), b, 0o666); err != nil {
				t.Fatal(err)
			}
			made, err := sparse.Write(data)
			if err != nil {
				t.Fatal(err)
			}
			m, err := made.Bytes()
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(at(".ours"), m, 0o666); err != nil {
				t.Fatal(err)
			}
			run(img2simg, at(".img"), at(".theirs"))
			same("image", made, read(at(".theirs")))
			run(simg2img, at(".ours"), at(".out"))
			same("expanded", content.Join(data, content.Fill(0, -data.Len()&(block-1))), read(at(".out")))
		})
	}
}

// What was read and is written again expands to the same.
func FuzzExpand(f *testing.F) {
	crc := sum(crc32.ChecksumIEEE([]byte("12345678")))
	f.Add(image(8, 4, 0, chunk(0xcac1, 1, "12345678"), chunk(0xcac4, 0, crc), chunk(0xcac2, 2, "abcd"), chunk(0xcac3, 1, "")))
	f.Add(image(4096, 5, 0, chunk(0xcac2, 2, "abcd"), chunk(0xcac3, 1, ""), chunk(0xcac2, 2, "\xff\xff\xff\xff")))
	f.Fuzz(func(t *testing.T, text []byte) {
		out, err := sparse.Expand(content.Bytes(text))
		if err != nil {
			return
		}
		head := out.Slice(0, min(out.Len(), 1<<18))
		made, err := sparse.Write(head)
		if err != nil {
			t.Fatal(err)
		}
		again, err := sparse.Expand(made)
		if err != nil {
			t.Fatal(err)
		}
		if same, err := content.Equal(again.Slice(0, head.Len()), head); !same || err != nil {
			t.Fatalf("it reads otherwise: %v", err)
		}
	})
}
