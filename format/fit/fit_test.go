// SPDX-License-Identifier: GPL-2.0-or-later

package fit_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"binman/fdt"
	"binman/format/fit"
	"binman/format/verify"
	"binman/internal/binfmt"
	"binman/internal/judge"
)

var (
	kernel = []byte("the kernel, of some odd length.")
	dtb    = []byte("device tree")
)

// sample returns a tree with an image of each storage, and the data that has
// to stand behind it.
func sample() (tree *fdt.Tree, external []byte) {
	tree = fdt.New()
	tree.Root.SetString("description", "test image")
	images := tree.Root.AddSubnode("images")

	k := images.AddSubnode("kernel-1")
	k.SetString("description", "Linux")
	k.SetProp("data", kernel)
	k.SetString("type", "kernel")
	k.SetString("arch", "arm64")
	k.SetString("os", "linux")
	k.SetString("compression", "none")
	k.SetU64("load", 0x1_0000_0000)
	k.SetU32("entry", 0x80000)
	sum := sha256.Sum256(kernel)
	h := k.AddSubnode("hash-1")
	h.SetString("algo", "sha256")
	h.SetProp("value", sum[:])

	d := images.AddSubnode("fdt-1")
	d.SetString("type", "flat_dt")
	d.SetU32("data-offset", 8)
	d.SetU32("data-size", uint32(len(dtb)))
	h = d.AddSubnode("hash-1")
	h.SetString("algo", "crc32")
	h.SetU32("value", crc32.ChecksumIEEE(dtb))
	h = d.AddSubnode("hash-2")
	h.SetString("algo", "unheard-of")
	h.SetProp("uboot-ignore", nil)

	c := tree.Root.AddSubnode("configurations")
	c.SetString("default", "conf-1")
	conf := c.AddSubnode("conf-1")
	conf.SetString("description", "board")
	conf.SetString("kernel", "kernel-1")
	conf.SetStrings("fdt", "fdt-1")
	return tree, append([]byte("padding!"), dtb...)
}

// join puts the external data behind the blob.
func join(tree *fdt.Tree, external []byte) []byte {
	blob := tree.Marshal()
	for len(blob)%4 != 0 {
		blob = append(blob, 0)
	}
	return append(blob, external...)
}

func parse(data []byte) (*fit.FIT, error) {
	return fit.Parse(bytes.NewReader(data), int64(len(data)))
}

func TestParse(t *testing.T) {
	data := join(sample())
	if !fit.Detect(bytes.NewReader(data), int64(len(data))) {
		t.Error("Detect does not know it")
	}
	f, err := parse(append(data, "something behind it"...))
	if err != nil {
		t.Fatal(err)
	}
	if f.Desc != "test image" || f.Default != "conf-1" || f.Size != int64(len(data)) {
		t.Errorf("%+v", f)
	}
	for i, want := range []struct {
		storage fit.Storage
		data    []byte
	}{{fit.Inline, kernel}, {fit.Offset, dtb}} {
		im := f.Images[i]
		if got := data[im.Offset:][:im.Size]; im.Storage != want.storage || !bytes.Equal(got, want.data) {
			t.Errorf("%s: storage %d, data %q", im.Name, im.Storage, got)
		}
	}
	k := f.Images[0]
	if *k.Load != 0x1_0000_0000 || *k.Entry != 0x80000 || k.OS != "linux" || k.Arch != "arm64" || k.Compression != "none" || k.Desc != "Linux" {
		t.Errorf("%+v", k)
	}
	if f.Images[1].Load != nil {
		t.Error("an image without load address has one")
	}
	wantRefs := []fit.Ref{{Property: "kernel", Images: []string{"kernel-1"}}, {Property: "fdt", Images: []string{"fdt-1"}}}
	if diff := cmp.Diff(wantRefs, f.Configs[0].Refs); diff != "" {
		t.Error(diff)
	}
	wantItems := []binfmt.Item{
		{Name: "kernel-1", Type: "kernel", Offset: k.Offset, Size: 31, Details: binfmt.Details{}.
			With("description", "Linux").With("arch", "arm64").With("os", "linux").With("compression", "none").
			With("load", uint64(1<<32)).With("entry", uint64(0x80000)).With("hashes", []string{"sha256"})},
		{Name: "fdt-1", Type: "flat_dt", Offset: f.Images[1].Offset, Size: 11, Details: binfmt.Details{}.With("hashes", []string{"crc32", "unheard-of"})},
		{Name: "conf-1", Type: "default configuration", Details: binfmt.Details{}.With("description", "board").With("kernel", []string{"kernel-1"}).With("fdt", []string{"fdt-1"})},
	}
	if diff := cmp.Diff(wantItems, f.List()); diff != "" {
		t.Error(diff)
	}
	if err := verify.First(f.Verify(bytes.NewReader(data), int64(len(data)), nil)); err != nil {
		t.Error(err)
	}
}

func TestParseErrors(t *testing.T) {
	for _, c := range []struct {
		name string
		edit func(tree *fdt.Tree)
		want string
	}{
		{"no images", func(tree *fdt.Tree) { tree.Node("/images").Delete() }, "not a FIT: the device tree has no node /images"},
		{"data outside", func(tree *fdt.Tree) { tree.Node("/images/fdt-1").SetU32("data-size", 12) }, "data of node '/images/fdt-1' at offset"},
		{"data far outside", func(tree *fdt.Tree) { tree.Node("/images/fdt-1").SetU32("data-offset", 0xfffffff0) }, "is outside the image"},
		{"position outside", func(tree *fdt.Tree) { tree.Node("/images/fdt-1").SetU32("data-position", 0xffffffff) }, "at offset 0xffffffff with size 0xb is outside"},
		{"no size", func(tree *fdt.Tree) { tree.Node("/images/fdt-1").DeleteProp("data-size") }, "node '/images/fdt-1' has a property 'data-offset', but no 'data-size'"},
		{"size of two cells", func(tree *fdt.Tree) { tree.Node("/images/fdt-1").SetU64("data-size", 1) }, "'data-size'"},
		{"load of one byte", func(tree *fdt.Tree) { tree.Node("/images/kernel-1").SetProp("load", []byte{1}) }, "'load'"},
		{"images as a number", func(tree *fdt.Tree) { tree.Node("/configurations/conf-1").SetU32("kernel", 1) }, "'kernel'"},
	} {
		t.Run(c.name, func(t *testing.T) {
			tree, external := sample()
			c.edit(tree)
			if _, err := parse(join(tree, external)); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want an error with %q", err, c.want)
			}
		})
	}
	t.Run("cut", func(t *testing.T) {
		if _, err := parse(join(sample())[:200]); !errors.Is(err, binfmt.ErrRange) {
			t.Errorf("got %v", err)
		}
	})
	t.Run("empty", func(t *testing.T) {
		if _, err := parse(nil); !errors.Is(err, fit.ErrFormat) {
			t.Errorf("got %v", err)
		}
	})
	t.Run("huge", func(t *testing.T) {
		data := join(sample())
		binary.BigEndian.PutUint32(data[4:], 0x70000000)
		if _, err := fit.Parse(bytes.NewReader(data), 1<<40); err == nil || !strings.Contains(err.Error(), "not a FIT: the device tree has 0x70000000 bytes, and its structure block") {
			t.Errorf("got %v", err)
		}
	})
}

func TestVerify(t *testing.T) {
	for _, c := range []struct {
		name string
		edit func(tree *fdt.Tree)
		want string
	}{
		{"inline damaged", func(tree *fdt.Tree) { tree.Node("/images/kernel-1").SetProp("data", []byte("another kernel")) }, "sha256 hash does not match"},
		{"external damaged", func(tree *fdt.Tree) { tree.Node("/images/fdt-1").SetU32("data-offset", 7) }, "crc32 hash does not match"},
		{"algorithm", func(tree *fdt.Tree) { tree.Node("/images/fdt-1/hash-1").SetString("algo", "rot13") }, "hash algorithm 'rot13' is not known"},
		{"no value", func(tree *fdt.Tree) { tree.Node("/images/fdt-1/hash-1").DeleteProp("value") }, "hash does not match:  is stored"},
		{"no data", func(tree *fdt.Tree) { tree.Node("/images/kernel-1").DeleteProp("data") }, "has no data"},
		{"image missing", func(tree *fdt.Tree) {
			tree.Node("/configurations/conf-1").SetStrings("loadables", "fdt-1", "tee")
		}, "node '/configurations/conf-1' names the image 'tee' as 'loadables'"},
		{"default missing", func(tree *fdt.Tree) { tree.Node("/configurations").SetString("default", "conf-2") }, "default 'conf-2', which does not exist"},
	} {
		t.Run(c.name, func(t *testing.T) {
			tree, external := sample()
			c.edit(tree)
			data := join(tree, external)
			f, err := parse(data)
			if err != nil {
				t.Fatal(err)
			}
			if err := verify.First(f.Verify(bytes.NewReader(data), int64(len(data)), nil)); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want an error with %q", err, c.want)
			}
		})
	}
}

// TestTwoData has a node with two properties of one name.
func TestTwoData(t *testing.T) {
	tree, external := sample()
	tree.Node("/images/kernel-1").SetString("datb", "not me")
	data := bytes.ReplaceAll(join(tree, external), []byte("datb\x00"), []byte("data\x00"))
	f, err := parse(data)
	if err != nil {
		t.Fatal(err)
	}
	im := f.Images[0]
	if got := data[im.Offset:][:im.Size]; !bytes.Equal(got, kernel) {
		t.Errorf("data %q", got)
	}
}

// TestVerifyIsNotKeptBusy has a thousand images of the same data.
func TestVerifyIsNotKeptBusy(t *testing.T) {
	tree, _ := sample()
	for i := range 1000 {
		d := tree.Node("/images").AddSubnode(fmt.Sprint("copy-", i))
		d.SetU32("data-position", 0)
		d.SetU32("data-size", 1<<20)
	}
	data := append(tree.Marshal(), make([]byte, 1<<20)...)
	f, err := parse(data)
	if err != nil {
		t.Fatal(err)
	}
	if err := verify.First(f.Verify(bytes.NewReader(data), int64(len(data)), nil)); err == nil || !strings.Contains(err.Error(), "more than 16 times") {
		t.Errorf("got %v", err)
	}
}

// its describes the images of TestMkimage.
const its = `/dts-v1/;
/ {
	description = "by mkimage";
	images {
		kernel-1 {
			data = /incbin/("kernel");
			type = "kernel"; arch = "arm64"; os = "linux"; compression = "none";
			load = <0x80000>; entry = <0x80000>;
			hash-1 { algo = "sha256"; };
			hash-2 { algo = "sha1"; };
		};
		fdt-1 {
			data = /incbin/("dtb");
			type = "flat_dt"; arch = "arm64"; compression = "none";
			hash-1 { algo = "crc32"; };
			hash-2 { algo = "md5"; };
			hash-3 { algo = "sha512"; };
		};
	};
	configurations {
		default = "conf-1";
		conf-1 { kernel = "kernel-1"; fdt = "fdt-1"; };
	};
};
`

// TestMkimage reads what mkimage makes, in each way to store data.
func TestMkimage(t *testing.T) {
	tool := judge.Need(t, "mkimage")
	judge.Need(t, "dtc") // mkimage runs it
	for _, c := range []struct {
		name    string
		args    []string
		storage fit.Storage
	}{
		{"inline", nil, fit.Inline},
		{"external", []string{"-E"}, fit.Offset},
		{"external aligned", []string{"-E", "-B", "0x200"}, fit.Offset},
		{"external at a position", []string{"-E", "-p", "0x1000"}, fit.Position},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			for name, data := range map[string][]byte{"kernel": kernel, "dtb": dtb, "its": []byte(its)} {
				if err := os.WriteFile(filepath.Join(dir, name), data, 0o666); err != nil {
					t.Fatal(err)
				}
			}
			cmd := exec.Command(tool, append(c.args, "-f", "its", "itb")...)
			cmd.Dir = dir
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			data, err := os.ReadFile(filepath.Join(dir, "itb"))
			if err != nil {
				t.Fatal(err)
			}
			f, err := parse(data)
			if err != nil {
				t.Fatal(err)
			}
			if err := verify.First(f.Verify(bytes.NewReader(data), int64(len(data)), nil)); err != nil {
				t.Error(err)
			}
			for i, want := range [][]byte{kernel, dtb} {
				im := f.Images[i]
				if got := data[im.Offset:][:im.Size]; im.Storage != c.storage || !bytes.Equal(got, want) {
					t.Errorf("%s: storage %d, data %q", im.Name, im.Storage, got)
				}
				if len(im.Hashes) < 2 {
					t.Errorf("%s: %d hashes", im.Name, len(im.Hashes))
				}
			}
		})
	}
}

func FuzzParse(f *testing.F) {
	f.Add(join(sample()))
	f.Fuzz(func(t *testing.T, data []byte) {
		image, err := parse(data)
		if err != nil {
			return
		}
		for _, item := range image.List() {
			if item.Offset < 0 || item.Size < 0 || item.Offset+item.Size > int64(len(data)) {
				t.Errorf("%+v is outside the image", item)
			}
		}
		whole, err := fdt.Parse(data)
		if err != nil {
			t.Fatalf("without its contents the device tree is accepted, with them: %v", err)
		}
		for i, im := range image.Images {
			if im.Storage != fit.Inline {
				continue
			}
			want := whole.Node("/images").Subnodes[i].Prop("data").Value
			if got := data[im.Offset:][:im.Size]; !bytes.Equal(got, want) {
				t.Errorf("%s: data at %#x is % x, the property has % x", im.Name, im.Offset, got, want)
			}
		}
		_ = verify.First(image.Verify(bytes.NewReader(data), int64(len(data)), nil))
	})
}
