// SPDX-License-Identifier: GPL-2.0-or-later

package cpp

import "bytes"

// buffer is a file being read.
type buffer struct {
	parent *buffer
	src    []byte
	str    string // src, made when a token's spelling is wanted
	marks  []int  // offsets of removed line breaks
	pos    int
	bol    bool // pos is at the beginning of a line

	file  int32 // presumed name, as an index of Output.files
	line  int32 // presumed line of pos
	start int   // offset of the first byte of that line
	next  int   // marks before next are counted in line

	path    string
	foundAt int // index into Config.Include, or -1
	ifs     []ifState
	guard   guard
	cache   *cached
}

// at returns the position of the byte at off. Successive calls must not go
// back to an earlier line.
func (b *buffer) at(off int) mark {
	for b.next < len(b.marks) && b.marks[b.next] <= off {
		b.line++
		b.start = b.marks[b.next]
		b.next++
	}
	return mark{b.file, b.line, int32(off-b.start) + 1}
}

// text returns the bytes from i up to j without copying them each time.
func (b *buffer) text(i, j int) string {
	if b.str == "" {
		b.str = string(b.src)
	}
	return b.str[i:j]
}

// newline steps over the newline at off.
func (b *buffer) newline(off int) {
	b.at(off)
	b.line++
	b.start = off + 1
	b.pos = off + 1
	b.bol = true
}

// skipTo moves to end, counting the newlines on the way.
func (b *buffer) skipTo(end int) {
	for {
		n := bytes.IndexByte(b.src[b.pos:end], '\n')
		if n < 0 {
			break
		}
		b.newline(b.pos + n)
	}
	b.pos = end
}

// push starts reading a file.
func (p *preprocessor) push(path string, src []byte, marks []int, foundAt int) {
	p.depth++
	p.files++
	p.input += int64(len(src))
	p.buf = &buffer{
		parent: p.buf, src: src, marks: marks, bol: true,
		file: p.out.file(path), line: 1, path: path, foundAt: foundAt,
	}
}

// pop ends the file being read.
func (p *preprocessor) pop() {
	b := p.buf
	if n := len(b.ifs); n > 0 {
		s := b.ifs[n-1]
		p.fail(s.at, "unterminated #%s", s.name)
	}
	if b.cache != nil && b.guard.state == guardClosed {
		b.cache.guard = b.guard.name
	}
	p.buf = b.parent
	p.depth--
}

// guard recognizes a file that is empty once a macro is defined:
// everything in it stands between #ifndef and #endif.
type guard struct {
	state guardState
	name  string
}

type guardState uint8

const (
	guardStart  guardState = iota // only blanks so far
	guardOpen                     // inside #ifndef
	guardClosed                   // only blanks since its #endif
	guardNone
)

// text notes that something other than a directive was met.
func (g *guard) text() {
	if g.state != guardOpen {
		g.state = guardNone
	}
}
