// SPDX-License-Identifier: GPL-2.0-or-later

package layout

import (
	"errors"
	"io/fs"

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

// Optional interfaces of types, for changing images.
type (
	// Refresher makes the contents of an entry of an opened image anew, to
	// go with what has changed around it. The contents of other types stay
	// as they are.
	Refresher interface {
		Refresh(b *Build, e *Entry) (content.Data, error)
	}

	// ChildLoader is a container with a format of its own that can be made
	// again: it sets the contents of the entries it holds, and keeps what
	// it needs beside them. Its Build finds with Entry.Replaced which
	// contents are new. The entries may change their sizes as long as the
	// container keeps its own.
	ChildLoader interface {
		LoadChildren(b *Build, e *Entry, inner content.Data) error
	}

	// ChildUnpacker is a ChildLoader that compresses what the entries hold.
	// It is given contents that are compressed already, keeps them, and
	// returns them decompressed.
	ChildUnpacker interface {
		UnpackChild(b *Build, e, child *Entry, packed content.Data) (content.Data, error)
	}
)

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

// Replacement is new contents for an entry.
type Replacement struct {
	Entry      *Entry
	Data       content.Data
	Compressed bool // the data is compressed already, as the entry asks for
}

// Replace puts new contents into entries and returns the whole new image; the
// file is not touched. With resize, entries may change their sizes and others
// move, if the image allows that.
func (o *Opened) Replace(list []Replacement, resize bool) (content.Data, error) {
	if err := checkApart(list); err != nil {
		return content.Data{}, err
	}
	b := o.b
	b.repack = o.AllowRepack && resize
	b.UpdateFDT = true
	if err := o.load(o.Entry); err != nil {
		return content.Data{}, err
	}
	o.loadTrees()
	for _, r := range list {
		if err := o.replace(r, resize); err != nil {
			return content.Data{}, err
		}
	}
	if b.repack {
		o.Entry.resetForPack()
	}
	if err := b.applyOffsets(o.Entry); err != nil {
		return content.Data{}, err
	}
	if err := b.packUntilStable(o.Image); err != nil {
		return content.Data{}, err
	}
	if err := b.rebuild(o.Entry); err != nil {
		return content.Data{}, err
	}
	return o.newImage()
}

// newImage returns the whole image, with anything that follows it in the file.
func (o *Opened) newImage() (content.Data, error) {
	data := o.padded()
	size := o.Entry.loaded.size.Or(o.Data.Len())
	rest := o.Data.Len() - size
	if rest <= 0 {
		return data, nil
	}
	if data.Len() != size {
		return content.Data{}, o.Entry.Errorf("the image changed its size from %#x to %#x, but is followed by %#x further bytes in its file", size, data.Len(), rest)
	}
	return content.Join(data, o.Data.Slice(size, rest)), nil
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

// replace notes new contents for one entry.
func (o *Opened) replace(r Replacement, resize bool) error {
	e, b := r.Entry, o.b
	if e.Parent == nil {
		return e.Errorf("the whole image cannot be replaced as an entry: copy the file instead")
	}
	data := r.Data
	var err error
	if !r.Compressed {
		data, err = o.pack(e, data)
	} else if u, ok := e.Parent.Type.(ChildUnpacker); ok {
		data, err = u.UnpackChild(b, e.Parent, e, data)
	}
	if err != nil {
		return err
	}
	have := e.ContentsSize
	_, own := e.Parent.Type.(ChildLoader)
	switch n := data.Len(); {
	case own && resize: // the container decides what fits
	case own && n > have:
		return e.Errorf("Entry data size does not match, but resize is disabled")
	case n > have && !b.repack:
		return b.noRepackFor(e, resize)
	case n < have && !e.OrigSize.Known:
		// Otherwise the size was asked for, so that padding fills it.
		data = content.Join(data, content.Fill(0, have-n))
	}
	if h, ok := e.Type.(TreeHolder); ok {
		name, _, _ := o.Entry.Node.Str("image-node")
		etype, _ := h.Tree()
		b.trees.dropTree(e)
		o.addTree(e, etype, name, data)
	}
	e.SetContents(data)
	e.loaded.replaced = true
	return nil
}

// checkApart checks that no entry is replaced together with one that holds it:
// where it was in that is not known any more.
func checkApart(list []Replacement) error {
	whole := map[*Entry]bool{}
	for _, r := range list {
		whole[r.Entry] = true
	}
	for _, r := range list {
		for p := r.Entry.Parent; p != nil; p = p.Parent {
			if whole[p] {
				return r.Entry.Errorf("cannot be replaced together with '%s', which holds it", p.Path())
			}
		}
	}
	return nil
}

// pack compresses and wraps new contents as the entry asks for.
func (o *Opened) pack(e *Entry, data content.Data) (content.Data, error) {
	if w, ok := e.Type.(Wrapper); ok {
		return w.Wrap(o.b, e, data)
	}
	return o.b.CompressData(e, data)
}

// Wrapper puts around contents what Unwrapper takes off, and compresses them.
type Wrapper interface {
	Wrap(b *Build, e *Entry, data content.Data) (content.Data, error)
}

// noRepack says why an entry cannot change its size.
func (b *Build) noRepack(e *Entry) error { return b.noRepackFor(e, !e.Image.AllowRepack) }

func (b *Build) noRepackFor(e *Entry, resize bool) error {
	if !e.Image.AllowRepack {
		return e.Errorf("Entry data size does not match, but allow-repack is not present for this image")
	}
	if !resize {
		return e.Errorf("Entry data size does not match, but resize is disabled")
	}
	return e.Errorf("Entry data size does not match")
}

// packReplaced packs a section whose contents have been given anew as a whole.
func (b *Build) packReplaced(e *Entry, next int64) (int64, error) {
	if err := e.sizeSection(); err != nil {
		return 0, err
	}
	return e.PackLeaf(b, next)
}

// rebuildLoaded returns the contents of a container of an opened image where
// they need not be made anew: ok is false where they do. As long as nothing
// in it moves, the bytes around what has changed stay as they are.
func (b *Build) rebuildLoaded(e *Entry) (data content.Data, ok bool, err error) {
	if e.loaded.replaced || !e.Replaced() && !e.moved() {
		return e.Data, true, nil
	}
	if _, own := e.Type.(ChildLoader); own || e.Compressed() {
		return content.Data{}, false, nil
	}
	for _, child := range e.Section.Entries {
		if child.moved() {
			return content.Data{}, false, nil
		}
	}
	data = e.loaded.contents
	if e.Size != e.loaded.size {
		return content.Data{}, false, nil
	}
	for _, child := range e.Section.Entries {
		if child.Replaced() {
			padded := child.Padded(child.Data)
			if padded.Len() != child.Size.Value {
				return content.Data{}, false, nil // it has outgrown its place
			}
			data = data.Replace(child.Offset.Value-e.Section.start, padded)
		}
	}
	return data, true, nil
}

// refresh updates the contents of an entry of an opened image.
func (b *Build) refresh(e *Entry) error {
	if e.gone() {
		return nil
	}
	if e.Section != nil {
		if e.loaded.replaced {
			return nil
		}
		return b.updateSection(e)
	}
	r, ok := e.Type.(Refresher)
	if !ok || !e.loaded.ok {
		return nil
	}
	data, err := r.Refresh(b, e)
	if err != nil {
		return err
	}
	return b.setRefreshed(e, data)
}

// setRefreshed sets updated contents, if they differ from what the image has.
func (b *Build) setRefreshed(e *Entry, data content.Data) error {
	n := min(data.Len(), e.Data.Len())
	same, err := content.Equal(data.Slice(0, n), e.Data.Slice(0, n))
	if err != nil {
		return e.Errorf("%w", err)
	}
	if same && data.Len() <= e.Data.Len() {
		return nil // what follows is padding
	}
	if _, own := e.Parent.Type.(ChildLoader); own {
		e.SetContents(data) // the container decides what fits
	} else {
		b.setUpdated(e, data)
	}
	e.loaded.changed = true
	return nil
}

// LoadedContents returns the contents that the entry had when the image was
// opened.
func (e *Entry) LoadedContents() content.Data { return e.loaded.contents }

// symbolsLost says that the ELF file of an entry of an opened image is not
// there, so that its symbols cannot be updated.
func (b *Build) symbolsLost(e *Entry, err error) bool {
	if !b.reading || !errors.Is(err, fs.ErrNotExist) {
		return false
	}
	level := Info
	if b.anyMoved(e.Image.Entry) {
		level = Warning
	}
	b.Log.Printf(level, "Node '%s': its symbols are left as they are, since the ELF file '%s' is not here", e.Path(), e.ELF.File)
	return true
}

func (b *Build) anyMoved(root *Entry) bool {
	moved := false
	root.Walk(func(e *Entry) { moved = moved || e.moved() })
	return moved
}
