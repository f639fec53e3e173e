// SPDX-License-Identifier: GPL-2.0-or-later

// Package pe reads PE files, the programs that UEFI firmware starts, and judges their
// signatures, which Secure Boot asks for. All numbers are little-endian:
//
//	offset  size  file
//	     0     2  "MZ"
//	    60     4  offset of the header
//
//	offset  size  header
//	     0     4  "PE", two zeros
//	     4     2  kind of processor
//	     6     2  number of sections
//	    12     8  offset and number of symbols, of 18 bytes; behind them are long names
//	    20     2  size n of the optional header, bytes
//	    24     2  optional header: 0x10b, or 0x20b with 64 bits
//	    40     4  entry point, counted from where the file is loaded
//	    88     4  checksum
//	    92     2  kind of program, see subsystems
//	   120        table of data directories; 136 with 64 bits; number of them before it, 4 bytes
//	 24+n        sections
//
//	offset  size  section
//	     0     8  name, or "/" and the offset of a long one in decimal digits
//	     8     8  size in memory; address, counted from where the file is loaded
//	    16     8  size and offset in the file
//
// The data directory with the number 4 has the offset and the size of signatures at the
// end of the file, each at a multiple of 8:
//
//	offset  size  signature
//	     0     4  size with this header, bytes
//	     4     2  revision, 0x0200
//	     6     2  2 for PKCS #7
//	     8        PKCS #7 structure with the hash of the file
//
// The hash is of the file without the checksum, without that data directory and without the
// signatures. Microsoft's PE Format and Windows Authenticode Portable Executable Signature
// Format specify them.
package pe

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"binman/format/capsule"
	"binman/internal/binfmt"
)

// ErrFormat is wrapped by the errors about bytes that are no PE file.
var ErrFormat = errors.New("no PE file")

var le = binary.LittleEndian

const (
	coffHeader    = 24
	checksumAt    = 88 // in the header
	subsystemAt   = 92
	tableAt       = 120
	tableAt64     = 136
	symbolSize    = 18
	maxName       = 64 // bytes of a long name that are read
	directory     = 8
	certDirectory = 4
	section       = 40
	signature     = 8
	isPKCS7       = 2

	// What a damaged file can cost.
	maxOptional   = 4096 // bytes
	maxSections   = 96
	maxSignatures = 16
	maxSignature  = 1 << 20 // bytes
)

var machines = map[uint16]string{
	0x14c: "x86", 0x1c0: "arm", 0x1c2: "thumb", 0x8664: "x86_64", 0xaa64: "arm64", 0xebc: "ebc", 0x200: "ia64", 0x5032: "riscv32", 0x5064: "riscv64",
	0x6232: "loongarch32", 0x6264: "loongarch64",
}

// subsystems names kinds of programs.
var subsystems = map[uint16]string{
	10: "EFI application", 11: "EFI boot service driver", 12: "EFI runtime driver", 13: "EFI ROM image",
}

// File is a PE file.
type File struct {
	Size      int64 // of what the header names, bytes
	Machine   uint16
	Subsystem uint16
	Entry     uint32 // counted from where the file is loaded
	Sections  []Section

	checksum   int64 // offset of it, bytes
	certEntry  int64 // offset of the data directory; 0 if there is none
	certTable  extent
	signatures []signed
	src        binfmt.Source
}

// Section is a part of a file that is loaded.
type Section struct {
	Name         string
	Offset, Size int64  // bytes in the file
	Address      uint32 // counted from where the file is loaded
	MemSize      uint32 // bytes
}

type extent struct{ offset, size int64 }

// signed is a signature; err says why it cannot be read.
type signed struct {
	*capsule.Signature
	err error
}

// Detect says whether a file for UEFI starts there.
func Detect(r io.ReaderAt, size int64) bool {
	f, err := Parse(r, size)
	return err == nil && subsystems[f.Subsystem] != ""
}

// Parse reads the file at the start of r.
func Parse(r io.ReaderAt, size int64) (*File, error) {
	src := binfmt.Source{R: r, Size: size}
	dos, err := src.Bytes(0, 64, "header")
	if err != nil || dos[0] != 'M' || dos[1] != 'Z' {
		return nil, fmt.Errorf("%w: it does not start with MZ", ErrFormat)
	}
	at := int64(le.Uint32(dos[60:]))
	h, err := src.Bytes(at, coffHeader, "PE header")
	if err != nil || string(h[:4]) != "PE\x00\x00" {
		return nil, fmt.Errorf("%w: there is no header at %#x", ErrFormat, at)
	}
	n, optional := int(le.Uint16(h[6:])), int64(le.Uint16(h[20:]))
	if n > maxSections || optional < subsystemAt+2-coffHeader || optional > maxOptional {
		return nil, fmt.Errorf("%w: %d sections and %#x bytes of the optional header", ErrFormat, n, optional)
	}
	if h, err = src.Bytes(at, coffHeader+optional+int64(n)*section, "PE header"); err != nil {
		return nil, err
	}
	f := &File{src: src, Size: at + int64(len(h)), Machine: le.Uint16(h[4:]), Entry: le.Uint32(h[40:]), Subsystem: le.Uint16(h[subsystemAt:]), checksum: at + checksumAt}
	for b := h[coffHeader+optional:]; len(b) > 0; b = b[section:] {
		s := Section{MemSize: le.Uint32(b[8:]), Address: le.Uint32(b[12:]), Size: int64(le.Uint32(b[16:])), Offset: int64(le.Uint32(b[20:]))}
		s.Name = name(src, b[:8], int64(le.Uint32(h[12:]))+symbolSize*int64(le.Uint32(h[16:])))
		f.Sections = append(f.Sections, s)
		if s.Size > 0 {
			f.Size = max(f.Size, s.Offset+s.Size)
		}
	}
	table := tableAt
	switch le.Uint16(h[24:]) {
	case 0x10b:
	case 0x20b:
		table = tableAt64
	default:
		return nil, fmt.Errorf("%w: the optional header is of the kind %#x", ErrFormat, le.Uint16(h[24:]))
	}
	if entry := table + certDirectory*directory; int64(entry+directory) <= coffHeader+optional && le.Uint32(h[table-4:]) > certDirectory {
		f.certEntry = at + int64(entry)
		f.certTable = extent{int64(le.Uint32(h[entry:])), int64(le.Uint32(h[entry+4:]))}
	}
	if f.certTable.size > 0 {
		f.Size = max(f.Size, f.certTable.offset+f.certTable.size)
		f.readSignatures()
	}
	return f, nil
}

// name returns the name of a section, with the offset of long names. One that cannot be
// found has no slash, which would divide a path.
func name(src binfmt.Source, b []byte, names int64) string {
	s, _ := binfmt.CString(b)
	digits, long := strings.CutPrefix(s, "/")
	if at, err := strconv.ParseInt(digits, 10, 32); long && err == nil && at > 0 && names+at < src.Size {
		if b, err := src.Bytes(names+at, min(maxName, src.Size-names-at), "name"); err == nil {
			s, _ = binfmt.CString(b)
		}
	}
	return strings.TrimPrefix(s, "/")
}

// readSignatures reads the signatures as far as they can be found.
func (f *File) readSignatures() {
	end := f.certTable.offset + f.certTable.size
	for at := f.certTable.offset; at+signature <= end && len(f.signatures) < maxSignatures; {
		h, err := f.src.Bytes(at, signature, "signature")
		if err != nil {
			f.signatures = append(f.signatures, signed{err: err})
			return
		}
		size := int64(le.Uint32(h))
		if size < signature || size > end-at || size > maxSignature {
			f.signatures = append(f.signatures, signed{err: fmt.Errorf("the signature at %#x has %#x bytes", at, size)})
			return
		}
		s := signed{err: fmt.Errorf("the signature at %#x is of kind %d, not PKCS #7", at, le.Uint16(h[6:]))}
		if le.Uint16(h[6:]) == isPKCS7 {
			var b []byte
			if b, s.err = f.src.Bytes(at+signature, size-signature, "signature"); s.err == nil {
				s.Signature, s.err = parseSignature(b)
			}
		}
		f.signatures = append(f.signatures, s)
		at += binfmt.Align(size, 8)
	}
}

// Details returns what the header says, and who has signed the file.
func (f *File) Details() binfmt.Details {
	machine, ok := machines[f.Machine]
	if !ok {
		machine = fmt.Sprintf("%#x", f.Machine)
	}
	var signers []string
	for _, s := range f.signatures {
		if s.err == nil {
			signers = append(signers, signer(s.Signature))
		}
	}
	return binfmt.Details{}.With("arch", machine).With("kind", f.kind()).With("entry-offset", f.Entry).With("signatures", signers)
}

func (f *File) kind() string {
	if kind := subsystems[f.Subsystem]; kind != "" {
		return kind
	}
	return fmt.Sprintf("subsystem %d", f.Subsystem)
}

// List returns the sections, and the signatures as one item.
func (f *File) List() []binfmt.Item {
	var list []binfmt.Item
	for _, s := range f.Sections {
		if s.Size > 0 {
			list = append(list, binfmt.Item{Name: s.Name, Type: "section", Offset: s.Offset, Size: s.Size}.
				With("address-offset", s.Address).With("memory-size", int64(s.MemSize)))
		}
	}
	if f.certTable.size > 0 {
		list = append(list, binfmt.Item{Name: "signatures", Type: fmt.Sprintf("signatures: %d", len(f.signatures)), Offset: f.certTable.offset, Size: f.certTable.size})
	}
	return list
}
