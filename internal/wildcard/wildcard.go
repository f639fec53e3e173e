// SPDX-License-Identifier: GPL-2.0-or-later

// Package wildcard matches strings with the wildcards of Python's fnmatch, with
// which the original selects entries: * stands for any characters, ? for one,
// [abc] for one of these and [!abc] for none of them. Unlike in path.Match, *
// matches slashes too, and no pattern is malformed.
package wildcard

import "strings"

// MatchAny says whether s matches one of the patterns.
func MatchAny(patterns []string, s string) bool {
	for _, p := range patterns {
		if Match(p, s) {
			return true
		}
	}
	return false
}

// Match says whether s as a whole matches the pattern. It takes time in
// proportion to the product of their lengths at worst.
func Match(pattern, s string) bool {
	// One place to go back to suffices: what an earlier * could match, the
	// last one can match as well.
	star, resume := -1, 0
	p, i := 0, 0
	for i < len(s) {
		if p < len(pattern) {
			if pattern[p] == '*' {
				star, resume = p, i
				p++
				continue
			}
			if ok, next := matchOne(pattern, p, s[i]); ok {
				p = next
				i++
				continue
			}
		}
		if star < 0 {
			return false
		}
		resume++
		p, i = star+1, resume
	}
	return strings.Trim(pattern[p:], "*") == ""
}

// matchOne matches c against the pattern's element at p, and returns where
// the next one starts.
func matchOne(pattern string, p int, c byte) (ok bool, next int) {
	switch pattern[p] {
	case '?':
		return true, p + 1
	case '[':
		// A ] right after the opening stands for itself.
		first := p + 1
		if first < len(pattern) && pattern[first] == '!' {
			first++
		}
		if end := strings.IndexByte(pattern[min(first+1, len(pattern)):], ']'); end >= 0 {
			set := pattern[first : first+1+end]
			return inSet(set, c) != (pattern[p+1] == '!'), first + 1 + end + 1
		}
	}
	return pattern[p] == c, p + 1
}

func inSet(set string, c byte) bool {
	for i := 0; i < len(set); i++ {
		if i+2 < len(set) && set[i+1] == '-' {
			if set[i] <= c && c <= set[i+2] {
				return true
			}
			i += 2
			continue
		}
		if set[i] == c {
			return true
		}
	}
	return false
}
