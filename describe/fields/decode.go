// SPDX-License-Identifier: GPL-2.0-or-later

// Package fields reads the properties of device tree nodes into Go structs, as
// encoding/json reads objects: tags name the properties, and the types of the
// fields say what they hold.
package fields

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"

	"binman/describe"
	"binman/fdt"
)

// MaxSize bounds sizes and offsets, in bytes, so that sums of as many as memory
// has room for cannot overflow.
const MaxSize = 1 << 40

// Property describes one property of an entry type, as its Go field declares
// it:
//
//	Byte byte `dt:"fill-byte" doc:"Value to fill with"`
//
// The Go type says what the property holds: bool is presence, uint8 a single
// byte, uint32 one cell, uint64 two, int64 and OptInt one cell (or two, for
// what 32 bits cannot hold), string a string, []string a list of strings,
// []uint32 cells or phandles, []byte anything. After the name may follow
// "required", and "arg" for a value that an entry argument of the same name
// overrides.
type Property struct {
	Name     string
	Doc      string
	Required bool
	Arg      bool
	Kind     string // what it holds, in words

	index []int
}

// Schema lists the properties of a Go struct by name, in order of declaration.
type Schema struct {
	Props  []*Property
	ByName map[string]*Property
}

// Schemas remembers those of Go types. It is for one goroutine at a time.
type Schemas map[reflect.Type]*Schema

// Of returns the properties that the dt tags of v, a struct or a
// pointer to one, declare; those of embedded structs come first.
func Of(v any) []*Property {
	t := reflect.TypeOf(v)
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	props := newSchema(t).Props
	if d, ok := v.(Declarer); ok {
		props = append(props, d.Declared().Props...)
	}
	return props
}

func newSchema(t reflect.Type) *Schema {
	s := &Schema{ByName: map[string]*Property{}}
	if t.Kind() != reflect.Struct {
		return s
	}
	for _, f := range reflect.VisibleFields(t) {
		tag, ok := f.Tag.Lookup("dt")
		if !ok {
			continue
		}
		p := &Property{Name: tag, Doc: f.Tag.Get("doc"), Kind: kindOf(f.Type), index: f.Index}
		// Names have commas of their own, as in "vendor,property".
		for more := true; more; {
			var required, arg bool
			p.Name, required = strings.CutSuffix(p.Name, ",required")
			p.Name, arg = strings.CutSuffix(p.Name, ",arg")
			p.Required, p.Arg = p.Required || required, p.Arg || arg
			more = required || arg
		}
		s.Props = append(s.Props, p)
		s.ByName[p.Name] = p
	}
	return s
}

// kinds says in words what Go types hold.
var kinds = map[reflect.Type]string{
	reflect.TypeFor[bool]():     "presence",
	reflect.TypeFor[uint8]():    "one byte",
	reflect.TypeFor[uint32]():   "integer",
	reflect.TypeFor[int64]():    "integer",
	reflect.TypeFor[OptInt]():   "integer",
	reflect.TypeFor[uint64]():   "64-bit integer",
	reflect.TypeFor[string]():   "string",
	reflect.TypeFor[[]string](): "string list",
	reflect.TypeFor[[]uint32](): "cells",
	reflect.TypeFor[[]byte]():   "bytes",
}

func kindOf(t reflect.Type) string {
	kind, ok := kinds[t]
	if !ok {
		panic("no property can be decoded into " + t.String())
	}
	return kind
}

// Of returns the properties of the value that v points to.
func (known Schemas) Of(v any) *Schema {
	t := reflect.TypeOf(v).Elem()
	s := known[t]
	if s == nil {
		s = newSchema(t)
		known[t] = s
	}
	if d, ok := v.(Declarer); ok {
		return s.with(d.Declared().Props)
	}
	return s
}

// Decode fills the tagged fields of v, a pointer to a struct, from the
// properties of node and the entry arguments. It returns what could not be
// read, each a *describe.NodeError.
func (known Schemas) Decode(node *fdt.Node, args map[string]string, v any) []error {
	s := known.Of(v)
	if len(s.Props) == 0 {
		return nil
	}
	var errs []error
	val := reflect.ValueOf(v).Elem()
	for _, p := range node.Props {
		prop := s.ByName[p.Name]
		if prop == nil {
			continue
		}
		if err := setField(prop.field(val, v), node, p); err != nil {
			errs = append(errs, badValue(node, p, prop, err))
		}
	}
	for _, prop := range s.Props {
		arg, ok := args[prop.Name]
		if !prop.Arg || !ok {
			continue
		}
		if err := setFieldArg(prop.field(val, v), prop.Name, arg); err != nil {
			errs = append(errs, &describe.NodeError{Kind: "Node", Path: node.Path(), Msg: err.Error(), Pos: node.Pos, Err: err})
		}
	}
	return errs
}

// badValue makes an error about the value of a property.
func badValue(node *fdt.Node, p *fdt.Prop, prop *Property, err error) error {
	ne := &describe.NodeError{Path: node.Path(), Prop: p.Name, Msg: err.Error(), Pos: p.Pos, Err: err}
	if ce, ok := errors.AsType[*cellsError](err); ok {
		ne.Hint = ce.hint
	} else if how := howWritten[prop.Kind]; how != "" {
		ne.Hint = fmt.Sprintf("it is written as in: %s = %s;", p.Name, how)
	}
	return ne
}

// howWritten has an example of each kind of value in source.
var howWritten = map[string]string{
	"one byte":       "[ff]",
	"integer":        "<0x1000>",
	"64-bit integer": "/bits/ 64 <0x1000>",
	"string":         "\"text\"",
	"string list":    "\"one\", \"two\"",
	"cells":          "<1 2>",
	"file":           "\"name\"",
	"files":          "\"one\", \"two\"",
	"entries":        "<&entry>",
	"places":         "<&entry>",
}

// Missing returns the names of required properties that node lacks.
func (s *Schema) Missing(node *fdt.Node) []string {
	var missing []string
	for _, prop := range s.Props {
		if prop.Required && !node.Has(prop.Name) {
			missing = append(missing, prop.Name)
		}
	}
	return missing
}

func setField(f reflect.Value, node *fdt.Node, p *fdt.Prop) error {
	switch f.Addr().Interface().(type) {
	case *bool:
		f.SetBool(true)
	case *uint8:
		v, _, err := node.Byte(p.Name)
		if err != nil {
			return err
		}
		f.SetUint(uint64(v))
	case *uint32:
		v, _, err := node.U32(p.Name)
		if err != nil {
			return err
		}
		f.SetUint(uint64(v))
	case *uint64:
		if len(p.Value) != 8 {
			return fmt.Errorf("Node '%s' property '%s' should be a list with 2 items for 64-bit values", node.Name, p.Name)
		}
		f.SetUint(binary.BigEndian.Uint64(p.Value))
	case *int64, *OptInt:
		v, err := number(node, p)
		if err != nil {
			return err
		}
		if f.Kind() == reflect.Struct {
			f.Set(reflect.ValueOf(Some(v)))
		} else {
			f.SetInt(v)
		}
	case *string:
		v, _, err := node.Str(p.Name)
		if err != nil {
			return err
		}
		f.SetString(v)
	case *[]string:
		v, _, err := node.Strs(p.Name)
		if err != nil {
			return err
		}
		f.Set(reflect.ValueOf(v))
	case *[]uint32:
		v, _, err := node.U32s(p.Name)
		if err != nil {
			return err
		}
		f.Set(reflect.ValueOf(v))
	case *[]byte:
		f.SetBytes(p.Value)
	}
	return nil
}

// number reads a size or an offset: one cell, or two where 32 bits do not
// suffice.
func number(node *fdt.Node, p *fdt.Prop) (int64, error) {
	if len(p.Value) != 8 {
		v, _, err := node.U32(p.Name)
		return int64(v), err
	}
	v, _, err := node.U64(p.Name)
	if err != nil {
		return 0, err
	}
	if v > MaxSize {
		return 0, &cellsError{fmt.Sprintf("Node '%s' property '%s' is %#x: larger than any image", node.Name, p.Name, v), TwoCells(p)}
	}
	return int64(v), nil
}

// cellsError is about the number of cells of a property.
type cellsError struct{ text, hint string }

// Error returns what is wrong.
func (e *cellsError) Error() string { return e.text }

// TwoCells explains what became of two cells where one may have been meant.
func TwoCells(p *fdt.Prop) string {
	upper, lower := binary.BigEndian.Uint32(p.Value), binary.BigEndian.Uint32(p.Value[4:])
	return fmt.Sprintf("two cells are one number of 64 bits, the upper half first: write <%#x> or <%#x> if one of them was meant", upper, lower)
}

func setFieldArg(f reflect.Value, name, arg string) error {
	switch f.Addr().Interface().(type) {
	case *string:
		f.SetString(arg)
		return nil
	case *bool:
		f.SetBool(arg != "" && arg != "n" && arg != "0")
		return nil
	}
	v, err := strconv.ParseInt(strings.TrimSpace(arg), 10, 64)
	if err != nil {
		return fmt.Errorf("Cannot convert entry arg '%s' (value '%s') to integer", name, arg)
	}
	switch f.Addr().Interface().(type) {
	case *OptInt:
		f.Set(reflect.ValueOf(Some(v)))
	case *int64:
		f.SetInt(v)
	case *uint32:
		if v < 0 || v > math.MaxUint32 {
			return fmt.Errorf("Entry arg '%s' (value '%s') does not fit in 32 bits", name, arg)
		}
		f.SetUint(uint64(v))
	}
	return nil
}
