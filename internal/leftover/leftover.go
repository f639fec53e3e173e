// SPDX-License-Identifier: GPL-2.0-or-later

// Package leftover removes temporary files when the program is told to end. What
// is temporary is a fact about the process, so the list of it is one of the few
// things here that are not handed on.
package leftover

import (
	"os"
	"sync"
)

var (
	mu    sync.Mutex
	paths = map[string]bool{}
)

// Make makes something temporary, a file or a directory, and notes its path. Done is to
// be called when it is gone, or not temporary any more.
func Make[T any](create func() (T, string, error)) (v T, done func(), err error) {
	mu.Lock()
	defer mu.Unlock()
	v, path, err := create()
	if err != nil {
		return v, func() {}, err
	}
	paths[path] = true
	return v, func() {
		mu.Lock()
		defer mu.Unlock()
		delete(paths, path)
	}, nil
}

// Dir makes a temporary directory, which done removes.
func Dir() (dir string, done func(), err error) {
	dir, forget, err := Make(func() (string, string, error) {
		dir, err := os.MkdirTemp("", "binman.")
		return dir, dir, err
	})
	return dir, func() {
		os.RemoveAll(dir)
		forget()
	}, err
}

// RemoveAll removes everything temporary. From then on nothing more is made: whoever
// tries waits for the end of the program, which the caller has to bring about.
func RemoveAll() {
	mu.Lock() // for good
	for path := range paths {
		os.RemoveAll(path)
	}
}
