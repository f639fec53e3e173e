// SPDX-License-Identifier: GPL-2.0-or-later

package plugin

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"binman/content"
	"binman/content/iodir"
)

// good is a declaration with everything.
const good = `{
 "protocol": 1,
 "program": "dir/prog",
 "timeout": 5,
 "types": [
  {
   "name": "acme,x.1+y",
   "summary": "An x",
   "doc": "Text.",
   "example": "acme,x { };",
   "section": true,
   "properties": [
    {"name": "a", "kind": "integer", "doc": "A", "required": true, "entry-arg": true},
    {"name": "B_#?", "kind": "64-bit integer", "doc": "B", "written": true},
    {"name": "c", "kind": "one byte", "doc": "C", "written": true},
    {"name": "d", "kind": "files", "doc": "D"}
   ]
  },
  {"name": "y", "summary": "A y"}
 ]
}`

func TestParse(t *testing.T) {
	p, err := Parse([]byte(good))
	if err != nil {
		t.Fatal(err)
	}
	if p.Program != "dir/prog" || p.Timeout != 5*time.Second || len(p.Types) != 2 || !p.Types[0].Section || p.Types[1].Section {
		t.Errorf("read as %+v", p)
	}
	x := p.Types[0]
	if x.Written("a") != nil || x.Written("none") != nil || x.Written("B_#?").WrittenSize() != 8 || x.Written("c").WrittenSize() != 1 {
		t.Error("what is written is not known")
	}
}

func TestParseErrors(t *testing.T) {
	minimal := func(s string) string {
		return `{"protocol": 1, "program": "p", "types": [{"name": "x", "summary": "s", "properties": [` + s + `]}]}`
	}
	for _, test := range []struct{ name, from, to, want string }{
		{"not JSON", good, `#!/bin/sh`, "it is not JSON: line 1: "},
		{"empty", good, ``, "it is not JSON: it ends too early"},
		{"a list", good, `[]`, "it is a JSON array, and has to be an object"},
		{"null", good, `null`, "'protocol' is missing"},
		{"something behind", `]
}`, `]
} x`, "something follows the JSON document"},
		{"a line", `"timeout": 5,`, `"timeout": 5`, "it is not JSON: line 5: "},
		{"another protocol", `"protocol": 1`, `"protocol": 2`, "the protocol is 2, only 1 is known"},
		{"unknown field", `"section"`, `"sektion"`, `there is no field "sektion"`},
		{"capital letters", `"section"`, `"Section"`, "there is no field 'Section'"},
		{"other letters", `"section"`, `"ſection"`, "there is no field 'ſection'"},
		{"twice", `"section": true`, `"section": true, "section": false`, "the field 'section' is there twice"},
		{"twice, empty", `"section": true`, `"": true`, `there is no field ""`},
		{"wrong kind", `"timeout": 5`, `"timeout": "5"`, "line 4: the field 'timeout' has a value of the wrong kind: string"},
		{"no time", `"timeout": 5`, `"timeout": 0`, "'timeout' is 0, and must be from 1 to 600 seconds"},
		{"much time", `"timeout": 5`, `"timeout": 601`, "'timeout' is 601"},
		{"broken time", `"timeout": 5`, `"timeout": 1e99`, "the field 'timeout' has a value of the wrong kind"},
		{"no program", `"program": "dir/prog"`, `"program": ""`, "'program' is missing"},
		{"no types", good, `{"protocol": 1, "program": "p", "types": []}`, "'types' is missing"},
		{"null type", good, `{"protocol": 1, "program": "p", "types": [null]}`, "type 1 has no 'name'"},
		{"many types", good, `{"protocol": 1, "program": "p", "types": [` + strings.Repeat("null,", 1000) + `null]}`, "it declares 1001 types"},
		{"type twice", `"name": "y"`, `"name": "acme,x.1+y"`, "type 'acme,x.1+y' is declared twice"},
		{"address", `"name": "y"`, `"name": "y@1"`, "a name has up to 64 small letters"},
		{"low line", `"name": "y"`, `"name": "y_z"`, "a name has up to 64 small letters"},
		{"way out", `"name": "y"`, `"name": "../y"`, "a name has up to 64 small letters"},
		{"long", `"name": "y"`, `"name": "` + strings.Repeat("y", 65) + `"`, "a name has up to 64 small letters"},
		{"no summary", `"summary": "A y"`, `"summary": ""`, "type 'y': 'summary' is missing"},
		{"null property", minimal(""), minimal("null"), "property 1 has no 'name'"},
		{"many properties", minimal(""), minimal(strings.Repeat("null,", 1000) + "null"), "it has 1001 properties"},
		{"property twice", `"name": "c"`, `"name": "a"`, "property 'a' is declared twice"},
		{"way out of a property", `"name": "c"`, `"name": "../c"`, "a name has up to 64 letters"},
		{"hidden", `"name": "c"`, `"name": ".c"`, "a name has up to 64 letters"},
		{"slash", `"name": "c"`, `"name": "c/d"`, "a name has up to 64 letters"},
		{"no kind", `"kind": "files", `, ``, "property 'd': the kind '' is not one of: '64-bit integer', 'bytes'"},
		{"no doc", `"doc": "D"`, `"doc": ""`, "'doc' is missing"},
		{"written text", `"kind": "one byte"`, `"kind": "string"`, "cannot be of the kind 'string'"},
		{"written and required", `"doc": "C", `, `"doc": "C", "required": true, `, "is not 'required'"},
		{"argument of files", `"doc": "D"`, `"doc": "D", "entry-arg": true`, "an entry argument cannot be of the kind 'files'"},
	} {
		t.Run(test.name, func(t *testing.T) {
			text := strings.Replace(good, test.from, test.to, 1)
			if test.from == minimal("") {
				text = test.to
			}
			_, err := Parse([]byte(text))
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want %s", err, test.want)
			}
		})
	}
}

// A declaration that is read is the same after it has been written again.
func FuzzParse(f *testing.F) {
	f.Add(good)
	f.Add(`{"protocol": 1, "program": "p", "types": [{"name": "x", "summary": "s"}]}`)
	f.Fuzz(func(t *testing.T, text string) {
		p, err := Parse([]byte(text))
		if err != nil {
			return
		}
		again, err := json.Marshal(map[string]any{"protocol": Protocol, "program": p.Program, "timeout": int(p.Timeout / time.Second), "types": p.Types})
		if err != nil {
			t.Fatal(err)
		}
		q, err := Parse(again)
		if err != nil || !reflect.DeepEqual(p, q) {
			t.Fatalf("%s\nis read as %+v, and again as %+v, %v", text, p, q, err)
		}
	})
}

// What is taken from an answer has been declared, and lies in the contents.
func FuzzAnswer(f *testing.F) {
	plug, err := Parse([]byte(good))
	if err != nil {
		f.Fatal(err)
	}
	x := plug.Types[0]
	r := &Request{Entries: []Input{{Name: "one"}, {Name: "two"}}}
	f.Add(`{"contents": "output", "properties": {"B_#?": "0xffffffffffffffff", "c": 255}, "entries": [{"name": "two", "offset": 4, "size": 6}]}`)
	f.Add(`{"missing": ["a", "b"]}`)
	f.Add(`{"error": "why"}`)
	f.Fuzz(func(t *testing.T, text string) {
		asked := 0
		a, err := readAnswer(x, r, []byte(text), func(name string) (content.Data, error) {
			asked++
			return content.String("0123456789"), nil
		})
		if asked > 1 {
			t.Error("two files were read")
		}
		if err != nil {
			return
		}
		if asked == 0 && len(a.Missing) == 0 {
			t.Error("there are no contents")
		}
		for name, v := range a.Properties {
			p := x.Written(name)
			if p == nil || p.WrittenSize() < 8 && v>>(8*p.WrittenSize()) != 0 {
				t.Errorf("the value of '%s' is %d", name, v)
			}
		}
		seen := map[string]bool{}
		for _, e := range a.Entries {
			if seen[e.Name] || e.Name != "one" && e.Name != "two" || e.Offset < 0 || e.Size < 0 || e.Offset+e.Size > 10 {
				t.Errorf("an entry is at %+v", e)
			}
			seen[e.Name] = true
		}
		for _, m := range a.Missing {
			if strings.ContainsAny(m, "\n\x1b") || len(m) > 310 {
				t.Errorf("missing %q", m)
			}
		}
	})
}

// Without somebody who runs programs, none runs.
func TestNotRun(t *testing.T) {
	p, err := Parse([]byte(good))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Ask(p.Types[0], &Request{}, Surroundings{}); err == nil || !strings.Contains(err.Error(), "programs cannot be run here") {
		t.Errorf("error %v", err)
	}
	if err := p.Open(nowhere{}, nil); err == nil || !strings.Contains(fmt.Sprint(err), "its program 'dir/prog': gone") {
		t.Errorf("error %v", err)
	}
}

// nowhere is a file system without files.
type nowhere struct{ iodir.System }

var errGone = errors.New("gone")

func (nowhere) Open(path string) (content.Data, error) {
	return content.Data{}, &content.PathError{Path: path, Err: errGone}
}
