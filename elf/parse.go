// SPDX-License-Identifier: GPL-2.0-or-later

package elf

import (
	"debug/elf"
	"encoding/binary"
	"fmt"
	"strings"

	"binman/content"
)

// maxName is the length in bytes up to which a name is believed. Names may
// overlap in a string table, so that without a limit a small file could hold
// very much text.
const maxName = 64 << 10

// maxTable is the size in bytes of the greatest table of headers, symbols or
// names that is read. Those of a Linux kernel with all its symbols have some
// tens of megabytes.
const maxTable = 256 << 20

// sizes of the structures of a class, in bytes.
type sizes struct{ header, program, section, symbol int }

var classSizes = map[elf.Class]sizes{
	elf.ELFCLASS32: {52, 32, 40, 16},
	elf.ELFCLASS64: {64, 56, 64, 24},
}

// program is a program header.
type program struct {
	typ                 elf.ProgType
	off, filesz         uint64
	vaddr, paddr, memsz uint64
}

// section is a section header.
type section struct {
	name      string
	nameAt    uint32
	typ       elf.SectionType
	flags     elf.SectionFlag
	addr      uint64
	off, size uint64
	link      uint32
	info      uint32
	entsize   uint64
}

// symbol is an entry of a symbol table.
type symbol struct {
	name        string
	info        byte
	section     elf.SectionIndex
	value, size uint64
}

// cursor reads numbers one after the other from a structure that is known to
// be long enough.
type cursor struct {
	b     []byte
	order binary.ByteOrder
	wide  bool // addresses have 64 bits
}

func (c *cursor) byte() byte {
	v := c.b[0]
	c.b = c.b[1:]
	return v
}

func (c *cursor) half() uint16 {
	v := c.order.Uint16(c.b)
	c.b = c.b[2:]
	return v
}

func (c *cursor) word() uint32 {
	v := c.order.Uint32(c.b)
	c.b = c.b[4:]
	return v
}

func (c *cursor) addr() uint64 {
	if !c.wide {
		return uint64(c.word())
	}
	v := c.order.Uint64(c.b)
	c.b = c.b[8:]
	return v
}

func (f *File) cursor(b []byte) *cursor {
	return &cursor{b: b, order: f.ByteOrder, wide: f.Class == elf.ELFCLASS64}
}

// read returns n bytes of the file from off; what names them in the error.
func (f *File) read(what string, off, n uint64) ([]byte, error) {
	size := uint64(f.Data.Len())
	if off > size || n > size-off {
		return nil, fmt.Errorf("malformed ELF file: %s of %#x bytes at offset %#x lies outside the file of %#x bytes", what, n, off, size)
	}
	if n > maxTable {
		return nil, fmt.Errorf("malformed ELF file: %s of %#x bytes at offset %#x is too long, at most %#x are read", what, n, off, int64(maxTable))
	}
	return f.Data.Slice(int64(off), int64(n)).View()
}

// table is a sequence of structures.
type table struct {
	f      *File
	b      []byte
	stride int // bytes from one to the next
	count  int
}

// at returns a cursor at the start of a structure.
func (t *table) at(i int) *cursor { return t.f.cursor(t.b[i*t.stride:]) }

// table reads count structures of which only the first want bytes each
// matter.
func (f *File) table(what string, off, count, stride uint64, want int) (*table, error) {
	if count == 0 {
		return &table{}, nil
	}
	if stride < uint64(want) {
		return nil, fmt.Errorf("malformed ELF file: entries of the %s have %d bytes, not %d", what, stride, want)
	}
	if stride > maxTable || count > maxTable {
		return nil, fmt.Errorf("malformed ELF file: %s has %d entries of %d bytes", what, count, stride)
	}
	b, err := f.read(what, off, count*stride)
	if err != nil {
		return nil, err
	}
	return &table{f, b, int(stride), int(count)}, nil
}

// parse reads all headers.
func parse(d content.Data) (*File, error) {
	ident, err := d.Peek(elf.EI_NIDENT)
	if err != nil {
		return nil, err
	}
	if len(ident) < len(elf.ELFMAG) || string(ident[:len(elf.ELFMAG)]) != elf.ELFMAG {
		return nil, ErrMagic
	}
	if len(ident) < elf.EI_NIDENT {
		return nil, fmt.Errorf("malformed ELF file: it has only %d bytes", len(ident))
	}
	f := &File{Data: d, Class: elf.Class(ident[elf.EI_CLASS]), ByteOrder: binary.LittleEndian}
	size, ok := classSizes[f.Class]
	if !ok {
		//lint:ignore ST1005 users match the original's words
		return nil, fmt.Errorf("Invalid EI_CLASS b'\\x%02x'", ident[elf.EI_CLASS])
	}
	switch elf.Data(ident[elf.EI_DATA]) {
	case elf.ELFDATA2LSB:
	case elf.ELFDATA2MSB:
		f.ByteOrder = binary.BigEndian
	default:
		//lint:ignore ST1005 users match the original's words
		return nil, fmt.Errorf("Invalid EI_DATA b'\\x%02x'", ident[elf.EI_DATA])
	}
	b, err := f.read("header", 0, uint64(size.header))
	if err != nil {
		return nil, err
	}
	c := f.cursor(b[elf.EI_NIDENT:])
	f.Type, f.Machine = elf.Type(c.half()), elf.Machine(c.half())
	c.word() // version
	f.Entry = c.addr()
	progOff, sectOff := c.addr(), c.addr()
	c.word() // flags
	c.half() // size of this header
	progStride, progCount := uint64(c.half()), uint64(c.half())
	sectStride, sectCount := uint64(c.half()), uint64(c.half())
	names := uint32(c.half())

	// Counts too great for the header are in the first section header.
	if sectOff != 0 && (sectCount == 0 || progCount == 0xffff || names == uint32(elf.SHN_XINDEX)) {
		first, err := f.sections(sectOff, 1, sectStride, size.section)
		if err != nil {
			return nil, err
		}
		if sectCount == 0 {
			sectCount = first[0].size
		}
		if progCount == 0xffff {
			progCount = uint64(first[0].info)
		}
		if names == uint32(elf.SHN_XINDEX) {
			names = first[0].link
		}
	}
	if sectOff == 0 {
		sectCount = 0
	}
	if f.programs, err = f.readPrograms(progOff, progCount, progStride, size.program); err != nil {
		return nil, err
	}
	if f.sects, err = f.sections(sectOff, sectCount, sectStride, size.section); err != nil {
		return nil, err
	}
	return f, f.nameSections(names)
}

func (f *File) readPrograms(off, count, stride uint64, want int) ([]program, error) {
	entries, err := f.table("program headers", off, count, stride, want)
	if err != nil {
		return nil, err
	}
	progs := make([]program, entries.count)
	for i := range progs {
		p, c := &progs[i], entries.at(i)
		p.typ = elf.ProgType(c.word())
		if c.wide {
			c.word() // flags
		}
		p.off, p.vaddr, p.paddr = c.addr(), c.addr(), c.addr()
		p.filesz, p.memsz = c.addr(), c.addr()
	}
	return progs, nil
}

func (f *File) sections(off, count, stride uint64, want int) ([]section, error) {
	entries, err := f.table("section headers", off, count, stride, want)
	if err != nil {
		return nil, err
	}
	sects := make([]section, entries.count)
	for i := range sects {
		s, c := &sects[i], entries.at(i)
		s.nameAt, s.typ = c.word(), elf.SectionType(c.word())
		s.flags, s.addr = elf.SectionFlag(c.addr()), c.addr()
		s.off, s.size = c.addr(), c.addr()
		s.link, s.info = c.word(), c.word()
		c.addr() // alignment
		s.entsize = c.addr()
	}
	return sects, nil
}

// nameSections gives the sections the names in the string table that is section index.
func (f *File) nameSections(index uint32) error {
	if index == uint32(elf.SHN_UNDEF) || len(f.sects) == 0 {
		return nil
	}
	names, err := f.strings(index)
	if err != nil {
		return err
	}
	for i := range f.sects {
		if f.sects[i].name, err = nameAt(names, f.sects[i].nameAt); err != nil {
			return fmt.Errorf("malformed ELF file: section %d: %w", i, err)
		}
	}
	return nil
}

// strings reads the string table in a section.
func (f *File) strings(index uint32) (string, error) {
	if uint64(index) >= uint64(len(f.sects)) {
		return "", fmt.Errorf("malformed ELF file: string table in section %d of %d", index, len(f.sects))
	}
	s := f.sects[index]
	if s.typ != elf.SHT_STRTAB {
		return "", fmt.Errorf("malformed ELF file: section %d has type %v, a string table was expected", index, s.typ)
	}
	b, err := f.read("string table", s.off, s.size)
	return string(b), err
}

// nameAt returns the string at an offset of a string table.
func nameAt(table string, off uint32) (string, error) {
	if off == 0 && table == "" {
		return "", nil
	}
	if uint64(off) >= uint64(len(table)) {
		return "", fmt.Errorf("name at offset %#x of a string table of %#x bytes", off, len(table))
	}
	rest := table[off:]
	n := strings.IndexByte(rest[:min(len(rest), maxName)], 0)
	if n < 0 {
		return "", fmt.Errorf("name at offset %#x of a string table is not ended within %d bytes", off, min(len(rest), maxName))
	}
	return rest[:n], nil
}

// symbols reads the symbol tables of one type, without the first entry of
// each, which means no symbol.
func (f *File) symbols(typ elf.SectionType) ([]symbol, error) {
	want := classSizes[f.Class].symbol
	var all []symbol
	for i, s := range f.sects {
		if s.typ != typ {
			continue
		}
		stride := s.entsize
		if stride == 0 {
			stride = uint64(want)
		}
		entries, err := f.table("symbol table", s.off, s.size/stride, stride, want)
		if err != nil {
			return nil, err
		}
		if entries.count < 2 {
			continue
		}
		names, err := f.strings(s.link)
		if err != nil {
			return nil, err
		}
		for j := 1; j < entries.count; j++ {
			sym, err := entries.at(j).symbol(names)
			if err != nil {
				return nil, fmt.Errorf("malformed ELF file: symbol %d of section %d: %w", j, i, err)
			}
			all = append(all, sym)
		}
		if typ == elf.SHT_SYMTAB {
			// There is but one of this type.
			break
		}
	}
	return all, nil
}

func (c *cursor) symbol(names string) (symbol, error) {
	var s symbol
	at := c.word()
	if !c.wide {
		s.value, s.size = c.addr(), c.addr()
	}
	s.info = c.byte()
	c.byte() // visibility
	s.section = elf.SectionIndex(c.half())
	if c.wide {
		s.value, s.size = c.addr(), c.addr()
	}
	var err error
	s.name, err = nameAt(names, at)
	return s, err
}
