// SPDX-License-Identifier: GPL-2.0-or-later

package content

import (
	"bytes"
	"fmt"
	"hash"
	"io"
	"math"
)

// Data is an immutable sequence of bytes. The zero value is empty.
type Data struct {
	root *node
}

// Bytes returns the bytes of b, which are not copied and must not be changed
// afterwards.
func Bytes(b []byte) Data {
	return Data{leaf(extent{mem: b}, int64(len(b)))}
}

// String returns the bytes of s.
func String(s string) Data {
	return Bytes([]byte(s))
}

// Fill returns n bytes of value b. It takes no memory for them. A negative n
// panics.
func Fill(b byte, n int64) Data {
	if n < 0 {
		panic(fmt.Sprintf("content: fill of %d bytes", n))
	}
	return Data{leaf(extent{fill: b}, n)}
}

// File returns the n bytes of r that start at offset off. They are read when
// the data is; a read past the end of r is an error then. The name is for
// messages. When r is an *os.File, data may be copied to another file by the
// system, without passing through this process.
//
// The file must stay open as long as the data is in use. Calls of File do
// not merge with each other; slices of one call do.
func File(r io.ReaderAt, name string, off, n int64) Data {
	if off < 0 || n < 0 || off > math.MaxInt64-n {
		panic(fmt.Sprintf("content: range of %d bytes at %d in %s", n, off, name))
	}
	return Data{leaf(extent{src: &source{r: r, name: name}, off: off}, n)}
}

// Join returns the parts one after the other. Nothing is copied: the cost
// grows with the number of parts, not with their sizes or with the number of
// extents within them.
func Join(parts ...Data) Data {
	trees := make([]*node, 0, len(parts))
	for _, p := range parts {
		trees = push(trees, p.root)
	}
	return Data{concatAll(trees)}
}

// Len returns the number of bytes.
func (d Data) Len() int64 { return d.root.len() }

// Extents returns the number of pieces of memory, file and fill that make up
// the data.
func (d Data) Extents() int {
	if d.root == nil {
		return 0
	}
	return d.root.leaves
}

// check panics unless the n bytes from off lie within d.
func (d Data) check(what string, off, n int64) {
	if off < 0 || n < 0 || off > d.Len() || n > d.Len()-off {
		panic(fmt.Sprintf("content: %s of %d bytes at offset %d in data of %d bytes", what, n, off, d.Len()))
	}
}

// Slice returns the n bytes from off. It panics when they do not lie within
// the data.
func (d Data) Slice(off, n int64) Data {
	d.check("slice", off, n)
	return Data{d.root.suffix(off).prefix(n)}
}

// Replace returns the data with the bytes from off replaced by those of
// with, so that the length stays the same. It panics when with does not fit
// within the data at off.
func (d Data) Replace(off int64, with Data) Data {
	n := with.Len()
	d.check("replacement", off, n)
	return Join(Data{d.root.prefix(off)}, with, Data{d.root.suffix(off + n)})
}

// ReadAt reads len(p) bytes from off, as io.ReaderAt describes: a read that
// meets the end returns the bytes before it and io.EOF.
func (d Data) ReadAt(p []byte, off int64) (int, error) {
	if off < 0 {
		return 0, fmt.Errorf("content: read at negative offset %d", off)
	}
	if off >= d.Len() {
		if len(p) == 0 {
			return 0, nil
		}
		return 0, io.EOF
	}
	want := min(int64(len(p)), d.Len()-off)
	done := 0
	err := d.root.walk(off, want, func(e extent, n int64) error {
		if err := e.read(p[done : done+int(n)]); err != nil {
			return err
		}
		done += int(n)
		return nil
	})
	if err == nil && done < len(p) {
		err = io.EOF
	}
	return done, err
}

// MaxBytes is how much data Bytes and View hold in memory at most. Lengths
// come from files and descriptions that nobody vouches for, and a program
// that runs out of memory cannot say why.
const MaxBytes = 1 << 30

// Bytes returns all the bytes in new memory, or an error if there are more
// than MaxBytes.
func (d Data) Bytes() ([]byte, error) {
	if d.Len() > MaxBytes {
		return nil, fmt.Errorf("%#x bytes are too many to hold in memory (at most %#x)", d.Len(), MaxBytes)
	}
	p := make([]byte, d.Len())
	if _, err := d.ReadAt(p, 0); err != nil {
		return nil, err
	}
	return p, nil
}

// View returns all the bytes without copying them when they are one piece of
// memory, and like Bytes otherwise. The result must not be changed.
func (d Data) View() ([]byte, error) {
	if t := d.root; t != nil && t.left == nil && t.ext.mem != nil {
		return t.ext.mem[:len(t.ext.mem):len(t.ext.mem)], nil
	}
	return d.Bytes()
}

// Peek returns the first n bytes, fewer if the data is shorter, in new
// memory.
func (d Data) Peek(n int) ([]byte, error) {
	return d.Slice(0, min(int64(n), d.Len())).Bytes()
}

// Hash adds all the bytes to h.
func (d Data) Hash(h hash.Hash) error {
	_, err := d.WriteTo(h)
	return err
}

// Equal reports whether a and b hold the same bytes. It reads them only as
// far as needed.
func Equal(a, b Data) (bool, error) {
	if a.Len() != b.Len() {
		return false, nil
	}
	if a.root == b.root {
		return true, nil
	}
	if sameExtents(a, b) {
		return true, nil
	}
	bufA, bufB := getBuffer(), getBuffer()
	defer putBuffer(bufA)
	defer putBuffer(bufB)
	ra, rb := a.NewReader(), b.NewReader()
	for left := a.Len(); left > 0; {
		n := min(left, bufferSize)
		if _, err := io.ReadFull(ra, bufA[:n]); err != nil {
			return false, err
		}
		if _, err := io.ReadFull(rb, bufB[:n]); err != nil {
			return false, err
		}
		if !bytes.Equal(bufA[:n], bufB[:n]) {
			return false, nil
		}
		left -= n
	}
	return true, nil
}

// sameExtents says whether two data of one length are made of the same pieces
// of files, memory and fill, so that they need not be read to be equal.
func sameExtents(a, b Data) bool {
	if a.Extents() != b.Extents() {
		return false
	}
	type piece struct {
		e extent
		n int64
	}
	pieces := make([]piece, 0, a.Extents())
	a.each(func(e extent, n int64) error {
		pieces = append(pieces, piece{e, n})
		return nil
	})
	same, i := true, 0
	b.each(func(e extent, n int64) error {
		p := pieces[i]
		i++
		same = same && p.n == n && p.e.same(e)
		return nil
	})
	return same
}

// same says whether two extents of one length are the same piece of something.
func (e extent) same(f extent) bool {
	switch {
	case e.src != nil || f.src != nil:
		return e.src == f.src && e.off == f.off
	case e.mem != nil && f.mem != nil:
		return &e.mem[0] == &f.mem[0]
	}
	return e.mem == nil && f.mem == nil && e.fill == f.fill
}

// TrimRight returns the data without the bytes v at its end. It reads no
// further back than it has to; what cannot be read stays.
func (d Data) TrimRight(v byte) Data {
	buf := getBuffer()
	defer putBuffer(buf)
	for end := d.Len(); end > 0; {
		n := min(end, bufferSize)
		if _, err := d.ReadAt(buf[:n], end-n); err != nil {
			return d.Slice(0, end)
		}
		for i := n - 1; i >= 0; i-- {
			if buf[i] != v {
				return d.Slice(0, end-n+i+1)
			}
		}
		end -= n
	}
	return Data{}
}
