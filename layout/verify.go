// SPDX-License-Identifier: GPL-2.0-or-later

package layout

import (
	"fmt"

	"binman/content"
)

// verify opens a changed file again, and compares what it has with what was to
// be: where entries are, the contents that were to stay, and the new ones.
// A difference is a fault of this program, which must not cost an image.
func (o *Opened) verify(file content.Data) error {
	fresh := &Build{Options: Options{Types: o.b.Types, Args: o.b.Args, Input: o.b.Input}}
	again, err := fresh.Open(file, o.Filename)
	if err == nil && again.Base != o.Base {
		err = fmt.Errorf("it starts at %#x of the file and not at %#x", again.Base, o.Base)
	}
	if err == nil {
		err = again.load(again.Entry)
	}
	if err == nil {
		err = o.compare(o.Entry, again.Entry)
	}
	if err != nil {
		return fmt.Errorf("the changed image would not be as it should, so the old one stays: %w", err)
	}
	return nil
}

// compare compares an entry that was packed with what a fresh look at the
// image shows of it.
func (o *Opened) compare(e, fresh *Entry) error {
	if differ(e.ImagePos, fresh.ImagePos) || differ(e.Offset, fresh.Offset) || differ(e.Size, fresh.Size) {
		return e.Errorf("the map says another position: %v", fresh.place())
	}
	if p := fresh.opened.item.Place; p.Known && !e.Parent.frozen() && (Some(p.Offset) != fresh.Offset || Some(p.Size) != fresh.Size) {
		return e.Errorf("it is at offset %#x with size %#x, but the map says %v", p.Offset, p.Size, fresh.place())
	}
	if e.opened.loaded && e.Parent != nil && !e.coveredByOther() {
		if err := e.compareContents(fresh); err != nil {
			return err
		}
	}
	if len(e.Entries()) != len(fresh.Entries()) {
		return e.Errorf("the map says that it holds %d entries and not %d", len(fresh.Entries()), len(e.Entries()))
	}
	for _, child := range e.Entries() {
		other := fresh.Child(child.Node.Name)
		if other == nil {
			return child.Errorf("the map has lost it")
		}
		if err := o.compare(child, other); err != nil {
			return err
		}
	}
	return nil
}

// differ says whether a map tells another number than it should. It may tell
// none, if it is no entry of the image itself.
func differ(want, got OptInt) bool { return got.Known && want != got }

func (e *Entry) place() string {
	return fmt.Sprintf("image-pos %#x offset %#x size %#x", e.ImagePos.Value, e.Offset.Value, e.Size.Value)
}

// compareContents compares the contents of an entry. What it has been filled
// up with does not count.
func (e *Entry) compareContents(fresh *Entry) error {
	want, got := e.Data, fresh.opened.contents
	if !e.dirty() && !e.ExtendSize {
		want = e.opened.contents
	}
	want, err := e.converted(want)
	if err != nil {
		return err
	}
	if !fresh.opened.loaded || got.Len() < want.Len() {
		return e.Errorf("it has lost contents")
	}
	same, err := content.Equal(want, got.Slice(0, want.Len()))
	if err != nil {
		return e.Errorf("%w", err)
	}
	if !same {
		return e.Errorf("its contents are others")
	}
	return nil
}

// coveredByOther says whether an entry that may overlap lies over this one, or
// what is under it shows through.
func (e *Entry) coveredByOther() bool {
	switch {
	case e.Hole:
		return true
	case e.Parent.placing() != InSection:
		return false
	}
	for _, other := range e.Parent.Section.Entries {
		if other == e || other.Hole || !other.Overlap && !e.Overlap {
			continue
		}
		if e.Offset.Value < other.Offset.Value+other.Size.Value && other.Offset.Value < e.Offset.Value+e.Size.Value {
			return true
		}
	}
	return false
}
