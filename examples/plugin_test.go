// SPDX-License-Identifier: GPL-2.0-or-later

//go:build unix

package examples

import (
	"bytes"
	"os"
	"slices"
	"strings"
	"testing"

	"binman/internal/judge"
)

// runWith runs the command of the example that has a word in it, and returns what it
// prints.
func (ex *example) runWith(t *testing.T, name, word string) string {
	t.Helper()
	i := slices.IndexFunc(ex.commands, func(words []string) bool {
		return words[3] == name && strings.Contains(strings.Join(words, " "), word)
	})
	if i < 0 {
		t.Fatalf("%s/README.md has no command '%s' with '%s'", ex.dir, name, word)
	}
	return run(t, ex.commands[i])
}

// TestPluginShell follows the example of a plug-in that is a shell script.
func TestPluginShell(t *testing.T) {
	ex := load(t, "plugin")
	t.Chdir("..")
	ex.binman(t, "build")
	const want = `Name            Image-pos  Size   Entry-type    Offset  Uncomp-size
---------------------------------------------------------------------
image                   0   1000  section            0
  acme,header           0     3f  acme,header        0
  fdtmap              800    278  fdtmap           800
  image-header        ff8      8  image-header     ff8
`
	if got := ex.runWith(t, "ls", "flash.bin"); got != want {
		t.Errorf("ls prints\n%s\nwant\n%s", got, want)
	}
	build := ex.command(t, "go", "run", "./cmd/binman", "build")
	image, err := os.ReadFile(build[slices.Index(build, "-O")+1] + "/flash.bin")
	if err != nil {
		t.Fatal(err)
	}
	// The checksum is that of POSIX: cksum examples/plugin/firmware.bin.
	const header = "ACME\x40\x00\x00\x00\x00\x00\x00\x2f\x8c\xea\x39\xfaThis program"
	if !bytes.HasPrefix(image, []byte(header)) {
		t.Errorf("the image starts with %q", image[:len(header)])
	}
}

// TestPluginPython follows the one in Python.
func TestPluginPython(t *testing.T) {
	judge.Need(t, "python3")
	ex := load(t, "plugin")
	t.Chdir("..")
	ex.runWith(t, "build", "archive.dts")
	const want = `Name            Image-pos  Size  Entry-type    Offset  Uncomp-size
--------------------------------------------------------------------
image                   0   2fe  section            0
  acme,archive          0    90  acme,archive       0
    version            60     c  text              60
    settings           70    20  fill              70
  fdtmap               90   26e  fdtmap            90
`
	if got := ex.runWith(t, "ls", "archive.bin"); got != want {
		t.Errorf("ls prints\n%s\nwant\n%s", got, want)
	}
	ex.runWith(t, "extract", "version")
	words := ex.command(t, "go", "run", "./cmd/binman", "extract")
	got, err := os.ReadFile(words[slices.Index(words, "-f")+1])
	if err != nil || string(got) != "version 1.0\n" {
		t.Errorf("extracted %q, %v", got, err)
	}
}
