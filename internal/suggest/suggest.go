// SPDX-License-Identifier: GPL-2.0-or-later

// Package suggest finds what was meant by a name that nothing has.
package suggest

import (
	"fmt"
	"strings"
)

// The costs of what turns a word that was typed into the one that was meant. A
// slip of the fingers costs less than another letter: neighbours swapped, a
// letter doubled, capitals, one separator in place of another. Digits carry the
// meaning of names such as bl31, so that one at another place is a slip, but
// another digit is not.
const (
	costEdit      = 10 // a letter is missing, too many or another one
	costDouble    = 6  // a letter stands there twice, or once instead
	costSwap      = 5  // of two neighbours
	costMove      = 8  // of a letter to anywhere
	costMoveDigit = 6
	costCase      = 2 // of a letter, or - in place of _
)

// Nearest returns the name in list that somebody who typed name may have
// meant, or "" if none is near enough: two letters apart, or one if the name is
// short.
func Nearest(name string, list []string) string {
	limit := 3 * costEdit
	if len(name) <= 4 {
		limit = 2 * costEdit
	}
	return nearest(name, list, limit)
}

// Misspelled is Nearest for a name that may be right although the list does not
// have it: only a single slip or letter counts.
func Misspelled(name string, list []string) string {
	const shortest = 4 // shorter words are all alike
	if len(name) < shortest {
		return ""
	}
	return nearest(name, list, costEdit+1)
}

// nearest returns the name in list whose distance is least and below limit.
func nearest(name string, list []string, limit int) string {
	best := ""
	for _, cand := range list {
		if n := len(name) - len(cand); max(n, -n)*costDouble >= limit {
			continue // at least as many insertions or deletions
		}
		if d := distance(name, cand); d < limit {
			best, limit = cand, d
		}
	}
	return best
}

// DidYouMean returns the end of a message about a name that is not in the list:
// a suggestion, or nothing.
func DidYouMean(name string, list []string) string {
	near := Nearest(name, list)
	if near == "" {
		return ""
	}
	return fmt.Sprintf("; did you mean '%s'?", near)
}

// distance returns what it costs to turn a into b.
func distance(a, b string) int {
	d := editDistance(a, b)
	if m, ok := moveDistance(a, b); ok {
		d = min(d, m)
	}
	return d
}

// editDistance is the cost of the cheapest edits of single letters and swaps of
// neighbours that turn a into b.
func editDistance(a, b string) int {
	before := make([]int, len(b)+1) // the row before prev
	prev := make([]int, len(b)+1)
	row := make([]int, len(b)+1)
	for j := 1; j <= len(b); j++ {
		prev[j] = prev[j-1] + insertCost(b, j-1)
	}
	for i := 1; i <= len(a); i++ {
		row[0] = prev[0] + insertCost(a, i-1)
		for j := 1; j <= len(b); j++ {
			row[j] = min(
				prev[j]+insertCost(a, i-1),
				row[j-1]+insertCost(b, j-1),
				prev[j-1]+replaceCost(a[i-1], b[j-1]),
			)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+costSwap)
			}
		}
		before, prev, row = prev, row, before
	}
	return prev[len(b)]
}

// insertCost is the cost of the letter s[i] that the other word lacks.
func insertCost(s string, i int) int {
	if i > 0 && s[i] == s[i-1] {
		return costDouble
	}
	return costEdit
}

func replaceCost(a, b byte) int {
	switch {
	case a == b:
		return 0
	case strings.EqualFold(string(a), string(b)), isSeparator(a) && isSeparator(b):
		return costCase
	}
	return costEdit
}

func isSeparator(c byte) bool { return c == '-' || c == '_' || c == ',' || c == '.' }

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// moveDistance is the cost of the move of one letter that turns a into b, if one
// does.
func moveDistance(a, b string) (int, bool) {
	for len(a) > 0 && len(b) > 0 && a[0] == b[0] {
		a, b = a[1:], b[1:]
	}
	for len(a) > 0 && len(b) > 0 && a[len(a)-1] == b[len(b)-1] {
		a, b = a[:len(a)-1], b[:len(b)-1]
	}
	last := len(a) - 1
	if last < 1 || len(b) != len(a) {
		return 0, false
	}
	moved := a[0]
	switch {
	case a[1:]+a[:1] == b:
	case a[last:]+a[:last] == b:
		moved = a[last]
	default:
		return 0, false
	}
	if isDigit(moved) {
		return costMoveDigit, true
	}
	return costMove, true
}

// Known says which names there are, for a name that is none of them and like
// none.
func Known(names []string) string {
	quoted := make([]string, len(names))
	for i, name := range names {
		quoted[i] = "'" + name + "'"
	}
	switch n := len(quoted) - 1; {
	case n < 0:
		return "there are none"
	case n == 0:
		return "there is only " + quoted[0]
	default:
		return "there are " + strings.Join(quoted[:n], ", ") + " and " + quoted[n]
	}
}
