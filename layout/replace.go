// SPDX-License-Identifier: GPL-2.0-or-later

package layout

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"binman/content"
	"binman/describe"
)

// Replacement is new contents for an entry.
type Replacement struct {
	Entry      *Entry
	Data       content.Data
	Compressed bool // the data is compressed already, as the entry asks for
}

// Replace puts new contents into entries and returns the whole new file; the
// old one is not touched. With resize, entries may change their sizes and
// others move, if the image allows that. What it returns has been opened again
// and compared with what was to be.
func (o *Opened) Replace(list []Replacement, resize bool) (content.Data, error) {
	if err := checkApart(list); err != nil {
		return content.Data{}, err
	}
	b := o.b
	b.repack = o.AllowRepack && resize
	b.UpdateFDT = true
	b.packing = true
	o.Entry.opened.bound = o.rest() > 0
	if err := o.load(o.Entry); err != nil {
		return content.Data{}, err
	}
	o.loadTrees()
	for _, r := range list {
		if err := o.replace(r, resize); err != nil {
			return content.Data{}, err
		}
	}
	if !o.Entry.dirty() {
		return o.File, nil
	}
	if err := o.remake(); err != nil {
		if n := o.rest(); n > 0 {
			err = fmt.Errorf("%w (the image is followed by %#x further bytes in its file, so that it cannot grow)", err, n)
		}
		return content.Data{}, err
	}
	file := o.newFile()
	if err := o.checkGrowth(file.Len(), list); err != nil {
		return content.Data{}, err
	}
	return file, o.verify(file)
}

// freeGrowth is how many bytes an image may grow beyond its new contents: for what is
// aligned, and for the map.
const freeGrowth = 1 << 20

// checkGrowth checks that a map does not make a file much larger than what is new in it,
// as it could with an alignment of gigabytes.
func (o *Opened) checkGrowth(size int64, list []Replacement) error {
	most := o.File.Len() + freeGrowth + o.Grow
	for _, r := range list {
		most += r.Data.Len()
	}
	if size <= most {
		return nil
	}
	err := o.Entry.Errorf("the image would grow from %#x to %#x bytes, for what its map says of sizes and alignments", o.File.Len(), size)
	return describe.Advise(err, "if that is meant, allow it with --grow %#x", size-most+o.Grow)
}

// Resign asks for signatures in an entry to be made anew by the next Replace, though
// what they are about has not changed.
func (o *Opened) Resign(e *Entry) error {
	if err := o.load(o.Entry); err != nil {
		return err
	}
	e.opened.resign = true
	for p := e; p != nil; p = p.Parent {
		p.opened.touched = true
	}
	return nil
}

// ToBeSigned says whether signatures in the entry of an opened image are to be made
// anew, though what they are about has not changed.
func (e *Entry) ToBeSigned() bool { return e.opened != nil && e.opened.resign }

// remake packs the image again and makes anew what has to follow.
func (o *Opened) remake() error {
	b := o.b
	var err error
	if b.graph, err = b.newGraph(o.Entry); err != nil {
		return err
	}
	if b.repack {
		o.Entry.resetForPack()
	}
	if err := b.applyOffsets(o.Entry); err != nil {
		return err
	}
	if err := b.packUntilStable(o.Image); err != nil {
		return err
	}
	b.placed = true
	return b.rebuild(o.Entry)
}

// rest returns how many bytes follow the image in its file.
func (o *Opened) rest() int64 {
	return max(o.File.Len()-o.Base-o.Entry.opened.size.Or(o.Data.Len()), 0)
}

// newFile returns the file with the new image in it. What is around the image
// stays where it is.
func (o *Opened) newFile() content.Data {
	rest := o.rest()
	return content.Join(o.File.Slice(0, o.Base), o.Whole(), o.File.Slice(o.File.Len()-rest, rest))
}

// replace notes new contents for one entry.
func (o *Opened) replace(r Replacement, resize bool) error {
	e := r.Entry
	if e.Parent == nil {
		return e.Errorf("the whole image cannot be replaced as an entry: copy the file instead")
	}
	if !e.opened.loaded {
		return e.Errorf("it cannot be read in the image, so it cannot be replaced: replace what holds it as a whole")
	}
	if same, err := o.unchanged(r); same || err != nil {
		return err
	}
	if e.Info.Generated {
		return e.Errorf("it is made of the rest of the image, so it cannot be replaced")
	}
	data, err := o.newContents(r)
	if err != nil {
		return err
	}
	if e.Section != nil {
		o.relocate(e, data)
	} else if len(held(e)) > 0 {
		o.b.Log.Printf(Warning, "Node '%s': what it holds leaves the map, since the type '%s' is not known here", e.Path(), e.TypeName)
		for _, sub := range slices.Clone(e.Node.Subnodes) {
			if !IsSpecialNode(sub) {
				o.b.deleteNode(sub)
			}
		}
	}
	if data, err = o.fit(e, data, resize); err != nil {
		return err
	}
	e.SetContents(data)
	e.opened.given, e.Hole = true, false
	e.markChanged()
	if e.Info.Tree != "" {
		o.b.trees.dropTree(e)
		o.addTree(e, data)
	}
	return nil
}

// fit returns new contents as large as the entry must be: those that are
// smaller than the old ones are filled up.
func (o *Opened) fit(e *Entry, data content.Data, resize bool) (content.Data, error) {
	own := e.Parent.placing() != InSection
	held, err := e.converted(data)
	if err != nil {
		return content.Data{}, err
	}
	converts := held.Len() != data.Len()
	switch n, have := held.Len(), e.ContentsSize; {
	case own && resize: // the container decides what fits
	case own && (n > have || n < have && converts):
		return content.Data{}, e.Errorf("Entry data size does not match, but resize is disabled")
	case n > have && !o.b.repack:
		return content.Data{}, e.noRepack()
	case n < have:
		data = content.Join(data, content.Fill(0, have-n))
	}
	return data, nil
}

// converted returns what the container of an entry holds for data, without
// compression.
func (e *Entry) converted(data content.Data) (content.Data, error) {
	c, ok := e.Parent.Type.(Converter)
	if !ok || !e.As.Converted {
		return data, nil
	}
	held, err := c.Loaded(e, data)
	if err != nil {
		return content.Data{}, e.Errorf("%w", err)
	}
	return held, nil
}

// unchanged says whether the entry has the new contents already: as they are
// extracted, or without what fills the entry up behind them.
func (o *Opened) unchanged(r Replacement) (bool, error) {
	e := r.Entry
	have := e.opened.contents
	if !r.Compressed && e.Processed() {
		var err error
		if have, err = o.Contents(e); err != nil {
			return false, nil // it becomes something that can be read
		}
		return content.Equal(have, r.Data)
	}
	if r.Compressed && e.As.Compress != "" {
		have = e.opened.item.Data
	}
	if same, err := content.Equal(e.opened.item.Data, r.Data); same || err != nil {
		return same, err
	}
	n := r.Data.Len()
	if n > have.Len() {
		return false, nil
	}
	if same, err := content.Equal(have.Slice(0, n), r.Data); !same || err != nil {
		return false, err
	}
	if r.Compressed && e.Processed() {
		_, err := e.unwrap(r.Data) // what can be read ends where it says
		return err == nil, nil
	}
	if !e.opened.item.Padded {
		return false, nil // nothing fills it up in its container
	}
	return have.Slice(n, have.Len()-n).TrimRight(e.padByte()).Len() == 0, nil
}

// newContents returns what to put into the image for new data of an entry:
// without padding, compressed and wrapped as the entry asks for.
func (o *Opened) newContents(r Replacement) (content.Data, error) {
	e, data := r.Entry, o.withoutPadding(r)
	ctx := o.b.ctx()
	compression := e.opened.item.Codec
	if e.wasLeftOut() {
		compression = e.As.Compress
	}
	switch {
	case !r.Compressed || !e.Processed():
		if w, ok := e.Type.(Wrapper); ok {
			return w.Wrap(ctx, e, data)
		}
		return o.b.compress(e, data)
	case e.As.Compress != "" && compression != "":
		plain, err := e.unpackOne(compression, data, e.room())
		if err != nil {
			return content.Data{}, e.Errorf("the new data is not compressed as its container does it: %w", err)
		}
		e.opened.packed = &data
		return plain, nil
	case e.Compressed():
		plain, err := e.unwrap(data)
		if err != nil {
			return content.Data{}, err
		}
		e.UncompSize = Some(plain.Len())
	}
	return data, nil
}

// withoutPadding takes the padding off data that was extracted with it: data
// of the size that the entry has with padding, and with the same padding.
func (o *Opened) withoutPadding(r Replacement) content.Data {
	e, it := r.Entry, r.Entry.opened.item
	if !it.Padded || e.PadBefore+e.PadAfter == 0 || r.Data.Len() != it.Data.Len() || e.Processed() {
		return r.Data
	}
	n := r.Data.Len()
	for _, pad := range []struct{ off, n int64 }{{0, e.PadBefore}, {n - e.PadAfter, e.PadAfter}} {
		same, err := content.Equal(r.Data.Slice(pad.off, pad.n), it.Data.Slice(pad.off, pad.n))
		if err != nil || !same {
			return r.Data
		}
	}
	return r.Data.Slice(e.PadBefore, n-e.PadBefore-e.PadAfter)
}

// relocate finds in a container that is given as a whole what the map says
// that it holds. What is not there any more leaves the map.
func (o *Opened) relocate(e *Entry, data content.Data) {
	e.opened.whole = true
	inner, err := e.unwrap(data)
	if err == nil && !e.Info.FindsParts && inner.Len() != e.opened.inner.Len() {
		err = errors.New("its entries may be anywhere in it")
	}
	var items []Item
	if err == nil {
		items, err = e.Type.(Container).Open(o.b.ctx(), e, inner)
	}
	if err == nil && e.placing() == InSection && inner.Len() != e.opened.inner.Len() && !e.covered(inner, items) {
		err = errors.New("its entries are not found in it")
	}
	var kept []*Entry
	for i, child := range e.Section.Entries {
		o.b.trees.forget(child)
		if err == nil && o.relocateChild(child, items[i]) {
			kept = append(kept, child)
			continue
		}
		o.b.Log.Printf(Warning, "Node '%s': it is not found in the new contents of '%s', so the map does not show it any more", child.Path(), e.Path())
		o.b.deleteNode(child.Node)
	}
	e.Section.set(kept)
}

// covered says whether entries reach to the end of what holds them, but for
// zeros.
func (e *Entry) covered(data content.Data, items []Item) bool {
	var end, held int64
	for _, it := range items {
		held += it.Data.Len()
		end = max(end, it.Offset-e.Section.start+it.Size)
	}
	n := data.TrimRight(0).Len()
	return end >= n || held >= n // a header before them does not count for offsets
}

// relocateChild notes where an entry is in new contents of its container. It
// returns false if it is not there.
func (o *Opened) relocateChild(child *Entry, it Item) bool {
	if it.Err != nil {
		return false
	}
	data, err := child.bare(it)
	if err != nil {
		return false
	}
	if _, err = child.unwrap(data); err != nil {
		return false
	}
	child.opened.item = it
	child.Offset, child.Size = Some(it.Offset), Some(it.Size)
	if it.Uncomp.Known {
		child.UncompSize = it.Uncomp
	}
	if same, err := content.Equal(data, child.opened.contents); err != nil || !same {
		child.opened.changed = true // so that its hash follows
	}
	child.SetContents(data)
	child.opened.contents = data
	if child.Section != nil {
		o.relocate(child, data)
	}
	return true
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

// noRepack says why an entry of an image that is not packed again cannot change
// its size.
func (e *Entry) noRepack() error {
	if !e.Image.AllowRepack {
		return e.Errorf("Entry data size does not match, but allow-repack is not present for this image")
	}
	return e.Errorf("Entry data size does not match, but resize is disabled")
}

// remade says whether the contents of an entry of an opened image have to be
// made again.
func (b *Build) remade(e *Entry) bool {
	switch {
	case e.Section != nil:
		return !e.frozen()
	case !e.Info.Remade || !e.opened.loaded || e.gone() || e.opened.given && !e.Info.HoldsTree:
		return false
	case e.Info.Tree != "":
		dt := b.trees.find(e, e.Info.Tree)
		return dt != nil && dt.dirty
	}
	if e.ToBeSigned() {
		return true
	}
	needs := b.graph.needs[e]
	for _, part := range needs {
		if part.dirty() {
			return true
		}
	}
	_, depends := e.Type.(Depender)
	return !depends
}

// setRemade sets contents that were made again, if they differ from what the
// image has.
func (b *Build) setRemade(e *Entry, data content.Data) error {
	n := min(data.Len(), e.Data.Len())
	same, err := content.Equal(data.Slice(0, n), e.Data.Slice(0, n))
	if err != nil {
		return e.Errorf("%w", err)
	}
	if same && data.Len() <= e.Data.Len() {
		return nil // what follows is padding
	}
	e.markChanged()
	if e.Parent.placing() == InSection {
		return b.setUpdated(e, data)
	}
	if err := b.noteHashed(e, data); err != nil {
		return err
	}
	e.SetContents(data) // the container decides what fits
	return nil
}

// symbolsLost says that the ELF file of an entry of an opened image is not
// there, so that its symbols cannot be updated.
func (b *Build) symbolsLost(e *Entry, err error) bool {
	if b.opened == nil || !errors.Is(err, fs.ErrNotExist) {
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
