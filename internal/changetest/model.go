// SPDX-License-Identifier: GPL-2.0-or-later

package changetest

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"binman/format/fip"
)

// image is a description with the files to build it from, and what is put
// around the image in its file afterwards.
type image struct {
	root           *node
	multiple       bool // the image has a node of its own below /binman
	repack         bool // it may be packed anew
	prefix, suffix []byte
	files          map[string][]byte // in the input directory, by name
}

// embedded says whether the image is part of a larger file.
func (img *image) embedded() bool { return len(img.suffix) > 0 }

// node is an entry of a description, with what the checks must know of it.
// Offsets and sizes are in bytes.
type node struct {
	name, typ, label string
	props            []string // further properties, as in the source
	tail             []string // further nodes, as in the source
	kids             []*node
	parent           *node
	made             bool // by binman, out of the parent: it is not in the source
	absent           bool // it is left out, and only listed
	prepend          bool // its length stands before a device tree

	offset, size               int64 // unset if not asked for
	padBefore, padAfter        int64
	minSize                    int64
	align, alignSize, alignEnd int64 // 0 is none
	start                      int64 // offset of the first byte of a section
	at4GB                      bool  // it is such that the section ends at 4 GiB
	extend, overlap, hash      bool
	padByte                    byte    // of a section
	compress                   string  // the entry's, or that of the file in a CBFS; "" is none
	collects                   []*node // by a collection

	uuid        fip.UUID // in a FIP
	partAlign   int64    // of the images in a FIP or FIT; 0 is none
	fileName    string   // in a CBFS
	filePos     int64    // in a CBFS, or unset
	stage       bool     // a program in a CBFS
	external    bool     // a FIT has its images behind its tree,
	externalPos int64    // from there on, if it is not 0

	bound int64 // of its size
}

// unset is an offset or a size that the description leaves to binman.
const unset = -1

func (n *node) add(format string, args ...any) {
	n.props = append(n.props, fmt.Sprintf(format, args...))
}

// all returns the node and everything below it, parents first.
func (n *node) all() []*node {
	list := []*node{n}
	for _, kid := range n.kids {
		list = append(list, kid.all()...)
	}
	return list
}

// any says whether f is true for the node or anything below it.
func (n *node) any(f func(*node) bool) bool { return slices.ContainsFunc(n.all(), f) }

// path is what ls --json calls the entry, command what extract and replace
// take: the node "images" of a FIT is no entry.
func (n *node) path() string    { return n.join("images/") }
func (n *node) command() string { return n.join("") }

func (n *node) join(images string) string {
	if n.parent == nil {
		return ""
	}
	name := n.name
	if n.parent.typ == "fit" {
		name = images + name
	}
	return strings.TrimPrefix(n.parent.join(images)+"/"+name, "/")
}

// in says whether the node is below the other one.
func (n *node) in(other *node) bool {
	for p := n.parent; p != nil; p = p.parent {
		if p == other {
			return true
		}
	}
	return false
}

// inFIT says whether the node is below a FIT.
func (n *node) inFIT() bool {
	for p := n.parent; p != nil; p = p.parent {
		if p.typ == "fit" {
			return true
		}
	}
	return false
}

// isSection says whether the entry is a section, which has a pad byte.
func (n *node) isSection() bool { return n.kids != nil }

// oneFile says whether the entry is one file in a directory, although it holds
// others.
func (n *node) oneFile() bool { return n.typ == "u-boot" }

// places says whether entries in it have the places that their properties ask
// for. Other containers place them by themselves.
func (n *node) places() bool {
	return n.isSection() && !slices.Contains([]string{"atf-fip", "cbfs", "fit", "nxp-header-ddrfw"}, n.typ)
}

// isTree says whether the entry is a device tree that binman updates.
func (n *node) isTree() bool { return n.typ == "u-boot-dtb" }

// holdsTree says whether the contents depend on a device tree.
func (n *node) holdsTree() bool {
	return n.any(func(n *node) bool { return n.isTree() || slices.ContainsFunc(n.collects, (*node).holdsTree) })
}

// isOurs says whether binman makes the contents, of other entries or of where
// those are, so that nobody else can replace them.
func (n *node) isOurs() bool {
	return slices.Contains([]string{"fdtmap", "fmap", "image-header", "collection"}, n.typ)
}

// squeezed says whether what the node holds is kept compressed.
func (n *node) squeezed() bool {
	for p := n.parent; p != nil; p = p.parent {
		if p.compress != "" {
			return true
		}
	}
	return false
}

// padBytes returns what fills the entry's own padding and its room up to its
// size.
func (n *node) padBytes() (outer, inner byte) {
	if n.parent != nil {
		outer = n.parent.padByte
	}
	if n.isSection() {
		return outer, n.padByte
	}
	return outer, outer
}

// source returns the description.
func (img *image) source() string {
	var b strings.Builder
	b.WriteString("/dts-v1/;\n\n/ {\n\tmodel = \"board\";\n\n")
	if !img.multiple {
		img.root.write(&b, "\t")
	} else {
		b.WriteString("\tbinman {\n\t\tmultiple-images;\n\n")
		img.root.write(&b, "\t\t")
		b.WriteString("\t};\n")
	}
	b.WriteString("};\n")
	return b.String()
}

func (n *node) write(b *strings.Builder, tabs string) {
	b.WriteString(tabs)
	if n.label != "" {
		b.WriteString(n.label + ": ")
	}
	b.WriteString(n.name + " {\n")
	for _, p := range slices.Concat(n.common(), n.props) {
		b.WriteString(tabs + "\t" + p + ";\n")
	}
	inner := tabs + "\t"
	if n.typ == "fit" {
		b.WriteString(inner + "images {\n")
		inner += "\t"
	}
	for _, kid := range n.kids {
		if !kid.made {
			kid.write(b, inner)
		}
	}
	if n.typ == "fit" {
		b.WriteString(tabs + "\t};\n")
	}
	tail := n.tail
	if n.hash {
		tail = append([]string{`hash { algo = "sha256"; };`}, tail...)
	}
	for _, line := range tail {
		b.WriteString(tabs + "\t" + line + "\n")
	}
	b.WriteString(tabs + "};\n")
}

// common returns the properties that the fields stand for.
func (n *node) common() []string {
	var props []string
	number := func(name string, v int64, given bool) {
		if given {
			props = append(props, fmt.Sprintf("%s = <%#x>", name, v))
		}
	}
	flag := func(name string, set bool) {
		if set {
			props = append(props, name)
		}
	}
	if n.parent != nil && n.typ != n.name && (n.parent.typ != "fit" && n.typ != "") {
		props = append(props, fmt.Sprintf("type = \"%s\"", n.typ))
	}
	number("offset", n.offset, n.offset != unset)
	number("size", n.size, n.size != unset)
	number("pad-before", n.padBefore, n.padBefore != 0)
	number("pad-after", n.padAfter, n.padAfter != 0)
	number("min-size", n.minSize, n.minSize != 0)
	number("align", n.align, n.align != 0)
	number("align-size", n.alignSize, n.alignSize != 0)
	number("align-end", n.alignEnd, n.alignEnd != 0)
	number("pad-byte", int64(n.padByte), n.padByte != 0)
	number("skip-at-start", n.start, n.start != 0 && !n.at4GB)
	flag("end-at-4gb", n.at4GB)
	flag("extend-size", n.extend)
	flag("overlap", n.overlap)
	flag(`prepend = "length"`, n.prepend)
	if n.compress != "" {
		prefix := ""
		if n.parent.typ == "cbfs" {
			prefix = "cbfs-"
		}
		props = append(props, fmt.Sprintf("%scompress = \"%s\"", prefix, n.compress))
	}
	if len(n.collects) > 0 {
		var refs []string
		for _, other := range n.collects {
			refs = append(refs, "&"+other.label)
		}
		props = append(props, "content = <"+strings.Join(refs, " ")+">")
	}
	return props
}

// save writes the description and its files below dir.
func (img *image) save(dir string) error {
	files := map[string][]byte{"image.dts": []byte(img.source())}
	for name, data := range img.files {
		files[filepath.Join("in", name)] = data
	}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			return err
		}
		if err := os.WriteFile(path, files[name], 0o666); err != nil {
			return err
		}
	}
	return nil
}
