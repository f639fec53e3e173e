// SPDX-License-Identifier: GPL-2.0-or-later

package openfile

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"time"
)

// How long a pipe may take: for somebody to open its other end, and to be written
// as a whole, which a person may have to allow.
const (
	patience = time.Second
	longest  = 10 * time.Minute
)

// ErrNobody says that nobody has opened the other end of a pipe.
var ErrNobody = errors.New("a pipe whose other end nobody opens")

// ErrTooLong says that a file has more bytes than are read.
var ErrTooLong = errors.New("the file is too long")

// ReadAll reads a small file, which may be a pipe, for which it does not wait for
// ever. More than limit bytes are ErrTooLong. That error, and those of a file that cannot
// be opened and of ErrNobody, are an *fs.PathError.
func ReadAll(path string, limit int64) ([]byte, error) {
	f, err := Read(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	fi, err := f.Stat()
	if err != nil {
		return nil, err
	}
	read := func() ([]byte, error) {
		b, err := io.ReadAll(io.LimitReader(f, limit+1))
		if err == nil && int64(len(b)) > limit {
			return nil, &fs.PathError{Op: "read", Path: path, Err: ErrTooLong}
		}
		return b, err
	}
	if fi.Mode()&fs.ModeNamedPipe == 0 {
		return read()
	}
	if err := f.SetReadDeadline(time.Now().Add(longest)); err != nil {
		return nil, err
	}
	for end := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
		// The end of a pipe that nobody has opened for writing is at once.
		b, err := read()
		if err != nil || len(b) > 0 {
			return b, err
		}
		if time.Now().After(end) {
			return nil, &fs.PathError{Op: "read", Path: path, Err: ErrNobody}
		}
	}
}

// Write opens what is no regular file for writing, such as a device or a pipe. The
// error is an *fs.PathError.
func Write(path string) (*os.File, error) {
	fi, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if fi.Mode()&fs.ModeNamedPipe == 0 {
		return os.OpenFile(path, os.O_WRONLY, 0)
	}
	for end := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
		f, err := open(path, os.O_WRONLY)
		if !errors.Is(err, errNoReader) {
			return f, err
		}
		if time.Now().After(end) {
			return nil, &fs.PathError{Op: "open", Path: path, Err: ErrNobody}
		}
	}
}
