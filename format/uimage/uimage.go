// SPDX-License-Identifier: GPL-2.0-or-later

// Package uimage reads and writes the legacy image of U-Boot, which mkimage
// makes unless it is asked for a FIT: a header with two checksums, and the
// data.
//
// All numbers are big-endian:
//
//	offset  size  header
//	     0     4  magic 0x27051956
//	     4     4  CRC-32 of the header, with this field as 0
//	     8     4  time of creation, seconds since 1970
//	    12     4  size of the data in bytes
//	    16     4  load address
//	    20     4  address of the entry point
//	    24     4  CRC-32 of the data
//	    28     1  operating system
//	    29     1  architecture
//	    30     1  type
//	    31     1  compression
//	    32    32  name, NUL-padded
//
// The data of a multi-file image or a script is a list of sizes (4 each)
// that ends with 0, followed by that many parts, each padded to a multiple of
// 4 except for the last.
//
// The format is specified by include/image.h of U-Boot.
package uimage

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math"

	"binman/format/verify"
	"binman/internal/binfmt"
)

// HeaderSize is the size of the header in bytes.
const HeaderSize = 64

// NameSize is the most that a name can have, in bytes.
const NameSize = 32

const (
	magic = 0x27051956

	// maxParts bounds what a damaged list of sizes can cost.
	maxParts = 4096
)

var (
	// ErrFormat is wrapped by the errors about bytes that are not a legacy
	// image.
	ErrFormat = errors.New("not a legacy U-Boot image")
	// ErrCRC is wrapped by the errors about a checksum that does not match.
	ErrCRC = errors.New("bad CRC")
)

// Image is a legacy image.
type Image struct {
	Time    uint32 // of creation, seconds since 1970
	Load    uint32 // address
	Entry   uint32 // address
	OS      OS
	Arch    Arch
	Type    Type
	Comp    Compression
	Name    string // at most 32 bytes
	Size    int64  // of the data in bytes; it starts behind the header
	DataCRC uint32 // as the header has it

	// Parts are what a multi-file image or a script holds. Parse sets them;
	// Marshal takes data that starts with their list.
	Parts []Part
}

// Part is one of the files in a multi-file image.
type Part struct {
	Offset int64 // bytes from the start of the header
	Size   int64 // bytes, without padding
}

// Marshal returns an image of the given data. It sets im.Size and
// im.DataCRC.
func (im *Image) Marshal(data []byte) ([]byte, error) {
	im.Size, im.DataCRC = int64(len(data)), crc32.ChecksumIEEE(data)
	header, err := im.Header()
	if err != nil {
		return nil, err
	}
	return append(header, data...), nil
}

// Header returns the header for data of im.Size and im.DataCRC.
func (im *Image) Header() ([]byte, error) {
	if im.Size < 0 || im.Size > math.MaxUint32 {
		return nil, fmt.Errorf("legacy image cannot hold %#x bytes: the size must fit in 32 bits", im.Size)
	}
	if len(im.Name) > NameSize {
		return nil, fmt.Errorf("legacy image name %q has %d bytes: the most is %d", im.Name, len(im.Name), NameSize)
	}
	size := uint32(im.Size)
	if im.Type == FirmwareIVT {
		size += CSFRoom
	}
	buf := make([]byte, 0, HeaderSize)
	for _, v := range [...]uint32{magic, 0, im.Time, size, im.Load, im.Entry, im.DataCRC} {
		buf = binary.BigEndian.AppendUint32(buf, v)
	}
	buf = append(buf, byte(im.OS), byte(im.Arch), byte(im.Type), byte(im.Comp))
	buf = append(buf, im.Name...)
	buf = buf[:HeaderSize]
	binary.BigEndian.PutUint32(buf[4:], crc32.ChecksumIEEE(buf))
	return buf, nil
}

// parseHeader reads the header and checks its CRC.
func parseHeader(src binfmt.Source) (*Image, error) {
	b, err := src.Bytes(0, HeaderSize, "legacy image header")
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrFormat, err)
	}
	field := func(off int) uint32 { return binary.BigEndian.Uint32(b[off:]) }
	if got := field(0); got != magic {
		return nil, fmt.Errorf("%w: starts with %#x, not %#x", ErrFormat, got, magic)
	}
	stored := field(4)
	clear(b[4:8])
	if sum := crc32.ChecksumIEEE(b); sum != stored {
		return nil, fmt.Errorf("%w: header has %w %#08x, should be %#08x", ErrFormat, ErrCRC, stored, sum)
	}
	name, _ := binfmt.CString(b[32:])
	return &Image{
		Time:    field(8),
		Load:    field(16),
		Entry:   field(20),
		OS:      OS(b[28]),
		Arch:    Arch(b[29]),
		Type:    Type(b[30]),
		Comp:    Compression(b[31]),
		Name:    name,
		Size:    int64(field(12)),
		DataCRC: field(24),
	}, nil
}

// Detect reports whether r starts with a header whose CRC matches.
func Detect(r io.ReaderAt, size int64) bool {
	_, err := parseHeader(binfmt.Source{R: r, Size: size})
	return err == nil
}

// Parse reads the header at the start of r, of which size bytes may be read,
// and the list of parts. The CRC of the header matches and all data lies
// inside these bytes; whether the CRC of the data matches is for Verify.
func Parse(r io.ReaderAt, size int64) (*Image, error) {
	src := binfmt.Source{R: r, Size: size}
	im, err := parseHeader(src)
	if err != nil {
		return nil, err
	}
	if im.Type == FirmwareIVT {
		im.Size -= CSFRoom // a negative one is an error
	}
	if err := src.Check(HeaderSize, im.Size, "legacy image data"); err != nil {
		return nil, err
	}
	if im.Type == Multi || im.Type == Script {
		if err := im.parseParts(binfmt.Source{R: r, Size: HeaderSize + im.Size}); err != nil {
			return nil, fmt.Errorf("legacy image '%s': %w", im.Name, err)
		}
	}
	return im, nil
}

// parseParts reads the list of sizes. The source ends where the data does.
func (im *Image) parseParts(src binfmt.Source) error {
	pos := int64(HeaderSize)
	for ; ; pos += 4 {
		b, err := src.Bytes(pos, 4, "size of a part")
		if err != nil {
			return fmt.Errorf("list of parts is not terminated: %w", err)
		}
		n := binary.BigEndian.Uint32(b)
		if n == 0 {
			break
		}
		if len(im.Parts) == maxParts {
			return fmt.Errorf("more than %d parts", maxParts)
		}
		im.Parts = append(im.Parts, Part{Size: int64(n)})
	}
	pos += 4
	for i := range im.Parts {
		p := &im.Parts[i]
		p.Offset = pos
		if err := src.Check(p.Offset, p.Size, fmt.Sprintf("part %d", i)); err != nil {
			return err
		}
		pos = binfmt.Align(pos+p.Size, 4)
	}
	return nil
}

// Verify compares the CRCs of the header, which Parse has, and of the data.
func (im *Image) Verify(r io.ReaderAt, _ int64, _ []verify.Key) ([]verify.Finding, error) {
	sum := crc32.NewIEEE()
	if _, err := io.Copy(sum, io.NewSectionReader(r, HeaderSize, im.Size)); err != nil {
		return nil, fmt.Errorf("read legacy image data: %w", err)
	}
	data := verify.Finding{What: "crc32 of the data", Offset: HeaderSize, Size: im.Size}
	if got := sum.Sum32(); got != im.DataCRC {
		data.Verdict = verify.Bad
		data.Why = fmt.Sprintf("legacy image '%s': data has %v %#08x, should be %#08x", im.Name, ErrCRC, got, im.DataCRC)
	}
	return []verify.Finding{{What: "crc32 of the header", Size: HeaderSize}, data}, nil
}

// Details returns what the header says of the image.
func (im *Image) Details() binfmt.Details {
	return binfmt.Details{}.With("description", im.Name).With("arch", im.Arch.String()).With("os", im.OS.String()).With("compression", im.Comp.String()).
		With("load", im.Load).With("entry", im.Entry).With("timestamp", int64(im.Time))
}

// List returns the data of the image, or its parts.
func (im *Image) List() []binfmt.Item {
	if len(im.Parts) == 0 {
		return []binfmt.Item{{Name: im.Name, Type: im.Type.String(), Offset: HeaderSize, Size: im.Size}}
	}
	items := make([]binfmt.Item, len(im.Parts))
	for i, p := range im.Parts {
		items[i] = binfmt.Item{Name: fmt.Sprintf("%s[%d]", im.Name, i), Type: im.Type.String(), Offset: p.Offset, Size: p.Size}
	}
	return items
}
