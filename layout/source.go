// SPDX-License-Identifier: GPL-2.0-or-later

package layout

import (
	"fmt"
	"path/filepath"

	"binman/content"
	"binman/dts"
	"binman/fdt"
)

// readDescription reads the tree that describes the images, inserts its
// templates and reads the images.
func (b *Build) readDescription() (*fdt.Tree, error) {
	tree, name, err := b.loadDescription()
	if err != nil {
		return nil, err
	}
	if isSource(name) {
		const blob = "source.dtb"
		if err := b.Output.WriteIntermediate(blob, content.Bytes(tree.Marshal())); err != nil {
			return nil, err
		}
		if name, err = b.Output.Path(blob); err != nil {
			return nil, err
		}
	}
	binman, err := binmanNode(tree, name)
	if err != nil {
		return nil, err
	}
	found, err := b.insertTemplates(binman, 0)
	if err != nil {
		return nil, err
	}
	if found {
		tree.Sync()
		if err := b.Output.WriteIntermediate("u-boot.dtb.tmpl1", content.Bytes(tree.Marshal())); err != nil {
			return nil, err
		}
		removeTemplates(binman)
		tree.Sync()
		if err := b.Output.WriteIntermediate("u-boot.dtb.tmpl2", content.Bytes(tree.Marshal())); err != nil {
			return nil, err
		}
		if tree, err = rescan(tree); err != nil {
			return nil, err
		}
		binman = tree.Root.Child("binman")
	}
	if err := b.reportFindings(binman); err != nil {
		return nil, err
	}
	if propagateBootPhases(tree.Root) {
		tree.Sync()
	}
	return tree, b.readImages(binman)
}

// reportFindings warns of what has no effect in the description, or refuses it
// if the build is strict. What cannot be built is reported when it comes to
// that.
func (b *Build) reportFindings(binman *fdt.Node) error {
	var first error
	for _, f := range b.checkDescription(binman) {
		if f.Fatal {
			continue
		}
		if b.Strict && first == nil {
			first = &NodeError{Kind: "Node", Path: f.Node, Msg: f.Msg, Pos: f.Pos}
		}
		b.Log.Printf(Warning, "%s", f)
	}
	return first
}

// binmanNode returns the node of a tree that describes the images. The name is
// that of its file, for messages.
func binmanNode(tree *fdt.Tree, name string) (*fdt.Node, error) {
	binman := tree.Root.Child("binman")
	if binman == nil {
		return nil, fmt.Errorf("Device tree '%s' does not have a 'binman' node", name)
	}
	return binman, nil
}

func isSource(name string) bool { return filepath.Ext(name) == ".dts" }

// loadDescription reads or compiles the description.
func (b *Build) loadDescription() (tree *fdt.Tree, name string, err error) {
	name = b.Description
	if isSource(name) {
		tree, err = b.compile(name)
		return tree, name, err
	}
	data, err := content.Open(name)
	if err != nil {
		return nil, "", err
	}
	blob, err := data.Bytes()
	if err == nil {
		tree, err = fdt.Parse(blob)
	}
	if err != nil {
		return nil, "", fmt.Errorf("device tree '%s': %w", name, err)
	}
	return tree, name, nil
}

// compile compiles a description given as source. Files that it includes are
// looked for in the directory include, as U-Boot's build does, and in the
// input directories.
func (b *Build) compile(name string) (*fdt.Tree, error) {
	if _, err := content.Open(name); err != nil {
		return nil, err // in the words that every missing file has
	}
	tree, err := dts.Compile(name, dts.Options{
		Include: append([]string{"include"}, b.Input.Dirs...),
		Define:  map[string]string{"__ASSEMBLY__": "1"},
		Warn:    func(pos fdt.Pos, msg string) { b.Log.Printf(Warning, "%s: %s", pos, msg) },
	})
	if err != nil {
		// The last line is what dtc says then, which scripts look for.
		return nil, fmt.Errorf("%w\nFATAL ERROR: Unable to parse input tree", err)
	}
	return tree, nil
}
