// SPDX-License-Identifier: GPL-2.0-or-later

package layout

import (
	"binman/content"
	"binman/fdt"
)

// loadedEntry is an entry as it was in an opened image.
type loadedEntry struct {
	ok       bool
	replaced bool // its contents have been given anew
	changed  bool // its contents have been updated
	lost     bool // a container that could not be read: it stays as it is
	offset   OptInt
	size     OptInt
	contents content.Data // without padding
}

// Replaced says whether the contents of an entry of an opened image have been
// replaced, or those of something in it.
func (e *Entry) Replaced() bool {
	if e.loaded.replaced || e.loaded.changed {
		return true
	}
	for _, child := range e.Entries() {
		if child.Replaced() || child.moved() {
			return true
		}
	}
	return false
}

// ReplacedWhole says whether the contents of a container of an opened image
// have been replaced, so that they are not made of what it held.
func (e *Entry) ReplacedWhole() bool { return e.loaded.replaced && e.Section != nil }

// gone says whether the entry was in a container that has been replaced, or
// is or was in one that could not be read.
func (e *Entry) gone() bool {
	for p := e.Parent; p != nil; p = p.Parent {
		if p.loaded.replaced || p.loaded.lost {
			return true
		}
	}
	return e.loaded.lost
}

// moved says whether packing put the entry of an opened image elsewhere.
func (e *Entry) moved() bool {
	return e.loaded.ok && (e.Offset != e.loaded.offset || e.Size != e.loaded.size)
}

// load makes the contents of everything in the image known.
func (o *Opened) load(e *Entry) error {
	if e.loaded.ok {
		return nil
	}
	stored, err := o.Stored(e)
	if err != nil {
		return err
	}
	data := stored
	if e.Parent != nil {
		if data, err = e.unpad(stored); err != nil {
			return err
		}
	} else if e.Size.Known && e.Size.Value <= stored.Len() {
		data = stored.Slice(0, e.Size.Value)
	}
	e.loaded = loadedEntry{ok: true, offset: e.Offset, size: e.Size, contents: data}
	e.SetContents(data)
	return o.loadEntries(e)
}

// loadEntries makes the contents of what a container holds known.
func (o *Opened) loadEntries(e *Entry) error {
	if e.Section == nil {
		return nil
	}
	if l, ok := e.Type.(ChildLoader); ok {
		inner, err := o.inner(e)
		if err != nil {
			return err
		}
		if err := l.LoadChildren(o.b, e, inner); err != nil {
			return err
		}
		for _, child := range e.Entries() {
			child.loaded = loadedEntry{ok: true, offset: child.Offset, size: child.Size, contents: child.Data}
			if _, err := o.inner(child); child.Section != nil && err != nil {
				o.b.Log.Printf(Info, "%v: leaving it as it is", err)
				child.loaded.lost = true
				continue
			}
			if err := o.loadEntries(child); err != nil {
				return err
			}
		}
		return nil
	}
	for _, child := range e.Entries() {
		if err := o.load(child); err != nil {
			return err
		}
	}
	return nil
}

// loadTrees finds the device trees in the image that describe it, so that
// they can be kept up to date.
func (o *Opened) loadTrees() {
	name, _, _ := o.Entry.Node.Str("image-node")
	o.Entry.Walk(func(e *Entry) {
		if h, ok := e.Type.(TreeHolder); ok {
			etype, _ := h.Tree()
			o.addTree(e, etype, name, e.Data)
		}
	})
}

// addTree makes the device tree in stored bytes known, if it is one and
// describes the image.
func (o *Opened) addTree(e *Entry, etype, imageNode string, stored content.Data) {
	b := o.b
	data := stored
	var err error
	if u, ok := e.Type.(Unwrapper); ok {
		if data, err = u.Unwrap(e, data); err != nil {
			b.Log.Printf(Warning, "%v: leaving it as it is", err)
			return
		}
	}
	if data, err = e.Decompress(data); err != nil {
		b.Log.Printf(Warning, "%v: leaving it as it is", err)
		return
	}
	blob, err := data.Bytes()
	if err != nil {
		b.Log.Printf(Warning, "Node '%s': %v: leaving it as it is", e.Path(), err)
		return
	}
	tree, err := fdt.Parse(blob)
	if err != nil {
		b.Log.Printf(Warning, "Node '%s': %v: leaving it as it is", e.Path(), err)
		return
	}
	binman := tree.Root.Child("binman")
	if binman == nil {
		return // nothing in it speaks of the image
	}
	dt := &deviceTree{etype: etype, tree: tree, blob: tree.Marshal(), entry: e, prefix: "/binman"}
	if binman.Has("multiple-images") {
		if binman.Child(imageNode) == nil {
			return
		}
		dt.prefix += "/" + imageNode
	}
	for i, old := range b.trees.list {
		if old.entry == e {
			b.trees.list[i] = dt
			return
		}
	}
	b.trees.list = append(b.trees.list, dt)
}

// dropTree forgets the device tree of an entry that holds something else now.
func (s *treeSet) dropTree(e *Entry) {
	for i, dt := range s.list {
		if dt.entry == e {
			s.list = append(s.list[:i:i], s.list[i+1:]...)
			return
		}
	}
}
