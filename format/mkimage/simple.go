// SPDX-License-Identifier: GPL-2.0-or-later

package mkimage

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"strings"

	"binman/content"
)

// Sizes of what stands before the data, in bytes.
const (
	stm32V1Header  = 256
	stm32V2Header  = 512
	amlPayload     = 0x1000
	starFiveHeader = 1024
)

// words puts numbers into little-endian words, at their offset.
func words(b []byte, at map[int]uint32) {
	for off, v := range at {
		binary.LittleEndian.PutUint32(b[off:], v)
	}
}

// msbCRC adds bytes to a CRC-32 with the polynomial 0x04c11db7, highest bit first.
func msbCRC(crc uint32, b []byte) uint32 {
	for _, c := range b {
		crc ^= uint32(c) << 24
		for range 8 {
			carry := crc >> 31
			crc = crc<<1 ^ carry*0x04c11db7
		}
	}
	return crc
}

// byteSum adds up the bytes that are written to it.
type byteSum uint32

func (s *byteSum) Write(p []byte) (int, error) {
	for _, c := range p {
		*s += byteSum(c)
	}
	return len(p), nil
}

// stm32 returns the part that the headers of STM32MP1 and STM32MP2 share, of
// size bytes, for the data. All numbers are little-endian:
//
//	offset  size  header
//	     0     4  magic "STM2"
//	     4    64  signature: none
//	    68     4  sum of the bytes of the data
//	    72     4  version: 0 0 1 0 or 0 0 2 0
//	    76     4  size of the data
//	    80     4  address of the entry point
//	    88     4  load address
//	    96     4  version of the image
//
// In version 1, words of 1 at 100 (no signature) and 104 (algorithm) follow, up
// to 256 bytes; in version 2 flags at 100 (1<<31: there is a padding header),
// its size at 104, and at 128 its magic 0xffff5453 and its size, up to 512.
func stm32(p Params, in Inputs, size int, version byte) ([]byte, error) {
	d := in.Files[0]
	var sum byteSum
	if _, err := io.Copy(&sum, io.NewSectionReader(d, 0, d.Len())); err != nil {
		return nil, err
	}
	h := make([]byte, size)
	copy(h, "STM2")
	words(h, map[int]uint32{68: uint32(sum), 76: uint32(d.Len()), 80: p.Entry, 88: p.Load})
	h[74] = version
	return h, nil
}

func makeSTM32V1(p Params, in Inputs) (content.Data, error) {
	h, err := stm32(p, in, stm32V1Header, 1)
	if err != nil {
		return content.Data{}, err
	}
	words(h, map[int]uint32{100: 1, 104: 1})
	return content.Join(content.Bytes(h), in.Files[0]), nil
}

func makeSTM32V2(p Params, in Inputs) (content.Data, error) {
	const padding = 0x180 // size of the padding header
	h, err := stm32(p, in, stm32V2Header, 2)
	if err != nil {
		return content.Data{}, err
	}
	words(h, map[int]uint32{100: 1 << 31, 104: padding, 128: 0xffff5453, 132: padding})
	return content.Join(content.Bytes(h), in.Files[0]), nil
}

// amlVariant is what an image of Amlogic depends on.
type amlVariant struct {
	name  string
	minor byte   // version of the header
	size  uint32 // of the payload, in bytes
}

func amlVariants() []amlVariant {
	return []amlVariant{
		{"gxbb", 0, 0xb000}, {"gxl", 1, 0xb000}, {"gxm", 1, 0xb000}, {"axg", 1, 0xb000},
		{"g12a", 1, 0xf000}, {"g12b", 1, 0xf000}, {"sm1", 1, 0xf000},
	}
}

// makeAmlogic returns an image for boot ROMs of Amlogic: 16 bytes that are not
// used, a header, all in little-endian words with offsets from its start, and
// the payload at 4096, padded to its size:
//
//	offset  size  header
//	     0     4  magic "@AML"
//	     4     4  size of header, digest, key and payload
//	     8     4  size of the header 64, root key 0, version 1, minor version
//	    16    12  digest: type 0 (SHA-256), offset, size
//	    28     4  offset of the data that the digest covers with the header
//	    32    12  key: type, offset, size
//	    44     4  size of the data
//	    48    12  payload: type, offset, size
//	    64    32  SHA-256
func makeAmlogic(p Params, in Inputs) (content.Data, error) {
	const (
		before = 16
		header = 64
		digest = 512 // room for it
		dataAt = header + sha256.Size
	)
	var variant amlVariant
	var names []string
	for _, v := range amlVariants() {
		if v.name == p.Name {
			variant = v
		}
		names = append(names, v.name)
	}
	data := in.Files[0]
	switch {
	case variant.name == "":
		return content.Data{}, fmt.Errorf("unsupported image name: %s: the option -n takes %s", p.Name, strings.Join(names, ", "))
	case data.Len() > int64(variant.size):
		return content.Data{}, fmt.Errorf("datafile is too large (%#x > %#x)", data.Len(), variant.size)
	}
	data = content.Join(data, content.Fill(0, int64(variant.size)-data.Len()))
	total := uint32(amlPayload-before) + variant.size
	b := make([]byte, amlPayload)
	h := b[before:]
	copy(h, "@AML")
	words(h, map[int]uint32{
		4: total, 20: header, 24: digest, 28: dataAt,
		36: header + digest, 40: amlPayload - before - header - digest,
		44: total - dataAt, 52: amlPayload - before, 56: variant.size,
	})
	h[8], h[10], h[11] = header, 1, variant.minor
	sum := sha256.New()
	sum.Write(h[:header])
	sum.Write(h[dataAt:])
	if err := data.Hash(sum); err != nil {
		return content.Data{}, err
	}
	sum.Sum(h[header:header])
	return content.Join(content.Bytes(b), data), nil
}

// archRISCV is the only architecture of the JH7110.
const archRISCV = 26

// makeStarFive returns an image for the boot ROM of the JH7110: a header of
// 1024 bytes in little-endian words, and the data:
//
//	offset  header
//	     0  offset of the SPL 0x240
//	     4  offset of the backup 0x200000
//	   644  version 0x01010101
//	   648  size of the data
//	   652  size of the header 0x400
//	   656  CRC-32 of the data
func makeStarFive(p Params, in Inputs) (content.Data, error) {
	const header = starFiveHeader
	if p.ArchSet && p.Arch != archRISCV {
		return content.Data{}, errors.New("only the architecture riscv is supported (-A)")
	}
	data := in.Files[0]
	sum := crc32.NewIEEE()
	if err := data.Hash(sum); err != nil {
		return content.Data{}, err
	}
	h := make([]byte, header)
	words(h, map[int]uint32{0: 0x240, 4: 0x200000, 644: 0x01010101, 648: uint32(data.Len()), 652: header, 656: sum.Sum32()})
	return content.Join(content.Bytes(h), data), nil
}
