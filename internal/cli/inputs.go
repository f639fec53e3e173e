// SPDX-License-Identifier: GPL-2.0-or-later

package cli

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"binman/content"
	"binman/content/iodir"
	"binman/internal/atomicfile"
	"binman/internal/host"
	"binman/internal/inputs"
	"binman/internal/suggest"
	"binman/layout"
)

// used is what a build, or another command, reads and writes.
type used struct {
	inputs.Record
	by string // "build" or "command"

	mu   sync.Mutex
	made map[string]iodir.What // what was written, by its path
}

// record begins to note what the build reads.
func (o *buildOptions) record() *used {
	u := &used{by: "build"}
	o.keys.note = &u.Record
	return u
}

// input returns the files of the machine in the directories, which are noted.
func (u *used) input(dirs []string) iodir.Input {
	in := host.Input(dirs...)
	in.Files = u.System(in.Files)
	return in
}

// claim notes that a file is going to be written. Nothing is written twice, but for what
// has the same place in the build, nor over an input.
func (u *used) claim(path string, what iodir.What) error {
	path = filepath.Clean(path)
	u.mu.Lock()
	defer u.mu.Unlock()
	first, again := u.made[path]
	switch {
	case again && first != what:
		return fmt.Errorf("'%s' would be written twice: as %s, and as %s", path, cmp.Or(first, "a result"), cmp.Or(what, "a result"))
	case !again && what != iodir.Intermediate && u.Has(path, u.has, os.Stat):
		hint := "name another file"
		if u.by == "build" {
			hint = "name another directory for the output with -O, or another file"
		}
		return suggest.With(fmt.Errorf("'%s' is an input of this %s, which it would be written over", path, u.by), hint)
	}
	if u.made == nil {
		u.made = map[string]iodir.What{}
	}
	u.made[path] = what
	return nil
}

// result is a file that a command makes and that its command line names.
type result struct {
	path string
	what iodir.What
	data content.Data

	changed bool // it is what was read, with changes, so that it cannot be made again
}

// save writes files that belong together: all of them, or none.
func (g *globals) save(list ...result) error {
	for _, r := range list {
		if r.changed {
			continue
		}
		if err := g.used.claim(r.path, r.what); err != nil {
			return err
		}
	}
	var files []*atomicfile.File
	for _, r := range list {
		f, err := atomicfile.Options{NoSync: !r.changed}.Prepare(r.path, r.data)
		if err != nil {
			return err
		}
		defer f.Abort()
		files = append(files, f)
	}
	return atomicfile.CommitAll(files...)
}

// smallInput reads a small file whole, so that nothing is written over it.
func (g *globals) smallInput(path string) ([]byte, error) {
	b, err := smallFile(path)
	g.used.Note(path, err)
	return b, err
}

// has says whether the build has written a file.
func (u *used) has(path string) bool { _, ok := u.made[path]; return ok }

// inputs returns what was read, without what the build has written itself.
func (u *used) inputs() []inputs.Input {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.List(slices.Collect(maps.Keys(u.made)))
}

// print prints what was read.
func (u *used) print(w io.Writer) {
	for _, in := range u.inputs() {
		fmt.Fprintf(w, "%-8s%s\n", in.State, printable(in.Path))
	}
}

// unlessMissing returns an error, unless it says that blobs are missing, which the list
// of inputs tells.
func unlessMissing(err error) error {
	if errors.Is(err, layout.ErrMissing) {
		return nil
	}
	return err
}

// writeDepfile writes what the images depend on.
func (o *buildOptions) writeDepfile(u *used, b *layout.Build, out string) error {
	if o.depfile == "" || o.dryRun || o.trial {
		return nil
	}
	var images []string
	for _, img := range b.Images {
		images = append(images, filepath.Join(out, img.Filename))
	}
	return atomicfile.WriteNoSync(o.depfile, content.Bytes(inputs.Depfile(images, u.inputs())))
}
