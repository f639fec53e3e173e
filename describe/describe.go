// SPDX-License-Identifier: GPL-2.0-or-later

// Package describe reads the description of images: device tree source or a
// blob becomes a tree, in which templates have been inserted and boot phases
// are known to all parents. What the nodes mean is for package layout to say.
package describe

import (
	"fmt"
	"path/filepath"

	"binman/content"
	"binman/dts"
	"binman/fdt"
	"binman/internal/suggest"
)

// Options say how to read a description. All are optional.
type Options struct {
	// Include lists directories to look for included files in.
	Include []string
	// Keep is given the tree as it was at stages of reading, to be looked at.
	Keep func(name string, blob []byte) error
	// Note is told of each file that is read, or looked for in vain: err says which.
	Note func(path string, err error)
	// Warn is told what is suspicious in the source, Debug what is done.
	Warn  func(pos fdt.Pos, msg string)
	Debug func(msg string)
}

// The names of what Options.Keep gets.
const (
	sourceBlob   = "source.dtb"
	withTemplate = "u-boot.dtb.tmpl1"
	expanded     = "u-boot.dtb.tmpl2"
)

// Load reads the description in the file called name, source if that ends in
// .dts. The tree has a node /binman.
func Load(name string, opt Options) (*fdt.Tree, error) {
	tree, err := read(name, opt)
	if err != nil {
		return nil, err
	}
	if isSource(name) {
		if err := opt.keep(sourceBlob, tree); err != nil {
			return nil, err
		}
	}
	binman := tree.Root.Child("binman")
	if binman == nil {
		return nil, noBinman(name, tree.Root)
	}
	if err := insertTemplates(tree, binman, opt); err != nil {
		return nil, err
	}
	if propagateBootPhases(tree.Root) {
		tree.Sync()
	}
	return tree, nil
}

// noBinman says that nothing in the file describes images.
func noBinman(name string, root *fdt.Node) error {
	err := &NodeError{Msg: fmt.Sprintf("Device tree '%s' does not have a 'binman' node", name), Pos: root.Pos,
		Hint: "the node 'binman' in the root describes the images: binman { ... };"}
	var names []string
	for _, node := range root.Subnodes {
		names = append(names, node.Name)
		if node.Child("binman") != nil {
			err.Hint += fmt.Sprintf("\nthere is one in '%s', where nothing looks for it", node.Path())
		}
	}
	if near := suggest.Nearest("binman", names); near != "" {
		err.Hint += fmt.Sprintf("\nthere is a node '%s'", near)
	}
	return err
}

func (o Options) keep(name string, tree *fdt.Tree) error {
	if o.Keep == nil {
		return nil
	}
	return o.Keep(name, tree.Blob())
}

func isSource(name string) bool { return filepath.Ext(name) == ".dts" }

// read parses a blob or compiles source.
func read(name string, opt Options) (*fdt.Tree, error) {
	data, err := content.Open(name) // in the words that every missing file has
	opt.note(name, err)
	if err != nil {
		return nil, err
	}
	if isSource(name) {
		return compile(name, opt)
	}
	blob, err := data.Bytes()
	if err != nil {
		return nil, fmt.Errorf("device tree '%s': %w", name, err)
	}
	tree, err := fdt.Parse(blob)
	if err != nil {
		return nil, fmt.Errorf("device tree '%s': %w", name, err)
	}
	return tree, nil
}

// compile compiles source. Files that it includes are looked for in the
// directory include too, as U-Boot's build does.
func compile(name string, opt Options) (*fdt.Tree, error) {
	tree, err := dts.Compile(name, dts.Options{
		Note:    opt.Note,
		Include: append([]string{"include"}, opt.Include...),
		Define:  map[string]string{"__ASSEMBLY__": "1"},
		MaxData: maxValues,
		Warn:    opt.Warn,
		// What is suspicious of the board is for those to say who build its tree.
		WarnBelow: "/binman",
	})
	if err != nil {
		// The last line is what dtc says then, which scripts look for.
		return nil, fmt.Errorf("%w\nFATAL ERROR: Unable to parse input tree", err)
	}
	return tree, nil
}

func (o Options) note(path string, err error) {
	if o.Note != nil {
		o.Note(path, err)
	}
}

// maxValues bounds the values of a description, in bytes, which are copied some times:
// what is large, descriptions name as files.
const maxValues = 128 << 20
