// SPDX-License-Identifier: GPL-2.0-or-later

// Package fip reads and writes the Firmware Image Package of Trusted
// Firmware-A: a table of contents that gives each image a UUID, followed by
// the images.
//
// All numbers are little-endian. A UUID is 16 bytes in the order in which it
// is written down:
//
//	offset  size  header
//	     0     4  magic 0xaa640001
//	     4     4  serial number, not 0; 0x12345678 by custom
//	     8     8  flags; bits 32 to 47 belong to the platform
//
//	offset  size  entry
//	     0    16  UUID
//	    16     8  offset of the image in bytes from the start of the header
//	    24     8  size of the image in bytes
//	    32     8  flags
//
// An entry with a UUID of zeros ends the table. Images follow in the order
// of the table, each aligned to a power of two, with zeros in between.
//
// The format is specified in the firmware design document of Trusted
// Firmware-A, section "Firmware Image Package (FIP)", and by
// include/tools_share/firmware_image_package.h there.
package fip

import (
	"cmp"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"

	"binman/format/verify"
	"binman/internal/binfmt"
)

// Sizes of the structures, in bytes.
const (
	HeaderSize = 16
	EntrySize  = 40
)

const (
	magic  = 0xaa640001
	serial = 0x12345678

	// maxEntries bounds what a damaged table can cost: the format knows a
	// few dozen types, and firmware reads the table one entry at a time.
	maxEntries = 4096
)

var (
	// ErrFormat is wrapped by the errors about bytes that are not a FIP.
	ErrFormat = errors.New("not a FIP")
	// ErrNotFound is wrapped by the errors about an entry that a FIP does
	// not hold.
	ErrNotFound = errors.New("no such entry")
)

// UUID identifies what an entry holds. The zero value ends a table.
type UUID [16]byte

// String returns the canonical form, such as
// 5ff9ec0b-4d22-3e4d-a544-c39d81c73f0a.
func (u UUID) String() string {
	return fmt.Sprintf("%x-%x-%x-%x-%x", u[:4], u[4:6], u[6:8], u[8:10], u[10:])
}

// ParseUUID reads 32 hexadecimal digits, with or without the hyphens.
func ParseUUID(s string) (UUID, error) {
	var u UUID
	digits := strings.ReplaceAll(s, "-", "")
	if len(digits) != 32 {
		return u, fmt.Errorf("UUID %q has %d hexadecimal digits, must have 32", s, len(digits))
	}
	if _, err := hex.Decode(u[:], []byte(digits)); err != nil {
		return u, fmt.Errorf("UUID %q: %w", s, err)
	}
	return u, nil
}

// Package is a FIP: its header and table of contents.
type Package struct {
	Serial  uint32 // 0 means 0x12345678
	Flags   uint64
	Align   int64 // what Layout aligns images to, a power of two; 0 means 1
	Entries []Entry
}

// Entry is a line in the table of contents.
type Entry struct {
	UUID   UUID
	Offset int64 // bytes from the start of the FIP; Layout sets it
	Size   int64 // bytes
	Flags  uint64
}

// Name returns the name that fiptool has for the entry's type, such as
// "soc-fw", or the UUID where it has none.
func (e Entry) Name() string {
	if t, ok := ByUUID(e.UUID); ok {
		return t.Name
	}
	return e.UUID.String()
}

// tocSize returns the size of header and table, terminator included.
func (p *Package) tocSize() int64 {
	return HeaderSize + EntrySize*(int64(len(p.Entries))+1)
}

// Layout gives each entry its offset, from the sizes of the entries in their
// order, and returns the size of the whole FIP in bytes.
func (p *Package) Layout() (int64, error) {
	align := max(p.Align, 1)
	if p.Align < 0 || align&(align-1) != 0 {
		return 0, fmt.Errorf("FIP alignment %d must be a power of two", p.Align)
	}
	if len(p.Entries) > maxEntries {
		return 0, fmt.Errorf("FIP cannot hold %d entries: the most is %d", len(p.Entries), maxEntries)
	}
	seen := make(map[UUID]bool, len(p.Entries))
	pos := p.tocSize()
	for i := range p.Entries {
		e := &p.Entries[i]
		if e.UUID == (UUID{}) {
			return 0, fmt.Errorf("FIP entry %d: a UUID of zeros would end the table", i)
		}
		if seen[e.UUID] {
			return 0, fmt.Errorf("FIP entry '%s' appears twice: firmware would find the first only", e.Name())
		}
		seen[e.UUID] = true
		if e.Size < 0 || pos > math.MaxInt64-align || e.Size > math.MaxInt64-binfmt.Align(pos, align) {
			return 0, fmt.Errorf("FIP entry '%s': size %#x at offset %#x is out of range", e.Name(), e.Size, pos)
		}
		e.Offset = binfmt.Align(pos, align)
		pos = e.Offset + e.Size
	}
	return pos, nil
}

// Header returns the bytes of header and table, with offsets as they are in
// the entries. It is what stands before the first image.
func (p *Package) Header() []byte {
	buf := make([]byte, 0, p.tocSize())
	number := p.Serial
	if number == 0 {
		number = serial
	}
	buf = binary.LittleEndian.AppendUint32(buf, magic)
	buf = binary.LittleEndian.AppendUint32(buf, number)
	buf = binary.LittleEndian.AppendUint64(buf, p.Flags)
	for _, e := range p.Entries {
		buf = append(buf, e.UUID[:]...)
		buf = binary.LittleEndian.AppendUint64(buf, uint64(e.Offset))
		buf = binary.LittleEndian.AppendUint64(buf, uint64(e.Size))
		buf = binary.LittleEndian.AppendUint64(buf, e.Flags)
	}
	return append(buf, make([]byte, EntrySize)...)
}

// Marshal returns the FIP that holds images[i] as the contents of
// p.Entries[i]. It sets the sizes and offsets of the entries. For images too
// large for memory, set the sizes, call Layout and Header, and put the
// images at their offsets.
func (p *Package) Marshal(images [][]byte) ([]byte, error) {
	if len(images) != len(p.Entries) {
		return nil, fmt.Errorf("FIP has %d entries but %d images", len(p.Entries), len(images))
	}
	for i := range p.Entries {
		p.Entries[i].Size = int64(len(images[i]))
	}
	size, err := p.Layout()
	if err != nil {
		return nil, err
	}
	if size > math.MaxInt {
		return nil, fmt.Errorf("FIP of %#x bytes is too large for memory", size)
	}
	buf := make([]byte, size)
	copy(buf, p.Header())
	for i, e := range p.Entries {
		copy(buf[e.Offset:], images[i])
	}
	return buf, nil
}

// Detect reports whether r starts with the header of a FIP.
func Detect(r io.ReaderAt, size int64) bool {
	_, err := parseHeader(binfmt.Source{R: r, Size: size})
	return err == nil
}

func parseHeader(src binfmt.Source) (*Package, error) {
	head, err := src.Bytes(0, HeaderSize, "FIP header")
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrFormat, err)
	}
	if got := binary.LittleEndian.Uint32(head); got != magic {
		return nil, fmt.Errorf("%w: starts with %#x, not %#x", ErrFormat, got, uint32(magic))
	}
	p := &Package{
		Serial: binary.LittleEndian.Uint32(head[4:]),
		Flags:  binary.LittleEndian.Uint64(head[8:]),
	}
	if p.Serial == 0 {
		return nil, fmt.Errorf("%w: serial number is 0", ErrFormat)
	}
	return p, nil
}

// Parse reads the header and table of the FIP at the start of r, of which
// size bytes may be read. Every image lies inside these bytes and behind the
// table; images may share bytes with each other. Parse does not read images.
func Parse(r io.ReaderAt, size int64) (*Package, error) {
	src := binfmt.Source{R: r, Size: size}
	p, err := parseHeader(src)
	if err != nil {
		return nil, err
	}
	for pos := int64(HeaderSize); ; pos += EntrySize {
		i := len(p.Entries)
		field, err := src.Bytes(pos, EntrySize, fmt.Sprintf("FIP entry %d", i))
		if err != nil {
			return nil, fmt.Errorf("%w (is the table's terminator missing?)", err)
		}
		e := Entry{UUID: UUID(field[:16]), Flags: binary.LittleEndian.Uint64(field[32:])}
		if e.UUID == (UUID{}) {
			break
		}
		if i == maxEntries {
			return nil, fmt.Errorf("FIP has more than %d entries: the table at offset %#x is damaged", maxEntries, HeaderSize)
		}
		offset := binary.LittleEndian.Uint64(field[16:])
		length := binary.LittleEndian.Uint64(field[24:])
		if offset > uint64(size) || length > uint64(size)-offset {
			return nil, fmt.Errorf("FIP entry %d '%s' at offset %#x with size %#x is %w of %#x bytes", i, e.Name(), offset, length, binfmt.ErrRange, size)
		}
		e.Offset, e.Size = int64(offset), int64(length)
		p.Entries = append(p.Entries, e)
	}
	for i, e := range p.Entries {
		if e.Offset < p.tocSize() {
			return nil, fmt.Errorf("FIP entry %d '%s' at offset %#x lies in the table, which ends at %#x", i, e.Name(), e.Offset, p.tocSize())
		}
	}
	return p, nil
}

// Verify finds entries that share bytes or have the same UUID, which no tool
// writes and firmware does not expect. There are no hashes.
func (p *Package) Verify(_ io.ReaderAt, size int64, _ []verify.Key) ([]verify.Finding, error) {
	list := []verify.Finding{verify.Structure(size, p.check())}
	for _, e := range p.Entries {
		list = append(list, verify.Finding{Path: e.Name(), What: "contents", Verdict: verify.NotCovered, Why: "a FIP has no hash of them", Offset: e.Offset, Size: e.Size})
	}
	return list, nil
}

func (p *Package) check() error {
	seen := make(map[UUID]bool, len(p.Entries))
	for i, e := range p.Entries {
		if seen[e.UUID] {
			return fmt.Errorf("FIP entry %d '%s' appears twice", i, e.Name())
		}
		seen[e.UUID] = true
	}
	sorted := slices.Clone(p.Entries)
	sorted = slices.DeleteFunc(sorted, func(e Entry) bool { return e.Size == 0 })
	slices.SortStableFunc(sorted, func(a, b Entry) int { return cmp.Compare(a.Offset, b.Offset) })
	for i := 1; i < len(sorted); i++ {
		if a, b := sorted[i-1], sorted[i]; a.Offset+a.Size > b.Offset {
			return fmt.Errorf("FIP entry '%s' at offset %#x with size %#x overlaps '%s' at offset %#x", a.Name(), a.Offset, a.Size, b.Name(), b.Offset)
		}
	}
	return nil
}

// ByType returns the entry of the named type, as in Entry.Name. The error
// tells an unknown name from a type that the FIP does not hold.
func (p *Package) ByType(name string) (Entry, error) {
	t, ok := ByName(name)
	if !ok {
		return Entry{}, fmt.Errorf("Unknown FIP entry type '%s'", name) //lint:ignore ST1005 the original's wording
	}
	for _, e := range p.Entries {
		if e.UUID == t.UUID {
			return e, nil
		}
	}
	return Entry{}, &notFoundError{name}
}

// ByUUID returns the entry with the given UUID.
func (p *Package) ByUUID(u UUID) (Entry, error) {
	for _, e := range p.Entries {
		if e.UUID == u {
			return e, nil
		}
	}
	return Entry{}, &notFoundError{u.String()}
}

// notFoundError has the wording of the original.
type notFoundError struct{ label string }

func (e *notFoundError) Error() string { return fmt.Sprintf("Cannot find FIP entry '%s'", e.label) }
func (e *notFoundError) Unwrap() error { return ErrNotFound }

// List returns the entries in the order of the table.
func (p *Package) List() []binfmt.Item {
	items := make([]binfmt.Item, len(p.Entries))
	for i, e := range p.Entries {
		desc := "unknown"
		if t, ok := ByUUID(e.UUID); ok {
			desc = t.Desc
		}
		items[i] = binfmt.Item{Name: e.Name(), Type: desc, Offset: e.Offset, Size: e.Size}.With("uuid", e.UUID.String())
	}
	return items
}
