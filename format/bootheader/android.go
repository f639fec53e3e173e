// SPDX-License-Identifier: GPL-2.0-or-later

package bootheader

import (
	"crypto/sha1" // what the format has
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"binman/content"
	"binman/format/sparse"
	"binman/format/verify"
	"binman/internal/binfmt"
)

// What Android boots. All numbers are little-endian; parts start at multiples of the
// size of a page.
//
//	offset  size  boot image, versions 0 to 2
//	     0     8  "ANDROID!"
//	     8     8  kernel: size, load address
//	    16     8  ramdisk: size, load address
//	    24     8  second stage: size, load address
//	    36     4  size of a page
//	    40     4  version
//	    44     4  version of the system and month of its patches
//	    48    16  name
//	   576    32  SHA-1 of the parts and their sizes, by convention
//	  1632    12  recovery DTBO: size (4), offset (8); from version 1
//	  1644     4  size of the header; from version 1
//	  1648    12  device tree: size (4), load address (8); from version 2
//
//	offset  size  boot image, versions 3 and 4, with pages of 4096 bytes
//	     8     8  sizes of kernel and ramdisk
//	    16     4  version of the system
//	    20     4  size of the header
//	    40     4  version
//	  1580     4  size of a signature; version 4
//
//	offset  size  vendor boot image, versions 3 and 4
//	     0     8  "VNDRBOOT"
//	     8     4  version
//	    12     4  size of a page
//	    16     8  load addresses of kernel and ramdisk
//	    24     4  size of the ramdisks
//	  2080    16  name
//	  2096     4  size of the header
//	  2100    12  device tree: size (4), load address (8)
//	  2112    16  table of ramdisks: size, entries, size of an entry; size of the boot configuration; version 4
//
// Android's bootimg.h and vendor_boot_img.h specify them. Sparse images are read by
// package sparse.
const (
	androidHeader = 1660
	vendorHeader  = 2128
	vendorLeast   = 2108
	androidPage   = 4096
	maxPage       = 1 << 20
)

func androidFormats() []Format {
	return []Format{
		{Name: "Android boot image", Short: "android", Magic: []byte("ANDROID!"), Align: 512, parse: parseAndroid},
		{Name: "Android vendor boot image", Short: "vendorboot", Magic: []byte("VNDRBOOT"), Align: 512, parse: parseVendorBoot},
		{Name: "Android sparse image", Short: "sparse", Magic: sparse.Magic[:], Align: 512, parse: parseSparse},
	}
}

var errNoPart = errors.New("the header names no part")

// pages collects what is one behind the other, each from a new page.
type pages struct {
	size int64
	at   int64
	list []binfmt.Item
}

func (p *pages) add(name, kind string, size uint32, about ...binfmt.Detail) {
	if size == 0 {
		return
	}
	p.list = append(p.list, binfmt.Item{Name: name, Type: kind, Offset: p.at, Size: int64(size), Details: about})
	p.at = binfmt.Align(p.at+int64(size), p.size)
}

// end returns where the last part ends.
func (p *pages) end() int64 {
	last := p.list[len(p.list)-1]
	return last.Offset + last.Size
}

func loaded(what string, address uint64) string { return fmt.Sprintf("%s, load %#x", what, address) }

// pageSize checks the size of a page.
func pageSize(v uint32, least int64) (int64, error) {
	if n := int64(v); n >= least && n <= maxPage && n&(n-1) == 0 {
		return n, nil
	}
	return 0, fmt.Errorf("a page has %#x bytes, must have a power of two from %#x to %#x", v, least, maxPage)
}

func parseAndroid(src binfmt.Source) (*Image, error) {
	h, err := src.Bytes(0, androidHeader, "header")
	if err != nil {
		return nil, err
	}
	switch version := word(h, 40); version {
	case 0, 1, 2:
		return parseAndroid0(h, version)
	case 3, 4:
		p := &pages{size: androidPage}
		p.add("header", androidKind(version, word(h, 16), ""), word(h, 20))
		p.add("kernel", "kernel", word(h, 8))
		p.add("ramdisk", "ramdisk", word(h, 12))
		if version == 4 {
			p.add("signature", "signature", word(h, 1580))
		}
		return p.image(1580)
	default:
		return nil, fmt.Errorf("version %d of the header is not known", version)
	}
}

// androidKind says what a header tells: the version of the system has 7 bits for each of
// three numbers, then 7 bits for the year from 2000 and 4 for the month.
func androidKind(version, system uint32, name string) string {
	kind := fmt.Sprintf("header, version %d", version)
	if system != 0 {
		kind += fmt.Sprintf(", Android %d.%d.%d of %d-%02d", system>>25, system>>18&0x7f, system>>11&0x7f, 2000+system>>4&0x7f, system&0xf)
	}
	if name != "" {
		kind += ", " + name
	}
	return kind
}

// image makes an image of the parts, the first of which is a header of some bytes at least.
func (p *pages) image(header int64) (*Image, error) {
	if len(p.list) < 2 || p.list[0].Size < header || p.list[0].Size > p.size {
		return nil, fmt.Errorf("it has %d parts, and the header does not have %#x to %#x bytes", len(p.list), header, p.size)
	}
	im := &Image{Items: p.list}
	im.notJudged("", "contents", "the header has no hash of them; one may be in the vbmeta partition", 0, p.end())
	return im, nil
}

func parseAndroid0(h []byte, version uint32) (*Image, error) {
	page, err := pageSize(word(h, 36), 2048)
	if err != nil {
		return nil, err
	}
	name, _ := binfmt.CString(h[48:64])
	size := map[uint32]uint32{0: 1632, 1: 1648, 2: androidHeader}[version]
	p := &pages{size: page}
	p.add("header", androidKind(version, word(h, 44), name), size)
	p.add("kernel", loaded("kernel", uint64(word(h, 12))), word(h, 8), binfmt.Detail{Name: "load", Value: uint64(word(h, 12))})
	p.add("ramdisk", loaded("ramdisk", uint64(word(h, 20))), word(h, 16), binfmt.Detail{Name: "load", Value: uint64(word(h, 20))})
	p.add("second", loaded("second stage", uint64(word(h, 28))), word(h, 24), binfmt.Detail{Name: "load", Value: uint64(word(h, 28))})
	hashed := []uint32{word(h, 8), word(h, 16), word(h, 24)}
	if version >= 1 {
		if got := word(h, 1644); got != size {
			return nil, fmt.Errorf("the header says that it has %#x bytes, version %d has %#x", got, version, size)
		}
		p.add("recovery-dtbo", "recovery DTBO", word(h, 1632))
		hashed = append(hashed, word(h, 1632))
	}
	if version == 2 {
		p.add("dtb", loaded("device tree", binary.LittleEndian.Uint64(h[1652:])), word(h, 1648), binfmt.Detail{Name: "load", Value: binary.LittleEndian.Uint64(h[1652:])})
		hashed = append(hashed, word(h, 1648))
	}
	if len(p.list) < 2 {
		return nil, errNoPart
	}
	im := &Image{Items: p.list}
	id := h[576:608]
	if [32]byte(id) == [32]byte{} {
		im.notJudged("", "sha1", "the image has none", 0, p.end())
		return im, nil
	}
	im.claims = []claim{{what: "sha1 of the parts", off: page, size: p.end() - page, want: id[:sha1.Size], sum: func(r io.Reader) ([]byte, error) {
		return partsSum(r, page, hashed)
	}}}
	return im, nil
}

// partsSum is the SHA-1 of parts, each followed by its size; r starts with the first.
func partsSum(r io.Reader, page int64, sizes []uint32) ([]byte, error) {
	sum := sha1.New()
	var skip int64
	for _, size := range sizes {
		if size > 0 {
			if _, err := io.CopyN(io.Discard, r, skip); err != nil {
				return nil, err
			}
			if _, err := io.CopyN(sum, r, int64(size)); err != nil {
				return nil, err
			}
			skip = binfmt.Align(int64(size), page) - int64(size)
		}
		sum.Write(binary.LittleEndian.AppendUint32(nil, size))
	}
	return sum.Sum(nil), nil
}

func parseVendorBoot(src binfmt.Source) (*Image, error) {
	h, err := src.Bytes(0, vendorHeader, "header")
	if err != nil {
		return nil, err
	}
	version := word(h, 8)
	if version != 3 && version != 4 {
		return nil, fmt.Errorf("version %d of the header is not known", version)
	}
	page, err := pageSize(word(h, 12), 2048)
	if err != nil {
		return nil, err
	}
	header := word(h, 2096)
	if header < vendorLeast || header > androidPage { // the first mkbootimg with this did not count all of it
		return nil, fmt.Errorf("the header says that it has %#x bytes", header)
	}
	name, _ := binfmt.CString(h[2080:2096])
	p := &pages{size: page}
	p.add("header", androidKind(version, 0, name), header)
	p.at = binfmt.Align(int64(header), page) // it may be longer than a page
	p.add("ramdisk", loaded("vendor ramdisk", uint64(word(h, 20))), word(h, 24), binfmt.Detail{Name: "load", Value: uint64(word(h, 20))})
	p.add("dtb", loaded("device tree", binary.LittleEndian.Uint64(h[2104:])), word(h, 2100), binfmt.Detail{Name: "load", Value: binary.LittleEndian.Uint64(h[2104:])})
	if version == 4 {
		p.add("ramdisk-table", fmt.Sprintf("table of %d ramdisks", word(h, 2116)), word(h, 2112))
		p.add("bootconfig", "boot configuration", word(h, 2124))
	}
	if len(p.list) < 2 {
		return nil, errNoPart
	}
	im := &Image{Items: p.list}
	im.notJudged("", "contents", "the header has no hash of them; one may be in the vbmeta partition", 0, p.end())
	return im, nil
}

// parseSparse tells of a sparse image. Its checksums are judged by expanding it.
func parseSparse(src binfmt.Source) (*Image, error) {
	sp, err := sparse.Parse(src.R, src.Size)
	if err != nil {
		return nil, err
	}
	im := &Image{Items: []binfmt.Item{{
		Name: "image", Type: fmt.Sprintf("sparse, %d chunks, %#x bytes when it is expanded", sp.Chunks, sp.Expanded), Size: sp.Size, UncompSize: sp.Expanded,
	}}}
	switch {
	case sp.Damage != nil:
		im.open = append(im.open, verify.Finding{What: "chunks", Verdict: verify.Bad, Why: sp.Damage.Error(), Size: sp.Size})
		im.notJudged("image", "contents", "not all chunks can be read", 0, sp.Size)
	case !sp.HasSum:
		im.notJudged("image", "contents", "it has no checksum", 0, sp.Size)
	default:
		im.signatures = func([]verify.Key) ([]verify.Finding, error) {
			f := verify.Finding{Path: "image", What: "crc32", Size: sp.Size}
			if _, err := sparse.Expand(content.File(src.R, "sparse image", 0, sp.Size)); err != nil {
				f.Verdict, f.Why = verify.Bad, err.Error()
			}
			return []verify.Finding{f}, nil
		}
	}
	return im, nil
}
