// SPDX-License-Identifier: GPL-2.0-or-later

package mcuboot

import (
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"math/big"
)

// The forms of private keys that a bootloader is given to decrypt with.
const (
	FormOpenSSL = "openssl" // PKCS #1, SEC 1
	FormPKCS8   = "pkcs8"
)

// PrivateBytes returns a private key for a bootloader, in a form, "" for that
// which is usual for its kind. A minimal one lacks what can be calculated.
func PrivateBytes(key any, form string, minimal bool) ([]byte, error) {
	switch key := key.(type) {
	case *rsa.PrivateKey:
		if form == FormPKCS8 {
			return nil, Misuse("rsa does not support pkcs8")
		}
		return rsaBytes(key, minimal)
	case *ecdsa.PrivateKey:
		return ecBytes(key, form, minimal)
	case *ecdh.PrivateKey:
		if form == FormOpenSSL {
			return nil, Misuse("x25519 does not support openssl")
		}
		return x509.MarshalPKCS8PrivateKey(key)
	case ed25519.PrivateKey:
		return nil, Misuse("Operation not supported with ed25519 keys")
	}
	return nil, Misuse("Operation get_private_bytes requires private key")
}

func rsaBytes(key *rsa.PrivateKey, minimal bool) ([]byte, error) {
	if !minimal {
		return x509.MarshalPKCS1PrivateKey(key), nil
	}
	// RSAPrivateKey (RFC 8017, A.1.2) up to the primes.
	return asn1.Marshal(struct {
		Version int
		N       *big.Int
		E       int
		D, P, Q *big.Int
	}{0, key.N, key.E, key.D, key.Primes[0], key.Primes[1]})
}

// ecPrivateKey is that of RFC 5915 without the public key.
type ecPrivateKey struct {
	Version int
	Key     []byte
	Curve   asn1.ObjectIdentifier `asn1:"optional,explicit,tag:0"`
}

func ecBytes(key *ecdsa.PrivateKey, form string, minimal bool) ([]byte, error) {
	openssl := form == FormOpenSSL
	switch {
	case !minimal && openssl:
		return x509.MarshalECPrivateKey(key)
	case !minimal:
		return x509.MarshalPKCS8PrivateKey(key)
	}
	full, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	var info struct {
		Version   int
		Algorithm pkix.AlgorithmIdentifier
		Key       []byte
	}
	if _, err := asn1.Unmarshal(full, &info); err != nil {
		return nil, err
	}
	scalar, err := key.Bytes()
	if err != nil {
		return nil, err
	}
	short := ecPrivateKey{Version: 1, Key: scalar}
	if openssl {
		if _, err := asn1.Unmarshal(info.Algorithm.Parameters.FullBytes, &short.Curve); err != nil {
			return nil, err
		}
		return asn1.Marshal(short)
	}
	if info.Key, err = asn1.Marshal(short); err != nil {
		return nil, err
	}
	return asn1.Marshal(info)
}
