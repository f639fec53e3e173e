// SPDX-License-Identifier: GPL-2.0-or-later

package mcuboot

import (
	"errors"
	"fmt"
	"slices"

	"binman/codec/bcj"
	"binman/codec/lzma"
	"binman/content"
)

// ErrNotCompressed says that the payload is not compressed.
var ErrNotCompressed = errors.New("the image is not compressed")

// maxUnpacked bounds what a payload decompresses to, in bytes.
const maxUnpacked = 256 << 20

// Compressed says whether the payload is compressed.
func (im *Image) Compressed() bool { return im.Header.Flags&compressed != 0 }

// Unpack returns what the hash of the decompressed image covers: the image as it
// would be had it not been compressed, without TLVs that are not protected. An
// encrypted image must have been decrypted.
func (im *Image) Unpack() (content.Data, error) {
	switch {
	case !im.Compressed():
		return content.Data{}, ErrNotCompressed
	case im.Header.Flags&compressed != LZMA2:
		return content.Data{}, errors.New("the payload is compressed by LZMA1, which imgtool does not make")
	}
	size, err := im.number(DecompSize)
	if err != nil {
		return content.Data{}, err
	}
	body, err := im.unpackBody(int64(size))
	if err != nil {
		return content.Data{}, err
	}
	var list []TLV
	for _, t := range im.Protected.List {
		if !slices.Contains([]Type{DecompSize, DecompSHA, DecompSignature, CompDecSize}, t.Type) {
			list = append(list, t.TLV)
		}
	}
	protected, err := area(im.Order, MagicProtected, list)
	if err != nil {
		return content.Data{}, err
	}
	head := im.Header
	head.Flags &^= compressed | ARMThumb
	head.ImageSize, head.ProtectedSize = uint32(len(body)), uint16(len(protected))
	room := im.data().Slice(HeaderSize, int64(im.Header.Size)-HeaderSize)
	return content.Join(content.Bytes(head.marshal(im.Order)), room, content.Bytes(body), content.Bytes(protected)), nil
}

// number returns the value of a protected TLV of 4 bytes.
func (im *Image) number(t Type) (uint32, error) {
	v := im.Protected.First(t)
	if len(v) != 4 {
		return 0, fmt.Errorf("the TLV %v has %d bytes, not 4", t, len(v))
	}
	return im.Order.Uint32(v), nil
}

// unpackBody decompresses the payload, which gives size bytes.
func (im *Image) unpackBody(size int64) ([]byte, error) {
	if size > maxUnpacked {
		return nil, fmt.Errorf("the payload decompresses to %d bytes, more than %d", size, maxUnpacked)
	}
	start := int64(im.Header.Size)
	packed, err := im.src.Bytes(start, im.PayloadEnd()-start, "payload")
	if err != nil {
		return nil, err
	}
	if len(packed) < len(lzmaHead) || [2]byte(packed) != lzmaHead {
		return nil, errors.New("the payload does not start with the parameters of LZMA2 that MCUboot knows")
	}
	body, _, err := lzma.Decode2Prefix(packed[len(lzmaHead):], lzmaParams().DictSize, size)
	switch {
	case err != nil:
		return nil, err
	case int64(len(body)) != size:
		return nil, fmt.Errorf("the payload decompresses to %d bytes, not %d", len(body), size)
	}
	if im.Header.Flags&ARMThumb != 0 {
		bcj.ARMThumb(body, 0, bcj.Decode)
	}
	return body, nil
}
