// SPDX-License-Identifier: GPL-2.0-or-later

// Package gpt reads the GUID partition table of a disk image.
//
// The disk is an array of sectors (logical blocks) of 512 or more bytes.
// Sector 1 holds the primary header, the last sector a copy of it; each
// header points to its own array of entries. All numbers are little-endian:
//
//	offset  size  header
//	     0     8  signature "EFI PART"
//	     8     4  revision, 0x00010000
//	    12     4  size of the header in bytes, 92 or more
//	    16     4  CRC-32 of the header, with this field as 0
//	    24     8  sector of this header
//	    32     8  sector of the other header
//	    40     8  first sector that partitions may use
//	    48     8  last sector that partitions may use
//	    56    16  GUID of the disk
//	    72     8  first sector of the array of entries
//	    80     4  number of entries, used or not
//	    84     4  size of an entry in bytes, 128 or more
//	    88     4  CRC-32 of the array
//
//	offset  size  entry
//	     0    16  GUID of the type; zeros mark the entry as unused
//	    16    16  GUID of the partition
//	    32     8  first sector
//	    40     8  last sector, included
//	    48     8  attributes
//	    56    72  name, UTF-16, NUL-padded
//
// Nothing says how large a sector is; the place of the header does.
//
// The format is specified in chapter 5 of the UEFI specification.
package gpt

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math"
	"slices"
	"unicode/utf16"

	"binman/format/verify"
	"binman/internal/binfmt"
)

const (
	headerSize = 92
	entrySize  = 128

	// maxArray bounds, in bytes, what a damaged header can cost. Tables
	// have 128 entries of 128 bytes, 16 KiB, almost without exception.
	maxArray = 1 << 20
)

var signature = []byte("EFI PART")

// sectorSizes are the sizes in use, the usual ones first.
var sectorSizes = [...]int64{512, 4096, 2048, 1024}

var (
	// ErrFormat is wrapped by the errors about an image without a table.
	ErrFormat = errors.New("no GUID partition table")
	// ErrCRC is wrapped by the errors about a checksum that does not match.
	ErrCRC = errors.New("bad CRC")
)

// GUID is an EFI GUID, in the bytes of the disk.
type GUID = binfmt.GUID

// Table is a partition table.
type Table struct {
	SectorSize  int64 // bytes
	Sector      int64 // of the header that was read
	Other       int64 // sector of the other header
	FirstUsable int64 // sector
	LastUsable  int64 // sector, included
	Disk        GUID
	Backup      bool  // read from the copy, since the primary is damaged
	Damage      error // what is wrong with the primary
	Partitions  []Partition
}

// Partition is an entry that is in use.
type Partition struct {
	Index  int // in the array, from 0
	Type   GUID
	Unique GUID
	Name   string
	Offset int64 // bytes from the start of the disk
	Size   int64 // bytes
	Attrs  uint64
}

// Detect reports whether r, of which size bytes may be read, has the
// signature of a header in sector 1, or has a table in the last sector: the
// first ones of a disk may hold a boot loader now.
func Detect(r io.ReaderAt, size int64) bool {
	src := binfmt.Source{R: r, Size: size}
	return slices.ContainsFunc(sectorSizes[:], func(sector int64) bool {
		if src.HasAt(signature, sector) {
			return true
		}
		if !src.HasAt(signature, size/sector*sector-sector) {
			return false
		}
		_, err := parse(src, sector, size/sector-1)
		return err == nil
	})
}

// Parse reads the table of the disk image that r holds, of size bytes. When
// the primary table is damaged and the image reaches to the end of the disk,
// it reads the copy. The table's CRCs match; partitions may lie outside the
// image, which need not be the whole disk: see Verify.
func Parse(r io.ReaderAt, size int64) (*Table, error) {
	src := binfmt.Source{R: r, Size: size}
	var damage error // of the first table that was found
	for _, backup := range [...]bool{false, true} {
		for _, sectorSize := range sectorSizes {
			sector := int64(1)
			if backup {
				sector = size/sectorSize - 1
			}
			if sector < 1 || !src.HasAt(signature, sector*sectorSize) {
				continue
			}
			t, err := parse(src, sectorSize, sector)
			if err == nil {
				t.Backup = backup
				if t.Damage = damage; backup && damage == nil {
					t.Damage = errors.New("there is no signature in sector 1")
				}
				return t, nil
			}
			if damage == nil {
				damage = err
			}
		}
	}
	if damage != nil {
		return nil, damage
	}
	return nil, fmt.Errorf("%w: no signature in sector 1", ErrFormat)
}

// parse reads the header in a sector, and its entries.
func parse(src binfmt.Source, sectorSize, sector int64) (*Table, error) {
	at := sector * sectorSize
	b, err := src.Bytes(at, headerSize, "GPT header")
	if err != nil {
		return nil, err
	}
	u32 := func(off int) int64 { return int64(binary.LittleEndian.Uint32(b[off:])) }
	u64 := func(off int) uint64 { return binary.LittleEndian.Uint64(b[off:]) }
	if n := u32(12); n < headerSize || n > sectorSize {
		return nil, fmt.Errorf("GPT header at offset %#x has %#x bytes, must have from %#x to %#x", at, n, headerSize, sectorSize)
	}
	whole, err := src.Bytes(at, u32(12), "GPT header")
	if err != nil {
		return nil, err
	}
	clear(whole[16:20])
	if sum := crc32.ChecksumIEEE(whole); int64(sum) != u32(16) {
		return nil, fmt.Errorf("GPT header at offset %#x has %w %#08x, should be %#08x", at, ErrCRC, u32(16), sum)
	}
	if u64(24) != uint64(sector) {
		return nil, fmt.Errorf("GPT header at offset %#x says that it is in sector %d, but it is in sector %d of %d bytes", at, u64(24), sector, sectorSize)
	}
	// The largest sector whose end is still an int64.
	limit := uint64(math.MaxInt64/sectorSize) - 1
	for _, field := range [...]struct {
		off  int
		name string
	}{{32, "other header"}, {40, "first usable sector"}, {48, "last usable sector"}, {72, "array of entries"}} {
		if u64(field.off) > limit {
			return nil, fmt.Errorf("GPT header at offset %#x: sector %#x of the %s is out of range", at, u64(field.off), field.name)
		}
	}
	t := &Table{
		SectorSize:  sectorSize,
		Sector:      sector,
		Other:       int64(u64(32)),
		FirstUsable: int64(u64(40)),
		LastUsable:  int64(u64(48)),
		Disk:        GUID(b[56:72]),
	}
	count, each := u32(80), u32(84)
	if each < entrySize || each&(each-1) != 0 {
		return nil, fmt.Errorf("GPT header at offset %#x: entries have %#x bytes, must have a power of two from %#x", at, each, entrySize)
	}
	if count > maxArray/each {
		return nil, fmt.Errorf("GPT header at offset %#x: %d entries of %#x bytes are more than the %#x bytes allowed", at, count, each, maxArray)
	}
	arrayAt := int64(u64(72)) * sectorSize
	array, err := src.Bytes(arrayAt, count*each, "array of GPT entries")
	if err != nil {
		return nil, err
	}
	if sum := crc32.ChecksumIEEE(array); int64(sum) != u32(88) {
		return nil, fmt.Errorf("array of GPT entries at offset %#x has %w %#08x, should be %#08x", arrayAt, ErrCRC, u32(88), sum)
	}
	for i := range int(count) {
		entry := array[int64(i)*each:][:each]
		if GUID(entry[:16]) == (GUID{}) {
			continue
		}
		first, last := binary.LittleEndian.Uint64(entry[32:]), binary.LittleEndian.Uint64(entry[40:])
		if last > limit || first > last+1 {
			return nil, fmt.Errorf("GPT entry %d at offset %#x: sectors %#x to %#x are out of range", i, arrayAt+int64(i)*each, first, last)
		}
		t.Partitions = append(t.Partitions, Partition{
			Index:  i,
			Type:   GUID(entry[:16]),
			Unique: GUID(entry[16:32]),
			Name:   decodeName(entry[56:128]),
			Offset: int64(first) * sectorSize,
			Size:   int64(last+1-first) * sectorSize,
			Attrs:  binary.LittleEndian.Uint64(entry[48:]),
		})
	}
	return t, nil
}

// decodeName decodes UTF-16 up to the first NUL.
func decodeName(b []byte) string {
	var units []uint16
	for ; len(b) >= 2; b = b[2:] {
		u := binary.LittleEndian.Uint16(b)
		if u == 0 {
			break
		}
		units = append(units, u)
	}
	return string(utf16.Decode(units))
}

// Verify finds partitions that overlap, or lie outside the usable sectors or the
// image; a table that was read from the copy; and a copy that is damaged or
// differs. Both have a CRC, and nothing has one of the partitions.
func (t *Table) Verify(r io.ReaderAt, size int64, _ []verify.Key) ([]verify.Finding, error) {
	var list []verify.Finding
	add := func(path string, err error) {
		f := verify.Structure(size, err)
		f.Path = path
		list = append(list, f)
	}
	for _, p := range t.Partitions {
		if err := t.checkPlace(p, size); err != nil {
			add(p.Name, err)
		}
	}
	if err := t.checkOverlaps(); err != nil {
		add("", err)
	}
	if err := t.checkCopy(r, size); err != nil {
		add("", err)
	}
	if list == nil {
		add("", nil)
	}
	for _, p := range t.Partitions {
		list = append(list, verify.Finding{Path: p.Name, What: "contents", Verdict: verify.NotCovered, Why: "a partition table has no hash of them", Offset: p.Offset, Size: p.Size})
	}
	return list, nil
}

// checkPlace finds a partition that is not where it can be.
func (t *Table) checkPlace(p Partition, size int64) error {
	what := fmt.Sprintf("partition %d '%s'", p.Index+1, p.Name)
	if p.Size > 0 && (p.Offset < t.FirstUsable*t.SectorSize || p.Offset+p.Size > (t.LastUsable+1)*t.SectorSize) {
		return fmt.Errorf("%s at offset %#x with size %#x is outside the sectors %d to %d for partitions", what, p.Offset, p.Size, t.FirstUsable, t.LastUsable)
	}
	return binfmt.Source{Size: size}.Check(p.Offset, p.Size, what)
}

// checkOverlaps finds partitions that share sectors.
func (t *Table) checkOverlaps() error {
	parts := slices.Clone(t.Partitions)
	slices.SortStableFunc(parts, func(a, b Partition) int { return cmp.Compare(a.Offset, b.Offset) })
	for i, p := range parts {
		if i > 0 && p.Size > 0 && parts[i-1].Offset+parts[i-1].Size > p.Offset {
			return fmt.Errorf("partition %d '%s' at offset %#x overlaps partition %d '%s'", p.Index+1, p.Name, p.Offset, parts[i-1].Index+1, parts[i-1].Name)
		}
	}
	return nil
}

// checkCopy finds a table that is there once only, or that differs from the other.
func (t *Table) checkCopy(r io.ReaderAt, size int64) error {
	if t.Backup {
		return fmt.Errorf("the primary GPT is damaged, this is the copy at the end of the disk: %w", t.Damage)
	}
	src := binfmt.Source{R: r, Size: size}
	at := t.Other * t.SectorSize
	if at >= size {
		return fmt.Errorf("the copy of the GPT at offset %#x is outside of the file: the disk has been cut short", at)
	}
	other, err := src.Bytes(at, int64(len(signature)), "copy of the GPT header")
	if err != nil {
		return err
	}
	if !bytes.Equal(other, signature) {
		return fmt.Errorf("the copy of the GPT is missing: no signature at offset %#x", at)
	}
	copied, err := parse(src, t.SectorSize, t.Other)
	if err != nil {
		return fmt.Errorf("the copy of the GPT is damaged: %w", err)
	}
	if copied.Disk != t.Disk || !slices.Equal(copied.Partitions, t.Partitions) {
		return fmt.Errorf("the copy of the GPT at offset %#x differs from the primary", at)
	}
	return nil
}

// List returns the partitions that are in use.
func (t *Table) List() []binfmt.Item {
	items := make([]binfmt.Item, len(t.Partitions))
	for i, p := range t.Partitions {
		items[i] = binfmt.Item{Name: p.Name, Type: TypeName(p.Type), Offset: p.Offset, Size: p.Size}.With("guid", p.Unique.String()).With("type-guid", p.Type.String())
		if p.Attrs != 0 {
			items[i] = items[i].With("attributes", p.Attrs)
		}
	}
	return items
}
