// SPDX-License-Identifier: GPL-2.0-or-later

package boardcfg

import (
	"bytes"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// yamllint is the judge of style.
var yamllint = flag.String("yamllint", "", "path of yamllint, to compare with")

func testFile(t testing.TB, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func compile(t testing.TB, config, schema string) (string, error) {
	t.Helper()
	b, err := Compile(File{"config.yaml", []byte(config)}, File{"schema.yaml", []byte(schema)})
	return hex.EncodeToString(b), err
}

// The bytes are those that the original makes.
func TestLikeOriginal(t *testing.T) {
	got, err := compile(t, testFile(t, "config.yaml"), testFile(t, "schema.yaml"))
	if want := "7856341201021804ffffff010002030400050000"; err != nil || got != want {
		t.Errorf("%s, %v", got, err)
	}
}

func TestCompileErrors(t *testing.T) {
	schema := testFile(t, "schema.yaml")
	for _, c := range []struct{ name, config, want string }{
		{"style", "first:\n  small: 1\n", "Yamllint error: Line 1 in config.yaml: document-start"},
		{"twice", "---\nfirst:\n  small: 1\nfirst:\n  small: 2\n", "Yamllint error: Line 4 in config.yaml: key-duplicates"},
		{"too large", "---\nfirst:\n  small: 256\n", "Schema validation error: first.small: 256 is greater than the maximum of 255 (line 3 in config.yaml)"},
		{"negative", "---\nfirst:\n  small: -1\n", "first.small: -1 is less than the minimum of 0 (line 3 in config.yaml)"},
		{"text", "---\nfirst:\n  small: one\n", "first.small: one is not of type 'integer'"},
		{"quoted", "---\nfirst:\n  small: \"1\"\n", "first.small: 1 is not of type 'integer'"},
		{"truth", "---\nfirst:\n  small: true\n", "first.small: true is not of type 'integer'"},
		{"float", "---\nfirst:\n  small: 1.0\n", "first.small: 1.0 is not of type 'integer'"},
		{"nothing", "---\nfirst:\n  small:\n", "first.small: nothing is not of type 'integer' (line 3"},
		{"empty", "---\n", "nothing is not of type 'object'"},
		{"list for a number", "---\nfirst:\n  small: [1]\n", "first.small: it is not of type 'integer'"},
		{"number for a list", "---\nfirst:\n  none: 1\n", "first.none: 1 is not of type 'array'"},
		{"nested lists", "---\nfirst:\n  none: [[1]]\n", "first.none[0]: it is not of type 'integer'"},
		{"too short", "---\nfirst:\n  entries:\n    - id: 1\n      rights: 1\n", "first.entries: it is too short: it has 1 items, not 2"},
		{"too long", "---\nfirst:\n  entries: [{}, {}, {}, {}]\n", "first.entries: it is too long: it has 4 items, not 3"},
		{"required", "---\nfirst:\n  entries: [{id: 1}, {id: 2}]\n", "first.entries[0]: 'rights' is a required property"},
		{"not allowed", "---\nfirst:\n  entries: [{id: 1, rights: 1, x: 1}, {id: 2, rights: 2}]\n", "first.entries[0].x is not allowed"},
		{"unknown key", "---\nfirst:\n  smal: 1\n", "first.smal is not in the schema (line 3 in config.yaml)"},
		{"not listed", "---\nsecond:\n  kind: 3\n", "second.kind: 3 is none of the values that the schema lists"},
		{"no definition", "---\nsecond:\n  untyped: 3\n", "Schema validation error: Unresolvable reference '#/definitions/u4' of the schema (line 48 in schema.yaml)"},
		{"no size", "---\nsecond:\n  sized: 3\n", "second.sized has no size: the schema has to refer to #/definitions/u8, u16 or u32"},
		{"alias", "---\nfirst:\n  small: &a 1\n", "anchors, aliases and tags are not for board configurations"},
		{"merged", "---\nfirst:\n  <<: 1\n", "anchors, aliases and tags are not for board configurations"},
		{"documents", "---\nfirst:\n  small: 1\n---\nfirst:\n  small: 2\n", "'config.yaml' has more than one document"},
		{"no YAML", "---\nfirst: [1\n", "'config.yaml' is no YAML"},
		{"tab", "---\nfirst:\n  sm\tall: 1\n", "there is a tab"},
		{"deep", "---\nx: " + strings.Repeat("[", 65) + "\n", "it is nested too deep"},
	} {
		if got, err := compile(t, c.config, schema); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %s %v, want %s", c.name, got, err, c.want)
		}
	}
}

func TestSchemaErrors(t *testing.T) {
	for _, c := range []struct{ name, schema, want string }{
		{"no mapping", "[]", "the schema is no mapping"},
		{"unknown word", "oneOf: []", "the word 'oneOf' of the schema is not known (line 1 in schema.yaml)"},
		{"unknown type", "type: string", "the type 'string' of the schema is not known"},
		{"circle", "$ref: \"#\"", "its references go in a circle"},
		{"longer circle", "$ref: \"#/definitions/a\"\ndefinitions: {a: {$ref: \"#/definitions/b\"}, b: {$ref: \"#/definitions/a\"}}", "its references go in a circle"},
		{"elsewhere", "$ref: \"http://example.com/x\"", "Unresolvable reference"},
		{"no schema", "properties: {a: 1}", "there is no schema for it"},
		{"bound", "type: object\nproperties: {a: {minimum: x}}", "'x' in the schema is no integer"},
		{"additional", "additionalProperties: {}", "additionalProperties of the schema can be true or false only"},
	} {
		if got, err := compile(t, "---\na: 1\n", c.schema); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %s %v, want %s", c.name, got, err, c.want)
		}
	}
}

func TestNumber(t *testing.T) {
	for text, want := range map[string]int64{
		"0": 0, "12": 12, "+5": 5, "-5": -5, "0x1F": 31, "0b101": 5, "017": 15, "1_000": 1000, "0x_1": 1, "-0x10": -16,
	} {
		if n, ok := number(text); !ok || n.Cmp(big.NewInt(want)) != 0 {
			t.Errorf("%s is %v, %v", text, n, ok)
		}
	}
	for _, text := range []string{"", "-", "--1", "0x", "08", "0o7", "1.5", "1e3", "a", "_1", "0b2", "1 2", "0x-1", "0x+1", strings.Repeat("1", 100)} {
		if n, ok := number(text); ok {
			t.Errorf("%q is %v", text, n)
		}
	}
}

// styles are texts with the first problem that yamllint finds.
func styles() []struct{ text, want string } {
	return []struct{ text, want string }{
		{"---\na: 1\n", ""},
		{"", ""},
		{"\n", ""},
		{"# x\n\n---\n\na:\n  b: [1, 2]\n  c:\n    - d: 1\n      e: {f: 1}\n    -  # x\n      d: 2\n\n\ng: 0x1  # y\n", ""},
		{"a: 1\n", "1 document-start"},
		{"---\na: 1", "2 new-line-at-end-of-file"},
		{"---\r\na: 1\r\n", "1 new-lines"},
		{"---\na: 1 \n", "2 trailing-spaces"},
		{"---\na: 1\n\n", "3 empty-lines"},
		{"\n---\na: 1\n", "1 empty-lines"},
		{"---\n\n\n\na: 1\n", "4 empty-lines"},
		{"---\na : 1\n", "2 colons"},
		{"---\na:  1\n", "2 colons"},
		{"---\n? a\n:  1\n", "3 colons"},
		{"---\na: [1,2]\n", "2 commas"},
		{"---\na: [1 , 2]\n", "2 commas"},
		{"---\na: [1,  2]\n", "2 commas"},
		{"---\na: [ 1]\n", "2 brackets"},
		{"---\na: [1 ]\n", "2 brackets"},
		{"---\na: [ ]\n", "2 brackets"},
		{"---\na: { b: 1}\n", "2 braces"},
		{"---\na:\n  -  1\n", "3 hyphens"},
		{"---\na: 1 # x\n", "2 comments"},
		{"---\n#x\na: 1\n", "2 comments"},
		{"---\n##\n#\n## x\na: 1\n", ""},
		{"---\na:\n  b: 1\n # x\nc: 1\n", "4 comments-indentation"},
		{"---\na:\n  b: 1\n  # x\n# y\nc: 1\n", ""},
		{"---\na:\n  b: 1\n# y\n  # x\nc: 1\n", "5 comments-indentation"},
		{"---\na:\n  b:\n     c: 1\n", "4 indentation"},
		{"---\na:\n- 1\n", "3 indentation"},
		{"---\n a: 1\n", "2 indentation"},
		{"---\n- a: 1\n  b:\n    - 1\n- 2\n", ""},
		{"---\na: yes\n", "2 truthy"},
		{"---\na: [true, False]\n", "2 truthy"},
		{"---\non: 1\n", "2 truthy"},
		{"---\n\"a\": \"yes : [ ,\"\n", ""},
		{"---\n# " + strings.Repeat("x ", 50) + "y\na: 1\n", "2 line-length"},
		{"---\n# " + strings.Repeat("x", 100) + "\na: 1\n", ""},
		{"---\na:\n  - " + strings.Repeat("x", 100) + "\n", ""},
		{"---\na: " + strings.Repeat("x", 100) + "\n", "2 line-length"},
		{"%YAML 1.1\n---\na: 1\n...\n", ""},
	}
}

func TestLint(t *testing.T) {
	for _, c := range styles() {
		got := ""
		if p := Lint([]byte(c.text)); p != nil {
			got = fmt.Sprintf("%d %s", p.Line, p.Rule)
		}
		if got != c.want {
			t.Errorf("%q: %q, want %q", c.text, got, c.want)
		}
	}
}

// The problems are those that yamllint finds.
func TestLintJudge(t *testing.T) {
	if *yamllint == "" {
		return
	}
	problem := regexp.MustCompile(`^stdin:(\d+):.*\((.*)\)`)
	for _, c := range styles() {
		cmd := exec.Command(*yamllint, "-f", "parsable", "-d", "extends: default", "-")
		cmd.Stdin = strings.NewReader(c.text)
		out, _ := cmd.Output() // its status tells that it has found something
		got := ""
		if m := problem.FindStringSubmatch(string(out)); m != nil {
			got = m[1] + " " + m[2]
		}
		if got != c.want {
			t.Errorf("%q: yamllint says %q, want %q", c.text, out, c.want)
		}
	}
}

func TestCombine(t *testing.T) {
	b, err := Combine(3, []Part{{0xb, []byte("first")}, {0xc, nil}, {0xe, []byte("third")}})
	if err != nil {
		t.Fatal(err)
	}
	want := "0303" + "0b001a0005000000" + "0c001f0000000000" + "0e001f0005000000" + hex.EncodeToString([]byte("firstthird"))
	if got := hex.EncodeToString(b); got != want {
		t.Errorf("%s, want %s", got, want)
	}
	rev, list, err := Parse(b)
	if err != nil || rev != 3 || len(list) != 3 || list[2] != (Place{0xe, 0x1f, 5}) {
		t.Errorf("%d %v %v", rev, list, err)
	}
	if _, err := Combine(0, []Part{{0xb, make([]byte, 0x10000)}}); err == nil {
		t.Error("a configuration of 64 KiB")
	}
	if _, err := Combine(0, make([]Part, 256)); err == nil {
		t.Error("256 configurations")
	}
}

// What Compile takes has a style that Lint takes, and errors are of the known
// kinds or name the file.
func FuzzCompile(f *testing.F) {
	schema := testFile(f, "schema.yaml")
	f.Add(testFile(f, "config.yaml"), schema)
	for _, c := range styles() {
		f.Add(c.text, schema)
	}
	f.Fuzz(func(t *testing.T, config, schema string) {
		b, err := Compile(File{"config.yaml", []byte(config)}, File{"schema.yaml", []byte(schema)})
		var style *StyleError
		var rule *SchemaError
		switch {
		case err == nil && Lint([]byte(config)) != nil:
			t.Errorf("%q has no style, but makes %x", config, b)
		case err == nil, errors.As(err, &style), errors.As(err, &rule):
		case !strings.Contains(err.Error(), "config.yaml'") && !strings.Contains(err.Error(), "schema.yaml'"):
			t.Errorf("error %v", err)
		}
	})
}

// What Parse takes, Combine makes again.
func FuzzParse(f *testing.F) {
	b, _ := Combine(3, []Part{{0xb, []byte("first")}, {0xc, nil}})
	f.Add(b)
	f.Fuzz(func(t *testing.T, b []byte) {
		rev, list, err := Parse(b)
		if err != nil {
			return
		}
		var parts []Part
		for _, p := range list {
			parts = append(parts, Part{p.Type, b[p.Offset : p.Offset+p.Size]})
		}
		again, err := Combine(rev, parts)
		if err != nil {
			return // they may overlap, and be too large apart
		}
		rev2, list2, err := Parse(again)
		if err != nil || rev2 != rev || len(list2) != len(list) {
			t.Fatalf("%d %v %v", rev2, list2, err)
		}
		for i, p := range list2 {
			if !bytes.Equal(again[p.Offset:p.Offset+p.Size], parts[i].Data) {
				t.Errorf("part %d is another", i)
			}
		}
	})
}

// Whatever a text is, it is read or is an error.
func FuzzYAML(f *testing.F) {
	f.Add(testFile(f, "config.yaml"))
	f.Add(testFile(f, "schema.yaml"))
	for _, c := range styles() {
		f.Add(c.text)
	}
	f.Add("a: &x {b: *x, <<: *x}\n? [c]\n: |\n  d\n--- !!int 1\n...\n")
	f.Fuzz(func(t *testing.T, text string) {
		v, err := parse(File{"config.yaml", []byte(text)})
		if err == nil && v.kind == object && len(v.keys) != len(v.items) {
			t.Errorf("%d keys of %d values", len(v.keys), len(v.items))
		}
	})
}
