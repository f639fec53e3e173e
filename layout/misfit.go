// SPDX-License-Identifier: GPL-2.0-or-later

package layout

import "binman/describe"

// This file makes the errors about entries that do not fit where they should
// go, for packing and for what can be told before: sizes that are only known to
// be at least so large have "or more" behind them.

// orMore is for sizes of which only the least is known.
func orMore(least bool) string {
	if least {
		return " or more"
	}
	return ""
}

// contentsMisfit: contents of need bytes, with their padding, in an entry that
// has fewer.
func (e *Entry) contentsMisfit(need int64, least bool) error {
	size := e.Size.Value
	err := e.PropErrorf("size", "Entry contents size is %#x (%d)%s but entry size is %#x (%d)", need, need, orMore(least), size, size)
	return describe.Advise(err, "the contents are %#x (%d) bytes%s too large for it", need-size, need-size, orMore(least))
}

// sizeMisfit: a size that contradicts the alignment of sizes. Makes is Errorf or
// sectionErrorf.
func (e *Entry) sizeMisfit(makes func(string, ...any) error) error {
	size, align := e.Size.Value, e.AlignSize.Value
	err := describe.At(makes("Size %#x (%d) does not match align-size %#x (%d)", size, size, align, align), e.Node, "size")
	return describe.Advise(err, "the next size that does is %#x", alignUp(size, align))
}

// offsetMisfit: an offset that contradicts the alignment.
func (e *Entry) offsetMisfit() error {
	off, align := e.Offset.Value, e.Align.Value
	err := e.PropErrorf("offset", "Offset %#x (%d) does not match align %#x (%d)", off, off, align, align)
	return describe.Advise(err, "the next offset that does is %#x", alignUp(off, align))
}

// outside: an entry of n bytes that reaches out of its section, which has size
// bytes.
func (e *Entry) outside(n, size int64, least bool) error {
	s, off := e.Parent.Section, e.Offset.Value
	prop := "offset"
	if off >= s.start && off < s.start+size && e.Node.Has("size") {
		prop = "size"
	}
	err := e.PropErrorf(prop, "Offset %#x (%d) size %#x (%d)%s is outside the section '%s' starting at %#x (%d) of size %#x (%d)",
		off, off, n, n, orMore(least), e.Parent.Path(), s.start, s.start, size, size)
	over := off + n - s.start - size
	switch {
	case off < s.start && s.EndAt4GB:
		describe.Advise(err, "with end-at-4gb, offsets are addresses: the section has those from %#x to %#x", s.start, s.start+size-1)
	case off < s.start:
		describe.Advise(err, "offsets in the section start at %#x, as its skip-at-start says", s.start)
	default:
		describe.Advise(err, "it ends %#x (%d) bytes%s beyond the end of the section", over, over, orMore(least))
	}
	return err
}

// overlaps: an entry that starts before the one before it ends.
func (e *Entry) overlaps(prev *Entry, end int64, least bool) error {
	off := e.Offset.Value
	err := e.PropErrorf("offset", "Offset %#x (%d) overlaps with previous entry '%s' ending at %#x (%d)%s", off, off, prev.Path(), end, end, orMore(least))
	if n := e.Size.Or(0); prev.Offset.Known && off+n <= prev.Offset.Value {
		return describe.Advise(err, "it lies before that entry: entries have to be in the order of their offsets, unless the section has the property sort-by-offset")
	}
	return describe.Advise(err, "move it to %#x or beyond, or make the entry before it smaller (only an entry with the property overlap may lie over others)", end)
}

// overfull: contents of n bytes in a section that has fewer.
func (e *Entry) overfull(n int64, least bool) error {
	size := e.Size.Value
	err := describe.At(e.sectionErrorf("contents size %#x (%d)%s exceeds section size %#x (%d)", n, n, orMore(least), size, size), e.Node, "size")
	over := n - size
	if e.Compressed() || e.placing() != InSection {
		return describe.Advise(err, "it needs %#x (%d) bytes%s in addition", over, over, orMore(least))
	}
	for _, child := range e.Section.Entries {
		end := child.Offset.Or(0) + child.Size.Or(0) - e.Section.start
		if end > size && !child.Overlap {
			return describe.Advise(err, "the first entry that does not fit is '%s': it ends %#x (%d) bytes%s beyond the end", child.Path(), end-size, end-size, orMore(least))
		}
	}
	return err
}
