// SPDX-License-Identifier: GPL-2.0-or-later

package layout

import (
	"encoding/binary"

	"binman/describe"
	"binman/describe/fields"
)

// maxSize bounds offsets, sizes and contents, in bytes.
const maxSize = fields.MaxSize

// OptInt is a number that may not be known.
type OptInt = fields.OptInt

// Some returns the known number v.
func Some(v int64) OptInt { return fields.Some(v) }

// pack places the entry and what it holds: next is the offset after the entry
// before it, the result the offset after this one.
func (b *Build) pack(e *Entry, next int64) (int64, error) {
	if !e.frozen() {
		if err := b.packHeld(e); err != nil {
			return 0, err
		}
	}
	if e.Section != nil {
		data, err := b.make(e)
		if err != nil {
			return 0, err
		}
		if b.opened != nil && !b.repack && e.Size.Or(0) != 0 && data.Len() > e.Size.Value {
			return 0, e.noRepack()
		}
		e.SetContents(data)
		if err := e.sizeSection(); err != nil {
			return 0, err
		}
	}
	if p, ok := e.Type.(Placer); ok {
		var err error
		if next, err = p.Next(b.ctx(), e, next); err != nil {
			return 0, b.about(e, err)
		}
	}
	next, err := e.packLeaf(b, next)
	if err != nil || e.Section == nil || e.placing() != InSection || e.frozen() {
		return next, err
	}
	return next, b.checkEntries(e)
}

// packLeaf works out the offset and the size of an entry whose contents are
// known: the common part of every placement.
func (e *Entry) packLeaf(b *Build, next int64) (int64, error) {
	if !e.Offset.Known {
		off, err := e.freeOffset(b, next)
		if err != nil {
			return 0, err
		}
		e.Offset = Some(off)
	}
	need := e.SizeFor(e.ContentsSize)
	size := need
	if e.Size.Or(0) != 0 {
		size = e.Size.Value
	}
	if e.Offset.Value > maxSize || e.Offset.Value < -maxSize || size > maxSize || need > maxSize {
		return 0, e.Errorf("Offset %#x and size %#x are larger than any image", e.Offset.Value, max(size, need))
	}
	end := e.Offset.Value + size
	if aligned := alignUp(end, e.AlignEnd.Or(0)); aligned != end {
		size = aligned - e.Offset.Value
		end = aligned
	}
	if e.Size.Or(0) == 0 {
		e.Size = Some(size)
	}
	if e.Size.Value < need {
		return 0, e.contentsMisfit(need, false)
	}
	// The offset or the size may be given and contradict the alignment.
	if e.Size.Value != alignUp(e.Size.Value, e.AlignSize.Or(0)) {
		return 0, e.sizeMisfit(e.Errorf)
	}
	if e.Offset.Value != alignUp(e.Offset.Value, e.Align.Or(0)) {
		return 0, e.offsetMisfit()
	}
	return end, nil
}

// SizeFor returns the size of the entry that contents of n bytes need.
func (e *Entry) SizeFor(n int64) int64 {
	return alignUp(max(e.PadBefore+n+e.PadAfter, e.MinSize), e.AlignSize.Or(0))
}

// freeOffset returns the offset of an entry that has none of its own.
func (e *Entry) freeOffset(b *Build, next int64) (int64, error) {
	switch {
	case e.OffsetUnset:
		return 0, e.Errorf("No offset set with offset-unset: should another entry provide this correct offset?")
	case len(e.OffsetFromELF) > 0:
		return e.offsetFromELF(b)
	}
	return alignUp(next, e.Align.Or(0)), nil
}

// resetForPack forgets what packing decided, to do it again. What an opened
// image has stays as it is where nothing in it changes.
func (e *Entry) resetForPack() {
	e.Offset = e.OrigOffset
	switch {
	case e.opened != nil && e.opened.bound:
	case e.opened != nil && e.Section != nil && e.ExtendSize: // a format may fill its size
	default:
		e.Size = e.OrigSize
	}
	e.resetHeld()
}

func (e *Entry) resetHeld() {
	if e.frozen() {
		return
	}
	for _, child := range e.Entries() {
		if child.opened != nil && e.placing() != InSection {
			child.resetHeld() // the format has placed it
			continue
		}
		child.resetForPack()
	}
}

// setImagePos works out the positions of everything in the image.
func (b *Build) setImagePos(root *Entry) {
	root.setImagePos(0)
	if b.opened == nil || b.opened.bias == 0 {
		return
	}
	for _, child := range root.Entries() {
		child.setImagePos(b.opened.bias) // as its map has it
	}
}

// setImagePos works out the position in the image of an entry in a section
// that starts at base. What a compressed container holds has no position.
func (e *Entry) setImagePos(base int64) {
	if e.nowhere {
		return
	}
	pos := base + e.Offset.Or(0)
	e.ImagePos = Some(pos)
	if e.Compressed() || e.As.Compress != "" {
		return
	}
	for _, child := range e.Entries() {
		child.setImagePos(pos)
	}
}

// applyOffsets lets entries that know where others go say so.
func (b *Build) applyOffsets(e *Entry) error {
	if e.frozen() {
		return nil
	}
	for _, child := range e.Entries() {
		if s, ok := child.Type.(OffsetSetter); ok {
			list, err := s.Offsets(b.ctx(), child)
			if err != nil {
				return b.about(child, err)
			}
			for _, os := range list {
				if err := e.setOffsetSize(os); err != nil {
					return err
				}
			}
		}
		if err := b.applyOffsets(child); err != nil {
			return err
		}
	}
	return nil
}

func (e *Entry) setOffsetSize(os OffsetSize) error {
	target := e.Child(os.Name)
	if target == nil {
		return e.sectionErrorf("Unable to set offset/size for unknown entry '%s'", os.Name)
	}
	if os.Offset.Known {
		target.Offset = Some(os.Offset.Value + e.Section.start)
	}
	if os.Size.Known {
		target.Size = os.Size
	}
	return nil
}

// elfPlace is an offset that a symbol of another entry's ELF file says, with an
// addend.
type elfPlace struct {
	src    *Entry
	symbol string
	addend int64
}

// elfOffset returns what the property offset-from-elf says.
func (e *Entry) elfOffset() (elfPlace, error) {
	const prop = "offset-from-elf"
	v := e.OffsetFromELF
	nul := -1
	if len(v) > 4 {
		for i, c := range v[4:] {
			if c == 0 {
				nul = 4 + i
				break
			}
		}
	}
	if nul < 0 || len(v) != nul+5 {
		return elfPlace{}, e.PropErrorf(prop, "Property 'offset-from-elf' must be <&entry>, \"symbol\", <offset>")
	}
	src, err := e.FindPhandle(binary.BigEndian.Uint32(v))
	if err != nil {
		return elfPlace{}, describe.At(err, e.Node, prop)
	}
	if src.ELF.File == "" {
		return elfPlace{}, describe.Advise(src.Errorf("Need elf-fname property '%s'", src.Node.Name), "'%s' takes its offset from a symbol of it", e.Path())
	}
	return elfPlace{src, string(v[4:nul]), int64(int32(binary.BigEndian.Uint32(v[nul+1:])))}, nil
}

// offsetFromELF returns the offset that offset-from-elf asks for.
func (e *Entry) offsetFromELF(b *Build) (int64, error) {
	p, err := e.elfOffset()
	if err != nil {
		return 0, err
	}
	val, err := b.symbolOffset(p.src, p.symbol)
	if err != nil {
		return 0, e.PropErrorf("offset-from-elf", "%w", err)
	}
	return val + p.addend, nil
}

// alignUp returns n rounded up to a multiple of align, a power of two; 0
// leaves n as it is.
func alignUp(n, align int64) int64 {
	if align == 0 {
		return n
	}
	return (n + align - 1) &^ (align - 1)
}

func isPowerOfTwo(n int64) bool { return n&(n-1) == 0 }
