// SPDX-License-Identifier: GPL-2.0-or-later

package integration

import (
	"regexp"
	"testing"

	"binman/internal/judge"
)

// TestNinja runs the script that measures builds of many boards with a few: it
// fails if ninja builds other images than those that hold what has changed.
func TestNinja(t *testing.T) {
	judge.Need(t, "ninja")
	judge.Need(t, "bash")
	out := run(t, "..", "scripts/ninja-bench.sh", "-n", "5")
	const row = `(?m)^\| this program, from (source|device trees)( \| \d+\.\d \(\d+\.\d\)){4} \|$`
	if n := len(regexp.MustCompile(row).FindAllString(out, -1)); n != 2 {
		t.Errorf("the table has %d rows of two:\n%s", n, out)
	}
}
