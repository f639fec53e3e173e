// SPDX-License-Identifier: GPL-2.0-or-later

// Package inputs notes what a build reads, for the build systems that run it: which files,
// which it looked for in vain, and in what form make and ninja want to know.
package inputs

import (
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"binman/content"
	"binman/content/iodir"
)

// Record is what has been read so far. It may be used by several goroutines at once.
type Record struct {
	mu     sync.Mutex
	states map[string]State
	fresh  []string // files that have been read since Has was last called
	files  []file   // those that had been read before
}

// file is a file that has been read.
type file struct {
	path string
	info fs.FileInfo
}

// State says what became of a file.
type State string

// The states.
const (
	Read    State = "read"
	Missing State = "missing" // it was looked for, and is not there
	Listed  State = "listed"  // a directory whose names were read
)

// Input is a file, or a directory.
type Input struct {
	Path  string `json:"path"`
	State State  `json:"state"`
}

// Note records what became of a file. Errors but that of a file that is not there do not
// count: they end the build.
func (r *Record) Note(path string, err error) {
	switch {
	case err == nil:
		r.note(path, Read)
	case errors.Is(err, fs.ErrNotExist):
		r.note(path, Missing)
	}
}

func (r *Record) note(path string, state State) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.states == nil {
		r.states = map[string]State{}
	}
	path = filepath.Clean(path)
	if r.states[path] == Read {
		return
	}
	if r.states[path] = state; state == Read {
		r.fresh = append(r.fresh, path)
	}
}

// List returns the inputs by their paths. What is in made, by the names of files that the
// build has written itself, is left out.
func (r *Record) List(made []string) []Input {
	r.mu.Lock()
	defer r.mu.Unlock()
	own := map[string]bool{}
	for _, path := range made {
		own[filepath.Clean(path)] = true
	}
	var list []Input
	for _, path := range slices.Sorted(maps.Keys(r.states)) {
		if !own[path] {
			list = append(list, Input{path, r.states[path]})
		}
	}
	return list
}

// Has says whether the file at path, or what a link there leads to, is one that has been
// read. What the build has made itself, which made tells by the name, does not count. stat is os.Stat, or looks elsewhere.
func (r *Record) Has(path string, made func(path string) bool, stat func(path string) (fs.FileInfo, error)) bool {
	there, err := stat(path)
	if err != nil || !there.Mode().IsRegular() {
		return false // there is nothing, or nothing that is replaced
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, path := range r.fresh {
		if made(path) {
			continue
		}
		if info, err := stat(path); err == nil {
			r.files = append(r.files, file{path, info})
		}
	}
	r.fresh = nil
	return slices.ContainsFunc(r.files, func(f file) bool {
		return os.SameFile(f.info, there) && realPath(f.path) == realPath(path) // not another link to the same file
	})
}

// realPath returns the absolute path without symbolic links.
func realPath(path string) string {
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		return path
	}
	if abs, err := filepath.Abs(real); err == nil {
		return abs
	}
	return real
}

// ReadFile returns a function that reads files and notes them.
func (r *Record) ReadFile(read func(string) ([]byte, error)) func(string) ([]byte, error) {
	return func(path string) ([]byte, error) {
		b, err := read(path)
		r.Note(path, err)
		return b, err
	}
}

// System returns a file system whose files are noted.
func (r *Record) System(s iodir.System) iodir.System { return system{s, r} }

type system struct {
	iodir.System
	record *Record
}

func (s system) Open(path string) (content.Data, error) {
	d, err := s.System.Open(path)
	s.record.Note(path, err)
	return d, err
}

// Stat notes files that are not there: those that are, are read if they matter.
func (s system) Stat(path string) (fs.FileInfo, error) {
	fi, err := s.System.Stat(path)
	if err != nil {
		s.record.Note(path, err)
	}
	return fi, err
}

func (s system) Names(dir string) ([]string, error) {
	names, err := s.System.Names(dir)
	if err == nil {
		s.record.note(dir, Listed)
	}
	return names, err
}

func (s system) Glob(pattern string) ([]string, error) {
	paths, err := s.System.Glob(pattern)
	if err == nil {
		s.record.note(filepath.Dir(pattern), Listed)
	}
	return paths, err
}

// Depfile returns a rule of make, also for ninja, that the targets depend on what was
// read. Files that are not there are left out: make would not know how to make them, and
// ninja would build each time.
func Depfile(targets []string, list []Input) []byte {
	var b strings.Builder
	for i, t := range targets {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(escape(t))
	}
	b.WriteByte(':')
	for _, in := range list {
		if in.State == Read {
			b.WriteString(" \\\n  " + escape(in.Path))
		}
	}
	b.WriteByte('\n')
	return []byte(b.String())
}

// escape writes a path as make and ninja read it in a list.
func escape(path string) string {
	return strings.NewReplacer(" ", `\ `, "#", `\#`, "$", "$$").Replace(path)
}
