// SPDX-License-Identifier: GPL-2.0-or-later

package cli_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"binman/internal/cli"
	"binman/internal/judge"
)

// TestManPages has mandoc and groff look for mistakes in the manual pages.
func TestManPages(t *testing.T) {
	mandoc, groff := judge.Need(t, "mandoc"), judge.Need(t, "groff")
	t.Setenv("SOURCE_DATE_EPOCH", "1700000000")
	dir := t.TempDir()
	var stdout, stderr bytes.Buffer
	if status := cli.Main([]string{"help", "--man", dir}, &stdout, &stderr); status != 0 {
		t.Fatalf("exit status %d\n%s", status, stderr.String())
	}
	pages, err := filepath.Glob(dir + "/binman*.[17]")
	if err != nil || len(pages) < 10 {
		t.Fatalf("pages %q, %v", pages, err)
	}
	out, err := exec.Command(mandoc, append([]string{"-Tlint", "-W", "warning"}, pages...)...).CombinedOutput()
	if err != nil || len(out) > 0 {
		t.Errorf("mandoc: %v\n%s", err, out)
	}
	for _, page := range pages {
		out, err := exec.Command(groff, "-man", "-Kutf8", "-Tutf8", "-ww", "-z", page).CombinedOutput()
		if err != nil || len(out) > 0 {
			t.Errorf("groff %s: %v\n%s", filepath.Base(page), err, out)
		}
		text, err := os.ReadFile(page)
		if err != nil || !bytes.Contains(text[:60], []byte(" 2023-11-14 ")) {
			t.Errorf("%s does not bear the date: %v", filepath.Base(page), err)
		}
	}
}
