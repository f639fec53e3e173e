// SPDX-License-Identifier: GPL-2.0-or-later

package argparse

import (
	"fmt"
	"strings"
)

// unrecognized is the error for arguments that nothing took.
func (p *Parser) unrecognized(top *level, cmd string, rest []string) error {
	err := top.fail("unrecognized arguments: %s", strings.Join(rest, " "))
	err.Hint = p.hint(top, cmd, rest)
	return err
}

// hint says what the first unknown option may have been meant to be.
func (p *Parser) hint(top *level, cmd string, rest []string) string {
	for _, arg := range rest {
		if arg == "--" || !strings.HasPrefix(arg, "-") {
			continue
		}
		own := p.levelOf(cmd)
		if t := top.classifyOne(arg); t.option != nil {
			return fmt.Sprintf("%s stands before the command: %s %s ... %s", t.name, p.Prog, arg, cmd)
		}
		name, _, _ := strings.Cut(arg, "=")
		var names []string
		for _, o := range append(own.options, top.options...) {
			if !o.Hidden {
				names = append(names, o.Names...)
			}
		}
		return DidYouMean(name, names)
	}
	return ""
}

// DidYouMean names the candidate that is closest to name, if any is close;
// otherwise it is empty.
func DidYouMean(name string, candidates []string) string {
	best, bestDistance := "", 3
	for _, c := range candidates {
		// One wrong letter in three is a typing error, more is another word.
		if d := distance(name, c); d < bestDistance && d*3 <= len(c) {
			best, bestDistance = c, d
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf("did you mean '%s'?", best)
}

// distance counts the letters to insert, delete, replace or swap with the
// next one in order to turn a into b.
func distance(a, b string) int {
	const longest = 64 // no name is longer; keeps hostile input cheap
	if len(a) > longest || len(b) > longest {
		return longest
	}
	before, above, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range above {
		above[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			replace := above[j-1]
			if a[i-1] != b[j-1] {
				replace++
			}
			row[j] = min(replace, above[j]+1, row[j-1]+1)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, above, row = above, row, before
	}
	return above[len(b)]
}
