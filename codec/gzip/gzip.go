// SPDX-License-Identifier: GPL-2.0-or-later

// Package gzip writes and reads gzip files.
//
// A member, numbers little-endian:
//
//	bytes  field
//	2      magic 1f 8b
//	1      method, 8: Deflate
//	1      flags: header CRC 1, extra field 2, name 3, comment 4
//	4      time of the file, 0 if unknown
//	1      extra flags: 2 smallest, 4 fastest, 0 neither
//	1      system: 3 Unix, 255 unknown
//	…      extra field, name, comment, header CRC, as the flags say
//	…      Deflate data
//	4      CRC-32 of the content
//	4      size of the content modulo 2^32
//
// Source: RFC 1952.
//
// [Encode] writes no name and no time, so that the bytes depend on the data
// only; the header is otherwise that of "gzip -n" on Unix.
package gzip

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"

	"binman/codec/deflate"
	"binman/codec/internal/flush"
	"binman/codec/internal/limit"
)

// Errors of Decode.
var (
	// ErrFormat says that the input is not gzip, or is damaged.
	ErrFormat = errors.New("gzip: invalid data")
	// ErrTooLarge says that the output would exceed the limit.
	ErrTooLarge = limit.ErrTooLarge
)

const magic = "\x1f\x8b\x08"

// Encode returns src as one member. The bytes depend on src only.
func Encode(src []byte) []byte {
	out, _ := flush.Bytes(src, EncodeTo) // only a writer fails
	return out
}

// EncodeTo is like Encode, and writes the member. An error is one of w or src.
func EncodeTo(w io.Writer, src *io.SectionReader) error {
	if _, err := io.WriteString(w, magic+"\x00"+"\x00\x00\x00\x00"+"\x00\x03"); err != nil {
		return err
	}
	if err := deflate.EncodeTo(w, src); err != nil {
		return err
	}
	sum := crc32.NewIEEE()
	if _, err := io.Copy(sum, io.NewSectionReader(src, 0, src.Size())); err != nil {
		return err
	}
	end := binary.LittleEndian.AppendUint32(nil, sum.Sum32())
	_, err := w.Write(binary.LittleEndian.AppendUint32(end, uint32(src.Size())))
	return err
}

// Decode returns the content of the members at the start of src, at most
// maxSize bytes of it, else ErrTooLarge. Bytes after the last member are
// ignored.
func Decode(src []byte, maxSize int64) ([]byte, error) {
	out := limit.Buffer{Max: maxSize}
	_, err := DecodeTo(&out, src, maxSize)
	return out.Done(err)
}

// DecodeTo is like Decode, and writes the content. It returns how many bytes of src
// the members take.
func DecodeTo(w io.Writer, src []byte, maxSize int64) (consumed int64, err error) {
	var z gzip.Reader
	total := int64(0)
	in := bytes.NewReader(src)
	for first := true; first || bytes.HasPrefix(src[len(src)-in.Len():], []byte(magic)); first = false {
		start := len(src) - in.Len()
		err := z.Reset(in)
		if err == nil {
			z.Multistream(false)
			var n int64
			n, err = limit.Copy(w, &z, maxSize-total)
			total += n
		}
		if errors.Is(err, ErrTooLarge) {
			return 0, limit.Exceeded(maxSize)
		}
		if err != nil {
			return 0, fmt.Errorf("%w: %w, in the member at offset 0x%x", ErrFormat, err, start)
		}
	}
	return int64(len(src) - in.Len()), nil
}
