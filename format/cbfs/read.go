// SPDX-License-Identifier: GPL-2.0-or-later

package cbfs

import (
	"bytes"
	"crypto"
	_ "crypto/sha1" // hashes of files
	_ "crypto/sha256"
	_ "crypto/sha512"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"

	"binman/format/verify"
	"binman/internal/binfmt"
)

// What a damaged image can cost.
const (
	maxFiles = 1 << 16
	maxName  = 1024 // bytes, NUL included
	maxAttrs = 64   // per file
	maxAttr  = 4096 // bytes, tag and length included
)

// Detect reports whether r, of which size bytes may be read, is a CBFS: its
// last 4 bytes lead to a master header, or it starts with a file. Behind
// something else a CBFS is not all of the bytes.
func Detect(r io.ReaderAt, size int64) bool {
	src := binfmt.Source{R: r, Size: size}
	if src.HasAt(fileMagic, 0) {
		return true
	}
	head, err := pointedHeader(src)
	return err == nil && (head.ROMSize >= size || src.HasAt(fileMagic, head.Contents))
}

// Parse reads the headers of the CBFS that r holds from its first to its
// last byte, size of them. Data of files lies inside these bytes; the files
// follow each other, so none overlap.
//
// As in cbfstool the list ends, without an error, where no file header
// follows; see Image.Verify.
func Parse(r io.ReaderAt, size int64) (*Image, error) {
	src := binfmt.Source{R: r, Size: size}
	im := &Image{Size: size, Arch: UnknownArch}
	pos, align := int64(0), int64(defAlign)
	head, err := findHeader(src)
	switch {
	case err == nil:
		im.Header, im.Arch, align = head, head.Arch, head.Align
		// In a region of a larger flash chip, the offset counts from the
		// start of the chip.
		if src.HasAt(fileMagic, head.Contents) || !src.HasAt(fileMagic, 0) {
			pos = head.Contents
		}
	case !errors.Is(err, ErrFormat):
		return nil, err
	case !src.HasAt(fileMagic, 0):
		return nil, err
	}
	adjacent := true // nothing is between this file and the one before
	for src.HasAt(fileMagic, pos) {
		if len(im.Files) == maxFiles {
			return nil, fmt.Errorf("CBFS has more than %d files", maxFiles)
		}
		f, err := parseFile(src, pos)
		if err != nil {
			return nil, fmt.Errorf("CBFS file %d at offset %#x: %w", len(im.Files), pos, err)
		}
		f.Fixed = f.Fixed || !adjacent
		adjacent = !f.Type.Free()
		if f.Type.Free() {
			f.Fixed = false
		}
		im.Files = append(im.Files, f)
		pos = binfmt.Align(f.Offset+f.Size, align)
	}
	im.End = pos
	return im, nil
}

// parseHeader reads the master header at offset off.
func parseHeader(src binfmt.Source, off int64) (*Header, error) {
	b, err := src.Bytes(off, headerSize, "CBFS master header")
	if err != nil {
		return nil, err
	}
	field := func(i int) uint32 { return binary.BigEndian.Uint32(b[4*i:]) }
	if field(0) != headerMagic || field(1) != version1 && field(1) != version2 {
		return nil, fmt.Errorf("%w: no master header at offset %#x", ErrFormat, off)
	}
	h := &Header{
		Offset:    off,
		Version:   field(1),
		ROMSize:   int64(field(2)),
		BootBlock: int64(field(3)),
		Align:     int64(field(4)),
		Contents:  int64(field(5)),
		Arch:      Arch(field(6)),
	}
	if h.Align == 0 || h.Align&(h.Align-1) != 0 {
		return nil, fmt.Errorf("%w: master header at offset %#x has an alignment of %#x, must be a power of two", ErrFormat, off, h.Align)
	}
	return h, nil
}

// pointedHeader reads the master header that the last bytes point to.
func pointedHeader(src binfmt.Source) (*Header, error) {
	b, err := src.Bytes(src.Size-pointerSize, pointerSize, "CBFS header pointer")
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrFormat, err)
	}
	rel := binary.LittleEndian.Uint32(b)
	return parseHeader(src, (src.Size+int64(rel))&math.MaxUint32)
}

// findHeader reads the master header that the last bytes point to, or else
// the first one there is.
func findHeader(src binfmt.Source) (*Header, error) {
	h, err := pointedHeader(src)
	if err == nil {
		return h, nil
	}
	h = nil
	err = src.Search([]byte("ORBC"), 0, func(off int64) bool {
		if off%4 == 0 {
			h, _ = parseHeader(src, off)
		}
		return h == nil
	})
	if err != nil {
		return nil, err
	}
	if h == nil {
		return nil, fmt.Errorf("%w: Cannot find master header", ErrFormat)
	}
	return h, nil
}

// parseFile reads the file header at offset pos, where its magic is.
func parseFile(src binfmt.Source, pos int64) (File, error) {
	b, err := src.Bytes(pos, fileSize, "file header")
	if err != nil {
		return File{}, err
	}
	field := func(off int) int64 { return int64(binary.BigEndian.Uint32(b[off:])) }
	f := File{HeaderOffset: pos, Size: field(8), Type: Type(field(12))}
	attrs, data := field(16), field(20)
	// A data offset of less would lead back to this header for ever.
	if data <= fileSize {
		return f, fmt.Errorf("data offset %#x lies in the header, which has %#x bytes", data, fileSize)
	}
	if err := src.Check(pos, data, "headers"); err != nil {
		return f, err
	}
	f.Offset = pos + data
	if err := src.Check(f.Offset, f.Size, "data"); err != nil {
		return f, err
	}
	nameEnd := data
	if attrs != 0 {
		if attrs <= fileSize || attrs > data {
			return f, fmt.Errorf("attribute offset %#x is not between the file header and the data at %#x", attrs, data)
		}
		nameEnd = attrs
	}
	head, err := src.Bytes(pos+fileSize, min(nameEnd-fileSize, maxName), "name")
	if err != nil {
		return f, err
	}
	n := bytes.IndexByte(head, 0)
	if n < 0 {
		return f, fmt.Errorf("name is not terminated in %d bytes", len(head))
	}
	f.Name = string(head[:n])
	f.Fixed = nameEnd > fileSize+packedSize(f.Name)
	if attrs == 0 {
		return f, nil
	}
	if err := f.parseAttrs(src, pos+attrs, f.Offset); err != nil {
		return f, fmt.Errorf("'%s': %w", f.Name, err)
	}
	return f, nil
}

// parseAttrs reads the attributes from offset pos to end.
func (f *File) parseAttrs(src binfmt.Source, pos, end int64) error {
	for n := 0; pos < end; n++ {
		if n == maxAttrs {
			return fmt.Errorf("more than %d attributes", maxAttrs)
		}
		if end-pos < 8 {
			return fmt.Errorf("attribute at offset %#x ran out of data", pos)
		}
		head, err := src.Bytes(pos, 8, "attribute")
		if err != nil {
			return err
		}
		tag, size := binary.BigEndian.Uint32(head), int64(binary.BigEndian.Uint32(head[4:]))
		if tag == tagUnused || tag == tagUnused2 {
			return nil
		}
		if size < 8 || size > end-pos {
			return fmt.Errorf("attribute at offset %#x has length %#x, must be from 8 to the %#x before the data", pos, size, end-pos)
		}
		if size > maxAttr {
			return fmt.Errorf("attribute at offset %#x has length %#x, more than the %#x allowed", pos, size, maxAttr)
		}
		body, err := src.Bytes(pos+8, size-8, "attribute")
		if err != nil {
			return err
		}
		if err := f.setAttr(tag, body); err != nil {
			return fmt.Errorf("attribute at offset %#x: %w", pos, err)
		}
		pos += size
	}
	return nil
}

// setAttr takes in an attribute without its tag and length.
func (f *File) setAttr(tag uint32, body []byte) error {
	switch tag {
	case tagComp:
		if len(body) != compSize-8 {
			return fmt.Errorf("compression has length %#x, must have %#x", len(body)+8, compSize)
		}
		f.Compression = Compression(binary.BigEndian.Uint32(body))
		f.UncompressedSize = int64(binary.BigEndian.Uint32(body[4:]))
	case tagStage:
		if len(body) != stageSize-8 {
			return fmt.Errorf("stage header has length %#x, must have %#x", len(body)+8, stageSize)
		}
		f.Load = binary.BigEndian.Uint64(body)
		f.Entry = f.Load + uint64(binary.BigEndian.Uint32(body[8:]))
		f.MemSize = int64(binary.BigEndian.Uint32(body[12:]))
	default:
		f.Attrs = append(f.Attrs, Attr{Tag: tag, Data: body})
	}
	return nil
}

// Open returns a reader for what the image, read from r, holds of the file.
func (f *File) Open(r io.ReaderAt) *io.SectionReader {
	return io.NewSectionReader(r, f.Offset, f.Size)
}

// Verify finds what Parse passes over: two files of one name, of which
// firmware finds the first, and a chain of files that breaks off before the
// end of the region; and it judges the hashes that files have.
func (im *Image) Verify(r io.ReaderAt, _ int64, _ []verify.Key) ([]verify.Finding, error) {
	list := []verify.Finding{verify.Structure(im.Size, im.check())}
	for _, f := range im.Files {
		if f.Type.Free() {
			continue
		}
		finding, err := f.verify(r)
		if err != nil {
			return nil, err
		}
		list = append(list, finding)
	}
	return list, nil
}

// hashes are those that a file may have, by their number in the attribute.
var hashes = map[uint32]crypto.Hash{1: crypto.SHA1, 2: crypto.SHA256, 3: crypto.SHA512, 4: crypto.SHA224, 5: crypto.SHA384}

// verify judges the hash of a file, which is that of what is stored:
//
//	offset  size  attribute 0x68736148, big-endian, behind tag and length
//	     0     4  1 SHA-1, 2 SHA-256, 3 SHA-512, 4 SHA-224, 5 SHA-384
//	     4     …  hash
func (f *File) verify(r io.ReaderAt) (verify.Finding, error) {
	found := verify.Finding{Path: f.Name, What: "contents", Verdict: verify.NotCovered, Why: "the CBFS has no hash of them", Offset: f.Offset, Size: f.Size}
	i := slices.IndexFunc(f.Attrs, func(a Attr) bool { return a.Tag == tagHash && len(a.Data) >= 4 })
	if i < 0 {
		return found, nil
	}
	number, want := binary.BigEndian.Uint32(f.Attrs[i].Data), f.Attrs[i].Data[4:]
	kind, ok := hashes[number]
	if !ok || len(want) < kind.Size() {
		found.Why = fmt.Sprintf("the CBFS has a hash of them of kind %d with %d bytes, which is not known", number, len(want))
		return found, nil
	}
	sum := kind.New()
	if _, err := io.Copy(sum, f.Open(r)); err != nil {
		return found, fmt.Errorf("CBFS file '%s': %w", f.Name, err)
	}
	found.What = strings.ToLower(strings.ReplaceAll(kind.String(), "-", ""))
	if found.Verdict, found.Why = verify.Good, ""; !bytes.Equal(sum.Sum(nil), want[:kind.Size()]) {
		found.Verdict, found.Why = verify.Bad, fmt.Sprintf("CBFS file '%s' has the hash %x, and should have %x", f.Name, sum.Sum(nil), want[:kind.Size()])
	}
	return found, nil
}

func (im *Image) check() error {
	seen := make(map[string]bool, len(im.Files))
	for _, f := range im.Files {
		if f.Type.Free() {
			continue
		}
		if seen[f.Name] {
			return fmt.Errorf("CBFS file '%s' at offset %#x appears twice", f.Name, f.HeaderOffset)
		}
		seen[f.Name] = true
	}
	// Behind the files there is room for less than one more, then the boot
	// block, or the master header and the pointer to it.
	tail := int64(defAlign + headerSize + pointerSize)
	if im.Header != nil {
		tail += im.Header.Align + im.Header.BootBlock
	}
	if im.End+tail < im.Size {
		return fmt.Errorf("CBFS files break off at offset %#x: no file header is there, and the region has %#x bytes", im.End, im.Size)
	}
	return nil
}
