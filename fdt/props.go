// SPDX-License-Identifier: GPL-2.0-or-later

package fdt

import (
	"encoding/binary"
	"fmt"
	"strings"
	"unicode/utf8"
)

// ValueError says that a property does not hold what was asked of it.
type ValueError struct {
	Node *Node
	Prop string // name of the property
	Text string // the message, which names node and property
}

func (e *ValueError) Error() string { return e.Text }

// errorf makes the error "Node 'name' property 'prop' …", with the name of the
// node, not its path, as dtoc does.
func (p *Prop) errorf(format string, args ...any) error {
	return &ValueError{p.Node, p.Name, fmt.Sprintf("Node '%s' property '%s' ", p.Node.Name, p.Name) + fmt.Sprintf(format, args...)}
}

// form is what a value looks like; a blob does not hold types.
type form int

const (
	formEmpty form = iota
	formString
	formCells
	formBytes
)

// form guesses as dtoc does: strings if every byte could be text, cells if the
// size is a multiple of four, bytes otherwise. It gives how many there are.
func (p *Prop) form() (form, int) {
	v := p.Value
	if len(v) == 0 {
		return formEmpty, 0
	}
	text, count := v[len(v)-1] == 0, 0
	for i, c := range v {
		if c == 0 {
			count++
			text = text && i > 0 && v[i-1] != 0
		} else if c < 32 || c > 127 {
			text = false
		}
	}
	switch {
	case text:
		return formString, count
	case len(v)%4 == 0:
		return formCells, len(v) / 4
	}
	return formBytes, len(v)
}

// text gives the strings of a value: UTF-8 ending with a NUL.
func (p *Prop) text() ([]string, bool) {
	v := string(p.Value)
	if v == "" {
		return nil, true
	}
	if !strings.HasSuffix(v, "\x00") || !utf8.ValidString(v) {
		return nil, false
	}
	for _, c := range v {
		if c < ' ' && c != 0 && c != '\t' && c != '\n' && c != '\r' {
			return nil, false
		}
	}
	return strings.Split(v[:len(v)-1], "\x00"), true
}

// U32 reads one cell.
func (p *Prop) U32() (uint32, error) {
	if len(p.Value) == 4 {
		return binary.BigEndian.Uint32(p.Value), nil
	}
	if _, n := p.form(); n > 1 {
		return 0, p.errorf("has list value: expecting a single integer")
	}
	return 0, p.errorf("has length %d, expecting %d: a single integer", len(p.Value), 4)
}

// U64 reads a number of one or two cells, the upper half first.
func (p *Prop) U64() (uint64, error) {
	switch len(p.Value) {
	case 4:
		return uint64(binary.BigEndian.Uint32(p.Value)), nil
	case 8:
		return binary.BigEndian.Uint64(p.Value), nil
	}
	return 0, p.errorf("should be a list with 2 items for 64-bit values")
}

// U32s reads a list of cells; an empty value is an empty list.
func (p *Prop) U32s() ([]uint32, error) {
	if len(p.Value)%4 != 0 {
		return nil, p.errorf("has length %d, expecting a multiple of 4: a list of integers", len(p.Value))
	}
	list := make([]uint32, len(p.Value)/4)
	for i := range list {
		list[i] = binary.BigEndian.Uint32(p.Value[4*i:])
	}
	return list, nil
}

// Byte reads a single byte, which dtc takes as [12] or /bits/ 8 <0x12>. A
// string of one character is its code.
func (p *Prop) Byte() (byte, error) {
	v := p.Value
	f, n := p.form()
	switch {
	case len(v) == 1, f == formString && len(v) == 2:
		return v[0], nil
	case n > 1:
		return 0, p.errorf("has list value: expecting a single byte")
	case f == formString:
		return 0, p.errorf("has length %d, expecting %d", len(v)-1, 1)
	}
	return 0, p.errorf("has length %d, expecting %d", len(v), 1)
}

// Str reads a string; an empty value is "".
func (p *Prop) Str() (string, error) {
	list, ok := p.text()
	switch {
	case !ok:
		if _, n := p.form(); n == 1 {
			return "", p.errorf("has integer value: expecting a single string")
		}
		return "", p.errorf("has list value: expecting a single string")
	case len(list) > 1:
		return "", p.errorf("has list value: expecting a single string")
	case len(list) == 0:
		return "", nil
	}
	return list[0], nil
}

// Strs reads a list of strings; an empty value is an empty list.
func (p *Prop) Strs() ([]string, error) {
	list, ok := p.text()
	if !ok {
		return nil, p.errorf("has no strings: expecting a list of strings")
	}
	return list, nil
}

// BytesN gives the value, which must have n bytes.
func (p *Prop) BytesN(n int) ([]byte, error) {
	if len(p.Value) != n {
		return nil, p.errorf("has length %d, expecting %d", len(p.Value), n)
	}
	return p.Value, nil
}

// NameOffset is the value of a property such as <&node>, "symbol", <4>.
type NameOffset struct {
	Node   *Node // nil if no node has the phandle
	Name   string
	Offset uint32
}

// NameOffset reads a phandle (one cell), a NUL-terminated name and an offset
// (one cell, not aligned).
func (p *Prop) NameOffset() (NameOffset, error) {
	v := p.Value
	if len(v) >= 4 {
		name, rest, ok := strings.Cut(string(v[4:]), "\x00")
		if ok && len(rest) == 4 {
			return NameOffset{p.Node.tree.ByPhandle(binary.BigEndian.Uint32(v)), name, binary.BigEndian.Uint32([]byte(rest))}, nil
		}
	}
	return NameOffset{}, p.errorf("has length %d: expecting a phandle, a string and an integer", len(v))
}

// read reads a property through one of the methods above.
func read[T any](n *Node, name string, get func(*Prop) (T, error)) (v T, ok bool, err error) {
	p := n.Prop(name)
	if p == nil {
		return v, false, nil
	}
	v, err = get(p)
	return v, err == nil, err
}

// U32 reads one cell. Here and below ok is false if the property is absent or
// an error is given.
func (n *Node) U32(name string) (v uint32, ok bool, err error) { return read(n, name, (*Prop).U32) }

// U64 reads a number of one or two cells, the upper half first.
func (n *Node) U64(name string) (v uint64, ok bool, err error) { return read(n, name, (*Prop).U64) }

// U32s reads a list of cells.
func (n *Node) U32s(name string) (v []uint32, ok bool, err error) {
	return read(n, name, (*Prop).U32s)
}

// Byte reads a single byte.
func (n *Node) Byte(name string) (v byte, ok bool, err error) { return read(n, name, (*Prop).Byte) }

// Str reads a string; an empty value is "".
func (n *Node) Str(name string) (v string, ok bool, err error) { return read(n, name, (*Prop).Str) }

// Strs reads a list of strings; a single string is a list of one, an empty
// value is an empty list.
func (n *Node) Strs(name string) (v []string, ok bool, err error) {
	return read(n, name, (*Prop).Strs)
}

// Bool tells whether the property is there, whatever its value.
func (n *Node) Bool(name string) bool { return n.Has(name) }

// Bytes gives the value, which the caller must not change.
func (n *Node) Bytes(name string) (v []byte, ok bool) {
	p := n.Prop(name)
	if p == nil {
		return nil, false
	}
	return p.Value, true
}

// BytesN gives the value, which must have size bytes and which the caller must
// not change.
func (n *Node) BytesN(name string, size int) (v []byte, ok bool, err error) {
	return read(n, name, func(p *Prop) ([]byte, error) { return p.BytesN(size) })
}

// Phandles reads a list of phandles, one cell each; see [Tree.ByPhandle].
func (n *Node) Phandles(name string) (v []uint32, ok bool, err error) { return n.U32s(name) }

// NameOffset reads a phandle, a name and an offset.
func (n *Node) NameOffset(name string) (v NameOffset, ok bool, err error) {
	return read(n, name, (*Prop).NameOffset)
}

// Args reads the arguments of a command: a single string is split at white
// space, a list is taken as it is. The property must be there.
func (n *Node) Args(name string) ([]string, error) {
	list, ok, err := n.Strs(name)
	switch {
	case err != nil:
		return nil, err
	case !ok:
		return nil, &ValueError{n, name, fmt.Sprintf("Node '%s': Expected property '%s'", n.Path(), name)}
	case len(list) == 1:
		return strings.Fields(list[0]), nil
	}
	return list, nil
}
