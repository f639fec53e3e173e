// SPDX-License-Identifier: GPL-2.0-or-later

package layout

import (
	"slices"

	"binman/describe"
)

// This file packs entries whose contents are not known, to find what cannot be
// packed whatever they are. Every size is the least that it can be. Since packing
// with larger contents moves no entry to a lower offset, what does not fit like
// this never will.

// bounds packs an image as far as that can be told, and reports what does not
// fit. It leaves the least offsets and sizes in the entries.
func (r *reader) bounds(root *Entry) {
	b := bounder{r: r, exact: map[*Entry]bool{}}
	b.place(root, mark{sure: true})
}

// bounder packs with the least sizes.
type bounder struct {
	r     *reader
	exact map[*Entry]bool // offset and size are what a build would have
}

// mark is an offset at which something can start or end at the earliest.
type mark struct {
	at   int64
	sure bool // a build has the same
}

func (b *bounder) report(err error) { b.r.report(Error, err) }

// place packs an entry behind next, with what it holds, and returns the mark
// behind it.
func (b *bounder) place(e *Entry, next mark) mark {
	e.Offset, e.Size = e.WantOffset, e.WantSize
	held := b.hold(e)
	if e.broken {
		return mark{at: next.at} // nothing is known of its size
	}
	if p, ok := e.Type.(Placer); ok {
		at, err := p.Next(b.r.b.ctx(), e, next.at)
		if err != nil && !e.Parent.lacks { // it may go by the order of entries
			b.report(b.r.b.about(e, err))
		}
		if err != nil {
			return mark{at: next.at}
		}
		next.at = at
	}
	fixed := e.Offset.Known
	switch {
	case fixed:
		next = mark{e.Offset.Value, true}
	case e.OffsetUnset, len(e.OffsetFromELF) > 0:
		return b.placeAnywhere(e, held)
	default:
		next.at = alignUp(next.at, e.Align.Or(0))
		e.Offset = Some(next.at)
	}
	size := b.size(e, held)
	if e.Offset.Value > maxSize || size.at > maxSize {
		b.report(e.Errorf("Offset %#x and size %#x are larger than any image", e.Offset.Value, size.at))
		e.Offset = OptInt{} // so that what follows is not blamed too
		return mark{}
	}
	if fixed && e.Offset.Value != alignUp(e.Offset.Value, e.Align.Or(0)) {
		b.report(e.offsetMisfit())
	}
	b.exact[e] = next.sure && size.sure
	end := alignUp(e.Offset.Value+size.at, e.AlignEnd.Or(0))
	if e.WantSize.Or(0) == 0 {
		e.Size = Some(end - e.Offset.Value)
	}
	b.checkHeld(e, held)
	return mark{end, next.sure && size.sure}
}

// placeAnywhere packs an entry whose offset something else will tell. What
// follows can be anywhere, too.
func (b *bounder) placeAnywhere(e *Entry, held mark) mark {
	if e.Parent == nil {
		return mark{} // it has no effect
	}
	if e.OffsetUnset && !b.hasSetter(e.Parent) {
		b.report(describe.Advise(describe.At(e.Errorf("No offset set with offset-unset: should another entry provide this correct offset?"), e.Node, "offset-unset"),
			"nothing in the section sets offsets, as intel-descriptor does"))
	}
	b.size(e, held)
	b.checkHeld(e, held)
	e.Offset = OptInt{}
	return mark{at: e.Parent.Section.start}
}

// hasSetter says whether something in the section tells where other entries go.
func (b *bounder) hasSetter(section *Entry) bool {
	return section != nil && slices.ContainsFunc(section.Entries(), func(e *Entry) bool {
		_, ok := e.Type.(OffsetSetter)
		return ok
	})
}

// size works out the size of an entry that holds as many bytes.
func (b *bounder) size(e *Entry, held mark) mark {
	need := mark{e.SizeFor(held.at), held.sure}
	want := e.WantSize
	if want.Or(0) == 0 {
		e.Size = Some(need.at)
		return need
	}
	switch {
	case want.Value != alignUp(want.Value, e.AlignSize.Or(0)):
		makes := e.Errorf
		if e.Section != nil {
			makes = e.sectionErrorf
		}
		b.report(e.sizeMisfit(makes))
	case e.Section != nil && held.at > want.Value:
		if !b.tellsWhich(e) {
			b.report(e.overfull(held.at, !held.sure))
		}
	case want.Value < need.at:
		b.report(e.contentsMisfit(need.at, !need.sure))
	}
	return mark{want.Value, true}
}

// tellsWhich says whether a section that holds too much has an entry whose own
// offset takes it outside, which is then what is reported.
func (b *bounder) tellsWhich(e *Entry) bool {
	return e.placing() == InSection && !e.Compressed() && slices.ContainsFunc(e.Entries(), func(child *Entry) bool {
		return b.isOutside(e, child) && child.WantOffset.Known
	})
}

// isOutside says whether an entry reaches out of its section, which has a size.
func (b *bounder) isOutside(section, child *Entry) bool {
	s := section.Section
	return child.Offset.Known && (child.Offset.Value < s.start ||
		section.WantSize.Or(0) != 0 && child.Offset.Value+child.Size.Or(0) > s.start+section.WantSize.Value)
}

// hold packs what the entry holds, and returns the size of its contents,
// without padding.
func (b *bounder) hold(e *Entry) mark {
	b.alone(e.Sources)
	var packed mark
	if e.Section != nil {
		packed = b.entries(e)
	}
	n := mark{}
	t, sized := e.Type.(Sizer)
	switch {
	case e.broken:
	case e.Compressed():
		n.at = 1
	case sized:
		n.at, n.sure = t.LeastSize(b.r.b.ctx(), e)
	case e.Section != nil && e.placing() == InSection && !e.Info.Framed:
		n = packed
	}
	e.ContentsSize = n.at
	return n
}

// alone packs entries that something else than packing places: only what they
// hold has a place.
func (b *bounder) alone(list []*Entry) {
	for _, e := range list {
		if e.Section != nil || len(e.Sources) > 0 {
			b.place(e, mark{sure: true})
		} else {
			b.hold(e)
		}
	}
}

// entries packs what a container holds, one after the other, and returns the
// size of that.
func (b *bounder) entries(e *Entry) mark {
	if e.placing() == Alone {
		b.alone(e.Entries())
		return mark{}
	}
	s := e.Section
	_, makes := e.Type.(Generator)
	next, end := mark{s.start, true}, mark{s.start, !makes && !e.lacks}
	for i, child := range s.Entries {
		before := end
		next = b.place(child, next)
		if child.Overlap {
			b.checkOverlay(child, before)
			continue
		}
		if child.Offset.Known && child.Offset.Value+child.Size.Or(0) > end.at {
			end.at = child.Offset.Value + child.Size.Or(0)
		}
		end.sure = end.sure && b.exact[child]
		if child.ExtendSize {
			end.sure = false
			if i == len(s.Entries)-1 && e.WantSize.Or(0) == 0 {
				b.report(describe.At(child.Errorf("extend-size needs a later entry or a section with a size to extend to"), child.Node, "extend-size"))
			}
		}
	}
	return mark{end.at - s.start, end.sure}
}

// checkOverlay finds an entry that is to lie over others where there are none.
func (b *bounder) checkOverlay(e *Entry, end mark) {
	if end.sure && e.Offset.Known && e.Size.Or(0) != 0 && e.Offset.Value+e.Size.Value > end.at && e.Parent.placing() == InSection {
		off, last := e.Offset.Value, e.Offset.Value+e.Size.Value
		b.report(describe.Advise(describe.At(e.Errorf("Offset %#x (%d) ending at %#x (%d) must overlap with existing entries", off, off, last, last), e.Node, "overlap"),
			"what it lies over has to stand before it, and ends at %#x", end.at))
	}
}

// checkHeld finds entries that lie outside of their section, or over each
// other.
func (b *bounder) checkHeld(e *Entry, held mark) {
	if e.Section == nil || e.placing() != InSection || b.hasSetter(e) {
		return
	}
	list := e.Section.Entries
	if e.Section.SortByOffset {
		list = slices.Clone(list)
		list = slices.DeleteFunc(list, func(c *Entry) bool { return !c.WantOffset.Known }) // the order of others is not known
		slices.SortStableFunc(list, func(a, b *Entry) int { return int(a.Offset.Value - b.Offset.Value) })
	}
	var prev *Entry
	for _, child := range list {
		if b.isOutside(e, child) && child.WantOffset.Known && !e.Compressed() {
			b.report(child.outside(child.Size.Or(0), e.WantSize.Or(held.at), !b.exact[child]))
			continue
		}
		if child.Overlap {
			continue
		}
		if child.broken || !child.Offset.Known {
			prev = nil
			continue
		}
		if prev != nil && child.Offset.Value < prev.Offset.Value+prev.Size.Value && child.Size.Or(0) != 0 {
			b.report(child.overlaps(prev, prev.Offset.Value+prev.Size.Value, !b.exact[prev]))
		}
		prev = child
	}
}
