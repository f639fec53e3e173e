// SPDX-License-Identifier: GPL-2.0-or-later

package layout

import (
	"maps"
	"slices"
)

// nearest returns the name in types that is closest to name, or "" if none is
// close.
func nearest(name string, types Types) string {
	return nearestOf(name, slices.Sorted(maps.Keys(types)))
}

// nearestOf returns the name in list that is closest to name, or "" if none
// is close.
func nearestOf(name string, list []string) string {
	best, bestDist := "", 3
	if len(name) <= 4 {
		bestDist = 2
	}
	for _, cand := range list {
		if n := len(name) - len(cand); n >= bestDist || -n >= bestDist {
			continue // at least as many insertions or deletions
		}
		if d := editDistance(name, cand); d < bestDist {
			best, bestDist = cand, d
		}
	}
	return best
}

// editDistance counts the insertions, deletions, replacements and swaps of
// neighbours that turn a into b.
func editDistance(a, b string) int {
	prev2 := make([]int, len(b)+1)
	prev := make([]int, len(b)+1)
	row := make([]int, len(b)+1)
	for j := range prev {
		prev[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(prev[j]+1, row[j-1]+1, prev[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], prev2[j-2]+1)
			}
		}
		prev2, prev, row = prev, row, prev2
	}
	return prev[len(b)]
}
