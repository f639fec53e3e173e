// SPDX-License-Identifier: GPL-2.0-or-later

// Package entrypath finds the entries of an image by the paths that people
// write: those that any command or message prints, and patterns.
//
// A path is the names of an entry and of those that hold it, outermost first,
// joined by slashes. A slash before them changes nothing; a slash alone is the
// image. An entry can have several names, since what a list shows and what the
// device tree says differ: a section can put a prefix before the names of its
// entries, and a FIT keeps its images in a node images.
package entrypath

import (
	"fmt"
	"slices"
	"strings"

	"binman/internal/suggest"
	"binman/internal/wildcard"
)

// Tree says what the things are called that are in the things of a tree.
type Tree[N comparable] struct {
	// Children returns what n holds, in order.
	Children func(n N) []N
	// Names returns the names of n in what holds it. A name may have
	// slashes. Patterns are matched against paths made of the first names,
	// and of the second names, where there is one; exact paths may mix all.
	Names func(n N) []string
}

// Select returns what is in root, or root itself, and has the path, in order.
// If nothing has, path is taken for a pattern, in which * stands for any
// characters, even slashes. Of what matches, all is returned, also what is in
// something else that matches.
func (t Tree[N]) Select(root N, path string) []N {
	path = strings.TrimLeft(path, "/")
	if found := t.exact(root, path); len(found) > 0 {
		return found
	}
	if !strings.ContainsAny(path, "*?[") {
		return nil
	}
	return t.matching(root, path, "", "", nil)
}

// Find returns the first thing in root that has the path, which must not be
// empty.
func (t Tree[N]) Find(root N, path string) (found N, ok bool) {
	if path == "" {
		return found, false
	}
	list := t.exact(root, strings.TrimLeft(path, "/"))
	if len(list) == 0 {
		return found, false
	}
	return list[0], true
}

// NoMatch is the error for paths that match nothing.
type NoMatch []string

// Error names the paths.
func (n NoMatch) Error() string {
	return fmt.Sprintf("No entry matches '%s'", strings.Join(n, "', '"))
}

// Err returns the error, or nil if there is no such path.
func (n NoMatch) Err() error {
	if len(n) == 0 {
		return nil
	}
	return n
}

// Advise is Err with what meant says of each path.
func (n NoMatch) Advise(meant func(path string) string) error {
	var hints []string
	for _, path := range n {
		if hint := meant(path); hint != "" {
			hints = append(hints, hint)
		}
	}
	return suggest.With(n.Err(), strings.Join(hints, "\n"))
}

// search is a search for an exact path. That something with names such as a and
// a/a can be reached in many ways must not cost time for each of them.
type search[N comparable] struct {
	Tree[N]
	found []N
	been  map[visit[N]]bool
}

type visit[N comparable] struct {
	n    N
	left int // bytes of the path
}

func (t Tree[N]) exact(root N, path string) []N {
	s := &search[N]{Tree: t, been: map[visit[N]]bool{}}
	s.in(root, path)
	return s.found
}

// in looks for what has the path in n.
func (s *search[N]) in(n N, path string) {
	at := visit[N]{n, len(path)}
	if s.been[at] {
		return
	}
	s.been[at] = true
	if path == "" {
		s.found = append(s.found, n)
		return
	}
	for _, child := range s.Children(n) {
		for _, name := range s.Names(child) {
			rest, ok := strings.CutPrefix(path, name)
			switch {
			case !ok:
			case rest == "":
				s.in(child, "")
			case rest[0] == '/' && rest != "/":
				s.in(child, rest[1:])
			}
		}
	}
}

// matching adds n, which has the two paths, and what is in it and matches.
func (t Tree[N]) matching(n N, pattern, first, second string, found []N) []N {
	if wildcard.Match(pattern, first) || second != first && wildcard.Match(pattern, second) {
		found = append(found, n)
	}
	for _, child := range t.Children(n) {
		names := t.Names(child)
		a, b := join(first, names[0]), join(second, names[min(1, len(names)-1)])
		found = t.matching(child, pattern, a, b, found)
	}
	return found
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "/" + name
}

// Lost returns how far a path leads that nothing in root has: the last thing
// on the way, and the name that it does not hold.
func (t Tree[N]) Lost(root N, path string) (last N, name string) {
	path = strings.TrimLeft(path, "/")
	for {
		child, rest, ok := t.step(root, path)
		if !ok {
			name, _, _ := strings.Cut(path, "/")
			return root, name
		}
		root, path = child, rest
	}
}

// Meant suggests what somebody meant whose path leads to nothing in root: a name
// like the first that is not found, or that name elsewhere.
func (t Tree[N]) Meant(root N, path string) string {
	last, name := t.Lost(root, path)
	if strings.ContainsAny(name, "*?[") {
		return ""
	}
	near := suggest.Nearest(name, t.names(last))
	found := ""
	t.walk(root, "", func(n N, path string) bool {
		switch {
		case near == "" && slices.Contains(t.Names(n), name), near != "" && n == last:
			found = path
		}
		return found == ""
	})
	if near != "" {
		found = join(found, near)
	}
	if found == "" {
		return ""
	}
	return fmt.Sprintf("is '%s' meant?", found)
}

// names returns what the things in n are called.
func (t Tree[N]) names(n N) []string {
	var names []string
	for _, child := range t.Children(n) {
		names = append(names, t.Names(child)[0])
	}
	return names
}

// walk calls f for everything in n, whose path is given, until that returns
// false.
func (t Tree[N]) walk(n N, path string, f func(n N, path string) bool) bool {
	for _, child := range t.Children(n) {
		p := join(path, t.Names(child)[0])
		if !f(child, p) || !t.walk(child, p, f) {
			return false
		}
	}
	return true
}

// step goes to the first thing in n whose name is at the start of the path.
func (t Tree[N]) step(n N, path string) (child N, rest string, ok bool) {
	for _, child := range t.Children(n) {
		for _, name := range t.Names(child) {
			if rest, ok := strings.CutPrefix(path, name+"/"); ok {
				return child, rest, true
			}
		}
	}
	return child, "", false
}

// Spellings returns what a path can mean in the image whose node has the given
// name: itself, or what is behind the names of the nodes above the image, which
// messages of a build show.
func Spellings(path, imageNode string) []string {
	list := []string{path}
	rest, ok := within(path, "binman")
	if !ok {
		return list
	}
	list = append(list, rest)
	if rest, ok = within(rest, imageNode); ok && imageNode != "" {
		list = append(list, rest)
	}
	return list
}

// within returns the path behind the name at its start.
func within(path, name string) (rest string, ok bool) {
	rest, ok = strings.CutPrefix(strings.TrimLeft(path, "/"), name)
	return rest, ok && (rest == "" || rest[0] == '/')
}
