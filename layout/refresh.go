// SPDX-License-Identifier: GPL-2.0-or-later

package layout

import (
	"errors"
	"io/fs"

	"binman/content"
)

// refresh updates the contents of an entry of an opened image.
func (b *Build) refresh(e *Entry) error {
	if e.gone() {
		return nil
	}
	if e.Section != nil {
		if e.loaded.replaced {
			return nil
		}
		return b.updateSection(e)
	}
	r, ok := e.Type.(Refresher)
	if !ok || !e.loaded.ok {
		return nil
	}
	data, err := r.Refresh(b, e)
	if err != nil {
		return err
	}
	return b.setRefreshed(e, data)
}

// setRefreshed sets updated contents, if they differ from what the image has.
func (b *Build) setRefreshed(e *Entry, data content.Data) error {
	n := min(data.Len(), e.Data.Len())
	same, err := content.Equal(data.Slice(0, n), e.Data.Slice(0, n))
	if err != nil {
		return e.Errorf("%w", err)
	}
	if same && data.Len() <= e.Data.Len() {
		return nil // what follows is padding
	}
	if _, own := e.Parent.Type.(ChildLoader); own {
		e.SetContents(data) // the container decides what fits
	} else {
		b.setUpdated(e, data)
	}
	e.loaded.changed = true
	return nil
}

// LoadedContents returns the contents that the entry had when the image was
// opened.
func (e *Entry) LoadedContents() content.Data { return e.loaded.contents }

// symbolsLost says that the ELF file of an entry of an opened image is not
// there, so that its symbols cannot be updated.
func (b *Build) symbolsLost(e *Entry, err error) bool {
	if !b.reading || !errors.Is(err, fs.ErrNotExist) {
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
