// SPDX-License-Identifier: GPL-2.0-or-later

//go:build pkcs11

package main

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"strings"

	"github.com/miekg/pkcs11"

	"binman/signer"
)

// publicKey returns the public key as PEM: that of the object beside the
// private key, else, of RSA, what the private key says of it.
func (t *token) publicKey() ([]byte, error) {
	kind, err := t.attribute(t.object, pkcs11.CKA_KEY_TYPE)
	if err != nil {
		return nil, err
	}
	object := t.object
	id, err := t.attribute(t.object, pkcs11.CKA_ID)
	if err != nil {
		return nil, err
	}
	public, err := t.findOne([]*pkcs11.Attribute{
		pkcs11.NewAttribute(pkcs11.CKA_CLASS, pkcs11.CKO_PUBLIC_KEY), pkcs11.NewAttribute(pkcs11.CKA_ID, id)})
	switch {
	case err == nil:
		object = public
	case !errors.Is(err, errNoObject):
		return nil, err
	}
	var key crypto.PublicKey
	switch {
	case isULong(kind, pkcs11.CKK_RSA):
		key, err = t.rsaKey(object)
	case isULong(kind, pkcs11.CKK_EC):
		key, err = t.ecKey(object)
	default:
		return nil, errors.New("the key on the token is neither RSA nor ECDSA")
	}
	if err != nil {
		return nil, fmt.Errorf("the token '%s' does not tell the public key: %w", t.label, err)
	}
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		return nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), nil
}

// isULong compares an attribute with a number, whatever the size of a long is.
func isULong(value []byte, n uint) bool {
	return bytes.Equal(value, pkcs11.NewAttribute(pkcs11.CKA_KEY_TYPE, n).Value)
}

func (t *token) rsaKey(object pkcs11.ObjectHandle) (*rsa.PublicKey, error) {
	n, err := t.attribute(object, pkcs11.CKA_MODULUS)
	if err != nil {
		return nil, err
	}
	e, err := t.attribute(object, pkcs11.CKA_PUBLIC_EXPONENT)
	if err != nil {
		return nil, err
	}
	exponent := new(big.Int).SetBytes(e)
	if exponent.BitLen() > 31 {
		return nil, fmt.Errorf("its exponent has %d bits", exponent.BitLen())
	}
	return &rsa.PublicKey{N: new(big.Int).SetBytes(n), E: int(exponent.Int64())}, nil
}

var curves = map[string]elliptic.Curve{
	"1.2.840.10045.3.1.7": elliptic.P256(),
	"1.3.132.0.34":        elliptic.P384(),
	"1.3.132.0.35":        elliptic.P521(),
}

func (t *token) ecKey(object pkcs11.ObjectHandle) (*ecdsa.PublicKey, error) {
	params, err := t.attribute(object, pkcs11.CKA_EC_PARAMS)
	if err != nil {
		return nil, err
	}
	point, err := t.attribute(object, pkcs11.CKA_EC_POINT)
	if err != nil {
		return nil, err
	}
	var name asn1.ObjectIdentifier
	if _, err := asn1.Unmarshal(params, &name); err != nil {
		return nil, err
	}
	curve := curves[name.String()]
	if curve == nil {
		return nil, fmt.Errorf("its curve is %v", name)
	}
	var octets []byte // some tokens leave out this wrapping
	if rest, err := asn1.Unmarshal(point, &octets); err == nil && len(rest) == 0 {
		point = octets
	}
	return ecdsa.ParseUncompressedPublicKey(curve, point)
}

// hashes has what RSA needs to know of a checksum.
var hashes = map[string]struct {
	oid       asn1.ObjectIdentifier
	hash, mgf uint
}{
	"sha1":   {asn1.ObjectIdentifier{1, 3, 14, 3, 2, 26}, pkcs11.CKM_SHA_1, pkcs11.CKG_MGF1_SHA1},
	"sha224": {asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 4}, pkcs11.CKM_SHA224, pkcs11.CKG_MGF1_SHA224},
	"sha256": {asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 1}, pkcs11.CKM_SHA256, pkcs11.CKG_MGF1_SHA256},
	"sha384": {asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 2}, pkcs11.CKM_SHA384, pkcs11.CKG_MGF1_SHA384},
	"sha512": {asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 3}, pkcs11.CKM_SHA512, pkcs11.CKG_MGF1_SHA512},

	"sha3_384": {asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 9}, pkcs11.CKM_SHA3_384, 0},
}

// sign returns the signature that a request asks for, ECDSA as r‖s.
func (t *token) sign(r *signer.Request) ([]byte, error) {
	i := strings.LastIndexByte(r.Algorithm, '-')
	if i < 0 {
		return nil, fmt.Errorf("the algorithm '%s' is not known", r.Algorithm)
	}
	scheme, name := r.Algorithm[:i], r.Algorithm[i+1:]
	hash, ok := hashes[name]
	if !ok || len(r.Digest) != signer.FindHash(name).Size() {
		return nil, fmt.Errorf("the digest of %d bytes is not one of '%s'", len(r.Digest), r.Algorithm)
	}
	message := r.Digest
	var mechanism *pkcs11.Mechanism
	switch scheme {
	case "rsa-pkcs1v15":
		var info struct {
			Algorithm pkix.AlgorithmIdentifier
			Digest    []byte
		}
		info.Algorithm = pkix.AlgorithmIdentifier{Algorithm: hash.oid, Parameters: asn1.NullRawValue}
		info.Digest = r.Digest
		der, err := asn1.Marshal(info) // a DigestInfo (RFC 8017, 9.2)
		if err != nil {
			return nil, err
		}
		mechanism, message = pkcs11.NewMechanism(pkcs11.CKM_RSA_PKCS, nil), der
	case "rsa-pss":
		if hash.mgf == 0 {
			return nil, fmt.Errorf("RSA-PSS with %s is not known", name)
		}
		mechanism = pkcs11.NewMechanism(pkcs11.CKM_RSA_PKCS_PSS, pkcs11.NewPSSParams(hash.hash, hash.mgf, uint(r.SaltLength)))
	case "ecdsa":
		mechanism = pkcs11.NewMechanism(pkcs11.CKM_ECDSA, nil)
	default:
		return nil, fmt.Errorf("the algorithm '%s' is not known", r.Algorithm)
	}
	if err := t.ctx.SignInit(t.session, []*pkcs11.Mechanism{mechanism}, t.object); err != nil {
		return nil, err
	}
	if always, err := t.attribute(t.object, pkcs11.CKA_ALWAYS_AUTHENTICATE); err == nil && len(always) == 1 && always[0] != 0 {
		if err := t.ctx.Login(t.session, pkcs11.CKU_CONTEXT_SPECIFIC, t.pin); err != nil {
			return nil, fmt.Errorf("the key asks for the PIN at each signature: %w", err)
		}
	}
	return t.ctx.Sign(t.session, message)
}
