// SPDX-License-Identifier: GPL-2.0-or-later

package bootheader

import (
	"bytes"
	"crypto/rc4"
	"crypto/sha256"
	"crypto/sha512"
	"fmt"
	"hash"
	"io"
	"slices"

	"binman/internal/binfmt"
)

// Rockchip's boot ROMs load images of 512-byte sectors, from 32 KiB of a disk or
// the start of SPI flash; package mkimage has the layout of both headers. The first
// header is encrypted, and its magic is the encrypted one. In SPI flash each 2048
// bytes are followed by as many zeros. What a boot ROM gets over USB, or from a boot loader,
// is a program whose first word is a name.
const (
	rkSector = 512
	rkHeader = 2048
	rkNoBoot = 512 << 10 / rkSector // sectors that stand for boot where there is none
	rkPiece  = 2048
)

func rockchipFormats() []Format {
	magic := rkDecrypt([]byte{0x55, 0xaa, 0xf0, 0x0f})
	return []Format{
		{Name: "Rockchip image", Short: "rockchip", Magic: magic, Align: rkSector, parse: parseRockchip1},
		{Name: "Rockchip image 2", Short: "rockchip", Magic: []byte("RKNS"), Align: rkSector, parse: parseRockchip2},
		{Name: "Rockchip program", Short: "rockchip", Whole: true, parse: parseRockchipProgram},
	}
}

// rkNames are what programs start with: the family of the SoC, or the RV1126.
var rkNames = []string{"RK11", "RK30", "RK31", "RK32", "RK33", "RK35", "110B"}

func parseRockchipProgram(src binfmt.Source) (*Image, error) {
	b, err := src.Bytes(0, 4, "name")
	if err != nil {
		return nil, err
	}
	name := string(b)
	if !slices.Contains(rkNames, name) {
		return nil, errMagic
	}
	im := &Image{Items: []binfmt.Item{{Name: "program", Type: "program for " + name, Size: src.Size}}}
	im.notJudged("program", "contents", "there is no checksum of them", 0, src.Size)
	return im, nil
}

// rkSectors reads an image without what SPI flash has between its pieces, and
// without encryption.
type rkSectors struct {
	src    binfmt.Source
	spread bool
	rc4    bool
}

// rkDecrypt decrypts a sector, or the start of one: the key is in all boot ROMs.
func rkDecrypt(b []byte) []byte {
	key := []byte{124, 78, 3, 4, 85, 5, 9, 7, 45, 44, 123, 56, 23, 13, 23, 17}
	out := make([]byte, len(b))
	if c, err := rc4.NewCipher(key); err == nil {
		c.XORKeyStream(out, b)
	}
	return out
}

// place returns the item of a program of so many sectors.
func (s rkSectors) place(name, kind string, sector, count int64) binfmt.Item {
	it := binfmt.Item{Name: name, Type: kind, Offset: sector * rkSector, Size: count * rkSector}
	if s.spread {
		it.Offset, it.Size = 2*it.Offset, 2*it.Size
	}
	return it
}

// ReadAt reads from the places where a program of SPI flash would be without the
// zeros, at offsets that are multiples of a piece.
func (s rkSectors) ReadAt(b []byte, off int64) (n int, err error) {
	for n < len(b) && err == nil {
		at := off + int64(n)
		piece := b[n:min(len(b), n+rkPiece-int(at%rkPiece))]
		var got int
		got, err = s.src.R.ReadAt(piece, at/rkPiece*2*rkPiece+at%rkPiece)
		n += got
	}
	return n, err
}

// isSpread says whether there are zeros where SPI flash has them, behind the
// header.
func isSpread(src binfmt.Source) bool {
	gap, err := src.Bytes(rkHeader, rkPiece, "gap")
	return err == nil && bytes.Count(gap, []byte{0}) == len(gap)
}

// how names the forms that an image has.
func (s rkSectors) how() string {
	var text string
	if s.rc4 {
		text += ", encrypted with RC4"
	}
	if s.spread {
		text += ", spread for SPI flash"
	}
	return text
}

func parseRockchip1(src binfmt.Source) (*Image, error) {
	b, err := src.Bytes(0, rkHeader, "header")
	if err != nil {
		return nil, err
	}
	s := rkSectors{src: src, spread: isSpread(src)}
	h := rkDecrypt(b[:rkSector])
	s.rc4 = word(h, 8) != 1
	first, init, all := int64(half(h, 12)), int64(half(h, 506)), int64(half(h, 508))
	if first != rkHeader/rkSector || init == 0 || all < init {
		return nil, fmt.Errorf("the programs are at sector %d, with %d sectors of %d", first, init, all)
	}
	start := s.place("", "", first, init)
	head, err := src.Bytes(start.Offset, rkSector, "init")
	if err != nil {
		return nil, err
	}
	if s.rc4 {
		head = rkDecrypt(head)
	}
	im := &Image{Items: []binfmt.Item{
		s.place("header", "header 1"+s.how(), 0, first),
		s.place("init", fmt.Sprintf("program for %q", head[:4]), first, init),
	}}
	if boot := all - init; boot > 0 && boot != rkNoBoot {
		im.Items = append(im.Items, s.place("boot", "program", first+init, boot))
	}
	last := im.Items[len(im.Items)-1]
	im.notJudged("", "contents", "this header has no hash of them", start.Offset, last.Offset+last.Size-start.Offset)
	return im, nil
}

// Of the second header.
const (
	rkEntryAt   = 120
	rkEntrySize = 88
	rkEntries   = 4
	rkHashAt    = 1536
)

func parseRockchip2(src binfmt.Source) (*Image, error) {
	h, err := src.Bytes(0, rkHeader, "header")
	if err != nil {
		return nil, err
	}
	sum := map[uint32]struct {
		name string
		new  func() hash.Hash
		size int
	}{1: {"sha256", sha256.New, sha256.Size}, 2: {"sha512", sha512.New, sha512.Size}}[word(h, 12)&0xf]
	n := int(half(h, 10))
	if n == 0 || n > rkEntries {
		return nil, fmt.Errorf("it has %d images, not 1 to %d", n, rkEntries)
	}
	s := rkSectors{src: src, spread: isSpread(src)}
	im := &Image{Items: []binfmt.Item{s.place("header", "header 2"+s.how(), 0, rkHeader/rkSector)}}
	if sum.new == nil {
		im.notJudged("", "hashes", fmt.Sprintf("kind %d of them is not known here", word(h, 12)&0xf), 0, rkHeader)
	} else {
		im.claims = append(im.claims, claim{what: sum.name + " of the header", off: 0, size: rkHashAt, want: h[rkHashAt:][:sum.size], sum: hashed(sum.new)})
	}
	for i, name := range []string{"init", "boot", "image3", "image4"}[:n] {
		e := h[rkEntryAt+i*rkEntrySize:]
		sector, count := int64(half(e, 0)), int64(half(e, 2))
		if count == 0 {
			continue
		}
		it := s.place(name, "program", sector, count)
		im.Items = append(im.Items, it)
		if sum.new == nil {
			continue
		}
		c := claim{what: sum.name, path: name, off: it.Offset, size: it.Size, want: e[24:][:sum.size], sum: hashed(sum.new)}
		if s.spread {
			c.sum = s.summed(sum.new, sector*rkSector, count*rkSector)
		}
		im.claims = append(im.claims, c)
	}
	return im, nil
}

// summed hashes size bytes at an offset of the image without its gaps.
func (s rkSectors) summed(h func() hash.Hash, off, size int64) func(io.Reader) ([]byte, error) {
	return func(io.Reader) ([]byte, error) { return hashed(h)(io.NewSectionReader(s, off, size)) }
}
