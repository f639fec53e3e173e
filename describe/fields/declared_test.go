// SPDX-License-Identifier: GPL-2.0-or-later

package fields_test

import (
	"reflect"
	"testing"

	"binman/describe/fields"
	"binman/fdt"
)

// loose has a property of its own, and others that are declared.
type loose struct {
	Own  uint32 `dt:"own"`
	more fields.Declared
}

func (l *loose) Declared() *fields.Declared { return &l.more }

// Properties that are declared are read, asked for and documented as those of tags.
func TestDeclared(t *testing.T) {
	values := map[string]struct {
		value []byte
		want  any
	}{
		"presence":       {nil, true},
		"one byte":       {[]byte{7}, uint8(7)},
		"integer":        {[]byte{0, 0, 1, 0}, int64(256)},
		"64-bit integer": {[]byte{1, 0, 0, 0, 0, 0, 0, 0}, uint64(1 << 56)},
		"string":         {[]byte("a\x00"), "a"},
		"string list":    {[]byte("a\x00b\x00"), []string{"a", "b"}},
		"cells":          {[]byte{0, 0, 0, 1, 0, 0, 0, 2}, []uint32{1, 2}},
		"bytes":          {[]byte{1, 2, 3}, []byte{1, 2, 3}},
		"file":           {[]byte("a\x00"), "a"},
		"files":          {[]byte("a\x00b\x00"), []string{"a", "b"}},
		"entries":        {[]byte{0, 0, 0, 1}, []uint32{1}},
		"places":         {[]byte{0, 0, 0, 1}, []uint32{1}},
	}
	v := &loose{}
	node := &fdt.Node{Name: "node"}
	node.SetProp("own", []byte{0, 0, 0, 5})
	for _, kind := range fields.DeclaredKinds() {
		v.more.Props = append(v.more.Props, &fields.Property{Name: "p-" + kind, Kind: kind, Required: kind == "file"})
		test, ok := values[kind]
		if !ok {
			t.Fatalf("no value for the kind '%s'", kind)
		}
		node.SetProp("p-"+kind, test.value)
	}
	schemas := fields.Schemas{}
	if errs := schemas.Decode(node, nil, v); len(errs) > 0 {
		t.Fatal(errs)
	}
	for kind, test := range values {
		if got := v.more.Get("p-" + kind); !reflect.DeepEqual(got, test.want) {
			t.Errorf("%s: %v, want %v", kind, got, test.want)
		}
	}
	if v.Own != 5 || v.more.Get("other") != nil {
		t.Errorf("own %d, other %v", v.Own, v.more.Get("other"))
	}
	if n := len(fields.Of(v)); n != 1+len(values) {
		t.Errorf("%d properties", n)
	}
	// Another value of the same Go type declares others.
	if missing := schemas.Of(&loose{}).Missing(&fdt.Node{}); len(missing) > 0 {
		t.Errorf("missing %v", missing)
	}
	if missing := schemas.Of(v).Missing(&fdt.Node{}); !reflect.DeepEqual(missing, []string{"p-file"}) {
		t.Errorf("missing %v", missing)
	}
	node.SetProp("p-integer", []byte{1})
	if errs := schemas.Decode(node, nil, v); len(errs) != 1 {
		t.Errorf("a bad value: %v", errs)
	}
	// An entry argument overrides the value.
	arg := &loose{more: fields.Declared{Props: []*fields.Property{{Name: "s", Kind: "string", Arg: true}, {Name: "i", Kind: "integer", Arg: true}}}}
	if errs := schemas.Decode(&fdt.Node{}, map[string]string{"s": "x", "i": "12"}, arg); len(errs) > 0 {
		t.Error(errs)
	}
	if s, i := arg.more.Get("s"), arg.more.Get("i"); s != "x" || i != int64(12) {
		t.Errorf("arguments %v, %v", s, i)
	}
}
