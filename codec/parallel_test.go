// SPDX-License-Identifier: GPL-2.0-or-later

package codec

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"runtime"
	"testing"
	"testing/synctest"

	"binman/codec/internal/sample"
)

// Blocks are worked on in parallel, or steps of the work, and the bytes do not tell how many
// at a time.
func TestSameBytesInParallel(t *testing.T) {
	for _, c := range codecs() {
		data := parallelData(c)
		var want []byte
		for _, procs := range []int{1, 2, 7} {
			before := runtime.GOMAXPROCS(procs)
			got, err := c.Compress(data)
			runtime.GOMAXPROCS(before)
			if err != nil {
				t.Fatal(err)
			}
			if want == nil {
				want = got
			}
			if !bytes.Equal(got, want) {
				t.Errorf("%s: other bytes with %d processors", c.Name, procs)
			}
		}
	}
}

// parallelData returns so much that c works on it in several goroutines.
func parallelData(c Codec) []byte {
	size := map[string]int{"lzma": 300 << 10, "xz": 300 << 10, "zstd": 9 << 20}[c.Name]
	if size == 0 {
		size = 3 << 20
	}
	return sample.Firmware(size)
}

// A writer's error comes back as it is, and ends the work wherever it happens: a goroutine that
// remained would fail the bubble.
func TestWriterFails(t *testing.T) {
	for _, procs := range []int{1, 2} {
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(procs))
		for _, c := range codecs() {
			data := parallelData(c)
			packed := compress(t, c, data)
			for _, room := range []int{0, 20, len(packed) / 2, len(packed) - 1} {
				t.Run(fmt.Sprintf("%d/%s/%d", procs, c.Name, room), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						w := &fullWriter{room: room}
						if err := c.CompressTo(w, inMemory(data)); err != errFull {
							t.Errorf("error %v, want %v", err, errFull)
						}
						written := w.calls
						synctest.Wait()
						if w.calls != written {
							t.Error("it writes after it has returned")
						}
					})
				})
			}
		}
	}
}

// A source's error comes back too, wherever it happens; so does its end before its size.
func TestSourceFails(t *testing.T) {
	for _, procs := range []int{1, 2} {
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(procs))
		for _, c := range codecs() {
			data := inMemory(parallelData(c))
			for _, bad := range []int64{0, data.Len() - 1} {
				t.Run(fmt.Sprintf("%d/%s/%d", procs, c.Name, bad), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						if err := c.CompressTo(io.Discard, badSource{data, bad}); !errors.Is(err, errBad) {
							t.Errorf("error %v, want %v", err, errBad)
						}
						if err := c.CompressTo(io.Discard, shortSource{data[:bad], data.Len()}); !errors.Is(err, io.ErrUnexpectedEOF) {
							t.Errorf("error %v for a source that ends early", err)
						}
					})
				})
			}
		}
	}
}

var errBad = errors.New("bad block")

// badSource cannot be read at one place.
type badSource struct {
	inMemory
	bad int64
}

func (s badSource) View() ([]byte, error) { return nil, errBad }

func (s badSource) ReadAt(p []byte, off int64) (int, error) {
	if off <= s.bad && s.bad < off+int64(len(p)) {
		return 0, errBad
	}
	return s.inMemory.ReadAt(p, off)
}

// shortSource says that it is longer than it is.
type shortSource struct {
	inMemory
	size int64
}

func (s shortSource) Len() int64            { return s.size }
func (s shortSource) View() ([]byte, error) { return nil, io.ErrUnexpectedEOF }

var errFull = errors.New("no room")

// fullWriter takes so many bytes.
type fullWriter struct{ room, calls int }

func (w *fullWriter) Write(p []byte) (int, error) {
	w.calls++
	if len(p) > w.room {
		return 0, errFull
	}
	w.room -= len(p)
	return len(p), nil
}
