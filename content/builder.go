// SPDX-License-Identifier: GPL-2.0-or-later

package content

import "fmt"

// Builder collects the parts of a Data one after the other, at a constant
// cost for each, averaged over many. The zero value is ready for use; it must
// not be used by several goroutines at once.
type Builder struct {
	parts []*node
	size  int64
}

// Len returns the number of bytes so far.
func (b *Builder) Len() int64 { return b.size }

// Add appends d.
func (b *Builder) Add(d Data) {
	b.parts = push(b.parts, d.root)
	b.size += d.Len()
}

// Bytes appends p, which is not copied and must not be changed afterwards.
func (b *Builder) Bytes(p []byte) { b.Add(Bytes(p)) }

// String appends the bytes of s.
func (b *Builder) String(s string) { b.Add(String(s)) }

// Fill appends n bytes of value v.
func (b *Builder) Fill(v byte, n int64) { b.Add(Fill(v, n)) }

// PadTo appends bytes of value v until the length is size. It panics when
// the length is greater already.
func (b *Builder) PadTo(size int64, v byte) {
	if size < b.size {
		panic(fmt.Sprintf("content: padding to %d bytes what has %d", size, b.size))
	}
	b.Fill(v, size-b.size)
}

// Data returns the bytes collected so far. The builder can go on.
func (b *Builder) Data() Data {
	root := concatAll(b.parts)
	if root == nil {
		return Data{}
	}
	// What is joined now need not be joined again by the next call.
	b.parts = append(b.parts[:0], root)
	return Data{root}
}
