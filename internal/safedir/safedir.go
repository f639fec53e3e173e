// SPDX-License-Identifier: GPL-2.0-or-later

// Package safedir reads and writes files with names that come from elsewhere,
// such as a firmware image, in a directory and nowhere else.
//
// The directory is held as an os.Root, so that no name and no symbolic link,
// even one made while the program runs, leads out of it. Beyond that, nothing
// in it that is not a plain file or directory is followed, read or written to:
// links, devices, pipes and sockets are refused. Files appear complete or not
// at all, and no file is written twice.
package safedir

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"

	"binman/content"
	"binman/internal/lazy"
	"binman/internal/leftover"
)

var (
	// ErrName says that a name cannot be that of a file.
	ErrName = errors.New("not a safe file name")
	// ErrSpecial says that something other than a plain file or directory
	// is in the way.
	ErrSpecial = errors.New("not a plain file or directory")
	// ErrTwice says that two contents have the same name.
	ErrTwice = errors.New("written already, by another entry of that name")
)

// maxName is the longest name of a file that common file systems allow, in
// bytes.
const maxName = 255

// Dir is a directory to read from or to write into.
type Dir struct {
	root    *os.Root
	windows bool              // names must be possible on Windows
	written map[string]string // names by what they are in small letters
	keep    fs.FileInfo       // a file that is not replaced, or nil
}

// Open opens the directory name, making it if it does not exist; "" is the
// current directory.
func Open(name string) (*Dir, error) {
	if name == "" {
		name = "."
	}
	if err := os.MkdirAll(name, 0o777); err != nil {
		return nil, err
	}
	return OpenExisting(name)
}

// OpenExisting opens the directory name, which must exist; "" is the current
// directory.
func OpenExisting(name string) (*Dir, error) {
	if name == "" {
		name = "."
	}
	// A pipe in its place would be waited for.
	if info, err := os.Stat(name); err == nil && !info.IsDir() {
		return nil, &fs.PathError{Op: "open", Path: name, Err: syscall.ENOTDIR}
	}
	root, err := os.OpenRoot(name)
	if err != nil {
		return nil, err
	}
	return &Dir{root: root, windows: runtime.GOOS == "windows", written: map[string]string{}}, nil
}

// Close gives up the directory.
func (d *Dir) Close() error { return d.root.Close() }

// Keep has the file at path, which may be in the directory, not replaced by Write: an image
// may have an entry of its own name.
func (d *Dir) Keep(path string) {
	if info, err := os.Stat(path); err == nil {
		d.keep = info
	}
}

// Write writes a file, making the directories above it. The name has slashes
// between its parts.
func (d *Dir) Write(name string, data content.Data) error {
	if err := d.checkName(name); err != nil {
		return fmt.Errorf("cannot write %w", err)
	}
	small := strings.ToLower(name)
	if earlier, ok := d.written[small]; ok && d.same(earlier, name) {
		return fmt.Errorf("cannot write '%s': %w", name, ErrTwice)
	}
	dir := path.Dir(name)
	if err := d.mkdir(dir); err != nil {
		return err
	}
	if err := d.checkPlain(name, 0); err != nil {
		return err
	}
	if there, err := d.root.Lstat(name); err == nil && d.keep != nil && os.SameFile(there, d.keep) {
		return fmt.Errorf("cannot write '%s': it is the file that is read", name)
	}
	d.written[small] = name
	return d.replace(dir, name, data)
}

// Stat says what is at a name: a plain file or a directory, or an error which
// is fs.ErrNotExist if there is nothing, or only a file that would have to be
// a directory.
func (d *Dir) Stat(name string) (fs.FileInfo, error) {
	if err := d.checkName(name); err != nil {
		return nil, fmt.Errorf("cannot read %w", err)
	}
	for i, c := range name {
		if c != '/' {
			continue
		}
		info, err := d.plain(name[:i])
		if err != nil {
			return nil, err
		}
		if !info.IsDir() {
			return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
		}
	}
	return d.plain(name)
}

// plain returns what is at a name in a directory that has been looked at.
func (d *Dir) plain(name string) (fs.FileInfo, error) {
	info, err := d.root.Lstat(name)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() && !info.IsDir() {
		return nil, fmt.Errorf("cannot read '%s': it is a %s: %w", name, kind(info.Mode()), ErrSpecial)
	}
	return info, nil
}

// Read returns the contents of a file. The name has slashes between its parts.
func (d *Dir) Read(name string) (content.Data, error) {
	if _, err := d.Stat(name); err != nil {
		return content.Data{}, err
	}
	f, err := d.root.OpenFile(name, os.O_RDONLY|openFlags, 0)
	if err != nil {
		return content.Data{}, err
	}
	return content.Opened(f, path.Join(d.root.Name(), name))
}

// same says whether two names are of the same file, as those that differ only
// in case are on some file systems.
func (d *Dir) same(a, b string) bool {
	if a == b {
		return true
	}
	fa, err := d.root.Lstat(a)
	if err != nil {
		return false
	}
	fb, err := d.root.Lstat(b)
	return err == nil && os.SameFile(fa, fb)
}

// checkName checks every part of a name.
func (d *Dir) checkName(name string) error {
	for part := range strings.SplitSeq(name, "/") {
		switch {
		case part == "" || part == "." || part == "..",
			strings.ContainsAny(part, "\x00\\"),
			len(part) > maxName:
			return fmt.Errorf("%.300q: %w", name, ErrName)
		case d.windows && !windowsName(part):
			return fmt.Errorf("%.300q: %w on Windows", name, ErrName)
		}
	}
	return nil
}

// windowsDevice matches the names that are devices whatever their extension.
var windowsDevice = lazy.Regexp(`^(?i:CON|PRN|AUX|NUL|CONIN\$|CONOUT\$|(COM|LPT)[0-9¹²³]) *(\.|$)`)

// windowsName says whether a part of a name is one of a file on Windows, as
// Microsoft's "Naming Files, Paths, and Namespaces" has it. A colon would make
// it a drive or a stream, the names of devices are devices in every directory,
// and dots and spaces at the end are dropped, so that two names become one.
func windowsName(part string) bool {
	forbidden := func(r rune) bool { return r < ' ' || strings.ContainsRune(`<>:"|?*`, r) }
	return !strings.ContainsFunc(part, forbidden) && !strings.HasSuffix(part, ".") &&
		!strings.HasSuffix(part, " ") && !windowsDevice().MatchString(part)
}

// checkPlain checks that name does not exist or is of the mode's type.
func (d *Dir) checkPlain(name string, mode fs.FileMode) error {
	info, err := d.root.Lstat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case info.Mode().Type() != mode:
		return fmt.Errorf("cannot write '%s': it exists and is a %s: %w", name, kind(info.Mode()), ErrSpecial)
	}
	return nil
}

func kind(m fs.FileMode) string {
	switch {
	case m&fs.ModeSymlink != 0:
		return "symbolic link"
	case m.IsDir():
		return "directory"
	case m&fs.ModeNamedPipe != 0:
		return "pipe"
	case m&fs.ModeSocket != 0:
		return "socket"
	case m&fs.ModeDevice != 0:
		return "device"
	}
	return "plain file"
}

// mkdir makes the directory and those above it.
func (d *Dir) mkdir(dir string) error {
	if dir == "." {
		return nil
	}
	if err := d.mkdir(path.Dir(dir)); err != nil {
		return err
	}
	if err := d.checkPlain(dir, fs.ModeDir); err != nil {
		return err
	}
	if err := d.root.Mkdir(dir, 0o777); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return nil
}

// replace writes the data to a new file and gives it the name.
func (d *Dir) replace(dir, name string, data content.Data) (err error) {
	tmp := path.Join(dir, ".binman-"+rand.Text())
	f, done, err := leftover.Make(func() (*os.File, string, error) {
		f, err := d.root.OpenFile(tmp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
		return f, filepath.Join(d.root.Name(), tmp), err
	})
	if err != nil {
		return err
	}
	defer done()
	defer func() {
		if err != nil {
			d.root.Remove(tmp)
		}
	}()
	if _, err = data.CopyTo(f, content.CopyOptions{Holes: true}); err != nil {
		f.Close()
		return fmt.Errorf("write '%s': %w", name, err)
	}
	if err = f.Close(); err != nil {
		return fmt.Errorf("write '%s': %w", name, err)
	}
	return d.root.Rename(tmp, name)
}
