// SPDX-License-Identifier: GPL-2.0-or-later

package layout

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"

	"binman/codec"
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
	if room := e.room(); st.holds > room {
		st.inner, st.holds = content.Data{}, 0
		return e.tooMuch(codec.ErrTooLarge)
	}
	o.held += st.holds
	o.holders = append(o.holders, e)
	o.makeRoom(e, 0)
	return nil
}

// tooMuch says how much an entry with all that it is within may take.
func (e *Entry) tooMuch(err error) error {
	return e.Errorf("with what it is within it has more than the %#x bytes that are decompressed at once (--memory allows more): %w", e.memory(), err)
}

// memory returns how many bytes what has been decompressed may take at once.
func (e *Entry) memory() int64 {
	if e.opened == nil {
		return DefaultMemory
	}
	return cmp.Or(e.opened.of.b.Memory, DefaultMemory)
}

// sumOfMemory is how many times what may be held at once may be decompressed, in sum for an
// image. What is let go is decompressed again, so it is more than once; and a small image can
// have a great many nodes over the same few bytes.
const sumOfMemory = 8

// unpack decompresses data of the entry to limit bytes at most; the error of more is
// codec.ErrTooLarge.
func (e *Entry) unpack(data content.Data, limit int64, decode func(w io.Writer, src []byte, limit int64) error) (content.Data, error) {
	src, err := data.View()
	if err != nil {
		return content.Data{}, err
	}
	most := sumOfMemory * min(e.memory(), math.MaxInt64/sumOfMemory)
	left := most
	if e.opened != nil {
		left -= e.opened.of.unpackedSum
	}
	var out content.Collector
	err = decode(&out, src, min(limit, left))
	if e.opened != nil {
		e.opened.of.unpackedSum += out.Len()
	}
	if errors.Is(err, codec.ErrTooLarge) && left < limit {
		return content.Data{}, fmt.Errorf("more than %#x bytes would be decompressed in sum (--memory allows more)", most)
	}
	if err != nil {
		return content.Data{}, fmt.Errorf("cannot decompress: %w", err)
	}
	return out.Data(), nil
}

// unpackOne is unpack for what was compressed in the way called name.
func (e *Entry) unpackOne(name string, data content.Data, limit int64) (content.Data, error) {
	c, err := codec.Lookup(name)
	if err != nil {
		return content.Data{}, err
	}
	return e.unpack(data, limit, c.DecompressTo)
}

// room returns how many bytes an entry may have when it is decompressed: what it is
// within has to be held with it.
func (e *Entry) room() int64 {
	left := e.memory()
	for p := e.Parent; p != nil && p.opened != nil; p = p.Parent {
		left -= p.opened.holds
	}
	return max(left, 0)
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
