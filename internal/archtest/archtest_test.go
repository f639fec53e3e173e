// SPDX-License-Identifier: GPL-2.0-or-later

// Package archtest checks that packages import each other in the direction
// that ARCHITECTURE.md draws:
//
//	cmd → cli → layout, etype, report, zephyr → formats, codecs, signer → fdt, elf, content
package archtest

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "binman"

// The layers, lowest first. A package imports its own layer and those below.
const (
	base    = iota // what everything may use, and small helpers in internal
	formats        // one package for each format on flash, codecs, keys, tools
	engine         // what knows layouts
	front          // the command line
	program
)

var layerNames = []string{"base", "formats", "engine", "command line", "program"}

// layers places packages by path, the longest prefix deciding. What is not
// here is a format: a new package need not be listed, and cannot import the
// engine unless it is.
var layers = map[string]int{
	"content":              base,
	"elf":                  base,
	"fdt":                  base,
	"internal":             base,
	"internal/host":        engine, // what the command line hands to the engine
	"internal/difftest":    engine, // compares whole builds
	"internal/conformance": engine, // an entry type
	"internal/cli":         front,
	"layout":               engine,
	"etype":                engine,
	"report":               engine,
	"zephyr":               engine,
	"cmd":                  program,
	"examples":             program,

	"internal/changetest": formats, // looks into changed images
}

// forbidden are imports that nothing in the program may have, with the
// reason. The program is one static file that runs wherever its kernel does.
var forbidden = map[string]string{
	"C":                            "cgo makes the program depend on a C library",
	"plugin":                       "plugins need cgo",
	"github.com/ebitengine/purego": "purego needs a dynamic loader",
}

// pkg is what go list says of a package.
type pkg struct {
	ImportPath string
	Imports    []string
	CgoFiles   []string
	Standard   bool
}

// list returns the packages of the module, with everything that they import
// directly or not, as built with the given tags.
func list(t *testing.T, tags string) map[string]*pkg {
	t.Helper()
	cmd := exec.Command("go", "list", "-deps", "-tags", tags,
		"-json=ImportPath,Imports,CgoFiles,Standard", module+"/...")
	// With cgo allowed, go list shows who would use it.
	cmd.Env = append(os.Environ(), "CGO_ENABLED=1")
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %v\n%s", cmd, err, stderr.String())
	}
	pkgs := map[string]*pkg{}
	dec := json.NewDecoder(strings.NewReader(string(out)))
	for {
		p := new(pkg)
		err := dec.Decode(p)
		if errors.Is(err, io.EOF) {
			return pkgs
		}
		if err != nil {
			t.Fatal(err)
		}
		pkgs[p.ImportPath] = p
	}
}

// local returns the path of a package within the module.
func local(path string) (string, bool) { return strings.CutPrefix(path, module+"/") }

// layer returns the layer of a package of the module.
func layer(path string) int {
	for p := path; p != ""; {
		if l, ok := layers[p]; ok {
			return l
		}
		i := max(strings.LastIndexByte(p, '/'), 0)
		p = p[:i]
	}
	return formats
}

func TestImports(t *testing.T) {
	for _, tags := range []string{"", "conformance"} {
		t.Run("tags="+tags, func(t *testing.T) {
			pkgs := list(t, tags)
			if pkgs[module+"/cmd/binman"] == nil {
				t.Fatal("go list does not show cmd/binman: nothing is checked")
			}
			for _, problem := range check(pkgs) {
				t.Error(problem)
			}
		})
	}
}

// check returns what is wrong with the imports of the packages.
func check(pkgs map[string]*pkg) []string {
	var problems []string
	problemf := func(format string, args ...any) { problems = append(problems, fmt.Sprintf(format, args...)) }
	for _, path := range slices.Sorted(maps.Keys(pkgs)) {
		p := pkgs[path]
		if p.Standard {
			continue
		}
		if len(p.CgoFiles) > 0 {
			problemf("%s: %s", path, forbidden["C"])
		}
		for _, imp := range p.Imports {
			if why, ok := forbidden[imp]; ok {
				problemf("%s imports %s: %s", path, imp, why)
			}
		}
		from, ok := local(path)
		if !ok {
			continue
		}
		for _, imp := range p.Imports {
			to, ok := local(imp)
			if !ok {
				continue
			}
			if layer(to) > layer(from) {
				problemf("%s (%s) imports %s (%s): imports point downwards",
					from, layerNames[layer(from)], to, layerNames[layer(to)])
			}
			if to == "internal/cli" && layer(from) != program {
				problemf("%s imports %s: only the program does", from, to)
			}
		}
	}
	return problems
}

// TestCheck makes sure that check finds what it is for.
func TestCheck(t *testing.T) {
	tests := []struct {
		name string
		pkg  pkg
		want string
	}{
		{"format imports engine", pkg{ImportPath: "binman/format/fip", Imports: []string{"binman/layout"}}, "imports point downwards"},
		{"new format imports engine", pkg{ImportPath: "binman/newfmt/sub", Imports: []string{"binman/etype"}}, "imports point downwards"},
		{"base imports format", pkg{ImportPath: "binman/fdt", Imports: []string{"binman/dts"}}, "imports point downwards"},
		{"engine imports cli", pkg{ImportPath: "binman/layout", Imports: []string{"binman/internal/cli"}}, "imports point downwards"},
		{"test helper imports cli", pkg{ImportPath: "binman/internal/difftest", Imports: []string{"binman/internal/cli"}}, "only the program does"},
		{"cgo", pkg{ImportPath: "example.com/x", CgoFiles: []string{"x.go"}}, "C library"},
		{"purego", pkg{ImportPath: "example.com/x", Imports: []string{"github.com/ebitengine/purego"}}, "dynamic loader"},
		{"downwards", pkg{ImportPath: "binman/layout", Imports: []string{"binman/fdt", "binman/format/fip", "fmt"}}, ""},
		{"program", pkg{ImportPath: "binman/cmd/binman", Imports: []string{"binman/internal/cli"}}, ""},
		{"standard library", pkg{ImportPath: "runtime/cgo", Standard: true, CgoFiles: []string{"cgo.go"}}, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := strings.Join(check(map[string]*pkg{test.pkg.ImportPath: &test.pkg}), "\n")
			if !strings.Contains(got, test.want) || test.want == "" && got != "" {
				t.Errorf("found %q, want %q", got, test.want)
			}
		})
	}
}
