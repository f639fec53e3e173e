// SPDX-License-Identifier: GPL-2.0-or-later

package etype

import (
	"path"
	"strings"

	"binman/content"
	"binman/fdt/bootph"
	"binman/layout"
)

// AlternatesFDT is a section that is written once more for each device tree in
// a directory, to a file of its own.
type AlternatesFDT struct {
	layout.Section
	ListDir     string `dt:"fdt-list-dir,required" doc:"Directory with the .dtb files, looked up in the input directories"`
	Pattern     string `dt:"filename-pattern" doc:"Names of the files to write: NAME stands for the name of the .dtb file without its extension; NAME.bin if absent"`
	Phase       string `dt:"fdt-phase" doc:"Cut the device trees down to what this phase needs: tpl, vpl or spl"`
	RemoveProps string `dt:"of-spl-remove-props,arg" doc:"Names of properties to remove with fdt-phase, separated by spaces"`

	names []string // of the device trees, without extension
}

var (
	_ layout.Reader    = (*AlternatesFDT)(nil)
	_ layout.Generator = (*AlternatesFDT)(nil)
	_ layout.Finisher  = (*AlternatesFDT)(nil)
)

var alternatesInfo = layout.TypeInfo{
	Name:     "alternates-fdt",
	New:      func() layout.Type { return &AlternatesFDT{} },
	Compress: true,
}

// defaultPattern names alternates if the description does not.
const defaultPattern = "NAME.bin"

// Read checks the phase.
func (a *AlternatesFDT) Read(ctx *layout.Context, e *layout.Entry) error {
	if a.Pattern == "" {
		a.Pattern = defaultPattern
	}
	if !e.Node.Has("fdt-phase") || ctx.Opened {
		return nil
	}
	if err := bootph.Check(a.Phase); err != nil {
		return e.Errorf("%w", err)
	}
	return nil
}

// Generate lists the device trees; there are no entries to make.
func (a *AlternatesFDT) Generate(ctx *layout.Context, e *layout.Entry) error {
	names, dir, err := ctx.Input.Trees(a.ListDir)
	if err != nil {
		return e.Errorf("cannot list fdt-list-dir: %w", err)
	}
	a.names = names
	if len(a.names) == 0 {
		ctx.Log.Printf(layout.Warning, "Node '%s': no .dtb file in '%s': no alternates to write", e.Path(), dir)
	}
	if len(a.names) > 1 && !strings.Contains(a.Pattern, "NAME") {
		return e.Errorf("filename-pattern '%s' is without NAME, so that %d alternates would be written to one file", a.Pattern, len(a.names))
	}
	for _, name := range a.names {
		if a.file(name) == e.Image.Filename {
			return e.Errorf("alternate '%s' would be written over the image '%s'", name, e.Image.Filename)
		}
	}
	return nil
}

func (a *AlternatesFDT) file(name string) string {
	return strings.ReplaceAll(a.Pattern, "NAME", name)
}

// tree returns the device tree of an alternate, cut down to the phase if there
// is one. That is written to the output directory as well, to be looked at.
func (a *AlternatesFDT) tree(ctx *layout.Context, e *layout.Entry, name string) (content.Data, error) {
	file := path.Join(a.ListDir, name+".dtb")
	tree, err := ctx.Input.Open(file)
	if err != nil || a.Phase == "" {
		return tree, err
	}
	blob, err := tree.Bytes()
	if err != nil {
		return content.Data{}, err
	}
	if blob, err = bootph.Cut(blob, a.Phase, strings.Fields(a.RemoveProps)...); err != nil {
		return content.Data{}, e.Errorf("device tree '%s': %w", file, err)
	}
	tree = content.Bytes(blob)
	return tree, ctx.Scratch.Write(e.UniqueName()+"."+name+"-"+a.Phase+".dtb", tree)
}

// Finish writes the alternates.
func (a *AlternatesFDT) Finish(ctx *layout.Context, e *layout.Entry) error {
	size := e.Padded(e.Data).Len()
	for _, name := range a.names {
		tree, err := a.tree(ctx, e, name)
		if err != nil {
			return err
		}
		data, err := ctx.Variant(e, tree)
		if err != nil {
			return err
		}
		file := a.file(name)
		if n := data.Len(); n > size {
			ctx.Log.Printf(layout.Warning, "Node '%s': alternate '%s' has %#x bytes, which do not fit in place of the section's %#x", e.Path(), file, n, size)
		}
		if err := ctx.Output.Write(file, data); err != nil {
			return err
		}
		ctx.Log.Printf(layout.Info, "Wrote alternate '%s' to '%s', %#x bytes", name, file, data.Len())
	}
	return nil
}
