// SPDX-License-Identifier: GPL-2.0-or-later

// Package fmap reads and writes the flash map of flashrom, coreboot and
// Chromium OS: a list of the named areas of a flash chip, itself stored
// somewhere in that chip.
//
// All numbers are little-endian, and the structures are packed:
//
//	offset  size  header
//	     0     8  signature "__FMAP__"
//	     8     1  major version, 1
//	     9     1  minor version, 0 or 1
//	    10     8  base: address of the flash chip in memory
//	    18     4  size of the flash chip in bytes
//	    22    32  name, NUL-terminated, without spaces
//	    54     2  number of areas that follow
//
//	offset  size  area
//	     0     4  offset in bytes from the start of the flash chip
//	     4     4  size in bytes
//	     8    32  name, NUL-padded
//	    40     2  flags
//
// There is no checksum and no pointer to the map: programs search for the
// signature. Flash images also hold the programs that do so, with the
// signature in their data, so a reader must tell a map from a decoy by its
// other fields.
//
// The format is specified by lib/fmap.h of the flashmap project
// (https://chromium.googlesource.com/chromiumos/third_party/flashmap) and
// fmap.h of flashrom.
package fmap

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"

	"binman/format/verify"
	"binman/internal/binfmt"
)

// Sizes of the structures, in bytes.
const (
	HeaderSize = 56
	AreaSize   = 42
	nameSize   = 32
)

// Flags of an area.
const (
	Static     uint16 = 1 << 0 // contents do not change
	Compressed uint16 = 1 << 1
	ReadOnly   uint16 = 1 << 2
	Preserve   uint16 = 1 << 3 // kept by firmware updates
)

var signature = []byte("__FMAP__")

var (
	// ErrNotFound says that an image holds no flash map.
	ErrNotFound = errors.New("cannot find an FMAP")
	// ErrFormat is wrapped by the errors about bytes that are not a map.
	ErrFormat = errors.New("not an FMAP")
)

// Map is a flash map.
type Map struct {
	Minor byte   // minor version; the major version is always 1
	Base  uint64 // address of the flash chip in memory
	Size  int64  // size of the flash chip in bytes
	Name  string // at most 31 graphic ASCII characters
	Areas []Area
}

// Area is a named part of the flash chip.
type Area struct {
	Offset int64 // bytes from the start of the chip
	Size   int64 // bytes
	Name   string
	Flags  uint16
}

// Name returns name in the spelling that flash maps use: in capitals, with
// underscores for hyphens, and without NULs.
func Name(name string) string {
	return strings.ToUpper(strings.NewReplacer("\x00", "", "-", "_").Replace(name))
}

// New returns an empty map, version 1.0, of a chip with size bytes. The name
// is respelled as Name does.
func New(size int64, name string) *Map {
	return &Map{Size: size, Name: Name(name)}
}

// Add appends an area. The name is respelled as Name does.
func (m *Map) Add(offset, size int64, name string, flags uint16) {
	m.Areas = append(m.Areas, Area{Offset: offset, Size: size, Name: Name(name), Flags: flags})
}

// Marshal returns the bytes of the map. Names are written as they are.
//
// An area name of more than 32 bytes is cut there, which is what the
// original does; a name that long for the map itself is an error, because
// flashrom and coreboot would take the map for a decoy.
func (m *Map) Marshal() ([]byte, error) {
	if len(m.Areas) > math.MaxUint16 {
		return nil, fmt.Errorf("FMAP cannot hold %d areas: the most is %d", len(m.Areas), math.MaxUint16)
	}
	if m.Size < 0 || m.Size > math.MaxUint32 {
		return nil, fmt.Errorf("FMAP cannot describe a flash size of %#x bytes: it must fit in 32 bits", m.Size)
	}
	if err := checkName(m.Name); err != nil {
		return nil, fmt.Errorf("FMAP cannot have the name %q: %w", m.Name, err)
	}
	buf := make([]byte, 0, HeaderSize+AreaSize*len(m.Areas))
	buf = append(buf, signature...)
	buf = append(buf, 1, m.Minor)
	buf = binary.LittleEndian.AppendUint64(buf, m.Base)
	buf = binary.LittleEndian.AppendUint32(buf, uint32(m.Size))
	buf = appendName(buf, m.Name)
	buf = binary.LittleEndian.AppendUint16(buf, uint16(len(m.Areas)))
	for _, a := range m.Areas {
		if a.Offset < 0 || a.Offset > math.MaxUint32 || a.Size < 0 || a.Size > math.MaxUint32 {
			return nil, fmt.Errorf("FMAP area '%s' at offset %#x with size %#x: both must fit in 32 bits", a.Name, a.Offset, a.Size)
		}
		buf = binary.LittleEndian.AppendUint32(buf, uint32(a.Offset))
		buf = binary.LittleEndian.AppendUint32(buf, uint32(a.Size))
		buf = appendName(buf, a.Name)
		buf = binary.LittleEndian.AppendUint16(buf, a.Flags)
	}
	return buf, nil
}

// appendName appends name in its fixed-size field.
func appendName(buf []byte, name string) []byte {
	var field [nameSize]byte
	copy(field[:], name)
	return append(buf, field[:]...)
}

// checkName applies flashrom's test for a map's own name, by which it tells
// maps from decoys.
func checkName(name string) error {
	if len(name) >= nameSize {
		return fmt.Errorf("it has %d bytes, the most is %d", len(name), nameSize-1)
	}
	for i := range len(name) {
		if name[i] <= ' ' || name[i] > '~' {
			return fmt.Errorf("byte %#02x in it is not a graphic character", name[i])
		}
	}
	return nil
}

// Parse reads the map at the start of r, of which size bytes may be read. It
// reads the header and the areas, nothing else. An error that wraps
// ErrFormat says that there is no map here.
func Parse(r io.ReaderAt, size int64) (*Map, error) {
	return ParseAt(r, size, 0)
}

// parseHeader reads the header at offset off, and checks that as many areas
// as it counts fit behind it.
func parseHeader(src binfmt.Source, off int64) (m *Map, areas int64, err error) {
	head, err := src.Bytes(off, HeaderSize, "FMAP header")
	if err != nil {
		return nil, 0, fmt.Errorf("%w: %w", ErrFormat, err)
	}
	if !bytes.Equal(head[:8], signature) {
		return nil, 0, fmt.Errorf("%w: no signature at offset %#x", ErrFormat, off)
	}
	if head[8] != 1 {
		return nil, 0, fmt.Errorf("%w at offset %#x: version %d.%d, only 1.x is known", ErrFormat, off, head[8], head[9])
	}
	name, terminated := binfmt.CString(head[22:54])
	if !terminated {
		return nil, 0, fmt.Errorf("%w at offset %#x: name is not terminated", ErrFormat, off)
	}
	if err := checkName(name); err != nil {
		return nil, 0, fmt.Errorf("%w at offset %#x: bad name: %w", ErrFormat, off, err)
	}
	m = &Map{
		Minor: head[9],
		Base:  binary.LittleEndian.Uint64(head[10:]),
		Size:  int64(binary.LittleEndian.Uint32(head[18:])),
		Name:  name,
	}
	areas = int64(binary.LittleEndian.Uint16(head[54:]))
	if err := src.Check(off+HeaderSize, areas*AreaSize, fmt.Sprintf("table of %d FMAP areas", areas)); err != nil {
		return nil, 0, fmt.Errorf("%w at offset %#x: %w", ErrFormat, off, err)
	}
	return m, areas, nil
}

// ParseAt reads the map at offset off in r.
func ParseAt(r io.ReaderAt, size, off int64) (*Map, error) {
	src := binfmt.Source{R: r, Size: size}
	m, count, err := parseHeader(src, off)
	if err != nil {
		return nil, err
	}
	table, err := src.Bytes(off+HeaderSize, count*AreaSize, "table of FMAP areas")
	if err != nil {
		return nil, err
	}
	if count > 0 {
		m.Areas = make([]Area, count)
	}
	for i := range m.Areas {
		field := table[i*AreaSize:][:AreaSize]
		name, _ := binfmt.CString(field[8:40])
		m.Areas[i] = Area{
			Offset: int64(binary.LittleEndian.Uint32(field)),
			Size:   int64(binary.LittleEndian.Uint32(field[4:])),
			Name:   name,
			Flags:  binary.LittleEndian.Uint16(field[40:]),
		}
	}
	return m, nil
}

// Find returns the first map at or after offset from in an image, and its
// offset. Signatures without a valid map behind them are passed over.
// Without a map, the error is ErrNotFound.
func Find(r io.ReaderAt, size, from int64) (*Map, int64, error) {
	src := binfmt.Source{R: r, Size: size}
	at := int64(-1)
	err := src.Search(signature, from, func(off int64) bool {
		m, areas, err := parseHeader(src, off)
		// A map larger than its flash chip describes none: a decoy. The
		// areas stay unread, so that many decoys cost little.
		if err != nil || m.Size < HeaderSize+areas*AreaSize {
			return true
		}
		at = off
		return false
	})
	if err != nil {
		return nil, 0, err
	}
	if at < 0 {
		return nil, 0, ErrNotFound
	}
	m, err := ParseAt(r, size, at)
	return m, at, err
}

// Detect reports whether r starts with a map.
func Detect(r io.ReaderAt, size int64) bool {
	_, err := Parse(r, size)
	return err == nil
}

// Verify finds the first area that does not lie inside the flash chip. There are
// no hashes.
func (m *Map) Verify(_ io.ReaderAt, size int64, _ []verify.Key) ([]verify.Finding, error) {
	list := []verify.Finding{verify.Structure(size, m.check())}
	for _, a := range m.Areas {
		list = append(list, verify.Finding{Path: a.Name, What: "contents", Verdict: verify.NotCovered, Why: "a flash map has no hash of them", Offset: a.Offset, Size: a.Size})
	}
	return list, nil
}

func (m *Map) check() error {
	for i, a := range m.Areas {
		if a.Offset > m.Size || a.Size > m.Size-a.Offset {
			return fmt.Errorf("FMAP area %d '%s' at offset %#x with size %#x is outside the flash of %#x bytes", i, a.Name, a.Offset, a.Size, m.Size)
		}
	}
	return nil
}

// List returns the areas in the order of the map. Offsets count from the
// start of the flash chip, not of the map.
func (m *Map) List() []binfmt.Item {
	items := make([]binfmt.Item, len(m.Areas))
	for i, a := range m.Areas {
		items[i] = binfmt.Item{Name: a.Name, Type: "area", Offset: a.Offset, Size: a.Size}
	}
	return items
}
