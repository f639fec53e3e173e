// SPDX-License-Identifier: GPL-2.0-or-later

// Package mbr reads the partition tables of a master boot record, with the logical
// partitions in an extended one. Numbers are little-endian:
//
//	offset  size  sector of 512 bytes
//	   446    64  four partitions
//	   510     2  0x55, 0xaa
//
//	offset  size  partition
//	     0     1  0x80 if it is to be booted, else 0
//	     4     1  type, 0 for none
//	     8     4  first sector
//	    12     4  number of sectors
//
// An extended partition starts with such a sector, whose first partition is a logical
// one, with its first sector counted from there, and whose second one leads to the next,
// counted from the start of the extended partition.
package mbr

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"

	"binman/format/verify"
	"binman/internal/binfmt"
)

// ErrFormat is wrapped by the errors about bytes that are no partition table.
var ErrFormat = errors.New("no partition table")

const (
	sector     = 512 // bytes
	tableAt    = 446
	entrySize  = 16
	entries    = 4
	protective = 0xee // of a GUID partition table
	maxLogical = 128
	alignment  = 1 << 20 // bytes
)

// Partition is one of a disk.
type Partition struct {
	Number       int // as Linux counts them: logical ones from 5 on
	Type         byte
	Boot         bool
	Offset, Size int64 // bytes
	Extended     bool  // it holds logical ones
}

// Name returns what Linux calls it behind the name of the disk.
func (p Partition) Name() string { return fmt.Sprintf("p%d", p.Number) }

// Table is the partitions of a disk.
type Table struct {
	Partitions []Partition
	damage     error // why there may be more logical partitions
}

// Detect says whether a disk starts there, as far as can be told.
func Detect(r io.ReaderAt, size int64) bool {
	_, err := Parse(r, size)
	return err == nil
}

// Parse reads the partition table of a disk.
func Parse(r io.ReaderAt, size int64) (*Table, error) {
	src := binfmt.Source{R: r, Size: size}
	list, err := read(src, 0)
	if err != nil {
		return nil, err
	}
	t := &Table{}
	inside := false // the others are in what has been cut off
	usual := true   // all start where partitioning programs put them
	for i, p := range list {
		if p.Type == protective {
			return nil, fmt.Errorf("%w, but what protects one with GUIDs", ErrFormat)
		}
		if p.Type == 0 {
			continue
		}
		// The sector of a file system ends in the same way, and code is no table.
		if p.Offset == 0 || p.Size == 0 {
			return nil, fmt.Errorf("%w: partition %d is at sector %d with %d sectors", ErrFormat, i+1, p.Offset/sector, p.Size/sector)
		}
		inside = inside || p.Offset < size
		usual = usual && p.Offset%alignment == 0
		p.Number = i + 1
		t.Partitions = append(t.Partitions, p)
	}
	if !inside && (!usual || len(t.Partitions) == 0) {
		return nil, ErrFormat
	}
	for _, p := range slices.Clone(t.Partitions) {
		if p.Extended && p.Offset < size {
			t.damage = cmp.Or(t.damage, t.logical(src, p))
		}
	}
	return t, nil
}

// read reads the entries of a sector, with offsets from its own.
func read(src binfmt.Source, at int64) ([]Partition, error) {
	b, err := src.Bytes(at, sector, "partition table")
	if err != nil {
		return nil, err
	}
	if b[510] != 0x55 || b[511] != 0xaa {
		return nil, ErrFormat
	}
	var list []Partition
	for i := range entries {
		e := b[tableAt+entrySize*i:]
		if e[0]&0x7f != 0 {
			return nil, fmt.Errorf("%w: partition %d has the state %#x", ErrFormat, i+1, e[0])
		}
		p := Partition{
			Type: e[4], Boot: e[0] != 0,
			Offset: sector * int64(binary.LittleEndian.Uint32(e[8:])), Size: sector * int64(binary.LittleEndian.Uint32(e[12:])),
		}
		p.Extended = p.Type == 0x05 || p.Type == 0x0f || p.Type == 0x85
		list = append(list, p)
	}
	return list, nil
}

// logical follows the chain of logical partitions.
func (t *Table) logical(src binfmt.Source, extended Partition) error {
	at := extended.Offset
	number := entries
	for range maxLogical {
		list, err := read(src, at)
		if err != nil {
			return fmt.Errorf("logical partitions at offset %#x: %w", at, err)
		}
		if p := list[0]; p.Type != 0 && p.Size > 0 {
			number++
			p.Number, p.Offset = number, p.Offset+at
			t.Partitions = append(t.Partitions, p)
		}
		next := list[1]
		if next.Type == 0 || next.Size == 0 {
			return nil
		}
		if at = extended.Offset + next.Offset; next.Offset == 0 || next.Offset >= extended.Size {
			return fmt.Errorf("the next logical partition would be at offset %#x, outside of the extended one", at)
		}
	}
	return fmt.Errorf("there are more than %d logical partitions", maxLogical)
}

// overlap returns an error if partitions share bytes: logical ones are in theirs.
func (t *Table) overlap() error {
	list := slices.DeleteFunc(slices.Clone(t.Partitions), func(p Partition) bool { return p.Extended })
	slices.SortFunc(list, func(a, b Partition) int { return cmp.Compare(a.Offset, b.Offset) })
	for i := 1; i < len(list); i++ {
		if a, b := list[i-1], list[i]; a.Offset+a.Size > b.Offset {
			return fmt.Errorf("partitions %d and %d overlap", a.Number, b.Number)
		}
	}
	return nil
}

// types names types of partitions.
var types = map[byte]string{
	0x01: "FAT12", 0x04: "FAT16, small", 0x05: "extended", 0x06: "FAT16", 0x07: "NTFS or exFAT", 0x0b: "FAT32", 0x0c: "FAT32 (LBA)", 0x0e: "FAT16 (LBA)",
	0x0f: "extended (LBA)", 0x41: "PowerPC PReP boot", 0x82: "Linux swap", 0x83: "Linux", 0x85: "Linux extended", 0x8e: "Linux LVM", 0xa2: "boot loader of SoCFPGA",
	0xda: "data", 0xef: "EFI system", 0xfd: "Linux RAID",
}

// List returns the partitions that hold something themselves.
func (t *Table) List() []binfmt.Item {
	var list []binfmt.Item
	for _, p := range t.Partitions {
		if p.Extended {
			continue
		}
		kind, ok := types[p.Type]
		if !ok {
			kind = fmt.Sprintf("partition of type %#02x", p.Type)
		}
		if p.Boot {
			kind += ", active"
		}
		list = append(list, binfmt.Item{Name: p.Name(), Type: kind, Offset: p.Offset, Size: p.Size})
	}
	return list
}

// Verify says what is wrong with the table: it has no sum.
func (t *Table) Verify(_ io.ReaderAt, size int64, _ []verify.Key) ([]verify.Finding, error) {
	var list []verify.Finding
	for _, p := range t.Partitions {
		if p.Offset+p.Size > size {
			f := verify.Structure(size, fmt.Errorf("it ends at %#x, and there are %#x bytes: the file is cut off", p.Offset+p.Size, size))
			f.Path = p.Name()
			list = append(list, f)
		}
	}
	for _, err := range []error{t.damage, t.overlap()} {
		if err != nil {
			list = append(list, verify.Structure(size, err))
		}
	}
	if list == nil {
		list = append(list, verify.Structure(size, nil))
	}
	for _, p := range t.Partitions {
		if !p.Extended {
			list = append(list, verify.Finding{Path: p.Name(), What: "contents", Verdict: verify.NotCovered, Why: "a partition table has no hash of them", Offset: p.Offset, Size: p.Size})
		}
	}
	return list, nil
}
