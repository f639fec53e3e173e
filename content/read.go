// SPDX-License-Identifier: GPL-2.0-or-later

package content

import (
	"errors"
	"fmt"
	"io"
	"sync"
)

// bufferSize is the size in bytes of the buffers that data passes through
// when it is streamed.
const bufferSize = 64 << 10

var buffers = sync.Pool{New: func() any { return new([bufferSize]byte) }}

func getBuffer() *[bufferSize]byte  { return buffers.Get().(*[bufferSize]byte) }
func putBuffer(b *[bufferSize]byte) { buffers.Put(b) }

// read reads the first len(p) bytes of the extent, which must be as long.
func (e extent) read(p []byte) error {
	switch {
	case e.src != nil:
		return e.src.readFull(p, e.off)
	case e.mem != nil:
		copy(p, e.mem)
	default:
		fillBytes(p, e.fill)
	}
	return nil
}

func fillBytes(p []byte, v byte) {
	if v == 0 {
		clear(p)
		return
	}
	for i := range p {
		p[i] = v
	}
}

// Reader reads a Data from start to end. It implements io.Reader,
// io.WriterTo, io.Seeker and io.ByteReader.
type Reader struct {
	d   Data
	pos int64

	// The extent that pos lies in, and the trees that follow it, the
	// nearest one last. They are found again after a seek.
	cur   *node
	start int64 // position of cur's first byte
	rest  []*node
}

// NewReader returns a reader at the start of d.
func (d Data) NewReader() *Reader { return &Reader{d: d} }

// next sets cur to the extent of pos; false means the end.
func (r *Reader) next() bool {
	if r.pos >= r.d.Len() {
		return false
	}
	if r.cur != nil && r.pos >= r.start && r.pos < r.start+r.cur.size {
		return true
	}
	if r.cur != nil && len(r.rest) > 0 && r.pos == r.start+r.cur.size {
		t := r.rest[len(r.rest)-1]
		r.rest = r.rest[:len(r.rest)-1]
		r.descend(t, r.pos)
		return true
	}
	r.rest = r.rest[:0]
	r.descend(r.d.root, 0)
	return true
}

// descend finds the extent of pos in t, which starts at position start.
func (r *Reader) descend(t *node, start int64) {
	for t.left != nil {
		if r.pos < start+t.left.size {
			r.rest = append(r.rest, t.right)
			t = t.left
			continue
		}
		start += t.left.size
		t = t.right
	}
	r.cur, r.start = t, start
}

// Read implements io.Reader. It fills p unless the end comes first.
func (r *Reader) Read(p []byte) (int, error) {
	done := 0
	for done < len(p) {
		if !r.next() {
			if done == 0 {
				return 0, io.EOF
			}
			break
		}
		off := r.pos - r.start
		n := int(min(int64(len(p)-done), r.cur.size-off))
		if err := r.cur.ext.cut(off, int64(n)).read(p[done : done+n]); err != nil {
			return done, err
		}
		done += n
		r.pos += int64(n)
	}
	return done, nil
}

// ReadByte implements io.ByteReader.
func (r *Reader) ReadByte() (byte, error) {
	var b [1]byte
	_, err := r.Read(b[:])
	return b[0], err
}

// Seek implements io.Seeker. Positions past the end are allowed.
func (r *Reader) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekStart:
	case io.SeekCurrent:
		offset += r.pos
	case io.SeekEnd:
		offset += r.d.Len()
	default:
		return r.pos, fmt.Errorf("content: seek with unknown whence %d", whence)
	}
	if offset < 0 {
		return r.pos, errors.New("content: seek to a negative position")
	}
	r.pos = offset
	return r.pos, nil
}

// WriteTo writes what remains to w.
func (r *Reader) WriteTo(w io.Writer) (int64, error) {
	if r.pos >= r.d.Len() {
		return 0, nil
	}
	n, err := r.d.Slice(r.pos, r.d.Len()-r.pos).WriteTo(w)
	r.pos += n
	return n, err
}
