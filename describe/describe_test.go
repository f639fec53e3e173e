// SPDX-License-Identifier: GPL-2.0-or-later

package describe

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"binman/dts"
	"binman/fdt"
)

// write writes a file in a directory of the test's own, and returns its path.
func write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
	return path
}

func source(body string) string { return "/dts-v1/;\n/ {\n" + body + "\n};\n" }

// load loads source with the given body of the root node.
func load(t *testing.T, body string) (*fdt.Tree, error) {
	t.Helper()
	return Load(write(t, "image.dts", source(body)), Options{})
}

// show shows a tree on one line: nodes as name(properties subnodes), numbers
// and strings as they are, two numbers as &2.
func show(n *fdt.Node) string {
	if n == nil {
		return "nothing"
	}
	var parts []string
	for _, p := range n.Props {
		s := p.Name
		if v := string(p.Value); len(v) == 4 && v[0] == 0 {
			s += fmt.Sprintf("=%d", v[3])
		} else if len(v) == 8 && v[0] == 0 {
			s += "=&2"
		} else if v != "" {
			s += "=" + strings.TrimRight(v, "\x00")
		}
		parts = append(parts, s)
	}
	for _, sub := range n.Subnodes {
		parts = append(parts, show(sub))
	}
	if len(parts) == 0 {
		return n.Name
	}
	return n.Name + "(" + strings.Join(parts, " ") + ")"
}

// Templates go into the nodes that ask for them, and then away. What a node has
// already stays as it is.
func TestTemplates(t *testing.T) {
	for _, c := range []struct{ name, body, want string }{
		{"none", `a { };`, "binman(a)"},
		{"subnodes", `t: template { x { p = <1>; }; y { }; }; a { insert-template = <&t>; };`, "binman(a(insert-template=1 x(p=1) y))"},
		{"before what there is", `t: template { x { }; }; a { insert-template = <&t>; b { }; };`, "binman(a(insert-template=1 x b))"},
		{"properties", `t: template { p = <1>; q = <2>; }; a { insert-template = <&t>; };`, "binman(a(insert-template=1 p=1 q=2))"},
		{"properties that are there", `t: template { p = <1>; q = <2>; }; a { insert-template = <&t>; p = <7>; };`, "binman(a(insert-template=1 p=7 q=2))"},
		{"subnodes that are there", `t: template { x { p = <1>; q = <2>; s { }; }; }; a { insert-template = <&t>; x { p = <7>; r = <3>; }; };`,
			"binman(a(insert-template=1 x(p=7 r=3 q=2 s)))"},
		{"several", `t: template { p = <1>; x { }; }; u: template-2 { p = <2>; q = <2>; y { }; }; a { insert-template = <&t &u>; b { }; };`, "binman(a(insert-template=&2 p=2 q=2 x y b))"},
		{"in a template", `t: template { x { insert-template = <&u>; }; }; u: template-2 { y { }; }; a { insert-template = <&t>; };`, "binman(a(insert-template=2 x(insert-template=1 y)))"},
		{"deep", `t: template { x { }; }; a { b { c { insert-template = <&t>; }; }; };`, "binman(a(b(c(insert-template=1 x))))"},
		{"of another node", `t: other { x { }; }; a { insert-template = <&t>; };`, "binman(other(phandle=1 x) a(insert-template=1 x))"},
		{"of a node elsewhere", `a { insert-template = <&out>; };`, "binman(a(insert-template=1 x))"},
		{"all that start so", `template { }; template@1 { }; template-x { }; templates { }; mytemplate { }; t: template-y { }; a { insert-template = <&t>; };`, "binman(mytemplate a(insert-template=1))"},
		{"without anybody who asks", `template { x { }; };`, "binman(template(x))"},
	} {
		t.Run(c.name, func(t *testing.T) {
			body := "binman { " + c.body + " };"
			if strings.Contains(c.body, "&out") {
				body += " out: elsewhere { x { }; };"
			}
			tree, err := load(t, body)
			if err != nil {
				t.Fatal(err)
			}
			if got := show(tree.Root.Child("binman")); got != c.want {
				t.Errorf("%s\nwant %s", got, c.want)
			}
		})
	}
}

// What templates cannot do is said with the place in the source.
func TestTemplateErrors(t *testing.T) {
	const endless = "insert-template of '/binman/%s', which holds the node itself"
	for _, c := range []struct{ name, body, want, at string }{
		{"no such node", `a { insert-template = <99>; };`, "Node '/binman/a': insert-template names a node that does not exist", "3:1"},
		{"no such second node", "t: template { };\na { insert-template = <&t 99>; };", "Node '/binman/a': insert-template names a node that does not exist", "4:1"},
		{"itself", `a: a { insert-template = <&a>; };`, "Node '/binman/a': " + fmt.Sprintf(endless, "a"), "3:4"},
		{"what holds it", `a: a { b { insert-template = <&a>; }; };`, "Node '/binman/a/b': " + fmt.Sprintf(endless, "a"), "3:8"},
		{"each other", `t: template { x { insert-template = <&u>; }; }; u: template-2 { y { insert-template = <&t>; }; };`, "Node '/binman/template/x/y': " + fmt.Sprintf(endless, "template"), ""},
		{"not numbers", `a { insert-template = "x", "yz"; };`, "insert-template", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := load(t, "binman {\n"+c.body+"\n};")
			if err == nil {
				t.Fatal("no error")
			}
			if !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v\nwant  %s", err, c.want)
			}
			var ne *NodeError
			if c.at == "" {
				return
			}
			if !errors.As(err, &ne) || fmt.Sprintf("%d:%d", ne.Pos.Line-1, ne.Pos.Col) != c.at {
				t.Errorf("error at %v, want %s", ne.Pos, c.at)
			}
		})
	}
}

// Templates that double in each other would fill all memory.
func TestTemplatesGrow(t *testing.T) {
	tree, err := dts.CompileSource("x", []byte(source("binman { a { insert-template = <&t>; }; t: template { x { }; y { }; }; };")), dts.Options{})
	if err != nil {
		t.Fatal(err)
	}
	in := inserter{nodes: maxTemplateNodes - 3}
	if _, err := in.below(tree.Root.Child("binman"), 0); err != nil {
		t.Error(err)
	}
	if tree, err = dts.CompileSource("x", []byte(source("binman { a { insert-template = <&t>; }; t: template { x { }; y { }; }; };")), dts.Options{}); err != nil {
		t.Fatal(err)
	}
	in.nodes = maxTemplateNodes - 2
	_, err = in.below(tree.Root.Child("binman"), 0)
	if err == nil || err.Error() != "Node '/binman/a': templates make too many nodes: is a template inserted into itself?" {
		t.Errorf("error %v", err)
	}
}

// Positions in the source stay with nodes and properties when the tree is read
// again after templates.
func TestTemplatePositions(t *testing.T) {
	tree, err := load(t, "binman {\nt: template { x { p = <1>; }; };\na { insert-template = <&t>;\n q = <2>; };\n};")
	if err != nil {
		t.Fatal(err)
	}
	a := tree.Node("/binman/a")
	for what, c := range map[string]struct {
		pos  fdt.Pos
		want string
	}{
		"a": {a.Pos, "5:1"}, "q": {a.Prop("q").Pos, "6:2"}, "x": {a.Child("x").Pos, "4:15"}, "p": {a.Child("x").Prop("p").Pos, "4:19"},
	} {
		if got := fmt.Sprintf("%d:%d", c.pos.Line, c.pos.Col); got != c.want {
			t.Errorf("%s is at %s, want %s", what, got, c.want)
		}
	}
}

// Parents need the boot phases of what they hold.
func TestBootPhases(t *testing.T) {
	for _, c := range []struct{ name, body, want string }{
		{"none", `binman { }; x { y { }; };`, "/(binman x(y))"},
		{"all", `binman { }; x { y { bootph-all; }; };`, "/(bootph-all binman x(bootph-all y(bootph-all)))"},
		{"some-ram", `binman { }; x { y { bootph-some-ram; }; };`, "/(bootph-some-ram binman x(bootph-some-ram y(bootph-some-ram)))"},
		{"both", `binman { }; x { y { bootph-some-ram; bootph-all; }; };`, "/(bootph-all bootph-some-ram binman x(bootph-all bootph-some-ram y(bootph-some-ram bootph-all)))"},
		{"others stay where they are", `binman { }; x { y { bootph-pre-ram; bootph-verify; }; };`, "/(binman x(y(bootph-pre-ram bootph-verify)))"},
		{"there already", `bootph-all; binman { }; x { bootph-all; y { bootph-all; }; };`, "/(bootph-all binman x(bootph-all y(bootph-all)))"},
		{"brothers", `binman { }; x { y { bootph-all; }; z { }; };`, "/(bootph-all binman x(bootph-all y(bootph-all) z))"},
		{"in what templates insert", `binman { t: template { x { bootph-all; }; }; a { insert-template = <&t>; }; };`,
			"/(bootph-all binman(bootph-all a(bootph-all insert-template=1 x(bootph-all))))"},
	} {
		t.Run(c.name, func(t *testing.T) {
			tree, err := load(t, c.body)
			if err != nil {
				t.Fatal(err)
			}
			// The order of new properties is that of the blob.
			again, err := fdt.Parse(tree.Marshal())
			if err != nil {
				t.Fatal(err)
			}
			if got := show(again.Root); got != c.want {
				t.Errorf("%s\nwant %s", got, c.want)
			}
		})
	}
}

// A blob is described by itself, and keeps its bytes if nothing in it changes.
func TestBlob(t *testing.T) {
	made, err := dts.CompileSource("x", []byte(source("binman { a { p = <1>; }; };")), dts.Options{})
	if err != nil {
		t.Fatal(err)
	}
	blob := made.Marshal()
	tree, err := Load(write(t, "image.dtb", string(blob)), Options{Keep: func(string, []byte) error {
		t.Error("a blob is kept")
		return nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	if string(tree.Marshal()) != string(blob) {
		t.Error("the bytes have changed")
	}
	if got := show(tree.Root); got != "/(binman(a(p=1)))" {
		t.Error(got)
	}
}

// The stages of reading can be looked at.
func TestKeep(t *testing.T) {
	var kept []string
	keep := func(name string, blob []byte) error {
		tree, err := fdt.Parse(blob)
		if err != nil {
			t.Fatal(err)
		}
		kept = append(kept, name+": "+show(tree.Root.Child("binman")))
		return nil
	}
	var debug []string
	opt := Options{Keep: keep, Debug: func(msg string) { debug = append(debug, msg) }}
	if _, err := Load(write(t, "image.dts", source(`binman { t: template { x { }; }; a { insert-template = <&t>; }; };`)), opt); err != nil {
		t.Fatal(err)
	}
	want := []string{
		"source.dtb: binman(template(phandle=1 x) a(insert-template=1))",
		"u-boot.dtb.tmpl1: binman(template(phandle=1 x) a(insert-template=1 x))",
		"u-boot.dtb.tmpl2: binman(a(insert-template=1 x))",
	}
	if got := strings.Join(kept, "\n"); got != strings.Join(want, "\n") {
		t.Errorf("kept:\n%s", got)
	}
	if got := strings.Join(debug, "\n"); got != "adding template /binman/template to node /binman/a" {
		t.Errorf("debug: %s", got)
	}
	_, err := Load(write(t, "image.dts", source("other { };")), opt)
	if err == nil || !strings.Contains(err.Error(), "image.dts' does not have a 'binman' node") {
		t.Errorf("error %v", err)
	}
	// That they cannot be kept is an error, at every stage.
	full := errors.New("the disk is full")
	for stage := range 3 {
		n := 0
		opt := Options{Keep: func(string, []byte) error {
			if n++; n > stage {
				return full
			}
			return nil
		}}
		if _, err := Load(write(t, "image.dts", source(`binman { t: template { }; a { insert-template = <&t>; }; };`)), opt); !errors.Is(err, full) {
			t.Errorf("stage %d: error %v", stage, err)
		}
	}
}

// Included files are looked for where the caller says; what is suspicious is
// told.
func TestSource(t *testing.T) {
	lib := filepath.Dir(write(t, "part.dtsi", "/ { binman { a { }; }; };\n"))
	name := write(t, "image.dts", "/dts-v1/;\n#ifdef __ASSEMBLY__\n#include \"part.dtsi\"\n#endif\n/ { p = /bits/ 8 <0x123>; };\n")
	var warnings []string
	tree, err := Load(name, Options{Include: []string{lib}, Warn: func(pos fdt.Pos, msg string) { warnings = append(warnings, fmt.Sprintf("%d: %s", pos.Line, msg)) }})
	if err != nil {
		t.Fatal(err)
	}
	if s := strings.Join(warnings, "\n"); s != "5: WARNING: Value 0x0000000000000123 truncated to 0x23" {
		t.Errorf("warnings:\n%s", s)
	}
	if tree.Node("/binman/a") == nil {
		t.Error("nothing is included")
	}
	if pos := tree.Node("/binman/a").Pos; filepath.Base(pos.File) != "part.dtsi" {
		t.Errorf("a is at %v", pos)
	}
}

// What cannot be read, in the words that scripts look for.
func TestLoadErrors(t *testing.T) {
	good := fdt.New().Marshal()
	for _, c := range []struct{ name, file, want string }{
		{"missing", "/nowhere/image.dts", "[Errno 2] No such file or directory: '/nowhere/image.dts'"},
		{"missing blob", "/nowhere/image.dtb", "[Errno 2] No such file or directory: '/nowhere/image.dtb'"},
		{"syntax", write(t, "image.dts", source("binman {")), "syntax error"},
		{"syntax, as dtc ends", write(t, "image.dts", source("binman {")), "\nFATAL ERROR: Unable to parse input tree"},
		{"not a blob", write(t, "image.dtb", "nothing of the kind, but long enough for a header"), "not a devicetree blob"},
		{"a short blob", write(t, "image.dtb", string(good[:20])), "devicetree blob is truncated"},
		{"which blob", write(t, "image.dtb", string(good[:20])), "device tree '"},
		{"no binman", write(t, "image.dtb", string(good)), "' does not have a 'binman' node"},
		{"no binman in source", write(t, "image.dts", source("x { };")), "image.dts' does not have a 'binman' node"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := Load(c.file, Options{}); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v\nwant  %s", err, c.want)
			}
		})
	}
}

// Errors name the node, unless their text does.
func TestNodeError(t *testing.T) {
	cause := errors.New("cause")
	for _, c := range []struct {
		err  NodeError
		want string
	}{
		{NodeError{Kind: "Node", Path: "/binman/a", Msg: "is wrong"}, "Node '/binman/a': is wrong"},
		{NodeError{Kind: "Image", Path: "/binman", Msg: "is wrong", Err: cause}, "Image '/binman': is wrong"},
		{NodeError{Path: "/binman/a", Msg: "Node 'a' is wrong"}, "Node 'a' is wrong"},
	} {
		if got := c.err.Error(); got != c.want {
			t.Errorf("%s, want %s", got, c.want)
		}
		if errors.Is(&c.err, cause) != (c.err.Err != nil) {
			t.Error("another cause")
		}
	}
}
