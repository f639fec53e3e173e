// SPDX-License-Identifier: GPL-2.0-or-later

// Package leftover removes temporary files, and ends programs that have been started,
// when the program is told to end. What there is of these is a fact about the process,
// so the list of it is one of the few things here that are not handed on.
package leftover

import (
	"os"
	"os/exec"
	"sync"
)

var (
	mu   sync.Mutex
	next int
	ends = map[int]func(){} // what is to be done at the end
)

// note notes what is to be done at the end, unless done is called before. The caller
// holds the lock.
func note(end func()) (done func()) {
	id := next
	next++
	ends[id] = end
	return func() {
		mu.Lock()
		defer mu.Unlock()
		delete(ends, id)
	}
}

// Make makes something temporary, a file or a directory, and notes its path. Done is to
// be called when it is gone, or not temporary any more.
func Make[T any](create func() (T, string, error)) (v T, done func(), err error) {
	mu.Lock()
	defer mu.Unlock()
	v, path, err := create()
	if err != nil {
		return v, func() {}, err
	}
	return v, note(func() { os.RemoveAll(path) }), nil
}

// Note notes what is to be done at the end, unless done is called before.
func Note(end func()) (done func()) {
	mu.Lock()
	defer mu.Unlock()
	return note(end)
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

// Run runs a program, and all that it starts, in a process group of their own, which is
// killed when the program ends, this one does, or the context of the command says so. One
// of them that leaves the group is beyond reach.
func Run(cmd *exec.Cmd) error {
	group(cmd)
	defer withUs(cmd)()
	mu.Lock()
	err := cmd.Start()
	if err != nil {
		mu.Unlock()
		return err
	}
	done := note(func() { _ = cmd.Cancel() })
	mu.Unlock()
	defer done()
	err = cmd.Wait()
	_ = cmd.Cancel() // those that it has started and not waited for
	return err
}

// RemoveAll kills programs and removes everything temporary. From then on nothing more is
// made or started: whoever tries waits for the end of the program, which the caller has to
// bring about.
func RemoveAll() {
	mu.Lock() // for good
	for _, end := range ends {
		end()
	}
}
