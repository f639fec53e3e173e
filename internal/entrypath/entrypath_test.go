// SPDX-License-Identifier: GPL-2.0-or-later

package entrypath

import (
	"slices"
	"strings"
	"testing"
)

// node is a thing with names, the last of which is its identity here.
type node struct {
	names []string
	in    []*node
}

func n(names string, in ...*node) *node { return &node{strings.Fields(names), in} }

var tree = Tree[*node]{
	Children: func(n *node) []*node { return n.in },
	Names:    func(n *node) []string { return n.names },
}

var image = n("image",
	n("u-boot", n("u-boot-dtb")),
	n("section", n("ro-text text"), n("sub", n("deep"))),
	n("fit", n("kernel images/kernel", n("blob")), n("fdt images/fdt")),
	n("cbfs", n("file", n("x")), n("other a/b/file a/b")),
	n("x*y"), n("xzy"), n("[1]"), n("1"),
	n("twin", n("a")), n("twin", n("a b"), n("c")),
	n("sl/ash"))

func TestSelect(t *testing.T) {
	tests := []struct{ path, want string }{
		{"u-boot", "u-boot"},
		{"/u-boot", "u-boot"},
		{"u-boot/", ""},
		{"u-boot/u-boot-dtb", "u-boot-dtb"},
		{"u-boot-dtb", ""},
		{"section/text", "text"},
		{"section/ro-text", "text"},
		{"/section/sub/deep", "deep"},
		{"section//text", ""},
		{"fit/images/kernel/blob", "blob"},
		{"fit/kernel/blob", "blob"},
		{"fit/images", ""},
		{"cbfs/a/b", "a/b"},
		{"cbfs/a/b/file", "a/b"},
		{"cbfs/file/x", "x"},
		{"", "image"},
		{"/", "image"},
		// An exact name wins over a pattern.
		{"x*y", "x*y"},
		{"x?y", "x*y xzy"},
		{"[1]", "[1]"},
		{"[0-9]", "1"},
		// * stands for slashes, too; the path of the image is empty.
		{"*dtb", "u-boot-dtb"},
		{"/*dtb", "u-boot-dtb"},
		{"section/*", "text sub deep"},
		{"section/ro*", "text"},
		{"fit/im*", "images/kernel blob images/fdt"},
		{"fit/f*", "images/fdt"},
		{"nothing*", ""},
		// Names that are there twice, and names with a slash.
		{"twin/a", "a b"},
		{"twin/c", "c"},
		{"sl/ash", "sl/ash"},
	}
	for _, tt := range tests {
		var got []string
		for _, found := range tree.Select(image, tt.path) {
			got = append(got, found.names[len(found.names)-1])
		}
		if want := strings.Fields(tt.want); !slices.Equal(got, want) {
			t.Errorf("%q: got %q, want %q", tt.path, got, want)
		}
		if strings.ContainsAny(tt.path, "*?[") {
			continue
		}
		if _, ok := tree.Find(image, tt.path); ok != (tt.want != "" && tt.path != "") {
			t.Errorf("%q: found: %v", tt.path, ok)
		}
	}
	if all := tree.Select(image, "*"); len(all) != 25 || all[0] != image {
		t.Errorf("* matches %d things", len(all))
	}
}

func TestLost(t *testing.T) {
	for path, want := range map[string]string{
		"gone":                "image gone",
		"gone/u-boot":         "image gone",
		"/section/gone":       "section gone",
		"fit/images/kernel/x": "images/kernel x",
		"fit/images":          "fit images",
		"u-boot/u-boot-dtb/x": "u-boot-dtb x",
		"cbfs/a/b/gone":       "a/b gone",
	} {
		last, name := tree.Lost(image, path)
		if got := last.names[len(last.names)-1] + " " + name; got != want {
			t.Errorf("%q: got %q, want %q", path, got, want)
		}
	}
}

func TestSpellings(t *testing.T) {
	tests := []struct{ path, node, want string }{
		{"section/x", "binman", "section/x"},
		{"/binman/section/x", "binman", "/binman/section/x /section/x"},
		{"binman", "binman", "binman "},
		{"/binman/rom/x", "rom", "/binman/rom/x /rom/x /x"},
		{"/binman/rom-x", "rom", "/binman/rom-x /rom-x"},
		{"binmanx", "binman", "binmanx"},
		{"binman/x", "", "binman/x /x"},
	}
	for _, tt := range tests {
		if got := Spellings(tt.path, tt.node); strings.Join(got, " ") != tt.want {
			t.Errorf("%q in %q: got %q, want %q", tt.path, tt.node, got, tt.want)
		}
	}
}

// TestManyNames would not end if every way through names that are the start of
// others were gone.
func TestManyNames(t *testing.T) {
	deep := n("a a/a a/a/a")
	for range 200 {
		deep = n("a a/a a/a/a", deep)
	}
	root := n("root", deep)
	if _, ok := tree.Find(root, strings.Repeat("a/", 100)+"b"); ok {
		t.Error("found")
	}
}
