// SPDX-License-Identifier: GPL-2.0-or-later

package ahab_test

import (
	"bytes"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"testing"

	"binman/content"
	"binman/format/ahab"
	"binman/format/mkimage"
	"binman/internal/golden"
)

// boot returns the image of type imx8image of a configuration, which is what
// U-Boot's mkimage makes. Files are named by their size.
func boot(t testing.TB, config string, files map[string][]byte) []byte {
	t.Helper()
	d, err := mkimage.IMX8("cfg", config, func(name string) (content.Data, error) {
		if b, ok := files[name]; ok {
			return content.Bytes(b), nil
		}
		var size int
		if _, err := fmt.Sscanf(name, "%d", &size); err != nil {
			return content.Data{}, fs.ErrNotExist
		}
		return content.String(strings.Repeat("program ", size/8+1)[:size]), nil
	})
	if err != nil {
		t.Fatal(err)
	}
	b, err := d.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

const (
	simple = "boot_from sd\nsoc_type IMX9\ncontainer\nimage a55 5000 0x204e0000\nimage a55 70000 0x80200000\n"
	large  = "boot_from sd\nsoc_type IMX9\ncntr_version 2\ncontainer\ndummy_ddr\nimage oei 3000 0x1ffc0000\nhold 0x10000\n" +
		"image m33 5000 0x1ffc0000\ndummy_v2x 0x8b000000\n"
	scu = "boot_from sd\nsoc_type IMX8QM\nappend first\ncontainer\nimage scu 4096\nimage a35 5000 0x80000000\ndata a35 10 0x100\n"
)

// images returns images of all kinds, by name.
func images(t testing.TB) map[string][]byte {
	first := boot(t, simple, nil)
	firmware := boot(t, "boot_from sd\nsoc_type IMX9\ncontainer\nimage a55 5000 0x80000000\n", nil)
	return map[string][]byte{
		"simple":   first,
		"large":    boot(t, large, nil),
		"appended": boot(t, scu, map[string][]byte{"first": firmware}),
		"two sets": append(boot(t, large, nil), first...),
		"trailer":  append(bytes.Clone(first), "more"...),
	}
}

// view returns what is listed of an image, and what is found of it.
func view(t testing.TB, image []byte) string {
	t.Helper()
	size := int64(len(image))
	b, err := ahab.Parse(bytes.NewReader(image), size)
	if err != nil {
		return err.Error() + "\n"
	}
	var out strings.Builder
	for _, it := range b.List() {
		if it.Size < 0 || it.Size > 0 && (it.Offset < 0 || it.Offset > size-it.Size) {
			t.Errorf("'%s' is outside of the image: %+v", it.Name, it)
		}
		fmt.Fprintf(&out, "%s %#x %#x %s\n", it.Name, it.Offset, it.Size, it.Type)
		for _, d := range it.Details {
			fmt.Fprintf(&out, "  - %s\n", d)
		}
	}
	list, err := b.Verify(bytes.NewReader(image), size, nil)
	if err != nil {
		t.Error(err)
	}
	for _, f := range list {
		fmt.Fprintf(&out, "%v: %s %s %#x %#x %s\n", f.Verdict, f.Path, f.What, f.Offset, f.Size, f.Why)
	}
	return out.String()
}

// What is listed and found of images. All hashes hold: mkimage has made them.
func TestView(t *testing.T) {
	all := images(t)
	var out strings.Builder
	for _, name := range slices.Sorted(maps.Keys(all)) {
		fmt.Fprintf(&out, "--- %s\n%s", name, view(t, all[name]))
	}
	golden.Text(t, "view.golden", out.String())
}

// Whatever changes in what the containers say or describe, it is told.
func TestDamage(t *testing.T) {
	for _, c := range []struct {
		what   string
		offset int
		value  byte
		want   string
	}{
		{"an image", 0x2000, 1, "bad: container0.image0 sha384 0x2000 0x1400 sha384 hash does not match: "},
		{"the padding of an image", 0x147ff, 1, "bad: container0.image1 sha384 "},
		{"a hash", 48, 0xff, "bad: container0.image0 sha384 "},
		{"the algorithm", 16 + 25, 5, "bad: container0.image0 sha3-384 "},
		{"the algorithm, unknown", 16 + 25, 3, "not covered: container0.image0 hash of kind 3 0x2000 0x1400 this algorithm is not known here"},
		{"encryption", 16 + 25, 9, "encrypted program, core 2"},
		{"a signature", 0x110 + 8, 1, "not covered: container0 signature 0x0 0x120 it is not judged here"},
		{"the tag", 3, 0x82, "no container of i.MX8 or i.MX9"},
		{"the version", 0, 1, "no container of i.MX8 or i.MX9"},
		{"the length", 2, 0, "is not between 2 images and the length 0x20"},
		{"the number of images", 11, 0, "it has 0 images, not 1 to 32"},
		{"too many images", 11, 33, "it has 33 images, not 1 to 32"},
		{"the signature block", 0x113, 0, "there is no signature block at 0x110"},
		{"the size of an image", 16 + 7, 1, "image 0: its contents at offset 0x2000 with size 0x1001400 is outside the image of 0x14800 bytes"},
		{"the offset of an image", 16 + 1, 0, "image 0: it is at 0x0, inside the container"},
		{"overlapping images", 16 + 128 + 1, 0x20, "bad: container0.image1 "},
		{"images larger than the file", 16 + 6, 1, "images of 0x22800 bytes in a file of 0x14800 bytes"},
	} {
		t.Run(c.what, func(t *testing.T) {
			b := images(t)["simple"]
			b[c.offset] = c.value
			if got := view(t, b); !strings.Contains(got, c.want) {
				t.Errorf("there is\n%s, want %q", got, c.want)
			}
		})
	}
}

// Keys of others are told from those of NXP and of the maker.
func TestSigned(t *testing.T) {
	for flags, want := range map[byte]string{0x11: "keys of NXP", 0x12: "keys of the device's maker"} {
		b := images(t)["simple"]
		b[4], b[0x110+8] = flags, 1
		if got := view(t, b); !strings.Contains(got, want) {
			t.Errorf("there is\n%s, want %q", got, want)
		}
	}
}

func TestDetect(t *testing.T) {
	for name, image := range images(t) {
		if !ahab.Detect(bytes.NewReader(image), int64(len(image))) {
			t.Errorf("%s: not detected", name)
		}
	}
	header := images(t)["simple"][:0x120]
	for name, b := range map[string][]byte{
		"nothing": nil, "zeros": make([]byte, 0x4000), "a header alone": header, "tags": bytes.Repeat([]byte{0x87}, 0x8000),
		"a container without contents": boot(t, "boot_from sd\nsoc_type IMX9\ncontainer\nimage a55 0 8\n", nil),
	} {
		if ahab.Detect(bytes.NewReader(b), int64(len(b))) {
			t.Errorf("%s: detected", name)
		}
	}
}

// What is found of any bytes is inside of them, and takes bounded time.
func FuzzParse(f *testing.F) {
	for _, b := range images(f) {
		f.Add(b[:min(len(b), 0x1800)])
	}
	small := boot(f, "boot_from sd\nsoc_type IMX9\ncontainer\nimage a55 5 8\n", nil)
	f.Add(small)
	f.Fuzz(func(t *testing.T, image []byte) {
		detected := ahab.Detect(bytes.NewReader(image), int64(len(image)))
		if text := view(t, image); detected && strings.Contains(text, ahab.ErrNone.Error()) {
			t.Error("what is detected is not parsed")
		}
	})
}
