// SPDX-License-Identifier: GPL-2.0-or-later

package ticert

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/x509"
	"encoding/asn1"
	"fmt"
)

// keptBody is what a certificate says of itself (RFC 5280, section 4.1), each part as it is
// written.
type keptBody struct {
	Version, Serial, Algorithm, Issuer, Validity, Subject, Key, Extensions asn1.RawValue
}

// Resign returns a certificate signed anew: with the key and what follows from it in
// its place, and every other byte as it was. The same key gives the same bytes, if its
// signatures are always the same.
func Resign(der []byte, key crypto.Signer) ([]byte, error) {
	var cert certificate
	if rest, err := asn1.Unmarshal(der, &cert); err != nil || len(rest) > 0 {
		return nil, ErrNone
	}
	var b keptBody
	if rest, err := asn1.Unmarshal(cert.Body.FullBytes, &b); err != nil || len(rest) > 0 {
		return nil, fmt.Errorf("%w that can be signed again", ErrNone)
	}
	spki, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		return nil, err
	}
	algo, ok := algorithmFor(key.Public())
	if !ok {
		return nil, fmt.Errorf("the key is neither RSA nor ECDSA but a %T", key.Public())
	}
	if old, known := algorithmOf(cert.Algorithm.Algorithm); known && old.ec == algo.ec {
		algo = old // also if the usual hash is another one
	} else {
		cert.Algorithm = algo.identifier()
		if b.Algorithm.FullBytes, err = asn1.Marshal(cert.Algorithm); err != nil {
			return nil, err
		}
	}
	if err := b.setKey(spki); err != nil {
		return nil, err
	}
	signed, err := asn1.Marshal(b)
	if err != nil {
		return nil, err
	}
	h := algo.hash.New()
	h.Write(signed)
	sig, err := key.Sign(rand.Reader, h.Sum(nil), algo.hash)
	if err != nil {
		return nil, err
	}
	return asn1.Marshal(certificate{asn1.RawValue{FullBytes: signed}, cert.Algorithm, asn1.BitString{Bytes: sig, BitLength: 8 * len(sig)}})
}

// setKey puts a key in the place of the old one, also where extensions identify it.
func (b *keptBody) setKey(spki []byte) error {
	old, err := keyID(b.Key.FullBytes)
	if err != nil {
		return err
	}
	id, err := keyID(spki)
	if err != nil {
		return err
	}
	// An identifier is written with other tags too; the bytes behind tag and length count.
	b.Key = asn1.RawValue{FullBytes: spki}
	b.Extensions = asn1.RawValue{FullBytes: bytes.ReplaceAll(b.Extensions.FullBytes, old[2:], id[2:])}
	return nil
}

func algorithmOf(oid asn1.ObjectIdentifier) (algorithm, bool) {
	for _, a := range algorithms() {
		if a.oid.Equal(oid) {
			return a, true
		}
	}
	return algorithm{}, false
}
