// SPDX-License-Identifier: GPL-2.0-or-later

package mkimage

import (
	"crypto/rc4"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"strings"

	"binman/content"
)

// Rockchip's boot ROMs load an image of 512-byte sectors. All numbers are
// little-endian. Header 1 takes 2048 bytes, of which the first 512 are
// encrypted with RC4:
//
//	offset  size  header 1
//	     0     4  magic 0x0ff0aa55
//	     8     4  1 if the programs are not encrypted
//	    12     2  sector where init starts: 4
//	   506     2  sectors of init
//	   508     2  sectors of init and boot
//
// The first 4 bytes of init are the name of the family. Header 2, of newer
// SoCs:
//
//	offset  size  header 2
//	     0     4  magic "RKNS"
//	     8     4  2<<16 + 384: two images
//	    12     4  1: SHA-256
//	   120    88  entry for init, and one for boot:
//	                0   4  sectors<<16 + first sector
//	                4   4  address 0xffffffff
//	               12   4  number, from 1
//	               24  32  SHA-256
//	  1536    32  SHA-256 of what is before
//
// Init and boot follow, padded to 2048 bytes. In SPI flash, each 2048 bytes of
// all that are followed by 2048 zeros.
const (
	rkSector     = 512
	rkHeader     = 4 * rkSector
	rkAlign      = 2048
	rkMagic      = 0x0ff0aa55
	rkMagic2     = 0x534e4b52
	rkNoBoot     = 512 << 10 // size that stands for boot where there is none
	rkSpread     = 2048
	rkMaxSectors = 0xffff
)

// rkKey is the key of RC4 that is in all boot ROMs.
func rkKey() []byte {
	return []byte{124, 78, 3, 4, 85, 5, 9, 7, 45, 44, 123, 56, 23, 13, 23, 17}
}

// rkSoC is what an image depends on.
type rkSoC struct {
	name    string // by the first 6 letters of which it is found
	family  string // what init starts with
	limit   int64  // of init, in bytes
	rc4     bool   // the programs are encrypted
	version int    // of the header
}

func rkSoCs() []rkSoC {
	return []rkSoC{
		{"px30", "RK33", 0x2800, false, 1},
		{"rk3036", "RK30", 0x1000, false, 1},
		{"rk3066", "RK30", 0x7800, true, 1},
		{"rk3128", "RK31", 0x1800, false, 1},
		{"rk3188", "RK31", 0x7800, true, 1},
		{"rk322x", "RK32", 0x7000, false, 1},
		{"rk3288", "RK32", 0x8000, false, 1},
		{"rk3308", "RK33", 0x3f000, false, 1},
		{"rk3328", "RK32", 0x7800, false, 1},
		{"rk3368", "RK33", 0x7000, false, 1},
		{"rk3399", "RK33", 0x2e000, false, 1},
		{"rk3506", "RK35", 0xb000, false, 2},
		{"rk3528", "RK35", 0xf000, false, 2},
		{"rk3568", "RK35", 0xf000, false, 2},
		{"rk3576", "RK35", 0x7f000, false, 2},
		{"rk3588", "RK35", 0xff000, false, 2},
		{"rv1108", "RK11", 0x1800, false, 1},
		{"rv1126", "110B", 0xf000, false, 1},
	}
}

// findSoC returns the SoC of the option -n.
func findSoC(name string) (rkSoC, error) {
	var names []string
	for _, s := range rkSoCs() {
		if name[:min(len(name), 6)] == s.name {
			return s, nil
		}
		names = append(names, s.name)
	}
	return rkSoC{}, fmt.Errorf("imagename (%s) is not supported: the option -n takes %s", name, strings.Join(names, ", "))
}

// rkPrograms returns the SoC, and init and boot, padded.
func rkPrograms(p Params, in Inputs) (soc rkSoC, init, boot []byte, err error) {
	soc, err = findSoC(p.Name)
	if err != nil {
		return soc, nil, nil, err
	}
	if len(in.Files) > 2 {
		return soc, nil, nil, fmt.Errorf("there are %d files, but only init (TPL or SPL) and boot (SPL) go into the image", len(in.Files))
	}
	if padded := padTo(in.Files[0], rkAlign); padded.Len() > soc.limit {
		return soc, nil, nil, fmt.Errorf("SPL image is too large (size %#x than %#x)", padded.Len(), soc.limit)
	}
	total := int64(0)
	for i, part := range []*[]byte{&init, &boot}[:len(in.Files)] {
		d := padTo(in.Files[i], rkAlign)
		if total += d.Len(); total/rkSector > rkMaxSectors {
			return soc, nil, nil, fmt.Errorf("the programs have %#x bytes, but the header can count only %#x", total, rkMaxSectors*rkSector)
		}
		if *part, err = d.Bytes(); err != nil {
			return soc, nil, nil, err
		}
	}
	return soc, init, boot, nil
}

// rkEncrypt encrypts each sector of b on its own.
func rkEncrypt(b []byte) error {
	for len(b) > 0 {
		c, err := rc4.NewCipher(rkKey())
		if err != nil {
			return err
		}
		n := min(len(b), rkSector)
		c.XORKeyStream(b[:n], b[:n])
		b = b[n:]
	}
	return nil
}

// rkJoin returns header, init and boot.
func rkJoin(p Params, in Inputs) (content.Data, error) {
	soc, init, boot, err := rkPrograms(p, in)
	if err != nil {
		return content.Data{}, err
	}
	var header []byte
	if soc.version == 2 {
		header = rkHeader2(init, boot)
	} else {
		header, err = rkHeader1(soc, init, boot)
	}
	return content.Join(content.Bytes(header), content.Bytes(init), content.Bytes(boot)), err
}

// rkHeader1 returns the header, and names and encrypts the programs as the
// boot ROM needs them.
func rkHeader1(soc rkSoC, init, boot []byte) ([]byte, error) {
	le := binary.LittleEndian
	h := make([]byte, rkHeader)
	le.PutUint32(h, rkMagic)
	if !soc.rc4 {
		le.PutUint32(h[8:], 1)
	}
	le.PutUint16(h[12:], rkHeader/rkSector)
	le.PutUint16(h[506:], uint16(len(init)/rkSector))
	all := len(init) + len(boot)
	if len(boot) == 0 {
		all += rkNoBoot
	}
	le.PutUint16(h[508:], uint16(all/rkSector))
	if err := rkEncrypt(h[:rkSector]); err != nil {
		return nil, err
	}
	if string(init[:4]) != "RSAK" {
		copy(init, soc.family)
	}
	if !soc.rc4 {
		return h, nil
	}
	if err := rkEncrypt(init); err != nil {
		return nil, err
	}
	return h, rkEncrypt(boot)
}

func rkHeader2(programs ...[]byte) []byte {
	const (
		first  = 120
		size   = 88
		hashAt = 1536
	)
	le := binary.LittleEndian
	h := make([]byte, rkHeader)
	le.PutUint32(h, rkMagic2)
	le.PutUint32(h[8:], 2<<16+384)
	le.PutUint32(h[12:], 1)
	sector := uint32(rkHeader / rkSector)
	for i, b := range programs {
		e := h[first+i*size:][:size]
		count := uint32(len(b) / rkSector)
		le.PutUint32(e, count<<16+sector)
		le.PutUint32(e[4:], 0xffffffff)
		le.PutUint32(e[12:], uint32(i+1))
		sum := sha256.Sum256(b)
		copy(e[24:], sum[:])
		sector += count
	}
	sum := sha256.Sum256(h[:hashAt])
	copy(h[hashAt:], sum[:])
	return h
}

func makeRKSD(p Params, in Inputs) (content.Data, error) { return rkJoin(p, in) }

func makeRKSPI(p Params, in Inputs) (content.Data, error) {
	d, err := rkJoin(p, in)
	if err != nil {
		return content.Data{}, err
	}
	var b content.Builder
	for off := int64(0); off < d.Len(); off += rkSpread {
		b.Add(d.Slice(off, rkSpread))
		b.Fill(0, rkSpread)
	}
	return b.Data(), nil
}

func makeRKImage(p Params, in Inputs) (content.Data, error) {
	soc, _, _, err := rkPrograms(p, in)
	if err != nil {
		return content.Data{}, err
	}
	b, err := in.Files[0].Bytes()
	if err != nil {
		return content.Data{}, err
	}
	copy(b, soc.family)
	if soc.rc4 {
		err = rkEncrypt(b)
	}
	return content.Bytes(b), err
}
