// SPDX-License-Identifier: GPL-2.0-or-later

package difftest

import (
	"crypto/sha256"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var (
	original = flag.String("original", "", "command that runs the original binman")
	update   = flag.Bool("update", false, "record what the original does in testdata/golden.txt")
	extra    = flag.Int("n", 0, "compare that many seeds with the original")
	first    = flag.Uint64("first", 1_000_000, "first of these seeds")
	keep     = flag.String("keep", "", "directory in which cases that differ are left")
)

// seeds is how many random cases the golden file holds.
const seeds = 450

const goldenFile = "testdata/golden.txt"

// cases returns all cases of the golden file.
func cases() []*Case {
	var list []*Case
	for seed := range uint64(seeds) {
		list = append(list, Random(seed))
	}
	for _, c := range choices() {
		list = append(list, &c.Case)
	}
	return list
}

// messages are the failures of the original that random cases meet and that we
// do not share, on purpose, by a part of the message. The choices have a case
// for most of them.
var messages = []struct{ text, reason string }{
	{
		"pylibfdt error -2: FDT_ERR_EXISTS",
		"libfdt refuses to add a node x where x@1 stands; a template may have both",
	}, {
		": Missing property '",
		"a property that a template gives an entry is missing in the device trees of other phases; we add it",
	}, {
		"'image_header' section must have an 'fdtmap' sibling",
		"the original takes an fdtmap at position 0 for none",
	}, {
		"Cannot obtain contents when expanding entry",
		"extend-size works for every entry type",
	}, {
		"Filename 'missing-part.bin' not found",
		"blob-ext-list may be optional, as blob-ext may",
	}, {
		"Internal error: Could not complete processing of contents: remaining [<binman.etype.collection",
		"entries that others depend on are collected first, wherever they stand",
	}, {
		"pylibfdt error -3: FDT_ERR_NOSPACE",
		"the original's buffer for the tree of an fdtmap may be some bytes too small",
	}, {
		"object supporting the buffer API required",
		"a null entry with a hash has the hash of nothing",
	}, {
		"'I' format requires 0 <= number <= 4294967295",
		"the message for a value that does not fit in 32 bits names the area or the symbol",
	}, {
		"Unknown entry type '",
		"our entry types are not Python modules, so the message does not speak of them",
	},
}

// paddedNull is a null entry with padding.
var paddedNull = regexp.MustCompile(`\bnull(@\w+)? \{[^{}]*\bpad-(before|after)`)

// deliberate returns why the results of the case differ on purpose, or "".
func deliberate(c *Case, original, ours *Result) string {
	if ours.rehashed {
		return "the original leaves the hash of what the contents were before symbols were written"
	}
	if paddedNull.MatchString(c.Source) {
		return "padding of a null entry shifts what follows it"
	}
	if original.Status != "error" {
		return ""
	}
	for _, m := range messages {
		if strings.Contains(original.Log, m.text) {
			return m.reason
		}
	}
	return ""
}

// difference lists the lines that only one of the results has.
func difference(original, ours *Result) string {
	lines := func(r *Result) []string {
		return append(strings.Split(r.String(), "\n"), strings.Split(r.Log, "\n")...)
	}
	var b strings.Builder
	b.WriteString("the original (-) and we (+) differ:")
	for _, side := range []struct {
		sign      string
		has, lack []string
	}{{"-", lines(original), lines(ours)}, {"+", lines(ours), lines(original)}} {
		for _, line := range side.has {
			if !slices.Contains(side.lack, line) {
				b.WriteString("\n" + side.sign + line)
			}
		}
	}
	return b.String()
}

// compareHere builds the case with the engine in dir, which is the current
// directory until the test ends.
func compareHere(t *testing.T, c *Case, dir string) *Result {
	t.Helper()
	if err := c.write(dir, ourCompiler); err != nil {
		t.Fatal(err)
	}
	t.Chdir(dir)
	r, err := c.runOurs()
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// runReference runs the original on the case.
func runReference(t *testing.T, c *Case, dir string) *Result {
	t.Helper()
	if err := c.write(dir, dtc); err != nil {
		t.Fatal(err)
	}
	r, err := c.runOriginal(strings.Fields(*original), dir)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// workDir returns a directory for cases, in memory if possible: most of the
// time of a build goes into waiting for its files to reach the disk.
func workDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "binman-difftest-")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// TestGolden compares our output with what the original made of the same
// cases.
func TestGolden(t *testing.T) {
	if *update {
		recordOriginal(t)
	}
	data, err := os.ReadFile(goldenFile)
	if err != nil {
		t.Fatal(err)
	}
	golden, err := parseGolden(data)
	if err != nil {
		t.Fatalf("%s: %v", goldenFile, err)
	}
	chosen := map[string]choice{}
	for _, c := range choices() {
		chosen[c.Name] = c
	}
	dir := workDir(t)
	for _, c := range cases() {
		t.Run(c.Name, func(t *testing.T) {
			want := golden[c.Name]
			if want == nil || want.digest != c.digest() {
				t.Fatalf("%s does not describe this case: record it again with -original and -update", goldenFile)
			}
			got := compareHere(t, c, filepath.Join(dir, c.Name))
			if choice, ok := chosen[c.Name]; ok {
				checkChoice(t, choice, &want.Result, got)
				return
			}
			if deliberate(c, &want.Result, got) != "" {
				return
			}
			if want.Result.String() != got.String() {
				t.Error(difference(&want.Result, got))
			}
		})
	}
}

// checkChoice checks that we do what we claim, and that the original does not.
func checkChoice(t *testing.T, c choice, original, ours *Result) {
	t.Helper()
	switch {
	case original.String() == ours.String():
		t.Errorf("the original does the same, but we claim: %s", c.reason)
	case ours.Status == "error":
		t.Errorf("we fail too, but claim: %s\n%s", c.reason, ours.Log)
	case c.want != nil:
		sum := sha256.Sum256(c.want)
		if ours.Files["image.bin"] != short(sum[:]) {
			t.Errorf("image.bin is not %q", c.want)
		}
	}
}

// recordOriginal runs the original on every case and writes the golden file.
func recordOriginal(t *testing.T) {
	if *original == "" {
		t.Fatal("-update needs -original")
	}
	var b strings.Builder
	b.WriteString("# SPDX-License-Identifier: GPL-2.0-or-later\n")
	b.WriteString("# What the original binman makes of the cases; see doc.go for how to record it.\n")
	dir := workDir(t)
	for _, c := range cases() {
		r := runReference(t, c, filepath.Join(dir, c.Name))
		b.WriteString((&record{c.Name, c.digest(), *r}).String())
	}
	if err := os.WriteFile(goldenFile, []byte(b.String()), 0o666); err != nil {
		t.Fatal(err)
	}
}

// TestLive compares more seeds with the original, when it is there.
func TestLive(t *testing.T) {
	if *original == "" || *extra == 0 {
		t.Skip("-original and -n are not given")
	}
	root := *keep
	if root == "" {
		root = workDir(t)
	}
	for seed := *first; seed < *first+uint64(*extra); seed++ {
		c := Random(seed)
		t.Run(c.Name, func(t *testing.T) {
			dir := filepath.Join(root, c.Name)
			want := runReference(t, c, filepath.Join(dir, "original"))
			got := compareHere(t, c, filepath.Join(dir, "ours"))
			if want.String() == got.String() {
				os.RemoveAll(dir)
				return
			}
			if reason := deliberate(c, want, got); reason != "" {
				os.RemoveAll(dir)
				t.Skip(reason)
			}
			os.WriteFile(filepath.Join(dir, "case.dts"), []byte(c.Source), 0o666)
			os.WriteFile(filepath.Join(dir, "flags"), []byte(strings.Join(c.Options.Flags(), " ")+"\n"), 0o666)
			t.Error(difference(want, got))
		})
	}
}
