// SPDX-License-Identifier: GPL-2.0-or-later

// Package elf does with ELF files what building an image needs: it looks up
// symbols, extracts what a loader would load, and works out where values must
// be written so that a program finds the other parts of its image.
//
// Both classes (32 and 64 bits) and both byte orders are understood. The
// types and constants are those of debug/elf, but the headers are read here:
// debug/elf panics on some crafted files, and copies names that overlap in
// a string table, so that a few megabytes can ask for gigabytes of memory.
//
// # What is where
//
//	ELF header         entry point, machine, class, byte order
//	program headers    segments: file range, virtual and physical address,
//	                   size in the file and in memory
//	section headers    names of the places that symbols belong to
//	.symtab, .strtab   symbols: name, address, size, binding
//
// Addresses are those of the target machine, sizes and offsets are in bytes.
//
// # Symbols that binman fills in
//
// A program that wants to know where another entry of its image is declares
// a variable with a name such as
//
//	_binman_u_boot_any_prop_image_pos
//	_binman_spl_bl31_prop_size
//
// and [File.PlanSymbols] finds the offset of every such variable in the
// program's contents and the value to write there. The variable
// _binman_sym_magic receives [SymMagic], which tells the program that this
// has been done. Values are 4 or 8 bytes long, as the variable is, and are
// written in little-endian byte order whatever the order of the ELF file:
// that is what the original binman writes.
//
// Sources: Tool Interface Standard, Executable and Linking Format, version
// 1.2; System V Application Binary Interface, chapters 4 and 5;
// include/binman_sym.h and tools/binman/binman.rst in U-Boot.
package elf
