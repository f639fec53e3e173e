// SPDX-License-Identifier: GPL-2.0-or-later

package layout_test

import (
	"fmt"
	"strings"
	"testing"

	"binman/content"
	"binman/layout"
)

// alternates is a section that is written once more with another device tree.
type alternates struct {
	layout.Section
	Tree string `dt:"tree"`
	To   string `dt:"to"`

	only string // names of those that are written
}

func (a *alternates) Finish(ctx *layout.Context, e *layout.Entry) error {
	if !strings.Contains(a.only, e.Name) {
		return nil
	}
	data, err := ctx.Variant(e, content.String(a.Tree))
	if err != nil {
		return err
	}
	return ctx.Output.Write(a.To, data)
}

// altered returns types with alternates, of which those are written whose names
// are in only.
func altered(only string) func(*layout.Options) {
	return func(o *layout.Options) {
		o.Types = with(layout.TypeInfo{Name: "alternates", Compress: true, New: func() layout.Type { return &alternates{only: only} }})
		o.WriteMap = true
	}
}

// An alternate is what the section would be if all device trees in it were
// another one: of the size of the section, unless the tree is larger.
func TestVariant(t *testing.T) {
	big := strings.Repeat("T", 2000)
	size := len(tree(t, "")) // what every tree has at least
	for _, c := range []struct {
		name, body string
		want       func(section string) string
	}{
		{"tree", `dtb { };`, func(s string) string { return big + strings.Repeat("\x00", max(0, len(s)-len(big))) }},
		{"others stay", `a { is = "aaa"; }; b { is = "b"; offset = <8>; };`, func(s string) string { return s }},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := machine{opt: altered("x")}.build(t, `pad-byte = <0x2e>; x { type = "alternates"; tree = "`+big+`"; to = "alt"; `+c.body+` };`).good(t)
			section := text(t, r.entry(t, "x").Data)
			if got, want := string(r.file(t, "alt")), c.want(section); got != want {
				t.Errorf("alternate of %d bytes, want %d", len(got), len(want))
			}
		})
	}
	for _, c := range []struct{ name, props, body, want string }{
		// The tree of the build is larger than "T".
		{"filled up", "", `dtb { }; a { is = "a"; };`, "T{zeros}a"},
		{"before and after", "", `a { is = "a"; }; dtb { }; b { is = "b"; };`, "aT{zeros}b"},
		{"padded", "pad-byte = <0x2e>; pad-before = <1>; pad-after = <2>;", `dtb { };`, "\x00T{zeros}\x00\x00"},
		{"in a section", "", `section { dtb { }; a { is = "a"; }; };`, "T{zeros}a"},
		{"in a box", "", `box { wide; dtb { }; a { is = "a"; }; };`, "{digits}T{zeros}|0001a|"},
		{"two", "", `dtb { }; section { dtb { }; };`, "T{zeros}T{zeros}"},
		{"wanted", "", `x: dtb { }; wants { of = <&x>; };`, "T{zeros}T{zeros}"},
		{"holes", "pad-byte = <0x2e>;", `dtb { }; b { hole; size = <3>; }; a { is = "a"; };`, "T{zeros}...a"},
		{"absent", "pad-byte = <0x2e>;", `dtb { }; b { absent = "no"; optional; is = "bb"; }; a { is = "a"; };`, "T{zeros}..a"},
		{"overlap", "", `dtb { }; a { is = "a"; overlap; offset = <0>; };`, "a{zeros}"},
		{"sorted", "sort-by-offset;", `a { is = "a"; offset = <3000>; }; dtb { offset = <1>; }; b { is = "b"; offset = <0>; };`, "bT{zeros}{gap}a"},
		{"sorted within", "", `section { sort-by-offset; a { is = "a"; offset = <3000>; }; dtb { offset = <1>; }; b { is = "b"; offset = <0>; }; };`, "bT{zeros}{gap}a"},
		{"that grows", "", `dtb { }; grow { is = "g"; then = "G"; };`, "T{zeros}G"},
		{"generated", "", `dtb { }; maker { names = "n", "m"; };`, "T{zeros}nm"},
		{"beside a hash", "", `section { a { is = "a"; }; hash { algo = "sha256"; }; }; dtb { };`, "aT{zeros}"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := machine{opt: altered("x")}.build(t, `c { is = "c"; }; x { type = "alternates"; tree = "T"; to = "alt"; `+c.props+c.body+` }; d { is = "d"; };`).good(t)
			n := find(r.Images[0], "dtb").Size.Value
			want := strings.NewReplacer("{zeros}", strings.Repeat("\x00", int(n)-1), "{gap}", strings.Repeat("\x00", max(0, 3000-1-int(n))),
				"{digits}", fmt.Sprintf("%04x", n)).Replace(c.want)
			if got := string(r.file(t, "alt")); got != want {
				t.Errorf("alternate %q\nwant      %q", got, want)
			}
			if n < int64(size) {
				t.Errorf("the tree has %d bytes", n)
			}
		})
	}
}

// Alternates change nothing of what a build makes, in whatever order they
// come, and do not depend on each other.
func TestVariantDisturbsNothing(t *testing.T) {
	const x = `x { type = "alternates"; tree = "X"; to = "x.alt"; section { dtb { }; a { is = "a"; }; hash { algo = "sha256"; }; }; box { wide; dtb { box-compress = "gzip"; }; }; };`
	const y = `y { type = "alternates"; tree = "a longer one"; to = "y.alt"; compress = "gzip"; grow { is = "g"; then = "GG"; }; dtb { compress = "lz4"; }; };`
	const rest = `dtb { }; fdtmap { }; d { is = "d"; missing = "d.bin"; optional; }; header { };`
	files := func(only, body string) map[string]string {
		m := machine{opt: altered(only)}
		r := m.build(t, "allow-repack; "+body).good(t)
		out := map[string]string{"log": r.out.String() + r.log.String()}
		for name, data := range readAll(t, r.dir) {
			if name != "source.dtb" {
				out[name] = string(data)
			}
		}
		return out
	}
	for name, body := range map[string]string{"first": x + y + rest, "last": rest + x + y, "around": x + rest + y, "nested": strings.Replace(x, "a { is", y+"a { is", 1) + rest} {
		with, without := files("xy", body), files("", body)
		if len(with) != len(without)+2 || with["x.alt"] == "" || with["y.alt"] == "" {
			t.Errorf("%s: files %d and %d", name, len(with), len(without))
		}
		for file, data := range without {
			if with[file] != data {
				t.Errorf("%s: with alternates, %s is another", name, file)
			}
		}
	}
	both, one := files("xy", x+y+rest), files("x", x+y+rest)
	if both["x.alt"] != one["x.alt"] || !strings.Contains(one["x.alt"], "X") {
		t.Error("alternates depend on each other")
	}
}

// failing works in a build, and fails where it is made anew.
type failing struct {
	piece
	fail string
	ran  *int
}

func (f *failing) Update(ctx *layout.Context, e *layout.Entry) (content.Data, error) {
	if *f.ran++; *f.ran > 1 && f.fail == "update" {
		return content.Data{}, e.Errorf("told to fail")
	}
	return content.String("f"), nil
}

func (f *failing) Generate(ctx *layout.Context, e *layout.Entry) error {
	if *f.ran > 0 && f.fail == "generate" {
		return e.Errorf("told to fail")
	}
	return nil
}

func (f *failing) Depends(ctx *layout.Context, e *layout.Entry) ([]*layout.Entry, error) {
	if *f.ran > 0 && f.fail == "depend" {
		return nil, e.Errorf("told to fail")
	}
	return nil, nil
}

// What goes wrong in an alternate is an error of the build.
func TestVariantErrors(t *testing.T) {
	for _, fail := range []string{"update", "generate", "depend"} {
		ran := 0
		m := machine{opt: func(o *layout.Options) {
			altered("x")(o)
			o.Types["failing"] = &layout.TypeInfo{Name: "failing", New: func() layout.Type { return &failing{fail: fail, ran: &ran} }}
		}}
		r := m.build(t, `x { type = "alternates"; to = "alt"; failing { }; };`)
		wantError(t, r.err, "Node '/binman/x/failing': told to fail")
	}
	m := machine{opt: altered("x")}
	wantError(t, m.build(t, `x { type = "alternates"; to = "../alt"; };`).err, "is outside the output directory")
}
