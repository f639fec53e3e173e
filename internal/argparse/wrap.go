// SPDX-License-Identifier: GPL-2.0-or-later

package argparse

import (
	"slices"
	"strings"
	"unicode"
)

// Fill breaks text into lines of at most width characters.
func Fill(text string, width int) string { return strings.Join(wrap(text, width), "\n") }

// wrap breaks text into lines of at most width characters, at spaces and
// behind the hyphens of compound words, as Python's textwrap does. Words that
// are longer than a line are cut.
func wrap(text string, width int) []string {
	var lines []string
	var line []rune
	for i, word := range strings.Fields(text) {
		space := i > 0
		for _, part := range hyphenated([]rune(word)) {
			for {
				need := len(line) + len(part)
				if space && len(line) > 0 {
					need++
				}
				if need <= width {
					if space && len(line) > 0 {
						line = append(line, ' ')
					}
					line = append(line, part...)
					break
				}
				if len(part) <= width {
					lines, line = append(lines, string(line)), nil
					continue
				}
				// Too long for any line: fill up this one.
				if space && len(line) > 0 {
					line = append(line, ' ')
				}
				n := width - len(line)
				if n <= 0 {
					lines, line = append(lines, strings.TrimRight(string(line), " ")), nil
					continue
				}
				if h := lastHyphen(part[:n]); h > 0 {
					n = h + 1
				}
				lines, line = append(lines, string(line)+string(part[:n])), nil
				part = part[n:]
			}
			space = false
		}
	}
	if len(line) > 0 {
		lines = append(lines, string(line))
	}
	return lines
}

// lastHyphen returns the index of the last hyphen with something else before
// it, or -1.
func lastHyphen(part []rune) int {
	for i := len(part) - 1; i > 0; i-- {
		if part[i] == '-' {
			if slices.ContainsFunc(part[:i], func(r rune) bool { return r != '-' }) {
				return i
			}
			return -1
		}
	}
	return -1
}

// hyphenated splits a word behind each hyphen between letters, two of which
// (or two single ones, as in "e-e-") must precede and follow it.
func hyphenated(word []rune) [][]rune {
	letter := func(i int) bool {
		return i >= 0 && i < len(word) && (unicode.IsLetter(word[i]) || word[i] == '_')
	}
	hyphen := func(i int) bool { return i >= 0 && i < len(word) && word[i] == '-' }

	var parts [][]rune
	start := 0
	for i := range word {
		before := letter(i-1) && (letter(i-2) || hyphen(i-2) && letter(i-3))
		behind := letter(i+1) && (letter(i+2) || hyphen(i+2) && letter(i+3))
		if hyphen(i) && i > start && before && behind {
			parts = append(parts, word[start:i+1])
			start = i + 1
		}
	}
	return append(parts, word[start:])
}
