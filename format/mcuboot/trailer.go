// SPDX-License-Identifier: GPL-2.0-or-later

package mcuboot

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"binman/internal/binfmt"
)

// Trailer is what the end of a slot says, see [Slot].
type Trailer struct {
	Magic []byte // of 16 bytes, whatever they are

	// The rest is there only if the magic is right.
	MaxAlign int64 // 0 if it is not
	SwapSize uint32
	SwapInfo byte
	CopyDone byte
	ImageOK  byte
}

// Trailer reads the trailer at the end of the file, as imgtool does; nil if the
// file ends with the image.
func (im *Image) Trailer() (*Trailer, error) {
	size := im.src.Size
	if im.End() == size {
		return nil, nil
	}
	return readTrailer(im.src, size, im.Order)
}

// readTrailer reads the trailer that ends at an offset.
func readTrailer(src binfmt.Source, end int64, order binary.ByteOrder) (*Trailer, error) {
	magic, err := src.Bytes(end-magicSize, magicSize, "trailer")
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCut, err)
	}
	t := &Trailer{Magic: magic, MaxAlign: alignOf(magic)}
	if t.MaxAlign == 0 {
		return t, nil
	}
	b, err := src.Bytes(end-t.size(), t.size(), "trailer")
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCut, err)
	}
	t.SwapSize = order.Uint32(b)
	for i, to := range []*byte{&t.SwapInfo, &t.CopyDone, &t.ImageOK} {
		*to = b[int64(i+1)*t.MaxAlign]
	}
	return t, nil
}

// size returns how many bytes the fields take, with the magic.
func (t *Trailer) size() int64 { return trailerFields*t.MaxAlign + max(magicSize, t.MaxAlign) }

// trailerFields is how many fields are in front of the magic.
const trailerFields = 4

// alignOf returns the alignment that a magic tells of, or 0.
func alignOf(magic []byte) int64 {
	if bytes.Equal(magic, (&Slot{}).magic(binary.LittleEndian)) {
		return 8
	}
	for align := int64(16); align <= 1<<12; align *= 2 {
		s := Slot{MaxAlign: align}
		if bytes.Equal(magic, s.magic(binary.LittleEndian)) || bytes.Equal(magic, s.magic(binary.BigEndian)) {
			return align
		}
	}
	return 0
}

// KeySize returns the size of the encryption keys in the trailer, in bytes, as
// imgtool estimates it; 0 if the image is not encrypted.
func (im *Image) KeySize(t *Trailer) int64 {
	if im.Header.Flags&encrypted == 0 {
		return 0
	}
	return 2 * binfmt.Align(magicSize, t.MaxAlign)
}
