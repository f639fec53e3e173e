// SPDX-License-Identifier: GPL-2.0-or-later

package layout

import (
	"binman/content"
	"binman/elf"
)

// UpdateELF writes a copy of the ELF file infile with U-Boot's updated device
// tree between two symbols.
func (b *Build) UpdateELF(infile, outfile, begin, end string) error {
	return elf.UpdateFile(infile, outfile, begin, end, content.Bytes(b.trees.list[0].blob), b.logELF)
}

// logELF prints what package elf reports.
func (b *Build) logELF(level elf.Level, text string) {
	b.Log.Printf(Notice+Level(level), "%s", text)
}
