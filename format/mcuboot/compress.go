// SPDX-License-Identifier: GPL-2.0-or-later

package mcuboot

import (
	"io"

	"binman/codec/bcj"
	"binman/codec/lzma"
	"binman/content"
)

// Compression is how an image is compressed. The payload then is
//
//	offset  size
//	     0     1  size of the dictionary, as in .xz files
//	     1     1  (pb*5 + lp)*9 + lc
//	     2        raw LZMA2
//
// and protected TLVs have the size, the hash and the signature of the same image
// uncompressed.
type Compression int

// The ways of compression.
const (
	Uncompressed       Compression = iota
	CompressLZMA2                  // LZMA2
	CompressLZMA2Thumb             // the same, after the filter for ARM Thumb
)

func (c Compression) flags() Flags {
	if c == CompressLZMA2Thumb {
		return LZMA2 | ARMThumb
	}
	return LZMA2
}

// lzmaParams are the parameters that MCUboot decompresses.
func lzmaParams() lzma.Params {
	return lzma.Params{LC: 3, LP: 1, PB: 2, DictSize: 128 << 10, NiceLen: 64}
}

// lzmaHead stands for the parameters in front of the stream: 2<<16 bytes of
// dictionary, and their properties.
var lzmaHead = [2]byte{10, (2*5+1)*9 + 3}

// compressed makes a compressed image, or one that is not compressed if that would
// be smaller.
func (m *maker) compressed(plain part) (*Made, error) {
	sealed := plain.cipher
	plain.cipher = false
	whole, err := m.make(plain)
	if err != nil {
		return nil, err
	}
	packed, err := m.pack(plain.body)
	if err != nil {
		return nil, err
	}
	tlvs := []TLV{{DecompSize, m.uint32(uint32(plain.body.Len()))}, {DecompSHA, whole.Digest}}
	if len(whole.Signature) > 0 {
		tlvs = append(tlvs, TLV{DecompSignature, whole.Signature})
	}
	claims := int64(0)
	for _, t := range tlvs {
		claims += int64(len(t.Value))
	}
	made := whole
	smaller := int64(len(packed))+claims < plain.body.Len()
	switch {
	case smaller:
		small := part{room: content.Fill(0, m.HeaderSize), flags: m.Compress.flags(), tlvs: tlvs, cipher: sealed}
		if m.PadHeader {
			small.room = plain.room
		}
		small.body = content.Join(content.Bytes(lzmaHead[:]), content.Bytes(packed))
		if m.Encrypt != nil {
			small.tlvs = append(tlvs, TLV{CompDecSize, m.uint32(uint32(small.body.Len()))})
		}
		made, err = m.make(small)
	case sealed:
		// What does not become smaller is encrypted all the same.
		plain.cipher = true
		made, err = m.make(plain)
	}
	if err != nil {
		return nil, err
	}
	made.Unpacked, made.Packed, made.Compressed = plain.body.Len(), int64(len(packed)), smaller
	return made, nil
}

// pack returns the compressed payload.
func (m *maker) pack(body content.Data) ([]byte, error) {
	b := make([]byte, body.Len())
	if _, err := io.ReadFull(body.NewReader(), b); err != nil {
		return nil, err
	}
	if m.Compress == CompressLZMA2Thumb {
		bcj.ARMThumb(b, 0, bcj.Encode)
	}
	return lzma.Encode2(b, lzmaParams())
}
