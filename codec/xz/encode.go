// SPDX-License-Identifier: GPL-2.0-or-later

package xz

import (
	"encoding/binary"
	"hash/crc32"
	"hash/crc64"
	"io"

	"binman/codec/internal/flush"
	"binman/codec/lzma"
)

// Encode returns src as an .xz file with the parameters of the xz command's
// default preset. The output depends on src only. src must be smaller than
// 2 GiB.
func Encode(src []byte) ([]byte, error) { return flush.Whole(src, EncodeTo) }

// EncodeTo is like Encode, and writes the file.
func EncodeTo(w io.Writer, src []byte) error { return encode(w, src, lzma.Default()) }

// encode is EncodeTo with other LZMA2 parameters.
func encode(w io.Writer, src []byte, p lzma.Params) error {
	out := []byte(headerMagic)
	flags := []byte{0, checkCRC64}
	out = append(out, flags...)
	out = appendCRC32(out, flags)

	index := []byte{0, 0}
	if len(src) > 0 { // xz writes no block for no data
		header := appendBlockHeader(nil, p)
		data := flush.Counter{W: w}
		if _, err := w.Write(append(out, header...)); err != nil {
			return err
		}
		if err := lzma.Encode2To(&data, src, p); err != nil {
			return err
		}
		size := int64(len(header)) + data.N
		out = make([]byte, pad4(size))
		check := crc64.Checksum(src, crc64.MakeTable(crc64.ECMA))
		out = binary.LittleEndian.AppendUint64(out, check)

		index[1] = 1
		index = binary.AppendUvarint(index, uint64(size+8))
		index = binary.AppendUvarint(index, uint64(len(src)))
	}
	index = append(index, make([]byte, pad4(int64(len(index))))...)
	index = appendCRC32(index, index)
	out = append(out, index...)

	footer := binary.LittleEndian.AppendUint32(nil, uint32(len(index)/4-1))
	footer = append(footer, flags...)
	out = appendCRC32(out, footer)
	out = append(out, footer...)
	_, err := w.Write(append(out, footerMagic...))
	return err
}

// appendBlockHeader appends the header of a block of unknown size, as a
// writer that does not seek must leave it.
func appendBlockHeader(out []byte, p lzma.Params) []byte {
	header := []byte{2, 0, filterLZMA2, 1, dictCode(p.DictSize), 0, 0, 0}
	out = append(out, header...)
	return appendCRC32(out, header)
}

// dictCode returns the smallest LZMA2 dictionary size, coded in a byte, that
// holds size bytes: dictSize of it is 2^n or 2^n+2^(n-1).
func dictCode(size int64) byte {
	if size == 0 {
		size = lzma.Default().DictSize
	}
	code := byte(0)
	for dictSize(code) < size {
		code++
	}
	return code
}

// maxDictCode stands for the largest LZMA2 dictionary size.
const maxDictCode = 40

// dictSize decodes an LZMA2 dictionary size of at most maxDictCode.
func dictSize(code byte) int64 {
	if code == maxDictCode {
		return 1<<32 - 1
	}
	return int64(2|code&1) << (code/2 + 11)
}

func appendCRC32(out, data []byte) []byte {
	return binary.LittleEndian.AppendUint32(out, crc32.ChecksumIEEE(data))
}
