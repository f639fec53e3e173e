// SPDX-License-Identifier: GPL-2.0-or-later

package cli_test

import (
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"binman/internal/golden"

	"github.com/google/go-cmp/cmp"
)

// repository is the root of the source, seen from this package.
const repository = "../.."

// notRun are the commands that documents may show without running them, and
// why. They stand in blocks without prompts.
var notRun = map[string]string{
	"git clone":         "needs the network",
	"go test ./...":     "would run this test again",
	"go test -run '^$'": "measures for minutes",
	"sudo dpkg -i":      "changes the machine",
	"make ":             "needs a tree of U-Boot, or of Buildroot",
	"bitbake":           "needs OpenEmbedded",
	"nix-build":         "needs nixpkgs",
	"nix-shell":         "needs nixpkgs",
	"ln -s":             "needs a tree of U-Boot",
	"git update-inde":   "needs a tree of U-Boot",
	"git apply":         "needs a tree of U-Boot",
	"go build -tags p":  "needs a C compiler",
	"openssl":           "needs a key that is not here",
	"for request in D":  "needs a key that is not here",
	"flashrom":          "needs hardware",
}

// TestDocuments does what README.md, the manual (binman -H) and the pages in
// docs tell their readers to do. Each document is one shell session in an
// empty directory (that of README.md is a copy of the source), in which its
// blocks follow each other. A block is fenced, or indented by four spaces:
//
//   - A block below a paragraph that ends with a file name in backquotes and
//     a colon is the contents of that file, which is written.
//   - A block whose first line starts with "$ " is a session. Each such line,
//     up to one that does not end with a backslash, is a command; what follows
//     is all that it prints, to standard output and error. In place of what
//     may differ stand three dots: in a line for some text, alone in a line
//     for any number of lines. A command may fail only if it says something.
//   - Other blocks are for reading. Commands in them must be among notRun.
//
// Options in `binman COMMAND ...` within text must be ones of that command.
// The flag -update writes into the documents what the commands print.
func TestDocuments(t *testing.T) {
	if _, err := exec.LookPath("sh"); err != nil {
		t.Skip("there is no shell to paste commands into")
	}
	names := []string{"README.md", "internal/cli/manual.md"}
	for _, pattern := range []string{"docs/*.md", "docs/howto/*.md", "integration/*/README.md"} {
		found, err := filepath.Glob(filepath.Join(repository, pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range found {
			names = append(names, strings.TrimPrefix(filepath.ToSlash(name), repository+"/"))
		}
	}
	for _, name := range names {
		switch name {
		case "docs/entries.md": // made by entry-docs
			continue
		case "integration/bazel/README.md": // needs Bazel: run by integration/bazel
			continue
		}
		t.Run(strings.TrimSuffix(name, ".md"), func(t *testing.T) {
			t.Parallel()
			d := readDocument(t, name)
			d.checkOptions(t)
			d.run(t)
		})
	}
}

// A document is a Markdown file, as lines.
type document struct {
	name  string
	path  string
	lines []string
	steps []step // in the order of the document
}

// A step is something in a document that its reader does: write a file, or
// run a command.
type step struct {
	file     string // name of the file to write; empty for a command
	text     string // contents of the file, or the command
	from, to int    // the lines of the document with what the command prints
	indent   string
}

var fileNamed = regexp.MustCompile("`([^` ]+)`:$")

func readDocument(t *testing.T, name string) *document {
	t.Helper()
	path := filepath.Join(repository, name)
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	d := &document{name: name, path: path, lines: strings.Split(string(data), "\n")}
	intro := ""
	for i := 0; i < len(d.lines); {
		line := d.lines[i]
		first, end, indent := i, i, "    "
		switch {
		case strings.HasPrefix(line, "```"):
			first, indent = i+1, ""
			for end = first; end < len(d.lines) && d.lines[end] != "```"; end++ {
			}
			i = end + 1
		case strings.HasPrefix(line, indent):
			for i < len(d.lines) && (d.lines[i] == "" || strings.HasPrefix(d.lines[i], indent)) {
				if i++; d.lines[i-1] != "" {
					end = i
				}
			}
		default:
			if i++; line != "" {
				intro = line
			}
			continue
		}
		d.block(t, intro, first, end, indent)
		intro = ""
	}
	return d
}

// block adds the steps of the block in the lines from first to end. The line
// before it is intro.
func (d *document) block(t *testing.T, intro string, first, end int, indent string) {
	t.Helper()
	body := make([]string, end-first)
	for i := range body {
		body[i] = strings.TrimPrefix(d.lines[first+i], indent)
	}
	if named := fileNamed.FindStringSubmatch(intro); named != nil {
		d.steps = append(d.steps, step{file: named[1], text: strings.Join(body, "\n") + "\n"})
		return
	}
	if len(body) == 0 || !strings.HasPrefix(body[0], "$ ") {
		d.checkNotRun(t, first, body)
		return
	}
	for i := 0; i < len(body); {
		s := step{indent: indent, text: strings.TrimPrefix(body[i], "$ ")}
		for i++; strings.HasSuffix(s.text, "\\") && i < len(body); i++ {
			s.text += "\n" + body[i]
		}
		s.from = first + i
		for i < len(body) && !strings.HasPrefix(body[i], "$ ") {
			i++
		}
		s.to = first + i
		d.steps = append(d.steps, s)
	}
}

var looksLikeCommand = regexp.MustCompile(`^(binman|go|git|make|sudo|apt|ln|cp|flashrom|bitbake|bitbake-layers|nix-build|nix-shell) `)

func (d *document) checkNotRun(t *testing.T, first int, body []string) {
	t.Helper()
	for i, line := range body {
		known := func(start string) bool { return strings.HasPrefix(line, start) }
		if looksLikeCommand.MatchString(line) && !slices.ContainsFunc(keys(notRun), known) {
			t.Errorf("%s:%d: '%s' is not run: write a prompt before it", d.name, first+i+1, line)
		}
	}
}

func keys(m map[string]string) (all []string) {
	for key := range m {
		all = append(all, key)
	}
	return all
}

// endOfFile ends the files in the script that a document is.
const endOfFile = "-- end of file --"

var endOfStep = regexp.MustCompile(`(?s)(.*?)\n--(\d+)--\n`)

// run runs the document and compares what its commands print.
func (d *document) run(t *testing.T) {
	if len(d.steps) == 0 {
		return
	}
	dir := t.TempDir()
	if d.name == "README.md" {
		copySource(t, dir)
	}
	script := "exec 2>&1\nended() { status=$?; printf '\\n--%d--\\n' $status; return $status; }\n"
	for _, s := range d.steps {
		if s.file != "" {
			script += fmt.Sprintf("mkdir -p '%s'\ncat >'%s' <<'%s'\n%s%[3]s\n", filepath.Dir(s.file), s.file, endOfFile, s.text)
			continue
		}
		script += s.text + "\nended\n"
	}
	path := filepath.Join(t.TempDir(), "script")
	if err := os.WriteFile(path, []byte(script), 0o666); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("sh", path)
	cmd.Dir = dir
	// With -trimpath, go finds what it has compiled of a copied source before.
	cmd.Env = append(os.Environ(), "LC_ALL=C.UTF-8", "TZ=UTC", "SOURCE_DATE_EPOCH=",
		"CGO_ENABLED=0", "GOFLAGS=-trimpath -buildvcs=false", "GOBIN="+dir+"/bin")
	out, err := cmd.Output()
	ran := endOfStep.FindAllStringSubmatch(string(out), -1)
	printed := 0
	for i := range d.steps {
		if d.steps[i].file != "" {
			continue
		}
		if printed == len(ran) {
			t.Fatalf("%s:%d: the shell has ended before this (%v):\n%s", d.name, d.steps[i].from, err, out)
		}
		status, _ := strconv.Atoi(ran[printed][2])
		d.compare(t, d.steps[i], ran[printed][1], status)
		printed++
	}
	if *golden.Update {
		d.update(t, ran)
	}
}

// shown returns what a document shows of the output of a command.
func (d *document) shown(s step) string {
	var text strings.Builder
	for _, line := range d.lines[s.from:s.to] {
		text.WriteString(strings.TrimPrefix(line, s.indent) + "\n")
	}
	return strings.TrimRight(text.String(), "\n")
}

func (d *document) compare(t *testing.T, s step, got string, status int) {
	t.Helper()
	want := d.shown(s)
	got = strings.TrimRight(got, "\n")
	if !matches(want, got) && !*golden.Update {
		t.Errorf("%s:%d: '%s' prints (-document +command; -update rewrites it):\n%s",
			d.name, s.from, s.text, cmp.Diff(strings.Split(want, "\n"), strings.Split(got, "\n")))
	}
	if status != 0 && got == "" {
		t.Errorf("%s:%d: '%s' fails silently with status %d", d.name, s.from, s.text, status)
	}
}

// matches says whether text is what a document shows.
func matches(shown, text string) bool {
	pattern := regexp.QuoteMeta(shown + "\n")
	pattern = regexp.MustCompile(`(?m)^\\\.\\\.\\\.\n`).ReplaceAllString(pattern, `(?s:.*\n)?`)
	pattern = strings.ReplaceAll(pattern, `\.\.\.`, `.*`)
	return regexp.MustCompile("^" + pattern + "$").MatchString(text + "\n")
}

// update writes what the commands printed into the document.
func (d *document) update(t *testing.T, ran [][]string) {
	t.Helper()
	for i, printed := len(d.steps)-1, len(ran)-1; i >= 0; i-- {
		s := d.steps[i]
		if s.file != "" {
			continue
		}
		got := strings.TrimRight(ran[printed][1], "\n")
		printed--
		if matches(d.shown(s), got) {
			continue
		}
		var lines []string
		for line := range strings.Lines(got) {
			lines = append(lines, strings.TrimRight(s.indent+line, "\n "))
		}
		d.lines = slices.Replace(d.lines, s.from, s.to, lines...)
	}
	if err := os.WriteFile(d.path, []byte(strings.Join(d.lines, "\n")), 0o666); err != nil {
		t.Fatal(err)
	}
}

// copySource copies the source of this project to dir, without its history.
func copySource(t *testing.T, dir string) {
	t.Helper()
	entries, err := os.ReadDir(repository)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		from, to := filepath.Join(repository, entry.Name()), filepath.Join(dir, entry.Name())
		switch {
		case strings.HasPrefix(entry.Name(), "."):
			continue
		case entry.IsDir():
			err = os.CopyFS(to, os.DirFS(from))
		default:
			var data []byte
			if data, err = os.ReadFile(from); err == nil {
				err = os.WriteFile(to, data, 0o666)
			}
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

var commandInText = regexp.MustCompile("`binman ([a-z][a-z-]*)([^`]*)`")

// checkOptions checks that the options named in the text exist.
func (d *document) checkOptions(t *testing.T) {
	for i, line := range d.lines {
		for _, found := range commandInText.FindAllStringSubmatch(line, -1) {
			words, _, _ := strings.Cut(found[2], " -- ")
			args := []string{found[1], "-h"}
			if other := strings.Fields(words); len(other) > 0 && (found[1] == "imgtool" || found[1] == "zephyr") {
				args = []string{found[1], other[0], "-h"} // it has commands of its own
			}
			help, err := exec.Command("binman", args...).CombinedOutput()
			if err != nil {
				t.Errorf("%s:%d: there is no command '%s'", d.name, i+1, strings.Join(args[:len(args)-1], " "))
				continue
			}
			for word := range strings.FieldsSeq(words) {
				known := regexp.MustCompile(`[ \[]` + regexp.QuoteMeta(word) + `[], \n]`)
				if strings.HasPrefix(word, "-") && !known.Match(help) {
					t.Errorf("%s:%d: '%s' has no option %s", d.name, i+1, found[1], word)
				}
			}
		}
	}
}

var testNamed = regexp.MustCompile("`((?:Test|Fuzz)[A-Z][A-Za-z]*|([a-z0-9]+(?:_[a-z0-9]+)+))`")

// TestNamedTests checks that the tests and scripts exist that security.md
// names for what it promises.
func TestNamedTests(t *testing.T) {
	var tests strings.Builder
	err := filepath.WalkDir(repository, func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		data, err := os.ReadFile(path)
		tests.Write(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile(filepath.Join(repository, "docs/security.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, found := range testNamed.FindAllStringSubmatch(string(page), -1) {
		exists := strings.Contains(tests.String(), "func "+found[1]+"(")
		if found[2] != "" {
			_, err := os.Stat(filepath.Join("testdata/script", found[2]+".txtar"))
			exists = err == nil
		}
		if !exists {
			t.Errorf("security.md names %s, which does not exist", found[1])
		}
	}
}
