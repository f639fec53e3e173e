// SPDX-License-Identifier: GPL-2.0-or-later

// Package fdtmap handles the FDT map of an image, a device tree that tells where
// the entries of the image are, and the image header, which points to it. They
// are those of U-Boot's binman.
//
//	FDT map
//	0   8  magic "_FDTMAP_"
//	8   8  unused
//	16  …  device tree; its root is the node of the image
//
//	image header, at the start or the end of an image
//	0   4  magic "BinM"
//	4   4  offset of the map, little-endian: from the start of the image, or for a
//	       header at the end from the end of the image
//
// The properties offset, size and image-pos of a node say where an entry is.
package fdtmap

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"

	"binman/content"
	"binman/fdt"
)

// What marks a map and a header, and the sizes in bytes of what is around the
// device tree and of a header.
const (
	Magic       = "_FDTMAP_"
	HeaderLen   = 16
	ImageMagic  = "BinM"
	ImageHeader = 8
)

// Marshal returns the map with the given device tree.
func Marshal(tree []byte) content.Data {
	return content.Join(content.String(Magic), content.Fill(0, HeaderLen-int64(len(Magic))), content.Bytes(tree))
}

// Header returns the header for a map at the given offset from the start of the
// image, or for a header at the end, from its end.
func Header(offset int64) content.Data {
	return content.Bytes(binary.LittleEndian.AppendUint32([]byte(ImageMagic), uint32(offset)))
}

// ErrNone says that an image has no FDT map to open it by.
var ErrNone = errors.New("Cannot find FDT map in image")

// maxMapSize bounds the device tree of an FDT map, in bytes. A map has some
// hundred bytes for each entry; the tree takes forty times as much memory.
const maxMapSize = 16 << 20

// maxNodes bounds the nodes of the tree: what stands for an entry takes some
// kilobytes when the image is opened.
const maxNodes = 1 << 17

// maxSearch bounds how many bytes are read as FDT maps in search of the true
// one: an image can have many things in it that start like one and claim all
// that follows.
const maxSearch = 8 * maxMapSize

// Map is an FDT map in a file, and the image that it describes.
type Map struct {
	Pos  int64 // where it is in the file
	Tree *fdt.Tree
	Base int64 // where the image starts
	Size int64 // of the image, or 0 if it takes the whole file as far as that is known

	torn *TornError // of a map that gives a position: why the image cannot be in the file as a whole
}

// TornError says that an image is not in the file as a whole, by the position
// that its map gives.
type TornError struct {
	Pos  int64 // where the map is in the file
	Base int64 // where the image would start; negative if its first bytes are missing
	Size int64 // of the image
	File int64 // size of the file
}

func (e *TornError) Error() string {
	if e.Base < 0 {
		return fmt.Sprintf("FDT map at offset %#x says that it is at %#x of its image, so the first %#x bytes of that are not in the file", e.Pos, e.Pos-e.Base, -e.Base)
	}
	return fmt.Sprintf("FDT map at offset %#x says that its image has %#x bytes from %#x on, but the file ends at %#x", e.Pos, e.Size, e.Base, e.File)
}

// holds says whether the image of m has that of the other one in it.
func (m *Map) holds(other *Map) bool {
	return m.Base <= other.Base && m.Base+m.Size >= other.Base+other.Size
}

// Find finds the FDT map of an image: where the header at its start or end says,
// or by searching. The bytes of a map may also be found in the contents of an
// entry, so a map counts only if it can be read. One that gives its own position
// as that where it is counts more than one that gives another, which is in an
// image at an offset of the file, and that more than one that gives none. Of two
// of them, that of a section or of an image within an image counts less than
// that of the whole. An image whose end is not in the file can be read as far as
// it is; where its start is missing, nothing is where the map says. The error
// wraps ErrNone if there is no map to go by.
func Find(data content.Data) (*Map, error) {
	var best, shifted, cut, silent *Map
	if pos, ok := headerTarget(data); ok {
		if _, tree, err := readMap(data, pos); err == nil {
			m := &Map{Pos: pos, Tree: tree}
			switch known := m.locate(data.Len()); {
			case m.torn != nil:
			case !known || m.Base == 0:
				return m, nil
			default:
				shifted = m
			}
		}
	}
	var firstErr error
	tried := int64(0)
	err := search(data, []byte(Magic), func(pos int64) bool {
		if tried > maxSearch {
			firstErr = errors.New("too many things in it look like one")
			return false
		}
		size, tree, err := readMap(data, pos)
		tried += size
		if err != nil {
			if firstErr == nil {
				firstErr = err
			}
			return true
		}
		m := &Map{Pos: pos, Tree: tree}
		switch known := m.locate(data.Len()); {
		case known && m.Base == 0:
			if best == nil || m.holds(best) {
				best = m
			}
			return m.Size < data.Len() // else there is nothing around it
		case known && (shifted == nil || m.holds(shifted)):
			shifted = m
		case known:
		case m.torn != nil:
			if m.Base > 0 && cut == nil {
				cut = m
			}
			if firstErr == nil {
				firstErr = m.torn
			}
		case silent == nil:
			silent = m
		}
		return true
	})
	switch {
	case err != nil:
		return nil, err
	case best != nil:
		return best, nil
	case shifted != nil:
		return shifted, nil
	case cut != nil:
		return cut, nil
	case silent != nil:
		return silent, nil
	case firstErr != nil:
		return nil, fmt.Errorf("%w: %w", ErrNone, firstErr)
	}
	return nil, ErrNone
}

// locate works out from the map's own position where its image starts in a
// file of the given size, and how large it is. It returns false if the map does
// not say, and sets torn if it says something that cannot be.
func (m *Map) locate(file int64) bool {
	root := m.Tree.Root
	size, _ := number(root, "size")
	start, ok := number(root, "skip-at-start")
	if !ok && root.Has("end-at-4gb") {
		start = 1<<32 - size
	}
	// The map may be that of a section, and positions do not count padding.
	origin, _ := number(root, "image-pos")
	padding, _ := number(root, "pad-before")
	for node := range root.All() {
		if !strings.HasPrefix(node.Name, "fdtmap") {
			if etype, _, _ := node.Str("type"); etype != "fdtmap" {
				continue
			}
		}
		at, ok := number(node, "image-pos")
		if !ok {
			continue
		}
		// Positions count from the start of the section that the image is,
		// as offsets do; in maps of older versions of the original from 0.
		base := m.Pos - padding - (at - origin - start)
		offset, ok := number(node, "offset")
		counts := ok && node.Parent == root && offset == at-origin // both say the same
		if m.Pos-padding == at-origin && !counts {
			base = 0
		}
		fits := base >= 0 && size > 0 && size <= file-base
		if fits {
			m.Size = size
		}
		switch {
		case fits || base == 0:
			m.Base, m.torn = base, nil
			return true
		case !counts:
		case base < 0 || size > 0:
			m.Base, m.Size = base, file-base
			m.torn = &TornError{m.Pos, base, size, file}
		}
	}
	return false
}

// headerTarget returns where an image header at the start or the end of the
// image points to.
func headerTarget(data content.Data) (int64, bool) {
	size := data.Len()
	if size < ImageHeader {
		return 0, false
	}
	for _, at := range []int64{size - ImageHeader, 0} {
		head, err := data.Slice(at, ImageHeader).Peek(ImageHeader)
		if err != nil || string(head[:4]) != ImageMagic {
			continue
		}
		pos := int64(binary.LittleEndian.Uint32(head[4:]))
		if at != 0 {
			// Counted from the end of the image; images beyond 4 GiB
			// have a distance that does not fit.
			pos += size - 1<<32
		}
		if pos >= 0 && pos <= size-HeaderLen {
			return pos, true
		}
	}
	return 0, false
}

// readMap reads the FDT map at pos. It returns how many bytes it has read for
// that, even when they are no map.
func readMap(data content.Data, pos int64) (int64, *fdt.Tree, error) {
	room := data.Len() - pos
	const dtbHeader = 40
	if pos < 0 || room < HeaderLen+dtbHeader {
		return 0, nil, fmt.Errorf("FDT map at offset %#x is cut short", pos)
	}
	head, err := data.Slice(pos, HeaderLen+dtbHeader).Peek(HeaderLen + dtbHeader)
	if err != nil {
		return 0, nil, err
	}
	if string(head[:len(Magic)]) != Magic {
		return 0, nil, fmt.Errorf("no FDT map at offset %#x", pos)
	}
	size, err := fdt.TotalSize(head[HeaderLen:])
	if err != nil {
		return 0, nil, fmt.Errorf("FDT map at offset %#x: %w", pos, err)
	}
	if size > room-HeaderLen || size > maxMapSize {
		return 0, nil, fmt.Errorf("FDT map at offset %#x says its size is %#x, more than there is", pos, size)
	}
	blob, err := data.Slice(pos+HeaderLen, size).Bytes()
	if err != nil {
		return size, nil, err
	}
	tree, err := fdt.ParseAtMost(blob, maxNodes)
	if err != nil {
		return size, nil, fmt.Errorf("FDT map at offset %#x: %w", pos, err)
	}
	return size, tree, nil
}

// number reads a property of one cell, or of two for what 32 bits cannot hold.
func number(n *fdt.Node, name string) (int64, bool) {
	p := n.Prop(name)
	switch {
	case p == nil:
		return 0, false
	case len(p.Value) == 4:
		return int64(binary.BigEndian.Uint32(p.Value)), true
	case len(p.Value) == 8 && p.Value[0] < 0x80:
		return int64(binary.BigEndian.Uint64(p.Value)), true
	}
	return 0, false
}

// search calls found with every offset of magic in data, until it returns
// false.
func search(data content.Data, magic []byte, found func(pos int64) bool) error {
	const chunk = 1 << 20
	buf := make([]byte, chunk+len(magic)-1)
	for off := data.NextData(0); off < data.Len(); off = data.NextData(off + chunk) {
		n := min(int64(len(buf)), data.Len()-off)
		if _, err := data.ReadAt(buf[:n], off); err != nil {
			return err
		}
		for i := 0; ; i++ {
			j := bytes.Index(buf[i:n], magic)
			if j < 0 {
				break
			}
			i += j
			if i >= chunk {
				break // the next chunk has it too
			}
			if !found(off + int64(i)) {
				return nil
			}
		}
	}
	return nil
}
