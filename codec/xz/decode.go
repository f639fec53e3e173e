// SPDX-License-Identifier: GPL-2.0-or-later

package xz

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash"
	"hash/crc32"
	"hash/crc64"
	"io"
	"slices"

	bounded "binman/codec/internal/limit"
)

// Decode decodes an .xz file that fills src: one stream or more, each
// followed by any multiple of 4 zero bytes. It fails with ErrTooLarge when the
// data is longer than limit bytes. Output grows as data appears, so that
// memory stays below a few times limit, whatever headers say.
func Decode(src []byte, limit int64) ([]byte, error) {
	out := bounded.Buffer{Max: limit}
	n, err := DecodeTo(&out, src, limit)
	if err != nil {
		return nil, err
	}
	for at := n; at < int64(len(src)); {
		if pad := src[at:]; len(pad) >= 4 && binary.LittleEndian.Uint32(pad) == 0 {
			at += 4
			continue
		}
		d := decoder{src: src, at: int(at)}
		if len(src)-int(at) < streamEnd || !bytes.HasPrefix(src[at:], []byte(headerMagic)) {
			return nil, d.corrupt("%d bytes after the stream are neither padding nor a stream", len(src)-int(at))
		}
		_, n, err := decodeStream(&out, src, int(at), limit-int64(len(out.Out)))
		if err != nil {
			return nil, err
		}
		at = int64(n)
	}
	return out.Out, nil
}

// DecodePrefix decodes the first stream of src, after which anything may
// follow. It returns the data, at most limit bytes, and how many bytes of src
// the stream takes.
func DecodePrefix(src []byte, limit int64) (out []byte, consumed int64, err error) {
	buf := bounded.Buffer{Max: limit}
	consumed, err = DecodeTo(&buf, src, limit)
	out, err = buf.Done(err)
	return out, consumed, err
}

// DecodeTo is like DecodePrefix, and writes the data.
func DecodeTo(w io.Writer, src []byte, limit int64) (consumed int64, err error) {
	_, end, err := decodeStream(w, src, 0, limit)
	return int64(end), err
}

// decoder walks over src.
type decoder struct {
	src   []byte
	at    int
	check byte
}

func (d *decoder) corrupt(format string, args ...any) error {
	return fmt.Errorf("xz: at offset %d: %w: %s", d.at, ErrCorrupt, fmt.Sprintf(format, args...))
}

// take returns the next n bytes, or an error that says what is missing.
func (d *decoder) take(n int, what string) ([]byte, error) {
	if n > len(d.src)-d.at {
		return nil, d.corrupt("the %s is cut off", what)
	}
	part := d.src[d.at : d.at+n]
	d.at += n
	return part, nil
}

// sizes of a block, as the index records them.
type sizes struct{ unpadded, unpacked int64 }

// decodeStream decodes the stream at offset at, writes its data, and returns how much
// it was and where the stream ends.
func decodeStream(w io.Writer, src []byte, at int, limit int64) (size int64, end int, err error) {
	d := &decoder{src: src, at: at}
	if err := d.streamHeader(); err != nil {
		return 0, 0, err
	}
	var blocks []sizes
	for {
		if d.at == len(src) {
			return 0, 0, d.corrupt("the stream ends without an index")
		}
		if src[d.at] == 0 {
			break
		}
		block, err := d.block(w, limit-size)
		if err != nil {
			return 0, 0, err
		}
		size += block.unpacked
		blocks = append(blocks, block)
	}
	start := d.at
	if err := d.index(blocks); err != nil {
		return 0, 0, err
	}
	if err := d.footer(int64(d.at - start)); err != nil {
		return 0, 0, err
	}
	return size, d.at, nil
}

func (d *decoder) streamHeader() error {
	start := d.at
	h, err := d.take(streamEnd, "stream header")
	if err != nil {
		return err
	}
	d.at = start
	if string(h[:6]) != headerMagic {
		return d.corrupt("no .xz magic number")
	}
	if binary.LittleEndian.Uint32(h[8:]) != crc32.ChecksumIEEE(h[6:8]) {
		return d.corrupt("the CRC of the stream header is wrong")
	}
	if h[6] != 0 || h[7] > 15 {
		return fmt.Errorf("xz: at offset %d: stream flags %02x %02x: %w", start+6, h[6], h[7], ErrUnsupported)
	}
	d.check = h[7]
	switch d.check {
	case checkNone, checkCRC32, checkCRC64, checkSHA256:
	default:
		return fmt.Errorf("xz: at offset %d: check of type %d: %w", start+7, d.check, ErrUnsupported)
	}
	d.at = start + streamEnd
	return nil
}

// block decodes a block, writes its data, and checks everything it says about itself.
func (d *decoder) block(w io.Writer, limit int64) (sizes, error) {
	start := d.at
	want, filters, err := d.blockHeader()
	if err != nil {
		return sizes{}, err
	}
	head := d.at - start
	out := output{w: w, sum: newSum(d.check)}
	n, err := filters.decode(&out, d.src[d.at:], limit)
	if err != nil {
		return sizes{}, fmt.Errorf("xz: in the LZMA2 data from offset %d: %w", d.at, err)
	}
	if want.unpadded >= 0 && n != want.unpadded {
		return sizes{}, d.corrupt("the block has %d packed bytes, its header says %d", n, want.unpadded)
	}
	if want.unpacked >= 0 && out.size != want.unpacked {
		return sizes{}, d.corrupt("the block has %d bytes of data, its header says %d", out.size, want.unpacked)
	}
	d.at += int(n)
	if err := d.padding(start, "block"); err != nil {
		return sizes{}, err
	}
	got, err := d.take(checkSizes[d.check], "check of the block")
	if err != nil {
		return sizes{}, err
	}
	if !bytes.Equal(got, out.check()) {
		d.at -= len(got)
		return sizes{}, d.corrupt("the check of the block does not match its data")
	}
	return sizes{int64(head) + n + int64(len(got)), out.size}, nil
}

// output passes the data of a block on, and computes its size and check.
type output struct {
	w    io.Writer
	sum  hash.Hash // nil: there is no check
	size int64
}

func (o *output) Write(p []byte) (int, error) {
	if o.sum != nil {
		o.sum.Write(p)
	}
	o.size += int64(len(p))
	return o.w.Write(p)
}

// check returns the check, in the byte order of the format.
func (o *output) check() []byte {
	if o.sum == nil {
		return nil
	}
	b := o.sum.Sum(nil)
	if len(b) < sha256.Size { // Go's CRCs are big-endian
		slices.Reverse(b)
	}
	return b
}

// newSum returns what computes a check of a kind that streamHeader lets pass, or nil.
func newSum(check byte) hash.Hash {
	switch check {
	case checkCRC32:
		return crc32.NewIEEE()
	case checkCRC64:
		return crc64.New(crc64.MakeTable(crc64.ECMA))
	case checkSHA256:
		return sha256.New()
	}
	return nil
}

// blockHeader returns the sizes a block header states, where unpadded is that
// of the packed data alone and -1 means unknown, and the filters.
func (d *decoder) blockHeader() (want sizes, filters chain, err error) {
	const sizesFlags, reservedFlags = 0x40, 0x3c
	want = sizes{-1, -1}
	start := d.at
	h, err := d.take((int(d.src[start])+1)*4, "block header")
	if err != nil {
		return want, filters, err
	}
	body := len(h) - 4
	// Errors up to the next block are about this header.
	in := decoder{src: d.src[:start+body], at: start}
	if binary.LittleEndian.Uint32(h[body:]) != crc32.ChecksumIEEE(h[:body]) {
		return want, filters, in.corrupt("the CRC of the block header is wrong")
	}
	flags := h[1]
	if flags&reservedFlags != 0 {
		return want, filters, fmt.Errorf("xz: at offset %d: block flags %02x: %w", start+1, flags, ErrUnsupported)
	}
	in.at += 2
	if flags&sizesFlags != 0 {
		if want.unpadded, err = in.varint(); err != nil {
			return want, filters, err
		}
	}
	if flags&(sizesFlags<<1) != 0 {
		if want.unpacked, err = in.varint(); err != nil {
			return want, filters, err
		}
	}
	if filters, err = in.filters(int(flags&3) + 1); err != nil {
		return want, filters, err
	}
	for in.at < len(in.src) {
		if in.src[in.at] != 0 {
			return want, filters, in.corrupt("the padding of the block header is not zero")
		}
		in.at++
	}
	return want, filters, nil
}

// varint reads a number of up to 63 bits.
func (d *decoder) varint() (int64, error) {
	v := uint64(0)
	for i := range maxVarint {
		b, err := d.take(1, "number")
		if err != nil {
			return 0, err
		}
		v |= uint64(b[0]&0x7f) << (7 * i)
		if b[0] < 0x80 {
			if b[0] == 0 && i > 0 {
				return 0, d.corrupt("a number is longer than it must be")
			}
			return int64(v), nil
		}
	}
	return 0, d.corrupt("a number has more than 63 bits")
}

// padding skips zeros up to a multiple of 4 bytes from start.
func (d *decoder) padding(start int, what string) error {
	pad, err := d.take(pad4(int64(d.at-start)), what+" padding")
	if err != nil {
		return err
	}
	for _, b := range pad {
		if b != 0 {
			return d.corrupt("the padding of the %s is not zero", what)
		}
	}
	return nil
}

// index checks that the index records just the given blocks.
func (d *decoder) index(blocks []sizes) error {
	start := d.at
	d.at++ // the zero that tells it from a block
	n, err := d.varint()
	if err != nil {
		return err
	}
	if n != int64(len(blocks)) {
		return d.corrupt("the index records %d blocks, the stream has %d", n, len(blocks))
	}
	for i, b := range blocks {
		unpadded, err := d.varint()
		if err != nil {
			return err
		}
		unpacked, err := d.varint()
		if err != nil {
			return err
		}
		if got := (sizes{unpadded, unpacked}); got != b {
			return d.corrupt("the index records %d packed and %d unpacked bytes for block %d, which has %d and %d",
				got.unpadded, got.unpacked, i, b.unpadded, b.unpacked)
		}
	}
	if err := d.padding(start, "index"); err != nil {
		return err
	}
	want := crc32.ChecksumIEEE(d.src[start:d.at])
	crc, err := d.take(4, "CRC of the index")
	if err != nil {
		return err
	}
	if binary.LittleEndian.Uint32(crc) != want {
		return d.corrupt("the CRC of the index is wrong")
	}
	return nil
}

// footer checks the stream footer after an index of the given size.
func (d *decoder) footer(indexSize int64) error {
	start := d.at
	f, err := d.take(streamEnd, "stream footer")
	if err != nil {
		return err
	}
	d.at = start
	switch {
	case string(f[10:]) != footerMagic:
		return d.corrupt("no magic number in the stream footer")
	case binary.LittleEndian.Uint32(f) != crc32.ChecksumIEEE(f[4:10]):
		return d.corrupt("the CRC of the stream footer is wrong")
	case (int64(binary.LittleEndian.Uint32(f[4:]))+1)*4 != indexSize:
		return d.corrupt("the stream footer gives the index another size than %d", indexSize)
	case f[8] != 0 || f[9] != d.check:
		return d.corrupt("the stream footer and header have different flags")
	}
	d.at = start + streamEnd
	return nil
}
