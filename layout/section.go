// SPDX-License-Identifier: GPL-2.0-or-later

package layout

import (
	"slices"
	"sort"

	"binman/content"
)

// Section is an entry that holds other entries. Entry types that hold others
// embed it.
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

	// Aside holds entries whose contents go into those of this one other
	// than by having a place in it. They are collected and updated, but not
	// packed, and neither maps nor device trees tell where they are. Their
	// owner makes them in ReadEntries and names them in Depends.
	Aside []*Entry

	start int64             // offset of the first byte
	index map[string]*Entry // by node name
}

// Sect returns the section itself, which makes types that embed it containers.
func (s *Section) Sect() *Section { return s }

// Start returns the offset of the first byte of the section.
func (s *Section) Start() int64 { return s.start }

// Contents returns the contents of the entries so far, placed where the
// description asks for it as far as that is known.
func (s *Section) Contents(b *Build, e *Entry) (content.Data, error) {
	return s.join(b, e, false)
}

// Build returns the contents of the packed entries, compressed if the section
// is.
func (s *Section) Build(b *Build, e *Entry) (content.Data, error) {
	data, err := s.join(b, e, true)
	if err != nil {
		return content.Data{}, err
	}
	return b.CompressData(e, data)
}

func (s *Section) child(name string) *Entry {
	if len(s.Entries) < 8 {
		for _, e := range s.Entries {
			if e.Node.Name == name {
				return e
			}
		}
		return nil
	}
	if len(s.index) != len(s.Entries) {
		s.index = make(map[string]*Entry, len(s.Entries))
		for _, e := range s.Entries {
			s.index[e.Node.Name] = e
		}
	}
	return s.index[name]
}

// readSection completes what was read of the section's own properties.
func (e *Entry) readSection(b *Build) error {
	s := e.Section
	if s.PadByte < 0 || s.PadByte > 0xff {
		return e.Errorf("pad-byte %#x does not fit in a byte", s.PadByte)
	}
	if !isPowerOfTwo(s.AlignDefault) {
		return e.Errorf("Alignment %d must be a power of two", s.AlignDefault)
	}
	s.start = s.SkipAtStart.Or(0)
	if !s.EndAt4GB || b.reading {
		return nil
	}
	if !e.WantSize.positive() {
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
	if e.Parent != nil {
		return byte(e.Parent.Section.PadByte)
	}
	return 0
}

// Padded returns data, the contents of the entry or a stand-in for them, with
// its padding before and after and filled up to its size.
func (e *Entry) Padded(data content.Data) content.Data {
	outer := e.padByte()
	if e.Parent != nil {
		outer = byte(e.Parent.Section.PadByte)
	}
	var out content.Builder
	out.Fill(outer, e.PadBefore)
	out.Add(data)
	out.Fill(outer, e.PadAfter)
	padTo(&out, e.Size.Or(0), e.padByte())
	return out.Data()
}

// join places the contents of the entries. Before packing, entries without an
// offset follow each other and overlapping ones are left out.
func (s *Section) join(b *Build, e *Entry, packed bool) (content.Data, error) {
	var out content.Builder
	pad := byte(s.PadByte)
	for _, child := range s.Entries {
		data := child.Data
		if child.Hole {
			data = content.Fill(pad, child.Size.Or(0))
		}
		at := child.Offset.Or(0) - s.start
		if child.Overlap {
			if !packed {
				continue
			}
			if err := s.overlay(child, at, &out, data); err != nil {
				return content.Data{}, err
			}
			continue
		}
		padTo(&out, at, pad)
		out.Add(child.Padded(data))
		if out.Len() > maxSize {
			return content.Data{}, e.tooLarge(out.Len())
		}
	}
	return out.Data(), nil
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

// PackSection packs the entries of a section, then the section itself. It takes
// and returns offsets as a Packer does.
func (b *Build) PackSection(e *Entry, next int64) (int64, error) {
	if e.loaded.replaced {
		return b.packReplaced(e, next)
	}
	arrange := b.PackEntries
	if a, ok := e.Type.(Arranger); ok {
		arrange = func(e *Entry) error { return a.PackEntries(b, e) }
	}
	if err := arrange(e); err != nil {
		return 0, err
	}
	data, err := b.build(e)
	if err != nil {
		return 0, err
	}
	if b.reading && !b.repack && e.Size.positive() && data.Len() > e.Size.Value {
		return 0, e.noRepack()
	}
	e.SetContents(data)
	if err := e.sizeSection(); err != nil {
		return 0, err
	}
	if next, err = e.PackLeaf(b, next); err != nil {
		return 0, err
	}
	return next, b.checkEntries(e)
}

// PackEntries packs the entries that a section holds, one after the other
// unless they have an offset.
func (b *Build) PackEntries(e *Entry) error {
	s := e.Section
	offset := s.start
	for _, child := range s.Entries {
		var err error
		if offset, err = b.Pack(child, offset); err != nil {
			return err
		}
	}
	if s.SortByOffset {
		sort.SliceStable(s.Entries, func(i, j int) bool {
			return s.Entries[i].Offset.Value < s.Entries[j].Offset.Value
		})
	}
	return b.extendEntries(e)
}

// build joins the contents of what a container holds.
func (b *Build) build(e *Entry) (content.Data, error) {
	if b.reading {
		if data, ok, err := b.rebuildLoaded(e); ok || err != nil {
			return data, err
		}
	}
	if builder, ok := e.Type.(Builder); ok {
		return builder.Build(b, e)
	}
	return e.Section.Build(b, e)
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
		} else if !e.Size.positive() {
			return child.Errorf("extend-size needs a later entry or a section with a size to extend to")
		}
		if child.Offset.Value+child.Size.Value >= limit {
			continue
		}
		child.Size = Some(limit - child.Offset.Value)
		child.extended = true
		if x, ok := child.Type.(Extender); ok {
			data, err := x.Extend(b, child)
			if err != nil {
				return err
			}
			child.SetContents(data)
		}
	}
	return nil
}

// sizeSection works out the size of a section from its contents.
func (e *Entry) sizeSection() error {
	n := e.Data.Len()
	if e.Size.positive() {
		if n > e.Size.Value {
			return e.sectionErrorf("contents size %#x (%d) exceeds section size %#x (%d)", n, n, e.Size.Value, e.Size.Value)
		}
	} else {
		size := max(e.PadBefore+n+e.PadAfter, e.MinSize)
		e.Size = Some(alignUp(size, e.AlignSize.Or(0)))
	}
	if e.Size.Value != alignUp(e.Size.Value, e.AlignSize.Or(0)) {
		return e.sectionErrorf("Size %#x (%d) does not match align-size %#x (%d)",
			e.Size.Value, e.Size.Value, e.AlignSize.Value, e.AlignSize.Value)
	}
	return nil
}

// checkEntries checks that the entries of a section neither overlap nor
// reach out of it.
func (b *Build) checkEntries(e *Entry) error {
	if c, ok := e.Type.(Checker); ok {
		return c.CheckEntries(b, e)
	}
	s := e.Section
	size := e.Size.Value
	if e.UncompSize.Known {
		size = e.UncompSize.Value
	}
	var end int64
	var prev *Entry // known as soon as end is more than 0
	for _, child := range s.Entries {
		off, n := child.Offset.Value, child.Size.Value
		if off < s.start || off+n > s.start+size {
			return child.Errorf("Offset %#x (%d) size %#x (%d) is outside the section '%s' starting at %#x (%d) of size %#x (%d)",
				off, off, n, n, e.Path(), s.start, s.start, size, size)
		}
		if child.Overlap {
			continue
		}
		if off < end && n != 0 {
			return child.Errorf("Offset %#x (%d) overlaps with previous entry '%s' ending at %#x (%d)", off, off, prev.Path(), end, end)
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
	s.Entries = slices.DeleteFunc(s.Entries, func(c *Entry) bool { return c.Absent && c.Optional })
	s.index = nil
	for _, child := range s.Entries {
		child.dropAbsent()
	}
}
