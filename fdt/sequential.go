// SPDX-License-Identifier: GPL-2.0-or-later

package fdt

import (
	"bytes"
	"encoding/binary"
)

// Sequential returns the tree below root as a blob of its own, laid out as
// libfdt's sequential-write functions do: root becomes the root node, its
// properties come after extra ones, and the string table holds the last new
// name first.
func Sequential(root *Node, extra ...*Prop) []byte {
	w := seqWriter{at: map[string]int{}}
	w.begin("")
	for _, p := range extra {
		w.prop(p)
	}
	w.contents(root)
	w.cell(tagEndNode)
	w.cell(tagEnd)
	return w.finish()
}

// seqWriter writes the structure block of a tree from front to back. Name
// offsets are kept as distances from the end of the string table, which grows
// at its front.
type seqWriter struct {
	body    []byte
	names   []int          // where the body holds name offsets
	strings []byte         // the string table
	at      map[string]int // known distances from the end of the table
}

func (w *seqWriter) cell(v uint32) { w.body = binary.BigEndian.AppendUint32(w.body, v) }

func (w *seqWriter) pad() {
	for len(w.body)%4 != 0 {
		w.body = append(w.body, 0)
	}
}

func (w *seqWriter) begin(name string) {
	w.cell(tagBeginNode)
	w.body = append(w.body, name...)
	w.body = append(w.body, 0)
	w.pad()
}

func (w *seqWriter) contents(n *Node) {
	for _, p := range n.Props {
		w.prop(p)
	}
	for _, sub := range n.Subnodes {
		w.begin(sub.Name)
		w.contents(sub)
		w.cell(tagEndNode)
	}
}

func (w *seqWriter) prop(p *Prop) {
	w.cell(tagProp)
	w.cell(uint32(len(p.Value)))
	w.names = append(w.names, len(w.body))
	w.cell(uint32(w.name(p.Name)))
	w.body = append(w.body, p.Value...)
	w.pad()
}

// name returns the distance of a name from the end of the string table,
// adding it at the front if no string ends in it.
func (w *seqWriter) name(name string) int {
	if dist, ok := w.at[name]; ok {
		return dist
	}
	z := append([]byte(name), 0)
	i := bytes.Index(w.strings, z)
	if i < 0 {
		w.strings = append(z, w.strings...)
		clear(w.at) // a name found before may now be found further in front
		i = 0
	}
	dist := len(w.strings) - i
	w.at[name] = dist
	return dist
}

func (w *seqWriter) finish() []byte {
	for _, at := range w.names {
		dist := binary.BigEndian.Uint32(w.body[at:])
		binary.BigEndian.PutUint32(w.body[at:], uint32(len(w.strings))-dist)
	}
	const (
		offReserve = 40
		offStruct  = offReserve + 16
	)
	var out []byte
	body, strings := uint32(len(w.body)), uint32(len(w.strings))
	for _, v := range []uint32{
		magic, offStruct + body + strings, offStruct, offStruct + body,
		offReserve, 17, 16, 0, strings, body,
	} {
		out = binary.BigEndian.AppendUint32(out, v)
	}
	out = append(out, make([]byte, 16)...)
	out = append(out, w.body...)
	return append(out, w.strings...)
}
