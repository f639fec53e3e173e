// SPDX-License-Identifier: GPL-2.0-or-later

package signer

import (
	"crypto"
	"crypto/rsa"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"
	"io"
	"math/big"
)

// AlgoCertificate is what [Keyring.Signer] is asked for by those who put the
// public key beside the signature. Such a key may be of any size, and may even be
// RSA with the exponent 1, which all others are refused: what it signs proves
// nothing. TI's K3 devices that check no signature want a certificate all the
// same, and U-Boot has such a key for them.
const AlgoCertificate = "certificate"

// errExponentOne says why a key is refused.
var errExponentOne = errors.New("its public exponent is 1, so that everybody can sign with it")

// exponentOne is an RSA key whose exponents are both 1. Go's crypto/rsa takes
// none.
type exponentOne struct{ n *big.Int }

// Public returns the public key.
func (k exponentOne) Public() crypto.PublicKey { return &rsa.PublicKey{N: k.n, E: 1} }

// Sign returns the padded digest raised to the power of 1.
func (k exponentOne) Sign(_ io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	if _, ok := opts.(*rsa.PSSOptions); ok {
		return nil, errExponentOne
	}
	padded, err := PadPKCS1(opts.HashFunc(), digest, (k.n.BitLen()+7)/8)
	if err != nil {
		return nil, err
	}
	m := new(big.Int).SetBytes(padded)
	return number(m.Exp(m, big.NewInt(1), k.n), len(padded)), nil
}

// hashOIDs are the numbers of the hashes that PadPKCS1 knows.
var hashOIDs = map[crypto.Hash]asn1.ObjectIdentifier{
	crypto.SHA256: {2, 16, 840, 1, 101, 3, 4, 2, 1}, crypto.SHA384: {2, 16, 840, 1, 101, 3, 4, 2, 2}, crypto.SHA512: {2, 16, 840, 1, 101, 3, 4, 2, 3},
}

// PadPKCS1 returns a digest padded to so many bytes as EMSA-PKCS1-v1_5 says
// (RFC 8017, section 9.2).
func PadPKCS1(hash crypto.Hash, digest []byte, size int) ([]byte, error) {
	oid, ok := hashOIDs[hash]
	if !ok {
		return nil, fmt.Errorf("%w: %v cannot be signed with it", ErrKey, hash)
	}
	info, err := asn1.Marshal(struct {
		Algorithm pkix.AlgorithmIdentifier
		Digest    []byte
	}{pkix.AlgorithmIdentifier{Algorithm: oid, Parameters: asn1.NullRawValue}, digest})
	if err != nil {
		return nil, err
	}
	if size < len(info)+11 {
		return nil, fmt.Errorf("%w: a key of %d bytes is too small to sign with", ErrKey, size)
	}
	b := make([]byte, size)
	for i := range b {
		b[i] = 0xff
	}
	b[0], b[1], b[size-len(info)-1] = 0, 1, 0
	copy(b[size-len(info):], info)
	return b, nil
}

// readExponentOne returns the key if the exponents of an RSA key are 1, or nil.
func readExponentOne(der []byte) crypto.Signer {
	var k struct {
		Version int
		N, E, D *big.Int
	}
	if _, err := asn1.Unmarshal(der, &k); err != nil || !isOne(k.E) || !isOne(k.D) {
		return nil
	}
	return exponentOne{k.N}
}

func isOne(n *big.Int) bool { return n.IsInt64() && n.Int64() == 1 }

// ProvesNothing says whether everybody can sign with the key.
func ProvesNothing(pub crypto.PublicKey) bool {
	key, ok := pub.(*rsa.PublicKey)
	return ok && key.E == 1
}
