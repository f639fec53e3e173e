// SPDX-License-Identifier: GPL-2.0-or-later

// Package iodir finds the input files of a build and writes its output files.
package iodir

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"binman/content"
	"binman/internal/atomicfile"
)

// Input finds input files.
type Input struct {
	Dirs  []string // searched in order; none means the current directory
	Files System   // what is there; nil is nothing
}

// System is where input files are looked for.
type System interface {
	Open(path string) (content.Data, error) // an error of a missing file is fs.ErrNotExist
	Stat(path string) (fs.FileInfo, error)
	Names(dir string) ([]string, error)    // of the files in a directory, sorted
	Glob(pattern string) ([]string, error) // paths that match, sorted
	Getwd() string                         // current directory, for messages
}

// System returns what is there.
func (in Input) System() System {
	if in.Files == nil {
		return noFiles{}
	}
	return in.Files
}

// noFiles is an empty file system.
type noFiles struct{}

func (noFiles) Open(path string) (content.Data, error) {
	return content.Data{}, &content.PathError{Path: path, Err: fs.ErrNotExist}
}

func (noFiles) Stat(path string) (fs.FileInfo, error) {
	return nil, &content.PathError{Path: path, Err: fs.ErrNotExist}
}

func (noFiles) Names(dir string) ([]string, error) {
	return nil, &content.PathError{Path: dir, Err: fs.ErrNotExist}
}

func (noFiles) Glob(string) ([]string, error) { return nil, nil }

func (noFiles) Getwd() string { return "" }

// Find returns the path of the file named name. An absolute name, or any name
// when there are no input directories, is taken as it is.
func (in Input) Find(name string) (string, error) {
	if len(in.Dirs) == 0 || filepath.IsAbs(name) {
		return name, nil
	}
	for _, dir := range in.Dirs {
		path := filepath.Join(dir, name)
		if dir == "." || dir == "" {
			path = name
		}
		if _, err := in.System().Stat(path); err == nil {
			return path, nil
		}
	}
	return "", &NotFoundError{Name: name, Dirs: in.Dirs, Cwd: in.System().Getwd()}
}

// Open opens the input file named name.
func (in Input) Open(name string) (content.Data, error) {
	path, err := in.Find(name)
	if err != nil {
		return content.Data{}, err
	}
	return in.System().Open(path)
}

// Trees returns the names, without extension and sorted, of the device trees
// in a directory, and its path.
func (in Input) Trees(name string) (names []string, dir string, err error) {
	if dir, err = in.Find(name); err != nil {
		return nil, "", err
	}
	files, err := in.System().Names(dir)
	if err != nil {
		return nil, "", err
	}
	for _, f := range files {
		if tree, ok := strings.CutSuffix(f, ".dtb"); ok && tree != "" && tree[0] != '.' {
			names = append(names, tree)
		}
	}
	return names, dir, nil
}

// Glob returns the regular input files that match the pattern, sorted.
func (in Input) Glob(pattern string) ([]string, error) {
	patterns := []string{pattern}
	if len(in.Dirs) > 0 {
		patterns = nil
		for _, dir := range in.Dirs {
			patterns = append(patterns, Join(dir, pattern))
		}
	}
	var files []string
	for _, p := range patterns {
		match, err := in.System().Glob(p)
		if err != nil {
			return nil, err
		}
		for _, path := range match {
			if info, err := in.System().Stat(path); err == nil && info.Mode().IsRegular() {
				files = append(files, path)
			}
		}
	}
	slices.Sort(files)
	return files, nil
}

// Join joins as the original does, which keeps a leading "./".
func Join(dir, name string) string {
	if dir == "" {
		return name
	}
	return strings.TrimSuffix(dir, "/") + "/" + name
}

// NotFoundError says that no input directory has the file.
type NotFoundError struct {
	Name string
	Dirs []string
	Cwd  string
}

// Error returns the original's wording.
func (e *NotFoundError) Error() string {
	return fmt.Sprintf("Filename '%s' not found in input path (%s) (cwd='%s')", e.Name, strings.Join(e.Dirs, ","), e.Cwd)
}

// Is makes errors.Is(err, fs.ErrNotExist) true.
func (e *NotFoundError) Is(target error) bool { return target == os.ErrNotExist }

// Output is where files are written.
type Output struct {
	Dir string
	// Keep leaves files as they are that have the bytes that are to be written
	// already: so their time tells when they changed.
	Keep bool
	// Claim, unless it is nil, is asked before a file is written, with its path and what
	// it is. It may refuse.
	Claim func(path string, what What) error
	What  What
}

// What says what the files of an Output are.
type What string

// What is written.
const (
	Result       What = "" // what a description names
	Link         What = "a link"
	Intermediate What = "an intermediate file"
	Form         What = "another form of an image"
	Tree         What = "a device tree"
	Map          What = "a map"
)

// Of returns the same directory for other files.
func (o Output) Of(what What) Output {
	o.What = what
	return o
}

// claim returns an error if the file may not be written.
func (o Output) claim(path string) error {
	if o.Claim == nil {
		return nil
	}
	return o.Claim(path, o.What)
}

// Path returns the path of the output file named name, which must not lead
// out of the output directory.
func (o Output) Path(name string) (string, error) {
	if !filepath.IsLocal(name) {
		if o.Dir == "" {
			return "", fmt.Errorf("Output file '%s' is outside the output directory", name)
		}
		return "", fmt.Errorf("Output file '%s' is outside the output directory '%s'", name, o.Dir)
	}
	return Join(o.Dir, name), nil
}

// Write writes the file named name, completely or not at all. It does not wait for the
// disk: a build can make the file again at any time.
func (o Output) Write(name string, data content.Data) error {
	path, err := o.Path(name)
	if err != nil {
		return err
	}
	if err := o.claim(path); err != nil {
		return err
	}
	if o.Keep && isAlready(path, data) {
		return nil
	}
	return atomicfile.WriteNoSync(path, data)
}

// isAlready says whether a regular file has these bytes.
func isAlready(path string, data content.Data) bool {
	fi, err := os.Stat(path)
	if err != nil || !fi.Mode().IsRegular() || fi.Size() != data.Len() {
		return false
	}
	old, err := content.Open(path)
	if err != nil {
		return false
	}
	same, err := content.Equal(old, data)
	return err == nil && same
}

// Symlink makes name a link to the output file target, replacing a link that
// is there. The link leads to the file from where the link is, wherever the
// output directory is seen from.
func (o Output) Symlink(name, target string) error {
	path, err := o.Path(name)
	if err != nil {
		return err
	}
	dest, err := o.Path(target)
	if err != nil {
		return err
	}
	if !filepath.IsAbs(dest) {
		if dest, err = filepath.Rel(filepath.Dir(name), target); err != nil {
			return err
		}
	}
	if err := o.Of(Link).claim(path); err != nil {
		return err
	}
	if info, err := os.Lstat(path); err == nil && info.Mode()&os.ModeSymlink != 0 {
		if err := os.Remove(path); err != nil {
			return err
		}
	}
	return os.Symlink(dest, path)
}
