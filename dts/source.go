// SPDX-License-Identifier: GPL-2.0-or-later

package dts

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"binman/dts/cpp"
	"binman/fdt"
)

// source is a text being read: the preprocessed source, or a file of
// /include/.
type source struct {
	parent *source
	text   []byte
	off    int
	path   string // "" for the preprocessed source, whose parts have their own
	cursor cpp.Cursor

	// A line marker, `# 7 "file"`, says that what follows the offset shift
	// is line 7 of file.
	shift     int
	shiftFile string
	shiftLine int // to be added
}

// pos returns the position of the byte at off.
func (s *source) pos(off int) fdt.Pos {
	p := s.cursor.Pos(off)
	if s.shift > 0 && off >= s.shift {
		p.File = s.shiftFile
		p.Line += s.shiftLine
	}
	return p
}

// endOf returns the position behind the last byte before off that is not blank.
func (s *source) endOf(off int) fdt.Pos {
	for off > 0 && class[s.text[off-1]]&inBlank != 0 {
		off--
	}
	if off == 0 {
		return fdt.Pos{File: s.cursor.File(), Line: 1, Col: 1}
	}
	p := s.pos(off - 1)
	p.Col++
	return p
}

// mark makes the line after the one at off line number n of file.
func (s *source) mark(off int, file string, n int) {
	s.shift = 0
	s.shiftLine = n - 1 - s.pos(off).Line
	s.shift, s.shiftFile = off+1, file
}

// reason words why a file could not be opened as the original does.
func reason(err error) string {
	if errors.Is(err, fs.ErrNotExist) {
		return "No such file or directory"
	}
	return err.Error()
}

// open reads a file named by /include/ or /incbin/ at pos: beside the source
// that is compiled or the file of /include/ that names it, in the directories
// of the options, or beside the file that the text came from.
func (u *unit) open(s *source, pos fdt.Pos, name string, limit int64) (path string, data []byte, err error) {
	if name == "" {
		return "", nil, errors.New("the file name is empty")
	}
	if strings.IndexByte(name, 0) >= 0 {
		return "", nil, errors.New("NUL in the file name")
	}
	if filepath.IsAbs(name) {
		data, err = u.readIncluded(name, limit)
		return name, data, err
	}
	beside := s.path
	if beside == "" {
		beside = u.main
	}
	dirs := append([]string{dirOf(beside)}, u.opts.Include...)
	dirs = append(dirs, dirOf(pos.File))
	var passed error // for a directory of that name
	for _, dir := range dirs {
		path := name
		if dir != "" {
			path = strings.TrimSuffix(dir, "/") + "/" + name
		}
		data, err := u.readIncluded(path, limit)
		switch {
		case errors.Is(err, syscall.EISDIR):
			passed = cmp.Or(passed, err)
		case !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, syscall.ENOTDIR):
			return path, data, err
		}
	}
	return "", nil, cmp.Or(passed, error(fs.ErrNotExist))
}

// errBudget says that the files of /incbin/ are too much in sum.
var errBudget = errors.New("too many bytes")

// openBinary reads a file named by /incbin/ at pos, once: a source may take many pieces
// of it.
func (u *unit) openBinary(s *source, pos fdt.Pos, name string) ([]byte, error) {
	key := binaryKey{s.path, pos.File, name}
	if data, ok := u.binaries[key]; ok {
		return data, nil
	}
	_, data, err := u.open(s, pos, name, min(maxIncbin, u.limit))
	if err != nil {
		return nil, err
	}
	if u.binary += int64(len(data)); u.binary > u.limit {
		return nil, fmt.Errorf("%w: the files of /incbin/ have more than %d bytes together", errBudget, u.limit)
	}
	if u.binaries == nil {
		u.binaries = map[binaryKey][]byte{}
	}
	u.binaries[key] = data
	return data, nil
}

// binaryKey is what decides which file a name in an /incbin/ means.
type binaryKey struct{ source, file, name string }

// readIncluded reads a file that the source names. Other than the source
// itself, which the user names, it must be a regular file.
func (u *unit) readIncluded(path string, limit int64) (data []byte, err error) {
	if u.opts.ReadFile == nil {
		data, err = cpp.ReadRegular(path, limit)
	} else {
		data, err = read(u.opts.ReadFile, path, limit)
	}
	if u.opts.Note != nil {
		u.opts.Note(path, err)
	}
	return data, err
}

// dirOf returns the directory part of path, "" when it has none.
func dirOf(path string) string {
	i := len(path) - 1
	for i >= 0 && !os.IsPathSeparator(path[i]) {
		i--
	}
	if i == 0 {
		return path[:1]
	}
	return path[:max(i, 0)]
}
