// SPDX-License-Identifier: GPL-2.0-or-later

package layout

import "binman/content"

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

	// Wrapper puts around contents what Unwrapper takes off, and compresses
	// them.
	Wrapper interface {
		Wrap(b *Build, e *Entry, data content.Data) (content.Data, error)
	}
)

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
		return e.noRepack()
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

// noRepack says why an entry of an image that is not packed again cannot change
// its size.
func (e *Entry) noRepack() error {
	if !e.Image.AllowRepack {
		return e.Errorf("Entry data size does not match, but allow-repack is not present for this image")
	}
	return e.Errorf("Entry data size does not match, but resize is disabled")
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
