// SPDX-License-Identifier: GPL-2.0-or-later

package mcuboot

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"binman/internal/binfmt"
)

// Image is an image that has been read.
type Image struct {
	Header    Header
	Magic     uint32
	Order     binary.ByteOrder
	Protected Area
	TLVs      Area

	// Damage is what is wrong with the image although it could be read.
	Damage []error

	src binfmt.Source
}

// Area is an area of TLVs.
type Area struct {
	Magic  uint16
	Offset int64 // from the start of the image, in bytes
	Size   int64 // that it gives, with its header
	List   []FoundTLV
}

// FoundTLV is a TLV that has been read.
type FoundTLV struct {
	TLV
	Size int // of the value, as it gives it: more than there is if the image is cut off
}

func (a *Area) end() int64 { return a.Offset + a.Size }

// First returns the value of the first TLV of a type, nil if there is none.
func (a *Area) First(t Type) []byte {
	for _, v := range a.List {
		if v.Type == t {
			return v.Value
		}
	}
	return nil
}

// What is wrong with an image.
var (
	ErrMagic    = errors.New("the magic of an MCUboot image is not there")
	ErrTLVMagic = errors.New("behind the payload is no area of TLVs")
	ErrCut      = errors.New("the image is cut off")
)

// Parse reads an image with which nothing is wrong as far as can be seen without
// looking at hashes. It may be followed by anything.
func Parse(r io.ReaderAt, size int64) (*Image, error) {
	im, err := Scan(r, size)
	if err != nil {
		return nil, err
	}
	return im, errors.Join(im.Damage...)
}

// Scan reads an image as far as it can be understood. The error says why it could
// not be read at all; what else is wrong is Damage.
func Scan(r io.ReaderAt, size int64) (*Image, error) {
	im := &Image{src: binfmt.Source{R: r, Size: size}}
	if err := im.header(); err != nil {
		return nil, err
	}
	if im.Magic != Magic {
		return nil, ErrMagic
	}
	off := im.PayloadEnd()
	magic, err := im.src.Bytes(off, 2, "magic of the TLVs")
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCut, err)
	}
	if im.Order.Uint16(magic) == MagicProtected {
		if im.Protected, _, err = im.area(off); err != nil {
			return nil, err
		}
		off = im.Protected.end()
		if magic, err = im.src.Bytes(off, 2, "magic of the TLVs"); err != nil {
			return nil, fmt.Errorf("%w: %w", ErrCut, err)
		}
	}
	if im.Order.Uint16(magic) != MagicTLV {
		return nil, ErrTLVMagic
	}
	if im.TLVs, _, err = im.area(off); err != nil {
		return nil, err
	}
	if got := im.Protected.Size; got != int64(im.Header.ProtectedSize) {
		im.damaged("the protected TLVs have %d bytes, the header says %d", got, im.Header.ProtectedSize)
	}
	return im, nil
}

// ScanAny reads what the header says, whatever the magics are.
func ScanAny(r io.ReaderAt, size int64) (*Image, error) {
	im := &Image{src: binfmt.Source{R: r, Size: size}}
	err := im.header()
	if err != nil {
		return nil, err
	}
	off := im.PayloadEnd()
	if im.Header.ProtectedSize != 0 {
		if im.Protected, off, err = im.area(off); err != nil {
			return nil, err
		}
	}
	if im.TLVs, _, err = im.area(off); err != nil {
		return nil, err
	}
	if im.Magic != Magic {
		im.Damage = append(im.Damage, ErrMagic)
	}
	if im.TLVs.Magic != MagicTLV || im.Protected.Size > 0 && im.Protected.Magic != MagicProtected {
		im.Damage = append(im.Damage, ErrTLVMagic)
	}
	return im, nil
}

func (im *Image) damaged(format string, a ...any) {
	im.Damage = append(im.Damage, fmt.Errorf(format, a...))
}

// header reads the header.
func (im *Image) header() error {
	b, err := im.src.Bytes(0, HeaderSize-4, "image header") // its last word means nothing
	if err != nil {
		return fmt.Errorf("%w: %w", ErrCut, err)
	}
	order := byteOrder(b)
	im.Order, im.Magic = order, order.Uint32(b)
	im.Header = Header{
		LoadAddr:      order.Uint32(b[4:]),
		Size:          order.Uint16(b[8:]),
		ProtectedSize: order.Uint16(b[10:]),
		ImageSize:     order.Uint32(b[12:]),
		Flags:         Flags(order.Uint32(b[16:])),
		Version:       Version{b[20], b[21], order.Uint16(b[22:]), order.Uint32(b[24:])},
	}
	if im.Header.Size < HeaderSize {
		im.damaged("the header gives itself %d bytes, but has %d", im.Header.Size, HeaderSize)
	}
	return nil
}

// byteOrder returns that of a header: little-endian, unless the magic says big.
func byteOrder(b []byte) binary.ByteOrder {
	if binary.BigEndian.Uint32(b) == Magic {
		return binary.BigEndian
	}
	return binary.LittleEndian
}

// PayloadEnd returns the offset of the end of the payload.
func (im *Image) PayloadEnd() int64 { return int64(im.Header.Size) + int64(im.Header.ImageSize) }

// End returns the offset of the end of the last TLV.
func (im *Image) End() int64 { return im.TLVs.end() }

// area reads an area of TLVs. What is behind it starts at end.
func (im *Image) area(off int64) (a Area, end int64, err error) {
	b, err := im.src.Bytes(off, tlvHeader, "header of the TLVs")
	if err != nil {
		return a, 0, fmt.Errorf("%w: %w", ErrCut, err)
	}
	a = Area{Magic: im.Order.Uint16(b), Offset: off, Size: int64(im.Order.Uint16(b[2:]))}
	if a.Size < tlvHeader {
		im.damaged("an area of TLVs at offset %#x gives itself %d bytes", off, a.Size)
	}
	for off += tlvHeader; off < a.end(); {
		head, err := im.src.Bytes(off, tlvHeader, "header of a TLV")
		if err != nil {
			return a, 0, fmt.Errorf("%w: %w", ErrCut, err)
		}
		off += tlvHeader
		t, n := readType(im.Order, head), int64(im.Order.Uint16(head[2:]))
		if room := min(a.end(), im.src.Size) - off; n > room {
			im.damaged("the TLV of type %#x at offset %#x has %d bytes, there are %d", uint16(t), off, n, max(0, room))
		}
		value, err := im.src.Bytes(off, min(n, max(0, im.src.Size-off)), "TLV")
		if err != nil {
			return a, 0, err
		}
		a.List = append(a.List, FoundTLV{TLV{t, value}, int(n)})
		off += n
	}
	return a, off, nil
}

// Detect says whether an image is there.
func Detect(r io.ReaderAt, size int64) bool {
	_, err := Parse(r, size)
	return err == nil
}
