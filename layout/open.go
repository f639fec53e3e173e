// SPDX-License-Identifier: GPL-2.0-or-later

package layout

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"binman/content"
	"binman/fdt"
	"binman/internal/wildcard"
)

// ErrNoMap says that an image has no FDT map to open it by.
var ErrNoMap = errors.New("Cannot find FDT map in image")

// maxMapSize bounds the device tree of an FDT map, in bytes. A map has some
// hundred bytes for each entry; the tree takes forty times as much memory.
const maxMapSize = 16 << 20

// maxSearch bounds how many bytes are read as FDT maps in search of the true
// one: an image can have many things in it that start like one and claim all
// that follows.
const maxSearch = 8 * maxMapSize

// Opened is an image read back from a file through its FDT map. Only the map
// has been read; contents are views of the file.
type Opened struct {
	*Image
	File   content.Data // the whole file
	Base   int64        // where the image starts in it
	Data   content.Data // the image, and what follows it if it starts the file
	MapPos int64        // where the map is in the file

	b *Build
}

// Open opens the image in data through its FDT map. The options give what
// reading needs: Types, Log, and for making contents anew Input and Args; name
// is that of the file.
func (b *Build) Open(data content.Data, name string) (*Opened, error) {
	b.init()
	m, err := findMap(data)
	if err != nil {
		return nil, err
	}
	img := &Image{Name: strings.TrimSuffix(name, filepath.Ext(name))}
	img.Entry = &Entry{Node: m.tree.Root, Name: "image", TypeName: "section", Type: img, Info: imageInfo, Image: img, Section: &img.Section}
	o := &Opened{Image: img, File: data, Base: m.base, Data: data, MapPos: m.pos, b: b}
	if m.base > 0 {
		o.Data = data.Slice(m.base, m.size)
	}
	b.opened = o
	b.trees.list = []*deviceTree{{etype: "fdtmap", tree: m.tree, blob: m.tree.Marshal()}}
	if err := (&reader{b: b}).entry(img.Entry); err != nil {
		return nil, fmt.Errorf("FDT map at offset %#x: %w", m.pos, err)
	}
	img.Entry.Walk(func(e *Entry) { e.opened = &openedE{offset: e.Offset, size: e.Size} })
	img.Filename = name
	b.Images = []*Image{img}
	return o, nil
}

// foundMap is an FDT map in a file, and the image that it describes.
type foundMap struct {
	pos  int64
	tree *fdt.Tree
	base int64 // where the image starts
	size int64 // of the image, as the map says
}

// holds says whether the image of m has that of the other one in it.
func (m *foundMap) holds(other *foundMap) bool {
	return m.base <= other.base && m.base+m.size >= other.base+other.size
}

// findMap finds the FDT map of an image: where the header at its start or end
// says, or by searching. The bytes of a map may also be found in the contents
// of an entry, so a map counts only if it can be read. One that gives its own
// position as that where it is counts more than one that gives another, which
// is in an image at an offset of the file, and that more than one that gives
// none. Of two of them, that of a section or of an image within an image counts
// less than that of the whole.
func findMap(data content.Data) (*foundMap, error) {
	var best, shifted, silent *foundMap
	if pos, ok := headerTarget(data); ok {
		if _, tree, err := readMap(data, pos); err == nil {
			m := &foundMap{pos: pos, tree: tree}
			if !m.locate(data.Len()) || m.base == 0 {
				return m, nil
			}
			shifted = m
		}
	}
	var firstErr error
	tried := int64(0)
	err := search(data, []byte(FDTMapMagic), func(pos int64) bool {
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
		m := &foundMap{pos: pos, tree: tree}
		switch known := m.locate(data.Len()); {
		case known && m.base == 0:
			if best == nil || m.holds(best) {
				best = m
			}
			return m.size < data.Len() // else there is nothing around it
		case known && (shifted == nil || m.holds(shifted)):
			shifted = m
		case !known && silent == nil:
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
	case silent != nil:
		return silent, nil
	case firstErr != nil:
		return nil, fmt.Errorf("%w: %w", ErrNoMap, firstErr)
	}
	return nil, ErrNoMap
}

// locate works out from the map's own position where its image starts in a
// file of the given size. It returns false if the map does not say, or says
// something that cannot be.
func (m *foundMap) locate(file int64) bool {
	root := m.tree.Root
	number := func(n *fdt.Node, name string) (int64, bool) {
		p := n.Prop(name)
		if p == nil {
			return 0, false
		}
		v, err := number(n, p)
		return v, err == nil
	}
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
		base := m.pos - padding - (at - origin - start)
		if base == 0 || base > 0 && size > 0 && size <= file-base {
			m.base, m.size = base, size
			return true
		}
	}
	return false
}

// headerTarget returns where an image header at the start or the end of the
// image points to.
func headerTarget(data content.Data) (int64, bool) {
	size := data.Len()
	if size < ImageHeaderLen {
		return 0, false
	}
	for _, at := range []int64{size - ImageHeaderLen, 0} {
		head, err := data.Slice(at, ImageHeaderLen).Peek(ImageHeaderLen)
		if err != nil || string(head[:4]) != ImageHeaderMagic {
			continue
		}
		pos := int64(binary.LittleEndian.Uint32(head[4:]))
		if at != 0 {
			// Counted from the end of the image; images beyond 4 GiB
			// have a distance that does not fit.
			pos += size - 1<<32
		}
		if pos >= 0 && pos <= size-FDTMapHeaderLen {
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
	if pos < 0 || room < FDTMapHeaderLen+dtbHeader {
		return 0, nil, fmt.Errorf("FDT map at offset %#x is cut short", pos)
	}
	head, err := data.Slice(pos, FDTMapHeaderLen+dtbHeader).Peek(FDTMapHeaderLen + dtbHeader)
	if err != nil {
		return 0, nil, err
	}
	if string(head[:len(FDTMapMagic)]) != FDTMapMagic {
		return 0, nil, fmt.Errorf("no FDT map at offset %#x", pos)
	}
	size, err := fdt.TotalSize(head[FDTMapHeaderLen:])
	if err != nil {
		return 0, nil, fmt.Errorf("FDT map at offset %#x: %w", pos, err)
	}
	if size > room-FDTMapHeaderLen || size > maxMapSize {
		return 0, nil, fmt.Errorf("FDT map at offset %#x says its size is %#x, more than there is", pos, size)
	}
	blob, err := data.Slice(pos+FDTMapHeaderLen, size).Bytes()
	if err != nil {
		return size, nil, err
	}
	tree, err := fdt.Parse(blob)
	if err != nil {
		return size, nil, fmt.Errorf("FDT map at offset %#x: %w", pos, err)
	}
	return size, tree, nil
}

// search calls found with every offset of magic in data, until it returns
// false.
func search(data content.Data, magic []byte, found func(pos int64) bool) error {
	const chunk = 1 << 20
	buf := make([]byte, chunk+len(magic)-1)
	for off := int64(0); off < data.Len(); off += chunk {
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

// Listed is an entry with its depth below the image, for lists.
type Listed struct {
	*Entry
	Depth int
}

// List returns the image and its entries, in order, that match one of the
// patterns, with all that those hold; no patterns match everything. A pattern
// is matched against the path of an entry and may hold the wildcards * ? [],
// of which * matches slashes too.
func (img *Image) List(patterns []string) []Listed {
	var list []Listed
	var add func(e *Entry, depth int, path string, taken bool)
	add = func(e *Entry, depth int, path string, taken bool) {
		taken = taken || len(patterns) == 0 || wildcard.MatchAny(patterns, path)
		if taken {
			list = append(list, Listed{e, depth})
		}
		for _, child := range e.Entries() {
			below := child.Name
			switch {
			case taken:
				below = "" // nobody asks
			case depth > 0:
				below = path + "/" + child.Name
			}
			add(child, depth+1, below, taken)
		}
	}
	add(img.Entry, 0, "", false)
	return list
}
