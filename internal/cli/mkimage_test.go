// SPDX-License-Identifier: GPL-2.0-or-later

package cli_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"binman/internal/cli"
)

func TestArgs(t *testing.T) {
	for _, c := range []struct {
		program string
		want    []string
	}{
		{"binman", []string{"-l", "x"}},
		{"/usr/bin/mkimage", []string{"mkimage", "-l", "x"}},
		{`C:\tools\mkimage.exe`, []string{"mkimage", "-l", "x"}},
		{"/usr/mkimage/binman", []string{"-l", "x"}},
	} {
		if diff := cmp.Diff(c.want, cli.Args([]string{c.program, "-l", "x"})); diff != "" {
			t.Errorf("%s: %s", c.program, diff)
		}
	}
}
