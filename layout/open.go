// SPDX-License-Identifier: GPL-2.0-or-later

package layout

import (
	"fmt"
	"path/filepath"
	"strings"

	"binman/content"
	"binman/format/fdtmap"
)

// Opened is an image read back from a file through its FDT map. Only the map
// has been read; contents are views of the file.
type Opened struct {
	*Image
	File   content.Data // the whole file
	Base   int64        // where the image starts in it
	Data   content.Data // the image: the whole file if the map does not say where it ends
	MapPos int64        // where the map is in the file
	Grow   int64        // bytes that Replace may add beyond what is new and a mebibyte

	unpackedSum int64 // bytes that have been decompressed in all

	held    int64    // bytes that have been decompressed to look into containers
	holders []*Entry // these containers, in the order in which they were opened

	bias int64 // what the map adds to offsets to get positions in the image

	b *Build
}

// Open opens the image in data through its FDT map. The options give what
// reading needs: Types, Log, and for making contents anew Input and Args; name
// is that of the file.
func (b *Build) Open(data content.Data, name string) (*Opened, error) {
	b.init()
	m, err := fdtmap.Find(data)
	if err != nil {
		return nil, err
	}
	img := &Image{Name: strings.TrimSuffix(name, filepath.Ext(name))}
	img.Entry = &Entry{Node: m.Tree.Root, Name: "image", TypeName: "section", Type: img, Info: imageInfo, Image: img, Section: &img.Section}
	o := &Opened{Image: img, File: data, Base: m.Base, Data: data, MapPos: m.Pos, b: b}
	if m.Size > 0 {
		o.Data = data.Slice(m.Base, m.Size)
	}
	b.opened = o
	b.trees.list = []*deviceTree{{etype: "fdtmap", tree: m.Tree, blob: m.Tree.Blob()}}
	if err := (&reader{b: b}).entry(img.Entry); err != nil {
		return nil, fmt.Errorf("FDT map at offset %#x: %w", m.Pos, err)
	}
	img.Entry.Walk(func(e *Entry) { e.opened = &openedEntry{of: o, offset: e.Offset, size: e.Size} })
	for _, child := range img.Entry.Entries() {
		if child.ImagePos.Known && child.Offset.Known {
			o.bias = child.ImagePos.Value - child.Offset.Value
			break
		}
	}
	img.Filename = name
	b.Images = []*Image{img}
	return o, nil
}

// Listed is an entry with its depth below the image, for lists.
type Listed struct {
	*Entry
	Depth int
}
