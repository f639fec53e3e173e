// SPDX-License-Identifier: GPL-2.0-or-later

package layout_test

import (
	"errors"
	"reflect"
	"testing"

	"binman/content"
	"binman/layout"
)

// kinds has a property of each kind, and a structure within it.
type kinds struct {
	shared
	Bool   bool          `dt:"bool,arg" doc:"d1"`
	Byte   uint8         `dt:"byte"`
	Cell   uint32        `dt:"cell,arg"`
	Long   uint64        `dt:"long"`
	Int    int64         `dt:"int,arg"`
	Opt    layout.OptInt `dt:"opt,arg"`
	Str    string        `dt:"str,arg"`
	Strs   []string      `dt:"strs"`
	Cells  []uint32      `dt:"cells"`
	Bytes  []byte        `dt:"bytes"`
	Must   string        `dt:"vendor,must,required,arg"`
	Ignore int

	seen *kinds
}

type shared struct {
	Shared string `dt:"shared" doc:"of an embedded struct"`
}

func (k *kinds) Read(ctx *layout.Context, e *layout.Entry) error {
	*k.seen = *k
	return nil
}

func (k *kinds) Contents(ctx *layout.Context, e *layout.Entry) (content.Data, error) {
	return content.Data{}, nil
}

// decode reads an entry with the given properties and arguments.
func decode(t *testing.T, props string, args map[string]string) (kinds, error) {
	t.Helper()
	var seen kinds
	m := machine{opt: func(o *layout.Options) {
		o.Types = with(layout.TypeInfo{Name: "kinds", New: func() layout.Type { return &kinds{seen: &seen} }})
		o.Args = args
	}}
	r := m.build(t, `kinds { `+props+` };`)
	seen.seen = nil
	return seen, r.err
}

// What properties hold goes into fields, as their Go types ask for.
func TestDecode(t *testing.T) {
	const must = `vendor,must = "m";`
	for _, c := range []struct {
		name, props string
		args        map[string]string
		want        kinds
	}{
		{"nothing", ``, nil, kinds{}},
		{"bool", `bool;`, nil, kinds{Bool: true}},
		{"bool with a value", `bool = <0>;`, nil, kinds{Bool: true}},
		{"byte", `byte = [fe];`, nil, kinds{Byte: 0xfe}},
		{"cell", `cell = <0xfedcba98>;`, nil, kinds{Cell: 0xfedcba98}},
		{"long", `long = <0xfedcba98 0x76543210>;`, nil, kinds{Long: 0xfedcba9876543210}},
		{"long of 64 bits", `long = /bits/ 64 <1>;`, nil, kinds{Long: 1}},
		{"int", `int = <5>;`, nil, kinds{Int: 5}},
		{"int of two cells", `int = <5 6>;`, nil, kinds{Int: 5<<32 + 6}},
		{"number", `opt = <0>;`, nil, kinds{Opt: layout.Some(0)}},
		{"number of two cells", `opt = <1 0>;`, nil, kinds{Opt: layout.Some(1 << 32)}},
		{"largest number", `opt = <0x100 0>;`, nil, kinds{Opt: layout.Some(1 << 40)}},
		{"string", `str = "x y";`, nil, kinds{Str: "x y"}},
		{"strings", `strs = "x", "", "y";`, nil, kinds{Strs: []string{"x", "", "y"}}},
		{"one of strings", `strs = "x";`, nil, kinds{Strs: []string{"x"}}},
		{"cells", `cells = <1 2>, <3>;`, nil, kinds{Cells: []uint32{1, 2, 3}}},
		{"bytes", `bytes = <1>, [02], "a";`, nil, kinds{Bytes: []byte{0, 0, 0, 1, 2, 'a', 0}}},
		{"embedded", `shared = "s";`, nil, kinds{shared: shared{"s"}}},
		{"arguments", ``, map[string]string{"bool": "1", "cell": "7", "int": " -3 ", "opt": "4", "str": "s", "vendor,must": "n", "shared": "no argument"},
			kinds{Bool: true, Cell: 7, Int: -3, Opt: layout.Some(4), Str: "s", Must: "n"}},
		{"arguments win", `bool; cell = <1>; str = "x";`, map[string]string{"bool": "n", "cell": "2", "str": ""}, kinds{Cell: 2}},
		{"zero is no", `bool;`, map[string]string{"bool": "0"}, kinds{}},
		{"empty is no", `bool;`, map[string]string{"bool": ""}, kinds{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.want.Must == "" {
				c.want.Must = "m"
			}
			got, err := decode(t, must+c.props, c.args)
			if err != nil || !reflect.DeepEqual(got, c.want) {
				t.Errorf("%+v, error %v\nwant %+v", got, err, c.want)
			}
		})
	}
}

func TestDecodeErrors(t *testing.T) {
	const must = `vendor,must = "m";`
	for _, c := range []struct {
		name, props string
		args        map[string]string
		want        string
	}{
		{"required", ``, nil, "Node '/binman/kinds': 'kinds' entry is missing properties: vendor,must"},
		{"required, not as an argument", ``, map[string]string{"vendor,must": "x"}, "missing properties: vendor,must"},
		{"byte", must + `byte = [01 02];`, nil, "Node 'kinds' property 'byte'"},
		{"byte in a cell", must + `byte = <1>;`, nil, "Node 'kinds' property 'byte' has length 4, expecting 1"},
		{"cell of two", must + `cell = <1 2>;`, nil, "Node 'kinds' property 'cell' has list value: expecting a single integer"},
		{"cell without value", must + `cell;`, nil, "Node 'kinds' property 'cell'"},
		{"long of one", must + `long = <1>;`, nil, "Node 'kinds' property 'long' should be a list with 2 items for 64-bit values"},
		{"int of three", must + `int = <1 2 3>;`, nil, "Node 'kinds' property 'int' has list value: expecting a single integer"},
		{"int that is too large", must + `int = <0x100 1>;`, nil, "Node 'kinds' property 'int' is 0x10000000001: larger than any image"},
		{"number that is too large", must + `opt = <0xffffffff 0xffffffff>;`, nil, "Node 'kinds' property 'opt' is 0xffffffffffffffff: larger than any image"},
		{"string that is none", must + `str = <1 2>;`, nil, "Node 'kinds' property 'str'"},
		{"cells that are none", must + `cells = [01 02 03];`, nil, "Node 'kinds' property 'cells'"},
		{"argument", must, map[string]string{"opt": "four"}, "Node '/binman/kinds': Cannot convert entry arg 'opt' (value 'four') to integer"},
		{"argument of a cell", must, map[string]string{"cell": "0x10"}, "Node '/binman/kinds': Cannot convert entry arg 'cell' (value '0x10') to integer"},
		{"argument that is too large for a cell", must, map[string]string{"cell": "4294967296"}, "Node '/binman/kinds': Entry arg 'cell' (value '4294967296') does not fit in 32 bits"},
		{"argument that is negative for a cell", must, map[string]string{"cell": "-1"}, "Node '/binman/kinds': Entry arg 'cell' (value '-1') does not fit in 32 bits"},
		{"common property", must + `size = "x";`, nil, "Node 'kinds' property 'size'"},
		{"old name", must + `pos = <1>;`, nil, "Node '/binman/kinds': Please use 'offset' instead of 'pos'"},
		{"another old name", must + `expand-size;`, nil, "Node '/binman/kinds': Please use 'extend-size' instead of 'expand-size'"},
		{"type", `type = <1>, <2>;`, nil, "Node 'kinds' property 'type'"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := decode(t, c.props, c.args)
			wantError(t, err, c.want)
			var ne *layout.NodeError
			if errors.As(err, &ne) && ne.Pos.Line == 0 {
				t.Error("the error does not say where")
			}
		})
	}
}
