// SPDX-License-Identifier: GPL-2.0-or-later

package zynqmp

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha3"
	"encoding/hex"
	"fmt"
	"hash"
	"math/big"
)

const (
	keyBytes  = 512 // of RSA-4096
	keySize   = 1088
	sigSize   = keyBytes
	certSize  = 0xec0
	ppkAt     = 64
	spkAt     = ppkAt + keySize
	spkSigAt  = spkAt + keySize
	bootSigAt = spkSigAt + sigSize
	dataSigAt = bootSigAt + sigSize // and what is before it is signed too

	certWord  = 0x115 // RSA-4096 and SHA-3, version 1
	ppkBit    = 16
	spkBits   = 18
	spkEFuse  = 1
	spkFields = 3
)

// Certificate is what stands behind a part that is signed:
//
//	offset  size  authentication certificate
//	     0     4  0x115; bits 16 and 17: which primary key; 18 and 19: which fuses
//	              revoke the secondary key, 1 or 2
//	     4     4  number of the secondary key
//	    64  1088  primary public key
//	  1152  1088  secondary public key
//	  2240   512  signature of the secondary key by the primary one
//	  2752   512  signature of the boot header
//	  3264   512  signature of the part, and of the certificate up to here
//
// A key is the modulus (512), 2^8320 modulo it (512), the exponent (4), all
// big-endian, and zeros (60). Signatures are RSASSA-PKCS1-v1_5.
type Certificate struct {
	PPK   int    // which of the primary keys in fuses, 0 or 1
	SPK   int    // 1: fuses for secondary keys revoke it, 2: those of users
	SPKID uint32 // number of the secondary key

	raw                []byte
	primary, secondary *rsa.PublicKey
}

// newHash returns a hash of 384 bits: SHA-3, or Keccak as it was before.
func newHash(nist bool) hash.Hash {
	if nist {
		return sha3.New384()
	}
	return newKeccak()
}

func digest(nist bool, parts ...[]byte) []byte {
	h := newHash(nist)
	for _, p := range parts {
		h.Write(p)
	}
	return h.Sum(nil)
}

// putKey writes a public key as certificates have it.
func putKey(b []byte, key crypto.PublicKey, what string) error {
	public, ok := key.(*rsa.PublicKey)
	if !ok || public.N.BitLen() != 8*keyBytes {
		return fmt.Errorf("the %s key is not RSA with %d bits", what, 8*keyBytes)
	}
	public.N.FillBytes(b[:keyBytes])
	extension := new(big.Int).Lsh(big.NewInt(1), 8*keyBytes*2+128)
	extension.Mod(extension, public.N).FillBytes(b[keyBytes : 2*keyBytes])
	big.NewInt(int64(public.E)).FillBytes(b[2*keyBytes : 2*keyBytes+4])
	return nil
}

// parseKey reads a public key.
func parseKey(b []byte) (*rsa.PublicKey, error) {
	n := new(big.Int).SetBytes(b[:keyBytes])
	e := new(big.Int).SetBytes(b[2*keyBytes : 2*keyBytes+4]).Int64()
	if n.BitLen() != 8*keyBytes || n.Bit(0) == 0 || e < 3 || e%2 == 0 {
		return nil, fmt.Errorf("%w: a key in a certificate is not RSA with %d bits", ErrFormat, 8*keyBytes)
	}
	return &rsa.PublicKey{N: n, E: int(e)}, nil
}

// parseCertificate reads a certificate.
func parseCertificate(b []byte) (*Certificate, error) {
	word := le.Uint32(b)
	if word&0xffff != certWord {
		return nil, fmt.Errorf("%w: a certificate starts with %#x, not %#x", ErrFormat, word&0xffff, certWord)
	}
	c := &Certificate{PPK: int(word >> ppkBit & 3), SPK: int(word >> spkBits & spkFields), SPKID: le.Uint32(b[4:]), raw: b}
	var err error
	if c.primary, err = parseKey(b[ppkAt:]); err != nil {
		return nil, err
	}
	c.secondary, err = parseKey(b[spkAt:])
	return c, err
}

// PrimaryHash returns the hash of the primary key as fuses hold it, in hexadecimal.
func (c *Certificate) PrimaryHash() string {
	return hex.EncodeToString(digest(false, c.raw[ppkAt:spkAt]))
}

// secondaryDigest returns what the primary key signs.
func (c *Certificate) secondaryDigest() []byte {
	return digest(c.SPK != spkEFuse, c.raw[:8], c.raw[spkAt:spkSigAt])
}

// sign writes the signature of a digest at an offset of the certificate.
func (c *Certificate) sign(at int, key crypto.Signer, digest []byte) error {
	sig, err := key.Sign(rand.Reader, digest, crypto.SHA3_384)
	if err != nil {
		return err
	}
	if len(sig) != sigSize {
		return fmt.Errorf("the signature has %d bytes, not %d", len(sig), sigSize)
	}
	copy(c.raw[at:], sig)
	return nil
}

// signed says whether a signature at an offset of the certificate is one of the digest.
func (c *Certificate) signed(at int, key *rsa.PublicKey, digest []byte) bool {
	return rsa.VerifyPKCS1v15(key, crypto.SHA3_384, digest, c.raw[at:at+sigSize]) == nil
}
