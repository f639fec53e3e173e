// SPDX-License-Identifier: GPL-2.0-or-later

package signer

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"

	"binman/format/vboot"
)

// ErrSignature says that a signature was not made by the key over the data.
var ErrSignature = errors.New("wrong signature")

// Public is a public key with a name.
type Public struct {
	Name string           // the hint under which it was looked for, or its reference
	Key  crypto.PublicKey // *rsa.PublicKey, *ecdsa.PublicKey or ed25519.PublicKey
}

// Verify checks a signature over a digest in the form that [Signer.Sign] makes.
// The error wraps ErrSignature.
func (p *Public) Verify(digest, sig []byte, opts crypto.SignerOpts) error {
	good := false
	switch key := p.Key.(type) {
	case *rsa.PublicKey:
		if pss, ok := opts.(*rsa.PSSOptions); ok {
			good = rsa.VerifyPSS(key, pss.HashFunc(), digest, sig, pss) == nil
		} else {
			good = rsa.VerifyPKCS1v15(key, opts.HashFunc(), digest, sig) == nil
		}
	case *ecdsa.PublicKey:
		good = ecdsa.VerifyASN1(key, digest, sig)
	case ed25519.PublicKey:
		good = ed25519.Verify(key, digest, sig)
	}
	if !good {
		return ErrSignature
	}
	return nil
}

// OpenPublic returns the public key that a reference leads to. Beside those of
// [Open], whose public half is returned, that is a file with a public key or a
// certificate, in PEM or DER. No passphrase is asked for.
func OpenPublic(name, ref string, o Options) (*Public, error) {
	if name == "" {
		name = ref
	}
	if strings.HasPrefix(ref, schemeExec) || strings.HasPrefix(ref, schemePKCS11) {
		s, err := Open(name, ref, o)
		if err != nil {
			return nil, err
		}
		return s.Verifier(), nil
	}
	path := strings.TrimPrefix(ref, schemeFile)
	file, err := o.read(path)
	if err != nil {
		return nil, fmt.Errorf("cannot use key '%s': %w", name, err)
	}
	key, err := ReadVerifyKey(file)
	if err != nil {
		return nil, fmt.Errorf("cannot use key '%s': '%s': %w", name, path, err)
	}
	return &Public{Name: name, Key: key}, nil
}

// ReadVerifyKey reads a public key as [ReadPublicKey] does, and beyond that
// Ed25519 keys, DER, and the files .vbpubk and .vbprivk of Chromium OS. The error
// wraps ErrNoKey or ErrKey.
func ReadVerifyKey(file []byte) (crypto.PublicKey, error) {
	if key, err := vboot.ParsePublicKey(file); err == nil {
		return key.RSA(), nil
	}
	file, _ = vbootDER(file)
	if len(file) > 0 && file[0] == 0x30 {
		for _, label := range []string{"PUBLIC KEY", "CERTIFICATE", "RSA PUBLIC KEY", "PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY"} {
			key, err := ReadVerifyKey(pem.EncodeToMemory(&pem.Block{Type: label, Bytes: file}))
			if err == nil {
				return key, nil
			}
		}
		return nil, fmt.Errorf("%w: it is DER, but no key and no certificate", ErrNoKey)
	}
	key, err := ReadPublicKey(file)
	if err == nil {
		return toCrypto(key)
	}
	for block, rest := pem.Decode(file); block != nil; block, rest = pem.Decode(rest) {
		if readers[block.Type] == nil {
			continue
		}
		if key := readEd25519(block); key != nil {
			return key, nil
		}
		break // the first key counts
	}
	return nil, err
}

// readEd25519 returns nil if there is no such key.
func readEd25519(block *pem.Block) crypto.PublicKey {
	if key, err := x509.ParsePKIXPublicKey(block.Bytes); err == nil {
		if key, ok := key.(ed25519.PublicKey); ok {
			return key
		}
	}
	if key, err := x509.ParsePKCS8PrivateKey(block.Bytes); err == nil {
		if key, ok := key.(ed25519.PrivateKey); ok {
			return key.Public()
		}
	}
	if cert, err := x509.ParseCertificate(block.Bytes); err == nil {
		if key, ok := cert.PublicKey.(ed25519.PublicKey); ok {
			return key
		}
	}
	return nil
}

func toCrypto(key PublicKey) (crypto.PublicKey, error) {
	switch key := key.(type) {
	case *RSA:
		if key.E.BitLen() > 31 {
			return nil, fmt.Errorf("%w: its exponent has %d bits; no more than 31 can be verified", ErrKey, key.E.BitLen())
		}
		return &rsa.PublicKey{N: key.N, E: int(key.E.Int64())}, nil
	case *EC:
		point := append([]byte{4}, key.X...)
		return ecdsa.ParseUncompressedPublicKey(key.Curve.math, append(point, key.Y...))
	}
	return nil, ErrKey
}
