// SPDX-License-Identifier: GPL-2.0-or-later

package fit

import (
	"slices"
	"strings"

	"binman/fdt"
	"binman/internal/suggest"
)

// Slip is something in the source of a FIT that U-Boot may not understand as it
// was meant.
type Slip struct {
	NodeError
	Hint     string // what to do about it
	Verified bool   // it matters where FITs are verified only
}

// linter looks for slips.
type linter struct {
	// open says whether something else than U-Boot understands a property, or
	// its value, which is "" where the property is asked about.
	open  func(node *fdt.Node, prop, value string) bool
	slips []Slip
}

// Lint returns what looks like a slip in the nodes of a FIT: properties and
// values that are misspelled, names that verified boot refuses. Any property may
// stand in a FIT, and boards have values that their own programs know, so that
// only what is close to a word of U-Boot counts. See linter.open.
func Lint(root *fdt.Node, open func(node *fdt.Node, prop, value string) bool) []Slip {
	l := &linter{open: open}
	l.props(root, RootProps())
	for _, sub := range root.Subnodes {
		switch sub.Name {
		case "images":
			l.images(sub)
		case "configurations":
			l.configs(sub)
		default:
			if near := suggest.Misspelled(sub.Name, []string{"images", "configurations"}); near != "" {
				l.slip(sub, "", "", "U-Boot looks for no node '%s' in a FIT; did you mean '%s'?", sub.Name, near)
			}
		}
	}
	return l.slips
}

func (l *linter) slip(node *fdt.Node, prop, hint, format string, args ...any) {
	l.slips = append(l.slips, Slip{NodeError: *wrong(node, prop, format, args...), Hint: hint})
}

func (l *linter) images(images *fdt.Node) {
	for _, node := range images.Subnodes {
		l.node(node, ImageProps())
		for _, v := range []struct {
			prop  string
			known []string
		}{{"arch", Archs()}, {"os", OSs()}, {"type", ImageTypes()}, {"compression", Compressions()}, {"phase", Phases()}} {
			l.value(node, v.prop, v.known)
		}
	}
}

func (l *linter) configs(configs *fdt.Node) {
	l.props(configs, ConfigsProps())
	for _, node := range configs.Subnodes {
		l.node(node, ConfigProps())
	}
}

// node looks at an image or a configuration, and at its hashes, signatures and
// ciphers.
func (l *linter) node(node *fdt.Node, known []string) {
	l.name(node)
	l.props(node, known)
	for _, sub := range node.Subnodes {
		props, algos := Below(sub.Name)
		if props == nil {
			continue
		}
		l.name(sub)
		l.props(sub, props)
		if !strings.HasPrefix(sub.Name, "hash") { // of hashes, Check tells
			l.value(sub, "algo", algos)
		}
	}
}

// value looks for a value that is misspelled, or that others say where U-Boot
// has another word.
func (l *linter) value(node *fdt.Node, prop string, known []string) {
	v, ok, err := node.Str(prop)
	if !ok || err != nil || l.open(node, prop, v) {
		return
	}
	v = strings.ToLower(v) // as U-Boot compares them
	if slices.Contains(known, v) {
		return
	}
	near := suggest.Misspelled(v, known)
	if word := otherWords[v]; slices.Contains(known, word) {
		near = word
	}
	if near != "" {
		l.slip(node, prop, suggest.Known(known), "U-Boot does not know '%s' as a value of '%s'; did you mean '%s'?", v, prop, near)
	}
}

// otherWords are words for what U-Boot calls otherwise in a FIT.
var otherWords = map[string]string{
	"aarch64": "arm64", "amd64": "x86_64", "i386": "x86", "i686": "x86", "ppc64": "powerpc", "riscv32": "riscv", "riscv64": "riscv", "x64": "x86_64",
	"atf": "arm-trusted-firmware", "tf-a": "arm-trusted-firmware", "trusted-firmware-a": "arm-trusted-firmware", "op-tee": "tee", "optee": "tee",
	"dtb": "flat_dt", "fdt": "flat_dt", "devicetree": "flat_dt", "initrd": "ramdisk", "initramfs": "ramdisk",
	"bz2": "bzip2", "gz": "gzip", "uncompressed": "none",
}

// props looks for properties that are misspelled.
func (l *linter) props(node *fdt.Node, known []string) {
	for _, p := range node.Props {
		if slices.Contains(known, p.Name) || l.open(node, p.Name, "") {
			continue
		}
		if near := suggest.Misspelled(p.Name, known); near != "" {
			l.slip(node, p.Name, "", "U-Boot looks for no property '%s' here; did you mean '%s'?", p.Name, near)
		}
	}
}

// name looks for a name that U-Boot refuses if it verifies FITs: somebody could
// hide a node behind another one of that name and address.
func (l *linter) name(node *fdt.Node) {
	if !strings.Contains(strings.TrimPrefix(node.Name, "@"), "@") {
		return
	}
	l.slip(node, "", "write '"+strings.ReplaceAll(node.Name, "@", "-")+"'",
		"U-Boot refuses a FIT with '@' in the name of a node if it is built with FIT_SIGNATURE")
	l.slips[len(l.slips)-1].Verified = true
}
