// SPDX-License-Identifier: GPL-2.0-or-later

package cbfs_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/ulikunitz/xz/lzma"

	"binman/format/cbfs"
	"binman/format/verify"
	"binman/internal/binfmt"
	"binman/internal/golden"
	"binman/internal/judge"
)

// sample has a file of every kind, and one with a fixed place.
func sample(arch cbfs.Arch) *cbfs.Image {
	return &cbfs.Image{
		Size: 0x800,
		Arch: arch,
		Files: []cbfs.File{
			{Name: "u-boot", Type: cbfs.Raw, Data: []byte("1234")},
			{Name: "BOOT", Type: cbfs.Stage, Data: bytes.Repeat([]byte("code"), 20), Load: 0x80000000, Entry: 0x80000010, MemSize: 0x100},
			{Name: "u-boot-dtb", Type: cbfs.Raw, Data: []byte("udtb"), Fixed: true, Offset: 0x2a8},
			{Name: "packed", Type: cbfs.Raw, Data: []byte("not really"), Compression: cbfs.LZ4, UncompressedSize: 0x40, Fixed: true, Offset: 0x400},
			{Name: "empty", Type: cbfs.Raw},
		},
	}
}

func mustMarshal(t testing.TB, im *cbfs.Image) []byte {
	t.Helper()
	data, err := im.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func parse(data []byte) (*cbfs.Image, error) {
	return cbfs.Parse(bytes.NewReader(data), int64(len(data)))
}

func mustParse(t testing.TB, data []byte) *cbfs.Image {
	t.Helper()
	im, err := parse(data)
	if err != nil {
		t.Fatal(err)
	}
	return im
}

// load reads the data of all files.
func load(t testing.TB, im *cbfs.Image, data []byte) {
	t.Helper()
	for i := range im.Files {
		f := &im.Files[i]
		f.Data = make([]byte, f.Size)
		if _, err := f.Open(bytes.NewReader(data)).ReadAt(f.Data, 0); err != nil && f.Size > 0 {
			t.Fatal(err)
		}
	}
}

func TestMarshalGolden(t *testing.T) {
	for _, arch := range []cbfs.Arch{cbfs.X86, cbfs.PPC64} {
		t.Run(arch.String(), func(t *testing.T) {
			got := mustMarshal(t, sample(arch))
			golden.Compare(t, arch.String()+".cbfs", got)
		})
	}
}

func TestList(t *testing.T) {
	im := mustParse(t, mustMarshal(t, sample(cbfs.X86)))
	want := []binfmt.Item{
		{Name: "u-boot", Type: "raw", Offset: 0x20, Size: 4},
		{Name: "BOOT", Type: "stage", Offset: 0x78, Size: 80, Details: binfmt.Details{}.With("load", uint32(0x80000000)).With("entry", uint32(0x80000010)).With("memory-size", 0x100)},
		{Name: "", Type: "null", Offset: 0x11c, Size: 0x164},
		{Name: "u-boot-dtb", Type: "raw", Offset: 0x2a8, Size: 4},
		{Name: "", Type: "null", Offset: 0x2dc, Size: 0xe4},
		{Name: "packed", Type: "raw", Offset: 0x400, Size: 10, Compress: "lz4", UncompSize: 64},
		{Name: "empty", Type: "raw", Offset: 0x460, Size: 0},
		{Name: "", Type: "null", Offset: 0x49c, Size: 0x324},
	}
	if diff := cmp.Diff(want, im.List()); diff != "" {
		t.Error(diff)
	}
	if err := verify.First(im.Verify(nil, 0, nil)); err != nil {
		t.Error(err)
	}
	if f := im.File("BOOT"); f == nil || f.Load != 0x80000000 || f.Entry != 0x80000010 || f.MemSize != 0x100 {
		t.Errorf("stage: %+v", f)
	}
	if f := im.File("packed"); f == nil || f.Compression != cbfs.LZ4 || f.UncompressedSize != 0x40 {
		t.Errorf("compressed file: %+v", f)
	}
	if im.File("") != nil || im.File("absent") != nil {
		t.Error("found a file that is not there")
	}
}

// TestRebuild writes again what was read: order, places and free space come
// out as they were, also around a file that changed.
func TestRebuild(t *testing.T) {
	for _, arch := range []cbfs.Arch{cbfs.X86, cbfs.ARM64} {
		t.Run(arch.String(), func(t *testing.T) {
			data := mustMarshal(t, sample(arch))
			im := mustParse(t, data)
			load(t, im, data)
			if !bytes.Equal(mustMarshal(t, im), data) {
				t.Error("the same files gave other bytes")
			}

			im.File("u-boot").Data = []byte("something larger than it was before")
			again := mustParse(t, mustMarshal(t, im))
			for _, name := range []string{"u-boot-dtb", "packed"} {
				if got, want := again.File(name).Offset, im.File(name).Offset; got != want {
					t.Errorf("%s moved from %#x to %#x", name, want, got)
				}
			}
			if f := again.File("u-boot"); f.Size != 35 {
				t.Errorf("the new file has %d bytes", f.Size)
			}
		})
	}
}

func TestMarshalErrors(t *testing.T) {
	raw := func(name string, size int) cbfs.File {
		return cbfs.File{Name: name, Type: cbfs.Raw, Data: make([]byte, size)}
	}
	at := func(f cbfs.File, off int64) cbfs.File {
		f.Fixed, f.Offset = true, off
		return f
	}
	for _, c := range []struct {
		name  string
		size  int64
		arch  cbfs.Arch
		files []cbfs.File
		want  string
	}{
		{"no room for the header", 0x60, cbfs.X86, []cbfs.File{raw("u-boot", 4)}, "No space for header at offset 0x3c (current offset 0x40)"},
		{"no room for the file", 0x100, cbfs.X86, []cbfs.File{raw("u-boot", 0x400)}, "No space for header at offset 0xdc (current offset 0x420)"},
		{"no room for the file, header first", 0x100, cbfs.ARM, []cbfs.File{raw("u-boot", 0x400)}, "No space for data before pad offset 0xfc (current offset 0x460)"},
		{"places overlap", 0x400, cbfs.X86, []cbfs.File{at(raw("a", 4), 0x40), at(raw("b", 4), 0x44)}, "No space for data before pad offset 0x0 (current offset 0x80)"},
		{"place before the first header", 0x400, cbfs.X86, []cbfs.File{at(raw("a", 4), 4)}, "Internal error: CBFS file 'a': Requested offset 0x4 but current output position is 0x0"},
		{"place far outside", 0x400, cbfs.X86, []cbfs.File{at(raw("a", 4), 0xfffffff0)}, "No space for header at offset 0x3dc (current offset 0xfffffff4)"},
		{"header on no boundary", 0x400, cbfs.ARM, []cbfs.File{raw("a", 0x370), raw("b", 0)}, "CBFS file 'b' would start at offset 0x3cc"},
		{"no size", 0, cbfs.X86, nil, "No space for header at offset -0x24 (current offset 0x0)"},
		{"size of more than 4 GiB", 1 << 32, cbfs.X86, nil, "must fit in 32 bits"},
		{"two of a name", 0x400, cbfs.X86, []cbfs.File{raw("a", 1), raw("a", 2)}, "CBFS file 'a' appears twice"},
		{"type", 0x400, cbfs.X86, []cbfs.File{{Name: "a", Type: 0xff}}, "Unknown type 0xff when writing"},
		{"compressed stage", 0x400, cbfs.X86, []cbfs.File{{Name: "a", Type: cbfs.Stage, Compression: cbfs.LZMA}}, "a stage cannot be compressed with lzma"},
		{"entry before load", 0x400, cbfs.X86, []cbfs.File{{Name: "a", Type: cbfs.Stage, Load: 8, Entry: 4}}, "entry point 0x4"},
		{"size in memory", 0x400, cbfs.X86, []cbfs.File{{Name: "a", Type: cbfs.Stage, MemSize: 1 << 32}}, "size in memory"},
		{"uncompressed size", 0x400, cbfs.X86, []cbfs.File{{Name: "a", Type: cbfs.Raw, Compression: cbfs.LZ4, UncompressedSize: -1}}, "uncompressed size"},
		{"NUL in a name", 0x400, cbfs.X86, []cbfs.File{raw("a\x00b", 1)}, "cannot contain NUL"},
		{"long name", 0x1000, cbfs.X86, []cbfs.File{raw(strings.Repeat("n", 1024), 1)}, "the most is 1023"},
		{"foreign attribute", 0x400, cbfs.X86, []cbfs.File{{Name: "a", Type: cbfs.Raw, Attrs: []cbfs.Attr{{Tag: 0x68736148}}}}, "tag 0x68736148"},
	} {
		t.Run(c.name, func(t *testing.T) {
			im := &cbfs.Image{Size: c.size, Arch: c.arch, Files: c.files}
			_, err := im.Marshal()
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("got %v, want an error with %q", err, c.want)
			}
			if strings.HasPrefix(c.want, "No space") && !errors.Is(err, cbfs.ErrSpace) {
				t.Error("the error is not ErrSpace")
			}
		})
	}
}

func TestParseErrors(t *testing.T) {
	put := func(off int, v uint32) func([]byte) []byte {
		return func(b []byte) []byte { binary.BigEndian.PutUint32(b[off:], v); return b }
	}
	const (
		boot   = 0x40  // header of the file BOOT
		packed = 0x3c0 // header of the file packed
	)
	for _, c := range []struct {
		name string
		edit func([]byte) []byte
		want string
	}{
		{"empty", func(b []byte) []byte { return nil }, "Cannot find master header"},
		{"no header, no file", func(b []byte) []byte { return bytes.Repeat([]byte{0xff}, 0x1000) }, "Cannot find master header"},
		{"data offset leads back", put(20, 0), "file 0 at offset 0x0: data offset 0x0 lies in the header"},
		{"data offset in the header", put(boot+20, 0x18), "file 1 at offset 0x40: data offset 0x18"},
		{"data offset past the end", put(boot+20, 0xfffffff0), "headers at offset 0x40 with size 0xfffffff0 is outside the image of 0x800 bytes"},
		{"data past the end", put(boot+8, 0x7fffffff), "data at offset 0x78 with size 0x7fffffff is outside"},
		{"attributes in the header", put(boot+16, 4), "attribute offset 0x4 is not between"},
		{"attributes behind the data", put(boot+16, 0x1000), "attribute offset 0x1000 is not between"},
		{"name not terminated", func(b []byte) []byte { copy(b[24:], "nametail"); return b }, "name is not terminated in 8 bytes"},
		{"attribute of no length", put(boot+0x20+4, 0), "'BOOT': attribute at offset 0x60 has length 0x0"},
		{"attribute longer than the rest", put(boot+0x20+4, 0x19), "has length 0x19, must be from 8 to the 0x18"},
		{"stage header too short", put(boot+0x20+4, 0x10), "stage header has length 0x10, must have 0x18"},
		{"compression too long", func(b []byte) []byte { return put(boot+0x20, 0x42435a4c)(b) }, "compression has length 0x18, must have 0x10"},
		{"attribute cut", put(boot+20, 0x24), "ran out of data"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := parse(c.edit(mustMarshal(t, sample(cbfs.X86))))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want an error with %q", err, c.want)
			}
		})
	}
}

// TestHeaderIsSearchedFor has the pointer lead nowhere, or to a damaged
// header.
func TestHeaderIsSearchedFor(t *testing.T) {
	t.Run("pointer destroyed", func(t *testing.T) {
		data := mustMarshal(t, sample(cbfs.PPC64))
		binary.LittleEndian.PutUint32(data[len(data)-4:], 0x12345678)
		im := mustParse(t, data)
		if im.Arch != cbfs.PPC64 || im.Header == nil || im.File("u-boot") == nil {
			t.Errorf("got %+v", im)
		}
	})
	t.Run("alignment zero", func(t *testing.T) {
		data := mustMarshal(t, sample(cbfs.PPC64))
		clear(data[16:20])
		if _, err := parse(data); !errors.Is(err, cbfs.ErrFormat) {
			t.Errorf("got %v", err)
		}
	})
	t.Run("no header", func(t *testing.T) {
		data := mustMarshal(t, sample(cbfs.X86))
		clear(data[len(data)-36:])
		im := mustParse(t, data)
		if im.Header != nil || im.Arch != cbfs.UnknownArch || len(im.Files) != 8 {
			t.Errorf("got %+v", im)
		}
	})
}

func TestDetect(t *testing.T) {
	x86, ppc := mustMarshal(t, sample(cbfs.X86)), mustMarshal(t, sample(cbfs.PPC64))
	for _, c := range []struct {
		name string
		data []byte
		want bool
	}{
		{"x86", x86, true},
		{"ppc64", ppc, true},
		{"first file only", x86[:0x40], true},
		{"pointer without header", ppc[0x44:], false},
		{"behind something else", append(bytes.Repeat([]byte{0xff}, 0x1000), x86...), false},
		{"erased", bytes.Repeat([]byte{0xff}, 64), false},
		{"three bytes", []byte{1, 2, 3}, false},
		{"empty", nil, false},
	} {
		if got := cbfs.Detect(bytes.NewReader(c.data), int64(len(c.data))); got != c.want {
			t.Errorf("%s: Detect = %v", c.name, got)
		}
	}
}

// cbfstool add -A writes hashes of what is stored.
func TestHash(t *testing.T) {
	data := []byte("LARCHIVE\x00\x00\x00\x04\x00\x00\x00\x50\x00\x00\x00\x1c\x00\x00\x00\x48a\x00\x00\x00hsaH\x00\x00\x00\x2c\x00\x00\x00\x02")
	sum := sha256.Sum256([]byte("text"))
	data = append(append(data, sum[:]...), "text"...)
	for _, c := range []struct {
		name    string
		at      int // byte to change
		verdict verify.Verdict
	}{
		{"as it was", -1, verify.Good},
		{"contents", len(data) - 1, verify.Bad},
		{"kind of hash", 0x27, verify.NotCovered},
	} {
		data := bytes.Clone(data)
		if c.at >= 0 {
			data[c.at] ^= 0x40
		}
		r := bytes.NewReader(data)
		list, err := mustParse(t, data).Verify(r, r.Size(), nil)
		if err != nil || len(list) != 2 || list[1].Path != "a" || list[1].Verdict != c.verdict {
			t.Errorf("%s: %v, %+v", c.name, err, list)
		}
	}
}

func TestVerify(t *testing.T) {
	t.Run("chain breaks off", func(t *testing.T) {
		data := mustMarshal(t, sample(cbfs.X86))
		copy(data[0x3c0:], "GARBAGE!")
		im := mustParse(t, data)
		if err := verify.First(im.Verify(nil, 0, nil)); err == nil || !strings.Contains(err.Error(), "break off at offset 0x3c0") {
			t.Errorf("got %v", err)
		}
	})
	t.Run("two of a name", func(t *testing.T) {
		data := mustMarshal(t, sample(cbfs.X86))
		copy(data[0x440+24:], "BOOT\x00")
		im := mustParse(t, data)
		if err := verify.First(im.Verify(nil, 0, nil)); err == nil || !strings.Contains(err.Error(), "'BOOT' at offset 0x440 appears twice") {
			t.Errorf("got %v", err)
		}
	})
}

func TestWords(t *testing.T) {
	for _, word := range []string{"unknown", "x86", "arm", "arm64", "mips", "riscv", "ppc64"} {
		if a, ok := cbfs.ParseArch(word); !ok || a.String() != word {
			t.Errorf("architecture %q is %v, %v", word, a, ok)
		}
	}
	for _, word := range []string{"none", "lzma", "lz4"} {
		if c, ok := cbfs.ParseCompression(word); !ok || c.String() != word {
			t.Errorf("compression %q is %v, %v", word, c, ok)
		}
	}
	if _, ok := cbfs.ParseArch("pdp11"); ok {
		t.Error("pdp11 is known")
	}
	if got := cbfs.Type(0xff).String(); got != "0xff" {
		t.Errorf("unknown type is %q", got)
	}
}

func run(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %q: %v\n%s", name, args, err, out)
	}
	return string(out)
}

// TestCbfstoolReadsOurs has cbfstool list an image and extract its files.
func TestCbfstoolReadsOurs(t *testing.T) {
	tool := judge.Need(t, "cbfstool")
	plain := bytes.Repeat([]byte("compress me "), 100)
	var packed bytes.Buffer
	// As lzma_alone, which coreboot reads, with the size in the header.
	w, err := lzma.WriterConfig{SizeInHeader: true, Size: int64(len(plain))}.NewWriter(&packed)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(plain); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	for _, arch := range []cbfs.Arch{cbfs.X86, cbfs.ARM64} {
		t.Run(arch.String(), func(t *testing.T) {
			im := sample(arch)
			im.Files[3] = cbfs.File{Name: "packed", Type: cbfs.Raw, Data: packed.Bytes(), Compression: cbfs.LZMA, UncompressedSize: int64(len(plain))}
			dir := t.TempDir()
			rom := filepath.Join(dir, "rom")
			if err := os.WriteFile(rom, mustMarshal(t, im), 0o666); err != nil {
				t.Fatal(err)
			}
			listing := run(t, tool, rom, "print", "-k")
			for _, f := range im.Files {
				if !strings.Contains(listing, "\n"+f.Name+"\t") {
					t.Errorf("cbfstool does not list %s:\n%s", f.Name, listing)
				}
			}
			for name, want := range map[string][]byte{"u-boot": []byte("1234"), "u-boot-dtb": []byte("udtb"), "packed": plain} {
				out := filepath.Join(dir, name)
				run(t, tool, rom, "extract", "-n", name, "-f", out)
				if got, err := os.ReadFile(out); err != nil || !bytes.Equal(got, want) {
					t.Errorf("%s: %d bytes, %v; want %d", name, len(got), err, len(want))
				}
			}
		})
	}
}

// TestCbfstoolWrites compares an image with one that cbfstool makes from the
// same files, and reads the latter.
func TestCbfstoolWrites(t *testing.T) {
	tool := judge.Need(t, "cbfstool")
	dir := t.TempDir()
	rom := filepath.Join(dir, "rom")
	files := []cbfs.File{
		{Name: "first", Type: cbfs.Raw, Data: []byte("one")},
		{Name: "fixed", Type: cbfs.Raw, Data: bytes.Repeat([]byte("two"), 100), Fixed: true, Offset: 0x540},
		{Name: "last", Type: cbfs.Raw, Data: []byte("three")},
	}
	run(t, tool, rom, "create", "-m", "arm", "-s", "0x2000")
	for _, f := range files {
		path := filepath.Join(dir, f.Name)
		if err := os.WriteFile(path, f.Data, 0o666); err != nil {
			t.Fatal(err)
		}
		args := []string{rom, "add", "-n", f.Name, "-t", "raw", "-f", path}
		if f.Fixed {
			args = append(args, "-b", "0x540")
		}
		run(t, tool, args...)
	}
	theirs, err := os.ReadFile(rom)
	if err != nil {
		t.Fatal(err)
	}
	im := mustParse(t, theirs)
	if err := verify.First(im.Verify(nil, 0, nil)); err != nil {
		t.Error(err)
	}
	for _, f := range files {
		got := im.File(f.Name)
		if got == nil {
			t.Errorf("%s is missing", f.Name)
			continue
		}
		if data := theirs[got.Offset:][:got.Size]; !bytes.Equal(data, f.Data) {
			t.Errorf("%s holds %q", f.Name, data)
		}
		if f.Fixed && got.Offset != f.Offset {
			t.Errorf("%s is at %#x, want %#x", f.Name, got.Offset, f.Offset)
		}
	}

	// Only in what follows "last" do the two differ: cbfstool puts it into
	// the space before "fixed", we keep the order.
	run(t, tool, rom, "remove", "-n", "last")
	if theirs, err = os.ReadFile(rom); err != nil {
		t.Fatal(err)
	}
	ours := mustMarshal(t, &cbfs.Image{Size: 0x2000, Arch: cbfs.ARM, Files: files[:2]})
	if !bytes.Equal(ours, theirs) {
		t.Error("our image differs from cbfstool's")
	}
}

func FuzzParse(f *testing.F) {
	// Small, for the fuzzer takes long to shrink large inputs.
	for _, arch := range []cbfs.Arch{cbfs.X86, cbfs.PPC64} {
		im := sample(arch)
		im.Size, im.Files = 0x160, im.Files[:2]
		f.Add(mustMarshal(f, im))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		im, err := parse(data)
		if err != nil {
			return
		}
		_ = verify.First(im.Verify(nil, 0, nil))
		im.List()
		load(t, im, data)
		again, err := im.Marshal()
		if err != nil {
			return // a type or an attribute that we do not write, or no space
		}
		got := mustParse(t, again)
		load(t, got, again)
		// What Marshal wrote stays as it is from now on.
		if !bytes.Equal(mustMarshal(t, got), again) {
			t.Error("a second round gives other bytes")
		}
		for _, want := range im.Files {
			if want.Type.Free() {
				continue
			}
			f := got.File(want.Name)
			if f == nil || !bytes.Equal(f.Data, want.Data) {
				t.Errorf("file %q is lost or has changed", want.Name)
			}
		}
	})
}

func BenchmarkMarshal(b *testing.B) {
	im := &cbfs.Image{Size: 8 << 20}
	for i := range 64 {
		im.Files = append(im.Files, cbfs.File{Name: string(rune('a' + i)), Type: cbfs.Raw, Data: make([]byte, 64<<10)})
	}
	b.SetBytes(im.Size)
	for b.Loop() {
		if _, err := im.Marshal(); err != nil {
			b.Fatal(err)
		}
	}
}

// TestLarge makes a CBFS of 4 GiB less a byte, whose free space takes no memory.
func TestLarge(t *testing.T) {
	for _, arch := range []cbfs.Arch{cbfs.X86, cbfs.ARM64} {
		im := &cbfs.Image{Arch: arch, Size: 1<<32 - 64, Files: []cbfs.File{{Name: "a", Type: cbfs.Raw, Data: []byte("hello")}}}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		d, err := im.Data()
		runtime.ReadMemStats(&after)
		if err != nil || d.Len() != im.Size {
			t.Fatalf("%#x bytes, %v", d.Len(), err)
		}
		if n := after.TotalAlloc - before.TotalAlloc; n > 1<<20 {
			t.Errorf("it took %d bytes of memory", n)
		}
		got, err := cbfs.Parse(d, d.Len())
		if err != nil || len(got.Files) == 0 {
			t.Errorf("%v, %v", got, err)
		}
	}
}
