// SPDX-License-Identifier: GPL-2.0-or-later

package report

import (
	"bytes"
	"encoding/json"
	"io"
	"math/rand/v2"
	"strings"
	"testing"

	"binman/content"
)

// containers is an image with everything that holds entries in a format of
// its own, each with more room than it needs.
const containers = `size = <0x20000>; pad-byte = <0xff>;
	ddr { type = "nxp-header-ddrfw"; size = <0x2000>;
		imem { type = "blob"; filename = "random"; };
		dmem { type = "blob"; filename = "random"; align = <0x100>; }; };
	atf-fip { offset = <0x4000>; size = <0x4000>; fip-align = <0x1000>;
		soc-fw { filename = "random"; };
		nt-fw { filename = "random"; }; };
	fit { offset = <0x8000>; size = <0x3000>; fit,external-offset = <0x1000>;
		description = "two images"; #address-cells = <1>;
		images {
			one { description = "one"; type = "firmware"; arch = "arm64"; compression = "none"; blob { filename = "random"; }; };
			two { description = "two"; type = "firmware"; arch = "arm64"; compression = "none"; load = <0>; blob { filename = "random"; }; };
		};
		configurations { default = "conf"; conf { description = "conf"; firmware = "one"; loadables = "two"; }; }; };
	cbfs { offset = <0xb000>; size = <0x5000>;
		raw { type = "blob"; filename = "random"; cbfs-type = "raw"; };
		packed { type = "blob"; filename = "text"; cbfs-type = "raw"; cbfs-compress = "lzma"; };
		fixed { type = "blob"; filename = "random"; cbfs-type = "raw"; cbfs-offset = <0x2000>; }; };
	z { type = "section"; compress = "lzma"; offset = <0x10000>; size = <0x2000>; pad-before = <0x100>;
		a { type = "blob"; filename = "text"; };
		b { type = "blob"; filename = "random"; align = <0x1000>; }; };
	tight { type = "section"; compress = "lz4"; c { type = "blob"; filename = "text"; }; };
	fdtmap { offset = <0x1f000>; };`

func containerFiles() map[string][]byte {
	random := make([]byte, 3000)
	rand.NewChaCha8([32]byte{1}).Read(random)
	return map[string][]byte{"random": random, "text": bytes.Repeat([]byte("all work and no play "), 400)}
}

// TestContainers draws what containers hold where it is, with what fills
// them, from an image and from the manifest of its build, which knows less.
func TestContainers(t *testing.T) {
	t.Setenv("SOURCE_DATE_EPOCH", "1700000000")
	path, manifest := build(t, containers, containerFiles())
	list := []*Drawing{FromOpened(openImage(t, path, "all.bin"))}
	golden(t, "containers.txt", render(t, func(w io.Writer) error { return Text(w, list, TextOptions{Width: 100, Height: 60}) }))
	golden(t, "containers.svg", render(t, func(w io.Writer) error { return SVG(w, list, SVGOptions{}) }))
	text, err := json.Marshal(manifest)
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "containers.manifest.txt", render(t, func(w io.Writer) error {
		return Text(w, drawings(t, string(text)), TextOptions{Width: 100, Height: 60})
	}))
}

// TestSlackIsThere checks against the bytes of the image what is drawn as
// slack in it, and that all of each container is drawn.
func TestSlackIsThere(t *testing.T) {
	img := open(t, containers, "all.bin", containerFiles())
	found := 0
	var walk func(b *Box, start int64)
	walk = func(b *Box, start int64) {
		end := int64(0)
		for _, c := range b.Children {
			if c.Lo != end {
				t.Errorf("%s: %s starts at %#x, what is before ends at %#x", b.Path, c.Name, c.Lo, end)
			}
			end = c.Hi
			if c.Name == "slack" {
				found++
				text, err := img.Data.Slice(start+c.Lo, c.Hi-c.Lo).Bytes()
				if err != nil {
					t.Fatal(err)
				}
				if strings.Trim(string(text), string(text[:1])) != "" {
					t.Errorf("%s: what is drawn as slack at %#x has contents", b.Path, start+c.Lo)
				}
			}
			if c.Space == c.Hi-c.Lo {
				walk(c, start+c.Lo)
			}
		}
		if len(b.Children) > 0 && end != b.Space {
			t.Errorf("%s is drawn up to %#x of %#x", b.Path, end, b.Space)
		}
	}
	walk(FromOpened(img).Root, 0)
	if found != 10 {
		t.Errorf("%d pieces of slack", found)
	}
}

func TestLongestRun(t *testing.T) {
	long := content.Join(content.Fill(7, 100000), content.Fill(0, 200000), content.Fill(0xff, 150000), content.String("x"))
	for _, tt := range []struct {
		name     string
		data     content.Data
		from, to int64
		v        byte
	}{
		{"empty", content.Data{}, 0, 0, 0},
		{"none", content.String("abc"), 0, 0, 0},
		{"all", content.Fill(0xff, 7), 0, 7, 0xff},
		{"another byte", content.Fill(7, 9), 0, 0, 0},
		{"the longer one", content.Join(content.Fill(0, 2), content.Fill(0xff, 3)), 2, 5, 0xff},
		{"the first of two", content.Join(content.Fill(0, 2), content.String("x"), content.Fill(0, 2)), 0, 2, 0},
		{"over several reads", long, 100000, 300000, 0},
	} {
		from, to, v, err := longestRun(tt.data, []byte{0, 0xff})
		if from != tt.from || to != tt.to || v != tt.v || err != nil {
			t.Errorf("%s: %d to %d of %#x, %v", tt.name, from, to, v, err)
		}
	}
}
