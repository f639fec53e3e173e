// SPDX-License-Identifier: GPL-2.0-or-later

package layout

import "binman/content"

// This file lets the engine treat every container alike: as a Make and an
// Open, around which it packs, positions, loads and replaces.

// parts returns what the container is made of.
func (b *Build) parts(e *Entry) Parts {
	p := Parts{Packed: b.packing, List: make([]Part, 0, len(e.Section.Entries))}
	for _, child := range e.Section.Entries {
		part := Part{Entry: child, Data: child.Data}
		if b.pass.number > 1 {
			part.MinSize = child.formatSize
		}
		if o := child.opened; o != nil {
			part.Changed = child.dirty()
			part.Packed = o.packed
			if !part.Changed && o.item.Padded && o.item.Data.Len() == child.Size.Or(-1) {
				part.Slot = &o.item.Data
			}
		}
		p.List = append(p.List, part)
	}
	if e.opened != nil {
		p.Old, p.Opened = e.opened.inner, true
	}
	return p
}

// make makes the contents of a container of those of its entries, compressed
// if it asks for that.
func (b *Build) make(e *Entry) (content.Data, error) {
	if e.frozen() {
		return e.Data, nil
	}
	data, places, err := e.Type.(Container).Make(b.ctx(), e, b.parts(e))
	if err != nil {
		return content.Data{}, b.about(e, err)
	}
	if data.Len() > maxSize {
		return content.Data{}, e.tooLarge(data.Len())
	}
	b.place(e, places)
	packed, err := b.compress(e, data)
	if err != nil {
		return content.Data{}, err
	}
	return b.calm(e, packed), nil
}

// calm fills compressed contents up, so that their size settles. They may hold
// a device tree that tells that size, so that the two could go on changing each
// other: after some passes they do not shrink any more, and grow in steps.
func (b *Build) calm(e *Entry, packed content.Data) content.Data {
	const passes, step = 2, 64
	n := packed.Len()
	if !e.Compressed() || b.pass.number <= passes || n == e.ContentsSize {
		return packed
	}
	return content.Join(packed, content.Fill(0, max(e.ContentsSize, alignUp(n, step))-n))
}

// place notes where a format has put its parts, and asks for another pass if
// that has changed. Once the image is packed the positions are written, and
// stay even if entries are left out.
func (b *Build) place(e *Entry, places []Place) {
	if places == nil || !b.packing || b.placed {
		return
	}
	for i, child := range e.Section.Entries {
		p := places[i]
		child.nowhere = !p.Known
		if !p.Known {
			continue
		}
		if p.Uncomp.Known {
			child.UncompSize = p.Uncomp
		}
		child.formatSize = p.Size
		if offset, size := Some(p.Offset), Some(p.Size); child.Offset != offset || child.Size != size {
			child.Offset, child.Size = offset, size
			b.pass.moved = append(b.pass.moved, child)
		}
	}
}

// packHeld packs what a container holds, and what else goes into an entry.
func (b *Build) packHeld(e *Entry) error {
	for _, s := range e.Sources {
		if err := b.packAlone(s); err != nil {
			return err
		}
	}
	switch {
	case e.Section == nil:
		return nil
	case e.placing() == InSection, e.placing() == InFormat && b.opened == nil:
		return b.packEntries(e)
	}
	for _, child := range e.Section.Entries {
		if err := b.packAlone(child); err != nil {
			return err
		}
	}
	return nil
}

// packAlone packs an entry that something else than packing places: only
// what it holds needs to be packed.
func (b *Build) packAlone(e *Entry) error {
	if e.Section == nil && len(e.Sources) == 0 || e.frozen() {
		return nil
	}
	if e.placing() != InSection || !e.Compressed() {
		e.UncompSize = OptInt{} // of a file in the container, not for packing
	}
	if b.opened == nil {
		_, err := b.pack(e, 0)
		return err
	}
	// Its place in the container says nothing of its own.
	place := e.Offset
	e.Offset, e.Size = Some(0), e.ownSize()
	_, err := b.pack(e, 0)
	e.Offset = place
	return err
}

// ownSize returns the size that packing must keep to of an entry of an opened
// image that a format has placed.
func (e *Entry) ownSize() OptInt {
	if list := e.Entries(); !e.OrigSize.Known && len(list) > 0 && list[len(list)-1].ExtendSize {
		return Some(e.opened.inner.Len()) // up to which the last one was extended
	}
	return e.OrigSize
}

func (e *Entry) placing() Placing {
	if e.Info == nil {
		return InSection
	}
	return e.Info.Placing
}
