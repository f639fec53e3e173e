// SPDX-License-Identifier: GPL-2.0-or-later

package archtest

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// asking are the functions that ask the system about the clock, the
// environment and files. What a build uses of these is handed to it.
var asking = map[string]bool{
	"time.Now": true, "os.LookupEnv": true, "os.Getenv": true, "os.Environ": true,
	"os.ReadDir": true, "os.Stat": true, "os.Getwd": true, "filepath.Glob": true,
}

// mayAsk are the packages that may, with the reason.
var mayAsk = map[string]string{
	"cmd":                 "programs",
	"internal/changetest": "looks for files that the program has left",
	"internal/cli":        "the command line",
	"internal/argparse":   "the command line's width",
	"internal/glob":       "looks for files on behalf of internal/host",
	"internal/host":       "hands them to builds",
	"internal/judge":      "finds programs for tests",
	"internal/imagefile":  "writes the file that the command line names",
	"internal/atomicfile": "writes files that callers name",
	"internal/openfile":   "opens files that callers name",
	"internal/safedir":    "opens directories that callers name",
	"content":             "opens files that callers name",
}

// TestSurroundings checks that nothing below the command line asks the system
// on its own, so that a build depends on what it is given alone.
func TestSurroundings(t *testing.T) {
	root := os.DirFS("../..")
	files := 0
	err := fs.WalkDir(root, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return err
		}
		files++
		for prefix := range mayAsk {
			if strings.HasPrefix(name, prefix+"/") {
				return nil
			}
		}
		set := token.NewFileSet()
		file, err := parser.ParseFile(set, filepath.Join("../..", name), nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(n ast.Node) bool {
			sel, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			if pkg, ok := sel.X.(*ast.Ident); ok && asking[pkg.Name+"."+sel.Sel.Name] {
				t.Errorf("%s: %s.%s: let the caller hand it in", set.Position(sel.Pos()), pkg.Name, sel.Sel.Name)
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if files < 100 {
		t.Errorf("only %d files were looked at", files)
	}
}
