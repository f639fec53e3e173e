// SPDX-License-Identifier: GPL-2.0-or-later

package describe

import (
	"errors"
	"fmt"
	"strings"

	"binman/dts"
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

// Located returns the error about a node that err is or wraps; what is wrong
// with the value of a property is one too. It is nil if err has no place.
func Located(err error) *NodeError {
	if ne, ok := errors.AsType[*NodeError](err); ok {
		return ne
	}
	ve, ok := errors.AsType[*fdt.ValueError](err)
	if !ok {
		return nil
	}
	ne := &NodeError{Path: ve.Node.Path(), Msg: err.Error(), Err: err}
	At(ne, ve.Node, ve.Prop)
	return ne
}

// Faults returns what is wrong with a description by an error of [Load]: one
// error for each fault of a source. There is none if the file could not be
// read.
func Faults(err error) []*NodeError {
	source, ok := errors.AsType[dts.Errors](err)
	if one, is := errors.AsType[*dts.Error](err); is && !ok {
		source = dts.Errors{one}
	}
	var list []*NodeError
	for _, fault := range source {
		ne := &NodeError{Pos: fault.Pos, Msg: strings.TrimPrefix(fault.Msg, "ERROR "), Err: err}
		if strings.HasSuffix(fault.Msg, ": No such file or directory") {
			ne.Hint = "included files are looked for beside the file that includes them, in 'include', and in the directories of -I"
		}
		list = append(list, ne)
	}
	if ne := Located(err); ne != nil {
		list = append(list, ne)
	}
	return list
}

// At gives an error about a node the place of another node in it, or of a
// property if there is one of that name.
func At(err error, node *fdt.Node, prop string) error {
	ne, ok := errors.AsType[*NodeError](err)
	if !ok {
		return err
	}
	if node.Pos != (fdt.Pos{}) {
		ne.Pos = node.Pos
	}
	p := node.Prop(prop)
	if p == nil {
		return err
	}
	ne.Prop = prop
	if p.Pos != (fdt.Pos{}) {
		ne.Pos = p.Pos
	}
	return err
}

// Advise adds a line to an error about a node that says what to do about it.
func Advise(err error, format string, args ...any) error {
	if ne, ok := errors.AsType[*NodeError](err); ok {
		ne.Hint = strings.TrimPrefix(ne.Hint+"\n"+fmt.Sprintf(format, args...), "\n")
	}
	return err
}
