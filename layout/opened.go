// SPDX-License-Identifier: GPL-2.0-or-later

package layout

import (
	"errors"
	"math"

	"binman/codec"
	"binman/content"
	"binman/fdt"
)

// openedEntry is what an opened image has of an entry.
type openedEntry struct {
	of           *Opened
	offset, size OptInt // where it was

	// Of a container: what it holds, once somebody has asked.
	isOpen  bool
	inner   content.Data // without padding, decompressed
	openErr error
	holds   int64 // bytes of it that had to be decompressed

	// Of what is in an open container.
	item Item

	// Of an entry of an image that is being changed.
	loaded   bool
	contents content.Data  // as they were, without padding
	packed   *content.Data // as its container would compress the new contents
	changed  bool          // the contents are not those of the image any more
	given    bool          // somebody has given them, or the entry does not have its own
	touched  bool          // something in it has changed
	resign   bool          // its signatures are to be made anew
	whole    bool          // a container that was given as a whole
	bound    bool          // an image that cannot change its size, since something follows it
	lost     bool          // a container that cannot be read: it stays as it is
}

// dirty says whether the contents of the entry, or of something in it, are not
// those of the opened image any more.
func (e *Entry) dirty() bool { return e.opened != nil && (e.opened.changed || e.opened.touched) }

// markChanged notes that the contents of an entry of an opened image have
// changed.
func (e *Entry) markChanged() {
	e.opened.changed = true
	for p := e.Parent; p != nil; p = p.Parent {
		p.opened.touched = true
	}
}

// frozen says whether a container of an opened image keeps its contents,
// whatever the map says that it holds: nothing in it has changed, or it is not
// known what it is made of.
func (e *Entry) frozen() bool {
	o := e.opened
	if o == nil || e.Section == nil {
		return false
	}
	return !e.dirty() || o.whole || o.lost || len(e.Section.Entries) == 0
}

// gone says whether the entry is in a container whose contents are not made
// of what it holds.
func (e *Entry) gone() bool {
	if e.opened == nil {
		return false
	}
	for p := e.Parent; p != nil; p = p.Parent {
		if p.opened.whole || p.opened.lost {
			return true
		}
	}
	return e.opened.lost
}

// moved says whether packing put the entry of an opened image elsewhere.
func (e *Entry) moved() bool {
	return e.Offset != e.opened.offset || e.Size != e.opened.size
}

// open finds what a container holds, once.
func (o *Opened) open(e *Entry) error {
	st := e.opened
	if st.isOpen {
		return st.openErr
	}
	o.makeRoom(e, e.opened.unpackedSize(e))
	st.isOpen = true
	st.inner, st.openErr = o.inner(e)
	if st.openErr == nil {
		st.openErr = o.hold(e)
	}
	if st.openErr != nil {
		return st.openErr
	}
	items, err := e.Type.(Container).Open(o.b.ctx(), e, st.inner)
	if err != nil {
		st.openErr = e.Errorf("%w", err)
		return st.openErr
	}
	for i, child := range e.Section.Entries {
		child.opened.item = items[i]
		if child.wasLeftOut() {
			child.opened.item = Item{}
		}
	}
	return nil
}

// wasLeftOut says whether the image was built without the entry: only its map
// has it, and nothing is what it holds.
func (e *Entry) wasLeftOut() bool { return e.Optional && e.opened.size == Some(0) }

// item returns what the container of an entry has of it.
func (o *Opened) item(e *Entry) (Item, error) {
	if err := o.open(e.Parent); err != nil {
		return Item{}, err
	}
	return e.opened.item, e.opened.item.Err
}

// inner returns what a container holds: without padding, decompressed.
func (o *Opened) inner(e *Entry) (content.Data, error) {
	if e.Parent == nil {
		return o.body()
	}
	it, err := o.item(e)
	if err != nil {
		return content.Data{}, err
	}
	data, err := e.bare(it)
	if err != nil {
		return content.Data{}, err
	}
	return e.unwrap(data)
}

// body returns the image without padding, and without what follows it.
func (o *Opened) body() (content.Data, error) {
	data := o.Data
	if size := o.Entry.opened.size; size.Or(0) != 0 && size.Value <= data.Len() {
		data = data.Slice(0, size.Value)
	}
	return o.Entry.unpad(data)
}

// bare returns the contents of an entry as they are in its container, without
// padding and without what the container does to them.
func (e *Entry) bare(it Item) (content.Data, error) {
	switch {
	case it.Padded:
		return e.unpad(it.Data)
	case it.Codec == "":
		return it.Data, nil
	}
	room := e.room()
	data, err := e.unpackOne(it.Codec, it.Data, min(it.Uncomp.Or(room), room))
	if errors.Is(err, codec.ErrTooLarge) && it.Uncomp.Or(room) >= room {
		return content.Data{}, e.tooMuch(err)
	}
	if err != nil {
		return content.Data{}, e.Errorf("%w", err)
	}
	return data, nil
}

// unwrap takes off what is around contents without padding: what the entry's
// type puts there, and the compression.
func (e *Entry) unwrap(data content.Data) (content.Data, error) {
	if u, ok := e.Type.(Unwrapper); ok {
		var err error
		if data, err = u.Unwrap(e, data); err != nil {
			return content.Data{}, err
		}
	}
	return e.decompress(data)
}

// unpad takes off the padding that the entry asks for.
func (e *Entry) unpad(stored content.Data) (content.Data, error) {
	n := stored.Len()
	if e.PadBefore < 0 || e.PadAfter < 0 || e.PadBefore > n || e.PadAfter > n-e.PadBefore {
		return content.Data{}, e.Errorf("padding of %#x and %#x bytes is more than its size %#x", e.PadBefore, e.PadAfter, n)
	}
	return stored.Slice(e.PadBefore, n-e.PadBefore-e.PadAfter), nil
}

// Stored returns the bytes of an entry as they are in the image, with padding.
func (o *Opened) Stored(e *Entry) (content.Data, error) {
	if e.Parent == nil {
		return o.Data, nil
	}
	it, err := o.item(e)
	return it.Data, err
}

// Place returns where an entry is in what holds it, as that says where it is a
// format of its own. It is unknown if it cannot be found.
func (o *Opened) Place(e *Entry) (Place, error) {
	if e.Parent == nil {
		return Place{Size: o.Data.Len(), Known: true}, nil
	}
	it, err := o.item(e)
	return it.Place, err
}

// Contents returns the contents of an entry: for a compressed one
// decompressed, otherwise as they are in the image, with padding.
func (o *Opened) Contents(e *Entry) (content.Data, error) {
	if e.Parent == nil {
		return o.Data, nil
	}
	it, err := o.item(e)
	if err != nil {
		return content.Data{}, err
	}
	if it.Padded && !e.Processed() || e.wasLeftOut() {
		return it.Data, nil
	}
	data, err := e.bare(it)
	if err != nil {
		return content.Data{}, err
	}
	return e.unwrap(data)
}

// Processed says whether the contents of an entry differ from what its image
// has of them: they are compressed, or something is around them.
func (e *Entry) Processed() bool {
	_, wrapped := e.Type.(Unwrapper)
	return wrapped || e.Compressed() || e.As.Compress != ""
}

// Plain says whether the bytes of a container are those of its entries and
// what lies between them.
func (e *Entry) Plain() bool {
	return e.Section != nil && !e.Processed() && e.placing() == InSection && !e.Info.Framed
}

// load makes the contents of everything in the image known.
func (o *Opened) load(e *Entry) error {
	data, err := o.body()
	if e.Parent != nil {
		var it Item
		if it, err = o.item(e); err == nil {
			data, err = e.bare(it)
		}
	}
	if err != nil && (e.Parent == nil || e.Parent.placing() == InSection) {
		return err
	}
	if err != nil {
		o.b.Log.Printf(Info, "%v: leaving it as it is", err)
		e.opened.lost = true
		return nil
	}
	e.opened.loaded, e.opened.contents = true, data
	if e.OrigSize.Known && e.Parent != nil && e.opened.item.Codec != "" {
		e.OrigSize = Some(data.Len()) // the map has the size that it is compressed to
	}
	e.Hole = e.Info.Hole && e.Overlap
	if e.opened.given, err = o.foreign(e, data); err != nil {
		return err
	}
	e.SetContents(e.shrunk(data, o.b.repack))
	if e.Section == nil {
		return nil
	}
	if err := o.open(e); err != nil {
		o.b.Log.Printf(Info, "%v: leaving it as it is", err)
		e.opened.lost = true
		return nil
	}
	e.order()
	for _, child := range e.Section.Entries {
		if err := o.load(child); err != nil {
			return err
		}
	}
	return nil
}

// order brings the entries of a section in the order in which they were packed:
// the map has those first that were generated.
func (e *Entry) order() {
	last := int64(math.MinInt64)
	for _, child := range e.Section.Entries {
		if child.Overlap {
			continue
		}
		if child.Offset.Value < last && e.placing() == InSection {
			sortByOffset(e.Section.Entries)
			return
		}
		last = child.Offset.Value
	}
}

// foreign says whether an entry that fills itself up to the size that it is
// extended to has other contents by now.
func (o *Opened) foreign(e *Entry, data content.Data) (bool, error) {
	x, ok := e.Type.(Extender)
	if !ok || !e.ExtendSize || !e.Size.Known {
		return false, nil
	}
	own, err := x.Extend(o.b.ctx(), e)
	if err != nil {
		return false, err
	}
	n := min(own.Len(), data.Len())
	same, err := content.Equal(own.Slice(0, n), data.Slice(0, n))
	return !same, err
}

// shrunk returns the contents of an entry without what extend-size has added
// to them, as far as that can be told.
func (e *Entry) shrunk(data content.Data, repack bool) content.Data {
	if !repack || !e.ExtendSize || e.Section != nil {
		return data // a format may fill its size
	}
	if e.OrigSize.Known {
		return data.Slice(0, min(data.Len(), max(e.OrigSize.Value-e.PadBefore-e.PadAfter, 0)))
	}
	least := data.TrimRight(e.padByte())
	if !e.Processed() {
		return least
	}
	// What was compressed may end in bytes that look like padding.
	const tail = 64
	whole, err := e.unwrap(data)
	for n := least.Len(); err == nil && n <= min(least.Len()+tail, data.Len()); n++ {
		plain, err := e.unwrap(data.Slice(0, n))
		if err != nil {
			continue
		}
		if same, err := content.Equal(plain, whole); err == nil && same {
			return data.Slice(0, n)
		}
	}
	return data
}

// loadTrees finds the device trees in the image that describe it, so that
// they can be kept up to date.
func (o *Opened) loadTrees() {
	o.Entry.Walk(func(e *Entry) {
		if e.Info.Tree != "" && e.opened.loaded {
			o.addTree(e, e.Data)
		}
	})
}

// addTree makes the device tree in stored bytes known, if it is one and
// describes the image.
func (o *Opened) addTree(e *Entry, stored content.Data) {
	tree, err := e.parseTree(stored)
	if err != nil {
		o.b.Log.Printf(Warning, "%v: leaving it as it is", err)
		return
	}
	binman := tree.Root.Child("binman")
	if binman == nil {
		return // nothing in it speaks of the image
	}
	dt := &deviceTree{etype: e.Info.Tree, tree: tree, blob: tree.Blob(), entry: e, prefix: "/binman"}
	if binman.Has("multiple-images") {
		image, _, _ := o.Entry.Node.Str("image-node")
		if binman.Child(image) == nil {
			return
		}
		dt.prefix += "/" + image
	}
	o.b.trees.list = append(o.b.trees.list, dt)
}

func (e *Entry) parseTree(stored content.Data) (*fdt.Tree, error) {
	data, err := e.unwrap(stored)
	if err != nil {
		return nil, err
	}
	blob, err := data.Bytes()
	if err != nil {
		return nil, e.Errorf("%w", err)
	}
	tree, err := fdt.Parse(blob)
	if err != nil {
		return nil, e.Errorf("%w", err)
	}
	return tree, nil
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
