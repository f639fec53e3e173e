// SPDX-License-Identifier: GPL-2.0-or-later

// Package ifd reads the flash descriptor of Intel's chipsets, which says which
// regions of the flash belong to whom.
//
// It stands at the start of the flash, or 16 bytes behind it. Of it this is
// read, all little-endian 32-bit numbers:
//
//	magic   0x0ff0a55a
//	flmap0  bits 23:16 are bits 11:4 of the offset of the region table, which
//	        counts from the start of the flash
//
// The table has a number for each region: bits 14:0 are bits 26:12 of the
// offset of its first byte, bits 30:16 those of its last one, in the flash. A
// region whose end is before its start is not in use. See the SPI programming
// guides of Intel's chipsets.
package ifd

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"binman/internal/binfmt"
)

// A Region is a part of the flash. Offset and size are in bytes; the size is
// not positive if the region is not in use.
type Region struct{ Offset, Size int64 }

// The regions that every descriptor has, by their place in its table.
const (
	Descriptor = iota
	BIOS
	ME // Management Engine
	GbE
	PlatformData
	regions
)

var names = [regions]string{"descriptor", "BIOS", "ME", "GbE", "platform data"}

const (
	magic   = "\x5a\xa5\xf0\x0f"
	mapSize = 16 // bytes of the descriptor up to the end of its map
	unit    = 0x1000
)

// Table is what a descriptor says of the regions.
type Table struct {
	Offset  int64 // of the magic, in bytes
	Regions [regions]Region
}

// ErrNone says that there is no descriptor.
var ErrNone = errors.New("Cannot find Intel Flash Descriptor (FD) signature")

// Parse reads the first descriptor in r, which has size bytes.
func Parse(r io.ReaderAt, size int64) (*Table, error) {
	src := binfmt.Source{R: r, Size: size}
	t := &Table{Offset: -1}
	if err := src.Search([]byte(magic), 0, func(off int64) bool {
		t.Offset = off
		return false
	}); err != nil {
		return nil, err
	}
	if t.Offset < 0 {
		return nil, ErrNone
	}
	head, err := src.Bytes(t.Offset, mapSize, "map")
	if err != nil {
		return nil, fmt.Errorf("Intel Flash Descriptor (FD) at offset %#x is cut short: the file has %#x bytes", t.Offset, size)
	}
	at := int64(binary.LittleEndian.Uint32(head[4:])>>16&0xff) << 4
	table, err := src.Bytes(at, 4*regions, "regions")
	if err != nil {
		return nil, fmt.Errorf("Intel Flash Descriptor (FD) has its regions at offset %#x, but the file has %#x bytes", at, size)
	}
	for i := range t.Regions {
		v := int64(binary.LittleEndian.Uint32(table[4*i:]))
		base, last := v&0x7fff, v>>16&0x7fff
		t.Regions[i] = Region{base * unit, (last - base + 1) * unit}
	}
	return t, nil
}

// Detect says whether a flash starts in r: its descriptor is near the start.
func Detect(r io.ReaderAt, size int64) bool {
	src := binfmt.Source{R: r, Size: size}
	return src.HasAt([]byte(magic), 0) || src.HasAt([]byte(magic), 16)
}

// List returns the regions in use.
func (t *Table) List() []binfmt.Item {
	var list []binfmt.Item
	for i, r := range t.Regions {
		if r.Size > 0 {
			list = append(list, binfmt.Item{Name: names[i], Type: "flash region", Offset: r.Offset, Size: r.Size})
		}
	}
	return list
}
