// SPDX-License-Identifier: GPL-2.0-or-later

package layout

import (
	"errors"
	"fmt"

	"binman/fdt"
)

// ErrMissing is what a build returns, wrapped, when its images were written
// but are missing external blobs or tools, or hold faked ones.
var ErrMissing = errors.New("Some images are invalid")

// NodeError is an error about one node of the description.
type NodeError struct {
	Kind string // "Node", "Section" or "Image"; "" if Msg names the node
	Path string
	Msg  string
	Pos  fdt.Pos // where the source describes the node; zero if unknown
	Err  error   // the cause, or nil
}

// Error returns the original's wording: Node '/binman/u-boot': message.
func (e *NodeError) Error() string {
	if e.Kind == "" {
		return e.Msg
	}
	return fmt.Sprintf("%s '%s': %s", e.Kind, e.Path, e.Msg)
}

// Unwrap returns the cause.
func (e *NodeError) Unwrap() error { return e.Err }

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
