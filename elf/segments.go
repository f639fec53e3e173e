// SPDX-License-Identifier: GPL-2.0-or-later

package elf

import (
	"debug/elf"
	"errors"
	"fmt"
	"math"

	"binman/content"
)

// MaxFlat is the greatest size in bytes of the memory image that Flatten
// makes. Segments that lie further apart are for a machine with virtual
// memory, not for a loader that copies them.
const MaxFlat = 1 << 32

// Segment is a part of the file that a loader copies to memory.
type Segment struct {
	Index   int          // among all program headers
	Address uint64       // physical
	Virtual uint64       // address
	MemSize int64        // bytes in memory, of which those past Data are zero
	Data    content.Data // bytes in the file; may be empty
}

// LoadableSegments returns the segments of type PT_LOAD that take memory, in
// the order of the program headers.
func (f *File) LoadableSegments() ([]Segment, error) {
	var segs []Segment
	for i, p := range f.programs {
		if p.typ != elf.PT_LOAD || p.memsz == 0 {
			continue
		}
		seg := Segment{Index: i, Address: p.paddr, Virtual: p.vaddr}
		if p.memsz > math.MaxInt64 {
			return nil, fmt.Errorf("segment %d of ELF file takes %#x bytes of memory", i, p.memsz)
		}
		seg.MemSize = int64(p.memsz)
		if p.filesz != 0 {
			// A segment without bytes may name an offset past the end.
			size := uint64(f.Data.Len())
			if p.off > size || p.filesz > size-p.off {
				return nil, fmt.Errorf("segment %d of ELF file: %#x bytes at offset %#x lie outside the file of %#x bytes", i, p.filesz, p.off, size)
			}
			seg.Data = f.Data.Slice(int64(p.off), int64(p.filesz))
		}
		segs = append(segs, seg)
	}
	return segs, nil
}

// Flat is a program as it stands in memory when loaded.
type Flat struct {
	Data    content.Data // from Load on; gaps between segments are zero
	Load    uint64       // physical address of Data
	Entry   uint64       // physical address of the first instruction
	MemSize int64        // bytes in memory, at least the length of Data
}

// Flatten loads the program. Bytes at physical addresses below location are
// left zero.
//
// The entry point is moved from virtual to physical addresses by the
// difference that the first segment with such a difference has.
func (f *File) Flatten(location uint64) (Flat, error) {
	segs, err := f.LoadableSegments()
	if err != nil {
		return Flat{}, err
	}
	if len(segs) == 0 {
		return Flat{}, errors.New("ELF file has no loadable segments")
	}
	load := uint64(math.MaxUint64)
	for _, s := range segs {
		load = min(load, s.Address)
	}
	var fileEnd, memEnd, toPhysical uint64
	for _, s := range segs {
		at := s.Address - load
		data, mem := uint64(s.Data.Len()), uint64(s.MemSize)
		if at > MaxFlat || data > MaxFlat-at || mem > MaxFlat-at {
			return Flat{}, fmt.Errorf("segment %d of ELF file: %#x bytes at address %#x end more than %#x bytes after the first segment's address %#x",
				s.Index, max(data, mem), s.Address, int64(MaxFlat), load)
		}
		fileEnd = max(fileEnd, at+data)
		memEnd = max(memEnd, at+mem)
		if toPhysical == 0 {
			toPhysical = s.Address - s.Virtual
		}
	}
	flat := Flat{
		Data:    content.Fill(0, int64(fileEnd)),
		Load:    load,
		Entry:   f.Entry + toPhysical,
		MemSize: int64(memEnd),
	}
	for _, s := range segs {
		at, data := int64(s.Address-load), s.Data
		if s.Address < location {
			skip := int64(min(location-s.Address, uint64(data.Len())))
			at, data = at+skip, data.Slice(skip, data.Len()-skip)
		}
		flat.Data = flat.Data.Replace(at, data)
	}
	return flat, nil
}

// FlattenSections loads the program by its section headers, as mkimage does for ZynqMP:
// the sections that have bytes, and a place in memory other than 0. Their addresses are
// virtual ones, and what is zeroed behind the last one is left out.
func (f *File) FlattenSections() (Flat, error) {
	var sects []section
	load := uint64(math.MaxUint64)
	for _, s := range f.sects {
		if s.flags&elf.SHF_ALLOC != 0 && s.typ != elf.SHT_NOBITS && s.size != 0 && s.addr != 0 {
			sects, load = append(sects, s), min(load, s.addr)
		}
	}
	if len(sects) == 0 {
		return Flat{}, errors.New("ELF file has no sections to load")
	}
	var end uint64
	for _, s := range sects {
		at, size := s.addr-load, uint64(f.Data.Len())
		switch {
		case s.off > size || s.size > size-s.off:
			return Flat{}, fmt.Errorf("section '%s' of ELF file: %#x bytes at offset %#x lie outside the file of %#x bytes", s.name, s.size, s.off, size)
		case at > MaxFlat || s.size > MaxFlat-at:
			return Flat{}, fmt.Errorf("section '%s' of ELF file: %#x bytes at address %#x end more than %#x bytes after the first section's address %#x",
				s.name, s.size, s.addr, int64(MaxFlat), load)
		}
		end = max(end, at+s.size)
	}
	flat := Flat{Data: content.Fill(0, int64(end)), Load: load, Entry: f.Entry, MemSize: int64(end)}
	for _, s := range sects {
		flat.Data = flat.Data.Replace(int64(s.addr-load), f.Data.Slice(int64(s.off), int64(s.size)))
	}
	return flat, nil
}

// IsValid reports whether the data is an ELF file with something to load.
func IsValid(d content.Data) bool {
	f, err := Parse(d)
	if err != nil {
		return false
	}
	_, err = f.Flatten(0)
	return err == nil
}
