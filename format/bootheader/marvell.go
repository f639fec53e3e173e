// SPDX-License-Identifier: GPL-2.0-or-later

package bootheader

import (
	"bytes"
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/big"

	"binman/format/verify"
	"binman/internal/binfmt"
)

// Images for boot ROMs of Marvell: package mkimage has the layouts. Dove has programs
// in version 0 too, in headers of 2048 bytes behind the extension headers:
//
//	offset  size  header of a program
//	    12     4  offset of the program from the start of this header
//	    20     4  its size; a sum of its words follows it
//	    47     1  sum of the bytes before it
const (
	kwbMain      = 32
	kwbExtension = 0x1e0
	kwbBetween   = 0x20 // between extension headers
	kwbProgram   = 0x800
	kwbMaxHeader = 192 << 10
	kwbMaxParts  = 1 << 12

	kwbSecureSize = 0x25e4
	kwbKAK        = 8
	kwbHeaderSig  = 0x220
	kwbImageSig   = 0x320
	kwbCSKs       = 0x420
	kwbCSKCount   = 16
	kwbCSKSig     = 0x24e0
	kwbKeySize    = 524
	kwbSigSize    = 256
)

func marvellFormats() []Format {
	return []Format{{Name: "Marvell image", Short: "kwbimage", Align: 512, Looks: looksMarvell, parse: parseMarvell}}
}

// kwbMedia are the media that are booted from, by their codes.
func kwbMedium(id byte) string {
	switch id {
	case 0x4d:
		return "I2C"
	case 0x5a:
		return "SPI"
	case 0x69:
		return "UART"
	case 0x78:
		return "SATA"
	case 0x8b:
		return "NAND"
	case 0x9c:
		return "PCIe"
	case 0xae:
		return "SDIO"
	}
	return ""
}

// marvellImage is an image as it is read.
type marvellImage struct {
	*Image
	header []byte // all headers
	dataAt int64
	size   int64 // of the program, without its sum
}

// looksMarvell looks at the medium and the version, since there is no magic.
func looksMarvell(b []byte) bool {
	return len(b) >= kwbMain && b[8] <= 1 && kwbMedium(b[0]) != ""
}

func parseMarvell(src binfmt.Source) (*Image, error) {
	h, err := src.Bytes(0, kwbMain, "main header")
	if err != nil {
		return nil, err
	}
	medium := kwbMedium(h[0])
	if medium == "" || h[8] > 1 {
		return nil, errMagic
	}
	im := &marvellImage{Image: &Image{}}
	size, sums := int64(h[9])<<16|int64(half(h, 10)), int64(kwbMain)
	if h[8] == 0 {
		size = kwbMain + int64(h[30])*(kwbExtension+kwbBetween) + int64(h[29])*kwbProgram
		if h[30] > 0 {
			size -= kwbBetween
		}
		if h[9]|h[10]|h[11]|h[28] != 0 {
			return nil, errMagic
		}
	} else {
		sums = size
	}
	if size < kwbMain || size > kwbMaxHeader {
		return nil, fmt.Errorf("the header has %#x bytes", size)
	}
	if im.header, err = src.Bytes(0, size, "header"); err != nil {
		return nil, err
	}
	if got := byte(byteSum(0, im.header[:sums])) - h[31]; got != h[31] {
		return nil, fmt.Errorf("sum of the header does not match: %#x is stored, the data has %#x", h[31], got)
	}
	stored := int64(word(h, 4))
	if stored < 4 || stored%4 != 0 {
		return nil, fmt.Errorf("the program has %#x bytes, which is no multiple of 4", stored)
	}
	im.size = stored - 4
	if err := im.findProgram(src); err != nil {
		return nil, err
	}
	im.item("header", fmt.Sprintf("main header, version %d, boots from %s", h[8], medium), 0, kwbMain)
	if h[8] == 0 {
		err = im.version0()
	} else {
		err = im.version1(src)
	}
	if err != nil {
		return nil, err
	}
	kind, about := fmt.Sprintf("program, load %#x, entry %#x", word(h, 16), word(h, 20)), binfmt.Details{}.With("load", word(h, 16)).With("entry", word(h, 20))
	if word(h, 16) == 0xffffffff {
		kind, about = "program, runs in flash", nil
	}
	im.item("program", kind, im.dataAt, im.size)
	im.Items[len(im.Items)-1].Details = about
	im.item("sum", "sum of the program", im.dataAt+im.size, 4)
	return im.Image, nil
}

func (im *marvellImage) item(name, kind string, off, size int64) {
	im.Items = append(im.Items, binfmt.Item{Name: name, Type: kind, Offset: off, Size: size})
}

// findProgram finds the program. Headers for disks count blocks, and do not say how
// large those are: the sum of the program tells.
func (im *marvellImage) findProgram(src binfmt.Source) error {
	at := int64(word(im.header, 12))
	places := []int64{at}
	switch kwbMedium(im.header[0]) {
	case "PCIe":
		places = []int64{int64(len(im.header))}
	case "SATA":
		places = nil
		for block := int64(512); block <= 32<<10; block *= 2 {
			places = append(places, at*block)
		}
	}
	for i, at := range places {
		tail, err := src.Bytes(at+im.size, 4, "sum of the program")
		if at < int64(len(im.header)) || err != nil {
			continue
		}
		sum := claim{what: "sum", path: "program", off: at, size: im.size, want: number(word(tail, 0)), sum: counted(0, wordSum, same)}
		if i < len(places)-1 {
			f, err := sum.verify(src)
			if err != nil {
				return err
			}
			if f.Verdict != verify.Good {
				continue
			}
		}
		im.dataAt = at
		im.claims = append(im.claims, sum)
		return nil
	}
	return fmt.Errorf("the program of %#x bytes at %#x is not there", im.size, places[0])
}

// sumOf adds the claim of a sum of bytes that is stored behind them.
func (im *marvellImage) sumOf(name string, off, size int64) {
	im.claims = append(im.claims, claim{
		what: "sum", path: name, off: off, size: size, want: number(uint32(im.header[off+size])), sum: counted(0, byteSum, func(v uint32) uint32 { return v & 0xff }),
	})
}

func (im *marvellImage) version0() error {
	at := int64(kwbMain)
	for i := range im.header[30] {
		name := fmt.Sprintf("registers%d", i)
		im.item(name, "extension header", at, kwbExtension)
		im.sumOf(name, at, kwbExtension-1)
		at += kwbExtension + kwbBetween
	}
	if im.header[30] > 0 {
		at -= kwbBetween
	}
	for i := range im.header[29] {
		name := fmt.Sprintf("init%d", i)
		b := im.header[at:]
		off, size := int64(word(b, 12)), int64(word(b, 20))
		if off > kwbProgram || size > kwbProgram-off-4 || size%4 != 0 {
			return fmt.Errorf("the program of header %d does not fit in it", i)
		}
		im.item(name, "program that runs first", at+off, size)
		im.claims = append(im.claims, claim{what: "sum", path: name, off: at + off, size: size, want: number(word(b, int(off+size))), sum: counted(0, wordSum, same)})
		im.sumOf(name, at, 47)
		at += kwbProgram
	}
	return nil
}

func (im *marvellImage) version1(src binfmt.Source) error {
	b := im.header
	at, more := int64(kwbMain), b[30] != 0
	for i := 0; more; i++ {
		if i == kwbMaxParts {
			return errors.New("there are too many headers")
		}
		if at > int64(len(b))-8 {
			return errors.New("a header is behind the last one")
		}
		size := int64(b[at+1])<<16 | int64(half(b, int(at)+2))
		if size < 8 || size%4 != 0 || size > int64(len(b))-at {
			return fmt.Errorf("header %d has %#x bytes", i, size)
		}
		switch b[at] {
		case 1:
			if size != kwbSecureSize || im.signatures != nil {
				return errors.New("the secure header has a wrong size, or there are two")
			}
			hash := sha256.Sum256(kwbDER(b[at+kwbKAK:]))
			im.item("secure", fmt.Sprintf("secure header, KAK %x…", hash[:8]), at, size)
			secure := at
			im.signatures = func(keys []verify.Key) ([]verify.Finding, error) { return im.signed(src, secure, keys) }
		case 2:
			args := int64(word(b, int(at)+4))
			if args > (size-12)/4 {
				return fmt.Errorf("header %d has %d arguments", i, args)
			}
			im.item(fmt.Sprintf("init%d", i), "program that runs first", at+8+4*args, size-12-4*args)
		case 3:
			im.item(fmt.Sprintf("registers%d", i), "register header", at, size)
		default:
			return fmt.Errorf("header %d has the type %d", i, b[at])
		}
		at += size
		more = b[at-4] != 0
	}
	if im.signatures == nil {
		im.notJudged("", "signature", "the image has none", 0, im.dataAt+im.size+4)
	}
	return nil
}

// kwbDER returns what is used of the room for a key.
func kwbDER(b []byte) []byte {
	size := 4 + int(binary.BigEndian.Uint16(b[2:]))
	return b[:min(size, kwbKeySize)]
}

// kwbKey reads a key: an RSAPublicKey with lengths of two bytes.
func kwbKey(b []byte) *rsa.PublicKey {
	number := func() *big.Int {
		if len(b) < 4 || b[0] != 2 || b[1] != 0x82 {
			return nil
		}
		size := 4 + int(binary.BigEndian.Uint16(b[2:]))
		if size > len(b) {
			return nil
		}
		n := new(big.Int).SetBytes(b[4:size])
		b = b[size:]
		return n
	}
	b = kwbDER(b)
	if b[0] != 0x30 || b[1] != 0x82 {
		return nil
	}
	b = b[4:]
	n, e := number(), number()
	if n == nil || e == nil || n.BitLen() != 8*kwbSigSize || !e.IsInt64() || e.Int64() < 3 || e.Int64() > 1<<31-1 || len(b) > 0 {
		return nil
	}
	return &rsa.PublicKey{N: n, E: int(e.Int64())}
}

// signed judges the signatures of the secure header.
func (im *marvellImage) signed(src binfmt.Source, at int64, keys []verify.Key) ([]verify.Finding, error) {
	const what = "signature sha256,rsa2048"
	b := im.header[at:]
	holds := func(key *rsa.PublicKey, digest []byte, sigAt int) bool {
		return key != nil && rsa.VerifyPKCS1v15(key, crypto.SHA256, digest, b[sigAt:sigAt+kwbSigSize]) == nil
	}
	root := kwbKey(b[kwbKAK:])
	list := bytes.Clone(b[kwbCSKs : kwbCSKSig+kwbSigSize])
	clear(list[kwbCSKSig-kwbCSKs:])
	digest := sha256.Sum256(list)
	f := verify.Finding{Path: "secure", What: what + ":kak", Offset: at + kwbCSKs, Size: kwbCSKSig - kwbCSKs}
	hash := sha256.Sum256(kwbDER(b[kwbKAK:]))
	switch {
	case !holds(root, digest[:], kwbCSKSig):
		f.Verdict, f.Why = verify.Bad, "the keys that sign images are not signed by the KAK"
	case len(keys) == 0:
		f.Verdict, f.Why = verify.NotCovered, fmt.Sprintf("compare the hash of the KAK with the fuses: %x", hash)
	case !verify.Among(keys, root):
		f.Verdict, f.Why = verify.Bad, fmt.Sprintf("the KAK with the hash %x is none of the keys given", hash)
	}
	f.Signed = f.Verdict == verify.Good
	found := []verify.Finding{f}

	headers := bytes.Clone(im.header)
	headers[31] = 0
	clear(headers[at+kwbHeaderSig : at+kwbHeaderSig+kwbSigSize])
	headerSum := sha256.Sum256(headers)
	section, err := src.Section(im.dataAt, im.size, "program")
	if err != nil {
		return nil, err
	}
	programSum := sha256.New()
	if _, err := io.Copy(programSum, section); err != nil {
		return nil, err
	}
	index := -1
	for i := range kwbCSKCount {
		if holds(kwbKey(b[kwbCSKs+i*kwbKeySize:]), headerSum[:], kwbHeaderSig) {
			index = i
		}
	}
	f = verify.Finding{Path: "header", What: what, Size: int64(len(headers)), Signed: true}
	if index < 0 {
		f.Verdict, f.Why = verify.Bad, "none of the 16 keys has signed it, or it has changed"
		return append(found, f), nil
	}
	f.What += fmt.Sprintf(":csk%d", index)
	found = append(found, f)
	f = verify.Finding{Path: "program", What: f.What, Offset: im.dataAt, Size: im.size, Signed: true}
	if !holds(kwbKey(b[kwbCSKs+index*kwbKeySize:]), programSum.Sum(nil), kwbImageSig) {
		f.Verdict, f.Why = verify.Bad, "it is not signed by the key, or has changed"
	}
	return append(found, f), nil
}
