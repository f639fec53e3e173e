// SPDX-License-Identifier: GPL-2.0-or-later

package bzip2

import (
	"bytes"
	"compress/bzip2"
	"errors"
	"fmt"
	"io"
	"math/bits"
	"os/exec"
	"runtime"
	"slices"
	"testing"
	"testing/synctest"

	"binman/codec/internal/sample"
	"binman/internal/judge"
)

// streamMaker writes a stream block by block.
type streamMaker struct {
	w   bitWriter
	sum uint32
}

func newStream(level byte) *streamMaker {
	return &streamMaker{w: bitWriter{out: []byte{'B', 'Z', 'h', level}}}
}

// add adds a block whose data, runs shortened, are given.
func (s *streamMaker) add(data []byte) {
	e := encoder{data: data}
	sum := contentSum(data)
	e.writeBlock(&s.w, sum)
	s.sum = bits.RotateLeft32(s.sum, 1) ^ sum
}

// addSpecial adds a block of n zeros with four tables. Of the selectors that it has no symbols
// for, some look like a magic. Nobody has to look at the last table, and unused is its first length.
func (s *streamMaker) addSpecial(n int, magic uint64, unused uint64) {
	data := make([]byte, n)
	sum := contentSum(data)
	s.sum = bits.RotateLeft32(s.sum, 1) ^ sum
	w := &s.w
	w.write(blockMagic, 48)
	w.write(uint64(sum), 32)
	w.write(0, 1+24)   // row 0
	w.write(1<<15, 16) // one group of values,
	w.write(1<<15, 16) // one value
	w.write(4, 3)      // tables
	w.write(uint64(1+48-bits.OnesCount64(magic)+1), 15)
	w.write(0, 1)
	w.write(magic, 48)
	w.write(0, 1)
	for table := range 4 { // codes 0, 10, 11
		if table == 3 && unused != 0 {
			w.write(unused, 5)
			w.write(0, 3)
			continue
		}
		w.write(1, 5)
		w.write(0, 1)
		w.write(0b10, 2)
		w.write(0, 2)
	}
	for ; n > 0; n = (n - 1) / 2 {
		if n%2 == 1 {
			w.write(0, 1)
		} else {
			w.write(0b10, 2)
		}
	}
	w.write(0b11, 2)
}

// end returns the stream.
func (s *streamMaker) end() []byte {
	s.w.write(finalMagic, 48)
	s.w.write(uint64(s.sum), 32)
	s.w.align()
	return s.w.out
}

// special returns a stream of so many blocks, of which the one in the middle is special.
func special(blocks int, magic, unused uint64) []byte {
	s := newStream('9')
	for i := range blocks {
		if i == blocks/2 {
			s.addSpecial(3, magic, unused)
		}
		s.add(sample.Noise(50+i, sample.Random(i)))
	}
	return s.end()
}

// streams are such that bzip2 takes.
func streams() []sample.Named {
	several := newStream('1')
	for i := range 12 {
		several.add(sample.Noise(20+7*i, sample.Random(i)))
	}
	runs := newStream('9')
	runs.add([]byte("aaaa\x00aaaa\x02b"))
	runs.add([]byte("aaaa\xff"))
	runs.add([]byte("ccccc"))
	list := []sample.Named{
		{Name: "nothing", Data: Encode(nil)},
		{Name: "a byte", Data: Encode([]byte("a"))},
		{Name: "one block", Data: Encode(sample.Firmware(2000))},
		{Name: "several blocks", Data: several.end()},
		{Name: "runs", Data: runs.end()},
		{Name: "a block's magic in a block", Data: special(8, blockMagic, 0)},
		{Name: "the magic of the end in a block", Data: special(8, finalMagic, 0)},
		{Name: "a table that nothing uses and that cannot be", Data: special(2, 0, 1)},
	}
	var all []byte
	for _, s := range list {
		all = append(all, s.Data...)
	}
	return append(list, sample.Named{Name: "streams in a row", Data: all})
}

// decoded is what a decoder makes of a source.
type decoded struct {
	content  []byte
	consumed int64
	err      string
}

func decodeWith(t testing.TB, src []byte, maxSize int64, decodeTo func(w io.Writer, src []byte, maxSize int64) (int64, error)) decoded {
	var out bytes.Buffer
	n, err := decodeTo(&out, src, maxSize)
	switch {
	case err == nil:
		return decoded{out.Bytes(), n, ""}
	case n != 0:
		t.Errorf("%d bytes consumed and an error: %v", n, err)
	case int64(out.Len()) > maxSize:
		t.Errorf("%d bytes with a limit of %d", out.Len(), maxSize)
	case !errors.Is(err, ErrFormat) && !errors.Is(err, ErrTooLarge):
		t.Errorf("error %v", err)
	}
	return decoded{err: err.Error()}
}

// inOrder decodes without looking for blocks.
func inOrder(w io.Writer, src []byte, maxSize int64) (int64, error) {
	return decode(w, src, maxSize, (*reader).upTo)
}

// check decodes src in all ways there are, and returns what they say. The standard library has
// ideas of its own of damaged tables.
func check(t testing.TB, src []byte, maxSize int64) decoded {
	t.Helper()
	want := decodeWith(t, src, maxSize, inOrder)
	if got := decodeWith(t, src, maxSize, DecodeTo); !bytes.Equal(got.content, want.content) || got.consumed != want.consumed || got.err != want.err {
		t.Errorf("in parallel %d bytes from %d, %s; in order %d from %d, %s",
			len(got.content), got.consumed, got.err, len(want.content), want.consumed, want.err)
	}
	if want.err != "" {
		return want
	}
	content, err := io.ReadAll(io.LimitReader(bzip2.NewReader(bytes.NewReader(src[:want.consumed])), maxSize+1))
	if err == nil && !bytes.Equal(want.content, content) {
		t.Errorf("%d bytes, of %d in the standard library", len(want.content), len(content))
	}
	return want
}

// onProcessors runs a test with so many processors.
func onProcessors(t *testing.T, test func(t *testing.T)) {
	for _, n := range []int{1, 3} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(n))
			test(t)
		})
	}
}

// Whatever follows a stream is left alone, and a limit holds.
func TestDecode(t *testing.T) {
	onProcessors(t, func(t *testing.T) {
		for _, s := range streams() {
			t.Run(s.Name, func(t *testing.T) {
				want := check(t, s.Data, 1<<20)
				if want.err != "" || want.consumed != int64(len(s.Data)) {
					t.Fatalf("%d of %d bytes: %s", want.consumed, len(s.Data), want.err)
				}
				for _, behind := range []string{"\x00", "B", "AZ", "\xff\xff\xff\xff", "1AY&SY1AY&SY"} {
					if got := check(t, append(slices.Clip(s.Data), behind...), 1<<20); got.consumed != want.consumed {
						t.Errorf("before %q: %d of %d bytes: %s", behind, got.consumed, len(s.Data), got.err)
					}
				}
				for n := int64(0); n < int64(len(want.content)); n += 1 + int64(len(want.content))/20 {
					if got := check(t, s.Data, n); got.err == "" {
						t.Errorf("no error with a limit of %d for %d bytes", n, len(want.content))
					}
				}
			})
		}
	})
}

// A fault in a stream is found, and the same one however many work on it.
func TestDecodeDamaged(t *testing.T) {
	onProcessors(t, func(t *testing.T) {
		for _, s := range streams() {
			if len(s.Data) > 1000 {
				continue
			}
			t.Run(s.Name, func(t *testing.T) {
				want := check(t, s.Data, 1<<20)
				for bit := range len(s.Data) * 8 {
					bad := bytes.Clone(s.Data)
					bad[bit/8] ^= 0x80 >> (bit % 8)
					if got := check(t, bad, 1<<20); got.err == "" && !bytes.Equal(got.content, want.content) {
						t.Errorf("bit %d: %d bytes without an error", bit, len(got.content))
					}
				}
				for n := range s.Data {
					if got := check(t, s.Data[:n], 1<<20); got.err == "" {
						t.Errorf("%d bytes of %d: no error", n, len(s.Data))
					}
				}
			})
		}
	})
}

// bzip2 says the same of all streams.
func TestJudgeDecode(t *testing.T) {
	path := judge.Need(t, "bzip2")
	for _, s := range streams() {
		t.Run(s.Name, func(t *testing.T) {
			cmd := exec.Command(path, "-dc")
			cmd.Stdin = bytes.NewReader(s.Data)
			want, err := cmd.Output()
			if err != nil {
				t.Fatal(err)
			}
			if got := check(t, s.Data, 1<<20); got.err != "" || !bytes.Equal(got.content, want) {
				t.Errorf("%d bytes, %s; bzip2 %d", len(got.content), got.err, len(want))
			}
		})
	}
}

// What a header allows a block to have, it may have, and no more.
func TestBlockOfMoreThanItsStreamAllows(t *testing.T) {
	for _, level := range []byte("12") {
		for _, size := range []int{100_000, 100_001} {
			s := newStream(level)
			s.add([]byte("before"))
			s.add(sample.Noise(size, 1))
			_, err := Decode(s.end(), 1<<20)
			if allowed := size <= 100_000*int(level-'0'); allowed != (err == nil) {
				t.Errorf("%d bytes in BZh%c: %v", size, level, err)
			}
		}
	}
}

// An error of the writer ends the work of all.
func TestDecodeToFullWriter(t *testing.T) {
	s := newStream('9')
	for i := range 6 {
		s.add(sample.Noise(300_000, sample.Random(i)))
	}
	src := s.end()
	onProcessors(t, func(t *testing.T) {
		for _, room := range []int{0, 1_200_000} {
			synctest.Test(t, func(t *testing.T) {
				w := &fullWriter{room: room}
				if _, err := DecodeTo(w, src, 1<<30); err != errFull {
					t.Errorf("room for %d: error %v, want %v", room, err, errFull)
				}
			})
		}
	})
}

var errFull = errors.New("no room")

// fullWriter takes so many bytes.
type fullWriter struct{ room int }

func (w *fullWriter) Write(p []byte) (int, error) {
	if len(p) > w.room {
		return 0, errFull
	}
	w.room -= len(p)
	return len(p), nil
}

// FuzzDecode feeds the decoder anything, and wants to be told the same in parallel as in order.
func FuzzDecode(f *testing.F) {
	for _, s := range streams() {
		f.Add(s.Data)
	}
	f.Fuzz(func(t *testing.T, src []byte) { check(t, src, 1<<20) })
}

func BenchmarkDecode(b *testing.B) {
	data := sample.Firmware(4 << 20)
	packed := Encode(data)
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		if _, err := DecodeTo(io.Discard, packed, int64(len(data))); err != nil {
			b.Fatal(err)
		}
	}
}
