// SPDX-License-Identifier: GPL-2.0-or-later

// Package host is the machine as builds see it: its files, its clock, its
// environment. The command line hands it to them; nothing below that asks the
// system on its own.
package host

import (
	"errors"
	"io/fs"
	"os"
	"time"

	"binman/content"
	"binman/content/iodir"
	"binman/internal/glob"
	"binman/layout"
)

// Env returns the clock and the environment.
func Env() layout.Env { return layout.Env{Now: time.Now, LookupEnv: os.LookupEnv} }

// Input returns the files of the machine, looked for in the directories.
func Input(dirs ...string) iodir.Input { return iodir.Input{Dirs: dirs, Files: Files{}} }

// Files is the file system, as iodir.System.
type Files struct{}

// Open opens a regular file. The null device is an empty one: descriptions of
// boards name it where there is no such blob, and U-Boot's documentation does so
// too.
func (Files) Open(path string) (content.Data, error) {
	data, err := content.Open(path)
	if errors.Is(err, content.ErrNotRegular) && isNull(path) {
		return content.Data{}, nil
	}
	return data, err
}

func isNull(path string) bool { return SameFile(path, os.DevNull) }

// SameFile says whether two paths lead to one file.
func SameFile(a, b string) bool {
	one, err := os.Stat(a)
	if err != nil {
		return false
	}
	other, err := os.Stat(b)
	return err == nil && os.SameFile(one, other)
}

// Stat tells of a file, or of what a link leads to.
func (Files) Stat(path string) (fs.FileInfo, error) { return os.Stat(path) }

// Names returns the names of the files in a directory, sorted.
func (Files) Names(dir string) ([]string, error) {
	list, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	names := make([]string, len(list))
	for i, f := range list {
		names[i] = f.Name()
	}
	return names, nil
}

// Glob returns the paths that match a pattern, as Python's glob does.
func (Files) Glob(pattern string) ([]string, error) { return glob.Find(pattern), nil }

// Getwd returns the current directory, or "" if it cannot be known.
func (Files) Getwd() string {
	dir, err := os.Getwd()
	if err != nil {
		return ""
	}
	return dir
}
