// SPDX-License-Identifier: GPL-2.0-or-later

package etype_test

import (
	"bytes"
	"encoding/binary"
	"maps"
	"slices"
	"strings"
	"testing"

	"binman/content"
	"binman/layout"
)

// A region of a flash descriptor may begin beyond 16 MiB: the numbers of its
// 4 KiB blocks have 15 bits.
func TestIntelDescriptorFar(t *testing.T) {
	in := maps.Clone(x86Inputs())
	in["far.bin"] = flashDescriptor(0x5001, 0x5004)
	out, err := description{source: `binman { size = <0x6000000>; intel-descriptor { filename = "far.bin"; };
		intel-me { filename = "blob.bin"; offset-unset; }; };`}.build(t, in)
	if err != nil {
		t.Fatal(err)
	}
	const want = "05001000   05001000  00004000  intel-me\n"
	if got := string(out["image.map"]); !containsLine(got, want) {
		t.Errorf("no line %q in the map:\n%s", want, got)
	}
}

// Every container of alternates in an image is written, wherever it stands.
func TestSeveralAlternates(t *testing.T) {
	alternates := func(pattern string) string {
		return `alternates-fdt { fdt-list-dir = "alt"; filename-pattern = "` + pattern + `"; u-boot-spl-dtb { }; };`
	}
	out, err := description{source: `binman { a { type = "section"; ` + alternates("inner-NAME") + " }; " + alternates("outer-NAME") + " };"}.build(t, securityInputs(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"inner-one", "inner-two", "outer-one", "outer-two"} {
		if out[name] == nil {
			t.Errorf("%s is missing from %q", name, slices.Sorted(maps.Keys(out)))
		}
	}
}

// A key goes into a device tree that has its length before it, or that is
// compressed.
func TestPublicKeyInside(t *testing.T) {
	for _, form := range []string{`prepend = "length";`, `compress = "lz4";`} {
		t.Run(form, func(t *testing.T) {
			out, err := description{updateFDT: true, source: `binman {
				u-boot-spl-pubkey-dtb { key-name-hint = "rsa2048"; ` + form + ` }; fdtmap { }; };`}.build(t, securityInputs(t))
			if err != nil {
				t.Fatal(err)
			}
			for path, data := range openImage(t, out["image.bin"]).plain {
				if !strings.Contains(path, "pubkey") {
					continue
				}
				if hint, _, _ := node(t, data, "/signature/key-rsa2048").Str("key-name-hint"); hint != "rsa2048" {
					t.Errorf("%s has the key %q", path, hint)
				}
				return
			}
			t.Error("no entry holds a key")
		})
	}
}

// The properties of boot phases that a node's parents need too come in the same
// order in every build.
func TestBootPhaseOrder(t *testing.T) {
	out, err := description{source: `a { b { bootph-some-ram; bootph-all; }; }; binman { text { text = "x"; }; };`}.build(t, nil)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, p := range node(t, out["u-boot.dtb.out"], "/a").Props {
		names = append(names, p.Name)
	}
	if got, want := strings.Join(names, " "), "bootph-some-ram bootph-all"; got != want {
		t.Errorf("properties are %s, want %s", got, want)
	}
}

// An entry is not replaced together with a section that holds it, whichever
// comes first.
func TestReplaceTogether(t *testing.T) {
	out, err := description{updateFDT: true, source: `binman { section { text { text = "text"; }; }; fdtmap { }; };`}.build(t, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, paths := range [][]string{{"section", "section/text"}, {"section/text", "section"}} {
		img := openImage(t, out["image.bin"])
		var list []layout.Replacement
		for _, path := range paths {
			e, err := img.Find(path)
			if err != nil {
				t.Fatal(err)
			}
			list = append(list, layout.Replacement{Entry: e, Data: content.String("new ")})
		}
		_, err := img.Replace(list, true)
		if want := "Node '/section/text': cannot be replaced together with '/section', which holds it"; err == nil || err.Error() != want {
			t.Errorf("%q: got %v, want %s", paths, err, want)
		}
	}
}

// A FIP may ask for what sections understand: it is compressed, and its images
// stay in their order.
func TestFIPAsSection(t *testing.T) {
	out, err := description{updateFDT: true, source: `binman {
		atf-fip { compress = "lz4"; sort-by-offset;
			tos-fw { filename = "zeros"; };
			soc-fw { filename = "small"; };
		};
		fdtmap { };
	};`}.build(t, files{"small": []byte("small"), "zeros": make([]byte, 0x400)})
	if err != nil {
		t.Fatal(err)
	}
	o := openImage(t, out["image.bin"])
	if got := string(o.plain["/atf-fip/soc-fw"]); got != "small" {
		t.Errorf("soc-fw holds %q", got)
	}
	if stored, plain := len(o.stored["/atf-fip"]), len(o.plain["/atf-fip"]); stored >= 0x400 || plain <= 0x400 {
		t.Errorf("%#x bytes in the image, %#x decompressed", stored, plain)
	}
}

// Images of a FIT are where the FIT says, and nothing in the description may say
// otherwise.
func TestFITPlaces(t *testing.T) {
	fitWith := func(props, image string) string {
		return `binman { f: fit { description = "x"; ` + props + ` images {
			a { text { text = "odd"; }; }; b { ` + image + ` text { text = "b"; }; }; }; };
			collection { content = <&f>; }; fdtmap { }; };`
	}
	out, err := description{source: fitWith("fit,external-offset = <0>; fit,align = <1>;", ""), updateFDT: true}.build(t, nil)
	if err != nil {
		t.Fatal(err)
	}
	o := openImage(t, out["image.bin"])
	if got, want := o.plain["/collection"], o.plain["/fit"]; !bytes.Equal(got, want) {
		t.Errorf("the collection holds %d bytes, the FIT has %d", len(got), len(want))
	}
	// Readers round the size of the device tree up to cells.
	data := o.plain["/fit"]
	at, _, err := node(t, data, "/images/b").U32("data-offset")
	if err != nil {
		t.Fatal(err)
	}
	base := (binary.BigEndian.Uint32(data[4:]) + 3) &^ 3
	if got := string(data[base+at]); got != "b" {
		t.Errorf("at offset %#x behind the tree of the FIT is %q", at, got)
	}
	for _, name := range []string{"data-offset", "data-position", "data-size"} {
		_, err := description{source: fitWith("", name+" = <4>;")}.build(t, nil)
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}
