// SPDX-License-Identifier: GPL-2.0-or-later

package etype_test

import (
	"bytes"
	"crypto/sha256"
	"os"
	"path/filepath"
	"testing"

	"binman/content/iodir"
	"binman/etype"
	"binman/fdt"
	"binman/internal/host"
	"binman/layout"
)

// TestHashOfFinalContents checks that a hash is that of the contents in the
// image, also where these are only known once positions are.
func TestHashOfFinalContents(t *testing.T) {
	tests := []struct{ name, entry string }{
		{"a flash map has positions", `fmap { };`},
		{"a FIT has the properties of its node", `fit { description = "x"; offset = <0x10>; images { one { fill { size = <1>; }; }; }; };`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) { checkHash(t, test.entry) })
	}
}

// checkHash checks the hash of a section with an entry that changes when it is
// packed.
func checkHash(t *testing.T, entry string) {
	dir := t.TempDir()
	source := filepath.Join(dir, "image.dts")
	if err := os.WriteFile(source, []byte(`/dts-v1/;
/ {
	binman {
		allow-repack;
		fill { size = <16>; };
		section {
			filename = "section.bin";
			`+entry+`
			hash { algo = "sha256"; };
		};
	};
};
`), 0o666); err != nil {
		t.Fatal(err)
	}
	b := &layout.Build{Options: layout.Options{
		Trees: etype.Trees(), Env: host.Env(), Input: host.Input(), Description: source,
		Types:     etype.Table(),
		Output:    iodir.Output{Dir: dir},
		UpdateFDT: true,
	}}
	if err := b.Run(); err != nil {
		t.Fatal(err)
	}
	section, err := os.ReadFile(filepath.Join(dir, "section.bin"))
	if err != nil {
		t.Fatal(err)
	}
	blob, err := os.ReadFile(filepath.Join(dir, "u-boot.dtb.out"))
	if err != nil {
		t.Fatal(err)
	}
	tree, err := fdt.Parse(blob)
	if err != nil {
		t.Fatal(err)
	}
	got, _ := tree.Node("/binman/section/hash").Bytes("value")
	if want := sha256.Sum256(section); !bytes.Equal(got, want[:]) {
		t.Errorf("hash is %x, want %x", got, want)
	}
	if !b.Rehashed {
		t.Error("nothing changed after packing, so this tests nothing")
	}
}
