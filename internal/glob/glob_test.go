// SPDX-License-Identifier: GPL-2.0-or-later

package glob_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"binman/internal/glob"
	"binman/internal/judge"
)

// tree makes files to find, and enters their directory.
func tree(t *testing.T) {
	t.Helper()
	t.Chdir(t.TempDir())
	for _, name := range []string{
		"one.dat", "two.dat", ".hidden.dat", "[x]", "b", "-", "a\\b", "!",
		"d/three.dat", "d/e/four.dat", "d/f/five.dat", "d/f/.six.dat", ".g/seven.dat", "h/one.dat",
	} {
		if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, nil, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	for link, target := range map[string]string{"dangling": "nowhere", "linked": "d"} {
		if err := os.Symlink(target, link); err != nil {
			t.Fatal(err)
		}
	}
}

var patterns = map[string]string{
	"*.dat":          "one.dat two.dat",
	"./*.dat":        "./one.dat ./two.dat",
	".//*.dat":       "./one.dat ./two.dat",
	".//d/*.dat":     ".//d/three.dat",
	"d/../*.dat":     "d/../one.dat d/../two.dat",
	"d//*.dat":       "d/three.dat",
	"*/*.dat":        "d/three.dat h/one.dat linked/three.dat",
	"*/*/*.dat":      "d/e/four.dat d/f/five.dat linked/e/four.dat linked/f/five.dat",
	"**/five.dat":    "",
	"d/**/five.dat":  "d/f/five.dat",
	".*":             ".g .hidden.dat",
	".*/*":           ".g/seven.dat",
	"d/?/*":          "d/e/four.dat d/f/five.dat",
	"[ot]*.dat":      "one.dat two.dat",
	"[!o]*.dat":      "two.dat",
	"[^o]*.dat":      "one.dat", // ^ is nothing special
	"[[]x]":          "[x]",
	"[x]":            "",
	"[x":             "",
	"one.dat":        "one.dat",
	"./one.dat":      "./one.dat",
	"none":           "",
	"d*/":            "d/",
	"*/":             "d/ h/ linked/",
	"d/":             "d/",
	"one.dat/":       "",
	"dang*":          "dangling",
	"dangling":       "dangling",
	"dangling/*":     "",
	"one.dat/*":      "",
	"*/one.dat":      "h/one.dat",
	"a\\*":           "a\\b",
	"[!]":            "",
	"":               "",
	"./":             "./",
	"nowhere/*.dat":  "",
	"linked/*":       "linked/e linked/f linked/three.dat",
	"[a-z]":          "b d h",
	"d/./*.dat":      "d/./three.dat",
	"*/../two.dat":   "d/../two.dat h/../two.dat linked/../two.dat",
	"?ne.d[a-b]t":    "one.dat",
	"*":              "! - [x] a\\b b d dangling h linked one.dat two.dat",
	"d/[ef]/[!.]*":   "d/e/four.dat d/f/five.dat",
	"{one,two}.dat":  "",
	"one.dat*":       "one.dat",
	"*one.dat":       "one.dat",
	"o*n*e*.*d*a*t*": "one.dat",
}

func TestFind(t *testing.T) {
	tree(t)
	for pattern, want := range patterns {
		if got := strings.Join(glob.Find(pattern), " "); got != want {
			t.Errorf("%q finds %q, want %q", pattern, got, want)
		}
	}
}

// What is found is what Python finds.
func TestFindIsPython(t *testing.T) {
	python := judge.Need(t, "python3")
	tree(t)
	const program = "import glob, sys\nfor p in sys.argv[1:]: print(' '.join(sorted(glob.glob(p))))"
	args := []string{"-c", program}
	var list []string
	for pattern := range patterns {
		list = append(list, pattern)
	}
	out, err := exec.Command(python, append(args, list...)...).Output()
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(out), "\n")
	for i, pattern := range list {
		if got := strings.Join(glob.Find(pattern), " "); got != lines[i] {
			t.Errorf("%q finds %q, in Python %q", pattern, got, lines[i])
		}
	}
}

func TestJoin(t *testing.T) {
	for _, c := range [][3]string{
		{".", "*.dat", "./*.dat"},
		{"./", "*.dat", "./*.dat"},
		{"", "*.dat", "*.dat"},
		{"d", "/top/*", "/top/*"},
		{"/d//", "x", "/d//x"},
	} {
		if got := glob.Join(c[0], c[1]); got != c[2] {
			t.Errorf("Join(%q, %q) is %q, want %q", c[0], c[1], got, c[2])
		}
	}
}
