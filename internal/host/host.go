// SPDX-License-Identifier: GPL-2.0-or-later

// Package host is the machine as builds see it: its files, its clock, its
// environment. The command line hands it to them; nothing below that asks the
// system on its own.
package host

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"binman/content"
	"binman/layout"
)

// Env returns the clock and the environment.
func Env() layout.Env { return layout.Env{Now: time.Now, LookupEnv: os.LookupEnv} }

// Input returns the files of the machine, looked for in the directories.
func Input(dirs ...string) layout.Input { return layout.Input{Dirs: dirs, Files: Files{}} }

// Files is the file system, as layout.Files.
type Files struct{}

// Open opens a file. Only regular files and /dev/null, which is empty, have
// contents.
func (Files) Open(path string) (content.Data, error) {
	if path == os.DevNull {
		return content.Data{}, nil
	}
	return content.Open(path)
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

// Glob returns the paths that match a pattern, sorted. Like the shell it
// leaves "./" in front of them.
func (Files) Glob(pattern string) ([]string, error) {
	match, err := filepath.Glob(pattern)
	if strings.HasPrefix(pattern, "./") {
		for i, path := range match {
			if !strings.HasPrefix(path, "./") {
				match[i] = "./" + path
			}
		}
	}
	return match, err
}

// Getwd returns the current directory, or "" if it cannot be known.
func (Files) Getwd() string {
	dir, err := os.Getwd()
	if err != nil {
		return ""
	}
	return dir
}
