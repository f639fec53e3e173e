// SPDX-License-Identifier: GPL-2.0-or-later

package bootheader

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"

	"binman/internal/binfmt"
)

// Images for boot ROMs of MediaTek, and for its boot loader LK: package mkimage has the
// layouts. What stands in front depends on the medium; the GFH behind that has records,
// of which the first one describes the file. Little-endian words:
//
//	offset  size  record FILE_INFO
//	     0     8  magic 0x4d4d4d, version, size 56, type 0
//	     8    12  "FILE_INFO"
//	    28     4  load address of the GFH
//	    32     4  size of GFH, program and hash
//	    40     8  size of the GFH, of the hash
//	    48     4  offset of the program
const (
	mtkDevice   = 0x600
	mtkLayoutAt = 0x200
	mtkRecord   = 56
	mtkLK       = 512
)

func mediaTekFormats() []Format {
	var all []Format
	for _, m := range []struct{ name, magic string }{{"NOR flash", "SF_BOOT\x00"}, {"eMMC", "EMMC_BOOT\x00"}, {"SD card", "SDMMC_BOOT\x00"}} {
		all = append(all, Format{
			Name: "MediaTek image for " + m.name, Short: "mtk", Magic: []byte(m.magic), Align: 512,
			parse: func(src binfmt.Source) (*Image, error) { return parseMediaTek(src, mtkDevice) },
		})
	}
	for _, h := range []struct {
		name, magic string
		pageAt      int
		pages       int64
		mask        uint32
	}{
		{"NAND flash", "BOOTLOADER!\x00V006NFIINFO\x00", 26, 2, 0xffff},
		{"NAND flash (HSM)", "NANDCFG!", 32, 1, ^uint32(0)},
		{"SPI NAND flash", "SPINAND!", 16, 1, ^uint32(0)},
	} {
		all = append(all, Format{
			Name: "MediaTek image for " + h.name, Short: "mtk", Magic: []byte(h.magic), Align: 2048,
			parse: func(src binfmt.Source) (*Image, error) {
				b, err := src.Bytes(0, 64, "header")
				if err != nil {
					return nil, err
				}
				page := int64(word(b, h.pageAt) & h.mask)
				if page < 512 || page > 1<<16 {
					return nil, fmt.Errorf("pages of %d bytes cannot be", page)
				}
				return parseMediaTek(src, page*h.pages)
			},
		})
	}
	return append(all, Format{Name: "MediaTek LK image", Short: "lk", Magic: []byte("\x88\x16\x88\x58"), Align: 512, parse: parseLK})
}

// parseMediaTek reads an image whose GFH is at an offset. That can be another one on the
// medium, with what is between, if the layout says so and the GFH is there.
func parseMediaTek(src binfmt.Source, at int64) (*Image, error) {
	if at == mtkDevice {
		h, err := src.Bytes(0, mtkDevice, "header of the medium")
		if err != nil {
			return nil, err
		}
		if string(h[mtkLayoutAt:mtkLayoutAt+8]) != "BRLYT\x00\x00\x00" {
			return nil, errors.New("the header does not have the layout of the medium")
		}
		if start := int64(word(h, mtkLayoutAt+12)); src.HasAt([]byte("MMM\x01"), start) {
			at = start
		}
	}
	b, err := src.Bytes(at, mtkRecord, "record about the file")
	if err != nil {
		return nil, err
	}
	if name := string(b[8:18]); word(b, 0)&0xffffff != 0x4d4d4d || name != "FILE_INFO\x00" {
		return nil, errors.New("there is no record about the file")
	}
	size, header, sig := int64(word(b, 32)), int64(word(b, 48)), int64(word(b, 44))
	if header < mtkRecord || sig > sha256.Size || size < header+sig {
		return nil, fmt.Errorf("a program at %#x and a hash of %d bytes do not fit in %#x bytes", header, sig, size)
	}
	im := &Image{Items: []binfmt.Item{
		{Name: "header", Type: "header of the medium", Size: at},
		{Name: "gfh", Type: "records", Offset: at, Size: header},
		{Name: "program", Type: fmt.Sprintf("program, load %#x", word(b, 28)+uint32(header)), Offset: at + header, Size: size - header - sig, Details: binfmt.Details{}.With("load", word(b, 28)+uint32(header))},
	}}
	if sig != sha256.Size {
		im.notJudged("", "hash", "it is not the usual one", at, size)
		return im, nil
	}
	im.Items = append(im.Items, binfmt.Item{Name: "hash", Type: "SHA-256 of records and program", Offset: at + size - sig, Size: sig})
	want, err := src.Bytes(at+size-sig, sig, "hash")
	if err != nil { // cut: that is told of the size
		return im, nil
	}
	im.claims = []claim{{what: "sha256", path: "program", off: at, size: size - sig, want: want, sum: hashed(sha256.New)}}
	return im, nil
}

func parseLK(src binfmt.Source) (*Image, error) {
	h, err := src.Bytes(0, mtkLK, "header")
	if err != nil {
		return nil, err
	}
	name, _ := binfmt.CString(h[8:40])
	size := int64(word(h, 4))
	im := &Image{Items: []binfmt.Item{
		{Name: "header", Type: "header", Size: mtkLK},
		{Name: "program", Type: fmt.Sprintf("'%s', load %#x", strings.ToValidUTF8(name, "?"), word(h, 40)), Offset: mtkLK, Size: size, Details: binfmt.Details{}.With("load", word(h, 40))},
	}}
	im.notJudged("program", "contents", "this header has no checksum of them", mtkLK, size)
	return im, nil
}
