// SPDX-License-Identifier: GPL-2.0-or-later

// Package cbfs reads and writes the coreboot file system: named files, one
// after the other in a flash region of fixed size, each behind a header of
// its own. There is no directory; a reader walks from header to header.
//
// Numbers are big-endian, except for the pointer at the end of the region.
// All offsets and sizes are in bytes. A file starts on a multiple of the
// alignment, 64:
//
//	offset  size  file header
//	     0     8  magic "LARCHIVE"
//	     8     4  size of the data
//	    12     4  type
//	    16     4  offset of the attributes from this header, 0 for none
//	    20     4  offset of the data from this header
//	    24        name, NUL-terminated, padded to a multiple of 4
//	              padding, where the data has a fixed place
//	              attributes, each with a tag (4) and its whole length (4)
//	              data
//
// The attributes written here:
//
//	tag "BCZL", length 16: compression (4), size when uncompressed (4)
//	tag "StgH", length 24: load address (8), offset of the entry point from
//	                       it (4), size in memory (4)
//
// Space without files is filled by files of type 0xffffffff with an empty
// name. One master header describes the region:
//
//	offset  size  master header
//	     0     4  magic "ORBC"
//	     4     4  version "1111" or "1112"
//	     8     4  size of the flash chip
//	    12     4  size of the boot block
//	    16     4  alignment of files
//	    20     4  offset of the first file
//	    24     4  architecture
//	    28     4  0xffffffff
//
// On x86, where the region ends at the top of the 32-bit address space, it
// stands before the last 4 bytes; elsewhere at the start. The last 4 bytes
// hold, in little-endian order, the offset of the master header from the end
// of the region, a negative number. Newer coreboot finds the region through
// a flash map, and may have neither header nor pointer.
//
// The format is specified by Documentation/lib/cbfs.txt and
// src/commonlib/bsd/include/commonlib/bsd/cbfs_serialized.h of coreboot;
// what those leave open follows cbfstool.
package cbfs

import (
	"errors"
	"fmt"

	"binman/internal/binfmt"
)

// Arch is the architecture that a master header names.
type Arch uint32

// Architectures.
const (
	UnknownArch Arch = 0xffffffff
	X86         Arch = 0x00000001
	ARM         Arch = 0x00000010
	ARM64       Arch = 0x0000aa64
	MIPS        Arch = 0x00000100
	RISCV       Arch = 0xc001d0de
	PPC64       Arch = 0x407570ff
)

// Compression is how the data of a file is compressed.
type Compression uint32

// Compression methods. LZMA is the format of lzma_alone, LZ4 is its frame
// format.
const (
	Uncompressed Compression = 0
	LZMA         Compression = 1
	LZ4          Compression = 2
)

// Type is what a file holds.
type Type uint32

// File types that this package writes or treats by themselves; String knows
// others.
const (
	Deleted      Type = 0x00
	MasterHeader Type = 0x02
	LegacyStage  Type = 0x10
	Stage        Type = 0x11 // program with load address and entry point
	Raw          Type = 0x50 // any data, perhaps compressed
	Empty        Type = 0xffffffff
)

// name gives a number its word.
type name[T ~uint32] struct {
	number T
	word   string
}

var archNames = [...]name[Arch]{
	{UnknownArch, "unknown"},
	{X86, "x86"},
	{ARM, "arm"},
	{ARM64, "arm64"},
	{MIPS, "mips"},
	{RISCV, "riscv"},
	{PPC64, "ppc64"},
}

var compressionNames = [...]name[Compression]{
	{Uncompressed, "none"},
	{LZMA, "lzma"},
	{LZ4, "lz4"},
}

// typeNames are the words of cbfstool.
var typeNames = [...]name[Type]{
	{Deleted, "deleted"},
	{0x01, "bootblock"},
	{MasterHeader, "cbfs header"},
	{LegacyStage, "legacy stage"},
	{Stage, "stage"},
	{0x20, "simple elf"},
	{0x21, "fit_payload"},
	{0x30, "optionrom"},
	{0x40, "bootsplash"},
	{Raw, "raw"},
	{0x51, "vsa"},
	{0x52, "mbi"},
	{0x53, "microcode"},
	{0x60, "fsp"},
	{0x61, "mrc"},
	{0x62, "mma"},
	{0x63, "efi"},
	{0x70, "struct"},
	{0xaa, "cmos_default"},
	{0xab, "spd"},
	{0xac, "mrc_cache"},
	{0x01aa, "cmos_layout"},
	{Empty, "null"},
}

func word[T ~uint32](names []name[T], number T) string {
	for _, n := range names {
		if n.number == number {
			return n.word
		}
	}
	return fmt.Sprintf("%#x", uint32(number))
}

func number[T ~uint32](names []name[T], word string) (T, bool) {
	for _, n := range names {
		if n.word == word {
			return n.number, true
		}
	}
	return 0, false
}

// String returns the word that cbfstool has for the architecture.
func (a Arch) String() string { return word(archNames[:], a) }

// String returns "none", "lzma" or "lz4".
func (c Compression) String() string { return word(compressionNames[:], c) }

// String returns the word that cbfstool has for the type.
func (t Type) String() string { return word(typeNames[:], t) }

// ParseArch returns the architecture with a name such as "x86".
func ParseArch(name string) (Arch, bool) { return number(archNames[:], name) }

// ParseCompression returns the method with a name such as "lz4".
func ParseCompression(name string) (Compression, bool) { return number(compressionNames[:], name) }

// Free reports whether files of this type only fill space.
func (t Type) Free() bool { return t == Empty || t == Deleted }

const (
	headerSize  = 0x20
	fileSize    = 0x18 // of a file header
	compSize    = 0x10 // of the compression attribute
	stageSize   = 0x18 // of the stage attribute
	defAlign    = 0x40 // of files
	nameAlign   = 4    // of names and attributes
	erased      = 0xff // what unused flash holds
	pointerSize = 4    // of the pointer to the master header

	headerMagic = 0x4f524243
	version1    = 0x31313131
	version2    = 0x31313132

	tagUnused  = 0
	tagUnused2 = 0xffffffff
	tagComp    = 0x42435a4c
	tagStage   = 0x53746748
	tagHash    = 0x68736148
)

var fileMagic = []byte("LARCHIVE")

var (
	// ErrFormat is wrapped by the errors about bytes that are not a CBFS.
	ErrFormat = errors.New("not a CBFS")
	// ErrSpace is wrapped by the errors about files that do not fit.
	ErrSpace = errors.New("no space")
)

// Image is a CBFS.
type Image struct {
	Size  int64 // of the whole region in bytes
	Arch  Arch  // 0 means X86
	Files []File

	// Set by Parse, ignored by Marshal.
	Header *Header // nil if the region has none
	End    int64   // where the last file ends, rounded up to the alignment
}

// Header is a master header.
type Header struct {
	Offset    int64 // of the master header itself, bytes from the start of the region
	Version   uint32
	ROMSize   int64 // of the flash chip in bytes
	BootBlock int64 // size of the boot block in bytes
	Align     int64 // of files in bytes
	Contents  int64 // offset of the first file
	Arch      Arch
}

// File is a file in a CBFS. What is said to be in the image is compressed
// data if the file is.
type File struct {
	Name string
	Type Type

	// Offset is where the data is, in bytes from the start of the region.
	// Marshal puts the data there if Fixed is set, and sets Offset where it
	// is not. Parse sets Fixed for files that do not stand directly behind
	// the one before.
	Offset int64
	Fixed  bool

	// Data is what the image holds of the file. Parse leaves it nil: see
	// Image.Open.
	Data []byte

	// Compression and UncompressedSize, in bytes, describe Data.
	Compression      Compression
	UncompressedSize int64

	// Of a stage: where Data is loaded, the address of the entry point, and
	// the size in memory in bytes, which includes what is not in Data.
	Load, Entry uint64
	MemSize     int64

	// Set by Parse and by Marshal.
	HeaderOffset int64 // of the file header, bytes from the start of the region
	Size         int64 // of Data in bytes

	// Attrs are attributes that are neither compression nor stage. Parse
	// sets them; Marshal cannot write them.
	Attrs []Attr
}

// Attr is an attribute of a file that this package does not interpret.
type Attr struct {
	Tag  uint32
	Data []byte // without tag and length
}

// File returns the first file of that name, or nil.
func (im *Image) File(name string) *File {
	for i := range im.Files {
		if f := &im.Files[i]; f.Name == name && !f.Type.Free() {
			return f
		}
	}
	return nil
}

// List returns the files in their order, with the space that is free. The
// offset is that of the data, without headers.
func (im *Image) List() []binfmt.Item {
	items := make([]binfmt.Item, len(im.Files))
	for i, f := range im.Files {
		items[i] = binfmt.Item{Name: f.Name, Type: f.Type.String(), Offset: f.Offset, Size: f.Size}
		if f.Compression != Uncompressed {
			items[i].Compress, items[i].UncompSize = f.Compression.String(), f.UncompressedSize
		}
		if f.Type == Stage {
			items[i] = items[i].With("load", f.Load).With("entry", f.Entry).With("memory-size", f.MemSize)
		}
	}
	return items
}
