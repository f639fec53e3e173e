// SPDX-License-Identifier: GPL-2.0-or-later

package layout

import (
	"crypto/sha256"

	"binman/content"
	"binman/describe"
	"binman/fdt"
)

// addHash adds a placeholder for the hash that a hash subnode asks for.
func (b *Build) addHash(e *Entry) error {
	if e.hashNode == nil {
		return nil
	}
	if e.Node.Child("hash") == nil { // templates may have moved it
		e.hashNode = nil
		return nil
	}
	if err := e.checkHashNode(e.hashNode); err != nil {
		return err
	}
	b.setProp(e.hashNode, "value", make([]byte, sha256.Size))
	return nil
}

// checkHashNode checks that a hash node asks for a hash that can be made.
func (e *Entry) checkHashNode(node *fdt.Node) error {
	algo, ok, err := node.Str("algo")
	switch {
	case err != nil:
		return describe.At(&NodeError{Path: node.Path(), Msg: err.Error(), Err: err}, node, "algo")
	case !ok:
		return describe.Advise(describe.At(e.Errorf("Missing 'algo' property for hash node"), node, ""), "write algo = \"sha256\";")
	case algo != "sha256":
		return describe.Advise(describe.At(e.Errorf("Unknown hash algorithm '%s'", algo), node, "algo"), "there is sha256 only, for hashes of entries")
	}
	return nil
}

// setHash sets the hash of the contents in the hash subnode.
func (b *Build) setHash(e *Entry) error {
	if e.hashNode == nil || b.opened != nil && !e.dirty() && !e.stretched() {
		return nil
	}
	defer b.Log.Begin(e.Data.Len(), "hashing %s", e.Path())()
	h := sha256.New()
	if err := e.Data.Hash(h); err != nil {
		return e.Errorf("%w", err)
	}
	for _, n := range b.nodesFor(e.hashNode) {
		if b.opened != nil && !n.main && !n.node.Has("value") {
			continue
		}
		n.node.SetProp("value", h.Sum(nil))
	}
	return nil
}

// stretched says whether the contents of an entry of an opened image differ from
// what that has of them by what extend-size adds, for another size.
func (e *Entry) stretched() bool {
	return e.ExtendSize && e.Section == nil && e.Size != e.opened.size
}

// noteHashed asks for another pass if the entry is about to get contents that
// differ from those that a hash has been made of.
func (b *Build) noteHashed(e *Entry, data content.Data) error {
	if !b.UpdateFDT || len(b.pass.rehash) > 0 || !b.graph.hashed[e] {
		return nil
	}
	same, err := content.Equal(e.Data, data)
	if err != nil {
		return e.Errorf("%w", err)
	}
	if !same {
		b.pass.rehash, b.Rehashed = append(b.pass.rehash, e), true
	}
	return nil
}
