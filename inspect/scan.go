// SPDX-License-Identifier: GPL-2.0-or-later

package inspect

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"fmt"
	"io"
	"slices"

	"binman/content"
	"binman/format/avb"
	"binman/format/bootheader"
	"binman/format/capsule"
	"binman/format/fit"
	"binman/format/mcuboot"
	"binman/format/optionrom"
	"binman/format/ubootenv"
	"binman/format/uefi"
	"binman/format/verify"
	"binman/internal/binfmt"
)

// trailerFormat is the name of the format of what ends a slot of MCUboot.
const trailerFormat = "MCUboot trailer"

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

// A signature is what a format can be found by.
type signature struct {
	format string
	magic  []byte
	looks  func(b []byte) bool                            // says quickly whether b may be the start, for a format without a magic
	at     int64                                          // where the magic stands in what is found, a multiple of 4 if align is less than a block
	align  int64                                          // what the offset of what is found is a multiple of, 4 at least; or 1 for texts
	extent func(r io.ReaderAt, size int64) (int64, error) // bytes that it takes; nil: up to the end of its last item
}

// signatures lists the formats that are found anywhere.
func signatures() []signature {
	list := []signature{
		{format: "FIT", magic: []byte{0xd0, 0x0d, 0xfe, 0xed}, align: 4, extent: fitExtent},
		{format: "device tree", magic: []byte{0xd0, 0x0d, 0xfe, 0xed}, align: 4, extent: treeExtent},
		{format: "legacy U-Boot image", magic: []byte{0x27, 0x05, 0x19, 0x56}, align: 4},
		{format: "FIP", magic: []byte{0x01, 0x00, 0x64, 0xaa}, align: 16},
		{format: "pre-load header", magic: []byte("UBSH"), align: 4},
		{format: "CBFS", magic: []byte("LARCHIVE"), align: 64},
		{format: "UEFI capsule", magic: capsule.FirmwareManagement[:], align: 8, extent: capsuleExtent},
		{format: "MCUboot image", magic: []byte{0x3d, 0xb8, 0xf3, 0x96}, align: 4},
		{format: "MCUboot image", magic: []byte{0x96, 0xf3, 0xb8, 0x3d}, align: 4}, // of big-endian processors
		{format: "K3 certificate", magic: []byte{0x30, 0x82}, align: 512},
		{format: "signed ZynqMP image", magic: []byte("\x66\x55\x99\xaaXNLX"), at: 32, align: 0x8000},
		{format: "UEFI volume", magic: []byte(uefi.Magic), at: uefi.MagicAt, align: 8, extent: volumeExtent},
		{format: "vblock", magic: []byte("CHROMEOS"), align: 4},
		{format: "GBB", magic: []byte("$GBB"), align: 4},
		{format: vbmetaFormat, magic: []byte(avb.Magic), align: 512, extent: vbmetaExtent},
		{format: "expansion ROM", magic: []byte(optionrom.Magic), align: 512},
		{format: environmentFormat, looks: ubootenv.Looks, align: 512, extent: environmentExtent},
		{format: "i.MX container", magic: []byte{0x87}, at: 3, align: 1024},
	}
	list = append(list, streamSignatures()...)
	for _, m := range mcuboot.TrailerMagics() {
		list = append(list, signature{format: trailerFormat, magic: m.Magic, at: m.At, align: 8})
	}
	for _, k := range banners {
		for _, start := range k.starts {
			list = append(list, signature{format: k.name, magic: []byte(start), align: 1})
		}
	}
	for _, f := range bootheader.Formats() {
		if f.Whole {
			continue
		}
		list = append(list, signature{format: f.Name, magic: f.Magic, looks: f.Looks, at: f.At, align: f.Align})
	}
	return list
}

func fitExtent(r io.ReaderAt, size int64) (int64, error) {
	f, err := fit.Parse(r, size)
	if err != nil {
		return 0, err
	}
	return f.Size, nil
}

func volumeExtent(r io.ReaderAt, size int64) (int64, error) {
	v, err := uefi.Parse(r, size)
	if err != nil {
		return 0, err
	}
	return v.Size, nil
}

func environmentExtent(r io.ReaderAt, size int64) (int64, error) {
	e, err := ubootenv.ParseStart(r, size)
	if err != nil {
		return 0, err
	}
	return e.Size, nil
}

func vbmetaExtent(r io.ReaderAt, size int64) (int64, error) {
	im, err := avb.Parse(r, size)
	if err != nil {
		return 0, err
	}
	return im.Size, nil
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

// scan looks for formats anywhere in a part of the data of an item, and returns what
// it finds, one behind the other. What only looks like a format is passed over.
func scan(item *Item, data content.Data, from, to int64, known []format) []*Item {
	finder := newFinder(signatures())
	reader := &metered{data: data.Slice(0, to), chunk: &finder.chunk, left: scanChecks + scanCheckTimes*(to-from)}
	var found []*Item
	next := from
	err := finder.find(reader.data, from, func(c candidate) bool {
		if c.offset < next {
			return true
		}
		i := slices.IndexFunc(known, func(f format) bool { return f.name == c.sig.format })
		size, ok := reader.check(known[i], c)
		if ok {
			at := item.Offset + c.offset
			found = append(found, &Item{Item: binfmt.Item{Name: fmt.Sprintf("%s@%x", known[i].short, at), Type: known[i].name, Offset: at, Size: size}})
			next = c.offset + size
		}
		if reader.left > 0 && len(found) < maxFound {
			return true
		}
		item.searched = append(item.searched, item.Offset+c.offset)
		return false
	})
	if err != nil {
		return nil
	}
	return found
}

// A finder looks for signatures. Those with a coarse alignment are compared at each
// block; for the others it looks at the first two bytes of each word. So its time does
// not depend on how many there are.
type finder struct {
	fine, coarse []signature
	texts        []signature          // at any offset
	starts       [1 << 16 / 64]uint64 // a bit for each pair of bytes that a fine one starts with
	chunk        chunk                // that is looked at
}

// chunk is a part of the data that is in memory.
type chunk struct {
	b  []byte
	at int64
}

// scanBlock is the alignment from which one is coarse, in bytes.
const scanBlock = 512

func newFinder(all []signature) *finder {
	f := &finder{}
	for _, sig := range all {
		if sig.align == 1 {
			f.texts = append(f.texts, sig)
			continue
		}
		if sig.align >= scanBlock {
			f.coarse = append(f.coarse, sig)
			continue
		}
		f.fine = append(f.fine, sig)
		start := binary.LittleEndian.Uint16(sig.magic)
		f.starts[start>>6] |= 1 << (start & 63)
	}
	return f
}

// find calls found with what looks like a format from an offset on, in the order of
// offsets, until it returns false. Holes of files are not read.
func (f *finder) find(data content.Data, from int64, found func(candidate) bool) error {
	const overlap = 1024 // more than the offset of a magic and its size
	buf := make([]byte, min(scanChunk+overlap, data.Len()))
	for at := from &^ (scanBlock - 1); at < data.Len(); at += scanChunk {
		if at = max(at, data.NextData(at)&^(scanBlock-1)); at == data.Len() {
			break
		}
		chunk := buf[:min(int64(len(buf)), data.Len()-at)]
		if _, err := data.ReadAt(chunk, at); err != nil {
			return err
		}
		f.chunk.b, f.chunk.at = chunk, at
		texts := f.findTexts(chunk, at)
		for off := 0; off < min(len(chunk), scanChunk); off += scanBlock {
			if !f.block(chunk[off:], at+int64(off), found) {
				return nil
			}
			// A text in the block comes behind what has a magic there, which may hold it.
			for ; len(texts) > 0 && texts[0].offset < at+int64(off+scanBlock); texts = texts[1:] {
				if !found(texts[0]) {
					return nil
				}
			}
		}
	}
	return nil
}

// findTexts returns where texts start in a chunk, which is at an offset of the data: all
// that start in one, as there may be few.
func (f *finder) findTexts(chunk []byte, at int64) []candidate {
	var list []candidate
	for i := range f.texts {
		sig := &f.texts[i]
		for off := 0; off < min(len(chunk), scanChunk); off++ {
			k := bytes.Index(chunk[off:], sig.magic)
			if off += k; k < 0 || off >= scanChunk {
				break
			}
			list = append(list, candidate{at + int64(off), sig})
		}
	}
	slices.SortFunc(list, func(a, b candidate) int { return cmp.Compare(a.offset, b.offset) })
	return list
}

// block looks at the first block of b, which is at an offset of the data. More of b
// may hold what a magic in the block goes on with.
func (f *finder) block(b []byte, at int64, found func(candidate) bool) bool {
	for i := range f.coarse {
		sig := &f.coarse[i]
		if at%sig.align == 0 && hasAt(b, sig.magic, sig.at) && (sig.looks == nil || sig.looks(b)) && !found(candidate{at, sig}) {
			return false
		}
	}
	for i := 0; i < min(scanBlock, len(b)-3); i += 4 {
		start := binary.LittleEndian.Uint16(b[i:])
		if f.starts[start>>6]&(1<<(start&63)) == 0 {
			continue
		}
		for k := range f.fine {
			sig := &f.fine[k]
			if off := at + int64(i) - int64(sig.at); off >= 0 && off%sig.align == 0 && hasAt(b[i:], sig.magic, 0) && !found(candidate{off, sig}) {
				return false
			}
		}
	}
	return true
}

func hasAt(b, magic []byte, at int64) bool {
	return int64(len(b)) >= at && bytes.HasPrefix(b[at:], magic)
}

// metered reads data, and counts what is read, so that many things which look like
// formats cost no more than the data themselves.
type metered struct {
	data  content.Data
	chunk *chunk // of which nothing has to be read again
	left  int64
	part  meteredPart // what is looked at
}

// check says whether there is a format at a candidate, and how many bytes it takes.
func (m *metered) check(f format, c candidate) (size int64, ok bool) {
	if m.left -= checkCost; m.left < 0 {
		return 0, false
	}
	m.part = meteredPart{m, c.offset} // there are many: none is made for each
	rest, room := &m.part, m.data.Len()-c.offset
	if c.sig.extent != nil {
		n, err := c.sig.extent(rest, room)
		if err != nil || n <= 0 || n > room {
			return 0, false
		}
		room = n
	}
	if !f.detect(rest, room) {
		return 0, false
	}
	list, _, err := f.list(rest, room)
	if err != nil || c.sig.extent != nil {
		return room, err == nil
	}
	for _, it := range list {
		if it.Offset >= 0 && it.Size >= 0 && it.Offset <= room-it.Size {
			size = max(size, it.Offset+it.Size)
		}
	}
	return size, size > 0
}

// meteredPart is the data from an offset on.
type meteredPart struct {
	m    *metered
	from int64
}

// ReadAt reads as much as there is left to read.
func (p *meteredPart) ReadAt(b []byte, off int64) (int, error) {
	if p.m.left -= int64(len(b)); p.m.left < 0 {
		return 0, io.ErrNoProgress
	}
	if off < 0 || off > p.m.data.Len()-p.from {
		return 0, io.EOF
	}
	at := p.from + off
	if c := p.m.chunk; at >= c.at && at+int64(len(b)) <= c.at+int64(len(c.b)) {
		return copy(b, c.b[at-c.at:]), nil
	}
	return p.m.data.ReadAt(b, at)
}

func (p *meteredPart) spend(bytes int64) { p.m.left -= bytes }

// into looks into what is in no known format as a whole.
func into(item *Item, data content.Data, known []format, depth int) {
	found := scan(item, data, 0, data.Len(), known)
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
			found = append(found, scan(item, data, at, to, known)...)
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
	damage := map[string][]string{}
	for _, f := range root.Verify(data, nil) {
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
