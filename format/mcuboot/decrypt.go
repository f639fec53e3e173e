// SPDX-License-Identifier: GPL-2.0-or-later

package mcuboot

import (
	"crypto"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/hmac"
	"crypto/rsa"
	"crypto/sha256"
	"errors"
	"fmt"

	"binman/content"
)

// Decryption errors.
var (
	ErrNotEncrypted = errors.New("the image is not encrypted")
	ErrOtherKey     = errors.New("the image is encrypted for another key")
)

// Encrypted says whether the header says that the payload is encrypted. It may be
// in the clear all the same, see [Encryption].
func (im *Image) Encrypted() bool { return im.Header.Flags&encrypted != 0 }

// Decrypt returns the image with its payload decrypted. The key is the private one
// of the device (*rsa.PrivateKey, *ecdsa.PrivateKey, *ecdh.PrivateKey), or the bytes
// of one that is shared with it.
func (im *Image) Decrypt(key any) (*Image, error) {
	if !im.Encrypted() {
		return nil, ErrNotEncrypted
	}
	aesKey, err := im.openKey(key)
	if err != nil {
		return nil, err
	}
	if want := map[bool]int{false: 16, true: 32}[im.Header.Flags&EncAES256 != 0]; len(aesKey) != want {
		return nil, fmt.Errorf("the key of the image has %d bytes, the header says %d", len(aesKey), want)
	}
	all := im.data()
	size := int64(im.Header.Size)
	plain, err := crypt(aesKey, all.Slice(size, im.PayloadEnd()-size))
	if err != nil {
		return nil, err
	}
	opened := *im
	d := content.Join(all.Slice(0, size), content.Bytes(plain), all.Slice(im.PayloadEnd(), all.Len()-im.PayloadEnd()))
	opened.src.R = d
	return &opened, nil
}

// openKey returns the key of the payload.
func (im *Image) openKey(key any) ([]byte, error) {
	switch key := key.(type) {
	case *rsa.PrivateKey:
		if v := im.TLVs.First(EncRSA2048); v != nil {
			opened, err := rsa.DecryptOAEP(sha256.New(), nil, key, v, nil)
			if err != nil {
				return nil, ErrOtherKey
			}
			return opened, nil
		}
	case []byte:
		if v := im.TLVs.First(EncKW); v != nil {
			return unwrapKey(key, v)
		}
	case *ecdsa.PrivateKey:
		private, err := key.ECDH()
		if err != nil {
			return nil, err
		}
		if v := im.TLVs.First(EncEC256); v != nil {
			return openECIES(private, v, crypto.SHA256)
		}
	case *ecdh.PrivateKey:
		for t, hash := range map[Type]crypto.Hash{EncX25519: crypto.SHA256, EncX25519SHA512: crypto.SHA512} {
			if v := im.TLVs.First(t); v != nil {
				return openECIES(key, v, hash)
			}
		}
	default:
		return nil, fmt.Errorf("nothing can be decrypted with a key of the type %T", key)
	}
	return nil, fmt.Errorf("%w: it has no key for one of this kind", ErrOtherKey)
}

// openECIES decrypts a key: the TLV has the public key of the sender, the HMAC,
// and the encrypted key.
func openECIES(key *ecdh.PrivateKey, v []byte, hash crypto.Hash) ([]byte, error) {
	head := len(key.PublicKey().Bytes())
	size := len(v) - head - hash.Size()
	if size != 16 && size != 32 {
		return nil, fmt.Errorf("the TLV with the key has %d bytes, which is neither for 128 nor for 256 bits", len(v))
	}
	sender, err := key.Curve().NewPublicKey(v[:head])
	if err != nil {
		return nil, err
	}
	secret, err := key.ECDH(sender)
	if err != nil {
		return nil, err
	}
	mac, sealed := v[head:head+hash.Size()], v[head+hash.Size():]
	opened, _, err := ecies(secret, sealed, size, hash)
	if err != nil {
		return nil, err
	}
	// The HMAC is over the encrypted key, which comes out when encrypting again.
	if _, want, err := ecies(secret, opened, size, hash); err != nil || !hmac.Equal(mac, want) {
		return nil, ErrOtherKey
	}
	return opened, nil
}
