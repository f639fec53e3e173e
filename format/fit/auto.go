// SPDX-License-Identifier: GPL-2.0-or-later

package fit

import (
	"encoding/binary"
	"fmt"
	"path/filepath"
	"strings"

	"binman/content"
	"binman/fdt"
	"binman/format/uimage"
)

// Auto is a FIT of one program, with device trees and a RAM disk, that mkimage's
// options describe: "-f auto" and "-f auto-conf". It has a configuration for each
// device tree.
type Auto struct {
	Creator     string // who makes it
	Name        string // description of the program
	Type        uimage.Type
	Arch        uimage.Arch
	OS          uimage.OS
	Comp        uimage.Compression
	Load, Entry uint32

	Program content.Data
	Trees   []AutoFile
	Ramdisk content.Data // no bytes: there is none
	BL31    *AutoFile    // of TF-A, nil if there is none
	TEE     *AutoFile    // nil if there is none

	// Algo and Key say how and by which key configurations, or the images, are
	// signed. Without them images have a CRC-32.
	Algo, Key   string
	SignConfigs bool
}

// AutoFile is a file of an Auto.
type AutoFile struct {
	Path string // gives the description
	Data content.Data
	Load uint32 // address, of programs
}

// description returns the name of the file, without its ending.
func (f *AutoFile) description() string {
	name := filepath.Base(f.Path)
	return strings.TrimSuffix(name, filepath.Ext(name))
}

// Source returns the nodes of the FIT.
func (a *Auto) Source() *Source {
	b := autoBuilder{a: a, src: &Source{Root: &fdt.Node{Name: "/"}, Data: map[*fdt.Node]content.Data{}}}
	b.text(b.src.Root, "description", a.Type.Title()+" image with one or more FDT blobs")
	b.text(b.src.Root, "creator", a.Creator)
	b.cell(b.src.Root, "#address-cells", 1)
	b.images(b.node(b.src.Root, "images"))
	b.configs(b.node(b.src.Root, "configurations"))
	return b.src
}

type autoBuilder struct {
	a   *Auto
	src *Source
}

func (b *autoBuilder) node(parent *fdt.Node, name string) *fdt.Node {
	n := &fdt.Node{Name: name, Parent: parent}
	parent.Subnodes = append(parent.Subnodes, n)
	return n
}

func (b *autoBuilder) prop(n *fdt.Node, name string, value []byte) {
	n.Props = append(n.Props, &fdt.Prop{Name: name, Value: value})
}

func (b *autoBuilder) text(n *fdt.Node, name string, list ...string) {
	b.prop(n, name, []byte(strings.Join(list, "\x00")+"\x00"))
}

func (b *autoBuilder) cell(n *fdt.Node, name string, v uint32) {
	b.prop(n, name, binary.BigEndian.AppendUint32(nil, v))
}

func (b *autoBuilder) data(n *fdt.Node, d content.Data) {
	b.prop(n, "data", nil)
	b.src.Data[n] = d
}

// archWord is the word for an architecture in FITs.
func archWord(a uimage.Arch) string {
	if word := a.String(); word != "ppc" {
		return word
	}
	return "powerpc"
}

// program returns the name of the node of the program.
func (b *autoBuilder) program() string { return b.a.Type.String() + "-1" }

func (b *autoBuilder) images(images *fdt.Node) {
	a := b.a
	n := b.node(images, b.program())
	b.text(n, "description", a.Name)
	b.text(n, "type", a.Type.String())
	b.text(n, "arch", archWord(a.Arch))
	b.text(n, "os", a.OS.String())
	b.text(n, "compression", a.Comp.String())
	b.cell(n, "load", a.Load)
	b.cell(n, "entry", a.Entry)
	b.data(n, a.Program)
	b.protect(n, true)
	for i, tree := range a.Trees {
		n := b.node(images, fmt.Sprintf("fdt-%d", i+1))
		b.text(n, "description", tree.description())
		b.data(n, tree.Data)
		b.text(n, "type", "flat_dt")
		b.text(n, "arch", archWord(a.Arch))
		b.text(n, "compression", "none")
		b.protect(n, true)
	}
	if a.Ramdisk.Len() > 0 {
		n := b.typed(images, "ramdisk")
		b.data(n, a.Ramdisk)
		b.protect(n, true)
	}
	b.loadable(images, "tfa-bl31", a.BL31)
	b.loadable(images, "tee", a.TEE)
}

func (b *autoBuilder) typed(images *fdt.Node, kind string) *fdt.Node {
	n := b.node(images, kind+"-1")
	b.text(n, "type", kind)
	b.text(n, "os", b.a.OS.String())
	b.text(n, "arch", archWord(b.a.Arch))
	return n
}

func (b *autoBuilder) loadable(images *fdt.Node, kind string, f *AutoFile) {
	if f == nil {
		return
	}
	n := b.typed(images, kind)
	b.text(n, "description", f.description())
	b.data(n, f.Data)
	b.cell(n, "load", f.Load)
	b.cell(n, "entry", f.Load)
	b.protect(n, true)
}

func (b *autoBuilder) configs(configs *fdt.Node) {
	b.text(configs, "default", "conf-1")
	for i := range max(len(b.a.Trees), 1) {
		n := b.node(configs, fmt.Sprintf("conf-%d", i+1))
		if len(b.a.Trees) > 0 {
			b.text(n, "description", b.a.Trees[i].description())
		}
		b.text(n, b.a.Type.String(), b.program())
		list := []string{b.program()}
		if b.a.BL31 != nil {
			list = append(list, "tfa-bl31-1")
		}
		if b.a.TEE != nil {
			list = append(list, "tee-1")
		}
		b.text(n, "loadables", list...)
		if b.a.Ramdisk.Len() > 0 {
			b.text(n, "ramdisk", "ramdisk-1")
		}
		if len(b.a.Trees) > 0 {
			b.text(n, "fdt", fmt.Sprintf("fdt-%d", i+1))
		}
		b.protect(n, false)
	}
}

// protect adds the node of a hash, or a signature, to an image or a configuration.
func (b *autoBuilder) protect(n *fdt.Node, image bool) {
	sum := "crc32"
	switch {
	case b.a.SignConfigs && image:
		sum = "sha1"
	case b.a.SignConfigs, b.a.Algo != "" && image:
		sig := b.node(n, "signature")
		b.text(sig, "algo", b.a.Algo)
		b.text(sig, "key-name-hint", b.a.Key)
		return
	case !image:
		return
	}
	b.text(b.node(n, "hash"), "algo", sum)
}
