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
	Data   content.Data // the whole file
	MapPos int64        // where the map is in it

	b *Build
}

// Open opens the image in data through its FDT map. Build gives what reading
// needs: Types, Log, and for making contents anew Input and Args; name is
// that of the file.
func (b *Build) Open(data content.Data, name string) (*Opened, error) {
	b.init()
	b.reading = true
	pos, tree, err := findMap(data)
	if err != nil {
		return nil, err
	}
	img := &Image{Name: strings.TrimSuffix(name, filepath.Ext(name))}
	img.Entry = &Entry{Node: tree.Root, Name: "image", TypeName: "section", Type: img, Image: img, Section: &img.Section}
	b.trees.list = []*deviceTree{{etype: "fdtmap", tree: tree, blob: tree.Marshal()}}
	if err := b.readEntryNode(img.Entry); err != nil {
		return nil, fmt.Errorf("FDT map at offset %#x: %w", pos, err)
	}
	img.Filename = name
	b.Images = []*Image{img}
	return &Opened{Image: img, Data: data, MapPos: pos, b: b}, nil
}

// Reading says whether the entries come from an image and not from a
// description.
func (b *Build) Reading() bool { return b.reading }

// findMap finds the FDT map of an image: where the header at its start or end
// says, or by searching. The bytes of a map may also be found in the contents
// of an entry, so a map counts only if it can be read, and one that gives its
// own position counts more than one that does not.
func findMap(data content.Data) (int64, *fdt.Tree, error) {
	if pos, ok := headerTarget(data); ok {
		if _, tree, err := readMap(data, pos); err == nil {
			return pos, tree, nil
		}
	}
	var firstErr error
	best, bestPos := (*fdt.Tree)(nil), int64(0)
	tried := int64(0)
	err := search(data, []byte(FDTMapMagic), func(pos int64) bool {
		if tried > maxSearch {
			firstErr = errors.New("too many things in it look like one")
			return false
		}
		size, tree, err := readMap(data, pos)
		tried += size
		switch {
		case err != nil:
			if firstErr == nil {
				firstErr = err
			}
		case mapNames(tree, pos):
			best, bestPos = tree, pos
			return false
		case best == nil:
			best, bestPos = tree, pos
		}
		return true
	})
	switch {
	case err != nil:
		return 0, nil, err
	case best != nil:
		return bestPos, best, nil
	case firstErr != nil:
		return 0, nil, fmt.Errorf("%w: %w", ErrNoMap, firstErr)
	}
	return 0, nil, ErrNoMap
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

// mapNames says whether the tree has an FDT map as an entry at pos.
func mapNames(tree *fdt.Tree, pos int64) bool {
	start, _, _ := tree.Root.U32("skip-at-start")
	for node := range tree.Root.All() {
		if !strings.HasPrefix(node.Name, "fdtmap") {
			if etype, _, _ := node.Str("type"); etype != "fdtmap" {
				continue
			}
		}
		p := node.Prop("image-pos")
		if p == nil {
			continue
		}
		if at, err := number(node, p); err == nil && at-int64(start) == pos {
			return true
		}
	}
	return false
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
