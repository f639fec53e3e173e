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

// tooLarge makes an error about contents of n bytes that no image can hold.
func (e *Entry) tooLarge(n int64) error {
	return e.Errorf("Contents of %#x bytes are larger than any image", n)
}

// sectionErrorf makes an error about the entry as a section.
func (e *Entry) sectionErrorf(format string, args ...any) error {
	return &NodeError{Kind: "Section", Path: e.Node.Path(), Msg: fmt.Sprintf(format, args...), Pos: e.Node.Pos}
}
