// SPDX-License-Identifier: GPL-2.0-or-later

package inspect

import (
	"io"

	"binman/fdt"
	"binman/internal/binfmt"
)

// Bounds of device trees that are looked at: bytes, and nodes.
const (
	maxTree    = 16 << 20
	maxNodes   = 1 << 17
	treeHeader = 40
)

// readTree reads the device tree at the start of the data.
func readTree(r io.ReaderAt, size int64) (tree *fdt.Tree, total int64, err error) {
	src := binfmt.Source{R: r, Size: size}
	head, err := src.Bytes(0, treeHeader, "device tree header")
	if err != nil {
		return nil, 0, err
	}
	if total, err = fdt.TotalSize(head); err != nil {
		return nil, 0, err
	}
	if total > maxTree {
		return nil, 0, binfmt.ErrRange
	}
	blob, err := src.Bytes(0, total, "device tree")
	if err != nil {
		return nil, 0, err
	}
	tree, err = fdt.ParseAtMost(blob, maxNodes)
	return tree, total, err
}

func isTree(r io.ReaderAt, size int64) bool {
	_, _, err := readTree(r, size)
	return err == nil
}

// listTree returns the device tree by the model that it describes, and what that is
// compatible with.
func listTree(r io.ReaderAt, size int64) ([]binfmt.Item, binfmt.Details, error) {
	tree, total, err := readTree(r, size)
	if err != nil {
		return nil, nil, err
	}
	name, kind := "device tree", "device tree"
	model, _, err := tree.Root.Str("model")
	if err == nil && model != "" {
		name = model
	}
	compatible, _, err := tree.Root.Strs("compatible")
	if err == nil && len(compatible) > 0 {
		kind = compatible[0]
	}
	return []binfmt.Item{{Name: name, Type: kind, Size: total}}, binfmt.Details{}.With("model", model).With("compatible", compatible), nil
}

func treeExtent(r io.ReaderAt, size int64) (int64, error) {
	_, total, err := readTree(r, size)
	return total, err
}
