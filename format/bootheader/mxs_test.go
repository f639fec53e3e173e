// SPDX-License-Identifier: GPL-2.0-or-later

package bootheader_test

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha1"
	"encoding/binary"
	"slices"
	"strings"
	"testing"

	"binman/format/bootheader"
	"binman/format/verify"
)

// sbEncrypt encrypts commands, whose sums it sets, in place.
func sbEncrypt(image []byte, at ...int) {
	key, err := aes.NewCipher(make([]byte, 16))
	if err != nil {
		panic(err)
	}
	for _, at := range at {
		b := image[at:][:16]
		b[0] = 0x5a
		for _, v := range b[1:] {
			b[0] += v
		}
		cipher.NewCBCEncrypter(key, image[:16]).CryptBlocks(b, b)
	}
}

// sbSeal sets the digest of the header, the CBC-MAC, and the digest of the image.
func sbSeal(image []byte, keyBlock int) {
	key, err := aes.NewCipher(make([]byte, 16))
	if err != nil {
		panic(err)
	}
	sum := sha1.Sum(image[20:96])
	copy(image, sum[:])
	if image[40] > 0 {
		mac := make([]byte, keyBlock)
		cipher.NewCBCEncrypter(key, make([]byte, 16)).CryptBlocks(mac, image[:keyBlock])
		copy(image[keyBlock:], mac[keyBlock-16:])
		cipher.NewCBCEncrypter(key, image[:16]).CryptBlocks(image[keyBlock+16:][:16], make([]byte, 16))
	}
	digest := image[len(image)-32:]
	sum = sha1.Sum(image[:len(image)-32])
	copy(digest, append(sum[:], make([]byte, 12)...))
	if image[40] > 0 {
		cipher.NewCBCEncrypter(key, image[:16]).CryptBlocks(digest, digest)
	}
}

// sbImage returns an image with one section of some commands, with or without a key.
func sbImage(keys int, commands ...uint32) []byte {
	le := binary.LittleEndian
	b := make([]byte, 96+16+32*keys)
	copy(b[20:], "STMP\x01\x01")
	first := len(b) / 16
	le.PutUint32(b[28:], uint32(first+len(commands)/4+2))
	le.PutUint32(b[32:], uint32(first))
	b[40], b[42], b[44], b[46], b[48] = byte(keys), 7, 6, 1, 1
	copy(b[52:], "sgtl")
	le.PutUint32(b[100:], uint32(first+1))
	le.PutUint32(b[104:], uint32(len(commands)/4-1))
	for _, w := range commands {
		b = le.AppendUint32(b, w)
	}
	for b := b[16*first:]; len(b) > 0; b = b[16:] {
		b[0] = 0x5a
		for _, v := range b[1:16] {
			b[0] += v
		}
	}
	return append(b, make([]byte, 32)...)
}

func sbFindings(t *testing.T, image []byte) (*bootheader.Image, []verify.Finding) {
	t.Helper()
	i := slices.IndexFunc(bootheader.Formats(), func(f bootheader.Format) bool { return f.Short == "sb" })
	f := bootheader.Formats()[i]
	im, err := f.Parse(bytes.NewReader(image), int64(len(image)))
	if err != nil {
		return nil, []verify.Finding{verify.Structure(0, err)}
	}
	return im, findings(t, f, image)
}

// What is no list of commands is told. Images without a key, and those with another
// key than zero, are read as far as they can.
func TestSB(t *testing.T) {
	const tag, nop = 1 << 8, 0
	for _, c := range []struct {
		name     string
		keys     int
		commands []uint32
		change   func(b []byte)
		want     string // of what is bad or not judged
	}{
		{"right", 1, []uint32{tag, 0, 0, 0}, nil, ""},
		{"no key", 0, []uint32{tag, 0, 1, 0, nop, 0, 0, 0}, nil, ""},
		{"unknown", 0, []uint32{tag, 0, 1, 0, 0x900, 0, 0, 0}, nil, "the command at 0x80 is 0x9, which is not known"},
		{"sum", 0, []uint32{tag, 0, 1, 0, 0x900, 0, 0, 0}, func(b []byte) { b[128]++ }, "the sum of the command at 0x80 does not match"},
		{"no tag", 0, []uint32{nop, 0, 0, 0}, nil, ""},
		{"tag", 0, []uint32{tag, 0, 0, 0, nop, 0, 0, 0}, nil, "the tag at 0x70 is that of another section than 0x0, or has another size"},
		{"load", 0, []uint32{tag, 0, 1, 0, 0x200, 0, 1, 0}, nil, "the command at 0x80 loads 0x1 bytes, more than the section has"},
		{"load all", 0, []uint32{tag, 0, 1, 0, 0x200, 0, 0xffffffff, 0}, nil, "the command at 0x80 loads 0xffffffff bytes"},
		{"before", 0, []uint32{tag, 0, 0, 0}, func(b []byte) { b[100] = 0 }, "section 0x0 has the blocks -0x1 to 0x0: there are 0x7 to 0x8 for it"},
		{"behind", 0, []uint32{tag, 0, 0, 0}, func(b []byte) { b[104] = 1 }, "section 0x0 has the blocks 0x7 to 0x9"},
		{"other key", 1, []uint32{tag, 0, 0, 0}, func(b []byte) { b[96+16] ^= 1; b[0x90] ^= 1 }, "the key of the image is encrypted with another one than zero"},
		{"cleartext", 1, []uint32{tag, 0, 0, 2}, func(b []byte) { b[108] = 2; sbSeal(b, 112) }, "those of sections that are not encrypted are not read here"},
		{"no sections", 1, []uint32{tag, 0, 0, 2}, func(b []byte) { b[46], b[42] = 0, 6 }, "it has 0 sections, and the keys in block 0x6"},
		{"keys", 1, []uint32{tag, 0, 0, 2}, func(b []byte) { b[42] = 8 }, "it has 1 sections, and the keys in block 0x8"},
		{"blocks", 1, []uint32{tag, 0, 0, 2}, func(b []byte) { b[28] = 5 }, "it has 0x5 blocks, which is too little for 1 sections"},
		{"end", 1, []uint32{tag, 0, 0, 2}, func(b []byte) { b[28] = 100 }, "it describes 0x640 bytes, and there are 0xc0"},
		{"no second magic", 1, []uint32{tag, 0, 0, 2}, func(b []byte) { b[52] = 0 }, "there is no such header"},
	} {
		image := sbImage(c.keys, c.commands...)
		sbSeal(image, 112)
		if c.keys > 0 {
			sbEncrypt(image, 144)
			sbSeal(image, 112)
		}
		if c.change != nil {
			c.change(image)
			if c.keys == 0 {
				sbSeal(image, 112)
			}
		}
		_, list := sbFindings(t, image)
		var got []string
		for _, f := range list {
			if f.Verdict != verify.Good {
				got = append(got, f.Why)
			}
		}
		if text := strings.Join(got, "; "); (c.want == "") != (text == "") || !strings.Contains(text, c.want) {
			t.Errorf("%s: %s, want %s", c.name, text, c.want)
		}
	}
	nops := sbImage(0, append([]uint32{tag, 0, 1 << 17, 0}, make([]uint32, 4<<17)...)...)
	sbSeal(nops, 112)
	im, list := sbFindings(t, nops)
	if err := verify.First(list, nil); err == nil || err.Error() != "there are too many commands" || len(im.List()) > 10 {
		t.Errorf("%v, %d items", err, len(im.List()))
	}
}
