// SPDX-License-Identifier: GPL-2.0-or-later

package fdt

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
)

// Errors that a malformed blob gives; the text around them says what was found
// where.
var (
	ErrMagic     = errors.New("not a devicetree blob")
	ErrVersion   = errors.New("unsupported devicetree version")
	ErrTruncated = errors.New("devicetree blob is truncated")
	ErrStructure = errors.New("bad devicetree structure")
)

const (
	// maxDepth bounds the nesting of nodes; real trees have some ten levels.
	maxDepth = 1024
	// maxPropName bounds a property name in bytes, which the
	// specification limits to 31. Without a bound a short blob could hold
	// as many long names as it has properties.
	maxPropName = 4096
)

// header is the header of a blob, checked against totalsize.
type header struct {
	total                  int64
	offStruct, sizeStruct  int64 // sizeStruct is -1 for version 16
	offStrings, sizeString int64
	offReserve             int64
	version, lastComp      uint32
	bootCPU                uint32
}

// TotalSize gives the size in bytes of a blob of which at least the header, its
// first 40 bytes, is given.
func TotalSize(data []byte) (int64, error) {
	h, err := parseHeader(data)
	return h.total, err
}

func parseHeader(data []byte) (header, error) {
	if len(data) >= 4 && binary.BigEndian.Uint32(data) != magic {
		return header{}, fmt.Errorf("%w: magic is %#08x, expecting %#08x", ErrMagic, binary.BigEndian.Uint32(data), uint32(magic))
	}
	if len(data) < headerSize {
		return header{}, fmt.Errorf("%w: header needs %d bytes, have %d", ErrTruncated, headerSize, len(data))
	}
	u32 := func(off int) int64 { return int64(binary.BigEndian.Uint32(data[off:])) }
	h := header{
		total: u32(4), offStruct: u32(8), offStrings: u32(12), offReserve: u32(16),
		version: uint32(u32(20)), lastComp: uint32(u32(24)), bootCPU: uint32(u32(28)),
		sizeString: u32(32), sizeStruct: u32(36),
	}
	if h.version < 16 || h.lastComp > 17 || h.version < h.lastComp {
		return header{}, fmt.Errorf("%w: version %d, compatible with %d; can read 16 and 17", ErrVersion, h.version, h.lastComp)
	}
	if h.total < headerSize || h.total >= math.MaxInt32 {
		return header{}, fmt.Errorf("%w: totalsize is %#x, which cannot be", ErrTruncated, h.total)
	}
	first, structEnd := int64(headerSize), h.offStruct+h.sizeStruct
	if h.version == 16 {
		first, structEnd, h.sizeStruct = headerSize-4, h.offStruct, -1
	}
	for _, b := range []struct {
		name     string
		off, end int64
	}{
		{"memory reservation", h.offReserve, h.offReserve},
		{"structure", h.offStruct, structEnd},
		{"strings", h.offStrings, h.offStrings + h.sizeString},
	} {
		if b.off < first || b.end > h.total {
			return header{}, fmt.Errorf("%w: %s block at %#x to %#x is outside the blob's %#x bytes", ErrTruncated, b.name, b.off, b.end, h.total)
		}
	}
	if h.offStruct%4 != 0 {
		return header{}, fmt.Errorf("%w: structure block at %#x is not aligned to 4 bytes", ErrStructure, h.offStruct)
	}
	return h, nil
}

// Parse reads a blob. Bytes after its totalsize are ignored; data may be
// changed afterwards. Time and memory are proportional to totalsize. A phandle
// that stands in two nodes is an error.
func Parse(data []byte) (*Tree, error) { return ParseAtMost(data, math.MaxInt) }

// ParseAtMost is Parse for blobs that nobody vouches for: more than a number of
// nodes are an error, since what holds a node takes many times its bytes.
func ParseAtMost(data []byte, nodes int) (*Tree, error) {
	h, err := parseHeader(data)
	if err != nil {
		return nil, err
	}
	if h.total > int64(len(data)) {
		return nil, fmt.Errorf("%w: totalsize is %#x, have %#x bytes", ErrTruncated, h.total, len(data))
	}
	blob := bytes.Clone(data[:h.total])
	blob = blob[:len(blob):len(blob)]
	p := &parser{
		blob: blob,
		h:    h,
		most: nodes,
		// Live values are apart from the blob so that a caller who writes
		// to one changes nothing behind Sync's back.
		live:  bytes.Clone(blob),
		strs:  string(blob[h.offStrings : h.offStrings+h.sizeString]),
		names: map[uint32]string{},
		tree:  &Tree{BootCPU: h.bootCPU, cache: blob},
		flat:  &flat{version: h.version, lastComp: h.lastComp, bootCPU: h.bootCPU},
	}
	p.flat.list.prev, p.flat.list.next = &p.flat.list, &p.flat.list
	p.tree.flat = p.flat
	if err := p.reserve(); err != nil {
		return nil, err
	}
	if err := p.structure(); err != nil {
		return nil, err
	}
	if p.tree.phandles, err = uniquePhandles(p.tree.Root); err != nil {
		return nil, err
	}
	p.blocks()
	return p.tree, nil
}

type parser struct {
	blob, live []byte
	h          header
	most, seen int // nodes
	strs       string
	names      map[uint32]string // property names by offset
	tree       *Tree
	flat       *flat

	tokens slab[token]
	nodes  slab[Node]
	props  slab[Prop]
}

// slab hands out values from pieces that grow with use.
type slab[T any] struct {
	free []T
	size int
}

func (s *slab[T]) next() *T {
	if len(s.free) == 0 {
		s.size = min(max(2*s.size, 16), 512)
		s.free = make([]T, s.size)
	}
	v := &s.free[0]
	s.free = s.free[1:]
	return v
}

// reserve reads the memory reservation block.
func (p *parser) reserve() error {
	for off := p.h.offReserve; ; off += rsvEntry {
		if off+rsvEntry > p.h.total {
			return fmt.Errorf("%w: memory reservation block at %#x has no end", ErrTruncated, p.h.offReserve)
		}
		r := Reserve{binary.BigEndian.Uint64(p.blob[off:]), binary.BigEndian.Uint64(p.blob[off+8:])}
		if r.Size == 0 {
			p.flat.rsvOff, p.flat.rsvLen = p.h.offReserve, off+rsvEntry-p.h.offReserve
			p.flat.reserve = p.tree.Reserve[:len(p.tree.Reserve):len(p.tree.Reserve)]
			p.tree.Reserve = append([]Reserve(nil), p.tree.Reserve...)
			return nil
		}
		p.tree.Reserve = append(p.tree.Reserve, r)
	}
}

// structure reads the structure block into tokens and live nodes.
func (p *parser) structure() error {
	start, end := p.h.offStruct, p.h.offStruct+p.h.sizeStruct
	if p.h.sizeStruct < 0 {
		end = p.h.total
	}
	off, depth := start, 0
	var node *Node
	for {
		if off+4 > end {
			return fmt.Errorf("%w: structure block has no END token before %#x", ErrStructure, end)
		}
		tag := binary.BigEndian.Uint32(p.blob[off:])
		if tag == tagEnd {
			break
		}
		if tag != tagNop && node == nil && (tag != tagBeginNode || p.tree.Root != nil) {
			return fmt.Errorf("%w: token %#x at %#x is outside of the root node", ErrStructure, tag, off)
		}
		next := off + 4
		k := p.tokens.next()
		k.tag = tag
		switch tag {
		case tagBeginNode:
			n := bytes.IndexByte(p.blob[next:end], 0)
			if n < 0 {
				return fmt.Errorf("%w: name of the node at %#x has no end", ErrStructure, off)
			}
			next += align4(int64(n) + 1)
			if next > end {
				return fmt.Errorf("%w: name of the node at %#x reaches outside of the structure block", ErrStructure, off)
			}
			k.data = p.blob[off+4 : next : next]
			if p.seen++; p.seen > p.most {
				return fmt.Errorf("%w: it has more than the %d nodes that are read", ErrStructure, p.most)
			}
			if depth++; depth > maxDepth {
				return fmt.Errorf("%w: node at %#x is nested more than %d deep", ErrStructure, off, maxDepth)
			}
			child := p.nodes.next()
			child.tree, child.Parent, child.begin = p.tree, node, k
			if node == nil {
				child.Name = "/"
				p.tree.Root = child
			} else {
				if n == 0 {
					return fmt.Errorf("%w: node at %#x in %s has no name", ErrStructure, off, node.Path())
				}
				child.Name = string(k.data[:n])
				node.Subnodes = append(node.Subnodes, child)
				node.inBlob++
			}
			node = child
		case tagEndNode:
			node.end = k
			node = node.Parent
			depth--
		case tagProp:
			var err error
			if next, err = p.prop(node, k, off, end); err != nil {
				return err
			}
		case tagNop:
		default:
			return fmt.Errorf("%w: unknown token %#x at %#x", ErrStructure, tag, off)
		}
		k.prev, k.next = p.flat.list.prev, &p.flat.list
		k.prev.next, p.flat.list.prev = k, k
		p.flat.tokens += k.size()
		off = next
	}
	if node != nil {
		return fmt.Errorf("%w: END token at %#x inside of node %s", ErrStructure, off, node.Path())
	}
	if p.tree.Root == nil {
		return fmt.Errorf("%w: no root node", ErrStructure)
	}
	if p.h.sizeStruct < 0 {
		end = off + 4
	}
	p.flat.end = p.blob[off:end:end]
	return nil
}

// prop reads the property whose token k is at off and gives the offset of the
// next token.
func (p *parser) prop(node *Node, k *token, off, end int64) (int64, error) {
	if off+12 > end {
		return 0, fmt.Errorf("%w: property at %#x reaches outside of the structure block", ErrStructure, off)
	}
	n := int64(binary.BigEndian.Uint32(p.blob[off+4:]))
	nameoff := binary.BigEndian.Uint32(p.blob[off+8:])
	next := off + 12 + align4(n)
	if next > end {
		return 0, fmt.Errorf("%w: property at %#x has %#x bytes, which reach outside of the structure block", ErrStructure, off, n)
	}
	name, ok := p.names[nameoff]
	if !ok {
		if int64(nameoff) >= int64(len(p.strs)) {
			return 0, fmt.Errorf("%w: name of the property at %#x is at %#x of the strings block, which has %#x bytes", ErrStructure, off, nameoff, len(p.strs))
		}
		rest := p.strs[nameoff:]
		rest = rest[:min(len(rest), maxPropName+1)]
		i := 0
		for i < len(rest) && rest[i] != 0 {
			i++
		}
		switch {
		case i > maxPropName:
			return 0, fmt.Errorf("%w: name of the property at %#x has more than %d bytes", ErrStructure, off, maxPropName)
		case i == len(rest):
			return 0, fmt.Errorf("%w: name of the property at %#x has no end in the strings block", ErrStructure, off)
		}
		name = rest[:i]
		p.names[nameoff] = name
	}
	k.n, k.nameoff = int(n), nameoff
	k.data = p.blob[off+12 : next : next]
	if old := node.Prop(name); old != nil {
		// Readers (fdtget, the kernel, libfdt) see the first.
		p.tree.addDup(old, k)
		return next, nil
	}
	v := p.props.next()
	v.Name, v.Node, v.tok = name, node, k
	v.Value = p.live[off+12 : off+12+n : off+12+n]
	node.appendProp(v)
	return next, nil
}

// blocks notes where the blocks are and what is between them.
func (p *parser) blocks() {
	f, h := p.flat, p.h
	stringsEnd := h.offStrings + h.sizeString
	f.strs = p.blob[h.offStrings:stringsEnd:stringsEnd]
	structEnd := h.offStruct + f.tokens + int64(len(f.end))
	f.loose = h.offReserve < headerSize || h.offStruct < h.offReserve+f.rsvLen || h.offStrings < structEnd
	if f.loose {
		f.looseSize = h.total
		return
	}
	f.pre = p.blob[:h.offStruct:h.offStruct]
	f.gap = p.blob[structEnd:h.offStrings:h.offStrings]
	f.slack.back = p.blob[stringsEnd:]
}
