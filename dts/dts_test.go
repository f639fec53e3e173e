// SPDX-License-Identifier: GPL-2.0-or-later

package dts

import (
	"bytes"
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"binman/fdt"
	"binman/internal/judge"
)

var update = flag.Bool("update", false, "write the golden files anew")

var testOptions = Options{Include: []string{"testdata/include", "testdata"}}

// sources returns the files of testdata that are compiled on their own.
func sources(t testing.TB) []string {
	t.Helper()
	names, err := filepath.Glob("testdata/*.dts")
	if err != nil || len(names) == 0 {
		t.Fatalf("no sources: %v", err)
	}
	return names
}

// TestGolden compiles the sources of testdata and prints them; the text is
// what dtc prints of its own blob, see TestJudge.
func TestGolden(t *testing.T) {
	for _, name := range sources(t) {
		t.Run(filepath.Base(name), func(t *testing.T) {
			opts := testOptions
			opts.Warn = func(pos fdt.Pos, msg string) { t.Logf("%v: %s", pos, msg) }
			tree, err := Compile(name, opts)
			if err != nil {
				t.Fatal(err)
			}
			var got bytes.Buffer
			if err := Format(&got, tree); err != nil {
				t.Fatal(err)
			}
			golden := strings.TrimSuffix(name, ".dts") + ".golden"
			if *update {
				if err := os.WriteFile(golden, got.Bytes(), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got.String()); diff != "" {
				t.Errorf("tree differs (-want +got):\n%s", diff)
			}
		})
	}
}

// dtc runs the original on preprocessed source.
func dtc(t testing.TB, src []byte, args ...string) ([]byte, error) {
	t.Helper()
	var out, msg bytes.Buffer
	cmd := exec.Command(judge.Need(t, "dtc"), append(args, "-q", "-I", "dts", "-O", "dtb", "-")...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(src), &out, &msg
	if err := cmd.Run(); err != nil {
		return nil, errors.New(msg.String())
	}
	return out.Bytes(), nil
}

// preprocess runs the C preprocessor on a file.
func preprocess(t testing.TB, name string) []byte {
	t.Helper()
	cmd := exec.Command(judge.Need(t, "gcc"), "-E", "-P", "-nostdinc", "-x", "assembler-with-cpp",
		"-D__ASSEMBLY__", "-D__DTS__", "-Ulinux", "-Uunix", "-I", "testdata/include", "-I", "testdata", name)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// TestJudge compares blobs, and their text, with those of gcc and dtc.
func TestJudge(t *testing.T) {
	judge.Need(t, "dtc")
	for _, name := range sources(t) {
		src := preprocess(t, name)
		for _, symbols := range []bool{false, true} {
			args := []string{"-i", "testdata"}
			opts := testOptions
			if opts.Symbols = symbols; symbols {
				args = append(args, "-@")
			}
			want, err := dtc(t, src, args...)
			if err != nil {
				t.Fatal(name, err)
			}
			tree, err := Compile(name, opts)
			if err != nil {
				t.Fatal(name, err)
			}
			if got := tree.Marshal(); !bytes.Equal(got, want) {
				t.Errorf("%s (symbols %v): blob differs from dtc's:\n%s", name, symbols, diffBlobs(t, want, got))
			}
			var text bytes.Buffer
			if err := Format(&text, tree); err != nil {
				t.Fatal(err)
			}
			again, err := dtc(t, text.Bytes(), "-f")
			if err != nil {
				t.Fatal(name, err)
			}
			if !bytes.Equal(again, want) {
				t.Errorf("%s (symbols %v): dtc makes another blob of our text:\n%s", name, symbols, diffBlobs(t, want, again))
			}
		}
	}
}

// TestRelative: &{label/path}, which dtc knows since version 1.7.
func TestRelative(t *testing.T) {
	_, err := CompileSource("x.dts", []byte(`/dts-v1/;
		/ { use = <&{b/c}>; path = &{b/c/d}; a { b: b { c { d { }; }; }; }; };
		&{b/c} { added; };
		/delete-node/ &{b/c/e};`), Options{})
	if err == nil || !strings.HasSuffix(err.Error(), "Label or path b/c/e not found") {
		t.Errorf("deletion of what is not there: %v", err)
	}
	tree, err := CompileSource("x.dts", []byte(`/dts-v1/;
		/ { use = <&{b/c}>; path = &{b/c/d}; a { b: b { c { d { }; }; }; }; };
		&{b/c} { added; };`), Options{})
	if err != nil {
		t.Fatal(err)
	}
	n := tree.Node("/a/b/c")
	if !n.Has("added") || n.Phandle() != 1 || string(tree.Root.Prop("path").Value) != "/a/b/c/d\x00" {
		t.Errorf("wrong tree: %v", n)
	}
}

// diffBlobs shows how two blobs differ as text.
func diffBlobs(t testing.TB, want, got []byte) string {
	text := func(b []byte) string {
		tree, err := fdt.Parse(b)
		if err != nil {
			return err.Error()
		}
		var out bytes.Buffer
		if err := Format(&out, tree); err != nil {
			return err.Error()
		}
		return out.String()
	}
	if diff := cmp.Diff(text(want), text(got)); diff != "" {
		return diff
	}
	return "the same text"
}

// TestPhandles: numbers are given out in the order of use, around those that
// the source gives; the property comes last in its node.
func TestPhandles(t *testing.T) {
	tree, err := CompileSource("x.dts", []byte(`/dts-v1/;
		/ { use = <&b &a &c>; a: a { p; }; b: b { }; c: c { }; d { phandle = <2>; }; };`), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := tree.Root.Prop("use").Value, cells(1, 3, 4); !bytes.Equal(got, want) {
		t.Errorf("use = %x, want %x", got, want)
	}
	a := tree.Node("/a")
	if len(a.Props) != 2 || a.Props[1].Name != "phandle" || a.Phandle() != 3 {
		t.Errorf("/a has phandle %d among %d properties, want 3 as the second", a.Phandle(), len(a.Props))
	}
	if tree.ByPhandle(4) != tree.Node("/c") {
		t.Error("phandle 4 is not /c")
	}
}

func cells(list ...uint32) (b []byte) {
	for _, v := range list {
		b = binary.BigEndian.AppendUint32(b, v)
	}
	return b
}

// files is a file system for ReadFile.
type files map[string]string

func (f files) read(name string) ([]byte, error) {
	s, ok := f[name]
	if !ok {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	return []byte(s), nil
}

// TestPositions: nodes and properties say where they come from, through
// #include, macros, /include/ and line markers.
func TestPositions(t *testing.T) {
	fsys := files{
		"dir/main.dts": "/dts-v1/;\n#include \"soc.dtsi\"\n#define PROP(x) x = <1>\n" +
			"/ {\n\tPROP(made);\n  plain;\n\tlong = \"a\" \\\n\t\t, <2>; after;\n\tsub { inner; };\n};\n" +
			"&soc { over; reg = <2>; };\n/include/ \"raw.dtsi\"\n# 70 \"other.c\"\n/ { marked; };\n",
		"dir/soc.dtsi": "/* two\n lines */ / {\n\tsoc: soc { reg = <1>; old; };\n};\n",
		"dir/raw.dtsi": "\n/ { raw; };\n",
	}
	tree, err := Compile("dir/main.dts", Options{ReadFile: fsys.read})
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		"/:made":    "dir/main.dts:5:7", // the argument
		"/:plain":   "dir/main.dts:6:3",
		"/:long":    "dir/main.dts:7:2",
		"/:after":   "dir/main.dts:8:10",
		"/sub":      "dir/main.dts:9:2",
		"/sub:":     "dir/main.dts:9:2",
		"/soc":      "dir/soc.dtsi:3:7",
		"/soc:old":  "dir/soc.dtsi:3:24",
		"/soc:reg":  "dir/main.dts:11:14",
		"/soc:over": "dir/main.dts:11:8",
		"/:raw":     "dir/raw.dtsi:2:5",
		"/:marked":  "other.c:70:5",
	} {
		node, prop, _ := strings.Cut(path, ":")
		n := tree.Node(node)
		if n == nil {
			t.Errorf("%s: no node", path)
			continue
		}
		got := n.Pos
		if prop != "" {
			p := n.Prop(prop)
			if p == nil {
				t.Errorf("%s: no property", path)
				continue
			}
			got = p.Pos
		}
		if got.String() != want {
			t.Errorf("%s is at %v, want %s", path, got, want)
		}
	}
}

// TestErrors: what is wrong, and where.
func TestErrors(t *testing.T) {
	const ok = "/dts-v1/;\n"
	for _, tt := range []struct{ name, src, want string }{
		{"empty", "", "x.dts:1:1: syntax error: expected '/dts-v1/;' at the beginning of the source, found the end of the file"},
		{"no version", "/ { };", "x.dts:1:1: syntax error: expected '/dts-v1/;' at the beginning of the source, found '/'"},
		{"no root", ok, "x.dts:1:10: syntax error: expected '/ {', found the end of the file"},
		{"open", ok + "/ { a {\n", "x.dts:2:8: syntax error: expected a property, a node or '}', found the end of the file"},
		{"semicolon", ok + "/ { a = <1> b; };", "x.dts:2:13: Unexpected 'b'\nx.dts:2:13: syntax error: expected ';', found 'b'"},
		{"prop after node", ok + "/ { a { }; b; };", "x.dts:2:12: Properties must precede subnodes"},
		{"comment", ok + "/ { /* a\n };", "x.dts:2:5: unterminated comment"},
		{"string", ok + "/ { a = \"b\n };", "x.dts:2:9: unterminated string"},
		{"identifier", ok + "/ { a = <FOO BAR>; };", "x.dts:2:10: Unexpected 'FOO'\nx.dts:2:14: Unexpected 'BAR'"},
		{"literal range", ok + "/ { a = <0x10000000000000000>; };", "x.dts:2:10: Integer literal '0x10000000000000000' out of range"},
		{"octal", ok + "/ { a = <08>; };", "x.dts:2:10: Bad integer literal '08'"},
		{"empty char", ok + "/ { a = <''>; };", "x.dts:2:10: Empty character literal"},
		{"long char", ok + "/ { a = <'ab'>; };", "x.dts:2:10: Character literal has 2 characters instead of 1"},
		{"hex escape", ok + "/ { a = \"\\xg\"; };", "x.dts:2:9: \\x used with no following hex digits"},
		{"division", ok + "/ { a = <(1 / 0) (1 % 0)>; };", "x.dts:2:13: Division by zero\nx.dts:2:21: Division by zero"},
		{"bits", ok + "/ { a = /bits/ 7 <1>; };", "x.dts:2:16: Array elements must be 8, 16, 32 or 64-bits"},
		{"ref in bytes", ok + "/ { b: a = /bits/ 8 <&{/}>; };", "x.dts:2:22: References are only allowed in arrays with 32-bit elements."},
		{"bad byte", ok + "/ { a = [0]; };", "x.dts:2:10: syntax error: expected a byte of two hexadecimal digits, or ']', found '0'"},
		{"NUL", ok + "/ { \x00 };", "x.dts:2:5: syntax error: expected a property, a node or '}', found the character 0x00"},
		{"no target", ok + "/ { };\n&gone { };", "x.dts:3:1: Label or path gone not found"},
		{"delete no target", ok + "/ { };\n/delete-node/ &{/a/b};", "x.dts:3:15: Label or path /a/b not found"},
		{"first by reference", ok + "&a { };", "x.dts:2:1: Label or path a not found"},
		{"dangling", ok + "/ { a { b = <1 &gone>; }; };", "x.dts:2:16: ERROR (phandle_references): /a: Reference to non-existent node or label \"gone\""},
		{"dangling path", ok + "/ { a = &{/b}; };", "x.dts:2:9: ERROR (path_references): /: Reference to non-existent node or label \"/b\""},
		{"same label", ok + "/ { a: b { }; a: c { }; };", "x.dts:2:18: ERROR (duplicate_label): /c: Duplicate label 'a' on /c and /b"},
		{"same label in value", ok + "/ { p = <a: 1>; a: c { }; };", "x.dts:2:5: ERROR (duplicate_label): /: Duplicate label 'a' on value of 'p' in / and /c"},
		{"same node", ok + "/ { b { }; b { }; };", "x.dts:2:12: ERROR (duplicate_node_names): /b: Duplicate node name"},
		{"same property", ok + "/ { b; b; };", "x.dts:2:8: ERROR (duplicate_property_names): /:b: Duplicate property name"},
		{"node chars", ok + "/ { a#b { }; };", "x.dts:2:5: ERROR (node_name_chars): /a#b: Bad character '#' in node name"},
		{"prop chars", ok + "/ { a@b; };", "x.dts:2:5: ERROR (property_name_chars): /:a@b: Bad character '@' in property name"},
		{"two units", ok + "/ { a@1@2 { }; };", "x.dts:2:5: ERROR (node_name_format): /a@1@2: multiple '@' characters in node name"},
		{"same phandle", ok + "/ { a { phandle = <1>; }; b { phandle = <1>; }; };", "x.dts:2:27: ERROR (explicit_phandles): /b: duplicated phandle 0x1 (seen before at /a)"},
		{"bad phandle", ok + "/ { phandle = <0>; };", "x.dts:2:5: ERROR (explicit_phandles): /:phandle: bad value (0x0) in phandle property"},
		{"phandle length", ok + "/ { phandle; };", "x.dts:2:5: ERROR (explicit_phandles): /:phandle: bad length (0) phandle property"},
		{"foreign phandle", ok + "/ { a { phandle = <&b>; }; b: b { }; };", "x.dts:2:5: ERROR (explicit_phandles): /a: phandle is a reference to another node"},
		{"name", ok + "/ { a@1 { name = \"b\"; }; };", "x.dts:2:5: ERROR (name_properties): /a@1: \"name\" property is incorrect (\"b\" instead of base node name)"},
		{"incbin", ok + "/ { a = /incbin/(\"gone\"); };", "x.dts:2:18: Couldn't open \"gone\": No such file or directory"},
		{"include", ok + "/include/ \"gone\"", "x.dts:2:1: Couldn't open \"gone\": No such file or directory"},
		{"include itself", ok + "/include/ \"self.dtsi\"", "self.dtsi:1:1: Includes nested too deeply; does self.dtsi include itself?"},
		{"#include", "#include \"gone.h\"\n", "x.dts:1:1: gone.h: No such file or directory"},
		{"#include itself", "#include \"cycle.h\"\n", "cycle.h:1:1: #include nested depth 200 exceeds maximum of 200; does cycle.h include itself?"},
		{"within include", "#include \"bad.dtsi\"\n", "bad.dtsi:2:11: syntax error: expected a cell or '>', found ';'"},
		{"within macro", ok + "#define CELL(x) <x\n/ {\n\ta = CELL(1);\n};", "x.dts:4:13: syntax error: expected a cell or '>', found ';'"},
		{"root deleted", ok + "/ { };\n/delete-node/ &{/};", "x.dts:3:20: the root node was deleted"},
		{"root omitted", ok + "/ { };\n/omit-if-no-ref/ &{/};", "x.dts:2:1: ERROR (omit_unused_nodes): /: the root node cannot be omitted"},
		{"fixup by path", "/dts-v1/; /plugin/;\n/ { a = <&{/b}>; };", "x.dts:2:10: Can't generate fixup for reference to path &{/b}"},
		{"late memreserve", ok + "/ { };\n/memreserve/ 1 2;", "x.dts:3:1: syntax error: expected a node (this must come before the first), found '/memreserve/'"},
		{"deep", ok + "/ " + strings.Repeat("{ a", 2000), "x.dts:2:3002: nodes are nested more than 1000 deep"},
		{"deep expression", ok + "/ { a = <" + strings.Repeat("(", 2000), "x.dts:2:1011: expression is nested more than 1000 deep"},
		{"deep negation", ok + "/ { a = <(" + strings.Repeat("-", 2000) + "1)>; };", "x.dts:2:1010: expression is nested more than 1000 deep"},
		{"semicolon of a line", ok + "/ {\n\ta = <1> // one\n\tb = <2>;\n\tc { }\n\td { };\n};", "x.dts:3:9: syntax error: expected ';', found 'b'\nx.dts:5:7: syntax error: expected ';', found 'd'"},
		{"last semicolon", ok + "/ {\n\ta = <1>\n}\n", "x.dts:3:9: syntax error: expected ';', found '}'\nx.dts:4:2: syntax error: expected ';', found the end of the file"},
		{"semicolon of the version", "/dts-v1/\n/ { };", "x.dts:1:9: syntax error: expected ';', found '/'"},
		{"several", ok + "/ { a = <1 b; f \"x\"; g = <1> <2>;\nc { d = <; e = [0]; }; h; };\n&gone { };\n/ { h = [\u00e9; };", "x.dts:2:12: Unexpected 'b'\n" +
			"x.dts:2:13: syntax error: expected a cell or '>', found ';'\nx.dts:2:17: syntax error: expected ';', found a string\nx.dts:2:30: syntax error: expected ';', found '<'\n" +
			"x.dts:3:10: syntax error: expected a cell or '>', found ';'\nx.dts:3:17: syntax error: expected a byte of two hexadecimal digits, or ']', found '0'\n" +
			"x.dts:3:24: Properties must precede subnodes\nx.dts:5:10: syntax error: expected a byte of two hexadecimal digits, or ']', found the character 0xc3"},
		{"faults in what is passed over", ok + "/ { a = [0 FOO 08 '' \"\\xg\" { b; 099; }; c = ; };", "x.dts:2:10: syntax error: expected a byte of two hexadecimal digits, or ']', found '0'\nx.dts:2:45: syntax error: expected a value, found ';'"},
		{"string in what is passed over", ok + "/ { a = [0 \"b", "x.dts:2:10: syntax error: expected a byte of two hexadecimal digits, or ']', found '0'"},
		{"too many", ok + "/ { " + strings.Repeat("a = ;\n", 100) + "};", strings.TrimSuffix("x.dts:2:9: syntax error: expected a value, found ';'\n"+func() (list string) {
			for line := range 9 {
				list += fmt.Sprintf("x.dts:%d:5: syntax error: expected a value, found ';'\n", line+3)
			}
			return list
		}(), "\n")},
		{"quote", ok + "/ {\n\ta = \"x;\n\tb = \"y\";\n\tc = <;\n};", "x.dts:4:7: Unexpected 'y'\nx.dts:4:7: syntax error: expected ';', found 'y' (the string that begins at x.dts:3:6 spans lines: does it lack its closing quote?)"},
		{"brace too many", ok + "/ { a { }; }; b { }; };", "x.dts:2:15: syntax error: expected '/ {', a reference to a node, or the end of the file, found 'b'"},
		{"brace too many at the end", ok + "/ { }; };", "x.dts:2:8: syntax error: expected '/ {', a reference to a node, or the end of the file, found '}'"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			fsys := files{
				"self.dtsi": "/include/ \"self.dtsi\"\n",
				"cycle.h":   "#include \"cycle.h\"\n",
				"bad.dtsi":  "/dts-v1/;\n/ { a = <1; };\n",
			}
			_, err := CompileSource("x.dts", []byte(tt.src), Options{ReadFile: fsys.read})
			if err == nil {
				t.Fatal("no error")
			}
			if err.Error() != tt.want {
				t.Errorf("got  %s\nwant %s", err, tt.want)
			}
			var e *Error
			if !errors.As(err, &e) || e.Pos.Line == 0 {
				t.Errorf("%T has no position", err)
			}
		})
	}
}

// TestIncludedFiles: what is included must be a regular file. A directory is
// passed over in the search for one, as gcc does.
func TestIncludedFiles(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	put := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(name, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"folder", "x.h", "later", "later/x.h"} {
		if err := os.Mkdir(name, 0o777); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Remove("later/x.h"); err != nil {
		t.Fatal(err)
	}
	put("later/x.h", "/ { found; };\n")
	for _, form := range []struct{ src, at string }{
		{"#include \"%s\"\n/dts-v1/;\n/ { };", "x.dts:1:1: "},
		{"/dts-v1/;\n/include/ \"%s\"\n/ { };", "x.dts:2:1: "},
		{"/dts-v1/;\n/ { a = /incbin/(\"%s\"); };", "x.dts:2:18: "},
	} {
		for name, want := range map[string]string{
			"/dev/zero": "'/dev/zero' is a device: not a regular file",
			"folder":    "'folder' is a directory: not a regular file",
			dir:         "'" + dir + "' is a directory: not a regular file",
			"gone":      "No such file or directory",
		} {
			put("x.dts", fmt.Sprintf(form.src, name))
			_, err := Compile("x.dts", Options{Include: []string{"later"}})
			if got := fmt.Sprint(err); !strings.HasPrefix(got, form.at) || !strings.HasSuffix(got, want) {
				t.Errorf("%q of %s: got %s", form.src, name, got)
			}
		}
	}
	for _, form := range []string{"/dts-v1/;\n#include \"x.h\"\n", "/dts-v1/;\n/include/ \"x.h\"\n"} {
		put("x.dts", form)
		tree, err := Compile("x.dts", Options{Include: []string{"later"}})
		if err != nil || !tree.Root.Has("found") {
			t.Errorf("%q: %v", form, err)
		}
	}
}

// TestWarnings: a selection, in the words of dtc.
func TestWarnings(t *testing.T) {
	src := `/dts-v1/;
#warning careful
/ {
	#address-cells = <1>;
	#size-cells = <1>;
	big = /bits/ 8 <0x123>;
	compatible = <1>;
	interrupt-parent = <&{/gpio}>;
	aliases { Upper = &{/gpio}; bad = "nowhere"; };
	gpio { #gpio-cells = <2>; interrupt-controller; };
	user { reg = <1>; interrupts = <1>; reset-gpios = <&{/gpio} 1>; };
	i2c@0 { #address-cells = <1>; #size-cells = <0>; reg = <0 1>; dev@10 { reg = <0x11>; }; };
};`
	var got []string
	_, err := CompileSource("x.dts", []byte(src), Options{Warn: func(pos fdt.Pos, msg string) {
		got = append(got, pos.String()+": "+msg)
	}})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		`x.dts:2:1: #warning careful`,
		`x.dts:6:18: WARNING: Value 0x0000000000000123 truncated to 0x23`,
		`x.dts:7:2: Warning (compatible_is_string_list): /:compatible: property is not a string list`,
		`x.dts:11:9: Warning (reg_format): /user:reg: property has invalid length (4 bytes) (#address-cells == 1, #size-cells == 1)`,
		`x.dts:12:64: Warning (i2c_bus_reg): /i2c@0/dev@10: I2C bus unit address format error, expected "11"`,
		`x.dts:11:38: Warning (gpios_property): /user:reset-gpios: property size (8) too small for cell size 2`,
		`x.dts:10:2: Warning (interrupt_provider): /gpio: Missing '#interrupt-cells' in interrupt provider`,
		`x.dts:9:2: Warning (alias_paths): /aliases: aliases property name must include only lowercase and '-'`,
		`x.dts:9:30: Warning (alias_paths): /aliases:bad: aliases property is not a valid node (nowhere)`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("warnings differ (-want +got):\n%s", diff)
	}
}

// TestIncbin: a file that ends early gives what it has; one that never ends
// is refused.
func TestIncbin(t *testing.T) {
	fsys := files{"f": "0123456789", "huge": strings.Repeat("x", 1<<20)}
	warned := 0
	tree, err := CompileSource("x.dts", []byte(`/dts-v1/;
		/ { a = /incbin/("f"); b = /incbin/("f", 8, 4); c = /incbin/("f", 20, 1), "x"; d = /incbin/("f", 1, 2); };`),
		Options{ReadFile: fsys.read, Warn: func(fdt.Pos, string) { warned++ }})
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"a": "0123456789", "b": "89", "c": "x\x00", "d": "12"} {
		if got := string(tree.Root.Prop(name).Value); got != want {
			t.Errorf("%s = %q, want %q", name, got, want)
		}
	}
	if warned != 2 {
		t.Errorf("%d warnings, want 2", warned)
	}
	src := "/dts-v1/;\n/ { a = /incbin/(\"huge\"), /incbin/(\"huge\"); b = /incbin/(\"huge\"); };"
	for limit, want := range map[int64]string{
		1 << 20: "x.dts:2:36: the values of all properties take more than 1048576 bytes",
		2 << 20: "x.dts:2:58: the values of all properties take more than 2097152 bytes",
		3 << 20: "<nil>",
	} {
		_, err := compile("x.dts", []byte(src), Options{ReadFile: fsys.read}, limit)
		if got := fmt.Sprint(err); got != want {
			t.Errorf("limit %#x: got %s, want %s", limit, got, want)
		}
	}
	// Files count in sum, though little of each is taken; a file is read once.
	src = "/dts-v1/;\n/ { a = /incbin/(\"huge\", 0, 4); b = /incbin/(\"huge\", 4, 4); c = /incbin/(\"f\", 0, 4); };"
	for limit, want := range map[int64]string{
		1 << 20:     "x.dts:2:74: too many bytes: the files of /incbin/ have more than 1048576 bytes together",
		1<<20 + 100: "<nil>",
	} {
		_, err := compile("x.dts", []byte(src), Options{ReadFile: fsys.read}, limit)
		if got := fmt.Sprint(err); got != want {
			t.Errorf("limit %#x: got %s, want %s", limit, got, want)
		}
	}
}

func TestFormatRefusesNames(t *testing.T) {
	for _, name := range []string{"a b", "a;", "a\n", `a"`, "ä"} {
		tree := fdt.New()
		tree.Root.SetProp(name, nil)
		if err := Format(&bytes.Buffer{}, tree); err == nil {
			t.Errorf("property %q was printed", name)
		}
		tree = fdt.New()
		tree.Root.AddSubnode(name)
		if err := Format(&bytes.Buffer{}, tree); err == nil {
			t.Errorf("node %q was printed", name)
		}
	}
	tree := fdt.New()
	tree.Root.SetU32("#define", 1)
	var text bytes.Buffer
	if err := Format(&text, tree); err != nil {
		t.Fatal(err)
	}
	again, err := CompileSource("x.dts", text.Bytes(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(again.Marshal(), tree.Marshal()) {
		t.Errorf("a property called #define does not survive:\n%s", text.String())
	}
}

// TestHostile: sources that would take time squared in their length, were
// lookups done by search.
func TestHostile(t *testing.T) {
	const n = 20000
	many := func(n int, format string) string {
		var b strings.Builder
		for i := range n {
			b.WriteString(strings.ReplaceAll(format, "$", fmt.Sprint(i)))
		}
		return b.String()
	}
	for _, tt := range []struct{ name, src, want string }{
		{"children", "/ {" + many(n, "n$ { };") + "}; / {" + many(n, "n$ { };") + "};", "<nil>"},
		{"properties", "/ {" + many(n, "n$;") + "}; / {" + many(n, "n$;") + "};", "<nil>"},
		{"deletions", "/ {" + many(n, "/delete-node/ a;") + "a { }; };" + many(n, "&{/a} { };"), "<nil>"},
		{"labels", "/ {" + many(n, "l$: n$ { c = <&l$>; };") + "};", "<nil>"},
		{"one label", "/ {" + many(n, "a: n$ { };") + "};" + many(n, "&a { };"), "ERROR (duplicate_label)"},
		{"one label far away", "/ { z {" + many(n, "n$ { };") + "}; a: b { }; a: c { }; };" + many(n, "&a { };"), "label 'a' stands on too many nodes"},
		{"one unit address", "/ { #address-cells = <1>; #size-cells = <0>;" + many(n, "n$@0 { };") + "};", "<nil>"},
		{"references", "/ { a: a { }; };" + many(n, "&a { x = <&a>, &a; };"), "<nil>"},
	} {
		_, err := CompileSource("x.dts", []byte("/dts-v1/;\n"+tt.src), Options{Symbols: true, Warn: func(fdt.Pos, string) {}})
		if got := fmt.Sprint(err); !strings.Contains(got, tt.want) {
			t.Errorf("%s: got %.200s, want %s", tt.name, got, tt.want)
		}
	}
}
