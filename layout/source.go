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
	tree, binman, err := b.loadDescription()
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

// loadDescription returns the tree that describes the images, and the node in
// it that does.
func (b *Build) loadDescription() (tree *fdt.Tree, binman *fdt.Node, err error) {
	tree, name, err := b.loadTree()
	if err != nil {
		return nil, nil, err
	}
	if binman = tree.Root.Child("binman"); binman == nil {
		return nil, nil, fmt.Errorf("Device tree '%s' does not have a 'binman' node", name)
	}
	return tree, binman, nil
}

// loadTree reads or compiles the description. The name is that of the blob, for
// messages.
func (b *Build) loadTree() (*fdt.Tree, string, error) {
	name := b.Description
	if filepath.Ext(name) != ".dts" {
		data, err := content.Open(name)
		if err != nil {
			return nil, "", err
		}
		blob, err := data.Bytes()
		if err != nil {
			return nil, "", fmt.Errorf("device tree '%s': %w", name, err)
		}
		tree, err := fdt.Parse(blob)
		if err != nil {
			return nil, "", fmt.Errorf("device tree '%s': %w", name, err)
		}
		return tree, name, nil
	}
	tree, err := b.compile(name)
	if err != nil {
		return nil, "", err
	}
	const blobName = "source.dtb"
	if err := b.Output.WriteIntermediate(blobName, content.Bytes(tree.Marshal())); err != nil {
		return nil, "", err
	}
	path, err := b.Output.Path(blobName)
	return tree, path, err
}

// compile compiles a description given as source. Files that it includes are
// looked for in the directory include, as U-Boot's build does, and in the
// input directories.
func (b *Build) compile(name string) (*fdt.Tree, error) {
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
