// SPDX-License-Identifier: GPL-2.0-or-later

// Package boardcfg makes the board configuration that the system firmware of
// TI's K3 devices reads, from YAML and a JSON schema for it.
//
// A configuration has no header and no padding: the numbers of the YAML file,
// little-endian, in the order in which they stand there. How many bytes a number
// has is said by the schema: it refers to a definition, where #/definitions/u8 is
// one byte, #/definitions/u16 are two, and any other are four.
//
// Several configurations are put together behind a table:
//
//	offset  size  little-endian
//	     0     1  number of configurations, n
//	     1     1  revision of the software
//	     2   8*n  table
//	 2+8*n        configurations, in the order of the table
//
// with, for each of them:
//
//	0     2  type
//	2     2  offset from the start
//	4     2  size in bytes
//	6     1  device group, 0
//	7     1  reserved, 0
//
// The format is specified by TI's documentation of board configuration (TISCI)
// and by tools/binman of U-Boot.
package boardcfg

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
)

// Part is a configuration among others.
type Part struct {
	Type uint16
	Data []byte
}

// Kind is a type of configuration.
type Kind struct {
	Name string // of the subnode in a description
	Type uint16
}

// Kinds lists the types in the order in which they stand behind the table.
func Kinds() []Kind {
	return []Kind{{"board-cfg", 0xb}, {"sec-cfg", 0xd}, {"pm-cfg", 0xe}, {"rm-cfg", 0xc}}
}

const (
	headSize = 2
	rowSize  = 8
)

// Combine puts configurations together.
func Combine(revision uint8, parts []Part) ([]byte, error) {
	if len(parts) > math.MaxUint8 {
		return nil, fmt.Errorf("%d configurations are more than %d", len(parts), math.MaxUint8)
	}
	b := []byte{uint8(len(parts)), revision}
	at := headSize + rowSize*len(parts)
	for _, p := range parts {
		if at+len(p.Data) > math.MaxUint16 {
			return nil, fmt.Errorf("the configurations have %#x bytes and more: their offsets and sizes go up to %#x", at+len(p.Data), math.MaxUint16)
		}
		for _, v := range []uint16{p.Type, uint16(at), uint16(len(p.Data)), 0} {
			b = binary.LittleEndian.AppendUint16(b, v)
		}
		at += len(p.Data)
	}
	for _, p := range parts {
		b = append(b, p.Data...)
	}
	return b, nil
}

// Place is where a configuration is among others, in bytes from their start.
type Place struct {
	Type         uint16
	Offset, Size int64
}

// Parse reads the table of configurations that were put together.
func Parse(b []byte) (revision uint8, list []Place, err error) {
	if len(b) < headSize || len(b) < headSize+rowSize*int(b[0]) {
		return 0, nil, errors.New("board configuration: the table does not fit")
	}
	for i := range int(b[0]) {
		row := b[headSize+rowSize*i:]
		p := Place{binary.LittleEndian.Uint16(row), int64(binary.LittleEndian.Uint16(row[2:])), int64(binary.LittleEndian.Uint16(row[4:]))}
		if p.Offset+p.Size > int64(len(b)) {
			return 0, nil, fmt.Errorf("board configuration: %#x bytes at offset %#x are outside the %#x that there are", p.Size, p.Offset, len(b))
		}
		list = append(list, p)
	}
	return b[1], list, nil
}

// Compile returns the configuration in a YAML file. It must have the style that
// yamllint wants by default, and be what the schema, also YAML, allows. The error
// is a *StyleError, a *SchemaError or about a file that is no YAML.
func Compile(config, schema File) ([]byte, error) {
	if p := Lint(config.Text); p != nil {
		return nil, &StyleError{config.Name, *p}
	}
	value, err := parse(config)
	if err != nil {
		return nil, err
	}
	root, err := readSchema(schema)
	if err != nil {
		return nil, err
	}
	if err := root.check(value, ""); err != nil {
		return nil, err
	}
	return root.pack(nil, value, "")
}

// File is a text with the name that it has in messages.
type File struct {
	Name string
	Text []byte
}

// StyleError says that a file has not the style of yamllint.
type StyleError struct {
	File string
	Problem
}

// Error returns the original's wording.
func (e *StyleError) Error() string {
	return fmt.Sprintf("Yamllint error: Line %d in %s: %s", e.Line, e.File, e.Rule)
}

// SchemaError says that a file is not what its schema allows, or that the schema
// cannot be used.
type SchemaError struct {
	File string
	Line int
	Msg  string
}

// Error returns the original's wording, with more of a place.
func (e *SchemaError) Error() string {
	return fmt.Sprintf("Schema validation error: %s (line %d in %s)", e.Msg, e.Line, e.File)
}
