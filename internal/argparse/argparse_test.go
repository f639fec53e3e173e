// SPDX-License-Identifier: GPL-2.0-or-later

package argparse

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", path, diff)
	}
}

// TestHabits pins how values are read. Unnamed variables keep their defaults.
func TestHabits(t *testing.T) {
	for _, tt := range []struct {
		name string
		args string // separated by single spaces
		want map[string]any
	}{
		{"value attached to a letter", "-v3 sort", values("verbosity", 3.0)},
		{"value apart", "-v 3 sort", values("verbosity", 3.0)},
		{"value behind an equals sign", "-v=3 sort", values("verbosity", 3.0)},
		{"long name", "--verbosity 3 sort", values("verbosity", 3.0)},
		{"long name with equals sign", "--verbosity=3 sort", values("verbosity", 3.0)},
		{"unique prefix", "--verb 3 sort", values("verbosity", 3.0)},
		{"prefix with equals sign", "--verb=3 sort", values("verbosity", 3.0)},
		{"the last one counts", "-v3 -v 4 sort", values("verbosity", 4.0)},
		{"negative number", "-T -5 sort", values("threads", -5.0)},
		{"python's integers", "-T +1_000 sort", values("threads", 1000.0)},
		{"list", "--toolpath a --toolpath=b sort", values("toolpath", []any{"a", "b"})},
		{"assignment attached", "build -ax=y=z -a k=", values("entry_arg", []any{"x=y=z", "k="})},
		{"bundle", "build -mpM", values("map", true, "preserve", true, "allow_missing", true)},
		{"bundle with value apart", "build -mb sandbox", values("map", true, "board", "sandbox")},
		{"bundle with value attached", "build -mbsandbox", values("map", true, "board", "sandbox")},
		{"empty value", "build --board=", values("board", "")},
		{"a dash is a value", "build -b -", values("board", "-")},
		{"choice", "build -l small", values("level", "small")},
		{"same variable in both levels", "-T 7 ls -i x", values("image", "x", "threads", 2.0)},
		{"positionals before options", "ls a b -i x", values("image", "x", "paths", []any{"a", "b"})},
		{"positionals behind options", "ls -i x a b", values("image", "x", "paths", []any{"a", "b"})},
		{"positionals between options", "ls a -i x b -U c", values("image", "x", "paths", []any{"a", "b", "c"}, "uncompressed", true)},
		{"protected positional", "ls -i x -- -U", values("image", "x", "paths", []any{"-U"})},
		{"only the first dashes protect", "ls -i x -- -- a", values("image", "x", "paths", []any{"--", "a"})},
		{"dashes before the command", "-- ls -i x", values("image", "x")},
		{"many and one", "copy a b c", values("from", []any{"a", "b"}, "to", "c")},
		{"one and many", "sign -a x -i y k p q", values("algo", "x", "image", "y", "key", "k", "paths", []any{"p", "q"})},
		{"optional positional", "sort down", values("order", "down")},
		{"prefix that is ambiguous for the program only", "ls -i x --t 3", values("image", "x", "threads", 3.0)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := newProgram(demo).run(strings.Split(tt.args, " "))
			if got.Status != 0 {
				t.Fatalf("%s", got.Stderr)
			}
			for k, want := range tt.want {
				if diff := cmp.Diff(want, got.Values[k]); diff != "" {
					t.Errorf("%s (-want +got):\n%s", k, diff)
				}
				delete(got.Values, k)
			}
			delete(got.Values, "cmd")
			defaults := map[string]any{"box_dir": "b", "tooldir": "tools", "verbosity": 1.0}
			if strings.Contains(tt.args, "ls ") {
				defaults["threads"] = 2.0
			}
			for k, v := range got.Values {
				want := defaults[k]
				if want == nil {
					want = ""
				}
				if v != want && v != false {
					t.Errorf("%s is %v, not its default", k, v)
				}
			}
		})
	}
}

func values(pairs ...any) map[string]any {
	m := map[string]any{}
	for i := 0; i < len(pairs); i += 2 {
		m[pairs[i].(string)] = pairs[i+1]
	}
	return m
}

// TestErrors pins the last lines of standard error: argparse's and the hint.
func TestErrors(t *testing.T) {
	for _, tt := range []struct{ args, want string }{
		{"", "packer: error: the following arguments are required: cmd"},
		{"--", "packer: error: the following arguments are required: cmd"},
		{"build -b", "packer build: error: argument -b/--board: expected one argument"},
		{"build -b -m", "packer build: error: argument -b/--board: expected one argument"},
		{"build -b -- x", "packer build: error: argument -b/--board: expected one argument"},
		{"-v x build", "packer: error: argument -v/--verbosity: invalid int value: 'x'"},
		{"-v it's build", `packer: error: argument -v/--verbosity: invalid int value: "it's"`},
		{"-T 99999999999999999999 sort", "packer: error: argument -T/--threads: invalid int value: '99999999999999999999'"},
		{"build --fake", "packer build: error: ambiguous option: --fake could match --fake-tree, --fake-things"},
		{"build -mx", "packer build: error: argument -m/--map: ignored explicit argument 'x'"},
		{"build --map=yes", "packer build: error: argument -m/--map: ignored explicit argument 'yes'"},
		{"build -l medium", "packer build: error: argument -l/--level: invalid choice: 'medium' (choose from 'fast', 'small')"},
		{"sort left", "packer sort: error: argument order: invalid choice: 'left' (choose from 'up', 'down')"},
		{"ls", "packer ls: error: the following arguments are required: -i/--image"},
		{"sign", "packer sign: error: the following arguments are required: -a/--algo, -i/--image, key"},
		{"copy one", "packer copy: error: the following arguments are required: to"},
		{"build x y", "packer: error: unrecognized arguments: x y"},
		{"--bogus build -Z x", "packer: error: unrecognized arguments: --bogus -Z x"},
		{"buidl", "packer: error: argument cmd: invalid choice: 'buidl' (choose from 'build', 'entry-docs', 'ls', 'sign', 'copy', 'sort')\n" +
			"packer: hint: did you mean 'build'?"},
		{"build --alow-missing", "packer: error: unrecognized arguments: --alow-missing\n" +
			"packer: hint: did you mean '--allow-missing'?"},
		{"build --verbosity=3", "packer: error: unrecognized arguments: --verbosity=3\n" +
			"packer: hint: --verbosity stands before the command: packer --verbosity=3 ... build"},
	} {
		t.Run(tt.args, func(t *testing.T) {
			got := newProgram(demo).run(strings.Fields(tt.args))
			usage, text, _ := strings.Cut(got.Stderr, "\npacker")
			if got.Status != Status || !strings.HasPrefix(usage, "usage: packer ") || got.Stdout != "" {
				t.Fatalf("%+v", got)
			}
			// The usage's own lines never start with the program's name.
			if diff := cmp.Diff(tt.want+"\n", "packer"+text); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestHelp pins the layout of help at several widths.
func TestHelp(t *testing.T) {
	for _, columns := range []int{80, 120, 40, 1} {
		var b strings.Builder
		p := newProgram(demo)
		p.parser.Columns = columns
		for _, args := range [][]string{{"-h"}, {"build", "-h"}, {"sign", "--help"}, {"copy", "-h"}, {"entry-docs", "-mh"}} {
			_, err := p.parser.Parse(args)
			if !errors.Is(err, ErrHelp) && args[0] != "entry-docs" {
				t.Fatalf("%q: %v", args, err)
			}
			fmt.Fprintf(&b, "$ packer %s\n", strings.Join(args, " "))
			Exit(err, &b, &b)
		}
		golden(t, fmt.Sprintf("help-%d.txt", columns), b.String())
	}
}

// TestExtras covers what goes beyond argparse's table: groups, hidden and
// late options, aliases, examples.
func TestExtras(t *testing.T) {
	var allow, alloc, secret bool
	var depth string
	p := Parser{
		Prog: "x", Columns: 80,
		Commands: []Command{{
			Name: "run", Aliases: []string{"r"}, Help: "Run it", Description: "Runs.",
			Epilog: "Examples:\n\n  x run --allow\n  x run -d 3",
			Options: []Option{
				{Names: []string{"--allow-missing"}, Value: Flag(&allow), Help: "Old"},
				{Names: []string{"--allow-all"}, Value: Flag(&alloc), Help: "New", Extension: true, Group: "additions"},
				{Names: []string{"--secret"}, Value: Flag(&secret), Hidden: true},
				{Names: []string{"-d"}, Value: String(&depth, "none"), Help: "Depth"},
				{Names: []string{"-n"}, Help: "No effect"},
			},
		}},
	}
	if cmd, err := p.Parse([]string{"r", "--allow", "--secret", "-n"}); err != nil || cmd != "run" || !allow || alloc || !secret || depth != "none" {
		t.Errorf("%q, %v: %v %v %v %q", cmd, err, allow, alloc, secret, depth)
	}
	if _, err := p.Parse([]string{"run", "--allow-a", "-d3"}); err != nil || allow || !alloc || depth != "3" {
		t.Errorf("%v: %v %v %q", err, allow, alloc, depth)
	}
	golden(t, "extras.txt", p.Help("")+"\n"+p.Help("r"))
}

func TestVersion(t *testing.T) {
	p := newProgram(demo)
	_, err := p.parser.Parse([]string{"-V", "no", "such"})
	if !errors.Is(err, ErrVersion) {
		t.Errorf("got %v", err)
	}
	if _, done := Exit(err, nil, nil); done {
		t.Error("the version is the caller's to print")
	}
}

func TestWrap(t *testing.T) {
	for _, tt := range []struct {
		text  string
		width int
		want  []string
	}{
		{"", 10, nil},
		{"one two\n three", 7, []string{"one two", "three"}},
		{"a well-known-thing", 8, []string{"a well-", "known-", "thing"}},
		{"u-boot is e-mail", 5, []string{"u-", "boot", "is e-", "mail"}},
		{"x 0123456789", 4, []string{"x 01", "2345", "6789"}},
	} {
		if diff := cmp.Diff(tt.want, wrap(tt.text, tt.width)); diff != "" {
			t.Errorf("%q in %d (-want +got):\n%s", tt.text, tt.width, diff)
		}
	}
}

func TestRepr(t *testing.T) {
	for in, want := range map[string]string{
		"x": `'x'`, "it's": `"it's"`, `'"`: `'\'"'`, "\n\t\\": `'\n\t\\'`, "\x00\u200b\xff": `'\x00\u200b\udcff'`, "é": `'é'`,
	} {
		if got := repr(in); got != want {
			t.Errorf("repr(%q) = %s, want %s", in, got, want)
		}
	}
}

// FuzzParse checks that no command line makes the parser panic or return an
// error without a message, and that parsing is repeatable.
func FuzzParse(f *testing.F) {
	for _, line := range commandLines(demo, 200) {
		f.Add(strings.Join(line, "\x00"), byte(80))
	}
	f.Fuzz(func(t *testing.T, line string, columns byte) {
		args := strings.Split(line, "\x00")
		p := newProgram(demo)
		p.parser.Columns = int(columns)
		before := slices.Clone(args)
		first := p.run(args)
		if !slices.Equal(before, args) {
			t.Fatal("the arguments were changed")
		}
		if first.Status != 0 && !strings.Contains(first.Stderr, ": error: ") {
			t.Fatalf("no message: %+v", first)
		}
		if diff := cmp.Diff(first, p.run(args)); diff != "" {
			t.Fatalf("the second time differs:\n%s", diff)
		}
	})
}

func BenchmarkParse(b *testing.B) {
	p := newProgram(demo)
	args := strings.Fields("-v3 -B out build -mpM -I a -I b -a x=1 -a y=2 --board sandbox")
	for b.Loop() {
		if _, err := p.parser.Parse(args); err != nil {
			b.Fatal(err)
		}
	}
}

func ExampleParser() {
	var threads int
	var image string
	var paths []string
	p := Parser{
		Prog:    "packer",
		Columns: 80,
		Options: []Option{{Names: []string{"-T", "--threads"}, Value: Int(&threads, 4), Help: "Number of threads"}},
		Commands: []Command{{
			Name: "ls",
			Help: "List an image",
			Options: []Option{
				{Names: []string{"-i", "--image"}, Value: String(&image, ""), Required: true, Help: "Image to list"},
			},
			Args: []Arg{{Name: "paths", Nargs: "*", Value: Strings(&paths), Help: "Paths to list"}},
		}},
	}
	cmd, err := p.Parse([]string{"-T2", "ls", "--im=flash.bin", "a", "b"})
	fmt.Println(cmd, err, threads, image, paths)

	_, err = p.Parse([]string{"ls"})
	var out bytes.Buffer
	status, _ := Exit(err, &out, &out)
	fmt.Println(status)
	fmt.Print(out.String())
	// Output:
	// ls <nil> 2 flash.bin [a b]
	// 2
	// usage: packer ls [-h] -i IMAGE [paths ...]
	// packer ls: error: the following arguments are required: -i/--image
}
