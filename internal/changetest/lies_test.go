// SPDX-License-Identifier: GPL-2.0-or-later

package changetest_test

import (
	"bytes"
	"io"
	"os"
	"slices"
	"strings"
	"testing"

	"binman/internal/changetest"
	"binman/internal/cli"
)

// TestLies makes sure that the checks find what they are for: the program does
// something wrong when an image is changed.
func TestLies(t *testing.T) {
	const replace, ls, extract = "replace", "ls", "extract"
	image := func(args []string) string { return args[slices.Index(args, "-i")+1] }
	edit := func(name string, f func([]byte) []byte) {
		data, err := os.ReadFile(name)
		if err == nil {
			err = os.WriteFile(name, f(data), 0o666)
		}
		if err != nil {
			t.Error(err)
		}
	}
	tests := []struct {
		name    string
		command string
		want    string
		lie     changetest.Program
	}{
		{"nothing wrong", "", "", nil},
		{"refuses everything", replace, "must", func([]string, io.Writer, io.Writer) int { return 1 }},
		{"does nothing", replace, "new", func([]string, io.Writer, io.Writer) int { return 0 }},
		{"crashes", replace, "status", func([]string, io.Writer, io.Writer) int { panic("lie") }},
		{"refuses what it has done", replace, "refused", func(args []string, out, errs io.Writer) int {
			cli.Main(args, out, errs)
			return 1
		}},
		{"makes the file longer", replace, "file size", func(args []string, out, errs io.Writer) int {
			status := cli.Main(args, out, errs)
			if status == 0 {
				edit(image(args), func(data []byte) []byte { return append(data, 0) })
			}
			return status
		}},
		{"destroys the first entry", replace, "others", func(args []string, out, errs io.Writer) int {
			status := cli.Main(args, out, errs)
			if status == 0 {
				edit(image(args), func(data []byte) []byte { data[0] ^= 1; return data })
			}
			return status
		}},
		{"lists other sizes", ls, "map", func(args []string, out, errs io.Writer) int {
			var list bytes.Buffer
			status := cli.Main(args, &list, errs)
			io.WriteString(out, strings.ReplaceAll(list.String(), `"size": 1`, `"size": 2`))
			return status
		}},
		{"extracts other bytes", extract, "bytes", func(args []string, out, errs io.Writer) int {
			edit(image(args), func(data []byte) []byte { data[0] ^= 1; return data })
			status := cli.Main(args, out, errs)
			edit(image(args), func(data []byte) []byte { data[0] ^= 1; return data })
			return status
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r := result(t, changetest.Config{
				Program: func(args []string, out, errs io.Writer) int {
					if args[0] == test.command {
						return test.lie(args, out, errs)
					}
					return cli.Main(args, out, errs)
				},
				Seed: 1, Images: 10, Steps: 3, Workers: 2,
				Without: []string{"nxp", "fit", "repack", "embed", "overlap", "collection", "extend", "whole", "again"},
			})
			found := slices.ContainsFunc(r.Failures, func(f *changetest.Failure) bool { return strings.HasPrefix(f.Check, test.want) })
			if found != (test.want != "") {
				t.Errorf("not found: %v", r.ByCheck())
			}
		})
	}
}
