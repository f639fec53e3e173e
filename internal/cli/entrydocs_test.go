// SPDX-License-Identifier: GPL-2.0-or-later

package cli_test

import (
	"bytes"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"

	"binman/internal/cli"
	"binman/internal/golden"
)

// TestEntriesPage checks that docs/entries.md is what entry-docs prints; with
// -update it writes it.
func TestEntriesPage(t *testing.T) {
	const page = "../../docs/entries.md"
	var stdout, stderr bytes.Buffer
	if status := cli.Main([]string{"entry-docs", "--format", "md"}, &stdout, &stderr); status != 0 {
		t.Fatalf("exit status %d\n%s", status, stderr.String())
	}
	if *golden.Update {
		if err := os.WriteFile(page, stdout.Bytes(), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), stdout.String()); diff != "" {
		t.Errorf("%s is out of date, run this test with -update (-page +now):\n%s", page, diff)
	}
}
