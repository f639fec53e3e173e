// SPDX-License-Identifier: GPL-2.0-or-later

// Package uefi reads the firmware volumes of UEFI: what files are in them, and what is
// kept in their variable stores.
//
// All numbers are little-endian, and the structures are packed:
//
//	offset  size  firmware volume
//	     0    16  zeros, or what the reset vector of a processor needs
//	    16    16  GUID of the file system
//	    32     8  size of the volume, bytes
//	    40     4  "_FVH"
//	    44     4  attributes; bit 11: erased flash has ones
//	    48     2  size of this header, with the list of blocks, bytes
//	    50     2  makes the 16-bit words of the header sum up to 0
//	    52     2  offset of an extended header, or 0
//	    55     1  revision, 1 or 2
//	    56        blocks: number (4) and size (4), up to a pair of zeros
//
//	offset  size  file, at a multiple of 8 in the volume
//	     0    16  GUID
//	    16     1  makes the bytes of the header sum up to 0, without the next one and the state
//	    17     1  the same for the data, or 0xaa
//	    18     1  type; 0xf0 for padding
//	    19     1  attributes; bit 0: large, bit 6: the data have a sum
//	    20     3  size with this header, bytes
//	    23     1  state
//	    24     8  size of a large file, bytes
//
//	offset  size  section, at a multiple of 4 in its file
//	     0     3  size with this header, bytes; 0xffffff if it follows
//	     3     1  type
//	     4     4  size, if it is large
//
// The format is specified in volume 3 of the UEFI Platform Initialization specification;
// that of variables is EDK II's (VariableFormat.h).
package uefi

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"unicode/utf16"

	"binman/internal/binfmt"
)

// ErrFormat is wrapped by the errors about bytes that are no firmware volume.
var ErrFormat = errors.New("not a firmware volume")

var le = binary.LittleEndian

// Magic is what a volume has at MagicAt.
const (
	Magic   = "_FVH"
	MagicAt = 40
)

const (
	volumeHeader = 56
	fileHeader   = 24
	largeHeader  = 32
	typePadding  = 0xf0
	attrLarge    = 1
	attrSum      = 0x40
	noSum        = 0xaa
	erasedOnes   = 1 << 11

	// What a damaged volume can cost.
	maxHeader   = 4096 // bytes
	maxFiles    = 4096
	maxSections = 64 // of a file that are looked at
)

// The file systems of volumes.
var (
	ffs2     = binfmt.MustGUID("8c8ce578-8a3d-4f1c-9935-896185c32dd3")
	ffs3     = binfmt.MustGUID("5473c07a-3dcb-4dca-bd6f-1e9689e7349a")
	variable = binfmt.MustGUID("fff12b8d-7696-4c8b-a985-2747075b4f50")
)

// Volume is a firmware volume.
type Volume struct {
	System    binfmt.GUID
	Size      int64 // bytes
	Header    int64 // size of the header, bytes
	Files     []File
	Variables []Variable

	damage error // why the list of files ends before its end
}

// File is a file in a volume.
type File struct {
	GUID         binfmt.GUID
	Type         byte
	Offset, Size int64  // with its header, bytes from the start of the volume
	Name         string // from a section for people; "" if there is none
	Version      string

	volume     extent // a volume in it, as it is
	compressed extent // a section in it that is compressed
	codec      string // with what
	unpacked   int64  // size of that when it is decompressed, bytes; 0 if not known

	attributes   byte
	data         int64 // offset of its data, bytes
	headerIsGood bool
	sum          byte // of the data
}

type extent struct{ offset, size int64 }

// Detect says whether a volume starts there.
func Detect(r io.ReaderAt, size int64) bool {
	_, err := header(binfmt.Source{R: r, Size: size})
	return err == nil
}

// header reads the header of a volume. One in a cut image has all of its size.
func header(src binfmt.Source) (*Volume, error) {
	if !src.HasAt([]byte(Magic), MagicAt) {
		return nil, ErrFormat
	}
	h, err := src.Bytes(0, volumeHeader, "header of the volume")
	if err != nil {
		return nil, err
	}
	v := &Volume{Size: int64(le.Uint64(h[32:])), Header: int64(le.Uint16(h[48:])), System: binfmt.GUID(h[16:32])}
	if v.Header < volumeHeader || v.Header > maxHeader || v.Header%2 != 0 || v.Size < v.Header || v.Size > 1<<40 {
		return nil, fmt.Errorf("%w: a header of %#x bytes for %#x", ErrFormat, v.Header, v.Size)
	}
	if h, err = src.Bytes(0, v.Header, "header of the volume"); err != nil {
		return nil, err
	}
	if sum := sum16(h); sum != 0 {
		return nil, fmt.Errorf("%w: its words sum up to %#x, not to 0", ErrFormat, sum)
	}
	return v, nil
}

func sum16(b []byte) (sum uint16) {
	for i := 0; i+2 <= len(b); i += 2 {
		sum += le.Uint16(b[i:])
	}
	return sum
}

func sum8(b []byte) (sum byte) {
	for _, v := range b {
		sum += v
	}
	return sum
}

// Parse reads the volume at the start of r.
func Parse(r io.ReaderAt, size int64) (*Volume, error) {
	src := binfmt.Source{R: r, Size: size}
	v, err := header(src)
	if err != nil {
		return nil, err
	}
	if err := src.Check(0, v.Size, "volume"); err != nil {
		return nil, err
	}
	src.Size = v.Size
	switch v.System {
	case ffs2, ffs3:
		v.damage = v.files(src)
	case variable:
		v.damage = v.variables(src)
	}
	return v, nil
}

// files reads the files up to free space. The error says why there may be more.
func (v *Volume) files(src binfmt.Source) error {
	h, err := src.Bytes(0, volumeHeader, "header")
	if err != nil {
		return err
	}
	erased := byte(0)
	if le.Uint32(h[44:])&erasedOnes != 0 {
		erased = 0xff
	}
	at := v.Header
	if ext := int64(le.Uint16(h[52:])); ext >= v.Header {
		b, err := src.Bytes(ext, 20, "extended header")
		if err != nil {
			return err
		}
		at = ext + int64(le.Uint32(b[16:]))
	}
	for n := 0; ; n++ {
		at = binfmt.Align(at, 8)
		if at+fileHeader > v.Size {
			return nil
		}
		b, err := src.Bytes(at, fileHeader, "file")
		if err != nil {
			return err
		}
		if isFree(b, erased) {
			return nil
		}
		if n == maxFiles {
			return fmt.Errorf("there are more than %d files", maxFiles)
		}
		f, err := file(src, at, b)
		if err != nil {
			return err
		}
		if f.Type != typePadding {
			f.sections(src)
		}
		v.Files = append(v.Files, *f)
		at += f.Size
	}
}

func isFree(b []byte, erased byte) bool {
	for _, v := range b {
		if v != erased {
			return false
		}
	}
	return true
}

// file reads the header of a file.
func file(src binfmt.Source, at int64, b []byte) (*File, error) {
	f := &File{GUID: binfmt.GUID(b[:16]), Type: b[18], Offset: at, attributes: b[19], sum: b[17], data: at + fileHeader}
	f.Size = int64(b[20]) | int64(b[21])<<8 | int64(b[22])<<16
	if f.attributes&attrLarge != 0 {
		large, err := src.Bytes(at, largeHeader, "header of a large file")
		if err != nil {
			return nil, err
		}
		b, f.Size, f.data = large, int64(le.Uint64(large[24:])), at+largeHeader
	}
	if f.Size < f.data-at || src.Check(at, f.Size, "file") != nil {
		return nil, fmt.Errorf("the file at %#x is said to have %#x bytes", at, uint64(f.Size))
	}
	f.headerIsGood = sum8(b)-b[17]-b[23] == 0
	return f, nil
}

// text returns text of 16-bit characters, up to a zero.
func text(b []byte) string {
	var list []uint16
	for i := 0; i+2 <= len(b); i += 2 {
		c := le.Uint16(b[i:])
		if c == 0 {
			break
		}
		list = append(list, c)
	}
	return string(utf16.Decode(list))
}
