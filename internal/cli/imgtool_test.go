// SPDX-License-Identifier: GPL-2.0-or-later

package cli_test

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"binman/internal/cli"
)

// imgtoolCase is a line of testdata/imgtool/cases.txt: a command line whose last word is
// the file that it makes.
type imgtoolCase struct {
	name string
	args []string
}

func imgtoolCases(t *testing.T) (list []imgtoolCase) {
	t.Helper()
	text, err := os.ReadFile("testdata/imgtool/cases.txt")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		name, command, _ := strings.Cut(strings.TrimSpace(line), ": ")
		var args []string
		for i, part := range strings.Split(command, `"`) {
			if i%2 == 1 {
				args = append(args, part)
			} else {
				args = append(args, strings.Fields(part)...)
			}
		}
		list = append(list, imgtoolCase{name, args})
	}
	return list
}

// What imgtool 2.4.0 makes of the cases has the hashes in sums.txt.
func TestImgtoolVectors(t *testing.T) {
	cases := imgtoolCases(t)
	sums, err := os.ReadFile("testdata/imgtool/sums.txt")
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{}
	for line := range strings.Lines(string(sums)) {
		f := strings.Fields(line)
		want[f[1]] = f[0]
	}
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("testdata/imgtool")); err != nil {
		t.Fatal(err)
	}
	t.Chdir(dir)
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			var stdout, stderr bytes.Buffer
			if status := cli.Main(c.args, &stdout, &stderr); status != 0 {
				t.Fatalf("status %d: %s", status, stderr.Bytes())
			}
			out := c.args[len(c.args)-1]
			b, err := os.ReadFile(filepath.Join(dir, out))
			if err != nil {
				t.Fatal(err)
			}
			if sum := fmt.Sprintf("%x", sha256.Sum256(b)); sum != want[out] {
				t.Errorf("%s has the hash %s, not %s", out, sum, want[out])
			}
		})
	}
}
