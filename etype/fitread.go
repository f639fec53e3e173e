// SPDX-License-Identifier: GPL-2.0-or-later

package etype

import (
	"strings"

	"binman/content"
	"binman/fdt"
	"binman/format/fit"
	"binman/layout"
)

// checkUnprotected refuses to change a FIT that has been signed or encrypted:
// that would have to be done again, with the keys.
func checkUnprotected(e *layout.Entry, root *fdt.Node) error {
	for node := range root.All() {
		switch {
		case strings.HasPrefix(node.Name, "signature") && node.Has("value"):
			return e.Errorf("cannot be changed: it is signed ('%s'), and would have to be signed again", node.Path())
		case node.Has("data-size-unciphered"):
			return e.Errorf("cannot be changed: image '%s' is encrypted, and would have to be encrypted again", node.Name)
		}
	}
	return nil
}

// reopen returns what the FIT of an opened image was made of, with new contents
// where there are any.
func reopen(e *layout.Entry, p layout.Parts) (*fit.Source, error) {
	old, err := fit.Parse(p.Old, p.Old.Len())
	if err != nil {
		return nil, e.Errorf("%w", err)
	}
	if err := checkUnprotected(e, old.Tree.Root); err != nil {
		return nil, err
	}
	src := &fit.Source{Root: &fdt.Node{Name: "/"}, Data: map[*fdt.Node]content.Data{}}
	copyWritten(src.Root, old.Tree.Root, 0, false)
	images := map[string]*fdt.Node{}
	for i, node := range src.Root.Child("images").Subnodes {
		im := old.Images[i]
		images[node.Name] = node
		switch have := node.Prop("data"); {
		case im.Storage == fit.Absent:
			continue
		case have == nil:
			addProp(node, "data", nil)
		default:
			have.Value = nil
		}
		src.Data[node] = p.Old.Slice(im.Offset, im.Size)
	}
	for _, part := range p.List {
		if !part.Changed {
			continue
		}
		name := part.Entry.Node.Name
		node := images[name]
		if node == nil {
			return nil, part.Entry.Errorf("the FIT has no image '%s'", name)
		}
		if _, ok := src.Data[node]; !ok {
			return nil, part.Entry.Errorf("image '%s' of the FIT has no data to replace", name)
		}
		src.Data[node] = part.Data
	}
	return src, nil
}

// copyWritten copies the nodes of a finished FIT without what making it has
// added; depth is that of node, and inImages says that it is below /images.
func copyWritten(out, node *fdt.Node, depth int, inImages bool) {
	for _, p := range node.Props {
		if !addedByWriting(node, p.Name, depth, inImages) {
			addProp(out, p.Name, p.Value)
		}
	}
	for _, sub := range node.Subnodes {
		copyWritten(addNode(out, sub.Name, sub), sub, depth+1, inImages || depth == 1 && node.Name == "images")
	}
}

func addedByWriting(node *fdt.Node, prop string, depth int, inImages bool) bool {
	switch {
	case depth == 0:
		return prop == "timestamp"
	case depth == 2 && inImages:
		return prop == "data-offset" || prop == "data-position" || prop == "data-size"
	case depth == 3 && inImages:
		return prop == "value" && strings.HasPrefix(node.Name, "hash")
	}
	return false
}
