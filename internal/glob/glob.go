// SPDX-License-Identifier: GPL-2.0-or-later

// Package glob finds files by a pattern of their names as Python's glob does,
// with which the original finds them. Unlike path/filepath's, it leaves the
// directories in front of the first wildcard as they are written ("./a*" finds
// "./ab"), leaves out hidden files unless the pattern starts with a dot, and
// knows no malformed pattern. In a part of the pattern between slashes (on
// Windows also backslashes), * stands for any characters, ? for one, [abc] for
// one of these and [!abc] for none of them.
package glob

import (
	"os"
	"slices"
	"strings"

	"binman/internal/wildcard"
)

// Find returns the paths that match the pattern, sorted. What cannot be read
// has nothing that matches.
func Find(pattern string) []string {
	found := find(pattern)
	slices.Sort(found)
	return found
}

func find(pattern string) []string {
	dir, base := split(pattern)
	if !hasMagic(pattern) {
		return keep([]string{pattern}, base == "")
	}
	dirs := []string{dir}
	if hasMagic(dir) {
		dirs = find(dir)
	}
	var found []string
	for _, d := range dirs {
		if !hasMagic(base) {
			found = append(found, keep([]string{join(d, base)}, base == "")...)
			continue
		}
		for _, name := range names(d) {
			if name[0] == '.' && base[0] != '.' {
				continue
			}
			if wildcard.Match(base, name) {
				found = append(found, join(d, name))
			}
		}
	}
	return found
}

// keep returns those paths that exist; with onlyDirs, as directories.
func keep(paths []string, onlyDirs bool) []string {
	return slices.DeleteFunc(paths, func(p string) bool {
		if onlyDirs {
			info, err := os.Stat(p)
			return err != nil || !info.IsDir()
		}
		_, err := os.Lstat(p)
		return err != nil
	})
}

// names lists a directory; "" is the current one.
func names(dir string) []string {
	if dir == "" {
		dir = "."
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil
	}
	list := make([]string, len(entries))
	for i, e := range entries {
		list[i] = e.Name()
	}
	return list
}

func hasMagic(pattern string) bool { return strings.ContainsAny(pattern, "*?[") }

// split divides a path before its last part. The directory has no slash at its
// end, unless it is nothing else.
func split(path string) (dir, base string) {
	separator := func(r rune) bool { return r < 0x80 && os.IsPathSeparator(byte(r)) }
	i := strings.LastIndexFunc(path, separator) + 1
	dir, base = path[:i], path[i:]
	if trimmed := strings.TrimRightFunc(dir, separator); trimmed != "" {
		dir = trimmed
	}
	return dir, base
}

func join(dir, name string) string {
	if dir == "" || strings.HasSuffix(dir, "/") {
		return dir + name
	}
	return dir + "/" + name
}

// Join puts a pattern into a directory. A pattern that starts at the root stays
// there.
func Join(dir, pattern string) string {
	if strings.HasPrefix(pattern, "/") {
		return pattern
	}
	return join(dir, pattern)
}
