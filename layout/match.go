// SPDX-License-Identifier: GPL-2.0-or-later

package layout

import "strings"

// Match says whether a path, without a slash at its start, matches one of the
// patterns, as List understands them.
func Match(patterns []string, path string) bool { return matchAny(patterns, path) }

func matchAny(patterns []string, path string) bool {
	for _, p := range patterns {
		if match(p, path) {
			return true
		}
	}
	return false
}

// match says whether s matches a pattern with the wildcards of Python's
// fnmatch: * any characters, ? one, [abc] one of these and [!abc] none of
// them. Unlike in path.Match, * matches slashes too.
func match(pattern, s string) bool {
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
