// SPDX-License-Identifier: GPL-2.0-or-later

package vboot

import (
	"bytes"
	"crypto/rsa"
	"crypto/sha1" // fingerprints of keys are SHA-1 here
	"fmt"
	"math/big"
	"slices"
)

const (
	keyHeader = 32 // bytes

	// MaxKey bounds public keys, in bytes: those of 8192 bits have 2056.
	MaxKey = 4096
)

// PublicKey is a public key as verified boot keeps it.
type PublicKey struct {
	Algorithm Algorithm
	Version   uint64
	data      []byte // as in the file
}

// ParsePublicKey reads a file .vbpubk.
func ParsePublicKey(file []byte) (*PublicKey, error) {
	if len(file) < keyHeader {
		return nil, fmt.Errorf("%w: a public key has %d bytes or more, not %d", ErrFormat, keyHeader, len(file))
	}
	return publicKeyAt(file, 0)
}

// publicKeyAt reads the key whose header is at a position in b.
func publicKeyAt(b []byte, at int64) (*PublicKey, error) {
	data, err := extentAt(b, at, "public key")
	if err != nil {
		return nil, err
	}
	k := &PublicKey{Algorithm: Algorithm(le.Uint64(b[at+16:])), Version: le.Uint64(b[at+24:]), data: data.of(b)}
	if !k.Algorithm.Known() {
		return nil, fmt.Errorf("%w: a public key is for %s, which nobody knows", ErrFormat, k.Algorithm)
	}
	if want := 8 + k.Algorithm.Bits()/4; len(k.data) != want {
		return nil, fmt.Errorf("%w: a public key for %s has %d bytes, not %d", ErrFormat, k.Algorithm, want, len(k.data))
	}
	if words := le.Uint32(k.data); int(words) != k.Algorithm.Bits()/32 {
		return nil, fmt.Errorf("%w: a public key for %s has %d words, not %d", ErrFormat, k.Algorithm, k.Algorithm.Bits()/32, words)
	}
	if n := k.modulus(); n.BitLen() != k.Algorithm.Bits() || n.Bit(0) == 0 {
		return nil, fmt.Errorf("%w: the modulus of a public key for %s is even or has %d bits", ErrFormat, k.Algorithm, n.BitLen())
	}
	return k, nil
}

func (k *PublicKey) modulus() *big.Int {
	size := k.Algorithm.Bits() / 8
	n := slices.Clone(k.data[8 : 8+size])
	slices.Reverse(n)
	return new(big.Int).SetBytes(n)
}

// RSA returns the key.
func (k *PublicKey) RSA() *rsa.PublicKey {
	return &rsa.PublicKey{N: k.modulus(), E: k.Algorithm.Exponent()}
}

// Fingerprint returns the SHA-1 of the key, by which futility names it.
func (k *PublicKey) Fingerprint() [20]byte { return sha1.Sum(k.data) }

// Same says whether the keys are the same one.
func (k *PublicKey) Same(other *PublicKey) bool {
	return k.Algorithm == other.Algorithm && bytes.Equal(k.data, other.data)
}

// put writes the header of the key, whose data starts at an offset from it.
func (k *PublicKey) put(b []byte, offset int64) {
	le.PutUint64(b, uint64(offset))
	le.PutUint64(b[8:], uint64(len(k.data)))
	le.PutUint64(b[16:], uint64(k.Algorithm))
	le.PutUint64(b[24:], k.Version)
}
