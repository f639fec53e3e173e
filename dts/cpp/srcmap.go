// SPDX-License-Identifier: GPL-2.0-or-later

package cpp

import (
	"sort"

	"binman/fdt"
)

// Output is preprocessed text that remembers where it came from.
type Output struct {
	Text []byte

	files []string // presumed file names, by index
	runs  []run    // ascending by start
}

// mark is a compact position: a file's index, line and column from 1.
type mark struct {
	file, line, col int32
}

// run says where the bytes of Text from start on came from. In a run that
// moves, each byte is one column further than the one before; otherwise all
// stand where at says. A moving run never holds more than one line.
type run struct {
	start int
	at    mark
	moves bool
}

// file returns the index of a file name, adding it when new.
func (o *Output) file(name string) int32 {
	for i := len(o.files) - 1; i >= 0; i-- {
		if o.files[i] == name {
			return int32(i)
		}
	}
	o.files = append(o.files, name)
	return int32(len(o.files) - 1)
}

func (o *Output) resolve(m mark) fdt.Pos {
	if m.line == 0 {
		return fdt.Pos{}
	}
	return fdt.Pos{File: o.files[m.file], Line: int(m.line), Col: int(m.col)}
}

// copyRun appends text that stands at m in the source.
func (o *Output) copyRun(text []byte, m mark) {
	if len(text) == 0 {
		return
	}
	o.runs = append(o.runs, run{start: len(o.Text), at: m, moves: true})
	o.Text = append(o.Text, text...)
}

// putToken appends text all of which belongs to the position m.
func (o *Output) putToken(text string, m mark) {
	if n := len(o.runs); n == 0 || o.runs[n-1].moves || o.runs[n-1].at != m {
		o.runs = append(o.runs, run{start: len(o.Text), at: m})
	}
	o.Text = append(o.Text, text...)
}

// Pos returns where the byte at offset off of Text came from.
func (o *Output) Pos(off int) fdt.Pos {
	i := sort.Search(len(o.runs), func(i int) bool { return o.runs[i].start > off })
	return o.at(i-1, off)
}

func (o *Output) at(i, off int) fdt.Pos {
	if i < 0 {
		return fdt.Pos{}
	}
	r := &o.runs[i]
	m := r.at
	if r.moves {
		m.col += int32(off - r.start)
	}
	return o.resolve(m)
}

// Cursor finds positions of offsets that mostly ascend, in constant time
// each.
type Cursor struct {
	out *Output
	i   int
}

// Cursor returns a cursor at the start of the text.
func (o *Output) Cursor() Cursor { return Cursor{out: o} }

// Pos is Output.Pos for the cursor's text.
func (c *Cursor) Pos(off int) fdt.Pos {
	runs := c.out.runs
	if len(runs) == 0 {
		return fdt.Pos{}
	}
	if runs[c.i].start > off {
		c.i = max(0, sort.Search(c.i, func(i int) bool { return runs[i].start > off })-1)
	}
	for c.i+1 < len(runs) && runs[c.i+1].start <= off {
		c.i++
	}
	return c.out.at(c.i, off)
}

// Plain returns src as an Output that nothing was done to: the text of a
// file that is not preprocessed.
func Plain(name string, src []byte) *Output {
	o := &Output{Text: src}
	f := o.file(name)
	line := int32(1)
	for start := 0; start < len(src); line++ {
		o.runs = append(o.runs, run{start: start, at: mark{f, line, 1}, moves: true})
		end := start
		for end < len(src) && src[end] != '\n' {
			end++
		}
		start = end + 1
	}
	return o
}

// File returns the name of the outermost file.
func (c *Cursor) File() string { return c.out.files[0] }
