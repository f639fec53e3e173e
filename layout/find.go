// SPDX-License-Identifier: GPL-2.0-or-later

package layout

import (
	"fmt"
	"strings"

	"binman/fdt"
)

// Find returns the entry at a path such as "section/u-boot".
func (img *Image) Find(path string) (*Entry, error) {
	e := img.Entry
	where := "/"
	for more := true; more; {
		part, rest, slash := strings.Cut(path, "/")
		child := e.Child(part)
		if child == nil {
			child, rest, slash = e.aliased(path)
		}
		if child == nil {
			return nil, fmt.Errorf("Entry '%s' not found in '%s'", part, where)
		}
		e, where, path, more = child, child.Path(), rest, slash
	}
	return e, nil
}

// aliased returns the entry that e holds whose second name, which may have
// slashes, is at the start of path, and what follows a slash behind it; or
// nil.
func (e *Entry) aliased(path string) (child *Entry, rest string, slash bool) {
	for _, child := range e.Entries() {
		name := child.As.Alias
		if name == "" {
			continue
		}
		if name == path {
			return child, "", false
		}
		if rest, ok := strings.CutPrefix(path, name+"/"); ok {
			return child, rest, true
		}
	}
	return nil, "", false
}

// findNode returns the entry for node among what e holds, at any depth.
func (e *Entry) findNode(node *fdt.Node) *Entry {
	for _, list := range [][]*Entry{e.Entries(), e.Sources} {
		for _, child := range list {
			if child.Node == node {
				return child
			}
			if found := child.findNode(node); found != nil {
				return found
			}
		}
	}
	return nil
}

// FindPhandle returns the entry of the section of e, at any depth, whose node
// has the phandle.
func (e *Entry) FindPhandle(phandle uint32) (*Entry, error) {
	node := e.Node.Tree().ByPhandle(phandle)
	if node == nil {
		return nil, e.Errorf("Cannot find node for phandle %d", phandle)
	}
	var found *Entry
	if e.Parent != nil {
		found = e.Parent.findNode(node)
	}
	if found == nil {
		return nil, e.Errorf("Cannot find entry for node '%s'", node.Name)
	}
	return found, nil
}
