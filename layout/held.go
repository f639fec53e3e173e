// SPDX-License-Identifier: GPL-2.0-or-later

package layout

import (
	"slices"

	"binman/content"
)

// maxHeld bounds what is kept of containers that had to be decompressed, in bytes.
// They can be decompressed again.
const maxHeld = 128 << 20

// unpackedSize returns how many bytes a container is said to have when it is
// decompressed, 0 if it is not compressed.
func (st *openedEntry) unpackedSize(e *Entry) int64 {
	if e.Compress == "" {
		return 0
	}
	return max(e.HaveUncompSize.Or(0), 0)
}

// hold notes what a container has been decompressed to. What it is within counts
// too: together they must not be more than can be held at all.
func (o *Opened) hold(e *Entry) error {
	st := e.opened
	if st.inner.Len() == 0 || !o.unpacked(e) {
		return nil
	}
	st.holds = st.inner.Len()
	total := st.holds
	for p := e.Parent; p != nil; p = p.Parent {
		total += p.opened.holds
	}
	if total > content.MaxBytes {
		st.inner, st.holds = content.Data{}, 0
		return e.Errorf("with what it is within it has %#x bytes when it is decompressed, more than the %#x that are held", total, int64(content.MaxBytes))
	}
	o.held += st.holds
	o.holders = append(o.holders, e)
	o.makeRoom(e, 0)
	return nil
}

// unpacked says whether the contents of a container are not those of the image.
func (o *Opened) unpacked(e *Entry) bool {
	return e.Parent != nil && (e.Compress != "" || e.opened.item.Codec != "")
}

// makeRoom lets go of containers that have been decompressed, the oldest first, until
// n bytes more can be held. Those that e is within stay, and those of an image that
// is being changed.
func (o *Opened) makeRoom(e *Entry, n int64) {
	if o.held+n <= maxHeld || o.b.packing {
		return
	}
	keep := o.holders[:0]
	for _, h := range o.holders {
		if o.held+n <= maxHeld || h.contains(e) {
			keep = append(keep, h)
			continue
		}
		o.letGo(h)
	}
	o.holders = slices.DeleteFunc(keep, func(h *Entry) bool { return h.opened.holds == 0 })
}

// contains says whether e is the entry, or within it.
func (h *Entry) contains(e *Entry) bool {
	for ; e != nil; e = e.Parent {
		if e == h {
			return true
		}
	}
	return false
}

// letGo forgets what a container holds, and what is within that.
func (o *Opened) letGo(e *Entry) {
	st := e.opened
	o.held -= st.holds
	st.isOpen, st.inner, st.openErr, st.holds = false, content.Data{}, nil, 0
	for _, child := range e.Entries() {
		child.opened.item = Item{}
		if child.Section != nil {
			o.letGo(child)
		}
	}
}
