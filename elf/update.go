// SPDX-License-Identifier: GPL-2.0-or-later

package elf

import (
	"debug/elf"
	"fmt"
	"slices"
	"strings"

	"binman/content"
	"binman/internal/atomicfile"
)

// UpdateFile writes to outfile a copy of the ELF file infile that has data
// between the symbols begin and end. Both may be the same file.
func UpdateFile(infile, outfile, begin, end string, data content.Data, log Log) error {
	n := data.Len()
	log.printf(Notice, "Creating file '%s' with data length %#x (%d) between symbols '%s' and '%s'", outfile, n, n, begin, end)
	f, err := Open(infile)
	if err != nil {
		return err
	}
	updated, offset, err := f.Insert(begin, end, data)
	if err != nil {
		return err
	}
	if err := atomicfile.Write(outfile, updated); err != nil {
		return err
	}
	log.printf(Info, "Written to offset %#x", offset)
	return nil
}

// Insert returns the file with data written between the symbols begin and
// end, followed by zeros up to end, and the offset in the file where it
// starts.
func (f *File) Insert(begin, end string, data content.Data) (content.Data, int64, error) {
	from, to, err := f.between(begin, end)
	if err != nil {
		return content.Data{}, 0, err
	}
	size := to - from
	if data.Len() > size {
		return content.Data{}, 0, &spaceError{name: f.Name, need: data.Len(), size: size}
	}
	padded := content.Join(data, content.Fill(0, size-data.Len()))
	return f.Data.Replace(from, padded), from, nil
}

// between returns the file offsets of two symbols.
func (f *File) between(begin, end string) (from, to int64, err error) {
	found := map[string]uint64{}
	for _, table := range []elf.SectionType{elf.SHT_DYNSYM, elf.SHT_SYMTAB} {
		syms, err := f.symbols(table)
		if err != nil {
			return 0, 0, err
		}
		for _, s := range syms {
			if s.name == begin || s.name == end {
				found[s.name] = s.value
			}
		}
	}
	if len(found) != 2 {
		names := make([]string, 0, len(found))
		for name := range found {
			names = append(names, name)
		}
		slices.Sort(names)
		//lint:ignore ST1005 users match the original's words
		return 0, 0, fmt.Errorf("Expected two symbols '%s' and '%s': got %d: %s", begin, end, len(names), strings.Join(names, ","))
	}
	from, ok := f.FileOffset(found[begin])
	if !ok {
		return 0, 0, fmt.Errorf("symbol '%s' at address %#x is in no segment of '%s' that has bytes", begin, found[begin], f.Name)
	}
	to, ok = f.FileOffset(found[end])
	if !ok {
		// The end may be that of the segment, one past its last byte.
		to, ok = f.FileOffset(found[end] - 1)
		to++
	}
	if !ok {
		return 0, 0, fmt.Errorf("symbol '%s' at address %#x is in no segment of '%s' that has bytes", end, found[end], f.Name)
	}
	if from > f.Data.Len() || to > f.Data.Len() {
		return 0, 0, fmt.Errorf("symbols '%s' and '%s' at offsets %#x and %#x lie outside the file '%s' of %#x bytes", begin, end, from, to, f.Name, f.Data.Len())
	}
	return from, to, nil
}

// spaceError is an ErrNoSpace with the words of the original.
type spaceError struct {
	name       string
	need, size int64
}

func (e *spaceError) Error() string {
	return fmt.Sprintf("Not enough space in '%s' for data length %#x (%d); size is %#x (%d)", e.name, e.need, e.need, e.size, e.size)
}

func (e *spaceError) Is(target error) bool { return target == ErrNoSpace }
