// SPDX-License-Identifier: GPL-2.0-or-later

package cpp

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"binman/fdt"
	"binman/internal/judge"
)

// files is a file system for Config.ReadFile.
type files map[string]string

func (f files) read(name string) ([]byte, error) {
	s, ok := f[name]
	if !ok {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	return []byte(s), nil
}

// headers are what the tests include.
var headers = files{
	"a.h":           "A_H __INCLUDE_LEVEL__\n",
	"guard.h":       "/* guarded */\n#ifndef G\n#define G\nonce\n#endif\n/* end */\n",
	"half.h":        "#ifndef H\n#define H\nonce\n#endif\ntwice\n",
	"pragma.h":      "#pragma once\nonce\n",
	"inc/dir.h":     "#include \"beside.h\"\n#include_next <dir.h>\n",
	"inc/beside.h":  "beside\n",
	"inc2/dir.h":    "next\n",
	"inc/noeol.h":   "no newline at end",
	"inc/cycle.h":   "#include \"cycle.h\"\n",
	"inc/open-if.h": "#if 1\n",
}

func process(src string) (string, error) {
	out, err := Preprocess("x.dts", []byte(src), Config{
		Include:  []string{"inc", "inc2"},
		ReadFile: headers.read,
	})
	if err != nil {
		return "", err
	}
	return string(out.Text), nil
}

// cases are sources and what they become. White space counts as in a
// devicetree: that there is some.
var cases = []struct{ name, src, want string }{
	{"nothing", "", ""},
	{"text", "a b\tc\n", "a b c"},
	{"no newline at the end", "a", "a"},
	{"comments", "a/* b */c // d\ne/**/f /* g\nh */ i\n", "a c e f i"},
	{"comment in string", "\"/* a */ // b\" '/*'\n", "\"/* a */ // b\" '/*'"},
	{"lone quote", "don't /* stay */ M\n#define M m\nM\n", "don't /* stay */ M m"},
	{"continuation", "a\\\nb \\  \nc // d\\\ne\nf\n", "ab c f"},
	{"crlf", "#define A \\\r\n 1\r\nA\r\n", "1"},

	{"object", "#define A 1\nA AA xA A1 A.A \"A\" 'A'\n", "1 AA xA A1 1 . 1 \"A\" 'A'"},
	{"no body", "#define A\n<A>\n", "<>"},
	{"undef", "#define A 1\n#undef A\n#undef B\nA\n", "A"},
	{"redefinition", "#define A 1\n#define A 2\nA\n", "2"},
	{"chain", "#define A B\n#define B C\n#define C 1\nA\n", "1"},
	{"self", "#define A A + B\n#define B A\nA B\n", "A + A A + B"},
	{"body with comments", "#define A 1 /* one\n */ 2 // two\nA\n", "1 2"},
	{"property names", "#define size 1\n#size-cells = <1>;\n  #address-cells = <2>;\n", "#1 -cells = <1>; #address-cells = <2>;"},
	{"dashes", "#define bus B\n#define ch C\n#define s0 S\ni2s0-2ch-bus i2s-bus bus-2ch s0_bus\n", "i2s0-2ch-B i2s-B B-2ch s0_bus"},
	{"unit address", "#define ADDR 1000\nuart@ADDR { x,ADDR = <0xADDR>; };\n", "uart@1000 { x,1000 = <0xADDR>; };"},
	{"numbers", "#define e1 X\n#define b Y\n1e1 0x1e1 1.e1 1b .5e+1b 1e-b 1-b\n", "1e1 0x1e1 1.e1 1b .5e+1b 1e-b 1-Y"},

	{"function", "#define F(x) <x>\nF(1) F ( 2 ) F\nF\n(3)\n", "<1> <2> F <3>"},
	{"function without call", "#define F(x) <x>\nF F; F.F\n", "F F; F.F"},
	{"no parameters", "#define F() f\nF() F( ) F\n", "f f F"},
	{"space before parenthesis", "#define F (x)\nF(1)\n", "(x)(1)"},
	{"arguments", "#define F(x, y) [y|x]\nF(1,2) F((a,b), [c) F(,) F(\"a,b\",')')\n", "[2|1] [[c|(a,b)] [|] [')'|\"a,b\"]"},
	{"nested", "#define F(x) <x>\nF(F(F(1)))\n", "< < <1> > >"},
	{"argument over lines", "#define F(x) <x>\nF(1\n  2 /* three\n */ 3\n)x\n", "<1 2 3>x"},
	{"directive in arguments", "#define F(x) <x>\nF(1\n#define G 2\n#if 0\n3\n#endif\nG)\n", "<1 2>"},
	{"rescan", "#define F(x) x\n#define G F\nG(1) F(F)(2) F(G)(3)\n", "1 F(2) F(3)"},
	{"rescan reaches on", "#define F(x) x + G\n#define G(x) x - F\nF(1)(2)(3)(4)\n", "1 + 2 - 3 + 4 - F"},
	{"stringify", "#define S(x) #x\nS( a  b ) S() S(\"q\\n\") S('\"')\n", `"a b" "" "\"q\\n\"" "'\"'"`},
	{"stringify expands not", "#define A 1\n#define S(x) #x\n#define X(x) S(x)\nS(A) X(A) X(A-A)\n", `"A" "1" "1-1"`},
	{"hash stays", "#define F(x) #size-x # x\nF(1)\n", `#size-1 "1"`},
	{"paste", "#define P(x, y) x##y\nP(a,b) P(1,2) P(,b) P(a,) P(,) P(<,<)\n", "ab 12 b a <<"},
	{"paste expands not", "#define A 1\n#define P(x, y) x ## y\nP(A,A) P(A,) A##A\n", "AA 1 1##1"},
	{"paste that fails", "#define P(x, y) x ## y\nP(a,-) P(-,1)\n", "a- -1"},
	{"paste three", "#define P(x) a##x##b\nP(1) P() P(_)\n", "a1b ab a_b"},
	{"paste makes a macro", "#define AB 1\n#define P(x, y) x##y\nP(A,B)\n", "1"},
	{"variadic", "#define V(x, ...) [x|__VA_ARGS__]\nV(1) V(1,) V(1, 2, 3)\n", "[1|] [1|] [1|2, 3]"},
	{"named variadic", "#define V(args...) <args>\nV() V(1, 2)\n", "<> <1, 2>"},
	{"comma", "#define V(x, ...) f(x, ## __VA_ARGS__)\nV(1) V(1,) V(1, 2)\n", "f(1) f(1,) f(1, 2)"},

	{"spacing", "#define M -1\n#define E\n#define N 1\n<-M> <N-N> <-E-> <N E N> N.N M+M\n", "<- -1> <1 -1> <- -> <1 1> 1 . 1 -1 +-1"},
	{"spacing of arguments", "#define F(x) -x-\nF(-) F(1) F()\n", "- - - -1 - - -"},

	{"if", "#if 1\na\n#else\nb\n#endif\n#if 0\nc\n#elif 1\nd\n#elif 1\ne\n#else\nf\n#endif\n", "a d"},
	{"ifdef", "#define A\n#ifdef A\n1\n#endif\n#ifndef A\n2\n#else\n3\n#endif\n#ifdef B\n4\n#elifdef A\n5\n#endif\n", "1 3 5"},
	{"nested if", "#if 0\n#if 1\na\n#else\nb\n#endif\n#elif 1\n# if 1\nc\n# endif\n#endif\n", "c"},
	{"left out", "#if 0\n'\n#error no\n#include \"none\"\n#define A\n#bogus\n/* #endif\n*/ #else\n#endif\nA\n", "A"},
	{"defined", "#define A\n#if defined A && defined(A) && !defined B && !defined ( B )\nyes\n#endif\n", "yes"},
	{"defined from a macro", "#define A\n#define D defined(A)\n#if D\nyes\n#endif\n", "yes"},
	{"unknown names", "#if FOO == 0 && !FOO\nyes\n#endif\n", "yes"},
	{"macros in if", "#define F(x) ((x) * 2)\n#if F(3) == 6 \\\n && 1\nyes\n#endif\n", "yes"},
	{"has include", "#if __has_include(\"a.h\") && __has_include(<dir.h>) && !__has_include(<none.h>)\nyes\n#endif\n", "yes"},

	{"include", "#include \"a.h\"\n# include \"a.h\" // again\nb\n", "A_H 1 A_H 1 b"},
	{"include by macro", "#define H \"a.h\"\n#define N dir.h\n#include H\n#include <beside.h>\n", "A_H 1 beside"},
	{"include guard", "#include \"guard.h\"\n#include \"guard.h\"\n#undef G\n#include \"guard.h\"\n", "once once"},
	{"half a guard", "#include \"half.h\"\n#include \"half.h\"\n", "once twice twice"},
	{"pragma once", "#include \"pragma.h\"\n#include \"pragma.h\"\n", "once"},
	{"import", "#import \"a.h\"\n#import \"a.h\"\n", "A_H 1"},
	{"include beside and next", "#include <dir.h>\n", "beside next"},
	{"no newline in include", "#include <noeol.h>\nx\n", "no newline at end x"},

	{"builtin", "__FILE__ __LINE__\n__LINE__ __COUNTER__ __COUNTER__ __INCLUDE_LEVEL__ __BASE_FILE__\n", `"x.dts" 1 2 0 1 0 "x.dts"`},
	{"line", "#line 77 \"y.c\"\n__LINE__ __FILE__\n#define N 5\n#line N\n__LINE__\n", `77 "y.c" 5`},
	{"predefined", "__DTS__ __ASSEMBLY__ __ASSEMBLER__\n", "1 1 1"},
	{"null", "#\n# // a\n#/* b */\nx\n", "x"},
	{"line marker", "# 7 \"file\"\nx\n", "# 7 \"file\" x"},
	{"pragma and ident", "#ident \"x\"\nx\n", "x"},
}

// conditions are #if expressions that hold.
var conditions = []string{
	"1", "-1", "!0", "~0 == -1", "2 + 3 * 4 == 14", "(2 + 3) * 4 == 20", "7 / 2 == 3", "-7 / 2 == -3", "-7 % 3 == -1",
	"1 << 4 == 16", "-8 >> 1 == -4", "1 << 2 + 1 == 8", "0x10 == 16 && 010 == 8 && 0b11 == 3", "1u > 0 && -1 > 0u",
	"-1 < 0", "18446744073709551615 > 0", "0xffffffffffffffff == -1", "9223372036854775807 > 0",
	"1 ? 2 : 0", "0 ? 0 : 3", "0 || 1 && 1", "1 || 1 / 0", "!(0 && 1 % 0)", "1 ? 1 : 1 / 0", "(0 ? 1 / 0 : 2) == 2",
	"'a' == 97 && '\\n' == 10 && '\\0' == 0 && '\\x41' == 65 && '\\377' < 0", "(1 | 2 ^ 3 & 6) == 1", "1 == 1 != 0",
	"1 <= 1 && 2 >= 1 && !(1 > 1)", "0 ? 0 : 0 ? 0 : 1", "+1 - -1 == 2", "- - 1", "5 - 3 - 1 == 1", "100 / 10 / 5 == 2",
	"(1 ? -1 : 0u) > 0", "-9223372036854775807 - 1 < 0", "1L + 1UL + 1ll + 1ULL == 4", "1 << 63 < 0",
}

func TestCases(t *testing.T) {
	for _, tt := range cases {
		t.Run(tt.name, func(t *testing.T) {
			got, err := process(tt.src)
			if err != nil {
				t.Fatal(err)
			}
			if g, w := squeeze(got), squeeze(tt.want); g != w {
				t.Errorf("got  %s\nwant %s", g, w)
			}
		})
	}
	for _, cond := range conditions {
		got, err := process("#if " + cond + "\nyes\n#else\nno\n#endif\n")
		if err != nil || strings.TrimSpace(got) != "yes" {
			t.Errorf("#if %s: %q %v", cond, got, err)
		}
	}
}

func squeeze(s string) string { return strings.Join(strings.Fields(s), " ") }

// TestJudge compares the cases with gcc.
func TestJudge(t *testing.T) {
	gcc := judge.Need(t, "gcc")
	dir := t.TempDir()
	write := func(name, text string) {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for name, text := range headers {
		write(name, text)
	}
	args := []string{"-E", "-P", "-undef", "-nostdinc", "-x", "assembler-with-cpp", "-D__ASSEMBLY__", "-D__DTS__", "-I", "inc", "-I", "inc2"}
	run := func(src string) string {
		write("x.dts", src)
		cmd := exec.Command(gcc, append(args, "x.dts")...)
		cmd.Dir = dir
		out, err := cmd.Output()
		if err != nil {
			t.Errorf("gcc fails on\n%s", src)
		}
		return squeeze(string(out))
	}
	for _, tt := range cases {
		if tt.name == "pragma and ident" {
			continue // gcc leaves #ident to the assembler
		}
		got, err := process(tt.src)
		if err != nil {
			t.Fatal(err)
		}
		if g, w := squeeze(got), run(tt.src); g != w {
			t.Errorf("%s:\n got %s\n gcc %s", tt.name, g, w)
		}
	}
	var all strings.Builder
	for i, cond := range conditions {
		fmt.Fprintf(&all, "#if %s\n%d\n#endif\n", cond, i)
	}
	got, err := process(all.String())
	if err != nil {
		t.Fatal(err)
	}
	if g, w := squeeze(got), run(all.String()); g != w {
		t.Errorf("conditions that hold:\n got %s\n gcc %s", g, w)
	}
}

func TestErrors(t *testing.T) {
	bomb := "#define A0 x x x x x x x x x x\n"
	for i := range 9 {
		bomb += fmt.Sprintf("#define A%d A%d A%d A%d A%d A%d A%d A%d A%d A%d A%d\n", i+1, i, i, i, i, i, i, i, i, i, i)
	}
	strs := "#define X0(x) #x #x\n"
	for i := range 40 {
		strs += fmt.Sprintf("#define X%d(x) X%d(x x)\n", i+1, i)
	}
	chain := ""
	for i := range 20000 {
		chain += fmt.Sprintf("#define C%d C%d\n", i, i+1)
	}
	for _, tt := range []struct{ name, src, want string }{
		{"error", "a\n #error  not this way \n", "x.dts:2:2: #error not this way"},
		{"comment", "a\n b /* c\n", "x.dts:2:4: unterminated comment"},
		{"comment in define", "#define A /* c\n", "x.dts:1:1: unterminated comment"},
		{"if", "#if 1\n#else\n", "x.dts:1:1: unterminated #else"},
		{"if in include", "#include <open-if.h>\n#endif\n", "inc/open-if.h:1:1: unterminated #if"},
		{"endif", "\n#endif\n", "x.dts:2:1: #endif without #if"},
		{"else", "#else\n", "x.dts:1:1: #else without #if"},
		{"two else", "#if 0\n#else\n#else\n#endif\n", "x.dts:3:1: #else after #else"},
		{"elif after else", "#if 0\n#else\n#elif 1\n#endif\n", "x.dts:3:1: #elif after #else"},
		{"no expression", "#if\n#endif\n", "x.dts:1:4: #if with no expression"},
		{"division", "#if 1 / 0\n#endif\n", "x.dts:1:7: division by zero in #if"},
		{"operand", "#if 1 +\n#endif\n", "x.dts:1:4: #if expression ends where an operand is expected"},
		{"operator", "#if 1 2\n#endif\n", `x.dts:1:7: missing binary operator before token "2"`},
		{"parenthesis", "#if (1\n#endif\n", "x.dts:1:4: missing ')' in expression"},
		{"string in if", "#if \"a\"\n#endif\n", `x.dts:1:5: token "\"a\"" is not valid in preprocessor expressions`},
		{"bad number", "#if 1x\n#endif\n", `x.dts:1:5: invalid integer constant "1x"`},
		{"bad suffix", "#if 1ulu\n#endif\n", `x.dts:1:5: invalid suffix "ulu" on integer constant`},
		{"range", "#if 99999999999999999999\n#endif\n", "x.dts:1:5: integer constant 99999999999999999999 is too large for its type"},
		{"defined", "#if defined 1\n#endif\n", `x.dts:1:13: operator "defined" requires an identifier`},
		{"no name", "#define\n", "x.dts:1:8: no macro name given in #define directive"},
		{"bad name", "#define 1\n", "x.dts:1:8: macro names must be identifiers"},
		{"define defined", "#define defined\n", `x.dts:1:8: cannot use "defined" as a macro name`},
		{"parameters", "#define F(x\n", `x.dts:1:8: expected ')' in the parameter list of macro "F"`},
		{"same parameters", "#define F(x, x)\n", `x.dts:1:8: duplicate macro parameter "x"`},
		{"too few", "#define F(x, y)\nF(1)\n", `x.dts:2:1: macro "F" requires 2 arguments, but only 1 given`},
		{"too many", "#define F(x)\n F(1, 2)\n", `x.dts:2:2: macro "F" passed 2 arguments, but takes just 1`},
		{"unterminated", "#define F(x)\n F(1\n", `x.dts:2:2: unterminated argument list invoking macro "F"`},
		{"include", "#include\n", `x.dts:1:1: #include expects "FILENAME" or <FILENAME>`},
		{"no file", "\n #include <none.h>\n", "x.dts:2:2: none.h: No such file or directory"},
		{"angled is not beside", "#include <guard.h>\n", "x.dts:1:1: guard.h: No such file or directory"},
		{"cycle", "#include <cycle.h>\n", "inc/cycle.h:1:1: #include nested depth 200 exceeds maximum of 200; does cycle.h include itself?"},
		{"include in arguments", "#define F(x)\nF(\n#include \"a.h\"\n)\n", "x.dts:3:1: #include inside the arguments of a macro"},
		{"line", "#line x\n", `x.dts:1:7: "x" after #line is not a positive integer`},
		{"after line", "#line 7 \"y.c\"\n#error e\n", "y.c:7:1: #error e"},
		{"after continuation", "a \\\n b \\\n c\n#error e\n", "x.dts:4:1: #error e"},

		{"bomb", bomb + "A9\n", "x.dts:11:1: macros expand to more than 4194304 tokens"},
		{"bomb in if", bomb + "#if A9\n#endif\n", `x.dts:11:5: missing binary operator before token "x"`},
		{"bomb of strings", strs + "X40(aaaaaaaa)\n", "x.dts:42:1: macros expand to more than 4194304 tokens"},
		{"long chain", chain + "C0\n", "x.dts:20001:1: macros are nested more than 10000 deep"},
		{"deep arguments", "#define F(x) x\n" + strings.Repeat("F(", 5000), `x.dts:2:1: unterminated argument list invoking macro "F"`},
		{"deep calls", "#define F(x) x\n" + strings.Repeat("F(", 500) + strings.Repeat(")", 500), "x.dts:2:401: macro arguments are nested more than 200 deep"},
		{"many calls", "#define F(x) x\n" + strings.Repeat(strings.Repeat("F(", 190)+strings.Repeat(")", 190)+"\n", 500), "macros expand to more than 4194304 tokens"},
		{"deep if", "#if " + strings.Repeat("(", 5000) + "\n#endif\n", "x.dts:1:505: expression is nested more than 1000 deep"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := process(tt.src)
			var e *Error
			if !errors.As(err, &e) {
				t.Fatalf("got %v, want %s", err, tt.want)
			}
			if tt.name == "many calls" && e.Pos.Line > 2 && e.Msg == tt.want {
				return // the very line is no matter
			}
			if err.Error() != tt.want {
				t.Errorf("got  %s\nwant %s", err, tt.want)
			}
		})
	}
	if _, err := Preprocess("x", nil, Config{Define: map[string]string{"a b": ""}}); err == nil {
		t.Error("a macro called \"a b\" was accepted")
	}
}

func TestWarnings(t *testing.T) {
	var got []string
	src := "#warning w\n#define A 1\n#define A  1\n#define A 2\n#pragma x y\n#ifdef A b\n#endif c\n#undef A d\n"
	_, err := Preprocess("x.dts", []byte(src), Config{Warn: func(pos fdt.Pos, msg string) {
		got = append(got, pos.String()+": "+msg)
	}})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"x.dts:1:1: #warning w",
		`x.dts:4:8: "A" redefined`,
		"x.dts:5:1: #pragma x y has no effect",
		"x.dts:6:7: extra tokens at end of #ifdef directive",
		"x.dts:7:1: extra tokens at end of #endif directive",
		"x.dts:8:7: extra tokens at end of #undef directive",
	}
	if g, w := strings.Join(got, "\n"), strings.Join(want, "\n"); g != w {
		t.Errorf("got\n%s\nwant\n%s", g, w)
	}
}

// TestPositions: every word of the output knows its place.
func TestPositions(t *testing.T) {
	src := "a  b /* x */ c\n#define M m1 m2\n#define F(x) f x\n\t M d F(g\n h) i \\\n  j\n#include \"a.h\"\n"
	out, err := Preprocess("x.dts", []byte(src), Config{ReadFile: headers.read})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"a": "x.dts:1:1", "b": "x.dts:1:4", "c": "x.dts:1:14",
		"m1": "x.dts:4:3", "m2": "x.dts:4:3", "d": "x.dts:4:5",
		"f": "x.dts:4:7", "g": "x.dts:4:9", "h": "x.dts:5:2", "i": "x.dts:5:5", "j": "x.dts:6:3",
		"A_H": "a.h:1:1", "1": "a.h:1:5",
	}
	cursor := out.Cursor()
	for word, pos := range want {
		i := bytes.Index(append([]byte(" "), out.Text...), []byte(" "+word))
		for _, sep := range []string{"\n", "\t"} {
			if i < 0 {
				i = bytes.Index(append([]byte(" "), out.Text...), []byte(sep+word))
			}
		}
		if i < 0 {
			t.Errorf("%s is not in %q", word, out.Text)
			continue
		}
		if got := out.Pos(i).String(); got != pos {
			t.Errorf("%s is at %s, want %s", word, got, pos)
		}
		if got := cursor.Pos(i).String(); got != pos {
			t.Errorf("cursor: %s is at %s, want %s", word, got, pos)
		}
	}
}

// FuzzPreprocess: no input takes long or panics; text without macros and
// directives comes out again as it went in.
func FuzzPreprocess(f *testing.F) {
	for _, tt := range cases {
		f.Add(tt.src)
	}
	f.Add("#define A(x) x##x #x\nA(A(A(1)))")
	f.Fuzz(func(t *testing.T, src string) {
		out, err := Preprocess("x.dts", []byte(src), Config{
			Include: []string{"inc", "inc2"}, ReadFile: headers.read, Warn: func(fdt.Pos, string) {},
		})
		if err != nil {
			var e *Error
			if !errors.As(err, &e) {
				t.Fatalf("not an *Error: %v", err)
			}
			// A #line or a line marker may say that the next line is line 0.
			if e.Pos.Line == 0 && !strings.Contains(src, "0") {
				t.Fatalf("no position: %v", err)
			}
			return
		}
		for i := range out.Text {
			if i%97 == 0 {
				out.Pos(i)
			}
		}
		if strings.ContainsAny(src, "#/\\\"'_\r") {
			return
		}
		again, err := Preprocess("x.dts", out.Text, Config{})
		if err != nil || !bytes.Equal(again.Text, out.Text) {
			t.Fatalf("second run differs: %v", err)
		}
		if squeeze(string(out.Text)) != squeeze(src) {
			t.Fatalf("text changed: %q", out.Text)
		}
	})
}
