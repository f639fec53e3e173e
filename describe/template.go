// SPDX-License-Identifier: GPL-2.0-or-later

package describe

import (
	"slices"
	"strings"

	"binman/fdt"
)

// maxTemplateNodes bounds what templates can grow a description to.
const maxTemplateNodes = 1_000_000

// inserter inserts templates into nodes.
type inserter struct {
	nodes int // inserted so far
	debug func(msg string)
}

// insertTemplates inserts the templates of a description and removes them. If there were
// any, the tree is read again, as by the original, so that nodes and phandles come in the
// order of the bytes.
func insertTemplates(tree *fdt.Tree, binman *fdt.Node, opt Options) error {
	in := inserter{debug: opt.Debug}
	found, err := in.below(binman, 0)
	if err != nil || !found {
		return err
	}
	tree.Sync()
	if err := opt.keep(withTemplate, tree); err != nil {
		return err
	}
	removeTemplates(binman)
	tree.Sync()
	if err := opt.keep(expanded, tree); err != nil {
		return err
	}
	return tree.Reread()
}

// below handles the insert-template properties of all nodes below parent: the
// subnodes and the properties of the templates that they name go into the
// node, which overrides what it has already. It returns whether there were
// any.
func (in *inserter) below(parent *fdt.Node, depth int) (bool, error) {
	const limit = 1024 // no tree that can be read is deeper
	if depth > limit {
		return false, &NodeError{Kind: "Node", Path: parent.Path(), Pos: parent.Pos,
			Msg: "templates make nodes without end: is a template inserted into itself?"}
	}
	found := false
	// The loop runs over a copy, since inserting adds nodes to the list.
	for _, node := range slices.Clone(parent.Subnodes) {
		phandles, ok, err := node.U32s("insert-template")
		if err != nil {
			return false, err
		}
		if ok {
			found = true
			if err := in.insert(node, phandles); err != nil {
				return false, err
			}
		}
		more, err := in.below(node, depth+1)
		if err != nil {
			return false, err
		}
		found = found || more
	}
	return found, nil
}

// insert puts the templates with the given phandles into node: the last one
// first, since what is inserted goes before what is there.
func (in *inserter) insert(node *fdt.Node, phandles []uint32) error {
	errorf := func(msg string) error {
		return &NodeError{Kind: "Node", Path: node.Path(), Msg: msg, Pos: node.Pos}
	}
	for _, phandle := range slices.Backward(phandles) {
		tmpl := node.Tree().ByPhandle(phandle)
		if tmpl == nil {
			return errorf("insert-template names a node that does not exist")
		}
		for p := node; p != nil; p = p.Parent {
			if p == tmpl {
				return errorf("insert-template of '" + tmpl.Path() + "', which holds the node itself")
			}
		}
		if in.nodes += countNodes(tmpl); in.nodes > maxTemplateNodes {
			return errorf("templates make too many nodes: is a template inserted into itself?")
		}
		if in.debug != nil {
			in.debug("adding template " + tmpl.Path() + " to node " + node.Path())
		}
		if err := node.CopySubnodesFromPhandles([]uint32{phandle}); err != nil {
			return err
		}
	}
	return nil
}

func countNodes(n *fdt.Node) int {
	count := 1
	for _, sub := range n.Subnodes {
		count += countNodes(sub)
	}
	return count
}

// removeTemplates deletes the templates from the description.
func removeTemplates(parent *fdt.Node) {
	for _, node := range slices.Clone(parent.Subnodes) {
		if strings.HasPrefix(node.Name, "template") {
			node.Delete()
		}
	}
}
