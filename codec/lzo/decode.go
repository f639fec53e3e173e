// SPDX-License-Identifier: GPL-2.0-or-later

package lzo

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/adler32"
	"hash/crc32"
	"io"

	"binman/codec/internal/cursor"
	"binman/codec/internal/limit"
)

// Errors of Decode. They come wrapped with the offset in the input.
var (
	// ErrFormat says that the input is not an lzop file, or is damaged.
	ErrFormat = errors.New("lzo: invalid data")
	// ErrTooLarge says that the output would exceed the limit.
	ErrTooLarge = limit.ErrTooLarge
)

// Decode returns the content of the lzop files at the start of src, at most
// maxSize bytes of it, else ErrTooLarge. Bytes after the last file are
// ignored.
func Decode(src []byte, maxSize int64) ([]byte, error) {
	out := limit.Buffer{Max: maxSize}
	_, err := DecodeTo(&out, src, maxSize)
	return out.Done(err)
}

// DecodeTo is like Decode, and writes the content. It returns how many bytes of src
// the files take.
func DecodeTo(w io.Writer, src []byte, maxSize int64) (consumed int64, err error) {
	d := decoder{Cursor: cursor.Cursor{Src: src, Order: binary.BigEndian, Malformed: ErrFormat}, win: limit.NewWindow(w, maxSize)}
	d.win.Reserve(0, len(src))
	if !d.isFile() {
		return 0, d.Errorf("no lzop magic")
	}
	for d.isFile() {
		if err := d.file(); err != nil {
			return 0, err
		}
	}
	return int64(d.Pos), d.win.Close()
}

type decoder struct {
	cursor.Cursor
	win limit.Window
}

func (d *decoder) isFile() bool {
	return bytes.HasPrefix(d.Src[d.Pos:], []byte(magic))
}

func (d *decoder) file() error {
	flags, err := d.header()
	if err != nil {
		return err
	}
	for {
		more, err := d.block(flags)
		if err != nil || !more {
			return err
		}
	}
}

// header reads a file's header and returns its flags.
func (d *decoder) header() (flags uint32, err error) {
	d.Pos += len(magic)
	start := d.Pos
	fixed, err := d.Take(12, "header")
	if err != nil {
		return 0, err
	}
	if v := binary.BigEndian.Uint16(fixed); v < oldestVersion {
		return 0, d.Errorf("version 0x%04x of lzop, want 0x%04x or later", v, oldestVersion)
	}
	if m := fixed[6]; m < 1 || m > 3 {
		return 0, d.Errorf("method %d, want 1 to 3 (LZO1X)", m)
	}
	flags = binary.BigEndian.Uint32(fixed[8:])
	if flags&flagFilter != 0 {
		filter, err := d.Uint32("filter")
		if err != nil {
			return 0, err
		}
		if filter != 0 {
			return 0, d.Errorf("filter %d is not supported", filter)
		}
	}
	rest, err := d.Take(13, "header")
	if err != nil {
		return 0, err
	}
	if _, err := d.Take(int64(rest[12]), "file name"); err != nil {
		return 0, err
	}
	if err := d.headerSum(flags, d.Src[start:d.Pos], "header"); err != nil {
		return 0, err
	}
	if flags&flagExtra == 0 {
		return flags, nil
	}
	start = d.Pos
	size, err := d.Uint32("extra field size")
	if err != nil {
		return 0, err
	}
	if _, err := d.Take(int64(size), "extra field"); err != nil {
		return 0, err
	}
	return flags, d.headerSum(flags, d.Src[start:d.Pos], "extra field")
}

// headerSum checks the checksum that follows b.
func (d *decoder) headerSum(flags uint32, b []byte, what string) error {
	want := adler32.Checksum(b)
	if flags&flagHeaderCRC != 0 {
		want = crc32.ChecksumIEEE(b)
	}
	return d.sum(want, what+" checksum")
}

// sum reads a checksum called what and compares it with want.
func (d *decoder) sum(want uint32, what string) error {
	sum, err := d.Uint32(what)
	if err != nil {
		return err
	}
	if sum != want {
		return d.Errorf("%s 0x%08x, computed 0x%08x", what, sum, want)
	}
	return nil
}

// block reads a block and reports whether there was one.
func (d *decoder) block(flags uint32) (more bool, err error) {
	decoded, err := d.Uint32("block size")
	if err != nil || decoded == 0 {
		return false, err
	}
	if decoded > maxBlock {
		return false, d.Errorf("block of %d bytes, want %d at most", decoded, maxBlock)
	}
	if int64(decoded) > d.win.Left() {
		return false, limit.Exceeded(d.win.Limit())
	}
	size, err := d.Uint32("compressed size")
	if err != nil {
		return false, err
	}
	if size == 0 || size > decoded {
		return false, d.Errorf("compressed size %d of a block of %d bytes", size, decoded)
	}
	// Sums of the decoded data, then of the compressed data, each only if
	// announced.
	sums := []blockSum{
		{flagDataAdler, "block Adler-32", adler32.Checksum, false},
		{flagDataCRC, "block CRC-32", crc32.ChecksumIEEE, false},
		{flagPackedAdler, "compressed block Adler-32", adler32.Checksum, true},
		{flagPackedCRC, "compressed block CRC-32", crc32.ChecksumIEEE, true},
	}
	present := sums[:0]
	at := d.Pos
	for _, s := range sums {
		if flags&s.flag == 0 || s.packed && size == decoded {
			continue
		}
		present = append(present, s)
		if _, err := d.Uint32(s.name); err != nil {
			return false, err
		}
	}
	data, err := d.Take(int64(size), "block")
	if err != nil {
		return false, err
	}
	end := d.Pos

	if _, err := d.win.Pass(0); err != nil {
		return false, err
	}
	base := len(d.win.Out)
	if size == decoded {
		d.win.Out = append(d.win.Out, data...)
	} else {
		out, err := expand(d.win.Out, data, int(decoded))
		if err != nil {
			d.Pos = end - len(data)
			return false, d.Errorf("%v, in the block", err)
		}
		d.win.Out = out
	}
	d.Pos = at
	for _, s := range present {
		b := d.win.Out[base:]
		if s.packed {
			b = data
		}
		if err := d.sum(s.of(b), s.name); err != nil {
			return false, err
		}
	}
	d.Pos = end
	return true, nil
}

// blockSum is a checksum that a block may carry.
type blockSum struct {
	flag   uint32
	name   string
	of     func([]byte) uint32
	packed bool
}
