// SPDX-License-Identifier: GPL-2.0-or-later

package layout

import (
	"os"
	"path/filepath"

	"binman/bintool"
	"binman/content"
	"binman/fdt"
)

// What marks an FDT map and a header that points to one. The map's magic is
// followed by 8 unused bytes, then by a device tree.
const (
	FDTMapMagic      = "_FDTMAP_"
	FDTMapHeaderLen  = 16
	ImageHeaderMagic = "BinM"
	ImageHeaderLen   = 8
)

// JoinContents returns the contents of the entries, one after the other, for
// the entry e.
func (e *Entry) JoinContents(entries []*Entry) (content.Data, error) {
	var out content.Builder
	for _, from := range entries {
		if from.Hole {
			out.Fill(from.padByte(), from.Size.Or(0))
		} else {
			out.Add(from.Data)
		}
		if out.Len() > maxSize {
			return content.Data{}, e.tooLarge(out.Len())
		}
	}
	return out.Data(), nil
}

// ScannedTree returns the main device tree as its bytes stand, with nodes and
// properties in their order. It must not be changed.
func (b *Build) ScannedTree() *fdt.Tree {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.scanned == nil {
		tree, err := fdt.Parse(b.trees.list[0].blob)
		if err != nil {
			panic("our own device tree is malformed: " + err.Error())
		}
		b.scanned = tree
	}
	return b.scanned
}

// Tools returns where external tools are looked for.
func (b *Build) Tools() bintool.Set {
	return bintool.Set{
		Paths:   b.ToolPaths,
		Missing: b.MissingTools,
		Log:     func(line string) { b.Log.Printf(Debug, "%s", line) },
	}
}

// Strip removes the symbols from an ELF file, with the external tool strip.
func (b *Build) Strip(e *Entry, data content.Data) (content.Data, error) {
	name := e.UniqueName() + ".stripped"
	if err := b.Output.WriteIntermediate(name, data); err != nil {
		return content.Data{}, err
	}
	path, err := b.Output.Path(name)
	if err != nil {
		return content.Data{}, err
	}
	if path, err = filepath.Abs(path); err != nil {
		return content.Data{}, err
	}
	if _, err := b.Tools().Run("strip", path); err != nil {
		return content.Data{}, e.Errorf("%w", err)
	}
	stripped, err := os.ReadFile(path)
	if err != nil {
		return content.Data{}, err
	}
	return content.Bytes(stripped), nil
}
