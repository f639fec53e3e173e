// SPDX-License-Identifier: GPL-2.0-or-later

package fit_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"binman/content"
	"binman/dts"
	"binman/fdt"
	"binman/format/fit"
	"binman/format/verify"
	"binman/internal/golden"
	"binman/internal/judge"
)

const epoch = 1_700_000_000

// source returns a FIT with the nodes that src has, without the braces of the
// root. A property data, which may stand anywhere, becomes the contents.
func source(t testing.TB, src string) *fit.Source {
	t.Helper()
	tree, err := dts.CompileSource("fit.its", []byte("/dts-v1/; / { "+src+" };"), dts.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if !tree.Root.Has("description") && src != "images { };" {
		tree.Root.SetString("description", "test")
	}
	s := &fit.Source{Root: tree.Root, Timestamp: epoch, Data: map[*fdt.Node]content.Data{}}
	if images := tree.Root.Child("images"); images != nil {
		for _, node := range images.Subnodes {
			if p := node.Prop("data"); p != nil {
				s.Data[node] = content.Bytes(p.Value)
				p.Value = nil
			}
		}
	}
	return s
}

// whole returns the tree of the source with the contents in it, as mkimage
// takes it.
func whole(s *fit.Source) []byte {
	for node, data := range s.Data {
		node.Prop("data").Value, _ = data.Bytes()
	}
	blob := fdt.Sequential(s.Root)
	for node := range s.Data {
		node.Prop("data").Value = nil
	}
	return blob
}

// mkimage returns what the tool makes of the source.
func mkimage(t testing.TB, tool string, s *fit.Source, args ...string) ([]byte, error) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "fit")
	if err := os.WriteFile(file, whole(s), 0o666); err != nil {
		t.Fatal(err)
	}

	if s.External {
		args = append(args, "-E")
		if s.Position > 0 {
			args = append(args, "-p", fmt.Sprintf("%x", s.Position))
		}
	}
	if s.Align > 0 {
		args = append(args, "-B", fmt.Sprintf("%x", s.Align))
	}
	cmd := exec.Command(tool, append(args, "-t", "-F", file)...)
	cmd.Env = append(os.Environ(), fmt.Sprintf("SOURCE_DATE_EPOCH=%d", epoch))
	if out, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("%w: %s", err, out)
	}
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return data, nil
}

// write makes the FIT and checks that it can be read again, and holds what it
// was made of.
func write(t testing.TB, s *fit.Source) []byte {
	t.Helper()
	made, err := s.Write(nil)
	if err != nil {
		t.Fatal(err)
	}
	data, err := made.Data.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	check(t, s, made.Places, data)
	return data
}

func check(t testing.TB, s *fit.Source, places []fit.Place, data []byte) {
	t.Helper()
	f, err := parse(data)
	if err != nil {
		t.Fatal(err)
	}
	if err := verify.First(f.Verify(bytes.NewReader(data), int64(len(data)), nil)); err != nil {
		t.Error(err)
	}
	for i, node := range s.Root.Child("images").Subnodes {
		want := []byte(nil)
		if d, ok := s.Data[node]; ok {
			want, _ = d.Bytes()
		} else {
			want = node.Prop("data").Value
		}
		im := f.Images[i]
		if got := data[im.Offset:][:im.Size]; !bytes.Equal(got, want) {
			t.Errorf("image %s has %q, want %q", im.Name, got, want)
		}
		if p := places[i]; p.Size != im.Size || p.Size > 0 && p.Offset != im.Offset {
			t.Errorf("image %s is at %#x (%#x bytes), said to be at %#x (%#x bytes)", im.Name, im.Offset, im.Size, p.Offset, p.Size)
		}
	}
}

const twoImages = `description = "two";
	images {
		kernel { data = [01 02 03 04 05]; type = "kernel"; hash-1 { algo = "sha256"; }; };
		fdt-1 { type = "flat_dt"; data = "device tree"; hash-1 { algo = "crc32"; }; hash-2 { algo = "sha1"; }; };
	};
	configurations { default = "conf-1"; conf-1 { kernel = "kernel"; fdt = "fdt-1"; }; };`

func allHashes() string {
	var b strings.Builder
	for _, algo := range []string{"crc16-ccitt", "crc32", "md5", "sha1", "sha256", "sha384", "sha512"} {
		fmt.Fprintf(&b, "hash-%s { algo = \"%s\"; };", algo, algo)
	}
	return b.String()
}

var written = []struct{ name, src string }{
	{"two images", twoImages},
	{"all hashes", `images { a { data = "contents"; ` + allHashes() + ` }; };`},
	{"no hashes", `images { a { data = "contents"; }; b { data = [00]; }; };`},
	{"empty contents", `images { a { data = []; hash { algo = "md5"; }; }; b { data; }; };`},
	{"only the last is empty", `images { a { data = "x"; }; b { data; }; };`},
	{"hashes that have a value", `images { a { data = "x"; hash-1 { value = "much longer than it will be afterwards, so that it shrinks"; algo = "crc16-ccitt"; };
		hash-2 { algo = "sha512"; value; }; hash-3 { value = <1>; algo = "crc32"; x; }; hash-4 { algo = "crc16-ccitt"; value = [01]; }; }; };`},
	{"a timestamp", `timestamp = <5>; images { a { data = "long enough to leave mkimage some room when it is taken out"; }; };`},
	{"hashes of configurations", `images { a { data = "x"; }; }; configurations { c { kernel = "a"; hash-1 { algo = "sha1"; }; signature { algo = "x"; }; }; };`},
	{"names with units", `images { a@1 { data = "x"; }; }; configurations { default = "c"; c@1 { kernel = "a"; }; };`},
	{"signatures and ciphers without keys", `images { a { data = "x"; signature-1 { algo = "sha256,rsa2048"; key-name-hint = "k"; }; cipher { algo = "aes256"; }; }; };`},
	{"names that end in each other", `at = <1>; value-x; stamp; images { a { data = "x"; size = <1>; hash { time; algo = "crc32"; xvalue; }; }; };`},
	{"nodes below hashes", `images { a { data = "x"; hash-1 { algo = "crc16-ccitt"; y { z = [01 02 03]; }; }; }; };`},
	{"many images", manyImages()},
}

// manyImages describes images whose contents are of all lengths.
func manyImages() string {
	r := rand.New(rand.NewPCG(1, 2))
	var b strings.Builder
	b.WriteString("images {")
	for i := range 120 {
		typ := []string{"flat_dt", "kernel", "firmware"}[r.IntN(3)]
		fmt.Fprintf(&b, `i%d { type = "%s"; data = "%s"; hash { algo = "crc16-ccitt"; }; };`, i, typ, strings.Repeat("x", r.IntN(40)))
	}
	b.WriteString("};")
	return b.String()
}

var layouts = []struct {
	name string
	set  func(s *fit.Source)
}{
	{"inline", func(s *fit.Source) {}},
	{"inline with align", func(s *fit.Source) { s.Align = 64 }},
	{"external", func(s *fit.Source) { s.External = true }},
	{"external aligned", func(s *fit.Source) { s.External, s.Align = true, 0x200 }},
	{"external hardly aligned", func(s *fit.Source) { s.External, s.Position, s.Align = true, 0x4000, 1 }},
	{"external at a position", func(s *fit.Source) { s.External, s.Position = true, 0x4001 }},
}

// What is written is what mkimage makes of the same tree. The golden file has
// what mkimage of U-Boot 2026.10 makes: older ones leave more free space and
// align device trees less.
func TestWriteIsMkimage(t *testing.T) {
	const name = "testdata/write.golden"
	recorded, err := os.ReadFile(name)
	if err != nil && !*golden.Update {
		t.Fatal(err)
	}
	tool, _ := recentMkimage(t)
	var all strings.Builder
	for _, c := range written {
		for _, layout := range layouts {
			name := c.name + ", " + layout.name
			t.Run(name, func(t *testing.T) {
				s := source(t, c.src)
				layout.set(s)
				line := func(data []byte) string {
					return fmt.Sprintf("%s: %#x %x\n", name, len(data), sha256.Sum256(data))
				}
				got := write(t, s)
				all.WriteString(line(got))
				if tool != "" {
					want, err := mkimage(t, tool, s)
					if err != nil {
						t.Fatal(err)
					}
					if !bytes.Equal(got, want) {
						t.Errorf("%#x bytes differ from mkimage's %#x", len(got), len(want))
					}
				}
				if !*golden.Update && !strings.Contains(string(recorded), line(got)) {
					t.Errorf("not recorded: %s", line(got))
				}
			})
		}
	}
	if !*golden.Update || t.Failed() {
		return
	}
	if tool == "" {
		t.Fatal("-update needs mkimage of U-Boot 2026.10 or later")
	}
	if err := os.WriteFile(name, []byte(all.String()), 0o666); err != nil {
		t.Fatal(err)
	}
}

// recentMkimage returns the path of mkimage if it is one to compare with, and
// "" otherwise, and the version that it writes into what it signs.
func recentMkimage(t *testing.T) (tool, version string) {
	tool, err := exec.LookPath("mkimage")
	if err != nil {
		return "", ""
	}
	out, err := exec.Command(tool, "-V").Output()
	if err != nil {
		t.Fatal(err)
	}
	_, version, _ = strings.Cut(strings.TrimSpace(string(out)), "version ")
	if version < "2026.10" {
		return "", ""
	}
	return tool, version
}

func TestWriteErrors(t *testing.T) {
	const image = `a { data = "x"; };`
	for _, c := range []struct {
		name, src, want string
		set             func(s *fit.Source)
		ours            bool // mkimage has no objection, or older ones have none
	}{
		{name: "no images", src: `description = "x";`, want: "Can't find images parent node '/images'"},
		{name: "no description", src: "images { };", want: "the FIT needs a property 'description'"},
		{name: "no data", src: `images { a { type = "kernel"; }; };`, want: "Can't get image data/size"},
		{name: "hash without algorithm", src: `images { a { data = "x"; hash-1 { }; }; };`, want: "Can't get hash algo property for 'hash-1' hash node in 'a' image node"},
		{name: "unknown hash", src: `images { a { data = "x"; hash-1 { algo = "crc31"; }; }; };`, want: "Unsupported hash algorithm (crc31) for 'hash-1' hash node in 'a' image node"},
		{name: "no such default", src: `images { ` + image + ` }; configurations { default = "x"; };`, want: "Default configuration 'x' not found under /configurations", ours: true},
		{name: "no such image", src: `images { ` + image + ` }; configurations { c { loadables = "a", "b"; }; };`,
			want: "configuration 'c' references undefined image 'b' in property 'loadables'", ours: true},
		{name: "a unit too much", src: `images { ` + image + ` }; configurations { c { fdt = "a@1"; }; };`,
			want: "configuration 'c' references undefined image 'a@1' in property 'fdt'", ours: true},
		{name: "no room", src: `images { ` + image + ` };`, want: "External offset 10 overlaps FIT length ",
			set: func(s *fit.Source) { s.External, s.Position = true, 0x10 }},
		{name: "dm-verity", src: `images { a { data = "x"; dm-verity { }; }; };`, want: "asks for dm-verity, which is not supported"},
		{name: "alignment", src: `images { ` + image + ` };`, want: "alignment 0x3 must be a power of two", ours: true,
			set: func(s *fit.Source) { s.Align = 3 }},
		{name: "offset of data", src: `images { a { data = "x"; data-offset = <0>; }; };`, want: "image 'a' has data and a property 'data-offset'", ours: true},
		{name: "size of data", src: `images { a { data = "x"; data-size = <0>; }; };`, want: "image 'a' has data and a property 'data-size'", ours: true},
		{name: "position beyond 2 GiB", src: `images { ` + image + ` };`, want: "the FIT would have 0x80000000 bytes, more than the 0x7fffffff", ours: true,
			set: func(s *fit.Source) { s.External, s.Position = true, 1<<31 }},
		{name: "contents beyond 2 GiB", src: `images { a { data; }; b { data; }; };`, want: "more than the 0x7fffffff", ours: true,
			set: func(s *fit.Source) {
				for node := range s.Data {
					s.Data[node] = content.Fill(0, 1<<30)
				}
			}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := source(t, c.src)
			if c.set != nil {
				c.set(s)
			}
			made, err := s.Write(nil)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("error %v, made %v; want %q", err, made != nil, c.want)
			}
			if strings.Contains(c.name, "verity") != errors.Is(err, fit.ErrUnsupported) {
				t.Errorf("unsupported: %v", errors.Is(err, fit.ErrUnsupported))
			}
			if c.ours {
				return
			}
			if tool := judge.Need(t, "mkimage"); c.name != "dm-verity" {
				if _, err := mkimage(t, tool, s); err == nil {
					t.Error("mkimage accepts it")
				}
			}
		})
	}
}

// Two nodes of one name, if they differ, would be one to some readers and the
// other to others. Twins that are the same are written as mkimage does.
func TestWriteTwins(t *testing.T) {
	const a = `a { data = "x"; type = "kernel"; hash-1 { algo = "sha1"; }; }; `
	for _, c := range []struct {
		name, twin string
		differ     bool
	}{
		{"the same", `b { data = "x"; type = "kernel"; hash-1 { algo = "sha1"; }; };`, false},
		{"other contents", `b { data = "y"; type = "kernel"; hash-1 { algo = "sha1"; }; };`, true},
		{"another property", `b { data = "x"; type = "script"; hash-1 { algo = "sha1"; }; };`, true},
		{"more properties", `b { data = "x"; type = "kernel"; load = <0>; hash-1 { algo = "sha1"; }; };`, true},
		{"another hash", `b { data = "x"; type = "kernel"; hash-1 { algo = "md5"; }; };`, true},
		{"another subnode", `b { data = "x"; type = "kernel"; hash-2 { algo = "sha1"; }; };`, true},
	} {
		for _, layout := range layouts {
			t.Run(c.name+", "+layout.name, func(t *testing.T) {
				s := source(t, `images { `+a+c.twin+` };`)
				s.Root.Child("images").Subnodes[1].Name = "a"
				layout.set(s)
				if c.differ {
					if _, err := s.Write(nil); err == nil || err.Error() != "the FIT would have two nodes 'a' in node 'images'" {
						t.Error(err)
					}
					return
				}
				got := write(t, s)
				tool, _ := recentMkimage(t)
				if tool == "" {
					return
				}
				if want, err := mkimage(t, tool, s); err != nil || !bytes.Equal(got, want) {
					t.Errorf("%#x bytes differ from mkimage's %#x (%v)", len(got), len(want), err)
				}
			})
		}
	}
}

// A FIT without images has no contents, and is written all the same.
func TestWriteNothing(t *testing.T) {
	for _, align := range []int64{0, 64} {
		s := source(t, `description = "none"; images { };`)
		s.External, s.Align = true, align
		if n := int64(len(write(t, s))); n%max(align, 4) != 0 {
			t.Errorf("%#x bytes", n)
		}
	}
}

// Offsets count from the end of the device tree, rounded up to 4 bytes: mkimage
// puts the contents elsewhere when it is told to align less.
func TestWriteUnaligned(t *testing.T) {
	for _, name := range []string{"a", "ab", "abc", "abcd"} {
		for _, align := range []int64{1, 2} {
			s := source(t, name+`; images { a { data = "x"; }; b { data = "yz"; }; };`)
			s.External, s.Align = true, align
			write(t, s)
		}
	}
}

// What was written before is given back as long as nothing has changed.
func TestWriteAgain(t *testing.T) {
	file := filepath.Join(t.TempDir(), "large")
	if err := os.WriteFile(file, make([]byte, 1<<20), 0o666); err != nil {
		t.Fatal(err)
	}
	data, err := content.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	of := func(data content.Data, src string) *fit.Source {
		s := source(t, src)
		s.Data[s.Root.Child("images").Child("kernel")] = data
		s.Data[s.Root.Child("images").Child("fdt-1")] = data
		return s
	}
	last, err := of(data, twoImages).Write(nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		s    *fit.Source
		same bool
	}{
		{"same", of(data, twoImages), true},
		{"one byte", of(data.Replace(5, content.String("x")), twoImages), false},
		{"shorter", of(data.Slice(0, 100), twoImages), false},
		{"other words", of(data, strings.Replace(twoImages, "two", "tow", 1)), false},
	} {
		made, err := c.s.Write(last)
		if err != nil {
			t.Fatal(err)
		}
		if (made == last) != c.same {
			t.Errorf("%s: the same is %v", c.name, made == last)
		}
	}
}

// Whatever the nodes and the contents are, the FIT holds them.
func FuzzWrite(f *testing.F) {
	f.Add("kernel", "sha256", []byte("contents"), []byte("more"), uint16(0), uint8(0))
	f.Add("a@1", "crc16-ccitt", []byte{}, []byte{1, 2, 3}, uint16(0x1000), uint8(9))
	f.Add("data", "md5", []byte("x"), []byte{}, uint16(1), uint8(3))
	f.Fuzz(func(t *testing.T, name, algo string, a, b []byte, position uint16, flags uint8) {
		if name == "" || name == "twin" || strings.ContainsAny(name, "\x00/") || strings.ContainsRune(algo, 0) {
			return
		}
		s := source(t, `images { x { data; hash { algo = "y"; }; }; twin { type = "flat_dt"; data; }; };`)
		images := s.Root.Child("images").Subnodes
		s.Data[images[0]], s.Data[images[1]] = content.Bytes(a), content.Bytes(b)
		images[0].Name = name
		images[0].Subnodes[0].SetString("algo", algo)
		s.External, s.Position, s.Align = flags&1 != 0, int64(position), int64(flags>>1)
		made, err := s.Write(nil)
		if err != nil {
			return
		}
		data, err := made.Data.Bytes()
		if err != nil {
			t.Fatal(err)
		}
		check(t, s, made.Places, data)
	})
}

func BenchmarkWrite(b *testing.B) {
	for _, images := range []int{2, 200} {
		b.Run(fmt.Sprintf("%d images", images), func(b *testing.B) {
			var src strings.Builder
			for i := range images {
				fmt.Fprintf(&src, `i%d { data; type = "flat_dt"; hash { algo = "sha256"; }; };`, i)
			}
			s := source(b, "images { "+src.String()+" };")
			s.External = true
			data := content.Bytes(make([]byte, 16<<20/images))
			for node := range s.Data {
				s.Data[node] = data
			}
			b.SetBytes(16 << 20)
			for b.Loop() {
				if _, err := s.Write(nil); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
