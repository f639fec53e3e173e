// SPDX-License-Identifier: GPL-2.0-or-later

package layout

import (
	"binman/content"
	"binman/elf"
	"binman/internal/atomicfile"
)

// UpdateELF writes a copy of the ELF file infile with U-Boot's updated device
// tree between two symbols.
func (b *Build) UpdateELF(infile, outfile, begin, end string) error {
	f, err := elf.Open(infile)
	if err != nil {
		return err
	}
	tree := b.trees.list[0].blob
	b.Log.Printf(Notice, "Writing file '%s' with data length %#x (%d) between symbols '%s' and '%s'", outfile, len(tree), len(tree), begin, end)
	data, offset, err := f.Insert(begin, end, content.Bytes(tree))
	if err != nil {
		return err
	}
	if err := atomicfile.Write(outfile, data); err != nil {
		return err
	}
	b.Log.Printf(Info, "Written to offset %#x", offset)
	return nil
}
