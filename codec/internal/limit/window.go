// SPDX-License-Identifier: GPL-2.0-or-later

package limit

import "io"

// slack returns how many bytes more than it needs a window may have before they are
// written, so that what it needs is moved seldom: each byte four times.
func slack(keep int64) int64 { return max(1<<20, keep/4) }

// Window is where a decoder puts what it decodes. It has the last bytes, to which
// matches refer; those before them have gone to a writer.
type Window struct {
	Out []byte // the last bytes

	w       io.Writer
	max     int64 // what all bytes may come to
	written int64 // bytes that are not in Out any more
}

// NewWindow returns a window for at most limit bytes, which go to w.
func NewWindow(w io.Writer, limit int64) Window { return Window{w: w, max: limit} }

// Total returns how many bytes there are so far, written or not.
func (w *Window) Total() int64 { return w.written + int64(len(w.Out)) }

// Left returns how many bytes more there may be.
func (w *Window) Left() int64 { return w.max - w.Total() }

// Limit returns how many bytes there may be in all.
func (w *Window) Limit() int64 { return w.max }

// Make makes room for n bytes more, or returns ErrTooLarge. Memory grows with what has
// been decoded, whatever a header says.
func (w *Window) Make(n int) error {
	if int64(n) > w.Left() {
		return Exceeded(w.max)
	}
	if len(w.Out)+n > cap(w.Out) {
		w.Out = grow(w.Out, max(n, growth(int64(len(w.Out)), w.max-w.written)))
	}
	return nil
}

// Reserve makes room for a window of which keep bytes are needed, if the size of the input makes that
// likely: if it is a fourth or more of what there may be.
func (w *Window) Reserve(keep int64, input int) {
	room := int(min(keep+slack(keep)+reserve, w.max, 4*int64(input)))
	if cap(w.Out) < room {
		w.Out = grow(w.Out, room-len(w.Out))
	}
}

// reserve is for what is put into a full window before it is passed on.
const reserve = 64 << 10

// Pass writes what is not needed any more: all but the last keep bytes. It does so
// when that is worth it, and returns by how many bytes what remains has moved to the
// front of Out.
func (w *Window) Pass(keep int64) (moved int, err error) {
	if int64(len(w.Out)) < keep+slack(keep) {
		return 0, nil
	}
	return w.pass(int(keep))
}

func (w *Window) pass(keep int) (moved int, err error) {
	moved = len(w.Out) - keep
	if _, err := w.w.Write(w.Out[:moved]); err != nil {
		return 0, err
	}
	w.Out = w.Out[:copy(w.Out, w.Out[moved:])]
	w.written += int64(moved)
	return moved, nil
}

// Close writes all that is left.
func (w *Window) Close() error {
	_, err := w.pass(0)
	return err
}

// Copy writes all that r yields, at most limit bytes, else ErrTooLarge.
func Copy(w io.Writer, r io.Reader, limit int64) (int64, error) {
	limit = max(limit, 0)
	n, err := io.CopyBuffer(onlyWriter{w}, io.LimitReader(r, limit), make([]byte, min(max(limit, 512), 128<<10)))
	if err != nil || n < limit {
		return n, err
	}
	var probe [1]byte // full: only the end of the stream is still welcome
	switch more, err := io.ReadFull(r, probe[:]); {
	case more > 0:
		return n, Exceeded(limit)
	case err == io.EOF:
		return n, nil
	default:
		return n, err
	}
}

// onlyWriter hides the method ReadFrom, which has a buffer of its own.
type onlyWriter struct{ io.Writer }

// Buffer is a writer into memory that grows as Make does.
type Buffer struct {
	Out []byte
	Max int64 // how many bytes there will be at most
}

func (b *Buffer) Write(p []byte) (int, error) {
	if len(b.Out)+len(p) > cap(b.Out) {
		b.Out = grow(b.Out, max(len(p), growth(int64(len(b.Out)), max(b.Max, int64(len(b.Out)+len(p))))))
	}
	b.Out = append(b.Out, p...)
	return len(p), nil
}

// Done returns what has been written, or nothing with an error.
func (b *Buffer) Done(err error) ([]byte, error) {
	if err != nil {
		return nil, err
	}
	return b.Out, nil
}
