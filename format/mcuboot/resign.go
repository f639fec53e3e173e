// SPDX-License-Identifier: GPL-2.0-or-later

package mcuboot

import (
	"crypto"
	"errors"

	"binman/content"
)

// Resign returns the image, up to its end, with its signature and what it says of the key
// made anew. Every other byte is as it was. An encrypted image is signed as it is: its
// hash is that of what was encrypted.
func (im *Image) Resign(key crypto.Signer) (content.Data, error) {
	hash, digest, err := im.hashed()
	if err != nil {
		return content.Data{}, err
	}
	kind, err := KindOf(key.Public())
	if err != nil {
		return content.Data{}, err
	}
	if kind.sig == 0 {
		return content.Data{}, misuse("A key for %s is for encryption: it signs nothing", kind.Name)
	}
	if usual, err := kind.imageHash(hash, im.Pure()); err != nil || usual != hash {
		return content.Data{}, misuse("the hash of the image is %s, which a key for %s does not sign", hashName(hash), kind.Name)
	}
	m := &maker{Params: &Params{Key: key, Pure: im.Pure()}, order: im.Order, hash: hash, kind: kind}
	if m.public, err = PublicBytes(key.Public()); err != nil {
		return content.Data{}, err
	}
	sig, err := m.signature(&Made{Digest: digest}, im.Signed())
	if err != nil {
		return content.Data{}, err
	}
	list, err := m.replaced(im, sig)
	if err != nil {
		return content.Data{}, err
	}
	tlvs, err := area(im.Order, im.TLVs.Magic, list)
	if err != nil {
		return content.Data{}, err
	}
	return content.Join(im.Signed(), content.Bytes(tlvs)), nil
}

// hashed returns the hash of the image and its value, if it can be signed again.
func (im *Image) hashed() (crypto.Hash, []byte, error) {
	switch {
	case im.Protected.First(DecompSignature) != nil:
		return 0, nil, errors.New("a compressed image also has a signature of what it decompresses to: make it anew with imgtool")
	case im.Pure() && im.Encrypted():
		return 0, nil, errors.New("an encrypted image of which all bytes are signed has to be made anew with imgtool")
	}
	for _, t := range im.TLVs.List {
		if h := t.Type.hash(); h != 0 {
			return h, t.Value, nil
		}
	}
	return 0, nil, errors.New("the image has no hash")
}

// replaced returns the TLVs of an image with another key and signature.
func (m *maker) replaced(im *Image, sig []byte) ([]TLV, error) {
	var list []TLV
	signed := false
	for _, t := range im.TLVs.List {
		switch {
		case t.Type == KeyHash:
			list = append(list, TLV{KeyHash, m.keyHash()})
		case t.Type == PubKey:
			list = append(list, TLV{PubKey, m.public})
		case t.Type.signature() && signed:
			return nil, errors.New("the image has several signatures")
		case t.Type.signature():
			signed = true
			old := signature{kind: m.kind, value: t.Value}
			if n := m.kind.padded - len(sig); t.Type == m.kind.sig && len(old.unpadded()) < len(t.Value) && n > 0 {
				sig = append(sig, make([]byte, n)...)
			}
			list = append(list, TLV{m.kind.sig, sig})
		default:
			list = append(list, t.TLV)
		}
	}
	if !signed {
		return nil, errors.New("the image is not signed")
	}
	return list, nil
}
