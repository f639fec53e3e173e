// SPDX-License-Identifier: GPL-2.0-or-later

package content

import (
	"fmt"
	"io"
	"os"
)

// CopyOptions say how data goes into a file.
type CopyOptions struct {
	// Holes leaves runs of at least 64 KiB of zero fill unwritten, and such holes
	// of other files, so that they take no space on filesystems that can do so.
	Holes bool
}

// minHole is the length in bytes from which a hole is worth a seek.
const minHole = 64 << 10

// WriteTo writes all the bytes to w, through a buffer of bounded size. Into
// an *os.File it writes as CopyTo does.
func (d Data) WriteTo(w io.Writer) (int64, error) {
	if f, ok := w.(*os.File); ok {
		return d.CopyTo(f, CopyOptions{})
	}
	out := stream{w: w}
	defer out.close()
	err := d.each(out.extent)
	return out.n, err
}

// CopyTo writes all the bytes to f at its current position, and returns how
// many. Ranges of other files are copied by the system where it can
// (copy_file_range on Linux), which on some filesystems shares the blocks.
//
// Holes are left only past the present end of f, where nothing lies beneath.
func (d Data) CopyTo(f *os.File, opt CopyOptions) (int64, error) {
	out := stream{w: f, file: f}
	if opt.Holes {
		if fi, err := f.Stat(); err == nil && fi.Mode().IsRegular() {
			if pos, err := f.Seek(0, io.SeekCurrent); err == nil && pos >= fi.Size() {
				out.holes = true
			}
		}
	}
	defer out.close()
	err := d.each(out.extent)
	if err == nil {
		err = out.end()
	}
	return out.n, err
}

// each calls f for every extent in order.
func (d Data) each(f func(e extent, n int64) error) error {
	if d.root == nil {
		return nil
	}
	return d.root.walk(0, d.root.size, f)
}

// stream writes extents to w.
type stream struct {
	w     io.Writer
	file  *os.File // w, if it is one
	holes bool
	n     int64 // bytes written so far
	hole  bool  // the last extent was left unwritten

	buf     *[bufferSize]byte
	fill    byte // buf[:fillLen] has this value
	fillLen int
}

func (s *stream) close() {
	if s.buf != nil {
		putBuffer(s.buf)
	}
}

// end gives a file that ends in a hole its length.
func (s *stream) end() error {
	if !s.hole {
		return nil
	}
	pos, err := s.file.Seek(0, io.SeekCurrent)
	if err != nil {
		return err
	}
	return s.file.Truncate(pos)
}

func (s *stream) buffer() *[bufferSize]byte {
	if s.buf == nil {
		s.buf = getBuffer()
	}
	return s.buf
}

func (s *stream) write(p []byte) error {
	n, err := s.w.Write(p)
	s.n += int64(n)
	if err == nil && n < len(p) {
		err = io.ErrShortWrite
	}
	return err
}

func (s *stream) extent(e extent, n int64) error {
	s.hole = false
	switch {
	case e.src != nil:
		return s.fromFile(e.src, e.off, n)
	case e.mem != nil:
		return s.write(e.mem)
	}
	return s.fromFill(e.fill, n)
}

func (s *stream) fromFill(v byte, n int64) error {
	if s.holes && v == 0 && n >= minHole {
		return s.leave(n)
	}
	buf := s.buffer()
	size := int(min(n, bufferSize))
	if s.fill != v || s.fillLen < size {
		fillBytes(buf[:size], v)
		s.fill, s.fillLen = v, size
	}
	for n > 0 {
		k := min(n, int64(size))
		if err := s.write(buf[:k]); err != nil {
			return err
		}
		n -= k
	}
	return nil
}

// leave leaves a hole.
func (s *stream) leave(n int64) error {
	if _, err := s.file.Seek(n, io.SeekCurrent); err != nil {
		return fmt.Errorf("leave a hole of %d bytes: %w", n, err)
	}
	s.n += n
	s.hole = true
	return nil
}

// fromFile writes a range of a file. Its holes stay holes.
func (s *stream) fromFile(src *source, off, n int64) error {
	in, ok := src.r.(*os.File)
	for ok && s.holes && n >= minHole {
		data, known := seekData(in, off)
		if !known {
			break
		}
		hole := min(data-off, n)
		if hole >= minHole {
			if err := s.leave(hole); err != nil {
				return err
			}
			if err := src.unchanged(); err != nil { // one that was cut looks like a hole
				return err
			}
			off, n = off+hole, n-hole
		}
		if n == 0 {
			return nil
		}
		next, known := seekHole(in, max(off, data))
		if !known || next-off >= n {
			break
		}
		if err := s.copyFile(src, off, next-off); err != nil {
			return err
		}
		off, n = next, n-(next-off)
	}
	return s.copyFile(src, off, n)
}

// copyFile writes a range of a file, all of it.
func (s *stream) copyFile(src *source, off, n int64) error {
	s.hole = false
	if in, ok := src.r.(*os.File); ok && s.file != nil {
		done, err := copyRange(s.file, in, off, n)
		s.n += done
		if err != nil {
			return err
		}
		if done > 0 {
			if err := src.unchanged(); err != nil {
				return err
			}
		}
		off, n = off+done, n-done
	}
	if n == 0 {
		return nil
	}
	buf := s.buffer()
	s.fillLen = 0
	for n > 0 {
		k := min(n, bufferSize)
		if err := src.readFull(buf[:k], off); err != nil {
			return err
		}
		if err := s.write(buf[:k]); err != nil {
			return err
		}
		off, n = off+k, n-k
	}
	return nil
}
