// SPDX-License-Identifier: GPL-2.0-or-later

package inspect

import (
	"bytes"
	"fmt"
	"io"
	"slices"

	"binman/content"
	"binman/format/capsule"
	"binman/format/fit"
	"binman/format/verify"
	"binman/internal/binfmt"
)

// partsFormat is the format of data that is in none as a whole, and in which some
// was found.
const partsFormat = "data with known parts"

// Bounds of a scan: what is read at once, and what may be read to check what looks
// like a format, in bytes and times the size of the data.
const (
	scanChunk      = 1 << 20
	checkCost      = 128 // beside what is read
	scanChecks     = 64 << 20
	scanCheckTimes = 4
	maxFound       = 10000
)

// A signature is what a format starts with, and what it can be found by.
type signature struct {
	format string
	magic  []byte
	align  int64
	extent func(r io.ReaderAt, size int64) (int64, error) // bytes that it takes; nil: up to the end of its last item
}

// signatures lists the formats that are found anywhere.
func signatures() []signature {
	return []signature{
		{format: "FIT", magic: []byte{0xd0, 0x0d, 0xfe, 0xed}, align: 4, extent: fitExtent},
		{format: "device tree", magic: []byte{0xd0, 0x0d, 0xfe, 0xed}, align: 4, extent: treeExtent},
		{format: "legacy U-Boot image", magic: []byte{0x27, 0x05, 0x19, 0x56}, align: 4},
		{format: "FIP", magic: []byte{0x01, 0x00, 0x64, 0xaa}, align: 16},
		{format: "pre-load header", magic: []byte("UBSH"), align: 4},
		{format: "CBFS", magic: []byte("LARCHIVE"), align: 64},
		{format: "UEFI capsule", magic: capsule.FirmwareManagement[:], align: 8, extent: capsuleExtent},
	}
}

func fitExtent(r io.ReaderAt, size int64) (int64, error) {
	f, err := fit.Parse(r, size)
	if err != nil {
		return 0, err
	}
	return f.Size, nil
}

func capsuleExtent(r io.ReaderAt, size int64) (int64, error) {
	c, err := capsule.Parse(r, size)
	if err != nil {
		return 0, err
	}
	return c.Size, nil
}

// candidate is where something looks like a format.
type candidate struct {
	offset int64
	sig    *signature
}

// scan looks for formats anywhere in data of an item, which are at base, and returns
// what it finds, one behind the other. What only looks like a format is passed over.
func scan(item *Item, data content.Data, base int64, known []format) []*Item {
	reader := &metered{data: data, left: scanChecks + scanCheckTimes*data.Len()}
	var found []*Item
	next := int64(0)
	err := candidates(data, func(c candidate) bool {
		if c.offset < next {
			return true
		}
		i := slices.IndexFunc(known, func(f format) bool { return f.name == c.sig.format })
		size, ok := reader.check(known[i], c)
		if ok {
			found = append(found, &Item{Item: binfmt.Item{
				Name: fmt.Sprintf("%s@%x", known[i].short, base+c.offset), Type: known[i].name, Offset: base + c.offset, Size: size,
			}})
			next = c.offset + size
		}
		if reader.left > 0 && len(found) < maxFound {
			return true
		}
		item.searched = append(item.searched, base+c.offset)
		return false
	})
	if err != nil {
		return nil
	}
	return found
}

// candidates calls found with what looks like a format, in the order of offsets, until
// it returns false. Holes of files are not read.
func candidates(data content.Data, found func(candidate) bool) error {
	const overlap = 16 // the longest magic, and more than that
	buf := make([]byte, min(scanChunk+overlap, data.Len()))
	all := signatures()
	for at := data.NextData(0); at < data.Len(); at = data.NextData(at + scanChunk) {
		chunk := buf[:min(int64(len(buf)), data.Len()-at)]
		if _, err := data.ReadAt(chunk, at); err != nil {
			return err
		}
		var list []candidate
		for k := range all {
			sig := &all[k]
			for from := 0; ; from++ {
				i := bytes.Index(chunk[from:], sig.magic)
				if i < 0 || from+i >= scanChunk {
					break
				}
				from += i
				if off := at + int64(from); off%sig.align == 0 {
					list = append(list, candidate{off, sig})
				}
			}
		}
		slices.SortStableFunc(list, func(a, b candidate) int { return int(a.offset - b.offset) })
		for _, c := range list {
			if !found(c) {
				return nil
			}
		}
	}
	return nil
}

// metered reads data, and counts what is read, so that many things which look like
// formats cost no more than the data themselves.
type metered struct {
	data content.Data
	left int64
}

// check says whether there is a format at a candidate, and how many bytes it takes.
func (m *metered) check(f format, c candidate) (size int64, ok bool) {
	if m.left -= checkCost; m.left < 0 {
		return 0, false
	}
	rest := &meteredPart{m, m.data.Slice(c.offset, m.data.Len()-c.offset)}
	room := rest.data.Len()
	if !f.detect(rest, room) {
		return 0, false
	}
	list, err := f.list(rest, room)
	if err != nil {
		return 0, false
	}
	if c.sig.extent != nil {
		size, err = c.sig.extent(rest, room)
		return size, err == nil && size > 0 && size <= room
	}
	for _, it := range list {
		if it.Offset >= 0 && it.Size >= 0 && it.Offset <= room-it.Size {
			size = max(size, it.Offset+it.Size)
		}
	}
	return size, size > 0
}

type meteredPart struct {
	m    *metered
	data content.Data
}

// ReadAt reads as much as there is left to read.
func (p *meteredPart) ReadAt(b []byte, off int64) (int, error) {
	if p.m.left -= int64(len(b)); p.m.left < 0 {
		return 0, io.ErrNoProgress
	}
	return p.data.ReadAt(b, off)
}

// into looks into what is in no known format as a whole.
func into(item *Item, data content.Data, known []format, depth int) {
	found := scan(item, data, item.Offset, known)
	if len(found) == 0 {
		return
	}
	item.Format = partsFormat
	if item.Type == "" {
		item.Type = partsFormat
	}
	item.Items = found
	inner(item, data, known, depth)
}

// gaps looks into what is between the items of a table.
func gaps(item *Item, data content.Data, known []format, depth int) {
	taken := slices.Clone(item.Items)
	slices.SortStableFunc(taken, func(a, b *Item) int { return int(min(max(a.Offset-b.Offset, -1), 1)) })
	at := int64(0)
	end := data.Len()
	var found []*Item
	look := func(to int64) {
		if to > at {
			found = append(found, scan(item, data.Slice(at, to-at), item.Offset+at, known)...)
		}
	}
	for _, sub := range taken {
		look(sub.Offset - item.Offset)
		at = max(at, sub.Offset-item.Offset+sub.Size)
	}
	look(end)
	for _, f := range found {
		holder := &Item{Item: binfmt.Item{Offset: item.Offset}, Items: []*Item{f}}
		inner(holder, data, known, depth)
	}
	item.Items = append(item.Items, found...)
	slices.SortStableFunc(item.Items, func(a, b *Item) int { return int(min(max(a.Offset-b.Offset, -1), 1)) })
}

// Damage returns what is wrong with an image, by the paths of its items: what its
// formats claim of themselves and does not hold. Signatures are not judged.
func Damage(data content.Data, root *Item) map[string][]string {
	var list []verify.Finding
	root.judge(&list, data, "", nil)
	damage := map[string][]string{}
	for _, f := range list {
		if f.Verdict == verify.Bad {
			damage[f.Path] = append(damage[f.Path], f.Why)
		}
	}
	root.givenUp("", damage)
	return damage
}

// givenUp notes where a search has stopped, since too much looked like formats.
func (it *Item) givenUp(path string, damage map[string][]string) {
	for _, at := range it.searched {
		damage[path] = append(damage[path], fmt.Sprintf("too much here looks like something known: it was searched up to %#x only", at))
	}
	for _, sub := range it.Items {
		sub.givenUp(join(path, sub.Name), damage)
	}
}
