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

	"binman/format/verify"
	"binman/internal/binfmt"
)

// SB images are lists of commands for the boot ROMs of i.MX23 and i.MX28. Package
// mkimage has their layout. The key for what is encrypted is in the image, itself
// encrypted; here that is read with the zero key, which processors have that are not
// locked. Images can have no key: then nothing is encrypted.
const (
	sbBlock       = 16
	sbHeader      = 96
	sbKey         = 32
	sbDigest      = 32
	sbMaxCommands = 1 << 16 // in one section there are ten
	sbCleartext   = 2       // flag of a section
)

// The commands.
const (
	sbNop = iota
	sbTag
	sbLoad
	sbFill
	sbJump
	sbCall
	sbMode
)

func mxsFormats() []Format {
	return []Format{{Name: "i.MX23/28 SB image", Short: "sb", Magic: []byte("STMP"), At: 20, Align: 512, parse: parseSB}}
}

// sbReader reads an SB image.
type sbReader struct {
	src      binfmt.Source
	im       *Image
	iv       []byte
	at       int64        // block of the next command
	key      cipher.Block // nil if nothing is encrypted
	count    int          // commands so far
	numbered map[string]int
}

func parseSB(src binfmt.Source) (*Image, error) {
	h, err := src.Bytes(0, sbHeader, "header")
	if err != nil {
		return nil, err
	}
	blocks, keys, keyBlock, sections := int64(word(h, 28)), int64(half(h, 40)), int64(half(h, 42)), int64(half(h, 46))
	first := keyBlock + keys*sbKey/sbBlock // block behind the keys
	switch {
	case string(h[52:56]) != "sgtl" || h[24] != 1 || half(h, 44) != sbHeader/sbBlock || half(h, 48) != 1:
		return nil, errMagic
	case keyBlock != sbHeader/sbBlock+sections || sections == 0:
		return nil, fmt.Errorf("it has %d sections, and the keys in block %#x", sections, keyBlock)
	case blocks < first+sections+sbDigest/sbBlock:
		return nil, fmt.Errorf("it has %#x blocks, which is too little for %d sections", blocks, sections)
	}
	head, err := src.Bytes(0, first*sbBlock, "header, table of sections and keys")
	if err != nil {
		return nil, err
	}
	im := &Image{Items: []binfmt.Item{
		{Name: "header", Type: fmt.Sprintf("header, version %d.%d", h[24], h[25]), Size: sbHeader},
		{Name: "sections", Type: fmt.Sprintf("table of sections: %d", sections), Offset: sbHeader, Size: sections * sbBlock},
	}}
	im.claims = []claim{{what: "sha1", path: "header", off: sha1.Size, size: sbHeader - sha1.Size, want: h[:sha1.Size], sum: hashed(sha1.New)}}
	r := &sbReader{src: src, im: im, iv: h[:sbBlock], numbered: map[string]int{}}
	if keys > 0 {
		im.Items = append(im.Items, binfmt.Item{Name: "keys", Type: fmt.Sprintf("keys: %d", keys), Offset: keyBlock * sbBlock, Size: keys * sbKey})
	}
	digest := binfmt.Item{Name: "digest", Type: "SHA-1", Offset: (blocks * sbBlock) - sbDigest, Size: sbDigest}
	if keys > 0 && !r.findKey(head[:keyBlock*sbBlock], head[keyBlock*sbBlock:]) {
		im.Items = append(im.Items, binfmt.Item{Name: "commands", Type: "encrypted", Offset: first * sbBlock, Size: digest.Offset - first*sbBlock}, digest)
		im.notJudged("", "contents", "the key of the image is encrypted with another one than zero", sbHeader, blocks*sbBlock-sbHeader)
		return im, nil
	}
	r.at = first
	for b := head[sbHeader : keyBlock*sbBlock]; len(b) > 0; b = b[sbBlock:] {
		if err := r.section(b[:sbBlock], blocks-sbDigest/sbBlock); err != nil {
			rest := binfmt.Item{Name: "rest", Type: "unreadable", Offset: r.at * sbBlock, Size: digest.Offset - r.at*sbBlock}
			im.Items = append(im.Items, rest)
			im.open = append(im.open, verify.Finding{What: "commands", Verdict: verify.Bad, Why: err.Error(), Offset: rest.Offset, Size: rest.Size})
			break
		}
	}
	im.Items = append(im.Items, digest)
	if b, err := src.Bytes(digest.Offset, sbDigest, "digest"); err == nil {
		r.decrypt(b, r.iv)
		im.claims = append(im.claims, claim{what: "sha1", size: digest.Offset, want: b[:sha1.Size], sum: hashed(sha1.New)})
	}
	return im, nil
}

// decrypt decrypts blocks in place.
func (r *sbReader) decrypt(b, iv []byte) {
	if r.key != nil {
		cipher.NewCBCDecrypter(r.key, iv).CryptBlocks(b, b)
	}
}

// findKey finds the key of the image: behind the CBC-MAC that header and table have
// with the zero key. If there is none, that may be damaged: then it is the key that
// the first tag can be read with. It reports false if it finds none.
func (r *sbReader) findKey(head, keys []byte) bool {
	zero, err := aes.NewCipher(make([]byte, sbBlock))
	if err != nil {
		return false
	}
	mac := sbMAC(zero, head)
	var found []byte
	for b := keys; len(b) > 0 && found == nil; b = b[sbKey:] {
		if bytes.Equal(b[:sbBlock], mac) {
			found = b
		}
	}
	tag, err := r.src.Bytes((int64(word(head, sbHeader+4))-1)*sbBlock, sbBlock, "tag")
	for b := keys; len(b) > 0 && found == nil && err == nil; b = b[sbKey:] {
		r.setKey(zero, b)
		plain := bytes.Clone(tag)
		if r.decrypt(plain, r.iv); sbSum(plain) && plain[1] == sbTag {
			found = b
		}
	}
	if found == nil {
		return false
	}
	r.setKey(zero, found)
	r.im.claims = append(r.im.claims, claim{what: "CBC-MAC with the zero key", size: int64(len(head)), want: found[:sbBlock], sum: func(rd io.Reader) ([]byte, error) {
		b, err := io.ReadAll(rd)
		return sbMAC(zero, b), err
	}})
	return true
}

// setKey takes the key of an entry of the keys.
func (r *sbReader) setKey(zero cipher.Block, entry []byte) {
	r.key = zero
	key := bytes.Clone(entry[sbBlock:sbKey])
	r.decrypt(key, r.iv)
	if b, err := aes.NewCipher(key); err == nil {
		r.key = b
	}
}

// sbMAC returns the CBC-MAC of whole blocks.
func sbMAC(key cipher.Block, b []byte) []byte {
	out := make([]byte, len(b))
	cipher.NewCBCEncrypter(key, make([]byte, sbBlock)).CryptBlocks(out, b)
	return out[len(out)-sbBlock:]
}

// sbSum says whether the sum of a command is right.
func sbSum(b []byte) bool {
	return byte(byteSum(0x5a, b[1:])) == b[0]
}

// section reads a section from its entry in the table. It is behind the one before,
// and ends in front of a block.
func (r *sbReader) section(entry []byte, limit int64) error {
	id, first, flags := word(entry, 0), int64(word(entry, 4))-1, word(entry, 12)
	end := first + 1 + int64(word(entry, 8))
	if first < r.at || end > limit {
		return fmt.Errorf("section %#x has the blocks %#x to %#x: there are %#x to %#x for it", id, first, end, r.at, limit)
	}
	r.at = first
	if flags&sbCleartext != 0 {
		it := r.add("section", fmt.Sprintf("section %#x, not encrypted", id), (end-first)*sbBlock)
		r.im.notJudged(it.Name, "commands", "those of sections that are not encrypted are not read here", it.Offset, it.Size)
		r.at = end
		return nil
	}
	iv := r.iv
	for r.at < end {
		b, err := r.src.Bytes((r.at-1)*sbBlock, 2*sbBlock, "command")
		if err != nil {
			return err
		}
		if iv == nil {
			iv = b[:sbBlock]
		}
		b = b[sbBlock:]
		stored := bytes.Clone(b)
		r.decrypt(b, iv)
		r.count++
		switch iv = nil; {
		case !sbSum(b):
			return fmt.Errorf("the sum of the command at %#x does not match: that may have changed, or what is before it", r.at*sbBlock)
		case r.count > sbMaxCommands:
			return errors.New("there are too many commands")
		case r.at == first && b[1] == sbTag && !bytes.Equal(b[4:], append(bytes.Clone(entry[:4]), entry[8:]...)):
			return fmt.Errorf("the tag at %#x is that of another section than %#x, or has another size", r.at*sbBlock, id)
		case b[1] == sbTag:
			iv = r.iv
		}
		size, err := r.command(b, end, stored)
		if err != nil {
			return err
		}
		r.at += size
	}
	return nil
}

// add adds an item with a numbered name.
func (r *sbReader) add(name, kind string, size int64) binfmt.Item {
	it := binfmt.Item{Name: fmt.Sprintf("%s%d", name, r.numbered[name]), Type: kind, Offset: r.at * sbBlock, Size: size}
	r.numbered[name]++
	r.im.Items = append(r.im.Items, it)
	return it
}

// command lists a command, and returns how many blocks it has. The IV is for its data.
func (r *sbReader) command(b []byte, end int64, iv []byte) (int64, error) {
	v := [3]uint32{word(b, 4), word(b, 8), word(b, 12)}
	hab := ""
	if half(b, 2)&1 != 0 {
		hab = ", with HAB"
	}
	switch b[1] {
	case sbNop:
		last := &r.im.Items[len(r.im.Items)-1]
		if last.Type == "no operation" {
			last.Size += sbBlock
			return 1, nil
		}
		r.add("nop", "no operation", sbBlock)
	case sbTag:
		kind := fmt.Sprintf("tag of section %#x", v[0])
		if v[2]&1 != 0 {
			kind += ", bootable"
		}
		if hab != "" {
			kind += ", the last"
		}
		r.add("section", kind, sbBlock)
	case sbLoad:
		size := binfmt.Align(int64(v[1]), sbBlock)
		if size > (end-r.at-1)*sbBlock {
			return 0, fmt.Errorf("the command at %#x loads %#x bytes, more than the section has", r.at*sbBlock, v[1])
		}
		kind := "load"
		if hab != "" {
			kind = "load and run DCD"
		}
		it := r.add("load", fmt.Sprintf("%s at %#x", kind, v[0]), sbBlock+size)
		r.im.Items[len(r.im.Items)-1].Details = binfmt.Details{}.With("load", v[0])
		r.im.claims = append(r.im.claims, claim{what: "crc32", path: it.Name, off: it.Offset + sbBlock, size: size, want: number(v[2]), sum: r.crc(iv)})
		return 1 + size/sbBlock, nil
	case sbFill:
		r.add("fill", fmt.Sprintf("fill %#x bytes at %#x with %#x", v[1], v[0], v[2]), sbBlock)
	case sbJump:
		r.add("jump", fmt.Sprintf("jump to %#x, argument %#x%s", v[0], v[2], hab), sbBlock)
	case sbCall:
		r.add("call", fmt.Sprintf("call %#x, argument %#x%s", v[0], v[2], hab), sbBlock)
	case sbMode:
		r.add("mode", fmt.Sprintf("boot in mode %#x", v[2]), sbBlock)
	default:
		return 0, fmt.Errorf("the command at %#x is %#x, which is not known", r.at*sbBlock, b[1])
	}
	return 1, nil
}

// crc makes the sum of data that are decrypted with an IV.
func (r *sbReader) crc(iv []byte) func(io.Reader) ([]byte, error) {
	return func(rd io.Reader) ([]byte, error) {
		iv, sum, buf := iv, ^uint32(0), make([]byte, 1<<12)
		for {
			n, err := io.ReadFull(rd, buf)
			n -= n % sbBlock
			if n > 0 {
				last := bytes.Clone(buf[n-sbBlock : n])
				r.decrypt(buf[:n], iv)
				iv, sum = last, msbCRC(sum, buf[:n])
			}
			switch {
			case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF):
				return number(sum), nil
			case err != nil:
				return nil, err
			}
		}
	}
}
