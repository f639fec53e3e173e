// SPDX-License-Identifier: GPL-2.0-or-later

package fdt

import (
	"bytes"
	"fmt"
	"testing"
)

// tree5000 has 5,000 nodes of some five properties each.
func tree5000() *Tree {
	tree := New()
	for i := range 50 {
		a := tree.Root.AddSubnode(fmt.Sprintf("image%d", i))
		for j := range 9 {
			b := a.AddSubnode(fmt.Sprintf("section@%d", j))
			for k := range 10 {
				c := b.AddSubnode(fmt.Sprintf("entry%d", k))
				c.SetString("type", "blob")
				c.SetString("filename", fmt.Sprintf("file-%d-%d-%d.bin", i, j, k))
				c.SetU32("offset", uint32(i*j*k))
				c.SetU32("size", 4096)
				c.SetProp("required", nil)
			}
		}
	}
	return tree
}

func BenchmarkCopyBytes(b *testing.B) {
	data := tree5000().Marshal()
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		bytes.Clone(data)
	}
}

func BenchmarkParse(b *testing.B) {
	data := tree5000().Marshal()
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Parse(data); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkMarshal(b *testing.B) {
	tree := tree5000()
	b.SetBytes(int64(len(tree.Marshal())))
	for b.Loop() {
		tree.cache = nil
		tree.Marshal()
	}
}

func BenchmarkBuild(b *testing.B) {
	tree := tree5000()
	b.SetBytes(int64(len(tree.Marshal())))
	for b.Loop() {
		tree.flat = nil
		tree.Marshal()
	}
}

// Sync with a new property and a changed one in every node.
func BenchmarkSync(b *testing.B) {
	data := tree5000().Marshal()
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		b.StopTimer()
		tree, err := Parse(data)
		if err != nil {
			b.Fatal(err)
		}
		for n := range tree.Root.All() {
			n.SetU32("image-pos", 1)
			n.SetString("type", "section")
		}
		b.StartTimer()
		tree.Sync()
		tree.Marshal()
	}
}

// Wide and deep shapes at growing sizes: time per byte must stay the same.
func BenchmarkShapes(b *testing.B) {
	for _, n := range []int{10_000, 100_000, 1_000_000} {
		props := []uint32{tagBeginNode, 0}
		nodes := []uint32{tagBeginNode, 0}
		var names []byte
		for i := range n {
			props = append(props, tagProp, 4, uint32(len(names)), 1)
			names = fmt.Appendf(names, "p%d\x00", i)
			nodes = append(nodes, tagBeginNode, uint32(i)|0x80808080, 0, tagEndNode)
		}
		for _, c := range []struct {
			name string
			s    []uint32
		}{{"props", props}, {"nodes", nodes}} {
			s := cells(append(c.s, tagEndNode, tagEnd)...)
			at := uint32(headerSize + rsvEntry)
			data := cells(magic, at+uint32(len(s)+len(names)), at, at+uint32(len(s)), headerSize, 17, 16, 0, uint32(len(names)), uint32(len(s)))
			data = append(append(append(data, make([]byte, rsvEntry)...), s...), names...)
			b.Run(fmt.Sprintf("%s/%d", c.name, n), func(b *testing.B) {
				b.SetBytes(int64(len(data)))
				b.ReportAllocs()
				for b.Loop() {
					tree, err := Parse(data)
					if err != nil {
						b.Fatal(err)
					}
					for n := range tree.Root.All() {
						n.SetU32("new", 1)
					}
					tree.Sync()
					tree.Marshal()
				}
			})
		}
	}
}
