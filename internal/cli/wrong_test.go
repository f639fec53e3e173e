// SPDX-License-Identifier: GPL-2.0-or-later

package cli_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"binman/internal/cli"
	"binman/internal/golden"
)

// original is the original's program, with words before it if it needs any. It
// was asked when the expected results were written, and is asked again only if
// it is given.
var original = flag.String("original", "", "command line of the original, to write what it says into the results of TestWrong, and to compare times with")

// TestWrong goes through descriptions with one mistake each: check finds it and
// says where, and build refuses the description, or warns in the same words and
// refuses it with --strict. What all of them say is in testdata/wrong.txt, with
// what the original says.
func TestWrong(t *testing.T) {
	sources, err := filepath.Glob("testdata/wrong/*.dts")
	if err != nil || len(sources) < 60 {
		t.Fatalf("%d descriptions, error %v", len(sources), err)
	}
	recorded := originals(t)
	dir := t.TempDir()
	files := map[string]string{"blob.bin": "sixteen bytes...", "env.txt": "bootdelay=2\n"}
	for name, data := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(data), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	var all strings.Builder
	all.WriteString("What check and build say of the descriptions in wrong/, with the status in brackets, and what the original says.\n")
	for _, source := range sources {
		data, err := os.ReadFile(source)
		if err != nil {
			t.Fatal(err)
		}
		name := filepath.Base(source)
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o666); err != nil {
			t.Fatal(err)
		}
		title, _, _ := strings.Cut(strings.TrimPrefix(string(data), "// "), "\n")
		t.Run(strings.TrimSuffix(name, ".dts"), func(t *testing.T) {
			t.Chdir(dir)
			w := wrong{t: t, dir: dir, source: name}
			check, build := w.verdicts()
			if *original != "" {
				recorded[name] = w.askOriginal()
			}
			fmt.Fprintf(&all, "\n%s: %s\ncheck %sbuild %soriginal %s", name, title, check, build, recorded[name])
		})
	}
	golden.Text(t, "wrong.txt", all.String())
}

// originals returns what the original says of each description, by the results
// of an earlier run.
func originals(t *testing.T) map[string]string {
	data, err := os.ReadFile("testdata/wrong.txt")
	if err != nil && *original == "" {
		t.Fatal(err)
	}
	said := map[string]string{}
	for _, part := range strings.Split(string(data), "\n\n") {
		name, _, _ := strings.Cut(part, ": ")
		_, text, _ := strings.Cut(part, "\noriginal ")
		said[name] = strings.TrimSuffix(text, "\n") + "\n"
	}
	return said
}

// wrong is a description with a mistake.
type wrong struct {
	t           *testing.T
	dir, source string // the directory is the current one
}

// run runs a command, and returns its status and what it prints.
func (w wrong) run(args ...string) (status int, text string) {
	var out bytes.Buffer
	status = cli.Main(args, &out, &out)
	return status, strings.ReplaceAll(out.String(), w.dir, "DIR")
}

// verdicts returns what check and build say, and fails the test if one of them
// lets the mistake pass, or if check does not say where it is.
func (w wrong) verdicts() (check, build string) {
	w.t.Helper()
	status, text := w.run("check", "-I", ".", "-d", w.source)
	check = fmt.Sprintf("[%d]\n%s", status, text)
	_, js := w.run("check", "-I", ".", "-d", w.source, "--json")
	var found struct {
		Version  int
		Findings []struct {
			File, Severity, Message string
			Line, Column            int
		}
	}
	if err := json.Unmarshal([]byte(js), &found); err != nil || found.Version != 1 || len(found.Findings) == 0 {
		w.t.Fatalf("JSON %q, error %v", js, err)
	}
	notice := true
	for _, f := range found.Findings {
		notice = notice && f.Severity == "notice"
		if f.File == "" || f.Line == 0 || f.Column == 0 || f.Message == "" {
			w.t.Errorf("a finding without a place: %+v", f)
		}
	}
	if (status == 0) != notice || status > 1 {
		w.t.Errorf("check has status %d:\n%s", status, text)
	}

	args := []string{"build", "-I", ".", "-d", w.source, "-O", "out"}
	status, text = w.run(args...)
	build = fmt.Sprintf("[%d]\n%s", status, text)
	switch {
	case status == 1 || notice:
	case status != 0:
		w.t.Errorf("build has status %d:\n%s", status, text)
	case !strings.Contains(text, found.Findings[0].Message):
		w.t.Errorf("build does not warn: %s", found.Findings[0].Message)
	default:
		if strict, text := w.run(append(args, "--strict")...); strict != 1 && !strings.Contains(text, "WARNING") {
			w.t.Errorf("build --strict has status %d:\n%s", strict, text)
		}
	}
	return check, build
}

// askOriginal returns the status of the original and the last line of what it
// prints.
func (w wrong) askOriginal() string {
	words := append(strings.Fields(*original), "build", "-I", ".", "-d", w.source, "-O", "original")
	out, err := exec.Command(words[0], words[1:]...).CombinedOutput()
	status := 0
	if exit, ok := err.(*exec.ExitError); ok {
		status = exit.ExitCode()
	} else if err != nil {
		w.t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	// Where it runs dtc and gcc, their arguments matter to nobody.
	last := regexp.MustCompile(`( \(cwd=| -).*`).ReplaceAllString(lines[len(lines)-1], "")
	return fmt.Sprintf("[%d] %s\n", status, last)
}
