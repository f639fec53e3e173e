// SPDX-License-Identifier: GPL-2.0-or-later

package mcuboot

import (
	"encoding/binary"
	"math"

	"binman/content"
	"binman/internal/binfmt"
)

// Slot is the part of flash that an image is for. At its end is the trailer, in
// which the bootloader keeps the state of an update. With m for the largest
// alignment of writing, and 16 rounded up to a multiple of it:
//
//	size
//	sectors*3*align  progress of swapping
//	2*key            encryption keys, if the image is encrypted
//	m                how much is swapped, 4 bytes
//	m                what is swapped, one byte
//	m                copy done, one byte: 1 if so
//	m                image good, one byte: 1 if so
//	16 rounded up    magic, in the last 16 bytes
//
// If images are only overwritten, that is two times m and the magic.
type Slot struct {
	Size          int64 // in bytes; 0 if nobody knows
	Align         int64 // of writing, in bytes: 1 to 32; 0 is 1
	MaxAlign      int64 // of both slots, 8 to 32; 0 is Align, at least 8
	Sectors       int64 // how many can be swapped
	OverwriteOnly bool
	SaveEncTLV    bool // the trailer holds the TLV with the key, not the key
}

// DefaultSectors is how many sectors are swapped, if nobody says.
const DefaultSectors = 128

const magicSize = 16

func (s *Slot) maxAlign() int64 {
	if s.MaxAlign != 0 {
		return s.MaxAlign
	}
	return max(8, s.align())
}

func (s *Slot) align() int64 { return max(1, s.Align) }

// TrailerSize returns the size of the trailer in bytes. keyTLV is the size of the
// TLV with the encryption key, or negative if the image is not encrypted.
func (s *Slot) TrailerSize(keyTLV int64) int64 {
	m := s.maxAlign()
	magic := binfmt.Align(magicSize, m)
	if s.OverwriteOnly {
		return 2*m + magic
	}
	size := s.Sectors*3*s.align() + 4*m + magic
	if keyTLV >= 0 {
		key := int64(magicSize)
		if s.SaveEncTLV {
			key = keyTLV
		}
		size += 2 * binfmt.Align(key, m)
	}
	return size
}

// check says what is wrong with the slot.
func (s *Slot) check() error {
	switch {
	case s.Size > math.MaxUint32:
		return misuse("A slot of 0x%x bytes is larger than 4 GiB", s.Size)
	case s.Sectors < 0 || s.Sectors > 1<<20:
		return misuse("%d is no number of sectors", s.Sectors)
	}
	return nil
}

// fits says whether an image of n bytes has room.
func (s *Slot) fits(n, keyTLV int64) error {
	trailer := s.TrailerSize(keyTLV)
	if s.Size > 0 && n+trailer > s.Size {
		return misuse("Image size (0x%x) + trailer (0x%x) exceeds requested size 0x%x", n, trailer, s.Size)
	}
	return nil
}

// magic returns the last 16 bytes of the trailer.
func (s *Slot) magic(order binary.ByteOrder) []byte {
	if s.maxAlign() == 8 {
		return []byte{0x77, 0xc2, 0x95, 0xf3, 0x60, 0xd2, 0xef, 0x7f, 0x35, 0x52, 0x50, 0x0f, 0x2c, 0xb6, 0x79, 0x80}
	}
	b := []byte{0, 0, 0x2d, 0xe1, 0x5d, 0x29, 0x41, 0x0b, 0x8d, 0x77, 0x67, 0x9c, 0x11, 0x0f, 0x1f, 0x8a}
	order.PutUint16(b, uint16(s.maxAlign()))
	return b
}

// Piece is something in a slot.
type Piece struct {
	Offset int64 // from the start of the slot, in bytes
	Data   []byte
}

// Trailer returns what is to be written at the end of a slot for an image that is
// to be tried or good already: the flag, if the bootloader looks at one, and the
// magic.
func (s *Slot) Trailer(order binary.ByteOrder, erased byte, flag, good bool) []Piece {
	magic := Piece{s.Size - magicSize, s.magic(order)}
	if !flag || s.OverwriteOnly {
		return []Piece{magic}
	}
	m := s.maxAlign()
	ok := make([]byte, m)
	for i := range ok {
		ok[i] = erased
	}
	if good {
		ok[0] = 1
	}
	return []Piece{{s.Size - binfmt.Align(magicSize, m) - m, ok}, magic}
}

// Fill returns the image with erased flash up to the end of the slot, and the
// trailer there.
func (s *Slot) Fill(image content.Data, erased byte, trailer []Piece) (content.Data, error) {
	parts := []content.Data{image}
	end := image.Len()
	for _, p := range trailer {
		if p.Offset < end {
			return content.Data{}, misuse("A slot of 0x%x bytes has no room for the trailer behind 0x%x bytes of image", s.Size, image.Len())
		}
		parts = append(parts, content.Fill(erased, p.Offset-end), content.Bytes(p.Data))
		end = p.Offset + int64(len(p.Data))
	}
	return content.Join(parts...), nil
}
