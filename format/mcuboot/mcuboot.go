// SPDX-License-Identifier: GPL-2.0-or-later

// Package mcuboot makes, reads and verifies the images that the bootloader
// MCUboot starts, with the same bytes as its own tool, imgtool.
//
// An image lies at the start of a slot of flash:
//
//	header, and room up to the size that it gives
//	payload        code; may be encrypted or compressed
//	protected TLVs what is signed besides; only if there is something
//	TLVs           hash, signature, key of the payload
//	               erased flash
//	trailer        at the end of the slot, see [Slot]
//
// The header has 32 bytes, in the byte order of the processor:
//
//	offset  size
//	     0     4  magic 96f3b83d
//	     4     4  address to load at, or that it is made for (flags)
//	     8     2  size of the header with the room behind it, in bytes
//	    10     2  size of the protected TLVs, in bytes
//	    12     4  size of the payload, in bytes
//	    16     4  flags, see [Flags]
//	    20     1  major version
//	    21     1  minor version
//	    22     2  revision
//	    24     4  build
//	    28     4  0
//
// The hash and the signature cover header, payload and protected TLVs, before
// encryption. For the TLVs see [TLV].
//
// The format is specified by docs/design.md and boot/bootutil of MCUboot, and,
// where these are silent, by what imgtool 2.4.0 writes.
package mcuboot

import (
	"encoding/binary"
	"fmt"
)

// HeaderSize is the size of the header in bytes, without room behind it.
const HeaderSize = 32

// Magic is the first word of an image.
const Magic = 0x96f3b83d

// Flags are those of the header.
type Flags uint32

// The flags.
const (
	PIC        Flags = 0x1
	EncAES128  Flags = 0x4
	EncAES256  Flags = 0x8
	NoBoot     Flags = 0x10 // not to be started, such as a file system
	RAMLoad    Flags = 0x20 // started at the load address, in RAM
	ROMFixed   Flags = 0x100
	LZMA1      Flags = 0x200
	LZMA2      Flags = 0x400
	ARMThumb   Flags = 0x800 // filtered before compression
	encrypted        = EncAES128 | EncAES256
	compressed       = LZMA1 | LZMA2
)

// FlagName is a flag with its name.
type FlagName struct {
	Flag Flags
	Name string
}

// FlagNames returns the flags that have names.
func FlagNames() []FlagName {
	return []FlagName{
		{PIC, "PIC"}, {EncAES128, "ENCRYPTED_AES128"}, {EncAES256, "ENCRYPTED_AES256"}, {NoBoot, "NON_BOOTABLE"}, {RAMLoad, "RAM_LOAD"},
		{ROMFixed, "ROM_FIXED"}, {LZMA1, "COMPRESSED_LZMA1"}, {LZMA2, "COMPRESSED_LZMA2"}, {ARMThumb, "COMPRESSED_ARM_THUMB"},
	}
}

// Header is the header of an image.
type Header struct {
	LoadAddr      uint32
	Size          uint16 // with the room behind it, in bytes
	ProtectedSize uint16 // of the protected TLVs with their own header, in bytes
	ImageSize     uint32 // of the payload, in bytes
	Flags         Flags
	Version       Version
}

// marshal returns the 32 bytes.
func (h *Header) marshal(order binary.ByteOrder) []byte {
	b := make([]byte, HeaderSize)
	order.PutUint32(b, Magic)
	order.PutUint32(b[4:], h.LoadAddr)
	order.PutUint16(b[8:], h.Size)
	order.PutUint16(b[10:], h.ProtectedSize)
	order.PutUint32(b[12:], h.ImageSize)
	order.PutUint32(b[16:], uint32(h.Flags))
	h.Version.put(order, b[20:])
	return b
}

// Misuse is an error about what was asked for, in imgtool's words where it has
// some.
type Misuse string

// Error returns what is wrong.
func (m Misuse) Error() string { return string(m) }

func misuse(format string, a ...any) error { return Misuse(fmt.Sprintf(format, a...)) }
