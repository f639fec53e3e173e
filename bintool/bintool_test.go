// SPDX-License-Identifier: GPL-2.0-or-later

//go:build unix

package bintool

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// install writes a shell script as a program and returns its directory.
func install(t *testing.T, name, script string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n"+script), 0o777); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestFindOrder(t *testing.T) {
	first, second, last := install(t, "prog", "echo 1"), install(t, "prog", "echo 2"), install(t, "prog", "echo 3")
	t.Setenv("PATH", last)
	notExecutable := t.TempDir()
	if err := os.WriteFile(filepath.Join(notExecutable, "prog"), nil, 0o666); err != nil {
		t.Fatal(err)
	}
	directory := t.TempDir()
	if err := os.Mkdir(filepath.Join(directory, "prog"), 0o777); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		set  Set
		want string // directory, or "" if it is missing
	}{
		{"PATH", Set{}, last},
		{"before PATH", Set{Paths: []string{first}}, first},
		{"in order", Set{Paths: []string{second, first}}, second},
		{"no directory", Set{Paths: []string{"/nowhere", first}}, first},
		{"not executable", Set{Paths: []string{notExecutable}}, last},
		{"a directory of that name", Set{Paths: []string{directory, first}}, first},
		{"forced missing", Set{Paths: []string{first}, Missing: map[string]bool{"prog": true}}, ""},
		{"other one missing", Set{Missing: map[string]bool{"gorp": true}}, last},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := c.set.Find("prog")
			if c.want == "" {
				if !errors.Is(err, ErrMissing) {
					t.Fatalf("found %q, error %v", got, err)
				}
				if _, err := c.set.Run("prog"); !errors.Is(err, ErrMissing) {
					t.Fatalf("Run: %v", err)
				}
				return
			}
			if want := filepath.Join(c.want, "prog"); got != want || err != nil {
				t.Errorf("found %q, %v, want %q", got, err, want)
			}
		})
	}
	if _, err := (Set{}).Find("gorp"); !errors.Is(err, ErrMissing) {
		t.Errorf("a program that is nowhere: %v", err)
	}
}

// Arguments reach the program as they are: no shell looks at them.
func TestRunArguments(t *testing.T) {
	dir := install(t, "prog", `for a in "$@"; do echo "<$a>"; done`)
	args := []string{"", "a b", "$HOME", "`id`", ";", "*", "-n", "'", `"`, "\n"}
	got, err := Set{Paths: []string{dir}}.Run("prog", args...)
	if err != nil {
		t.Fatal(err)
	}
	if want := "<" + strings.Join(args, ">\n<") + ">\n"; got != want {
		t.Errorf("the program got\n%s", got)
	}
	if _, err := (Set{Paths: []string{dir}}).Run("prog", "a\x00b"); err == nil {
		t.Error("an argument with a NUL was passed")
	}
}

func TestRunErrors(t *testing.T) {
	for _, c := range []struct{ name, script, want string }{
		{"says why", "echo out; echo why >&2; exit 3", "Error 3 running 'prog -x y': why"},
		{"says it on standard output", "echo why; exit 1", "Error 1 running 'prog -x y': why"},
		{"says nothing", "exit 1", "Error 1 running 'prog -x y': "},
		{"is killed", "kill -9 $$", "Error running 'prog -x y': signal: killed: "},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Set{Paths: []string{install(t, "prog", c.script)}}.Run("prog", "-x", "y")
			if err == nil || err.Error() != c.want {
				t.Errorf("error %v, want %s", err, c.want)
			}
			if errors.Is(err, ErrMissing) {
				t.Error("a program that fails counts as missing")
			}
		})
	}
}

// However much a program prints, only the start is kept.
func TestRunBounded(t *testing.T) {
	dir := install(t, "prog", `yes 0123456789 | head -c 300000; yes error | head -c 300000 >&2; exit $1`)
	set := Set{Paths: []string{dir}}
	out, err := set.Run("prog", "0")
	if err != nil || len(out) > maxOutput+100 || !strings.HasSuffix(out, "(234464 bytes more)") {
		t.Errorf("%d bytes kept, %v, ending %q", len(out), err, out[max(0, len(out)-40):])
	}
	if _, err = set.Run("prog", "1"); err == nil || len(err.Error()) > maxOutput+200 {
		t.Errorf("error of %d bytes", len(err.Error()))
	}
}

// Programs find each other as they are found here.
func TestRunPath(t *testing.T) {
	inner := install(t, "inner", "echo found")
	outer := install(t, "outer", "inner; echo \"$PATH\"")
	var log []string
	set := Set{Paths: []string{outer, inner}, Log: func(line string) { log = append(log, line) }}
	out, err := set.Run("outer", "1")
	if err != nil {
		t.Fatal(err)
	}
	if want := "found\n" + outer + ":" + inner + ":" + os.Getenv("PATH") + "\n"; out != want {
		t.Errorf("got %q, want %q", out, want)
	}
	if !slices.Equal(log, []string{"bintool: outer 1"}) {
		t.Errorf("log %q", log)
	}
}

func TestVersion(t *testing.T) {
	for _, c := range []struct{ name, script, want string }{
		{"mkimage", "echo mkimage version 2026.10-rc2", "2026.10-rc2"},
		{"lzma_alone", "echo; echo 'LZMA 9.22 beta : Igor Pavlov' >&2; exit 1", "9.22 beta"},
		{"bzip2", "echo 'bzip2, a sorter. Version 1.0.8, 2019.' >&2; echo usage >&2", "1.0.8"},
		{"bootgen", "echo; echo '****** Xilinx Bootgen v2024.1'; echo '**** Build'", "v2024.1"},
		{"xz", "echo 'something else'; echo more", "something else"},
		{"zstd", "exit 0", "unknown"},
		{"cst", "echo version 7", "unknown"},
	} {
		t.Run(c.name, func(t *testing.T) {
			tool, ok := Lookup(c.name)
			if !ok {
				t.Fatal("no such tool")
			}
			if got := (Set{Paths: []string{install(t, c.name, c.script)}}).Version(tool); got != c.want {
				t.Errorf("version %q, want %q", got, c.want)
			}
		})
	}
}

func TestTable(t *testing.T) {
	var names []string
	for _, tool := range Tools() {
		names = append(names, tool.Name)
		if tool.Summary == "" || tool.Doc == "" {
			t.Errorf("%s has no documentation", tool.Name)
		}
		if (tool.Package == "") == (tool.Source == "") {
			t.Errorf("%s: to be had as package %q, and from %q", tool.Name, tool.Package, tool.Source)
		}
		if got, ok := Lookup(strings.ReplaceAll(tool.Name, "-", "_")); !ok || got.Name != tool.Name {
			t.Errorf("%s is not found", tool.Name)
		}
	}
	if !slices.IsSorted(names) {
		t.Errorf("not sorted: %s", names)
	}
	if _, ok := Lookup("gorp"); ok {
		t.Error("an unknown tool is found")
	}
}
