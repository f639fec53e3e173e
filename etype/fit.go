// SPDX-License-Identifier: GPL-2.0-or-later

package etype

import (
	"strings"

	"binman/fdt"
	"binman/layout"
)

// FIT is a Flat Image Tree: a device tree that holds images, and
// configurations that say which of them belong together.
type FIT struct {
	ExternalOffset layout.OptInt `dt:"fit,external-offset" doc:"Put the images behind the device tree, at this offset from the start of the FIT; 0 is right behind it"`
	DataAlign      int64         `dt:"fit,align" doc:"Alignment of images behind the device tree: a power of two"`
	ListArg        string        `dt:"fit,fdt-list" doc:"Name of the entry argument, or property, that lists the device trees to generate nodes for"`
	ListVal        []string      `dt:"fit,fdt-list-val" doc:"Names of the device trees to generate nodes for, without .dtb"`
	ListDir        string        `dt:"fit,fdt-list-dir" doc:"Directory whose .dtb files are the device trees to generate nodes for"`
	DefaultTree    string        `dt:"default-dt,arg" doc:"Name of the device tree whose configuration is the default"`
	RemoveProps    string        `dt:"of-spl-remove-props,arg" doc:"Names of properties to remove with fit,fdt-phase, separated by spaces"`
	Sign           bool          `dt:"fit,sign" doc:"Sign as the signature nodes say, and encrypt as the cipher nodes say"`
	Encrypt        bool          `dt:"fit,encrypt" doc:"Encrypt as the cipher nodes say, and sign as the signature nodes say"`
	Engine         string        `dt:"fit,engine" doc:"Engine whose keys to sign with: pkcs11, which needs no OpenSSL here"`
	EngineKeys     string        `dt:"fit,engine-keydir" doc:"Part of a pkcs11: URI that says where the keys are"`
	KeyDir         string        `dt:"keydir,arg" doc:"Directory with the keys to sign and encrypt with; without, they are looked for in the input directories"`

	PadByte  int64  `dt:"pad-byte" doc:"Value of the bytes behind the FIT, up to its size"`
	Filename string `dt:"filename" doc:"File to write the FIT to, in the output directory"`

	section   layout.Section
	trees     []string // names of device trees to generate nodes for
	haveTrees bool     // they have been given, if only as an empty list
	treeDir   string   // directory of the device trees; "" for the input directories
}

var (
	_ layout.Reader        = (*FIT)(nil)
	_ layout.Holder        = (*FIT)(nil)
	_ layout.Checker       = (*FIT)(nil)
	_ layout.Sizer         = (*FIT)(nil)
	_ layout.PropertyNamer = (*FIT)(nil)
	_ layout.Generator     = (*FIT)(nil)
	_ layout.Container     = (*FIT)(nil)
	_ layout.Finisher      = (*FIT)(nil)
)

var fitInfo = layout.TypeInfo{
	Name:       "fit",
	New:        func() layout.Type { return &FIT{} },
	Placing:    layout.InFormat,
	FindsParts: true,
	FreeForm:   true,
}

// Sect returns what holds the images. Unlike a section, a FIT has few of its
// properties.
func (f *FIT) Sect() *layout.Section { return &f.section }

// MoreProperties names what goes into the FIT as it is: anything.
func (f *FIT) MoreProperties(e *layout.Entry) []string {
	var names []string
	for _, p := range e.Node.Props {
		if !isDirective(p.Name) {
			names = append(names, p.Name)
		}
	}
	return names
}

// isDirective says whether a property is for binman and not for the FIT.
func isDirective(name string) bool { return strings.HasPrefix(name, "fit,") }

// Read completes what was read of the FIT.
func (f *FIT) Read(ctx *layout.Context, e *layout.Entry) error {
	e.Compress = "" // a FIT is not compressed, only its images are, by whoever made them
	if f.PadByte < 0 || f.PadByte > 0xff {
		return e.Errorf("pad-byte %#x does not fit in a byte", f.PadByte)
	}
	f.section.PadByte, f.section.Filename = f.PadByte, f.Filename
	if ctx.Opened {
		return nil
	}
	if f.DataAlign < 0 || f.DataAlign&(f.DataAlign-1) != 0 {
		return e.Errorf("fit,align %#x must be a power of two", f.DataAlign)
	}
	switch {
	case f.ListArg != "":
		list, ok := ctx.Args[f.ListArg]
		if !ok {
			var err error
			if list, ok, err = e.Node.Str(f.ListArg); err != nil {
				return err
			}
		}
		f.trees, f.haveTrees = strings.Fields(list), ok
	case f.ListDir == "":
		f.trees, f.haveTrees = f.ListVal, e.Node.Has("fit,fdt-list-val")
	}
	return f.lookUpKeys(ctx, e)
}

// Children makes a section of each image, whose contents its subnodes are. A
// node that stands for others is only their source; in an opened image there
// are none any more.
func (f *FIT) Children(ctx *layout.Context, e *layout.Entry) ([]layout.Child, error) {
	images := e.Node.Child("images")
	if images == nil {
		return nil, nil
	}
	var list []layout.Child
	for _, node := range images.Subnodes {
		generates := isGenerator(node)
		if generates && ctx.Opened {
			continue
		}
		list = append(list, layout.Child{
			Node: node, Type: "section", Plain: true,
			Source: generates, Shown: generates,
			KeepHash: true, // it goes into the FIT
			Free:     true,
		})
	}
	return list, nil
}

// isGenerator says whether a node stands for nodes that are made of it.
func isGenerator(node *fdt.Node) bool { return strings.HasPrefix(node.Name, "@") }

// LeastSize returns the size of the images and of the device tree's header.
func (f *FIT) LeastSize(ctx *layout.Context, e *layout.Entry) (int64, bool) {
	return treeHeader + heldSize(e), false
}

// Generate lists the device trees of a directory; there are no entries to make.
func (f *FIT) Generate(ctx *layout.Context, e *layout.Entry) error {
	if f.ListDir == "" || f.ListArg != "" {
		return nil
	}
	names, dir, err := ctx.Input.Trees(f.ListDir)
	if err != nil {
		return e.Errorf("cannot list fit,fdt-list-dir: %w", err)
	}
	f.trees, f.haveTrees, f.treeDir = names, true, dir
	return nil
}

// timestamp returns the time for the FIT: that of the build, or
// SOURCE_DATE_EPOCH if that is set, so that builds can be repeated.
func timestamp(ctx *layout.Context, e *layout.Entry) (uint32, error) {
	stamp, err := ctx.Env.Stamp(ctx.Start)
	if err != nil {
		return 0, e.Errorf("%w", err)
	}
	return stamp, nil
}
