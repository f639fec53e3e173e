// SPDX-License-Identifier: GPL-2.0-or-later

// Package imagefile changes an image file so that nothing is lost.
//
// Without in-place writing, the new image is made beside the old one and takes
// its name when it is complete: whatever happens, there is one of the two. In
// place, only the bytes that differ are written, into the file itself or a
// block device; an interruption then leaves a mixture.
//
// The file is locked while it is changed (flock, on Windows LockFileEx), so
// that of two programs that do so at once, the second one starts from what the
// first one left.
package imagefile

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"binman/content"
	"binman/internal/atomicfile"
	"binman/internal/leftover"
	"binman/internal/openfile"
)

// File is an image file that is locked for a change.
type File struct {
	Data content.Data // as it was when it was opened

	path    string
	file    *os.File // the lock is on it
	inPlace bool
}

// Lock opens and locks the image file at path. In place, it may be a block
// device.
func Lock(path string, inPlace bool) (*File, error) {
	for {
		f, err := open(path, inPlace)
		if err != nil {
			return nil, err
		}
		if err := lock(f); err != nil {
			f.Close()
			return nil, fmt.Errorf("lock '%s': %w", path, err)
		}
		same, err := isAt(f, path)
		if err != nil {
			f.Close()
			return nil, err
		}
		if !same {
			// Another program has put a new file here while we waited.
			f.Close()
			continue
		}
		size, err := f.Seek(0, io.SeekEnd)
		if err != nil {
			f.Close()
			return nil, err
		}
		return &File{Data: content.File(f, path, 0, size), path: path, file: f, inPlace: inPlace}, nil
	}
}

// open opens the file for reading, and in place for writing too, without
// waiting for what is no file.
func open(path string, inPlace bool) (*os.File, error) {
	info, err := os.Stat(path)
	if err != nil {
		_, err = content.Open(path) // for its wording
		return nil, err
	}
	block := info.Mode()&os.ModeDevice != 0 && info.Mode()&os.ModeCharDevice == 0
	if !info.Mode().IsRegular() && !(inPlace && block) {
		if _, err := content.Open(path); err != nil {
			return nil, err
		}
	}
	if inPlace {
		return openfile.Update(path)
	}
	return openfile.Read(path)
}

// isAt says whether f is still the file at path.
func isAt(f *os.File, path string) (bool, error) {
	have, err := f.Stat()
	if err != nil {
		return false, err
	}
	there, err := os.Stat(path)
	if err != nil {
		return false, err
	}
	return os.SameFile(have, there), nil
}

// Close gives up the file and its lock.
func (f *File) Close() error { return f.file.Close() }

// Update makes data the contents of the file.
func (f *File) Update(data content.Data) error {
	if f.inPlace {
		return f.overwrite(data)
	}
	return f.UpdateWith(data)
}

// UpdateWith makes data the contents of the file, not in place, when others that belong
// to it are complete.
func (f *File) UpdateWith(data content.Data, others ...*atomicfile.File) error {
	image, err := atomicfile.Options{}.Prepare(f.path, data)
	if err != nil {
		return err
	}
	return atomicfile.CommitAll(append(others, image)...)
}

// overwrite writes the bytes that differ into the file. They are collected
// first, since they may come from places that are written to.
func (f *File) overwrite(data content.Data) error {
	info, err := f.file.Stat()
	if err != nil {
		return err
	}
	if data.Len() != f.Data.Len() && !info.Mode().IsRegular() {
		return fmt.Errorf("'%s' has %#x bytes and cannot take an image of %#x", f.path, f.Data.Len(), data.Len())
	}
	spill, done, err := leftover.Make(func() (*os.File, string, error) {
		temp, err := os.CreateTemp("", "binman-replace-")
		if err != nil { // TMPDIR may be nowhere
			temp, err = os.CreateTemp(filepath.Dir(f.path), ".binman-")
		}
		if err != nil {
			return nil, "", err
		}
		return temp, temp.Name(), nil
	})
	if err != nil {
		return err
	}
	defer done()
	os.Remove(spill.Name()) // where an open file may lose its name
	defer os.Remove(spill.Name())
	defer spill.Close()
	changed := data.Changed(f.Data)
	at := int64(0)
	for _, r := range changed {
		if _, err := data.Slice(r.Off, r.Len).CopyTo(spill, content.CopyOptions{}); err != nil {
			return fmt.Errorf("collect what changes: %w", err)
		}
	}
	for _, r := range changed {
		if err := f.patch(spill, at, r); err != nil {
			return fmt.Errorf("write '%s': %w", f.path, err)
		}
		at += r.Len
	}
	if info.Mode().IsRegular() && data.Len() < f.Data.Len() {
		if err := f.file.Truncate(data.Len()); err != nil {
			return err
		}
	}
	return f.file.Sync()
}

// blockSize is the unit of comparing and writing, in bytes.
const blockSize = 4096

// patch writes the blocks of a range that differ from what the file has.
func (f *File) patch(src io.ReaderAt, at int64, r content.Range) error {
	fresh := make([]byte, 64*blockSize)
	old := make([]byte, len(fresh))
	for done := int64(0); done < r.Len; {
		n := min(int64(len(fresh)), r.Len-done)
		if _, err := src.ReadAt(fresh[:n], at+done); err != nil {
			return err
		}
		have, err := f.file.ReadAt(old[:n], r.Off+done)
		if err != nil && err != io.EOF {
			return err
		}
		if err := f.patchBlocks(fresh[:n], old[:have], r.Off+done); err != nil {
			return err
		}
		done += n
	}
	return nil
}

func (f *File) patchBlocks(fresh, old []byte, off int64) error {
	for i := 0; i < len(fresh); i += blockSize {
		end := min(i+blockSize, len(fresh))
		if end <= len(old) && bytes.Equal(fresh[i:end], old[i:end]) {
			continue
		}
		if _, err := f.file.WriteAt(fresh[i:end], off+int64(i)); err != nil {
			return err
		}
	}
	return nil
}
