// SPDX-License-Identifier: GPL-2.0-or-later

package elf

import (
	"encoding/binary"
	"fmt"
	"math"
	"strings"

	"binman/content"
)

const (
	// SymMagic is the value of the variable _binman_sym_magic: "BSYM" in
	// little-endian byte order.
	SymMagic = 0x4d595342

	magicName    = "_binman_sym_magic"
	symbolPrefix = "_binman"
)

// Level says how much a line of the log matters.
type Level int

// The levels of the original that are used here, from the one that is always
// shown to the one shown last.
const (
	Notice Level = iota
	Info
	Detail
	Debug
)

// Log receives a line of the log, without a newline at its end.
type Log func(level Level, text string)

func (l Log) printf(level Level, format string, args ...any) {
	if l != nil {
		l(level, fmt.Sprintf(format, args...))
	}
}

// Wanted is a symbol whose value is asked of the layout.
type Wanted struct {
	Name string // _binman_<entry>_prop_<property>
	Weak bool   // the symbol may be left without a value
	Base int64  // address of the image's start, for the property image_pos

	// Where begins every message about the symbol:
	//	Section '/binman': Symbol '_binman_…'
	//	   in entry '/binman/u-boot-spl'
	Where string
}

// Patch is a number to write into an entry's contents.
type Patch struct {
	Symbol string
	Offset int64  // in the contents
	Size   int    // 4 or 8 bytes
	Value  uint64 // little-endian; the upper half is 0 when Size is 4
}

// Bytes returns what to write. It is little-endian for big-endian programs as
// well, since the original's images are: such a program does not find the magic
// in it, and takes all symbols for missing (BINMAN_SYMS_OK in U-Boot's
// binman_sym.h).
func (p Patch) Bytes() []byte {
	var b [8]byte
	binary.LittleEndian.PutUint64(b[:], p.Value)
	return b[:p.Size]
}

// Apply returns the contents with the patches written, one after the other.
// Each must lie within the contents.
func Apply(d content.Data, patches []Patch) content.Data {
	for _, p := range patches {
		d = d.Replace(p.Offset, content.Bytes(p.Bytes()))
	}
	return d
}

// SymbolPlan says whose symbols are to be given values, and where from.
type SymbolPlan struct {
	SectionPath string // of the section that the entry is looked up in
	EntryPath   string // of the entry that the symbols are in
	Contents    int64  // length in bytes of the entry's contents

	// InELF means that the contents are the ELF file itself. Otherwise
	// they are the program's bytes, the first of which is at BaseSym.
	InELF bool

	BaseSym string // DefaultBase if empty
	// BaseAddr replaces the address that Wanted.Base is otherwise: that of
	// BaseSym, or 0 when InELF.
	BaseAddr *int64

	// Lookup returns the value for a symbol. Without a value (ok false)
	// and without an error, all bits of the variable are set.
	//
	// The value is at most as wide as the variable; addresses of 64 bits
	// from 1<<63 on are negative. The error is passed on as it is.
	Lookup func(Wanted) (value int64, ok bool, err error)

	Log Log // may be nil
}

// PlanSymbols returns what to write into the contents of an entry so that
// the program's binman symbols have their values, by ascending address. There
// is nothing to write when the file has no such symbols, or when it lacks the
// base symbol and InELF is not set.
func (f *File) PlanSymbols(p SymbolPlan) ([]Patch, error) {
	baseSym := p.BaseSym
	if baseSym == "" {
		baseSym = DefaultBase
	}
	if !f.hasImageSymbols() {
		p.Log.printf(Debug, "LookupAndWriteSymbols: no syms")
		return nil, nil
	}
	start, found := f.Symbol(baseSym)
	if !found && !p.InELF {
		p.Log.printf(Debug, "LookupAndWriteSymbols: no base: elf_fname=%s, base_sym=%s, is_elf=False", f.Name, baseSym)
		return nil, nil
	}
	base := int64(start.Address)
	if p.InELF {
		base = 0
	}
	if p.BaseAddr != nil {
		base = *p.BaseAddr
	}
	var patches []Patch
	for _, sym := range f.Symbols {
		if !strings.HasPrefix(sym.Name, symbolPrefix) {
			continue
		}
		patch, err := f.plan(&p, sym, start.Address, base)
		if err != nil {
			return nil, err
		}
		patches = append(patches, patch)
	}
	if len(patches) > 0 {
		p.Log.printf(Detail, "Section '%s': entry '%s' : %d symbols", p.SectionPath, p.EntryPath, len(patches))
	}
	return patches, nil
}

// hasImageSymbols reports whether any symbol could concern an image.
func (f *File) hasImageSymbols() bool {
	for _, s := range f.Symbols {
		for _, text := range []string{s.Name, s.Section} {
			if strings.Contains(text, "image") || strings.Contains(text, "binman") {
				return true
			}
		}
	}
	return false
}

// plan works out the patch for one symbol. The contents begin at start,
// unless they are the ELF file.
func (f *File) plan(p *SymbolPlan, sym Symbol, start uint64, base int64) (Patch, error) {
	where := fmt.Sprintf("Section '%s': Symbol '%s'\n   in entry '%s'", p.SectionPath, sym.Name, p.EntryPath)
	offset := int64(sym.Address - start)
	if p.InELF {
		// The original looks at the size first here, and at the offset
		// first otherwise.
		if err := checkSize(where, sym.Size); err != nil {
			return Patch{}, err
		}
		var ok bool
		if offset, ok = f.FileOffset(sym.Address); !ok {
			return Patch{}, fmt.Errorf("%s is at address %#x, which no segment of the ELF file has bytes for", where, sym.Address)
		}
	}
	if offset < 0 || offset > p.Contents || sym.Size > uint64(p.Contents-offset) {
		return Patch{}, fmt.Errorf("%s has offset %x (size %x) but the contents size is %x", p.EntryPath, offset, sym.Size, p.Contents)
	}
	if err := checkSize(where, sym.Size); err != nil {
		return Patch{}, err
	}
	value, ok := int64(SymMagic), true
	if sym.Name != magicName {
		var err error
		value, ok, err = p.Lookup(Wanted{Name: sym.Name, Weak: sym.Weak, Base: base, Where: where})
		if err != nil {
			return Patch{}, err
		}
	}
	patch := Patch{Symbol: sym.Name, Offset: offset, Size: int(sym.Size), Value: uint64(value)}
	switch {
	case !ok:
		value, patch.Value = -1, math.MaxUint64
		if patch.Size == 4 {
			patch.Value = math.MaxUint32
		}
	case patch.Size == 4 && patch.Value > math.MaxUint32:
		return Patch{}, fmt.Errorf("%s has value %#x, which does not fit in its 4 bytes", where, value)
	}
	p.Log.printf(Debug, "%s:\n   insert %s, offset %x, value %x, length %d", where, sym.Name, offset, value, patch.Size)
	return patch, nil
}

func checkSize(where string, size uint64) error {
	if size != 4 && size != 8 {
		return fmt.Errorf("%s has size %d: only 4 and 8 are supported", where, size)
	}
	return nil
}
