// SPDX-License-Identifier: GPL-2.0-or-later

package etype_test

import (
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
