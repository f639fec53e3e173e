// SPDX-License-Identifier: GPL-2.0-or-later

package mcuboot

import (
	"crypto"
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"errors"
	"io"

	"binman/content"
)

// Encryption is how an image is encrypted: its payload by AES in counter mode from
// 0 on, with a new key that a TLV holds for the owner of another one:
//
//	ENCRSA2048  the key by RSA-OAEP with SHA-256
//	ENCKW       the key wrapped by AES (RFC 3394)
//	ENCEC256    ECIES: a new public key, as an uncompressed point of P-256 …
//	ENCX25519   … or 32 bytes of X25519; then an HMAC of what follows, and the key
//	            by AES in counter mode from 0 on
//
// ECIES takes the keys for AES and HMAC, in this order, from what both keys agree
// on, by HKDF without a salt, with "MCUBoot_ECIES_v1" as information.
type Encryption struct {
	Public  crypto.PublicKey // of the device; RSA of 2048 bits, ECDSA on P-256, or X25519
	Wrap    []byte           // or instead, a key that is shared with it, of 16 or 32 bytes
	KeySize int              // of the new key: 16 or 32 bytes
	Hash    crypto.Hash      // of HMAC and HKDF; 0 is SHA-256, X25519 also has SHA-512
	Clear   bool             // there is a key, but the payload stays as it is
}

const eciesInfo = "MCUBoot_ECIES_v1"

func (e *Encryption) flag() Flags {
	if e.KeySize == 32 {
		return EncAES256
	}
	return EncAES128
}

// check says whether the device could decrypt: otherwise the image would be lost.
func (e *Encryption) check() error {
	const lost = "no bootloader could decrypt the image"
	switch pub := e.Public.(type) {
	case nil:
		if n := len(e.Wrap); n != 16 && n != 32 {
			return misuse("A key to wrap with has 16 or 32 bytes, not %d", n)
		}
		if len(e.Wrap) != e.KeySize {
			return misuse("A key to wrap with has as many bytes as the key of the image: %d, not %d", e.KeySize, len(e.Wrap))
		}
		return nil
	case *rsa.PublicKey:
		if bits := pub.N.BitLen(); bits != 2048 {
			return misuse("Encryption is with RSA of 2048 bits, not %d: %s", bits, lost)
		}
		return nil
	case *ecdsa.PublicKey:
		if pub.Curve == elliptic.P256() {
			return nil
		}
	case *ecdh.PublicKey:
		return nil
	}
	kind, err := KindOf(e.Public)
	if err != nil {
		return err
	}
	return misuse("Encryption is with keys of RSA-2048, ECDSA-P256 or X25519, not %s: %s", kind.Name, lost)
}

// seal encrypts the payload, and returns the TLV with the key.
func (e *Encryption) seal(body content.Data) (content.Data, TLV, error) {
	key := make([]byte, e.KeySize)
	rand.Read(key) // never fails
	t, err := e.sealKey(key)
	if err != nil || e.Clear {
		return body, t, err
	}
	sealed, err := crypt(key, body)
	return content.Bytes(sealed), t, err
}

// crypt encrypts or decrypts data by AES in counter mode from 0 on.
func crypt(key []byte, d content.Data) ([]byte, error) {
	out := make([]byte, d.Len())
	if _, err := io.ReadFull(d.NewReader(), out); err != nil {
		return nil, err
	}
	return out, cryptBytes(key, out)
}

// cryptBytes is crypt in place.
func cryptBytes(key, b []byte) error {
	block, err := aes.NewCipher(key)
	if err != nil {
		return err
	}
	cipher.NewCTR(block, make([]byte, aes.BlockSize)).XORKeyStream(b, b)
	return nil
}

func (e *Encryption) sealKey(key []byte) (TLV, error) {
	if pub, ok := e.Public.(*rsa.PublicKey); ok {
		sealed, err := rsa.EncryptOAEP(sha256.New(), rand.Reader, pub, key, nil)
		return TLV{EncRSA2048, sealed}, err
	}
	if e.Public == nil {
		wrapped, err := wrapKey(e.Wrap, key)
		return TLV{EncKW, wrapped}, err
	}
	hash := e.Hash
	if hash == 0 {
		hash = crypto.SHA256
	}
	pub, t, err := agreeWith(e.Public, hash)
	if err != nil {
		return TLV{}, err
	}
	own, err := pub.Curve().GenerateKey(rand.Reader)
	if err != nil {
		return TLV{}, err
	}
	secret, err := own.ECDH(pub)
	if err != nil {
		return TLV{}, err
	}
	sealed, mac, err := ecies(secret, key, len(key), hash)
	return TLV{t, append(append(own.PublicKey().Bytes(), mac...), sealed...)}, err
}

// agreeWith returns the public key to agree with, and the type of the TLV.
func agreeWith(pub crypto.PublicKey, hash crypto.Hash) (*ecdh.PublicKey, Type, error) {
	t := EncX25519
	if hash == crypto.SHA512 {
		t = EncX25519SHA512
	}
	switch pub := pub.(type) {
	case *ecdh.PublicKey:
		return pub, t, nil
	case *ecdsa.PublicKey:
		if hash == crypto.SHA512 {
			return nil, 0, Misuse("Currently only ECIES-X25519 supports HMAC-SHA512")
		}
		p, err := pub.ECDH()
		return p, EncEC256, err
	}
	return nil, 0, errors.New("nothing can be agreed on with such a key")
}

// ecies encrypts a key, or decrypts it, and returns the HMAC of the encrypted one
// if that is what has been given.
func ecies(secret, key []byte, size int, hash crypto.Hash) (out, mac []byte, err error) {
	derived, err := hkdf.Key(hash.New, secret, nil, eciesInfo, size+hash.Size())
	if err != nil {
		return nil, nil, err
	}
	out = append(out, key...)
	if err := cryptBytes(derived[:size], out); err != nil {
		return nil, nil, err
	}
	h := hmac.New(hash.New, derived[size:])
	h.Write(out)
	return out, h.Sum(nil), nil
}
