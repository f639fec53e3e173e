// SPDX-License-Identifier: GPL-2.0-or-later

package layout

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"

	"binman/content"
	"binman/content/iodir"
	"binman/describe"
	"binman/fdt"
	"binman/internal/suggest"
)

// missingFile returns the name of the file that an error says is missing.
func missingFile(err error) (string, bool) {
	if nf, ok := errors.AsType[*iodir.NotFoundError](err); ok {
		return nf.Name, true
	}
	if pe, ok := errors.AsType[*content.PathError](err); ok && errors.Is(pe, fs.ErrNotExist) {
		return pe.Path, true
	}
	return "", false
}

// explainMissing says where the name of a missing file comes from, and what can
// be done about it.
func (b *Build) explainMissing(e *Entry, ne *NodeError, name string) {
	if b.writes(e, name) {
		describe.At(ne, e.Node, "filename")
		describe.Advise(ne, "it is to be written, and the directory '%s' does not exist: make it first", filepath.Dir(name))
		return
	}
	if where := b.whereNamed(e, ne, name); where != "" {
		describe.Advise(ne, "%s", where)
	}
	switch near := b.nearFile(name); {
	case near == "":
	case filepath.Base(near) == filepath.Base(name):
		describe.Advise(ne, "'%s' is a link that leads to no file", near)
	default:
		describe.Advise(ne, "is '%s' meant?", near)
	}
	for _, dir := range b.Input.Dirs {
		if info, err := b.Input.System().Stat(dir); err != nil || !info.IsDir() {
			describe.Advise(ne, "'%s', which -I names, is not a directory", dir)
		}
	}
	switch {
	case filepath.IsAbs(name):
	case len(b.Input.Dirs) == 0:
		describe.Advise(ne, "it is looked for in the current directory only: name the directory that has it with -I")
	default:
		describe.Advise(ne, "name the directory that has it with -I")
	}
	if e.External && !b.AllowMissing {
		describe.Advise(ne, "-M (--allow-missing) builds without it, an image that does not work")
	}
}

// writes says whether the file is one that the entry makes.
func (b *Build) writes(e *Entry, name string) bool {
	outputs := []string{}
	if e.Section != nil {
		outputs = append(outputs, e.Section.Filename)
	}
	if e.Parent == nil && e.Image != nil {
		outputs = append(outputs, e.Image.Filename)
	}
	return slices.ContainsFunc(outputs, func(file string) bool {
		path, err := b.Output.Path(file)
		return err == nil && file != "" && path == name
	})
}

// whereNamed finds what gave the missing file its name: a property, which
// becomes that of the error, an entry argument or the entry type.
func (b *Build) whereNamed(e *Entry, ne *NodeError, name string) string {
	if p := propWith(e.Node, name); p != nil {
		describe.At(ne, e.Node, p.Name)
		return ""
	}
	for _, arg := range slices.Sorted(maps.Keys(b.Args)) {
		if b.Args[arg] == name && name != "" {
			return fmt.Sprintf("the name comes from the entry argument -a %s=%s", arg, name)
		}
	}
	switch name {
	case e.ELF.File:
		return "the symbols of the entry are looked up in it: without symbols, give it the property no-write-symbols"
	case e.File:
	default:
		return ""
	}
	if name != e.TypeName {
		return fmt.Sprintf("it is the file that an entry of type '%s' holds", e.baseType())
	}
	if arg := argOf(e); arg != "" {
		return fmt.Sprintf("the file has no name, so the entry type stands in for one: give it with -a %s=FILE or with a property %s", arg, arg)
	}
	return "the entry has no property 'filename', so its type is taken for the name of the file: add filename = \"...\";"
}

// argOf returns the entry argument or property that names the file of the
// entry, if its type has one.
func argOf(e *Entry) string {
	if n, ok := e.Type.(PropertyNamer); ok {
		if names := n.MoreProperties(e); len(names) > 0 {
			return names[0]
		}
	}
	return ""
}

// propWith returns the property of the node that has the string as one of its
// values.
func propWith(node *fdt.Node, value string) *fdt.Prop {
	for _, p := range node.Props {
		if list, err := p.Strs(); err == nil && value != "" && slices.Contains(list, value) {
			return p
		}
	}
	return nil
}

// nearFile returns the path of a file in the input directories whose name is
// like the one that is missing.
func (b *Build) nearFile(name string) string {
	dirs := b.Input.Dirs
	if len(dirs) == 0 || filepath.IsAbs(name) {
		dirs = []string{""}
	}
	for _, dir := range dirs {
		dir = filepath.Join(dir, filepath.Dir(name))
		names, err := b.Input.System().Names(dir)
		if err != nil {
			continue
		}
		if near := suggest.Nearest(filepath.Base(name), names); near != "" {
			return filepath.Join(dir, near)
		}
	}
	return ""
}
