// SPDX-License-Identifier: GPL-2.0-or-later

package mkimage_test

import (
	"bytes"
	"encoding/binary"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"binman/content"
	"binman/format/mkimage"
)

// toc0Files returns files with keys of testdata/keys, by their names.
func toc0Files(keys map[string]string) map[string]string {
	files := map[string]string{}
	for name, key := range keys {
		pem, err := os.ReadFile(filepath.Join("testdata", "keys", key+".pem"))
		if err != nil {
			panic(err)
		}
		files[name] = string(pem)
	}
	return files
}

// toc0Cases returns images for secure boot ROMs of Allwinner.
func toc0Cases() []testCase {
	var list []testCase
	add := func(args string, size int, keys map[string]string, item string) {
		c := testCase{kind: "sunxi_toc0", args: append([]string{"-T", "sunxi_toc0"}, strings.Fields(args)...), sizes: []int{size}, files: toc0Files(keys)}
		if item != "" {
			c.files["key_item.bin"] = item
		}
		list = append(list, c)
	}
	root := map[string]string{"root_key.pem": "root"}
	both := map[string]string{"root_key.pem": "root", "fw_key.pem": "firmware"}
	for _, size := range []int{1, 2, 3, 4, 5, 31, 512, 6079, 6080, 6081, 8192, 14272, 14273, 70001} {
		add("-a 20060", size, root, "")
		add("", size, both, "")
	}
	add("-A arm64 -O u-boot -C none -e 104000 -n name -a ffffffff", 100, root, "")
	add("-k keys -a 104000", 100, map[string]string{"keys/root_key.pem": "root", "keys/fw_key.pem": "firmware"}, "")
	add("-k keys/", 101, map[string]string{"keys/root_key.pem": "firmware"}, "")
	add("-k keys", 100, both, "") // they are elsewhere
	add("--key-dir=a/b", 100, map[string]string{"a/b/root_key.pem": "root"}, "")
	// Of keys that go, and of those that do not.
	for _, rootKey := range []string{"root", "exponent3", "exponent26", "rsa1024"} {
		add("", 100, map[string]string{"root_key.pem": rootKey}, "")
		for _, second := range []string{"firmware", "exponent3", "exponent26", "rsa1024"} {
			add("", 100, map[string]string{"root_key.pem": rootKey, "fw_key.pem": second}, "")
		}
	}
	add("", 100, nil, "")
	add("", 100, map[string]string{"fw_key.pem": "firmware"}, "")
	add("", 0, root, "")
	// With a key item that is wrong, or does not fit the keys.
	item := toc0KeyItem()
	firmware := map[string]string{"fw_key.pem": "firmware"}
	add("", 100, firmware, item[:1335])
	add("", 100, root, item)
	add("", 100, map[string]string{"fw_key.pem": "root"}, item)
	add("", 100, map[string]string{"fw_key.pem": "firmware", "root_key.pem": "exponent3"}, item)
	add("", 100, nil, item)
	for _, at := range []int{0, 4, 5, 8, 9, 12, 13, 16, 17, 20, 21, 24, 300, 536, 791, 792, 1048, 1079, 1080, 1335} {
		damaged := []byte(item)
		damaged[at] ^= 0x20
		add("", 100, firmware, string(damaged))
	}
	for at := 4; at <= 20; at += 4 {
		damaged := []byte(item)
		binary.LittleEndian.PutUint32(damaged[at:], 0xfffffff0)
		add("", 100, firmware, string(damaged))
	}
	return list
}

// toc0KeyItem returns the key item of the keys root and firmware.
func toc0KeyItem() string {
	c := testCase{args: []string{"-T", "sunxi_toc0"}, sizes: []int{1}, files: toc0Files(map[string]string{"root_key.pem": "root", "fw_key.pem": "firmware"})}
	image, err := c.build()
	if err != nil {
		panic(err)
	}
	return string(image[144 : 144+1336])
}

// The root key is not needed if its key item is there: the image is the same. The
// program refuses every key item, since it takes it for one of a single byte.
func TestTOC0KeyItem(t *testing.T) {
	both := map[string]string{"root_key.pem": "root", "fw_key.pem": "firmware"}
	want, err := testCase{args: []string{"-T", "sunxi_toc0"}, sizes: []int{1000}, files: toc0Files(both)}.build()
	if err != nil {
		t.Fatal(err)
	}
	for i, c := range []struct {
		keys       map[string]string
		name, item string
		args       []string
	}{
		{keys: map[string]string{"fw_key.pem": "firmware"}, name: "key_item.bin", item: toc0KeyItem()},
		{keys: map[string]string{"fw_key.pem": "firmware"}, name: "key_item.bin", item: toc0KeyItem() + "more"},
		{keys: both, name: "key_item.bin", item: toc0KeyItem()},
		{keys: map[string]string{"keys/fw_key.pem": "firmware"}, name: "keys/key_item.bin", item: toc0KeyItem(), args: []string{"-k", "keys"}},
	} {
		test := testCase{args: append(c.args, "-T", "sunxi_toc0"), sizes: []int{1000}, files: toc0Files(c.keys)}
		test.files[c.name] = c.item
		if got, err := test.build(); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%d: error %v, or not the same image", i, err)
		}
	}
}

// What is wrong with keys is told with the name of the key.
func TestTOC0Errors(t *testing.T) {
	for _, c := range toc0Cases() {
		_, err := c.build()
		if err == nil || c.sizes[0] == 0 || strings.Contains(err.Error(), "key") {
			continue
		}
		if err.Error() != "mkimage type 'sunxi_toc0': file does not exist" { // that is from testCase.key
			t.Errorf("%v: error '%v' names no key", c, err)
		}
	}
}

// Without anything that opens files there is no key item, and without keys no image.
func TestTOC0Alone(t *testing.T) {
	p, err := mkimage.Parse([]string{"-T", "sunxi_toc0"})
	if err != nil {
		t.Fatal(err)
	}
	in := mkimage.Inputs{Files: []content.Data{content.String("data")}}
	if _, err := mkimage.Make(p, in); err == nil || !strings.Contains(err.Error(), "key 'root_key' is not read") {
		t.Errorf("error %v", err)
	}
	in.Key = testCase{files: toc0Files(map[string]string{"root_key.pem": "root"})}.key("")
	if _, err := mkimage.Make(p, in); err != nil {
		t.Error(err)
	}
}

// No key item breaks what checks it, and only the one that fits the keys is taken.
func FuzzTOC0KeyItem(f *testing.F) {
	keys := map[string]string{"root_key.pem": "root", "fw_key.pem": "firmware"}
	c := testCase{args: []string{"-T", "sunxi_toc0"}, sizes: []int{100}, files: toc0Files(keys)}
	want, err := c.build()
	if err != nil {
		f.Fatal(err)
	}
	item := []byte(toc0KeyItem())
	f.Add(item)
	f.Add(item[:1335])
	f.Fuzz(func(t *testing.T, b []byte) {
		c := testCase{args: c.args, sizes: c.sizes, files: toc0Files(keys)}
		c.files["key_item.bin"] = string(b)
		if got, err := c.build(); err == nil && !bytes.Equal(got, want) {
			t.Error("a key item that is another is taken")
		}
	})
}
