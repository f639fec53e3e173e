// SPDX-License-Identifier: GPL-2.0-or-later

package lzo

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/adler32"
	"hash/crc32"

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
	d := decoder{src: src, max: maxSize}
	if !d.isFile() {
		return nil, d.errorf("no lzop magic")
	}
	for d.isFile() {
		if err := d.file(); err != nil {
			return nil, err
		}
	}
	return d.out, nil
}

type decoder struct {
	src []byte
	pos int
	out []byte
	max int64
}

func (d *decoder) errorf(format string, args ...any) error {
	return fmt.Errorf("%w: %s at offset 0x%x", ErrFormat, fmt.Sprintf(format, args...), d.pos)
}

// take returns the next n bytes of the input, which hold what.
func (d *decoder) take(n int64, what string) ([]byte, error) {
	if n > int64(len(d.src)-d.pos) {
		return nil, d.errorf("%s of %d bytes, but the input has only %d more", what, n, len(d.src)-d.pos)
	}
	b := d.src[d.pos : d.pos+int(n)]
	d.pos += int(n)
	return b, nil
}

func (d *decoder) uint32(what string) (uint32, error) {
	b, err := d.take(4, what)
	if err != nil {
		return 0, err
	}
	return binary.BigEndian.Uint32(b), nil
}

func (d *decoder) isFile() bool {
	return bytes.HasPrefix(d.src[d.pos:], []byte(magic))
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
	d.pos += len(magic)
	start := d.pos
	fixed, err := d.take(12, "header")
	if err != nil {
		return 0, err
	}
	if v := binary.BigEndian.Uint16(fixed); v < oldestVersion {
		return 0, d.errorf("version 0x%04x of lzop, want 0x%04x or later", v, oldestVersion)
	}
	if m := fixed[6]; m < 1 || m > 3 {
		return 0, d.errorf("method %d, want 1 to 3 (LZO1X)", m)
	}
	flags = binary.BigEndian.Uint32(fixed[8:])
	if flags&flagFilter != 0 {
		filter, err := d.uint32("filter")
		if err != nil {
			return 0, err
		}
		if filter != 0 {
			return 0, d.errorf("filter %d is not supported", filter)
		}
	}
	rest, err := d.take(13, "header")
	if err != nil {
		return 0, err
	}
	if _, err := d.take(int64(rest[12]), "file name"); err != nil {
		return 0, err
	}
	if err := d.headerSum(flags, d.src[start:d.pos], "header"); err != nil {
		return 0, err
	}
	if flags&flagExtra == 0 {
		return flags, nil
	}
	start = d.pos
	size, err := d.uint32("extra field size")
	if err != nil {
		return 0, err
	}
	if _, err := d.take(int64(size), "extra field"); err != nil {
		return 0, err
	}
	return flags, d.headerSum(flags, d.src[start:d.pos], "extra field")
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
	sum, err := d.uint32(what)
	if err != nil {
		return err
	}
	if sum != want {
		return d.errorf("%s 0x%08x, computed 0x%08x", what, sum, want)
	}
	return nil
}

// block reads a block and reports whether there was one.
func (d *decoder) block(flags uint32) (more bool, err error) {
	decoded, err := d.uint32("block size")
	if err != nil || decoded == 0 {
		return false, err
	}
	if decoded > maxBlock {
		return false, d.errorf("block of %d bytes, want %d at most", decoded, maxBlock)
	}
	if int64(decoded) > d.max-int64(len(d.out)) {
		return false, limit.Exceeded(d.max)
	}
	size, err := d.uint32("compressed size")
	if err != nil {
		return false, err
	}
	if size == 0 || size > decoded {
		return false, d.errorf("compressed size %d of a block of %d bytes", size, decoded)
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
	at := d.pos
	for _, s := range sums {
		if flags&s.flag == 0 || s.packed && size == decoded {
			continue
		}
		present = append(present, s)
		if _, err := d.uint32(s.name); err != nil {
			return false, err
		}
	}
	data, err := d.take(int64(size), "block")
	if err != nil {
		return false, err
	}
	end := d.pos

	base := len(d.out)
	if size == decoded {
		d.out = append(d.out, data...)
	} else {
		out, err := expand(d.out, data, int(decoded))
		if err != nil {
			d.pos = end - len(data)
			return false, d.errorf("%v, in the block", err)
		}
		d.out = out
	}
	d.pos = at
	for _, s := range present {
		b := d.out[base:]
		if s.packed {
			b = data
		}
		if err := d.sum(s.of(b), s.name); err != nil {
			return false, err
		}
	}
	d.pos = end
	return true, nil
}

// blockSum is a checksum that a block may carry.
type blockSum struct {
	flag   uint32
	name   string
	of     func([]byte) uint32
	packed bool
}
