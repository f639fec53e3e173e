// SPDX-License-Identifier: GPL-2.0-or-later

package fdt

import (
	"errors"
	"fmt"
	"testing"
)

// Values, as dtc would write them, read in every way; "-" marks an error, whose
// text after "Node 'n' property 'p' " is in another column.
func TestTypedReads(t *testing.T) {
	for _, c := range []struct {
		value                          string
		u32, u64, u32s, byt, str, strs string
	}{
		{"", "-has length 0, expecting 4: a single integer", "-should be a list with 2 items for 64-bit values", "[]",
			"-has length 0, expecting 1", "", "[]"},
		{"\x00\x00\x01\x02", "258", "258", "[258]",
			"-has length 4, expecting 1", "-has integer value: expecting a single string", "-has no strings: expecting a list of strings"},
		{"\x00\x00\x00\x01\x00\x00\x00\x02", "-has list value: expecting a single integer", "4294967298", "[1 2]",
			"-has list value: expecting a single byte", "-has list value: expecting a single string", "-has no strings: expecting a list of strings"},
		{"\xff", "-has length 1, expecting 4: a single integer", "-should be a list with 2 items for 64-bit values",
			"-has length 1, expecting a multiple of 4: a list of integers", "255", "-has integer value: expecting a single string", "-has no strings: expecting a list of strings"},
		{"a\x00", "-has length 2, expecting 4: a single integer", "-should be a list with 2 items for 64-bit values",
			"-has length 2, expecting a multiple of 4: a list of integers", "97", "a", "[a]"},
		{"abc\x00", "1633837824", "1633837824", "[1633837824]", "-has length 3, expecting 1", "abc", "[abc]"},
		{"hello\x00", "-has length 6, expecting 4: a single integer", "-should be a list with 2 items for 64-bit values",
			"-has length 6, expecting a multiple of 4: a list of integers", "-has length 5, expecting 1", "hello", "[hello]"},
		{"ab\x00cd\x00", "-has list value: expecting a single integer", "-should be a list with 2 items for 64-bit values",
			"-has length 6, expecting a multiple of 4: a list of integers", "-has list value: expecting a single byte", "-has list value: expecting a single string", "[ab cd]"},
		{"\x00", "-has length 1, expecting 4: a single integer", "-should be a list with 2 items for 64-bit values",
			"-has length 1, expecting a multiple of 4: a list of integers", "0", "", "[]"},
		{"caf\u00e9\x00", "-has list value: expecting a single integer", "-should be a list with 2 items for 64-bit values",
			"-has length 6, expecting a multiple of 4: a list of integers", "-has list value: expecting a single byte", "caf\u00e9", "[caf\u00e9]"},
		{"a\nb\x00", "1628070400", "1628070400", "[1628070400]", "-has length 4, expecting 1", "a\nb", "[a\nb]"},
		{"a\x01b\x00", "1627480576", "1627480576", "[1627480576]",
			"-has length 4, expecting 1", "-has integer value: expecting a single string", "-has no strings: expecting a list of strings"},
	} {
		t.Run(fmt.Sprintf("%q", c.value), func(t *testing.T) {
			n := New().Root.AddSubnode("n")
			n.SetProp("p", []byte(c.value))
			check(t, "U32", c.u32)(n.U32("p"))
			check(t, "U64", c.u64)(n.U64("p"))
			check(t, "U32s", c.u32s)(n.U32s("p"))
			check(t, "Byte", c.byt)(n.Byte("p"))
			check(t, "Str", c.str)(n.Str("p"))
			check(t, "Strs", c.strs)(n.Strs("p"))
			if b, ok := n.Bytes("p"); string(b) != c.value || !ok || !n.Bool("p") {
				t.Errorf("Bytes is %q, %v", b, ok)
			}
			if _, ok, err := n.U32("q"); ok || err != nil {
				t.Errorf("absent property: %v, %v", ok, err)
			}
		})
	}
}

// checker takes the results of a typed read.
type checker func(v any, ok bool, err error)

func check(t *testing.T, what, want string) checker {
	return func(v any, ok bool, err error) {
		t.Helper()
		got := fmt.Sprint(v)
		if err != nil {
			got = "-" + err.Error()
			var e *ValueError
			if !errors.As(err, &e) || e.Node.Path() != "/n" || e.Prop != "p" {
				t.Errorf("%s: %#v", what, err)
			}
		}
		if len(want) > 0 && want[0] == '-' {
			want = "-Node 'n' property 'p' " + want[1:]
		}
		if got != want || ok != (err == nil) {
			t.Errorf("%s: got %s, %v, want %s", what, got, ok, want)
		}
	}
}

func TestOtherReads(t *testing.T) {
	tree := base(t)
	n := tree.Node("/user")
	if v, ok, err := n.Phandles("from"); fmt.Sprint(v, ok, err) != "[1 2] true <nil>" {
		t.Errorf("phandles %v, %v, %v", v, ok, err)
	}

	if b, ok, err := n.BytesN("from", 8); len(b) != 8 || !ok || err != nil {
		t.Errorf("BytesN gives %v, %v, %v", b, ok, err)
	}
	_, ok, err := n.BytesN("from", 16)
	if ok || fmt.Sprint(err) != "Node 'user' property 'from' has length 8, expecting 16" {
		t.Errorf("got %v, %v", ok, err)
	}

	n.SetProp("at", []byte("\x00\x00\x00\x02_start\x00\x00\x00\x01\x00"))
	if v, ok, err := n.NameOffset("at"); v.Node != tree.Node("/more") || v.Name != "_start" || v.Offset != 256 || !ok || err != nil {
		t.Errorf("NameOffset gives %v, %v, %v", v, ok, err)
	}
	for _, bad := range []string{"", "\x00\x00\x00\x02", "\x00\x00\x00\x02_start", "\x00\x00\x00\x02_start\x00\x00\x00\x01", "\x00\x00\x00\x02_start\x00\x00\x00\x01\x00\x00"} {
		n.SetProp("at", []byte(bad))
		if v, ok, err := n.NameOffset("at"); ok || err == nil {
			t.Errorf("%q: NameOffset gives %v", bad, v)
		}
	}

	n.SetString("args", " -a  b ")
	n.SetStrings("list", "-a", "b c")
	n.SetU32s("cells", 1, 2)
	n.SetProp("none", nil)
	n.SetU64("long", 1<<40)
	if v, _, err := n.U64("long"); v != 1<<40 || err != nil {
		t.Errorf("long is %d, %v", v, err)
	}
	for _, c := range []struct{ name, want string }{
		{"args", `["-a" "b"] <nil>`},
		{"list", `["-a" "b c"] <nil>`},
		{"none", `[] <nil>`},
		{"gone", `[] Node '/user': Expected property 'gone'`},
		{"cells", `[] Node 'user' property 'cells' has no strings: expecting a list of strings`},
	} {
		v, err := n.Args(c.name)
		if got := fmt.Sprintf("%q %v", v, err); got != c.want {
			t.Errorf("%s: got %s, want %s", c.name, got, c.want)
		}
	}
}
