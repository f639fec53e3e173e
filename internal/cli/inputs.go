// SPDX-License-Identifier: GPL-2.0-or-later

package cli

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"sync"

	"binman/content"
	"binman/content/iodir"
	"binman/internal/atomicfile"
	"binman/internal/host"
	"binman/internal/inputs"
	"binman/layout"
)

// used is what a build reads and writes.
type used struct {
	inputs.Record

	mu   sync.Mutex
	made []string
}

// record begins to note what the build reads.
func (o *buildOptions) record() *used {
	u := &used{}
	o.keys.note = &u.Record
	return u
}

// input returns the files of the machine in the directories, which are noted.
func (u *used) input(dirs []string) iodir.Input {
	in := host.Input(dirs...)
	in.Files = u.System(in.Files)
	return in
}

func (u *used) wrote(path string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.made = append(u.made, path)
}

// print prints what was read.
func (u *used) print(w io.Writer) {
	for _, in := range u.List(u.made) {
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
	return atomicfile.Options{NoSync: true}.Write(o.depfile, content.Bytes(inputs.Depfile(images, u.List(u.made))))
}
