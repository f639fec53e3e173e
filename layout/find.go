// SPDX-License-Identifier: GPL-2.0-or-later

package layout

import (
	"fmt"

	"binman/describe"
	"binman/fdt"
	"binman/internal/entrypath"
	"binman/internal/suggest"
)

// Find returns the entry at a path such as "section/u-boot".
func (img *Image) Find(path string) (*Entry, error) {
	for _, spelling := range img.spellings(path) {
		if e, ok := entries.Find(img.Entry, spelling); ok {
			return e, nil
		}
	}
	last, name := entries.Lost(img.Entry, path)
	where := "/"
	if last != img.Entry {
		where = last.Path()
	}
	return nil, suggest.With(fmt.Errorf("Entry '%s' not found in '%s'", name, where), entries.Meant(img.Entry, path))
}

// Match returns the entries that a path names, or those that match it as
// a pattern if it names none; see package entrypath.
func (img *Image) Match(path string) []*Entry {
	for _, spelling := range img.spellings(path) {
		if found := entries.Select(img.Entry, spelling); len(found) > 0 {
			return found
		}
	}
	return nil
}

// Select returns the image and its entries, in order, that match one of the
// paths, with all that those hold; no paths match everything. For paths that
// match nothing the error is an entrypath.NoMatch; the list is then that of the
// others.
func (img *Image) Select(paths []string) ([]Listed, error) {
	chosen := map[*Entry]bool{}
	var unmatched entrypath.NoMatch
	for _, path := range paths {
		found := img.Match(path)
		if len(found) == 0 {
			unmatched = append(unmatched, path)
		}
		for _, e := range found {
			chosen[e] = true
		}
	}
	var list []Listed
	var add func(e *Entry, depth int, taken bool)
	add = func(e *Entry, depth int, taken bool) {
		if taken = taken || chosen[e]; taken {
			list = append(list, Listed{e, depth})
		}
		for _, child := range e.Entries() {
			add(child, depth+1, taken)
		}
	}
	add(img.Entry, 0, len(paths) == 0)
	return list, unmatched.Advise(func(path string) string { return entries.Meant(img.Entry, path) })
}

// entries are found by the names that lists and messages show.
var entries = entrypath.Tree[*Entry]{Children: (*Entry).Entries, Names: (*Entry).Names}

// spellings returns what a path can mean, if it comes from a message of the
// build that made the image.
func (img *Image) spellings(path string) []string {
	node, _, _ := img.Entry.Node.Str("image-node")
	return entrypath.Spellings(path, node)
}

// Names returns what the entry is called in what holds it: with the prefix of
// a section, by the path of its node, by its node's name alone, and by a second
// name that only the container knows.
func (e *Entry) Names() []string {
	own := e.Node.Name
	for n := e.Node.Parent; n != nil && n != e.Parent.Node; n = n.Parent {
		own = n.Name + "/" + own
	}
	names := []string{e.Name, own, e.Node.Name}
	if alias := e.As.Alias; alias != "" {
		names = append(names, alias)
	}
	return names
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

// FindPhandle returns the entry of the image of e whose node has the phandle:
// anywhere in it, but not what holds e.
func (e *Entry) FindPhandle(phandle uint32) (*Entry, error) {
	node := e.Node.Tree().ByPhandle(phandle)
	if node == nil {
		return nil, describe.Advise(e.Errorf("Cannot find node for phandle %d", phandle), "no node of the description has it: name the node by its label, as in <&label>")
	}
	for in := e.Parent; in != nil && in.Node != node; in = in.Parent {
		if found := in.findNode(node); found != nil && !found.holds(e) {
			return found, nil
		}
	}
	return nil, describe.Advise(e.Errorf("Cannot find entry for node '%s'", node.Name), "it has to be an entry of an image that is built, and not hold this one")
}

// holds returns whether the other entry is in e, at any depth.
func (e *Entry) holds(other *Entry) bool {
	for other = other.Parent; other != nil; other = other.Parent {
		if other == e {
			return true
		}
	}
	return false
}

// findPhandle returns the entry whose node has the phandle, in the image of e or
// in another one, which is made before: see imageOrder.
func (b *Build) findPhandle(e *Entry, phandle uint32) (*Entry, error) {
	found, err := e.FindPhandle(phandle)
	if err == nil || b.opened != nil {
		return found, err
	}
	if b.described == nil {
		b.described = map[string]*Entry{}
		for _, img := range b.Images {
			img.Entry.Walk(func(e *Entry) { b.described[e.Node.Path()] = e })
		}
	}
	if node := e.Node.Tree().ByPhandle(phandle); node != nil {
		if other := b.described[node.Path()]; other != nil && other.Image.Name != e.Image.Name {
			return other, nil
		}
	}
	return nil, err
}
