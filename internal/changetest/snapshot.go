// SPDX-License-Identifier: GPL-2.0-or-later

package changetest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime/debug"

	"binman/fdt"
)

// Program runs the command line: arguments without the program's name in,
// exit status out.
type Program func(args []string, stdout, stderr io.Writer) int

// run runs the program. A panic has the status -1.
func (p Program) run(args ...string) (status int, stdout, stderr string) {
	var out, errs bytes.Buffer
	defer func() {
		if v := recover(); v != nil {
			status, stderr = -1, fmt.Sprintf("panic: %v\n%s", v, debug.Stack())
		}
	}()
	status = p(args, &out, &errs)
	return status, out.String(), errs.String()
}

// entry is an entry as ls and extract give it. Offsets, positions and sizes
// are in bytes, nil if they are not known.
type entry struct {
	Path       string
	Name       string
	Type       string
	Offset     *int64
	Pos        *int64 `json:"image-pos"`
	Size       *int64
	UncompSize *int64 `json:"uncomp-size"`

	node   *node // in the description
	parent *entry
	kids   []*entry
	plain  []byte // what extract gives
	stored []byte // what extract -U gives
}

// snapshot is an image as the program sees it.
type snapshot struct {
	file    []byte
	entries map[string]*entry
	order   []*entry // as ls has them, the image first
	tree    *fdt.Tree
}

// image returns the entry of the whole image.
func (s *snapshot) image() *entry { return s.order[0] }

// size returns the listed size, or -1.
func (e *entry) size() int64 {
	if e.Size == nil {
		return -1
	}
	return *e.Size
}

// bare says whether extract gives the entry without its padding, as it does
// for compressed ones.
func (e *entry) bare() bool {
	return e.UncompSize != nil || !e.node.parent.places() || len(e.plain) != len(e.stored)
}

// inner returns what a container holds: decompressed, without its padding
// before. Padding behind is still there.
func (e *entry) inner() []byte {
	if e.parent == nil || e.bare() || e.node.padBefore > int64(len(e.plain)) {
		return e.plain
	}
	return e.plain[e.node.padBefore:]
}

// contents returns what has to be put into an entry so that it stays as it is:
// what extract gives but for the padding that the entry asks for.
func (e *entry) contents() []byte {
	if e.bare() {
		return e.plain
	}
	return e.unpadded()
}

// unpadded returns the contents as stored, without the padding asked for but
// with anything that fills the entry up to its size.
func (e *entry) unpadded() []byte {
	before, after := int(e.node.padBefore), int(e.node.padAfter)
	if before+after > len(e.stored) {
		return nil
	}
	return e.stored[before : len(e.stored)-after]
}

// take lists and extracts everything in the image of a file.
func (p Program) take(img *image, file, dir string) (*snapshot, *violation) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, failf("ls", nil, "%v", err)
	}
	s := &snapshot{file: data, entries: map[string]*entry{}}
	status, out, errs := p.run("ls", "-i", file, "--json")
	var list struct{ Entries []*entry }
	if status != 0 {
		return nil, failf("ls", nil, "status %d: %s", status, errs)
	}
	if err := json.Unmarshal([]byte(out), &list); err != nil {
		return nil, failf("ls", nil, "%v", err)
	}
	nodes := map[string]*node{}
	for _, n := range img.root.all() {
		nodes[n.path()] = n
	}
	for _, e := range list.Entries {
		if e.node = nodes[e.Path]; e.node == nil || s.entries[e.Path] != nil {
			return nil, failf("ls", nil, "lists '%s', which is not in the description, or twice", e.Path)
		}
		s.entries[e.Path] = e
		s.order = append(s.order, e)
		if e.node.parent == nil {
			continue
		}
		if e.parent = s.entries[e.node.parent.path()]; e.parent == nil {
			return nil, failf("ls", e.node, "is listed, but what holds it is not")
		}
		e.parent.kids = append(e.parent.kids, e)
	}
	if len(s.order) == 0 || s.order[0].Path != "" {
		return nil, failf("ls", nil, "does not list the image first")
	}
	if v := p.extract(s, file, dir); v != nil {
		return nil, v
	}
	return s, s.readMap(int64(len(img.prefix)))
}

// extract extracts everything, as it is and decompressed.
func (p Program) extract(s *snapshot, file, dir string) *violation {
	for _, form := range []struct {
		args []string
		into func(*entry) *[]byte
	}{
		{nil, func(e *entry) *[]byte { return &e.plain }},
		{[]string{"-U"}, func(e *entry) *[]byte { return &e.stored }},
	} {
		args := append([]string{"extract", "-i", file, "-O", dir}, form.args...)
		var whole, parts []*entry // a part of a file is extracted if it is asked for
		var paths []string
		for _, e := range s.order {
			if e.isPart() {
				parts, paths = append(parts, e), append(paths, e.node.command())
			} else {
				whole = append(whole, e)
			}
		}
		if v := p.extractTo(dir, args, whole, form.into); v != nil {
			return v
		}
		if len(parts) == 0 {
			continue
		}
		if v := p.extractTo(dir, append(args, paths...), parts, form.into); v != nil {
			return v
		}
	}
	return nil
}

// extractTo runs extract and reads the files that it makes of entries.
func (p Program) extractTo(dir string, args []string, entries []*entry, into func(*entry) *[]byte) *violation {
	if err := os.RemoveAll(dir); err != nil {
		return failf("extract", nil, "%v", err)
	}
	if status, _, errs := p.run(args...); status != 0 {
		return failf("extract", nil, "status %d: %s", status, errs)
	}
	for _, e := range entries {
		data, err := os.ReadFile(filepath.Join(dir, extractedName(e)))
		if err != nil {
			return failf("extract", e.node, "%v", err)
		}
		*into(e) = data
	}
	return nil
}

// extractedName returns the name of the file that extract writes for an entry.
func extractedName(e *entry) string {
	if e.isDir() {
		return filepath.Join(e.Path, "root")
	}
	return e.Path
}

// isDir says whether the entry is a directory with files for what it holds: a
// section may have no entries any more.
func (e *entry) isDir() bool { return e.parent == nil || len(e.kids) > 0 && !e.node.oneFile() }

// isPart says whether the entry is in one file with others.
func (e *entry) isPart() bool { return e.parent != nil && e.parent.node.oneFile() }

// readMap reads the FDT map, where the list says that it is.
func (s *snapshot) readMap(base int64) *violation {
	e := s.entries["fdtmap"]
	if e == nil || e.Pos == nil {
		return failf("map", nil, "the fdtmap is not listed, or without position")
	}
	const header = 16
	at := base + *e.Pos - e.node.parent.start
	if at < 0 || at+header > int64(len(s.file)) || !bytes.HasPrefix(s.file[at:], []byte("_FDTMAP_")) {
		return failf("map", e.node, "there is no fdtmap at %#x of the file", at)
	}
	var err error
	if s.tree, err = fdt.Parse(s.file[at+header:]); err != nil {
		return failf("map", e.node, "%v", err)
	}
	return nil
}
