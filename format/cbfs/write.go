// SPDX-License-Identifier: GPL-2.0-or-later

package cbfs

import (
	"encoding/binary"
	"fmt"
	"math"
	"strings"

	"binman/content"
	"binman/internal/binfmt"
)

// spaceError has the wording of the original.
type spaceError struct {
	what   string // what there is no space for
	offset int64  // where it had to be
	at     int64  // where the files before end
}

func (e *spaceError) Error() string {
	return fmt.Sprintf("No space for %s %#x (current offset %#x)", e.what, e.offset, e.at)
}
func (e *spaceError) Unwrap() error { return ErrSpace }

// Twice returns the error about two files of one name.
func Twice(name string) error {
	return fmt.Errorf("CBFS file '%s' appears twice: use cbfs-name to tell them apart", name)
}

// writer is a CBFS under construction.
type writer struct {
	parts    []content.Data // the region, as far as it is made
	made     int64          // how much that is
	pos      int64          // where the next byte goes; what is put past the end is only counted
	arch     Arch
	size     int64 // of the region
	header   int64 // offset of the master header
	contents int64 // offset of the first file
	limit    int64 // where files and padding end
	lost     *File // a file that no reader would find
}

// Marshal returns the bytes of Data.
func (im *Image) Marshal() ([]byte, error) {
	d, err := im.Data()
	if err != nil {
		return nil, err
	}
	return d.Bytes()
}

// Data returns the CBFS: im.Size bytes, of which free space takes no memory. The
// files stand in their order; those of a free type are left out, since free space is
// made where it is needed. Data sets Offset, HeaderOffset and Size of the files,
// whose Data must not change afterwards.
//
// Files that do not fit are an error that wraps ErrSpace.
func (im *Image) Data() (d content.Data, err error) {
	if im.Size < 0 || im.Size > math.MaxUint32 || im.Size > math.MaxInt {
		return d, fmt.Errorf("CBFS cannot have a size of %#x bytes: it must fit in 32 bits", im.Size)
	}
	arch := im.Arch
	if arch == 0 {
		arch = X86
	}
	w := &writer{arch: arch, size: im.Size, limit: im.Size - pointerSize}
	if arch == X86 {
		w.header = w.limit - headerSize
	} else {
		w.contents = defAlign
	}
	head := w.masterHeader()
	if arch != X86 {
		w.put(head)
		if err := w.skipTo(w.contents); err != nil {
			return d, err
		}
	}
	seen := make(map[string]bool, len(im.Files))
	for i := range im.Files {
		f := &im.Files[i]
		if f.Type.Free() {
			continue
		}
		if seen[f.Name] {
			return d, Twice(f.Name)
		}
		seen[f.Name] = true
		if err := w.file(f); err != nil {
			return d, err
		}
	}
	if arch == X86 {
		if w.pos > w.header {
			return d, &spaceError{"header at offset", w.header, w.pos}
		}
		if err := w.padTo(w.header); err != nil {
			return d, err
		}
		w.put(head)
	}
	if err := w.padTo(w.limit); err != nil {
		return d, err
	}
	if w.lost != nil {
		return d, fmt.Errorf("CBFS file '%s' would start at offset %#x, which is not a multiple of %#x, where no reader finds it: %w", w.lost.Name, w.lost.HeaderOffset, defAlign, ErrSpace)
	}
	w.put(binary.LittleEndian.AppendUint32(nil, uint32(w.header-w.size)))
	w.erasedTo(w.size)
	return content.Join(w.parts...), nil
}

// Room returns an error that wraps ErrSpace if files of at least these sizes, in
// bytes as they are stored, can not fit in the image, whatever they hold.
func (im *Image) Room(sizes []int64) error {
	pos, limit := int64(0), im.Size-pointerSize-headerSize
	if im.Arch != X86 && im.Arch != 0 {
		pos, limit = defAlign, im.Size-pointerSize
	}
	for i, f := range im.Files {
		start := binfmt.Align(pos, defAlign) + fileSize + packedSize(f.Name)
		if f.Fixed {
			start = max(start, f.Offset)
		}
		pos = start + sizes[i]
		if pos > limit {
			return &spaceError{fmt.Sprintf("file '%s' before offset", f.Name), limit, pos}
		}
	}
	return nil
}

// erasedTo makes the region up to offset off, as erased flash.
func (w *writer) erasedTo(off int64) {
	if off > w.made {
		w.parts = append(w.parts, content.Fill(erased, off-w.made))
		w.made = off
	}
}

// put writes b at the current position.
func (w *writer) put(b []byte) {
	if w.pos < w.size {
		w.erasedTo(w.pos)
		now := b[:min(int64(len(b)), w.size-w.pos)]
		w.parts = append(w.parts, content.Bytes(now))
		w.made += int64(len(now))
	}
	w.pos += int64(len(b))
}

func (w *writer) masterHeader() []byte {
	return appendUint32s(nil, headerMagic, version2, uint32(w.size), 0, defAlign, uint32(w.contents), uint32(w.arch), 0xffffffff)
}

// skipTo fills up to offset off as erased flash.
func (w *writer) skipTo(off int64) error {
	if w.pos > off {
		return &spaceError{"data before offset", off, w.pos}
	}
	w.pos = off
	return nil
}

// align fills up to where the next file may start. Behind the last one
// nothing is filled, for the pointer at the end must not be reached.
func (w *writer) align() error {
	if off := binfmt.Align(w.pos, defAlign); off < w.size {
		return w.skipTo(off)
	}
	return nil
}

// padTo fills up to offset off with an empty file, and behind that, where no
// file header could start, as erased flash.
func (w *writer) padTo(off int64) error {
	if err := w.align(); err != nil {
		return err
	}
	if w.pos > off {
		return &spaceError{"data before pad offset", off, w.pos}
	}
	if space := (off - w.pos) &^ (defAlign - 1); space > 0 {
		const head = fileSize + nameAlign
		w.fileHeader("", Empty, space-head, 0, head)
		w.pos += space - head
	}
	return w.skipTo(off)
}

// fileHeader writes a file header and the name.
func (w *writer) fileHeader(name string, typ Type, size, attrs, data int64) {
	buf := append(make([]byte, 0, fileSize+packedSize(name)), fileMagic...)
	buf = appendUint32s(buf, uint32(size), uint32(typ), uint32(attrs), uint32(data))
	buf = append(buf, name...)
	w.put(buf[:cap(buf)])
}

// packedSize is the number of bytes that a name takes up.
func packedSize(name string) int64 { return binfmt.Align(int64(len(name))+1, nameAlign) }

// file writes a file and fills up to where the next may start.
func (w *writer) file(f *File) error {
	attr, err := f.attribute()
	if err != nil {
		return fmt.Errorf("CBFS file '%s': %w", f.Name, err)
	}
	nameEnd := fileSize + packedSize(f.Name)
	dataOff := nameEnd + int64(len(attr))
	f.Size = int64(len(f.Data))
	pad := int64(0)
	if f.Fixed {
		// Division rounds towards zero, so a header that would start before
		// the region is caught below, as the original does.
		if err := w.padTo((f.Offset - dataOff) / defAlign * defAlign); err != nil {
			return err
		}
		pad = f.Offset - dataOff - w.pos
		if pad < 0 {
			return fmt.Errorf("Internal error: CBFS file '%s': Requested offset %#x but current output position is %#x", f.Name, f.Offset, w.pos) //lint:ignore ST1005 the original's wording
		}
	}
	f.HeaderOffset = w.pos
	if f.HeaderOffset%defAlign != 0 {
		w.lost = f
	}
	dataOff += pad
	attrOff := int64(0)
	if len(attr) > 0 {
		attrOff = nameEnd + pad
	}
	w.fileHeader(f.Name, f.Type, f.Size, attrOff, dataOff)
	w.put(make([]byte, pad))
	w.put(attr)
	w.put(f.Data)
	f.Offset = f.HeaderOffset + dataOff
	return w.align()
}

// attribute returns the bytes of the attribute that the type of f needs.
func (f *File) attribute() ([]byte, error) {
	if strings.ContainsRune(f.Name, 0) {
		return nil, fmt.Errorf("a name cannot contain NUL")
	}
	if len(f.Name) >= maxName {
		return nil, fmt.Errorf("a name cannot have %d bytes: the most is %d", len(f.Name), maxName-1)
	}
	if len(f.Attrs) > 0 {
		return nil, fmt.Errorf("cannot write its attribute with tag %#x", f.Attrs[0].Tag)
	}
	if int64(len(f.Data)) > math.MaxUint32 {
		return nil, fmt.Errorf("its size %#x does not fit in 32 bits", len(f.Data))
	}
	switch f.Type {
	case Raw:
		if f.Compression == Uncompressed {
			return nil, nil
		}
		if f.UncompressedSize < 0 || f.UncompressedSize > math.MaxUint32 {
			return nil, fmt.Errorf("its uncompressed size %#x does not fit in 32 bits", f.UncompressedSize)
		}
		return appendUint32s(nil, tagComp, compSize, uint32(f.Compression), uint32(f.UncompressedSize)), nil
	case Stage:
		if f.Compression != Uncompressed {
			return nil, fmt.Errorf("a stage cannot be compressed with %s", f.Compression)
		}
		if f.Entry < f.Load || f.Entry-f.Load > math.MaxUint32 {
			return nil, fmt.Errorf("its entry point %#x is not in the 4 GiB from its load address %#x", f.Entry, f.Load)
		}
		if f.MemSize < 0 || f.MemSize > math.MaxUint32 {
			return nil, fmt.Errorf("its size in memory %#x does not fit in 32 bits", f.MemSize)
		}
		attr := appendUint32s(nil, tagStage, stageSize)
		attr = binary.BigEndian.AppendUint64(attr, f.Load)
		return appendUint32s(attr, uint32(f.Entry-f.Load), uint32(f.MemSize)), nil
	}
	return nil, fmt.Errorf("Unknown type %#x when writing", uint32(f.Type)) //lint:ignore ST1005 the original's wording
}

func appendUint32s(buf []byte, values ...uint32) []byte {
	for _, v := range values {
		buf = binary.BigEndian.AppendUint32(buf, v)
	}
	return buf
}
