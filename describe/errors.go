// SPDX-License-Identifier: GPL-2.0-or-later

package describe

import (
	"fmt"

	"binman/fdt"
)

// NodeError is an error about one node of the description.
type NodeError struct {
	Kind string // "Node", "Section" or "Image"; "" if Msg names the node
	Path string
	Prop string // the property that is wrong, if it is one
	Msg  string
	Hint string  // what to do about it, in lines that may follow the message
	Pos  fdt.Pos // where the source describes the node or the property; zero if unknown
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
