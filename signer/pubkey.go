// SPDX-License-Identifier: GPL-2.0-or-later

// Package signer reads keys, signs with them, and writes public keys where
// U-Boot looks for them.
//
// # Private keys
//
// A [Signer] is a crypto.Signer with a name. [Open] finds one by a reference: a
// file, a program that signs ("exec:"), a key on a token ("pkcs11:"). A
// [Keyring] finds them by the hints with which descriptions name keys.
//
// Files are PEM or DER:
//
//	PRIVATE KEY            PKCS #8 (RFC 5958)
//	ENCRYPTED PRIVATE KEY  the same encrypted: PBES2 with PBKDF2 (RFC 8018), AES or 3DES in CBC
//	RSA PRIVATE KEY        PKCS #1 (RFC 8017, A.1.2)
//	EC PRIVATE KEY         SEC 1 (RFC 5915)
//
// the last two also in OpenSSL's older encryption (Proc-Type, DEK-Info), and the
// files .vbprivk of Chromium OS, which are PKCS #1 behind a number. Nothing
// here asks the machine for files, passphrases or programs: see [Options].
//
// # Public keys
//
// Public keys are PEM files (RFC 7468), of which the first block with one of these
// labels counts:
//
//	CERTIFICATE, X509 CERTIFICATE, TRUSTED CERTIFICATE  X.509 (RFC 5280); its key alone is used
//	PUBLIC KEY                                          SubjectPublicKeyInfo (RFC 5280, 4.1)
//	RSA PUBLIC KEY                                      PKCS #1 (RFC 8017, A.1.1)
//	PRIVATE KEY, RSA PRIVATE KEY, EC PRIVATE KEY        PKCS #8, PKCS #1, SEC 1: of these the public half
//
// Unlike crypto/x509, this takes keys that are of no use but for tests, such as
// RSA with the exponent 1 or with fewer than 1024 bits: whether a key is strong
// enough is for those to say who verify.
//
// # Keys in a device tree
//
// U-Boot verifies signatures with the keys in the node /signature of its own
// device tree. See [KeyNode].
package signer

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"strings"
)

// Errors that callers may tell apart.
var (
	// ErrNoKey says that the file is no PEM file with a key in it.
	ErrNoKey = errors.New("no certificate and no key in PEM form")
	// ErrKey says that the key is malformed or of a kind we cannot use.
	ErrKey = errors.New("cannot use key")
)

// PublicKey is an *RSA or an *EC.
type PublicKey interface {
	// Bits returns the size of the key in bits: of the modulus, or of the
	// order of the curve.
	Bits() int
}

// maxModulus bounds RSA keys, in bits. OpenSSL uses none larger.
const maxModulus = 16384

// RSA is an RSA public key.
type RSA struct {
	N *big.Int // modulus, positive
	E *big.Int // public exponent, positive
}

// Bits returns the size of the modulus.
func (k *RSA) Bits() int { return k.N.BitLen() }

// EC is a public key on an elliptic curve.
type EC struct {
	Curve *Curve
	X, Y  []byte // coordinates of the point, big-endian, each of the size of the curve
}

// Bits returns the size of the order of the curve.
func (k *EC) Bits() int { return k.Curve.Bits }

// Curve is an elliptic curve.
type Curve struct {
	Name string // as OpenSSL calls it, e.g. "prime256v1"
	Bits int    // of its order
	oid  asn1.ObjectIdentifier
	math elliptic.Curve
}

// curves are the curves that U-Boot's tools know.
var curves = []Curve{
	{"prime256v1", 256, asn1.ObjectIdentifier{1, 2, 840, 10045, 3, 1, 7}, elliptic.P256()},
	{"secp384r1", 384, asn1.ObjectIdentifier{1, 3, 132, 0, 34}, elliptic.P384()},
	{"secp521r1", 521, asn1.ObjectIdentifier{1, 3, 132, 0, 35}, elliptic.P521()},
}

var (
	oidRSA    = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 1}
	oidRSAPSS = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 10}
	oidEC     = asn1.ObjectIdentifier{1, 2, 840, 10045, 2, 1}
)

// readers reads the contents of a PEM block by its label.
var readers = map[string]func(der []byte) (PublicKey, error){
	"CERTIFICATE":         certificateKey,
	"X509 CERTIFICATE":    certificateKey,
	"TRUSTED CERTIFICATE": certificateKey,
	"PUBLIC KEY":          publicKeyInfo,
	"RSA PUBLIC KEY":      rsaPublicKey,
	"PRIVATE KEY":         privateKeyInfo,
	"RSA PRIVATE KEY":     rsaPrivateKey,
	"EC PRIVATE KEY":      ecPrivateKey,
}

// ReadPublicKey returns the public key in a PEM file, see the package's
// documentation. The error wraps ErrNoKey or ErrKey.
func ReadPublicKey(file []byte) (PublicKey, error) {
	var other []string
	for {
		var block *pem.Block
		block, file = pem.Decode(file)
		if block == nil {
			break
		}
		if block.Headers["DEK-Info"] != "" || block.Type == "ENCRYPTED PRIVATE KEY" {
			return nil, fmt.Errorf("%w: it is encrypted; give its public key or certificate instead", ErrKey)
		}
		read := readers[block.Type]
		if read == nil {
			other = append(other, block.Type)
			continue
		}
		key, err := read(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("%w: %s: %w", ErrKey, strings.ToLower(block.Type), err)
		}
		return key, nil
	}
	if len(other) > 0 {
		return nil, fmt.Errorf("%w: found %s", ErrNoKey, kinds(other))
	}
	return nil, ErrNoKey
}

// unmarshal reads one ASN.1 value that fills der.
func unmarshal(der []byte, v any) error {
	rest, err := asn1.Unmarshal(der, v)
	if err == nil && len(rest) > 0 {
		err = fmt.Errorf("%d bytes follow its end", len(rest))
	}
	return err
}

// keyInfo is a SubjectPublicKeyInfo.
type keyInfo struct {
	Algorithm pkix.AlgorithmIdentifier
	Key       asn1.BitString
}

// certificateKey finds the key of a certificate. Of the rest only the form is
// read; a TRUSTED CERTIFICATE has more behind its end, which is not.
func certificateKey(der []byte) (PublicKey, error) {
	var cert struct {
		TBS struct {
			Version  int `asn1:"optional,explicit,tag:0"`
			Serial   asn1.RawValue
			Algo     asn1.RawValue
			Issuer   asn1.RawValue
			Validity asn1.RawValue
			Subject  asn1.RawValue
			Key      keyInfo
		}
		Algo, Signature asn1.RawValue
	}
	if _, err := asn1.Unmarshal(der, &cert); err != nil {
		return nil, err
	}
	return cert.TBS.Key.key()
}

func publicKeyInfo(der []byte) (PublicKey, error) {
	var info keyInfo
	if err := unmarshal(der, &info); err != nil {
		return nil, err
	}
	return info.key()
}

// key reads the key by its algorithm.
func (i *keyInfo) key() (PublicKey, error) {
	switch algo := i.Algorithm.Algorithm; {
	case algo.Equal(oidRSA), algo.Equal(oidRSAPSS):
		return rsaPublicKey(i.Key.RightAlign())
	case algo.Equal(oidEC):
		return i.ec()
	default:
		return nil, fmt.Errorf("its algorithm %v is neither RSA nor ECDSA", algo)
	}
}

func (i *keyInfo) ec() (PublicKey, error) {
	var name asn1.ObjectIdentifier
	if err := unmarshal(i.Algorithm.Parameters.FullBytes, &name); err != nil {
		return nil, fmt.Errorf("its curve is not given by name: %w", err)
	}
	for c := range curves {
		curve := &curves[c]
		if !curve.oid.Equal(name) {
			continue
		}
		point := i.Key.RightAlign()
		if k, err := ecdsa.ParseUncompressedPublicKey(curve.math, point); err == nil {
			return newEC(curve, k)
		}
		if x, y := elliptic.UnmarshalCompressed(curve.math, point); x != nil {
			size := (curve.Bits + 7) / 8
			return &EC{curve, number(x, size), number(y, size)}, nil
		}
		return nil, fmt.Errorf("its point is not on the curve %s", curve.Name)
	}
	return nil, fmt.Errorf("its curve %v is none of prime256v1, secp384r1 and secp521r1", name)
}

func newEC(curve *Curve, k *ecdsa.PublicKey) (PublicKey, error) {
	point, err := k.Bytes() // 4, x, y
	if err != nil {
		return nil, err
	}
	size := len(point) / 2
	return &EC{curve, point[1 : 1+size], point[1+size:]}, nil
}

func rsaPublicKey(der []byte) (PublicKey, error) {
	var k struct{ N, E *big.Int }
	if err := unmarshal(der, &k); err != nil {
		return nil, err
	}
	return newRSA(k.N, k.E)
}

func newRSA(n, e *big.Int) (PublicKey, error) {
	switch {
	case n.Sign() <= 0 || n.Bit(0) == 0:
		return nil, errors.New("its modulus is not an odd positive number")
	case n.BitLen() > maxModulus:
		return nil, fmt.Errorf("its modulus has %d bits, more than %d", n.BitLen(), maxModulus)
	case e.Sign() <= 0:
		return nil, errors.New("its exponent is not positive")
	}
	return &RSA{n, e}, nil
}

// rsaPrivateKey reads the public half of a PKCS #1 private key.
func rsaPrivateKey(der []byte) (PublicKey, error) {
	var k struct {
		Version int
		N, E    *big.Int
	}
	if err := unmarshal(der, &k); err != nil {
		return nil, err
	}
	return newRSA(k.N, k.E)
}

func ecPrivateKey(der []byte) (PublicKey, error) {
	k, err := x509.ParseECPrivateKey(der)
	if err != nil {
		return nil, err
	}
	return fromECDSA(&k.PublicKey)
}

func fromECDSA(k *ecdsa.PublicKey) (PublicKey, error) {
	for c := range curves {
		if curves[c].math == k.Curve {
			return newEC(&curves[c], k)
		}
	}
	return nil, fmt.Errorf("its curve %s is none of prime256v1, secp384r1 and secp521r1", k.Curve.Params().Name)
}

func privateKeyInfo(der []byte) (PublicKey, error) {
	var info struct {
		Version   int
		Algorithm pkix.AlgorithmIdentifier
		Key       []byte
	}
	if err := unmarshal(der, &info); err != nil {
		return nil, err
	}
	if algo := info.Algorithm.Algorithm; algo.Equal(oidRSA) || algo.Equal(oidRSAPSS) {
		return rsaPrivateKey(info.Key)
	}
	k, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return nil, err
	}
	if ec, ok := k.(*ecdsa.PrivateKey); ok {
		return fromECDSA(&ec.PublicKey)
	}
	return nil, errors.New("it is neither RSA nor ECDSA")
}
