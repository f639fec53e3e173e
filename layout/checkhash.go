// SPDX-License-Identifier: GPL-2.0-or-later

package layout

import (
	"bytes"
	"crypto/sha256"
	"fmt"
)

// CheckHash compares the hash that the map has of the contents of an entry, if
// there is one, with what the image has of them. An error says that it does not
// match, or that it cannot be told.
func (o *Opened) CheckHash(e *Entry) (claimed bool, err error) {
	node := e.Node.Child("hash")
	if node == nil || e.As.KeepHash || e.Parent == nil {
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
	h := sha256.New()
	if err := data.Hash(h); err != nil {
		return true, err
	}
	if got := h.Sum(nil); !bytes.Equal(got, want) {
		return true, fmt.Errorf("the map has %x, the contents have %x", want, got)
	}
	return true, nil
}
