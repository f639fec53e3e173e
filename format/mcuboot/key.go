// SPDX-License-Identifier: GPL-2.0-or-later

package mcuboot

import (
	"crypto"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/x509"
	"fmt"
	"slices"
	"strings"
)

// KeyKind is a kind of key that MCUboot has signatures or encryption for.
type KeyKind struct {
	Short string // in names of variables: "rsa"
	Name  string // of its signatures: "ED25519"

	sig    Type          // of the TLV with a signature, 0 if it signs nothing
	hashes []crypto.Hash // that images may have; the first unless another one is asked for
	padded int           // size of a signature of fixed size, in bytes; 0 if it has one anyway
}

// KindOf returns the kind of a public key.
func KindOf(pub crypto.PublicKey) (KeyKind, error) {
	switch pub := pub.(type) {
	case *rsa.PublicKey:
		bits := pub.N.BitLen()
		sig := map[int]Type{2048: RSA2048, 3072: RSA3072}[bits]
		if sig == 0 {
			return KeyKind{}, misuse("Unsupported RSA key size: %d; MCUboot has 2048 and 3072", bits)
		}
		return KeyKind{Short: "rsa", Name: fmt.Sprintf("PKCS1_PSS_RSA%d_SHA256", bits), sig: sig, hashes: []crypto.Hash{crypto.SHA256}}, nil
	case *ecdsa.PublicKey:
		switch pub.Curve {
		case elliptic.P256():
			return KeyKind{Short: "ecdsa", Name: "ECDSA256_SHA256", sig: ECDSASig, hashes: []crypto.Hash{crypto.SHA256}, padded: 72}, nil
		case elliptic.P384():
			return KeyKind{Short: "ecdsap384", Name: "ECDSA384_SHA384", sig: ECDSASig, hashes: []crypto.Hash{crypto.SHA384}, padded: 103}, nil
		}
		return KeyKind{}, misuse("Unsupported EC curve: %s; MCUboot has P-256 and P-384", pub.Curve.Params().Name)
	case ed25519.PublicKey:
		return KeyKind{Short: "ed25519", Name: "ED25519", sig: Ed25519, hashes: []crypto.Hash{crypto.SHA256, crypto.SHA512}}, nil
	case *ecdh.PublicKey:
		if pub.Curve() == ecdh.X25519() {
			return KeyKind{Short: "x25519", Name: "X25519", hashes: []crypto.Hash{crypto.SHA256, crypto.SHA512}}, nil
		}
	}
	return KeyKind{}, misuse("Unknown key type: %T", pub)
}

// PublicBytes returns a public key as MCUboot holds it: RSA as in PKCS #1, others
// as SubjectPublicKeyInfo.
func PublicBytes(pub crypto.PublicKey) ([]byte, error) {
	if pub, ok := pub.(*rsa.PublicKey); ok {
		return x509.MarshalPKCS1PublicKey(pub), nil
	}
	return x509.MarshalPKIXPublicKey(pub)
}

// imageHash returns the hash of an image that is signed with the key, which is
// that asked for, if any. Only is what a public key alone allows.
func (k *KeyKind) imageHash(asked crypto.Hash, pure bool) (crypto.Hash, error) {
	switch {
	case pure && k.sig != Ed25519:
		return 0, misuse("Could not find allowed hash algorithms for %s: only Ed25519 signs an image instead of its hash", k.Name)
	case pure:
		return crypto.SHA512, nil
	case asked == 0:
		return k.hashes[0], nil
	case !slices.Contains(k.hashes, asked):
		var names []string
		for _, h := range k.hashes {
			names = append(names, hashName(h))
		}
		return 0, misuse("Key %s can not be used with --sha %s; allowed sha are one of %s", k.Name, hashName(asked), strings.Join(names, ", "))
	}
	return asked, nil
}

// hashName returns the name of a hash in options.
func hashName(h crypto.Hash) string {
	return strings.TrimPrefix(hashTLV(h).String(), "SHA")
}

// signOptions returns how the key signs a digest, by that or another hash.
func (k *KeyKind) signOptions() crypto.SignerOpts {
	switch k.sig {
	case RSA2048, RSA3072:
		// The bootloader takes no other size of the salt.
		return &rsa.PSSOptions{SaltLength: 32, Hash: crypto.SHA256}
	case ECDSASig:
		return k.hashes[0]
	}
	return crypto.Hash(0)
}
