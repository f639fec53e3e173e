// SPDX-License-Identifier: GPL-2.0-or-later

package layout

import (
	"crypto/sha256"

	"binman/content"
)

// TreeDependent is a type whose contents hold the device tree, and with it the
// hashes of entries.
type TreeDependent interface {
	TreeDependent()
}

// addHash adds a placeholder for the hash that a hash subnode asks for.
func (b *Build) addHash(e *Entry) error {
	if e.hashNode == nil {
		return nil
	}
	if e.Node.Child("hash") == nil { // templates may have moved it
		e.hashNode = nil
		return nil
	}
	algo, ok, err := e.hashNode.Str("algo")
	switch {
	case err != nil:
		return err
	case !ok:
		return e.Errorf("Missing 'algo' property for hash node")
	case algo != "sha256":
		return e.Errorf("Unknown hash algorithm '%s'", algo)
	}
	b.SetProp(e.hashNode, "value", make([]byte, sha256.Size))
	return nil
}

// setHash sets the hash of the contents in the hash subnode.
func (b *Build) setHash(e *Entry) error {
	if e.hashNode == nil || b.reading && !e.Replaced() {
		return nil
	}
	h := sha256.New()
	if err := e.Data.Hash(h); err != nil {
		return e.Errorf("%w", err)
	}
	for _, n := range b.nodesFor(e.hashNode) {
		if b.reading && !n.main && !n.node.Has("value") {
			continue
		}
		n.node.SetProp("value", h.Sum(nil))
	}
	return nil
}

// noteHashed asks for another pass if the entry is about to get contents that
// differ from those that a hash has been made of.
func (b *Build) noteHashed(e *Entry, data content.Data) error {
	if !b.UpdateFDT || b.again || !e.hashed() {
		return nil
	}
	same, err := content.Equal(e.Data, data)
	if err != nil {
		return e.Errorf("%w", err)
	}
	if !same {
		b.again, b.Rehashed = true, true
	}
	return nil
}

// answer is that to a question which is asked often: the zero value is none
// yet.
type answer int

const (
	no answer = iota + 1
	yes
)

// hashed says whether there is a hash of the entry, or of a section around
// it. A hash of something that holds the device tree does not count: the tree
// holds the hash, so it is never that of the final contents.
func (e *Entry) hashed() bool {
	if e.underHash == 0 {
		e.underHash = no
		if e.hashNode != nil && !e.holdsTree() || e.Parent != nil && e.Parent.hashed() {
			e.underHash = yes
		}
	}
	return e.underHash == yes
}

func (e *Entry) holdsTree() bool {
	found := false
	e.Walk(func(e *Entry) {
		_, ok := e.Type.(TreeDependent)
		found = found || ok
	})
	return found
}
