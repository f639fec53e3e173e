// SPDX-License-Identifier: GPL-2.0-or-later

// Package atomicfile writes files that appear complete or not at all.
//
// The bytes go to a temporary file in the same directory, which is flushed to
// the disk and then renamed to the final name; the directory is flushed too.
// Whatever fails on the way (a full disk, a failing read of the contents),
// the temporary file is removed and a file that had the name before is left
// as it was. A process that is killed leaves at worst a temporary file, named
// ".binman-" and 16 hexadecimal digits.
//
// Where the name leads matters:
//
//	nothing             a file with mode 0666 less the umask
//	a regular file      replaced; its mode is kept, its owner where allowed;
//	                    other hard links keep the old contents
//	a symbolic link     its target is replaced or made, as if it had been
//	                    opened; the link stays
//	a device, a pipe    written directly: there is nothing to replace; a pipe that
//	                    nobody reads is an error after a second
//	a directory         an error
//
// A file that may not be written to is not replaced either, although the
// permissions of its directory would allow that.
package atomicfile

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"syscall"

	"binman/content"
	"binman/internal/leftover"
	"binman/internal/openfile"
)

// Options change how files are written. The zero value is the safest.
type Options struct {
	// NoSync leaves flushing to the system. The file still appears
	// complete or not at all to other programs, but may be lost or empty
	// after a power failure: for files that can be made again.
	NoSync bool

	// New makes a file that is there already an error.
	New bool

	// Mode is that of the file, less the umask, instead of 0666 or that of the file
	// that it replaces; 0 stands for these.
	Mode fs.FileMode

	// fault is called before each step, for tests: an error it returns is
	// the failure of that step.
	fault func(step) error
}

// step is a part of writing a file that can fail.
type step string

const (
	stepCreate  step = "create"
	stepWrite   step = "write"
	stepMode    step = "set mode of"
	stepSync    step = "flush"
	stepClose   step = "close"
	stepRename  step = "rename"
	stepSyncDir step = "flush directory of"
)

// Write writes d to the file at path.
func Write(path string, d content.Data) error { return Options{}.Write(path, d) }

// WriteNoSync writes d to the file at path, which can be made again: see Options.
func WriteNoSync(path string, d content.Data) error { return Options{NoSync: true}.Write(path, d) }

// Create begins writing the file at path.
func Create(path string) (*File, error) { return Options{}.Create(path) }

// Write writes d to the file at path.
func (o Options) Write(path string, d content.Data) error {
	f, err := o.Prepare(path, d)
	if err != nil {
		return err
	}
	return f.Commit()
}

// Prepare returns the file at path with d as its contents, complete but for its name, for
// CommitAll. On an error there is nothing to abort.
func (o Options) Prepare(path string, d content.Data) (*File, error) {
	f, err := o.Create(path)
	if err != nil {
		return nil, err
	}
	err = f.WriteData(d)
	if err == nil {
		err = f.Complete()
	}
	if err != nil {
		f.Abort()
		return nil, err
	}
	return f, nil
}

// File is a file being written. It appears under its name at Commit.
type File struct {
	opt    Options
	path   string      // as the caller named it
	target string      // what is replaced: path with links resolved
	old    fs.FileInfo // what was at target, or nil
	f      *os.File    // nil once closed
	ready  bool        // complete, but for its name
	temp   string      // path of the temporary file, "" if there is none
	err    error       // the first failure to write
	direct bool        // f is the target itself
	done   func()      // f is not temporary any more; nil with direct
}

// Create begins writing the file at path.
func (o Options) Create(path string) (*File, error) {
	f := &File{opt: o, path: path}
	target, old, err := resolve(path)
	if err == nil && old != nil && o.New {
		err = syscall.EEXIST
	}
	if err != nil {
		return nil, pathError(path, err)
	}
	f.target, f.old = target, old
	if old != nil && !old.Mode().IsRegular() {
		f.direct = true
		f.f, err = openfile.Write(target)
		if err != nil {
			return nil, pathError(path, err)
		}
		return f, nil
	}
	if old != nil {
		if err := writable(target); err != nil {
			return nil, pathError(path, err)
		}
	}
	err = f.step(stepCreate, func() error {
		f.f, f.done, err = leftover.Make(func() (*os.File, string, error) {
			temp, err := createTemp(filepath.Dir(target), o.tempMode(old != nil))
			if err != nil {
				return nil, "", err
			}
			return temp, temp.Name(), nil
		})
		return err
	})
	if err != nil {
		return nil, err
	}
	f.temp = f.f.Name()
	return f, nil
}

// tempMode returns the mode of the temporary file. When it is to replace another, nobody
// else may read it until it has that one's mode.
func (o Options) tempMode(replaces bool) fs.FileMode {
	switch {
	case o.Mode != 0:
		return o.Mode
	case replaces:
		return 0o600
	}
	return 0o666
}

// writable returns an error when the file at path may not be written to.
func writable(path string) error {
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	return f.Close()
}

// createTemp makes a new file in dir.
func createTemp(dir string, mode fs.FileMode) (*os.File, error) {
	for try := 0; ; try++ {
		name := filepath.Join(dir, fmt.Sprintf(".binman-%016x", rand.Uint64()))
		f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
		if errors.Is(err, fs.ErrExist) && try < 100 {
			continue
		}
		return f, err
	}
}

// resolve follows the symbolic links of path, the last of which may lead to
// nothing, and returns what is there, nil if nothing is.
func resolve(path string) (string, fs.FileInfo, error) {
	// Links such as /dev/stdout may lead to what has no path, which only
	// the system can follow.
	if fi, err := os.Stat(path); err == nil && !fi.Mode().IsRegular() && !fi.IsDir() {
		return path, fi, nil
	}
	target := path
	for range 40 {
		if target == "" {
			return "", nil, syscall.ENOENT
		}
		if os.IsPathSeparator(target[len(target)-1]) {
			return "", nil, syscall.EISDIR
		}
		// A relative link counts from the directory that it really is in.
		dir, err := filepath.EvalSymlinks(filepath.Dir(target))
		if err != nil {
			return "", nil, err
		}
		target = filepath.Join(dir, filepath.Base(target))
		fi, err := os.Lstat(target)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return target, nil, nil
		case err != nil:
			return "", nil, err
		case fi.IsDir():
			return "", nil, syscall.EISDIR
		case fi.Mode()&fs.ModeSymlink == 0:
			return target, fi, nil
		}
		link, err := os.Readlink(target)
		if err != nil {
			return "", nil, err
		}
		if !filepath.IsAbs(link) {
			// Not filepath.Join, which would drop a ".." after a link.
			link = dir + string(filepath.Separator) + link
		}
		target = link
	}
	return "", nil, syscall.ELOOP
}

// Write implements io.Writer. After an error, Commit fails with it.
func (f *File) Write(p []byte) (n int, err error) {
	err = f.write(func() error {
		n, err = f.f.Write(p)
		return err
	})
	return n, err
}

// WriteData writes d. Long runs of zero fill, and holes of other files, become holes,
// which take no space. After an error, Commit fails with it.
func (f *File) WriteData(d content.Data) error {
	return f.write(func() error {
		_, err := d.CopyTo(f.f, content.CopyOptions{Holes: true})
		return err
	})
}

func (f *File) write(do func() error) error {
	if f.f == nil {
		return &content.PathError{Path: f.path, Err: fs.ErrClosed}
	}
	if f.err != nil {
		return f.err
	}
	f.err = f.step(stepWrite, do)
	return f.err
}

// Commit makes the file appear under its name. On an error it is as if
// nothing had been written, unless only the flushing of the directory failed.
func (f *File) Commit() error { return CommitAll(f) }

// CommitAll makes files appear under their names that belong together: all are complete
// before the first gets its name, so that a full disk leaves none of them.
func CommitAll(files ...*File) error {
	for _, f := range files {
		defer f.Abort()
	}
	for _, f := range files {
		if err := f.Complete(); err != nil {
			return err
		}
	}
	for i, f := range files {
		if err := f.appear(); err != nil {
			for _, before := range files[:i] {
				if before.opt.New {
					os.Remove(before.target)
				}
			}
			return err
		}
	}
	for _, f := range files {
		if f.direct || f.opt.NoSync {
			continue
		}
		if err := f.step(stepSyncDir, func() error { return syncDir(filepath.Dir(f.target)) }); err != nil {
			return err
		}
	}
	return nil
}

// Complete does what Commit does, but for the giving of the name, which is to follow: the
// file takes nothing then but its place on the disk.
func (f *File) Complete() error {
	if f.ready || f.err != nil {
		return f.err
	}
	if f.f == nil {
		return &content.PathError{Path: f.path, Err: fs.ErrClosed}
	}
	if !f.direct {
		if err := f.flush(); err != nil {
			return err
		}
	}
	err := f.close()
	f.ready = err == nil
	return err
}

// flush gives the file its mode, and brings it to the disk.
func (f *File) flush() error {
	if f.old != nil {
		err := f.step(stepMode, func() error {
			keepOwner(f.f, f.old)
			if f.opt.Mode != 0 {
				return nil
			}
			return f.f.Chmod(f.old.Mode() & (fs.ModePerm | fs.ModeSetuid | fs.ModeSetgid | fs.ModeSticky))
		})
		if err != nil {
			return err
		}
	}
	if f.opt.NoSync {
		return nil
	}
	return f.step(stepSync, f.f.Sync)
}

// appear gives the complete file its name.
func (f *File) appear() error {
	f.ready = false
	if f.direct {
		return nil
	}
	give := rename
	if f.opt.New {
		give = renameNew
	}
	err := f.step(stepRename, func() error { return give(f.temp, f.target) })
	if err == nil {
		f.temp = ""
	}
	return err
}

// renameNew gives the file temp the name target, unless something has it. Only a link
// does that at once, which some file systems do not have.
func renameNew(temp, target string) error {
	err := os.Link(temp, target)
	switch {
	case err == nil:
		return os.Remove(temp)
	case errors.Is(err, fs.ErrExist):
		return err
	}
	if _, err := os.Lstat(target); err == nil {
		return syscall.EEXIST
	}
	return rename(temp, target)
}

// close closes the file, whether that succeeds or not.
func (f *File) close() error {
	file := f.f
	f.f = nil
	err := file.Close()
	return f.step(stepClose, func() error { return err })
}

// Abort gives up the file, unless it has been committed.
func (f *File) Abort() {
	if done := f.done; done != nil {
		defer done()
		f.done = nil
	}
	if f.f != nil {
		f.f.Close()
		f.f = nil
	}
	f.ready = false
	if f.temp != "" {
		os.Remove(f.temp)
		f.temp = ""
	}
}

// step does one step of the work, or fails as a test wants it to.
func (f *File) step(s step, do func() error) error {
	var err error
	if f.opt.fault != nil {
		err = f.opt.fault(s)
	}
	if err == nil {
		err = do()
	}
	if err == nil {
		return nil
	}
	return fmt.Errorf("cannot %s file: %w", s, pathError(f.path, err))
}

// pathError gives an error of the system the path that the caller knows,
// instead of that of the temporary file. Others, such as those of the data
// that is written, stay as they are.
func pathError(path string, err error) error {
	var errno syscall.Errno
	if errors.As(err, &errno) {
		var own *content.PathError
		if errors.As(err, &own) {
			return err
		}
		return &content.PathError{Path: path, Err: errno}
	}
	if pe, ok := errors.AsType[*fs.PathError](err); ok {
		err = pe.Err
	}
	return fmt.Errorf("'%s': %w", path, err)
}
