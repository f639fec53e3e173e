// SPDX-License-Identifier: GPL-2.0-or-later

package layout

import (
	"bytes"
	"crypto/sha256"
	"fmt"

	"binman/content"
)

// Bare returns the contents of an entry without padding and compression, and how
// many bytes of padding are before them. Those of the image are what it holds.
func (o *Opened) Bare(e *Entry) (data content.Data, before int64, err error) {
	if e.Parent == nil {
		data, err = o.body()
		return data, e.PadBefore, err
	}
	it, err := o.item(e)
	if err != nil {
		return content.Data{}, 0, err
	}
	if it.Padded {
		before = e.PadBefore
	}
	if data, err = e.bare(it); err == nil {
		data, err = e.unwrap(data)
	}
	return data, before, err
}

// CheckHash compares the hash that the map has of the contents of an entry with
// what the image has of them. Claimed is false if there is no hash, or one that
// nothing can be compared with: of a device tree that holds it, or of what a
// container has in another form. An error says that it does not match, or that it
// cannot be told.
func (o *Opened) CheckHash(e *Entry) (claimed bool, err error) {
	node := e.Node.Child("hash")
	if node == nil || e.As.KeepHash || e.Parent == nil || e.As.Converted || e.holdsTree() {
		return false, nil
	}
	want, ok := node.Bytes("value")
	if !ok {
		return false, nil
	}
	it, err := o.item(e)
	if err != nil {
		return true, err
	}
	data, err := e.bare(it)
	if err != nil {
		return true, err
	}
	same, err := hashes(data, want)
	if err == nil && !same && e.TypeName == "null" {
		same, err = hashes(content.Data{}, want) // it has the bytes of its section
	}
	if err == nil && !same && e.Info.Remade {
		return false, nil // of other entries, perhaps before positions were written into them
	}
	if err == nil && !same {
		err = fmt.Errorf("the map has %x, which is not that of the contents", want)
	}
	return true, err
}

// hashes says whether a hash is that of data, perhaps without what fills it up at
// its end, which the map does not tell.
func hashes(data content.Data, want []byte) (bool, error) {
	const (
		fill = 64 << 10 // bytes that are tried one by one
		runs = 3        // of one byte each: a section's padding, behind that of a compression
	)
	least := data.Len()
	for range runs {
		if least == 0 {
			break
		}
		last, err := data.Slice(least-1, 1).Bytes()
		if err != nil {
			return false, err
		}
		least = data.Slice(0, least).TrimRight(last[0]).Len()
	}
	least = max(least, data.Len()-fill)
	h := sha256.New()
	if err := data.Slice(0, least).Hash(h); err != nil {
		return false, err
	}
	rest, err := data.Slice(least, data.Len()-least).Bytes()
	if err != nil {
		return false, err
	}
	for i := range rest {
		if bytes.Equal(h.Sum(nil), want) {
			return true, nil
		}
		h.Write(rest[i : i+1])
	}
	return bytes.Equal(h.Sum(nil), want), nil
}

// holdsTree says whether an entry is or holds a device tree, into which binman
// writes.
func (e *Entry) holdsTree() bool {
	if e.Info.Tree != "" {
		return true
	}
	for _, child := range e.Entries() {
		if child.holdsTree() {
			return true
		}
	}
	return false
}
