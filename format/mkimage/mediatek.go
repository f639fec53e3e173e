// SPDX-License-Identifier: GPL-2.0-or-later

package mkimage

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"maps"
	"slices"
	"strconv"
	"strings"

	"binman/content"
	"binman/format/uimage"
)

// Sizes of the headers of MediaTek's boot ROMs, in bytes.
const (
	mtkDevice = 0x600 // of a medium
	mtkGFH    = 0x300
	mtkLK     = 0x200
)

// makeMediaTek makes the image that the option -n asks for, as a list
// "name=value;name=value":
//
//	mt7621=1        a legacy image with a header of its own: see makeMT7621
//	lk=1, lkname=N  for the boot loader LK: see makeLK
//	media=M         for the boot ROM: nor, emmc, sdmmc, nand, snand or spim-nand; see make
//	nandinfo=N      for NAND flash: see mtkNANDs
//	hdroffset=N     offset of the image on media but NAND flash, as in C
//	arm64=1         the program has 64 bits
//
// Names that are not known have no effect, as with mkimage.
func makeMediaTek(p Params, in Inputs) (content.Data, error) {
	values := map[string]string{"lkname": "U-Boot"}
	for pair := range strings.SplitSeq(p.Name, ";") {
		if name, value, ok := strings.Cut(pair, "="); ok {
			values[strings.TrimSpace(name)] = strings.TrimSpace(value)
		}
	}
	on := func(name string) bool { return strings.HasPrefix(values[name], "1") }
	switch {
	case p.Load == 0:
		return content.Data{}, errors.New("it needs a load address: -a")
	case on("lk"):
		return makeLK(values["lkname"], p.Load, in.Files[0])
	case on("mt7621"):
		return makeMT7621(p.Load, in)
	}
	medium, ok := mtkMedia()[values["media"]]
	if !ok {
		return content.Data{}, fmt.Errorf("the medium '%s' is not known: the option -n takes media=%s, lk=1 or mt7621=1", values["media"], strings.Join(slices.Sorted(maps.Keys(mtkMedia())), ", media="))
	}
	if medium.name == "" {
		nand, ok := mtkNANDs()[values["nandinfo"]]
		if !ok {
			return content.Data{}, fmt.Errorf("the NAND flash '%s' is not known: the option -n takes nandinfo=%s", values["nandinfo"], strings.Join(slices.Sorted(maps.Keys(mtkNANDs())), ", "))
		}
		medium.nand = &nand
	}
	medium.arm64 = on("arm64")
	medium.load = p.Load
	if text := values["hdroffset"]; text != "" {
		off, err := strconv.ParseUint(text, 0, 32)
		if err != nil {
			return content.Data{}, fmt.Errorf("hdroffset=%s is no number of 32 bits", text)
		}
		medium.offset = uint32(off)
	}
	return medium.make(in.Files[0])
}

// makeLK puts the header of the boot loader LK in front. It has 512 bytes, which
// are 0xff but for these, in little-endian words:
//
//	offset  size  header
//	     0     4  magic 0x58881688
//	     4     4  size of the data
//	     8    32  name
//	    40     4  load address
func makeLK(name string, load uint32, data content.Data) (content.Data, error) {
	const nameSize = 32
	h := blank(mtkLK)
	clear(h[8 : 8+nameSize])
	copy(h[8:8+nameSize-1], name)
	words(h, map[int]uint32{0: 0x58881688, 4: uint32(data.Len()), 40: load})
	return content.Join(content.Bytes(h), data), nil
}

func blank(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = 0xff
	}
	return b
}

// makeMT7621 makes a legacy image for the boot ROM of the MT7621. Words at 8 and
// 12 of the data become the load address and the size of the data, big-endian. The
// name in the header is
//
//	offset  size  name
//	     0    12  "MT7621 NAND"
//	    16     4  64: size of the header, big-endian
//	    28     4  CRC of the header, as of POSIX cksum, with both checksums 0
func makeMT7621(load uint32, in Inputs) (content.Data, error) {
	const (
		nameAt     = 32
		stage1Size = 16
	)
	data, err := in.Files[0].Bytes()
	if err != nil {
		return content.Data{}, err
	}
	if len(data) < stage1Size {
		return content.Data{}, fmt.Errorf("the data has %d bytes, and the program for the MT7621 starts with %d that are changed", len(data), stage1Size)
	}
	binary.BigEndian.PutUint32(data[8:], load)
	binary.BigEndian.PutUint32(data[12:], uint32(len(data)))
	im := uimage.Image{
		Time: in.Time, Load: load, Entry: load, OS: 17, Arch: 5, Type: 1, Size: int64(len(data)), DataCRC: crc32.ChecksumIEEE(data),
	}
	h, err := im.Header()
	if err != nil {
		return content.Data{}, err
	}
	clear(h[4:8])
	copy(h[nameAt:], "MT7621 NAND")
	binary.BigEndian.PutUint32(h[nameAt+16:], uint32(len(h)))
	binary.BigEndian.PutUint32(h[nameAt+28:], cksum(h))
	binary.BigEndian.PutUint32(h[4:], crc32.ChecksumIEEE(h))
	return content.Join(content.Bytes(h), content.Bytes(data)), nil
}

// cksum returns the CRC of POSIX cksum: over the bytes and their number, inverted.
func cksum(b []byte) uint32 {
	crc := msbCRC(0, b)
	for n := len(b); n > 0; n >>= 8 {
		crc = msbCRC(crc, []byte{byte(n)})
	}
	return ^crc
}

// mtkMedium is what an image for the boot ROM depends on.
type mtkMedium struct {
	name   string // "" for NAND flash
	code   uint32
	nand   *mtkNAND // nil if it is not
	load   uint32
	offset uint32 // of the image on the medium
	arm64  bool
}

func mtkMedia() map[string]mtkMedium {
	return map[string]mtkMedium{
		"nor":       {name: "SF_BOOT", code: 0x10007},
		"emmc":      {name: "EMMC_BOOT", code: 0x10005},
		"sdmmc":     {name: "SDMMC_BOOT", code: 0x10008},
		"nand":      {code: 0x10002},
		"snand":     {code: 0x10009},
		"spim-nand": {code: 0x10009},
	}
}

// make returns the image: the header of the medium, the GFH, which has records
// about the file, the data, and a SHA-256 of GFH and data. Numbers are
// little-endian; bytes of the first header that are not listed are 0xff:
//
//	offset  size  header of the medium
//	     0    12  name, ends in NUL
//	    12     8  1, 0x200
//	 0x200     8  "BRLYT"
//	 0x208    12  1, offset of the GFH, end of the image
//	 0x214     8  magic 0x42424242, code of the medium
//	 0x21c     8  offset and end again
//
// For NAND flash, a header of mtkNANDs is in front, and BRLYT is in the second page, if at
// all, with pages instead of bytes.
//
// A record of the GFH has the magic 0x4d4d4d and its version, its size, its type
// and values.
func (m mtkMedium) make(data content.Data) (content.Data, error) {
	h := blank(mtkDevice)
	if m.nand != nil {
		h = blank(m.nand.page * m.nand.pages)
		copy(h, m.nand.header())
	}
	size := int64(len(h)) + mtkGFH + data.Len() + sha256.Size
	switch {
	case m.nand == nil:
		copy(h, m.name+"\x00")
		words(h, map[int]uint32{12: 1, 16: 0x200})
		m.layout(h[0x200:], m.offset+mtkDevice, m.offset+uint32(size))
	case m.nand.layout:
		page := int64(m.nand.page)
		b := h[page:]
		m.layout(b, 2, uint32((size+page-1)/page))
		words(b, map[int]uint32{36: 1})
	}
	gfh := m.gfh(uint32(len(h)), uint32(size))
	sum := sha256.New()
	sum.Write(gfh)
	if err := data.Hash(sum); err != nil {
		return content.Data{}, err
	}
	return content.Join(content.Bytes(h), content.Bytes(gfh), data, content.Bytes(sum.Sum(nil))), nil
}

// layout writes the layout of the medium: where the GFH starts, and where the image ends.
func (m mtkMedium) layout(b []byte, start, end uint32) {
	copy(b, "BRLYT\x00\x00\x00")
	words(b, map[int]uint32{8: 1, 12: start, 16: end, 20: 0x42424242, 24: m.code, 28: start, 32: end})
}

// gfh returns the records for an image of size bytes behind a header of start bytes.
func (m mtkMedium) gfh(start, size uint32) []byte {
	const genericFlash, nandFlash = 5, 2
	flash := uint32(genericFlash)
	if m.nand != nil {
		flash = nandFlash
	}
	b := make([]byte, mtkGFH)
	at := 0
	record := func(kind uint16, version uint32, n int) []byte {
		r := b[at : at+n]
		at += n
		binary.LittleEndian.PutUint32(r, 0x4d4d4d|version<<24)
		binary.LittleEndian.PutUint16(r[4:], uint16(n))
		binary.LittleEndian.PutUint16(r[6:], kind)
		return r
	}
	info := record(0, 1, 56)
	copy(info[8:], "FILE_INFO")
	words(info, map[int]uint32{
		20: 1, 24: 1 | flash<<16 | 1<<24, 28: m.load - mtkGFH, 32: size - start, 36: size, 40: mtkGFH, 44: sha256.Size, 48: mtkGFH, 52: 1,
	})
	words(record(1, 1, 12), map[int]uint32{8: 1})
	rom := record(7, 3, 100)
	bits := uint32(0x190)
	if m.arm64 {
		bits |= 0x1000
		rom[85] = 0x64
	}
	words(rom, map[int]uint32{8: bits, 88: 5000})
	record(3, 1, 532)
	words(record(2, 1, 20), map[int]uint32{12: 0x10, 16: 0x80})
	words(record(8, 1, 48), map[int]uint32{8: 3})
	return b
}
