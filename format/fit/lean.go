// SPDX-License-Identifier: GPL-2.0-or-later

package fit

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"

	"binman/fdt"
	"binman/internal/binfmt"
)

// maxLean bounds the device tree of a FIT without the contents of its images, in
// bytes.
const maxLean = 64 << 20

// lean is the device tree of a FIT without the contents of its images, which may
// be large: their properties "data" are empty.
type lean struct {
	blob []byte
	size int64  // of the device tree with the contents, in bytes
	data []span // the contents, by the numbers of the images
	full bool   // the properties are not empty after all
}

// span is a part of a FIT, in bytes.
type span struct{ offset, size int64 }

// errUnusual says that a device tree is not laid out as libfdt does, or broken.
var errUnusual = errors.New("its structure block cannot be followed")

// readLean reads the device tree at the start of src.
func readLean(src binfmt.Source) (*lean, error) {
	head, err := src.Bytes(0, headerSize, "device tree header")
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrFormat, err)
	}
	size, err := fdt.TotalSize(head)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrFormat, err)
	}
	if err := src.Check(0, size, "device tree"); err != nil {
		return nil, err
	}
	l := &lean{size: size}
	err = l.cut(src, head)
	if err == nil || !errors.Is(err, errUnusual) {
		return l, err
	}
	if size > maxLean {
		return nil, fmt.Errorf("%w: the device tree has %#x bytes, and %w", ErrFormat, size, err)
	}
	// The parser says what is wrong, if anything is.
	l.full = true
	l.blob, err = src.Bytes(0, size, "device tree")
	return l, err
}

// cut reads all but the contents.
func (l *lean) cut(src binfmt.Source, head []byte) error {
	field := func(at int) int64 { return int64(binary.BigEndian.Uint32(head[at:])) }
	start, size, names := field(atStruct), field(atSizeStruct), field(atStrings)
	if field(atVersion) < 17 || start < headerSize || field(atReserved) > start || names < start+size || names > l.size || start+l.size-names > maxLean {
		return errUnusual
	}
	before, err := src.Bytes(0, start, "device tree")
	if err != nil {
		return err
	}
	behind, err := src.Bytes(start+size, l.size-start-size, "device tree")
	if err != nil {
		return err
	}
	s := structure{r: bufio.NewReaderSize(nil, 64<<10), src: src, at: start, end: start + size, names: behind[names-start-size:]}
	s.r.Reset(io.NewSectionReader(src.R, start, size))
	if err := s.cut(); err != nil {
		return err
	}
	l.data = s.data
	l.blob = append(append(before, s.out...), behind...)
	cut := uint32(size - int64(len(s.out)))
	for _, at := range []int{atTotalSize, atStrings, atSizeStruct} {
		binary.BigEndian.PutUint32(l.blob[at:], binary.BigEndian.Uint32(l.blob[at:])-cut)
	}
	return nil
}

// structure is a structure block that is being copied without the contents of
// images.
type structure struct {
	r       *bufio.Reader
	src     binfmt.Source
	at, end int64  // of what is still to be read
	names   []byte // the strings block, and what follows it
	out     []byte
	data    []span
}

// cut copies the block up to its end.
func (s *structure) cut() error {
	depth := 0 // the root is at 1, /images at 2
	inImages, seen, have := false, false, false
	for {
		tag, err := s.copy(4)
		if err != nil {
			return err
		}
		switch binary.BigEndian.Uint32(tag) {
		case tagBeginNode:
			name, err := s.name()
			if err != nil {
				return err
			}
			depth++
			switch {
			case depth == 2 && name == "images" && !seen:
				inImages, seen = true, true
			case depth == 3 && inImages:
				s.data = append(s.data, span{})
				have = false
			}
		case tagEndNode:
			if depth == 2 {
				inImages = false
			}
			depth--
		case tagProp:
			prop, err := s.copy(8)
			if err != nil {
				return err
			}
			size, name := int64(binary.BigEndian.Uint32(prop)), int64(binary.BigEndian.Uint32(prop[4:]))
			// Of two properties of one name, every reader takes the first.
			if depth == 3 && inImages && !have && name < int64(len(s.names)) && bytes.HasPrefix(s.names[name:], []byte("data\x00")) {
				clear(prop[:4])
				s.data[len(s.data)-1], have = span{s.at, size}, true
				err = s.skip(binfmt.Align(size, 4))
			} else {
				_, err = s.copy(binfmt.Align(size, 4))
			}
			if err != nil {
				return err
			}
		case tagNop:
		case tagEnd:
			_, err := s.copy(s.end - s.at)
			return err
		default:
			return errUnusual
		}
	}
}

// copy copies n bytes, and returns them.
func (s *structure) copy(n int64) ([]byte, error) {
	if n > s.end-s.at || int64(len(s.out))+n > maxLean {
		return nil, errUnusual
	}
	old := len(s.out)
	s.out = slices.Grow(s.out, int(n))[:old+int(n)]
	if _, err := io.ReadFull(s.r, s.out[old:]); err != nil {
		return nil, fmt.Errorf("read device tree at offset %#x: %w", s.at, err)
	}
	s.at += n
	return s.out[old:], nil
}

// name copies the name of a node, with its padding.
func (s *structure) name() (string, error) {
	old := len(s.out)
	for {
		part, err := s.copy(4)
		if err != nil {
			return "", err
		}
		if bytes.IndexByte(part, 0) >= 0 {
			name, _ := binfmt.CString(s.out[old:])
			return name, nil
		}
	}
}

// skip leaves n bytes out.
func (s *structure) skip(n int64) error {
	if n > s.end-s.at {
		return errUnusual
	}
	s.at += n
	if n <= int64(s.r.Buffered()) {
		_, err := s.r.Discard(int(n))
		return err
	}
	s.r.Reset(io.NewSectionReader(s.src.R, s.at, s.end-s.at))
	return nil
}
