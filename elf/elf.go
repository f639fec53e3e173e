// SPDX-License-Identifier: GPL-2.0-or-later

package elf

import (
	"cmp"
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"binman/content"
)

// Errors that callers may tell apart.
var (
	// ErrMagic means that the data is not an ELF file at all. Its text is
	// that of the original's ELF library.
	//lint:ignore ST1005 users match the original's words
	ErrMagic = errors.New("Magic number does not match")
	// ErrNoSymbol means that a symbol is not in the file.
	ErrNoSymbol = errors.New("no such symbol")
	// ErrNoSpace means that data does not fit between two symbols.
	ErrNoSpace = errors.New("not enough space")
)

// File is an ELF file. It does not change after Parse.
type File struct {
	Name    string       // for messages: the path, when Open opened it
	Data    content.Data // the whole file
	Symbols []Symbol     // of .symtab, by ascending address; see Symbol

	Class     elf.Class
	ByteOrder binary.ByteOrder
	Machine   elf.Machine
	Type      elf.Type
	Entry     uint64 // virtual address

	programs []program
	sects    []section
	byName   map[string]int // index in Symbols
}

// Symbol is an entry of the symbol table.
//
// They follow the rules of the listing of "objdump -t": a section symbol has
// the name of its section; a common symbol has its size for an address and
// its alignment for a size; an address of Thumb, MIPS16 or microMIPS code
// comes without the low bit that marks it; the mapping symbols of Arm and
// RISC-V ("$d") are left out. Of several symbols with one name the last of
// the table counts. Symbols at one address stand in the order of the table.
type Symbol struct {
	Name    string
	Section string // *ABS*, *UND*, *COM* for what has none
	Address uint64
	Size    uint64 // in bytes
	Weak    bool
}

// Open reads the ELF file at path.
func Open(path string) (*File, error) {
	d, err := content.Open(path)
	if err != nil {
		return nil, err
	}
	f, err := Parse(d)
	if err != nil {
		return nil, fmt.Errorf("'%s': %w", path, err)
	}
	f.Name = path
	return f, nil
}

// Parse reads the headers and the symbols of an ELF file. Data that is no ELF
// file at all is ErrMagic.
func Parse(d content.Data) (*File, error) {
	f, err := parse(d)
	if err != nil {
		return nil, err
	}
	syms, err := f.symbols(elf.SHT_SYMTAB)
	if err != nil {
		return nil, err
	}
	f.setSymbols(syms)
	return f, nil
}

// setSymbols sorts the symbols as the original does.
func (f *File) setSymbols(raw []symbol) {
	index := make(map[string]int, len(raw))
	for _, s := range raw {
		sym := f.listed(s)
		if sym.Name == "" || f.isMapping(sym.Name) {
			continue
		}
		// A name that comes again keeps its place and takes the new value.
		if i, ok := index[sym.Name]; ok {
			f.Symbols[i] = sym
			continue
		}
		index[sym.Name] = len(f.Symbols)
		f.Symbols = append(f.Symbols, sym)
	}
	slices.SortStableFunc(f.Symbols, func(a, b Symbol) int { return cmp.Compare(a.Address, b.Address) })
	for i, s := range f.Symbols {
		index[s.Name] = i
	}
	f.byName = index
}

// HasSection says whether there is a section of the name.
func (f *File) HasSection(name string) bool {
	return slices.ContainsFunc(f.sects, func(s section) bool { return s.name == name })
}

func (f *File) listed(s symbol) Symbol {
	sym := Symbol{
		Name:    s.name,
		Section: "*ABS*",
		Address: s.value,
		Size:    s.size,
		Weak:    elf.ST_BIND(s.info) == elf.STB_WEAK,
	}
	switch {
	case s.section == elf.SHN_UNDEF:
		sym.Section = "*UND*"
	case s.section == elf.SHN_COMMON:
		sym.Section = "*COM*"
		sym.Address, sym.Size = s.size, s.value
	case int(s.section) < len(f.sects):
		sym.Section = f.sects[s.section].name
	}
	switch elf.ST_TYPE(s.info) {
	case elf.STT_SECTION:
		if sym.Name == "" {
			sym.Name = sym.Section
		}
	case elf.STT_FUNC, elf.STT_GNU_IFUNC:
		if f.Machine == elf.EM_ARM || f.Machine == elf.EM_MIPS {
			sym.Address &^= 1
		}
	}
	return sym
}

// isMapping reports whether name marks where code and data begin, such as
// "$d" or "$x.3".
func (f *File) isMapping(name string) bool {
	marks := ""
	switch f.Machine {
	case elf.EM_ARM:
		marks = "atd"
	case elf.EM_AARCH64, elf.EM_RISCV:
		marks = "xd"
	}
	if len(name) < 2 || name[0] != '$' || !strings.Contains(marks, name[1:2]) {
		return false
	}
	return len(name) == 2 || name[2] == '.'
}

// Symbol returns the symbol with the given name, for example "__bss_size",
// whose address is the size in bytes of the zeroed memory of a program.
func (f *File) Symbol(name string) (Symbol, bool) {
	i, ok := f.byName[name]
	if !ok {
		return Symbol{}, false
	}
	return f.Symbols[i], true
}

// DefaultBase is the symbol at which the contents of a program begin, unless
// the description names another.
const DefaultBase = "__image_copy_start"

// SymbolOffset returns how many bytes the symbol name lies after the symbol
// base, which is DefaultBase if empty. It is negative when name lies before.
func (f *File) SymbolOffset(name, base string) (int64, error) {
	if base == "" {
		base = DefaultBase
	}
	b, ok := f.Symbol(base)
	if !ok {
		return 0, f.noSymbol(base)
	}
	s, ok := f.Symbol(name)
	if !ok {
		return 0, f.noSymbol(name)
	}
	return int64(s.Address - b.Address), nil
}

func (f *File) noSymbol(name string) error {
	return fmt.Errorf("%w '%s' in ELF file '%s'", ErrNoSymbol, name, f.Name)
}

// FileOffset returns where in the file the byte is that is loaded at the
// virtual address.
func (f *File) FileOffset(address uint64) (int64, bool) {
	for _, p := range f.programs {
		if p.typ == elf.PT_LOAD && address >= p.vaddr && address-p.vaddr < p.filesz {
			off := address - p.vaddr + p.off
			return int64(off), off <= math.MaxInt64
		}
	}
	return 0, false
}
