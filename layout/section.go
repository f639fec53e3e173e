// SPDX-License-Identifier: GPL-2.0-or-later

package layout

import (
	"cmp"
	"slices"
	"sync"

	"binman/content"
)

// Section is a container that the engine fills: its entries stand where their
// offsets say. Entry types that hold others in the same way embed it.
type Section struct {
	PadByte      int64  `dt:"pad-byte" doc:"Value of the bytes between entries and of padding"`
	SortByOffset bool   `dt:"sort-by-offset" doc:"Place the entries in the order of their offsets, not as described"`
	EndAt4GB     bool   `dt:"end-at-4gb" doc:"The section ends at 4 GiB, as an x86 ROM does: offsets are addresses; needs size"`
	SkipAtStart  OptInt `dt:"skip-at-start" doc:"Offset of the first byte of the section"`
	NamePrefix   string `dt:"name-prefix" doc:"Prefix of the names of the entries in the map"`
	AlignDefault int64  `dt:"align-default" doc:"Alignment of entries that have none of their own"`
	Filename     string `dt:"filename" doc:"File to write the contents of the section to, in the output directory"`
	ReadOnly     bool   `dt:"read-only" doc:"The section is not written at run time; has no effect on the image"`

	Entries []*Entry `doc:"what it holds, in order"`

	start int64                    // offset of the first byte
	index func() map[string]*Entry // by node name, made when it is first asked for
}

// Sect returns the section itself, which makes types that embed it containers.
func (s *Section) Sect() *Section { return s }

// Start returns the offset of the first byte of the section.
func (s *Section) Start() int64 { return s.start }

// set sets the entries that the section holds.
func (s *Section) set(list []*Entry) {
	s.Entries = list
	s.index = sync.OnceValue(func() map[string]*Entry {
		index := make(map[string]*Entry, len(list))
		for _, e := range slices.Backward(list) { // of two, the first wins
			index[e.Node.Name] = e
		}
		return index
	})
}

// child returns the entry at the node named name, or nil.
func (s *Section) child(name string) *Entry {
	if s.index == nil {
		return nil
	}
	return s.index()[name]
}

// readSection completes what was read of the section's own properties.
func (e *Entry) readSection(opened bool) error {
	s := e.Section
	if s.PadByte < 0 || s.PadByte > 0xff {
		return e.Errorf("pad-byte %#x does not fit in a byte", s.PadByte)
	}
	if !isPowerOfTwo(s.AlignDefault) {
		return e.Errorf("Alignment %d must be a power of two", s.AlignDefault)
	}
	s.start = s.SkipAtStart.Or(0)
	if !s.EndAt4GB || opened && s.SkipAtStart.Known {
		return nil
	}
	if e.WantSize.Or(0) == 0 {
		return e.Errorf("Section size must be provided when using end-at-4gb")
	}
	if s.SkipAtStart.Known {
		return e.Errorf("Provide either 'end-at-4gb' or 'skip-at-start'")
	}
	if e.WantSize.Value > 1<<32 {
		return e.Errorf("Section size %#x does not fit below 4GB", e.WantSize.Value)
	}
	s.start = 1<<32 - e.WantSize.Value
	return nil
}

// padByte returns the byte that fills the entry up to its size.
func (e *Entry) padByte() byte {
	if e.Section != nil {
		return byte(e.Section.PadByte)
	}
	return e.outerPadByte()
}

// outerPadByte returns the byte that what holds the entry pads it with.
func (e *Entry) outerPadByte() byte {
	if s := e.section(); s != nil {
		return byte(s.PadByte)
	}
	return e.ownPadByte()
}

func (e *Entry) ownPadByte() byte {
	if e.Section != nil {
		return byte(e.Section.PadByte)
	}
	return 0
}

// Padded returns data, the contents of the entry or a stand-in for them, with
// its padding before and after and filled up to its size.
func (e *Entry) Padded(data content.Data) content.Data {
	outer := e.outerPadByte()
	var out content.Builder
	out.Fill(outer, e.PadBefore)
	out.Add(data)
	out.Fill(outer, e.PadAfter)
	padTo(&out, e.Size.Or(0), e.padByte())
	return out.Data()
}

// Make places the parts as packing has decided. Before packing, entries
// without an offset follow each other and overlapping ones are left out.
func (s *Section) Make(ctx *Context, e *Entry, p Parts) (content.Data, []Place, error) {
	if p.Opened {
		if data, ok := s.splice(e, p); ok {
			return data, nil, nil
		}
	}
	var out content.Builder
	pad := byte(s.PadByte)
	for _, part := range p.List {
		child := part.Entry
		data := part.Data
		if child.Hole { // its size is that with padding
			data = content.Fill(pad, max(child.Size.Or(0)-child.PadBefore-child.PadAfter, 0))
		}
		at := child.Offset.Or(0) - s.start
		if child.Overlap {
			if !p.Packed {
				continue
			}
			if child.Size.Value == 0 {
				padTo(&out, at, pad) // what is empty lies over nothing
				continue
			}
			if child.leftOut() {
				continue
			}
			if err := s.overlay(child, at, &out, data); err != nil {
				return content.Data{}, nil, err
			}
			continue
		}
		padTo(&out, at, pad)
		if part.Slot != nil {
			out.Add(*part.Slot)
		} else {
			out.Add(child.Padded(data))
		}
		if out.Len() > maxSize {
			return content.Data{}, nil, e.tooLarge(out.Len())
		}
	}
	return out.Data(), nil, nil
}

// splice puts what has changed into the section of an opened image, so that
// the bytes between entries stay. It works as long as nothing has moved.
func (s *Section) splice(e *Entry, p Parts) (content.Data, bool) {
	if e.Size.Known && e.Size != e.opened.size && !e.Compressed() {
		return content.Data{}, false
	}
	for _, part := range p.List {
		if part.Entry.moved() {
			return content.Data{}, false
		}
	}
	data := p.Old
	covered := false // what comes later lies over what has changed
	for _, part := range p.List {
		child := part.Entry
		if !part.Changed && !(covered && child.Overlap && !child.Hole) {
			continue
		}
		covered = true
		padded := child.Padded(part.Data)
		at := child.Offset.Value - s.start
		if padded.Len() != child.Size.Value || at < 0 || at > data.Len()-padded.Len() {
			return content.Data{}, false // it has outgrown its place
		}
		if part.Data.Len() == padded.Len()-child.PadBefore-child.PadAfter {
			at, padded = at+child.PadBefore, part.Data // its padding stays
		}
		data = data.Replace(at, padded)
	}
	return data, true
}

// padTo fills out up to size bytes, unless it has more already: contents that
// have outgrown their entry are packed again later.
func padTo(out *content.Builder, size int64, pad byte) {
	if size > out.Len() {
		out.PadTo(size, pad)
	}
}

// overlay puts the contents of an overlapping entry over what is there.
func (s *Section) overlay(child *Entry, at int64, out *content.Builder, data content.Data) error {
	end := at + child.Size.Value
	if at < 0 || end > out.Len() {
		off := child.Offset.Value
		return child.Errorf("Offset %#x (%d) ending at %#x (%d) must overlap with existing entries",
			off, off, off+child.Size.Value, off+child.Size.Value)
	}
	if child.Hole {
		return nil
	}
	whole := out.Data().Replace(at, child.Padded(data))
	*out = content.Builder{}
	out.Add(whole)
	return nil
}

// Open finds the entries where their offsets say.
func (s *Section) Open(ctx *Context, e *Entry, data content.Data) ([]Item, error) {
	items := make([]Item, len(s.Entries))
	for i, child := range s.Entries {
		items[i] = s.slot(e, child, data)
	}
	return items, nil
}

// slot returns the part of the section's contents that is the entry's.
func (s *Section) slot(e, child *Entry, data content.Data) Item {
	if !child.Offset.Known || !child.Size.Known {
		return Item{Err: child.Errorf("the FDT map does not say where this entry is: was the image built without --update-fdt?")}
	}
	off, size := child.Offset.Value-s.start, child.Size.Value
	if off < 0 || size < 0 || size > data.Len() || off > data.Len()-size {
		return Item{Err: child.Errorf("Offset %#x (%d) size %#x (%d) is outside the section '%s', which has %#x (%d) bytes from offset %#x",
			child.Offset.Value, child.Offset.Value, size, size, e.Path(), data.Len(), data.Len(), s.start)}
	}
	place := Place{Offset: child.Offset.Value, Size: size, Known: true}
	return Item{Place: place, Data: data.Slice(off, size), Padded: true}
}

// packEntries places the entries of a section, one after the other unless they
// have an offset.
func (b *Build) packEntries(e *Entry) error {
	s := e.Section
	offset := s.start
	for _, child := range s.Entries {
		var err error
		if offset, err = b.pack(child, offset); err != nil {
			return err
		}
	}
	if s.SortByOffset {
		sortByOffset(s.Entries)
	}
	return b.extendEntries(e)
}

func sortByOffset(list []*Entry) {
	slices.SortStableFunc(list, func(a, b *Entry) int { return cmp.Compare(a.Offset.Value, b.Offset.Value) })
}

// extendEntries grows the entries with extend-size up to the next entry or to
// the end of the section.
func (b *Build) extendEntries(e *Entry) error {
	s := e.Section
	for i, child := range s.Entries {
		if !child.ExtendSize {
			continue
		}
		limit := s.start + e.Size.Or(0)
		if i+1 < len(s.Entries) {
			limit = s.Entries[i+1].Offset.Value
		} else if e.Size.Or(0) == 0 {
			return child.Errorf("extend-size needs a later entry or a section with a size to extend to")
		}
		if child.Offset.Value+child.Size.Value >= limit {
			continue
		}
		child.Size = Some(limit - child.Offset.Value)
		child.extended = true
		data, err := b.extend(child)
		if err != nil {
			return err
		}
		child.SetContents(data)
	}
	return nil
}

// extend returns the contents of an entry for a size that was extended.
func (b *Build) extend(e *Entry) (content.Data, error) {
	if e.Section != nil {
		return b.make(e) // a format may fill its size
	}
	if x, ok := e.Type.(Extender); ok && (e.opened == nil || !e.opened.given) {
		data, err := x.Extend(b.ctx(), e)
		return data, b.about(e, err)
	}
	return e.Data, nil
}

// sizeSection works out the size of a container from its contents.
func (e *Entry) sizeSection() error {
	n := e.Data.Len()
	if e.Size.Or(0) != 0 {
		if n > e.Size.Value {
			return e.overfull(n, false)
		}
	} else {
		size := max(e.PadBefore+n+e.PadAfter, e.MinSize)
		e.Size = Some(alignUp(size, e.AlignSize.Or(0)))
	}
	if e.Size.Value != alignUp(e.Size.Value, e.AlignSize.Or(0)) {
		return e.sizeMisfit(e.sectionErrorf)
	}
	return nil
}

// checkEntries checks that the entries of a section neither overlap nor
// reach out of it.
func (b *Build) checkEntries(e *Entry) error {
	s := e.Section
	size := e.Size.Value
	if e.UncompSize.Known {
		size = e.UncompSize.Value
	}
	var end int64
	var prev *Entry // known as soon as end is more than 0
	for _, child := range s.Entries {
		off, n := child.Offset.Value, child.Size.Value
		if child.Overlap && child.leftOut() {
			continue
		}
		if off < s.start || off+n > s.start+size {
			return child.outside(n, size, false)
		}
		if child.Overlap {
			continue
		}
		if off < end && n != 0 {
			return child.overlaps(prev, end, false)
		}
		end = off + n
		prev = child
	}
	return nil
}

// dropAbsent leaves out the entries that are optional and turned out to be
// absent.
func (e *Entry) dropAbsent() {
	if e.Section == nil {
		return
	}
	s := e.Section
	s.set(slices.DeleteFunc(s.Entries, (*Entry).leftOut))
	for _, child := range s.Entries {
		child.dropAbsent()
	}
}
