// SPDX-License-Identifier: GPL-2.0-or-later

package fields_test

import (
	"fmt"
	"strings"
	"testing"

	"binman/describe/fields"
)

// kinds has a property of each kind, and a structure within it.
type kinds struct {
	shared
	Bool   bool          `dt:"bool,arg" doc:"d1"`
	Byte   uint8         `dt:"byte"`
	Cell   uint32        `dt:"cell,arg"`
	Long   uint64        `dt:"long"`
	Int    int64         `dt:"int,arg"`
	Opt    fields.OptInt `dt:"opt,arg"`
	Str    string        `dt:"str,arg"`
	Strs   []string      `dt:"strs"`
	Cells  []uint32      `dt:"cells"`
	Bytes  []byte        `dt:"bytes"`
	Must   string        `dt:"vendor,must,required,arg"`
	Ignore int
}

type shared struct {
	Shared string `dt:"shared" doc:"of an embedded struct"`
}

// Documentation comes from the same tags.
func TestProperties(t *testing.T) {
	var got []string
	for _, p := range fields.Of(kinds{}) {
		s := p.Name + ": " + p.Kind
		if p.Required {
			s += ", required"
		}
		if p.Arg {
			s += ", arg"
		}
		if p.Doc != "" {
			s += ", " + p.Doc
		}
		got = append(got, s)
	}
	want := []string{
		"shared: string, of an embedded struct", "bool: presence, arg, d1", "byte: one byte", "cell: integer, arg", "long: 64-bit integer",
		"int: integer, arg", "opt: integer, arg", "str: string, arg", "strs: string list", "cells: cells", "bytes: bytes", "vendor,must: string, required, arg",
	}
	if s := strings.Join(got, "\n"); s != strings.Join(want, "\n") {
		t.Errorf("properties:\n%s", s)
	}
	if list := fields.Of(3); len(list) != 0 {
		t.Errorf("a number has properties %v", list)
	}
	if a, b := fields.Of(&kinds{}), fields.Of(kinds{}); len(a) != len(b) {
		t.Error("a pointer has other properties")
	}
	defer func() {
		if s := fmt.Sprint(recover()); s != "no property can be decoded into float64" {
			t.Errorf("panic %s", s)
		}
	}()
	fields.Of(struct {
		F float64 `dt:"f"`
	}{})
}
