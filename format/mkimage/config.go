// SPDX-License-Identifier: GPL-2.0-or-later

package mkimage

import (
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
)

// configLines returns the words of the lines of a configuration, with the numbers
// of the lines. A word that starts with # and what follows it are a comment; lines
// without words are left out.
func configLines(text string) iter.Seq2[int, []string] {
	return func(yield func(int, []string) bool) {
		line := 0
		for row := range strings.Lines(text) {
			line++
			f := strings.Fields(row)
			if i := slices.IndexFunc(f, func(w string) bool { return w[0] == '#' }); i >= 0 {
				f = f[:i]
			}
			if len(f) > 0 && !yield(line, f) {
				return
			}
		}
	}
}

// configWord reads a hexadecimal number of a configuration.
func configWord(text string) (uint32, error) {
	n, err := parseWord(text)
	if err != nil {
		return 0, fmt.Errorf("'%s' is no hexadecimal number of 32 bits", text)
	}
	return n, nil
}

// names returns the names that a configuration can have, in order, for errors.
func names[V any](known map[string]V) string {
	return strings.Join(slices.Sorted(maps.Keys(known)), ", ")
}
