// SPDX-License-Identifier: GPL-2.0-or-later

package content

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/iotest"
)

// text returns what d holds.
func text(t *testing.T, d Data) string {
	t.Helper()
	b, err := d.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// checkTree fails the test unless the tree of d is balanced, its sums are
// right, and no extent is empty.
func checkTree(t *testing.T, d Data) {
	t.Helper()
	var check func(n *node)
	check = func(n *node) {
		if n.left == nil {
			if n.size <= 0 || n.height != 0 || n.leaves != 1 || n.right != nil {
				t.Fatalf("bad leaf %+v", n)
			}
			if n.ext.mem != nil && int64(len(n.ext.mem)) != n.size {
				t.Fatalf("a leaf of %d bytes has %d bytes of memory", n.size, len(n.ext.mem))
			}
			return
		}
		check(n.left)
		check(n.right)
		l, r := n.left, n.right
		if n.size != l.size+r.size || n.leaves != l.leaves+r.leaves || n.height != max(l.height, r.height)+1 {
			t.Fatal("sums of a node are not those of its children")
		}
		if l.height-r.height > 1 || r.height-l.height > 1 {
			t.Fatalf("unbalanced: heights %d and %d", l.height, r.height)
		}
	}
	if d.root != nil {
		check(d.root)
	}
}

func TestConstructors(t *testing.T) {
	for _, test := range []struct {
		name    string
		d       Data
		want    string
		extents int
	}{
		{"zero value", Data{}, "", 0},
		{"no bytes", Bytes(nil), "", 0},
		{"empty slice", Bytes([]byte{}), "", 0},
		{"bytes", Bytes([]byte("abc")), "abc", 1},
		{"string", String("abc"), "abc", 1},
		{"fill", Fill('x', 4), "xxxx", 1},
		{"no fill", Fill('x', 0), "", 0},
		{"file", File(strings.NewReader("0123456789"), "digits", 3, 4), "3456", 1},
		{"join", Join(String("ab"), Fill('-', 2), String("cd")), "ab--cd", 3},
		{"join of nothing", Join(), "", 0},
		{"join of empty parts", Join(Data{}, Fill(0, 0), String("")), "", 0},
		{"nested joins", Join(Join(String("a"), Join(String("b"))), Join(), Join(Join(String("c")))), "abc", 3},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := text(t, test.d); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
			if n := test.d.Len(); n != int64(len(test.want)) {
				t.Errorf("length %d, want %d", n, len(test.want))
			}
			if n := test.d.Extents(); n != test.extents {
				t.Errorf("%d extents, want %d", n, test.extents)
			}
			checkTree(t, test.d)
		})
	}
}

func TestMerging(t *testing.T) {
	mem := []byte("0123456789")
	file := File(strings.NewReader("abcdefghij"), "letters", 0, 10)
	other := File(strings.NewReader("abcdefghij"), "letters", 0, 10)
	for _, test := range []struct {
		name    string
		parts   []Data
		want    string
		extents int
	}{
		{"equal fill", []Data{Fill('-', 2), Fill('-', 3)}, "-----", 1},
		{"different fill", []Data{Fill('-', 2), Fill('+', 3)}, "--+++", 2},
		{"neighbours in memory", []Data{Bytes(mem[:4]), Bytes(mem[4:])}, string(mem), 1},
		{"gap in memory", []Data{Bytes(mem[:4]), Bytes(mem[5:])}, "012356789", 2},
		{"capped memory", []Data{Bytes(mem[:4:4]), Bytes(mem[4:])}, string(mem), 2},
		{"memory in the wrong order", []Data{Bytes(mem[4:]), Bytes(mem[:4])}, "4567890123", 2},
		{"neighbours in a file", []Data{file.Slice(0, 3), file.Slice(3, 4)}, "abcdefg", 1},
		{"gap in a file", []Data{file.Slice(0, 3), file.Slice(4, 4)}, "abcefgh", 2},
		{"two files", []Data{file.Slice(0, 3), other.Slice(3, 4)}, "abcdefg", 2},
		{"at the seam of joined parts", []Data{
			Join(String("a"), Fill('-', 2)), Join(Fill('-', 2), String("b")),
		}, "a----b", 3},
		{"across many parts", []Data{
			Join(String("a"), Fill('-', 1)), Fill('-', 1), Fill('-', 1), Join(Fill('-', 1), String("b")),
		}, "a----b", 3},
	} {
		t.Run(test.name, func(t *testing.T) {
			d := Join(test.parts...)
			if got := text(t, d); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
			if d.Extents() != test.extents {
				t.Errorf("%d extents, want %d", d.Extents(), test.extents)
			}
			checkTree(t, d)
		})
	}
}

// TestModel does random operations on data and on plain strings.
func TestModel(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	type pair struct {
		d Data
		s string
	}
	made := []pair{{}}
	pick := func() pair { return made[r.IntN(len(made))] }
	letters := strings.Repeat("abcdefghijklmnopqrstuvwxyz", 4)
	file := File(strings.NewReader(letters), "letters", 0, int64(len(letters)))
	for range 5000 {
		var p pair
		switch r.IntN(6) {
		case 0:
			s := letters[:r.IntN(9)]
			p = pair{String(s), s}
		case 1:
			n := r.IntN(20)
			p = pair{Fill('.', int64(n)), strings.Repeat(".", n)}
		case 2:
			off, n := r.IntN(50), r.IntN(50)
			p = pair{file.Slice(int64(off), int64(n)), letters[off : off+n]}
		case 3:
			var b Builder
			for range r.IntN(5) {
				q := pick()
				b.Add(q.d)
				p.s += q.s
			}
			p.d = b.Data()
		case 4:
			q := pick()
			off := r.IntN(len(q.s) + 1)
			n := r.IntN(len(q.s) - off + 1)
			p = pair{q.d.Slice(int64(off), int64(n)), q.s[off : off+n]}
		case 5:
			q, with := pick(), pick()
			if len(with.s) > len(q.s) {
				q, with = with, q
			}
			off := r.IntN(len(q.s) - len(with.s) + 1)
			p = pair{q.d.Replace(int64(off), with.d), q.s[:off] + with.s + q.s[off+len(with.s):]}
		}
		if len(p.s) > 5000 {
			continue
		}
		checkTree(t, p.d)
		if got := text(t, p.d); got != p.s {
			t.Fatalf("got %q\nwant %q", got, p.s)
		}
		made = append(made, p)
		if len(made) > 200 {
			made[r.IntN(100)] = p
			made = made[:200]
		}
	}
	for _, p := range made[:50] {
		if err := iotest.TestReader(p.d.NewReader(), []byte(p.s)); err != nil {
			t.Error(err)
		}
		for range 20 {
			off := r.IntN(len(p.s) + 2)
			buf := make([]byte, r.IntN(40))
			n, err := p.d.ReadAt(buf, int64(off))
			wantN, wantErr := strings.NewReader(p.s).ReadAt(buf, int64(off))
			if n != wantN || len(buf) > 0 && err != wantErr {
				t.Errorf("ReadAt(%d bytes, %d) of %d: %d, %v; want %d, %v", len(buf), off, len(p.s), n, err, wantN, wantErr)
			}
		}
	}
}

func TestReader(t *testing.T) {
	d := Join(String("abc"), Fill('-', 3), String("def"))
	r := d.NewReader()
	var got []byte
	for {
		c, err := r.ReadByte()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, c)
	}
	if string(got) != "abc---def" {
		t.Errorf("byte by byte: %q", got)
	}
	if _, err := r.Seek(-5, io.SeekEnd); err != nil {
		t.Fatal(err)
	}
	var rest strings.Builder
	if n, err := r.WriteTo(&rest); n != 5 || err != nil || rest.String() != "--def" {
		t.Errorf("WriteTo after Seek: %q, %d, %v", rest.String(), n, err)
	}
	if n, err := r.WriteTo(&rest); n != 0 || err != nil {
		t.Errorf("WriteTo at the end: %d, %v", n, err)
	}
	if _, err := r.Seek(-1, io.SeekStart); err == nil {
		t.Error("seek before the start succeeds")
	}
	if _, err := d.ReadAt(make([]byte, 1), -1); err == nil {
		t.Error("ReadAt before the start succeeds")
	}
}

func TestHashPeekView(t *testing.T) {
	d := Join(String("head"), Fill(0xff, 1<<20), Fill(0, 1<<20), Fill(1, 3), String("tail"))
	all, err := d.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	h := sha256.New()
	if err := d.Hash(h); err != nil {
		t.Fatal(err)
	}
	if want := sha256.Sum256(all); !bytes.Equal(h.Sum(nil), want[:]) {
		t.Error("hash of the extents is not the hash of the bytes")
	}
	for _, test := range []struct {
		n    int
		want string
	}{{0, ""}, {3, "hea"}, {6, "head\xff\xff"}} {
		if got, err := d.Peek(test.n); string(got) != test.want || err != nil {
			t.Errorf("Peek(%d) is %q, %v", test.n, got, err)
		}
	}
	if got, err := String("ab").Peek(9); string(got) != "ab" || err != nil {
		t.Errorf("Peek past the end is %q, %v", got, err)
	}
	mem := []byte("shared")
	if v, err := Bytes(mem).View(); err != nil || &v[0] != &mem[0] {
		t.Errorf("View of one piece of memory copies it: %v", err)
	}
	if b, err := Bytes(mem).Bytes(); err != nil || &b[0] == &mem[0] {
		t.Errorf("Bytes does not copy: %v", err)
	}
	if v, err := d.View(); err != nil || !bytes.Equal(v, all) {
		t.Errorf("View of several pieces: %v", err)
	}
}

func TestEqual(t *testing.T) {
	long := Join(Fill('a', bufferSize), String("b"), Fill('c', bufferSize))
	for _, test := range []struct {
		name string
		a, b Data
		want bool
	}{
		{"empty", Data{}, Fill(3, 0), true},
		{"other pieces", Join(String("ab"), Fill('c', 2)), Join(String("a"), String("bcc")), true},
		{"other length", String("a"), String("aa"), false},
		{"other byte", String("abc"), String("abd"), false},
		{"itself", long, long, true},
		{"long", long, long.Replace(7, String("a")), true},
		{"long, last byte", long, long.Replace(long.Len()-1, String("x")), false},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got, err := Equal(test.a, test.b); got != test.want || err != nil {
				t.Errorf("%v, %v; want %v", got, err, test.want)
			}
		})
	}
}

// failing is a file whose reads fail.
type failing struct{ err error }

func (f failing) ReadAt([]byte, int64) (int, error) { return 0, f.err }

// An error in the middle ends every way of reading.
func TestReadErrors(t *testing.T) {
	broken := errors.New("broken cable")
	for _, test := range []struct {
		name string
		r    io.ReaderAt
		want []error
		text string
	}{
		{"fails", failing{broken}, []error{broken}, "read of 9 bytes at offset 2: 'blob': broken cable"},
		{"ends early", strings.NewReader("01234"), []error{ErrChanged, io.ErrUnexpectedEOF},
			"file changed while in use: 'blob' ends at offset 5, needed 9 bytes from offset 2: unexpected EOF"},
	} {
		t.Run(test.name, func(t *testing.T) {
			d := Join(String("head"), File(test.r, "blob", 2, 9), String("tail"))
			_, bytesErr := d.Bytes()
			_, copyErr := io.Copy(io.Discard, d.NewReader())
			_, readErr := io.ReadAll(struct{ io.Reader }{d.NewReader()})
			_, equalErr := Equal(d, Fill(0, d.Len()))
			for how, err := range map[string]error{
				"Bytes": bytesErr, "Copy": copyErr, "Read": readErr, "Equal": equalErr,
				"Hash": d.Hash(crc32.NewIEEE()),
			} {
				for _, want := range test.want {
					if !errors.Is(err, want) {
						t.Errorf("%s: error %v is not %v", how, err, want)
					}
				}
				if err != nil && err.Error() != test.text {
					t.Errorf("%s: error %q\nwant %q", how, err, test.text)
				}
			}
			if got, err := d.Peek(4); string(got) != "head" || err != nil {
				t.Errorf("what lies before the error: %q, %v", got, err)
			}
		})
	}
}

// shortWriter accepts n bytes.
type shortWriter struct{ n int }

func (w *shortWriter) Write(p []byte) (int, error) {
	if len(p) > w.n {
		n := w.n
		w.n = 0
		return n, io.ErrShortWrite
	}
	w.n -= len(p)
	return len(p), nil
}

func TestWriteErrors(t *testing.T) {
	d := Join(String("abc"), Fill(0, 10), File(strings.NewReader("0123456789"), "digits", 0, 10))
	for n := range 23 {
		got, err := d.WriteTo(&shortWriter{n})
		if got != int64(n) || !errors.Is(err, io.ErrShortWrite) {
			t.Errorf("room for %d: wrote %d, %v", n, got, err)
		}
	}
	if got, err := d.WriteTo(&shortWriter{23}); got != 23 || err != nil {
		t.Errorf("room for all: wrote %d, %v", got, err)
	}
}

func TestMisuse(t *testing.T) {
	d := String("abc")
	for name, f := range map[string]func(){
		"slice before the start": func() { d.Slice(-1, 1) },
		"slice past the end":     func() { d.Slice(2, 2) },
		"slice of overflow":      func() { d.Slice(2, 1<<63-1) },
		"negative slice":         func() { d.Slice(1, -1) },
		"replacement past end":   func() { d.Replace(2, String("xy")) },
		"negative fill":          func() { Fill(0, -1) },
		"range before the start": func() { File(nil, "x", -1, 1) },
		"range of overflow":      func() { File(nil, "x", 1<<62, 1<<62) },
		"join of overflow":       func() { Join(Fill(0, 1<<62), Fill(1, 1<<62)) },
		"merge of overflow":      func() { Join(Fill(0, 1<<62), Fill(0, 1<<62)) },
		"padding to less":        func() { var b Builder; b.Add(d); b.PadTo(2, 0) },
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if r := recover(); r == nil || !strings.HasPrefix(fmt.Sprint(r), "content: ") {
					t.Errorf("panic %v", r)
				}
			}()
			f()
		})
	}
}

func TestBuilder(t *testing.T) {
	var b Builder
	b.String("head")
	b.PadTo(8, '.')
	b.Bytes([]byte("body"))
	b.Fill('-', 2)
	first := b.Data()
	b.Fill('-', 2)
	b.Add(Data{})
	if got := text(t, first); got != "head....body--" {
		t.Errorf("first: %q", got)
	}
	if got := text(t, b.Data()); got != "head....body----" || b.Len() != int64(len(got)) {
		t.Errorf("second: %q, length %d", got, b.Len())
	}
	if b.Data().Extents() != 4 {
		t.Errorf("%d extents, want 4", b.Data().Extents())
	}
}

// Sections within sections: each level joins the level below with parts of
// its own. The number of extents grows with the parts, and the height of the
// tree with its logarithm, so that no depth of nesting exhausts the stack.
func TestNesting(t *testing.T) {
	const levels, own = 2000, 10
	d := String("core")
	want := 1
	for level := range levels {
		parts := make([]Data, 0, own+1)
		for i := range own {
			if i == own/2 {
				parts = append(parts, d)
			}
			parts = append(parts, Fill(byte(level*own+i), int64(1+i)))
			want++
		}
		d = Join(parts...)
	}
	checkTree(t, d)
	if d.Extents() != want {
		t.Errorf("%d extents, want %d", d.Extents(), want)
	}
	if d.root.height > 24 {
		t.Errorf("height %d for %d extents", d.root.height, d.Extents())
	}
	if n, err := d.WriteTo(io.Discard); n != d.Len() || err != nil {
		t.Errorf("wrote %d of %d, %v", n, d.Len(), err)
	}
}

// Many small replacements, as symbols are written, leave a balanced tree.
func TestManyReplacements(t *testing.T) {
	const n = 1 << 20
	r := rand.New(rand.NewPCG(3, 4))
	want := make([]byte, n)
	d := Fill(0, n)
	for i := range 5000 {
		off := r.IntN(n - 4)
		with := []byte{byte(i), byte(i >> 8), 3, 4}
		copy(want[off:], with)
		d = d.Replace(int64(off), Bytes(with))
	}
	checkTree(t, d)
	if got, err := d.Bytes(); err != nil || !bytes.Equal(got, want) {
		t.Errorf("replaced data differs, %v", err)
	}
}

// FuzzOperations runs a program of operations on data and on a byte slice.
func FuzzOperations(f *testing.F) {
	f.Add([]byte("\x00abc\x01\x05-\x02\x01\x03"))
	f.Fuzz(func(t *testing.T, program []byte) {
		var d Data
		var want []byte
		next := func() int {
			if len(program) == 0 {
				return 0
			}
			v := program[0]
			program = program[1:]
			return int(v)
		}
		for len(program) > 0 && len(want) < 1<<16 {
			switch next() % 5 {
			case 0:
				s := program[:min(next(), len(program))]
				d, want = Join(d, Bytes(s)), append(bytes.Clone(want), s...)
			case 1:
				n, v := next(), byte(next())
				d, want = Join(Fill(v, int64(n)), d), append(bytes.Repeat([]byte{v}, n), want...)
			case 2:
				off := next() % (len(want) + 1)
				n := next() % (len(want) - off + 1)
				d, want = d.Slice(int64(off), int64(n)), want[off:off+n]
			case 3:
				off := next() % (len(want) + 1)
				with := program[:min(next(), len(program), len(want)-off)]
				d = d.Replace(int64(off), Bytes(with))
				want = bytes.Clone(want)
				copy(want[off:], with)
			case 4:
				d, want = Join(d, d), append(bytes.Clone(want), want...)
			}
		}
		checkTree(t, d)
		got, err := io.ReadAll(d.NewReader())
		if err != nil || !bytes.Equal(got, want) {
			t.Fatalf("got %x, %v\nwant %x", got, err, want)
		}
	})
}
