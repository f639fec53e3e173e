// SPDX-License-Identifier: GPL-2.0-or-later

package content

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"syscall"
	"time"

	"binman/internal/openfile"
)

// Errors that callers may tell apart.
var (
	// ErrChanged means that a file is not the one that was opened any
	// more: it was written to, or cut short.
	ErrChanged = errors.New("file changed while in use")
	// ErrNotRegular means that a path names something that is not
	// a regular file: a directory, a device, a pipe or a socket.
	ErrNotRegular = errors.New("not a regular file")
)

// smallFile is the size in bytes up to which Open reads a file into memory.
const smallFile = 64 << 10

// PathError is a failed operation of the system on a path. Its text is what
// Python prints for the same failure, as users and scripts know it from the
// original binman:
//
//	[Errno 2] No such file or directory: 'u-boot.bin'
type PathError struct {
	Path string
	Err  error
}

// Error implements error.
func (e *PathError) Error() string {
	var errno syscall.Errno
	switch {
	case errors.Is(e.Err, fs.ErrNotExist):
		return "[Errno 2] No such file or directory: " + quote(e.Path)
	case errors.As(e.Err, &errno):
		text := errno.Error()
		return fmt.Sprintf("[Errno %d] %s%s: %s", int(errno), strings.ToUpper(text[:1]), text[1:], quote(e.Path))
	}
	return fmt.Sprintf("%s: %s", quote(e.Path), e.Err)
}

// Unwrap returns the cause.
func (e *PathError) Unwrap() error { return e.Err }

// quote puts a path into the quotes that Python would use.
func quote(path string) string {
	if strings.Contains(path, "'") && !strings.Contains(path, `"`) {
		return `"` + path + `"`
	}
	return "'" + strings.ReplaceAll(path, "'", `\'`) + "'"
}

// pathError makes a PathError of an error of package os, whose own text would
// name the path a second time.
func pathError(path string, err error) error {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		err = pe.Err
	}
	return &PathError{Path: path, Err: err}
}

// source is a file that extents lie in.
type source struct {
	r    io.ReaderAt
	name string

	// What the file was like when opened, for those that Open opened.
	file  *os.File
	size  int64
	mtime time.Time
}

// unchanged returns an error when the file is not as it was.
func (s *source) unchanged() error {
	if s.file == nil {
		return nil
	}
	fi, err := s.file.Stat()
	if err != nil {
		return pathError(s.name, err)
	}
	if fi.Size() != s.size {
		return fmt.Errorf("%w: '%s' had %d bytes, now it has %d", ErrChanged, s.name, s.size, fi.Size())
	}
	if !fi.ModTime().Equal(s.mtime) {
		return fmt.Errorf("%w: '%s' was written to at %s", ErrChanged, s.name, fi.ModTime().Format(time.RFC3339Nano))
	}
	return nil
}

// readFull reads len(p) bytes from off.
func (s *source) readFull(p []byte, off int64) error {
	n, err := s.r.ReadAt(p, off)
	if n == len(p) {
		// The check comes after the read: whatever was written before
		// the read has left its mark by now.
		return s.unchanged()
	}
	if err == nil || errors.Is(err, io.EOF) {
		if err := s.unchanged(); err != nil {
			return err
		}
		return fmt.Errorf("%w: '%s' ends at offset %d, needed %d bytes from offset %d: %w",
			ErrChanged, s.name, off+int64(n), len(p), off, io.ErrUnexpectedEOF)
	}
	return fmt.Errorf("read of %d bytes at offset %d: %w", len(p), off, pathError(s.name, err))
}

// Open returns the contents of the regular file at path.
//
// A file of up to 64 KiB is read at once. A larger one is kept open, read
// when needed, and closed when no Data refers to it any more; see the package
// comment for what happens when it changes meanwhile.
//
// Anything but a regular file (reached through symbolic links or not) is
// refused without waiting for it: opening a pipe could block for ever, and
// opening a device could have effects.
func Open(path string) (Data, error) {
	fi, err := os.Stat(path)
	if err != nil {
		return Data{}, pathError(path, err)
	}
	if err := regular(path, fi); err != nil {
		return Data{}, err
	}
	f, err := openfile.Read(path)
	if err != nil {
		return Data{}, pathError(path, err)
	}
	// Between the two calls the path may have come to name something else.
	return Opened(f, path)
}

// Opened returns the contents of a regular file that has been opened for
// reading, as Open does of the one at a path. The file is not the caller's any
// more. Path is for messages.
func Opened(f *os.File, path string) (Data, error) {
	fi, err := f.Stat()
	if err == nil {
		err = regular(path, fi)
	} else {
		err = pathError(path, err)
	}
	if err != nil {
		f.Close()
		return Data{}, err
	}
	if fi.Size() > smallFile {
		src := &source{r: f, name: path, file: f, size: fi.Size(), mtime: fi.ModTime()}
		return Data{leaf(extent{src: src}, fi.Size())}, nil
	}
	defer f.Close()
	// Files made by the system, as in /proc, say 0 for their size.
	b, err := io.ReadAll(io.LimitReader(f, smallFile+1))
	if err != nil {
		return Data{}, pathError(path, err)
	}
	if n := int64(len(b)); n > smallFile || n != fi.Size() && fi.Size() != 0 {
		return Data{}, fmt.Errorf("%w: '%s' had %d bytes, and reading it gave %d", ErrChanged, path, fi.Size(), n)
	}
	return Bytes(b), nil
}

// regular returns an error unless fi is a regular file.
func regular(path string, fi fs.FileInfo) error {
	what := ""
	switch mode := fi.Mode(); {
	case mode.IsRegular():
		return nil
	case mode.IsDir():
		return &PathError{Path: path, Err: notRegular{syscall.EISDIR}}
	case mode&fs.ModeNamedPipe != 0:
		what = "a pipe"
	case mode&fs.ModeSocket != 0:
		what = "a socket"
	case mode&fs.ModeDevice != 0:
		what = "a device"
	default:
		what = "of type " + mode.Type().String()
	}
	return fmt.Errorf("'%s' is %s: %w", path, what, ErrNotRegular)
}

// notRegular is an error number that is also ErrNotRegular.
type notRegular struct{ error }

func (n notRegular) Unwrap() []error { return []error{n.error, ErrNotRegular} }
