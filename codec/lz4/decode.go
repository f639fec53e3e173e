// SPDX-License-Identifier: GPL-2.0-or-later

package lz4

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"binman/codec/internal/cursor"
	"binman/codec/internal/limit"
	"binman/codec/internal/lz77"
)

// Errors of Decode. They come wrapped with the offset in the input.
var (
	// ErrFormat says that the input is not LZ4, or is damaged.
	ErrFormat = errors.New("lz4: invalid data")
	// ErrTooLarge says that the output would exceed the limit.
	ErrTooLarge = limit.ErrTooLarge
)

// legacyBlock is the most that a block of the legacy format decodes to.
const legacyBlock = 8 << 20

// Decode returns the content of the frames at the start of src, at most
// maxSize bytes of it, else ErrTooLarge. Bytes after the last frame are
// ignored.
func Decode(src []byte, maxSize int64) ([]byte, error) {
	out := limit.Buffer{Max: maxSize}
	_, err := DecodeTo(&out, src, maxSize)
	return out.Done(err)
}

// DecodeTo is like Decode, and writes the content. It returns how many bytes of src
// the frames take.
func DecodeTo(w io.Writer, src []byte, maxSize int64) (consumed int64, err error) {
	d := decoder{Cursor: cursor.Cursor{Src: src, Order: binary.LittleEndian, Malformed: ErrFormat}, win: limit.NewWindow(w, maxSize)}
	frames := 0
	for d.isFrame() {
		if err := d.frame(); err != nil {
			return 0, err
		}
		frames++
	}
	if frames == 0 {
		return 0, d.Errorf("no LZ4 frame magic")
	}
	return int64(d.Pos), d.win.Close()
}

type decoder struct {
	cursor.Cursor
	win limit.Window
}

// isFrame reports whether the magic of any kind of frame comes next.
func (d *decoder) isFrame() bool {
	if d.Left() < 4 {
		return false
	}
	magic := binary.LittleEndian.Uint32(d.Src[d.Pos:])
	return magic == frameMagic || magic == legacyMagic || magic&^15 == skipMagic
}

func (d *decoder) frame() error {
	magic, err := d.Uint32("magic")
	switch {
	case err != nil:
		return err
	case magic == legacyMagic:
		return d.legacy()
	case magic == frameMagic:
		return d.blocks()
	}
	size, err := d.Uint32("size of a skippable frame")
	if err != nil {
		return err
	}
	_, err = d.Take(int64(size), "skippable frame")
	return err
}

// header is what a frame says of itself before its first block.
type header struct {
	flags       byte
	blockMax    int64
	contentSize uint64
}

func (d *decoder) header() (header, error) {
	start := d.Pos
	b, err := d.Take(2, "frame descriptor")
	if err != nil {
		return header{}, err
	}
	h := header{flags: b[0]}
	sizeCode := b[1] >> 4 & 7
	switch {
	case h.flags&maskVersion != flagVersion:
		return h, d.Errorf("frame version %d, want 1", h.flags>>6)
	case h.flags&flagReserved != 0 || b[1]&0x8f != 0:
		return h, d.Errorf("reserved bits set in the frame descriptor 0x%02x 0x%02x", b[0], b[1])
	case sizeCode < 4:
		return h, d.Errorf("block size code %d, want 4 to 7", sizeCode)
	case h.flags&flagDictionary != 0:
		return h, d.Errorf("the frame needs a dictionary, which is not supported")
	}
	h.blockMax = 1 << (8 + 2*sizeCode)
	if h.flags&flagContentSize != 0 {
		b, err := d.Take(8, "content size")
		if err != nil {
			return h, err
		}
		h.contentSize = binary.LittleEndian.Uint64(b)
	}
	want := byte(xxh32(d.Src[start:d.Pos]) >> 8)
	sum, err := d.Take(1, "header checksum")
	if err != nil {
		return h, err
	}
	if sum[0] != want {
		return h, d.Errorf("header checksum 0x%02x, computed 0x%02x", sum[0], want)
	}
	return h, nil
}

// blocks reads a frame after its magic.
func (d *decoder) blocks() error {
	h, err := d.header()
	if err != nil {
		return err
	}
	if h.flags&flagContentSize != 0 && h.contentSize > uint64(max(d.win.Left(), 0)) {
		return limit.Exceeded(d.win.Limit())
	}
	start := d.win.Total()
	d.win.Reserve(farthest, d.Left())
	window := len(d.win.Out) // where the data begins that a match may refer to
	var content xxh32State
	for {
		word, err := d.Uint32("block size")
		if err != nil {
			return err
		}
		if word == 0 {
			break
		}
		size := int64(word &^ storedBit)
		if size > h.blockMax {
			return d.Errorf("block of %d bytes in a frame with blocks up to %d", size, h.blockMax)
		}
		data, err := d.Take(size, "block")
		if err != nil {
			return err
		}
		if h.flags&flagBlockSum != 0 {
			sum, err := d.Uint32("block checksum")
			if err != nil {
				return err
			}
			if want := xxh32(data); sum != want {
				return d.Errorf("block checksum 0x%08x, computed 0x%08x", sum, want)
			}
		}
		keep := int64(farthest)
		if h.flags&flagIndependent != 0 {
			window, keep = len(d.win.Out), 0
		}
		moved, err := d.win.Pass(keep)
		if err != nil {
			return err
		}
		window = max(window-moved, 0)
		before := len(d.win.Out)
		if word&storedBit != 0 {
			err = d.stored(data)
		} else {
			err = d.block(data, window, h.blockMax)
		}
		if err != nil {
			return err
		}
		if h.flags&flagContentSum != 0 {
			content.write(d.win.Out[before:])
		}
	}
	if size := d.win.Total() - start; h.flags&flagContentSize != 0 && h.contentSize != uint64(size) {
		return d.Errorf("frame says %d bytes of content, but holds %d", h.contentSize, size)
	}
	if h.flags&flagContentSum != 0 {
		sum, err := d.Uint32("content checksum")
		if err != nil {
			return err
		}
		if want := content.sum(); sum != want {
			return d.Errorf("content checksum 0x%08x, computed 0x%08x", sum, want)
		}
	}
	return nil
}

// legacy reads a legacy frame after its magic: blocks until the end of the
// input, or until what cannot be a block's size (padding, the next magic).
func (d *decoder) legacy() error {
	for d.Left() >= 4 {
		size := int64(binary.LittleEndian.Uint32(d.Src[d.Pos:]))
		if size == 0 || size > legacyBlock+legacyBlock/255+16 {
			return nil
		}
		d.Pos += 4
		data, err := d.Take(size, "block")
		if err != nil {
			return err
		}
		if _, err := d.win.Pass(0); err != nil {
			return err
		}
		if err := d.block(data, len(d.win.Out), legacyBlock); err != nil {
			return err
		}
	}
	return nil
}

func (d *decoder) stored(data []byte) error {
	if err := d.win.Make(len(data)); err != nil {
		return err
	}
	d.win.Out = append(d.win.Out, data...)
	return nil
}

// block decodes src, a compressed block of at most blockMax bytes when
// decoded, whose matches may reach back to out[window].
func (d *decoder) block(src []byte, window int, blockMax int64) error {
	bad := func(what string, at int) error {
		return fmt.Errorf("%w: %s at offset 0x%x", ErrFormat, what, d.Pos-len(src)+at)
	}
	out := d.win.Out
	defer func() { d.win.Out = out }()
	blockEnd := int64(len(out)) + blockMax
	most := min(blockEnd, int64(len(out))+d.win.Left())
	over := func(n, at int) error {
		if int64(len(out))+int64(n) > blockEnd {
			return bad("block decodes to more than the largest block", at)
		}
		return limit.Exceeded(d.win.Limit())
	}
	for i := 0; i < len(src); {
		token := src[i]
		i++
		literals, used := extended(int(token>>4), src[i:])
		if used < 0 || literals > len(src)-i-used {
			return bad("literals beyond the end of the block", i)
		}
		i += used
		if int64(len(out))+int64(literals) > most {
			return over(literals, i)
		}
		out = lz77.AppendLiterals(out, src[i:], literals)
		i += literals
		if i == len(src) {
			return nil // the last sequence has no match
		}
		if len(src)-i < 2 {
			return bad("match offset beyond the end of the block", i)
		}
		offset := int(binary.LittleEndian.Uint16(src[i:]))
		i += 2
		if offset == 0 || offset > len(out)-window {
			return bad(fmt.Sprintf("match offset %d before the start of the data", offset), i-2)
		}
		length, used := extended(int(token&15), src[i:])
		if used < 0 {
			return bad("match length beyond the end of the block", i)
		}
		i += used
		length += minMatch
		if int64(len(out))+int64(length) > most {
			return over(length, i)
		}
		out = lz77.AppendMatch(out, offset, length)
	}
	return bad("no last literals", len(src))
}

// extended returns the length whose first four bits are nibble and whose
// extension bytes, if any, start at src, and the number of these; -1 when src
// ends before they do.
func extended(nibble int, src []byte) (length, used int) {
	if nibble < 15 {
		return nibble, 0
	}
	for i, b := range src {
		nibble += int(b)
		if b != 255 {
			return nibble, i + 1
		}
	}
	return 0, -1
}
