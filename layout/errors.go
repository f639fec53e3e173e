// SPDX-License-Identifier: GPL-2.0-or-later

package layout

import (
	"errors"
	"fmt"

	"binman/describe"
)

// ErrMissing is what a build returns, wrapped, when its images were written
// but are missing external blobs or tools, or hold faked ones.
var ErrMissing = errors.New("Some images are invalid")

// NodeError is an error about one node of the description.
type NodeError = describe.NodeError

// Errorf makes an error about the entry's node. A cause given with %w can be
// unwrapped.
func (e *Entry) Errorf(format string, args ...any) error {
	err := fmt.Errorf(format, args...)
	kind := "Node"
	if e.Parent == nil {
		kind = "Image"
	}
	return &NodeError{Kind: kind, Path: e.Node.Path(), Msg: err.Error(), Pos: e.Node.Pos, Err: errors.Unwrap(err)}
}

// PropErrorf is Errorf for what is wrong with one property, and gives its place
// if the node has it.
func (e *Entry) PropErrorf(prop, format string, args ...any) error {
	return describe.At(e.Errorf(format, args...), e.Node, prop)
}

// aboutProp is about for what is wrong with one property.
func (b *Build) aboutProp(e *Entry, prop string, err error) error {
	if err == nil {
		return nil
	}
	return describe.At(b.about(e, err), e.Node, prop)
}

// about makes an error one about the entry, unless it says itself which node
// it is about. The message stays as it is, for scripts that look for it.
func (b *Build) about(e *Entry, err error) error {
	if err == nil || b.opened != nil {
		return err
	}
	ne := describe.Located(err)
	if ne == nil {
		ne = &NodeError{Path: e.Node.Path(), Msg: err.Error(), Pos: e.Node.Pos, Err: err}
	}
	if _, ok := errors.AsType[*NodeError](err); !ok {
		err = ne
	}
	if name, ok := missingFile(err); ok && ne.Hint == "" && ne.Path == e.Node.Path() {
		b.explainMissing(e, ne, name)
	}
	return err
}

// tooLarge makes an error about contents of n bytes that no image can hold.
func (e *Entry) tooLarge(n int64) error {
	return e.Errorf("Contents of %#x bytes are larger than any image", n)
}

// sectionErrorf makes an error about the entry as a section.
func (e *Entry) sectionErrorf(format string, args ...any) error {
	return &NodeError{Kind: "Section", Path: e.Node.Path(), Msg: fmt.Sprintf(format, args...), Pos: e.Node.Pos}
}
