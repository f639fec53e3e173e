// SPDX-License-Identifier: GPL-2.0-or-later

package bootheader

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha1"
	"errors"
	"fmt"
	"io"

	"binman/internal/binfmt"
)

// SB images for the boot ROMs of i.MX23 and i.MX28: package mkimage has the layout. Here
// they are read if the key is zero, as mkimage has it.
const (
	sbBlock       = 16
	sbHeader      = 96
	sbSignatureAt = 20
	sbDigest      = 32
	sbMaxSections = 64
	sbMaxCommands = 1 << 12
)

func mxsFormats() []Format {
	return []Format{{Name: "i.MX23/28 SB image", Short: "sb", Magic: []byte("STMP"), At: sbSignatureAt, Align: 512, parse: parseSB}}
}

// sbImage is an SB image as it is read.
type sbImage struct {
	*Image
	src binfmt.Source
	key cipher.Block
	iv  []byte
}

func parseSB(src binfmt.Source) (*Image, error) {
	h, err := src.Bytes(0, sbHeader, "header")
	if err != nil {
		return nil, err
	}
	if string(h[52:56]) != "sgtl" || h[24] != 1 {
		return nil, errMagic
	}
	im := &sbImage{Image: &Image{}, src: src, iv: h[:sbBlock]}
	if im.key, err = aes.NewCipher(make([]byte, sbBlock)); err != nil {
		return nil, err
	}
	blocks, sections := int64(word(h, 28)), int64(half(h, 46))
	if sections == 0 || sections > sbMaxSections || half(h, 44) != sbHeader/sbBlock || half(h, 48) != 1 {
		return nil, fmt.Errorf("%d sections, or the sizes of headers, cannot be", sections)
	}
	start := int64(word(h, 32)) * sbBlock
	if start < sbHeader+sections*sbBlock || blocks*sbBlock < start+sbDigest {
		return nil, fmt.Errorf("commands at %#x do not fit in %#x blocks", start, blocks)
	}
	size := blocks * sbBlock
	im.Items = []binfmt.Item{
		{Name: "header", Type: "header", Size: start},
		{Name: "digest", Type: "SHA-1 of the image, encrypted", Offset: size - sbDigest, Size: sbDigest},
	}
	im.claims = []claim{{what: "sha1", path: "header", off: sbSignatureAt, size: sbHeader - sbSignatureAt, want: h[:sha1.Size], sum: hashed(sha1.New)}}
	if half(h, 40) != 1 {
		im.notJudged("", "contents", fmt.Sprintf("there are %d keys, of which none is known", half(h, 40)), start, size-start)
		return im.Image, nil
	}
	dictionary, err := src.Bytes(start-sbBlock, sbBlock, "key dictionary")
	if err != nil {
		return nil, err
	}
	if key, err := im.decrypt(start-sbBlock, dictionary, im.iv); err != nil || !bytes.Equal(key, make([]byte, sbBlock)) {
		im.notJudged("", "contents", "they are encrypted with a key that is not known", start, size-start)
		return im.Image, nil
	}
	for i := range sections {
		b, err := src.Bytes(sbHeader+i*sbBlock, sbBlock, "section")
		if err != nil {
			return nil, err
		}
		off, length := (int64(word(b, 4))-1)*sbBlock, (int64(word(b, 8))+1)*sbBlock
		if off < start || off+length > size-sbDigest {
			return nil, fmt.Errorf("section %#x with %#x bytes at %#x is outside", word(b, 0), length, off)
		}
		if off+length > src.Size {
			break // cut: that is told of the size
		}
		if err := im.section(word(b, 0), off, off+length); err != nil {
			return nil, err
		}
	}
	if tail, err := src.Bytes(size-sbDigest, sbDigest, "digest"); err == nil {
		if tail, err = im.decrypt(size-sbDigest, tail, im.iv); err != nil {
			return nil, err
		}
		im.claims = append(im.claims, claim{what: "sha1", off: 0, size: size - sbDigest, want: tail[:sha1.Size], sum: hashed(sha1.New)})
	}
	return im.Image, nil
}

// decrypt returns what bytes at an offset are; before is the block that the cipher goes
// on from, or nil for the one in the image.
func (im *sbImage) decrypt(off int64, b, before []byte) ([]byte, error) {
	if before == nil {
		var err error
		if before, err = im.src.Bytes(off-sbBlock, sbBlock, "block"); err != nil {
			return nil, err
		}
	}
	out := make([]byte, len(b))
	cipher.NewCBCDecrypter(im.key, before).CryptBlocks(out, b)
	return out, nil
}

// section reads the commands of a section.
func (im *sbImage) section(number uint32, at, end int64) error {
	before := im.iv
	loads := 0
	for range sbMaxCommands {
		if at == end {
			return nil
		}
		b, err := im.src.Bytes(at, sbBlock, "command")
		if err != nil {
			return err
		}
		if b, err = im.decrypt(at, b, before); err != nil {
			return err
		}
		before = nil
		if sum := byte(byteSum(0x5a, b[1:])); sum != b[0] {
			return fmt.Errorf("sum of the command at %#x does not match: %#x is stored, the data has %#x", at, b[0], sum)
		}
		at += sbBlock
		switch b[1] {
		case 1: // TAG
			before = im.iv
		case 2: // LOAD
			size := binfmt.Align(int64(word(b, 8)), sbBlock)
			if size > end-at {
				return fmt.Errorf("the data of %#x bytes at %#x are outside of section %#x", size, at, number)
			}
			name := fmt.Sprintf("section%x-load%d", number, loads)
			loads++
			im.Items = append(im.Items, binfmt.Item{Name: name, Type: fmt.Sprintf("encrypted, load %#x", word(b, 4)), Offset: at, Size: size})
			im.claims = append(im.claims, im.loaded(name, at, size, word(b, 12)))
			at += size
		}
	}
	return errors.New("there are too many commands")
}

// loaded returns the claim of a LOAD: its CRC is that of the decrypted data.
func (im *sbImage) loaded(name string, at, size int64, crc uint32) claim {
	return claim{what: "crc32", path: name, off: at, size: size, want: number(crc), sum: func(r io.Reader) ([]byte, error) {
		before, err := im.src.Bytes(at-sbBlock, sbBlock, "command")
		if err != nil {
			return nil, err
		}
		mode := cipher.NewCBCDecrypter(im.key, before)
		sum, buf := ^uint32(0), make([]byte, 4096*sbBlock)
		for {
			n, err := io.ReadFull(r, buf)
			mode.CryptBlocks(buf[:n], buf[:n])
			sum = msbCRC(sum, buf[:n])
			if err == io.EOF || errors.Is(err, io.ErrUnexpectedEOF) {
				return number(sum), nil
			}
			if err != nil {
				return nil, err
			}
		}
	}}
}
