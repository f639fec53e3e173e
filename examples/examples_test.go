// SPDX-License-Identifier: GPL-2.0-or-later

package examples

import (
	"bytes"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"binman/internal/cli"
	"binman/internal/judge"
)

// packages are the Debian packages that examples need, by the directory
// that shows whether one is installed.
var packages = map[string]string{
	"/usr/lib/u-boot": "u-boot-qemu",
	"/usr/lib/riscv64-linux-gnu/opensbi/generic": "opensbi",
}

// An example is a directory with a description, and the commands in its
// README file, which are to be run in the root of the repository.
type example struct {
	dir      string // from the root
	commands [][]string
}

// load reads the example in the directory named name. The commands write to
// a directory of the test in place of the one that they name.
func load(t *testing.T, name string) *example {
	t.Helper()
	ex := &example{dir: filepath.Join("examples", name)}
	readme, err := os.ReadFile(filepath.Join(name, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	text := strings.ReplaceAll(string(readme), "\\\n", " ")
	for line := range strings.Lines(text) {
		if words := strings.Fields(line); strings.HasPrefix(line, "    ") && words[0] != "=>" {
			ex.commands = append(ex.commands, words)
		}
	}
	build := ex.command(t, "go", "run", "./cmd/binman", "build")
	i := slices.Index(build, "-O")
	if i < 0 || i+1 == len(build) {
		t.Fatalf("%s: its command to build names no output directory", ex.dir)
	}
	named, temp := build[i+1], t.TempDir()
	for _, words := range ex.commands {
		for i := range words {
			words[i] = strings.ReplaceAll(words[i], named, temp)
		}
	}
	return ex
}

// command returns the one command that starts with the given words.
func (ex *example) command(t *testing.T, start ...string) []string {
	t.Helper()
	for _, words := range ex.commands {
		if len(words) > len(start) && slices.Equal(words[:len(start)], start) {
			return words
		}
	}
	t.Fatalf("%s/README.md has no command '%s'", ex.dir, strings.Join(start, " "))
	return nil
}

// binman runs the example's binman command of that name and returns what it
// prints.
func (ex *example) binman(t *testing.T, name string) string {
	t.Helper()
	words := ex.command(t, "go", "run", "./cmd/binman", name)
	for _, word := range words {
		for dir, pkg := range packages {
			if strings.HasPrefix(word, dir) {
				judge.NeedFile(t, word, pkg)
			}
		}
	}
	return run(t, words)
}

// run runs a command of an example, 'go run ./cmd/binman …', and returns what it prints.
func run(t *testing.T, words []string) string {
	t.Helper()
	var stdout, stderr bytes.Buffer
	if status := cli.Main(words[3:], &stdout, &stderr); status != 0 || stderr.Len() > 0 {
		t.Fatalf("%s: exit status %d\n%s%s", strings.Join(words, " "), status, stdout.String(), stderr.String())
	}
	return stdout.String()
}

// TestBuild builds every example.
func TestBuild(t *testing.T) {
	names, err := filepath.Glob("*/image.dts")
	if err != nil || len(names) == 0 {
		t.Fatalf("no examples found: %v", err)
	}
	for _, path := range names {
		name := filepath.Dir(path)
		t.Run(name, func(t *testing.T) {
			if name == "plugin" && runtime.GOOS == "windows" {
				judge.Missing(t, "a shell that starts the plug-in as a program")
			}
			ex := load(t, name)
			t.Chdir("..")
			ex.binman(t, "build")
		})
	}
}

// TestFirst follows the first example to its end.
func TestFirst(t *testing.T) {
	ex := load(t, "first")
	t.Chdir("..")
	ex.binman(t, "build")
	const want = `Name            Image-pos  Size   Entry-type    Offset  Uncomp-size
---------------------------------------------------------------------
image                   0   1000  section            0
  loader                0     39  blob               0
  settings            400    200  section          400
    version           400     10  text               0
    u-boot-env        410    100  u-boot-env        10
  fdtmap              800    37d  fdtmap           800
  image-header        ff8      8  image-header     ff8
`
	if got := ex.binman(t, "ls"); got != want {
		t.Errorf("ls prints\n%s\nwant\n%s", got, want)
	}
}
