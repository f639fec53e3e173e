// SPDX-License-Identifier: GPL-2.0-or-later

// Package testelf makes small ELF files for tests, of either class and byte
// order, without a compiler:
//
//	data := testelf.File{
//		Class:    elf.ELFCLASS32,
//		Segments: []testelf.Segment{{Address: 0x1000, Data: code}},
//		Symbols:  []testelf.Symbol{{Name: "__image_copy_start", Value: 0x1000}},
//	}.Bytes()
//
// The parts stand in the file in this order:
//
//	ELF header, program headers, contents of the segments,
//	.symtab, .strtab, .shstrtab, section headers
//
// Every segment is also a section, so that symbols belong somewhere.
package testelf

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"fmt"
)

// File describes an ELF file. The zero value is a 64-bit little-endian
// executable for AArch64 without segments or symbols.
type File struct {
	Class     elf.Class // default ELFCLASS64
	BigEndian bool
	Machine   elf.Machine // default EM_AARCH64, or EM_ARM for ELFCLASS32
	Type      elf.Type    // default ET_EXEC
	Entry     uint64
	Segments  []Segment
	Symbols   []Symbol // nil leaves out .symtab and .strtab

	// Align is the alignment in bytes of the contents of segments in the
	// file; default 16.
	Align int
}

// Segment is a program header with its contents, and a section.
type Segment struct {
	Type     elf.ProgType // default PT_LOAD
	Flags    elf.ProgFlag // default PF_R|PF_W|PF_X
	Address  uint64       // virtual
	Physical uint64       // default Address; see PhysicalZero
	Data     []byte
	MemSize  uint64 // default len(Data)
	Section  string // default ".text" for the first, ".data" for others

	PhysicalZero bool // the physical address is really 0
	NoMemory     bool // the memory size is really 0
}

// Symbol is an entry of .symtab.
type Symbol struct {
	Name       string
	Value      uint64
	Size       uint64
	Bind       elf.SymBind // STB_LOCAL, which is 0, becomes STB_GLOBAL unless Local
	Local      bool
	Type       elf.SymType // default STT_NOTYPE
	Visibility elf.SymVis

	// Section is an index, such as elf.SHN_ABS. By default it is the
	// section that Value lies in, its end included, and SHN_ABS if none.
	Section   elf.SectionIndex
	Undefined bool // Section is really SHN_UNDEF
}

// Bytes returns the file.
func (f File) Bytes() []byte {
	w := f.writer()
	align := f.Align
	if align == 0 {
		align = 16
	}
	w.skip(w.headerSize + len(f.Segments)*w.progSize)
	offsets := make([]int, len(f.Segments))
	for i, s := range f.Segments {
		w.alignTo(align)
		offsets[i] = w.Len()
		w.Write(s.Data)
	}
	sections := []section{{}}
	for i, s := range f.Segments {
		sections = append(sections, s.section(i, offsets[i]))
	}
	if f.Symbols != nil {
		sections = f.symbolSections(w, sections)
	}
	names := newStrings()
	for i := range sections {
		sections[i].nameOffset = names.add(sections[i].name)
	}
	shstrtab := section{name: ".shstrtab", typ: elf.SHT_STRTAB, offset: w.Len(), align: 1}
	shstrtab.nameOffset = names.add(shstrtab.name)
	shstrtab.size = uint64(names.Len())
	w.Write(names.Bytes())
	sections = append(sections, shstrtab)

	w.alignTo(8)
	sectionsAt := w.Len()
	for _, s := range sections {
		w.section(s)
	}
	head := f.writer()
	f.header(head, sectionsAt, len(sections))
	for i, s := range f.Segments {
		head.program(s, offsets[i])
	}
	return append(head.Bytes(), w.Bytes()[head.Len():]...)
}

// defaults returns the class and machine that the file has.
func (f File) defaults() (elf.Class, elf.Machine) {
	class, machine := f.Class, f.Machine
	if class == elf.ELFCLASSNONE {
		class = elf.ELFCLASS64
	}
	if machine == elf.EM_NONE {
		machine = elf.EM_AARCH64
		if class == elf.ELFCLASS32 {
			machine = elf.EM_ARM
		}
	}
	return class, machine
}

func (s Segment) memSize() uint64 {
	if s.MemSize == 0 && !s.NoMemory {
		return uint64(len(s.Data))
	}
	return s.MemSize
}

func (s Segment) physical() uint64 {
	if s.Physical == 0 && !s.PhysicalZero {
		return s.Address
	}
	return s.Physical
}

func (s Segment) section(i, offset int) section {
	sec := section{
		name:   s.Section,
		typ:    elf.SHT_PROGBITS,
		flags:  elf.SHF_ALLOC | elf.SHF_WRITE,
		addr:   s.Address,
		offset: offset,
		size:   uint64(len(s.Data)),
		align:  1,
	}
	if sec.name == "" {
		sec.name = ".data"
		if i == 0 {
			sec.name = ".text"
		}
	}
	if len(s.Data) == 0 {
		sec.typ, sec.size = elf.SHT_NOBITS, s.memSize()
	}
	return sec
}

// symbolSections writes .symtab and .strtab.
func (f File) symbolSections(w *writer, sections []section) []section {
	names := newStrings()
	w.alignTo(8)
	symtab := section{
		name:    ".symtab",
		typ:     elf.SHT_SYMTAB,
		offset:  w.Len(),
		size:    uint64(w.symSize * (len(f.Symbols) + 1)),
		link:    len(sections) + 1,
		align:   8,
		entsize: w.symSize,
	}
	w.symbol(Symbol{Undefined: true, Local: true}, 0, elf.SHN_UNDEF)
	// The index of the first global symbol, should the local ones be first.
	symtab.info = 1
	for i, s := range f.Symbols {
		if s.Local && symtab.info == i+1 {
			symtab.info++
		}
		w.symbol(s, names.add(s.Name), s.index(f.Segments))
	}
	strtab := section{name: ".strtab", typ: elf.SHT_STRTAB, offset: w.Len(), size: uint64(names.Len()), align: 1}
	w.Write(names.Bytes())
	return append(sections, symtab, strtab)
}

func (s Symbol) index(segs []Segment) elf.SectionIndex {
	if s.Undefined || s.Section != 0 {
		return s.Section
	}
	for i, seg := range segs {
		if s.Value >= seg.Address && s.Value-seg.Address <= seg.memSize() {
			return elf.SectionIndex(i + 1)
		}
	}
	return elf.SHN_ABS
}

// section is a section header.
type section struct {
	name       string
	nameOffset int
	typ        elf.SectionType
	flags      elf.SectionFlag
	addr       uint64
	offset     int
	size       uint64
	link, info int
	align      int
	entsize    int
}

// strs is a string table: strings with a NUL after each.
type strs struct{ bytes.Buffer }

func newStrings() *strs {
	s := &strs{}
	s.WriteByte(0)
	return s
}

func (s *strs) add(name string) int {
	if name == "" {
		return 0
	}
	at := s.Len()
	s.WriteString(name)
	s.WriteByte(0)
	return at
}

// writer writes numbers in the sizes and the order of the file.
type writer struct {
	bytes.Buffer
	order binary.ByteOrder
	wide  bool // 64 bits

	headerSize, progSize, sectionSize, symSize int
}

func (f File) writer() *writer {
	w := &writer{order: binary.LittleEndian}
	if f.BigEndian {
		w.order = binary.BigEndian
	}
	switch class, _ := f.defaults(); class {
	case elf.ELFCLASS32:
		w.headerSize, w.progSize, w.sectionSize, w.symSize = 52, 32, 40, 16
	case elf.ELFCLASS64:
		w.wide = true
		w.headerSize, w.progSize, w.sectionSize, w.symSize = 64, 56, 64, 24
	default:
		panic(fmt.Sprintf("testelf: class %v", class))
	}
	return w
}

func (w *writer) skip(n int)     { w.Write(make([]byte, n)) }
func (w *writer) alignTo(n int)  { w.skip((n - w.Len()%n) % n) }
func (w *writer) half(v uint16)  { binary.Write(w, w.order, v) }
func (w *writer) word(v uint32)  { binary.Write(w, w.order, v) }
func (w *writer) xword(v uint64) { binary.Write(w, w.order, v) }
func (w *writer) addr(v uint64) {
	if w.wide {
		w.xword(v)
		return
	}
	w.word(uint32(v))
}

func (f File) header(w *writer, sectionsAt, sections int) {
	class, machine := f.defaults()
	order := elf.ELFDATA2LSB
	if f.BigEndian {
		order = elf.ELFDATA2MSB
	}
	w.WriteString(elf.ELFMAG)
	w.Write([]byte{byte(class), byte(order), byte(elf.EV_CURRENT)})
	w.skip(elf.EI_NIDENT - w.Len())
	typ := f.Type
	if typ == elf.ET_NONE {
		typ = elf.ET_EXEC
	}
	w.half(uint16(typ))
	w.half(uint16(machine))
	w.word(uint32(elf.EV_CURRENT))
	w.addr(f.Entry)
	if len(f.Segments) > 0 {
		w.addr(uint64(w.headerSize))
	} else {
		w.addr(0)
	}
	w.addr(uint64(sectionsAt))
	w.word(0) // flags
	w.half(uint16(w.headerSize))
	w.half(uint16(w.progSize))
	w.half(uint16(len(f.Segments)))
	w.half(uint16(w.sectionSize))
	w.half(uint16(sections))
	w.half(uint16(sections - 1)) // .shstrtab is the last
}

func (w *writer) program(s Segment, offset int) {
	typ, flags := s.Type, s.Flags
	if typ == elf.PT_NULL {
		typ = elf.PT_LOAD
	}
	if flags == 0 {
		flags = elf.PF_R | elf.PF_W | elf.PF_X
	}
	w.word(uint32(typ))
	if w.wide {
		w.word(uint32(flags))
	}
	w.addr(uint64(offset))
	w.addr(s.Address)
	w.addr(s.physical())
	w.addr(uint64(len(s.Data)))
	w.addr(s.memSize())
	if !w.wide {
		w.word(uint32(flags))
	}
	w.addr(1)
}

func (w *writer) section(s section) {
	w.word(uint32(s.nameOffset))
	w.word(uint32(s.typ))
	w.addr(uint64(s.flags))
	w.addr(s.addr)
	w.addr(uint64(s.offset))
	w.addr(s.size)
	w.word(uint32(s.link))
	w.word(uint32(s.info))
	w.addr(uint64(s.align))
	w.addr(uint64(s.entsize))
}

func (w *writer) symbol(s Symbol, name int, index elf.SectionIndex) {
	bind := s.Bind
	if bind == elf.STB_LOCAL && !s.Local {
		bind = elf.STB_GLOBAL
	}
	info := elf.ST_INFO(bind, s.Type)
	w.word(uint32(name))
	if w.wide {
		w.WriteByte(info)
		w.WriteByte(byte(s.Visibility))
		w.half(uint16(index))
		w.xword(s.Value)
		w.xword(s.Size)
		return
	}
	w.word(uint32(s.Value))
	w.word(uint32(s.Size))
	w.WriteByte(info)
	w.WriteByte(byte(s.Visibility))
	w.half(uint16(index))
}
