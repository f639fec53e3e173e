// SPDX-License-Identifier: GPL-2.0-or-later

package fdt

import (
	"bytes"
	"encoding/binary"
	"errors"
	"strings"
	"testing"
)

func cells(list ...uint32) []byte {
	var b []byte
	for _, v := range list {
		b = binary.BigEndian.AppendUint32(b, v)
	}
	return b
}

// blobOf makes a blob with the given structure block and the names "a", "phandle".
func blobOf(structure ...uint32) []byte {
	s, names := cells(structure...), []byte("a\x00phandle\x00open")
	at := uint32(headerSize + rsvEntry)
	b := cells(magic, at+uint32(len(s)+len(names)), at, at+uint32(len(s)), headerSize, 17, 16, 0, uint32(len(names)), uint32(len(s)))
	b = append(b, make([]byte, rsvEntry)...)
	return append(append(b, s...), names...)
}

// layouts gives blobs that hold the same tree in ways that dtc does not write.
func layouts(t testing.TB) map[string][]byte {
	tree := base(t)
	tree.Pack()
	b := tree.Marshal()
	h, err := parseHeader(b)
	if err != nil {
		t.Fatal(err)
	}
	rsv, structure, names := b[h.offReserve:h.offStruct], b[h.offStruct:h.offStrings], b[h.offStrings:]
	// Parts are put one after another; those of the three blocks are known
	// by their index.
	join := func(version uint32, s, n, r int, parts ...[]byte) []byte {
		out := make([]byte, headerSize)
		var at []uint32
		for _, p := range parts {
			at = append(at, uint32(len(out)))
			out = append(out, p...)
		}
		copy(out, cells(magic, uint32(len(out)), at[s], at[n], at[r], version, 16, 0, uint32(len(parts[n])), uint32(len(parts[s]))))
		return out
	}
	gap := bytes.Repeat([]byte{0xaa}, 12)
	v16 := join(16, 1, 2, 0, rsv, structure, names)
	copy(v16[36:], "size")
	nops := bytes.Clone(structure)
	nops = bytes.Join([][]byte{cells(tagNop, tagNop), nops[:8], cells(tagNop), nops[8 : len(nops)-8], cells(tagNop), nops[len(nops)-8 : len(nops)-4], cells(tagNop, tagEnd, 5, 6, 7)}, nil)
	return map[string][]byte{
		"as dtc":          b,
		"gaps":            join(17, 3, 5, 1, gap, rsv, gap, structure, gap, names, gap),
		"strings first":   join(17, 3, 0, 2, names, make([]byte, align4(int64(len(names)))-int64(len(names))+4), rsv, structure),
		"struct first":    join(17, 0, 2, 1, structure, rsv, names, gap),
		"version 16":      v16,
		"nops, long tail": join(17, 1, 2, 0, rsv, nops, names),
		"version 18":      append(append(bytes.Clone(b[:20]), cells(18, 17)...), b[28:]...),
	}
}

func TestParseLayouts(t *testing.T) {
	want := base(t)
	for name, data := range layouts(t) {
		t.Run(name, func(t *testing.T) {
			given := append(bytes.Clone(data), "not part of it"...)
			tree := parse(t, given)
			clear(given)
			if !equal(tree.Root, want.Root) {
				t.Error("another tree")
			}
			if !bytes.Equal(tree.Marshal(), data) {
				t.Error("unchanged tree gives other bytes")
			}
			if n, err := TotalSize(data[:headerSize]); n != int64(len(data)) || err != nil {
				t.Errorf("total size is %d, %v", n, err)
			}
		})
	}
}

func TestParseErrors(t *testing.T) {
	const begin, end, prop, done = tagBeginNode, tagEndNode, tagProp, tagEnd
	good := blobOf(begin, 0, prop, 4, 0, 7, end, done)
	if _, err := Parse(good); err != nil {
		t.Fatal(err)
	}
	// with changes cells of the header.
	with := func(changes ...uint32) []byte {
		b := bytes.Clone(good)
		for i := 0; i < len(changes); i += 2 {
			binary.BigEndian.PutUint32(b[changes[i]:], changes[i+1])
		}
		return b
	}
	deep := []uint32{begin, 0}
	for range maxDepth {
		deep = append(deep, begin, 'x'<<24)
	}
	for _, c := range []struct {
		name string
		data []byte
		is   error
		want string
	}{
		{"nothing", nil, ErrTruncated, "header needs 40 bytes, have 0"},
		{"not a blob", []byte("#!/bin/sh\n"), ErrMagic, "magic is 0x23212f62"},
		{"half a header", good[:39], ErrTruncated, "have 39"},
		{"half a blob", good[:len(good)-1], ErrTruncated, "totalsize is"},
		{"old version", with(20, 3, 24, 3), ErrVersion, "version 3"},
		{"future version", with(20, 20, 24, 18), ErrVersion, "compatible with 18"},
		{"version upside down", with(20, 16, 24, 17), ErrVersion, "version 16, compatible with 17"},
		{"small totalsize", with(4, 39), ErrTruncated, "totalsize is 0x27"},
		{"huge totalsize", with(4, 0xffffffff), ErrTruncated, "which cannot be"},
		{"struct outside", with(8, 0xfffffff0), ErrTruncated, "structure block at 0xfffffff0"},
		{"struct in header", with(8, 36), ErrTruncated, "structure block at 0x24"},
		{"struct not aligned", with(8, 57, 36, 4), ErrStructure, "not aligned"},
		{"struct too long", with(36, 0xfffffff0), ErrTruncated, "structure block"},
		{"strings outside", with(12, 0x7fffffff), ErrTruncated, "strings block"},
		{"strings too long", with(32, 0x7fffffff), ErrTruncated, "strings block"},
		{"reserve outside", with(16, 0x1000), ErrTruncated, "memory reservation block"},
		{"reserve without end", with(16, uint32(len(good)-8)), ErrTruncated, "has no end"},
		{"empty struct", with(36, 0), ErrStructure, "no END token"},
		{"no root", blobOf(done), ErrStructure, "no root node"},
		{"two roots", blobOf(begin, 0, end, begin, 0, end, done), ErrStructure, "outside of the root"},
		{"property first", blobOf(prop, 0, 0, begin, 0, end, done), ErrStructure, "outside of the root"},
		{"end first", blobOf(end, done), ErrStructure, "outside of the root"},
		{"unknown token", blobOf(begin, 0, 5, end, done), ErrStructure, "unknown token 0x5 at 0x40"},
		{"no END", blobOf(begin, 0, end), ErrStructure, "no END token"},
		{"no END_NODE", blobOf(begin, 0, begin, 'x'<<24, done), ErrStructure, "inside of node /x"},
		{"name without end", blobOf(begin, 0x61616161), ErrStructure, "has no end"},
		{"node without name", blobOf(begin, 0, begin, 0, end, end, done), ErrStructure, "has no name"},
		{"too deep", blobOf(deep...), ErrStructure, "nested more than"},
		{"half a property", blobOf(begin, 0, prop, 0), ErrStructure, "property at 0x40 reaches"},
		{"property too long", blobOf(begin, 0, prop, 0xffffffff, 0, end, done), ErrStructure, "0xffffffff bytes"},
		{"property name outside", blobOf(begin, 0, prop, 0, 0xfffffff0, end, done), ErrStructure, "strings block"},
		{"property name without end", blobOf(begin, 0, prop, 0, 10, end, done), ErrStructure, "has no end in the strings block"},
		{"duplicate phandle", blobOf(begin, 0, begin, 'a'<<24, prop, 4, 2, 1, end, begin, 'b'<<24, prop, 4, 2, 1, end, end, done), nil,
			"Duplicate phandle 1 in nodes /a and /b"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Parse(c.data)
			if err == nil {
				t.Fatal("no error")
			}
			if c.is != nil && !errors.Is(err, c.is) {
				t.Errorf("%v is not %v", err, c.is)
			}
			if !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %q, want %q", err, c.want)
			}
		})
	}
}

func TestParseDeep(t *testing.T) {
	list := []uint32{tagBeginNode, 0}
	for range maxDepth - 1 {
		list = append(list, tagBeginNode, 'x'<<24)
	}
	for range maxDepth {
		list = append(list, tagEndNode)
	}
	data := blobOf(append(list, tagEnd)...)
	tree := parse(t, data)
	n := tree.Node(strings.Repeat("/x", maxDepth-1))
	n.AddSubnode("y").SetU32("z", 1)
	tree.Sync()
	n.Child("y").Delete()
	if n := parse(t, tree.Marshal()).Node(strings.Repeat("/x", maxDepth-1)); n == nil || len(n.Subnodes) != 0 {
		t.Error("wrong tree")
	}
}

// A property that stands twice in its node has the value that comes first, and
// both are deleted.
func TestParseTwice(t *testing.T) {
	data := blobOf(tagBeginNode, 0, tagProp, 4, 0, 1, tagProp, 4, 0, 2, tagEndNode, tagEnd)
	tree := parse(t, data)
	if v, _, _ := tree.Root.U32("a"); v != 1 || !bytes.Equal(tree.Marshal(), data) {
		t.Errorf("a is %d", v)
	}
	tree.Root.SetU32("a", 3)
	tree.Sync()
	if v, _, _ := parse(t, tree.Marshal()).Root.U32("a"); v != 3 {
		t.Errorf("a is %d", v)
	}
	clone := tree.Clone()
	for _, tree := range []*Tree{tree, clone} {
		tree.Root.DeleteProp("a")
		if parse(t, tree.Marshal()).Root.Has("a") {
			t.Error("a is still there")
		}
	}
}

func equal(a, b *Node) bool {
	if a.Name != b.Name || len(a.Props) != len(b.Props) || len(a.Subnodes) != len(b.Subnodes) {
		return false
	}
	for _, p := range a.Props {
		if q := b.Prop(p.Name); q == nil || !bytes.Equal(p.Value, q.Value) {
			return false
		}
	}
	for i := range a.Subnodes {
		if !equal(a.Subnodes[i], b.Subnodes[i]) {
			return false
		}
	}
	return true
}
