// SPDX-License-Identifier: GPL-2.0-or-later

package signer

import (
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"strings"
)

// Certificate returns the certificate that a reference leads to: a file, PEM or DER, or
// what a program or a token has, see [Open].
func Certificate(ref string, o Options) (*x509.Certificate, error) {
	text, err := certificate(ref, &o)
	if err == nil {
		var cert *x509.Certificate
		if cert, err = ParseCertificate(text); err == nil {
			return cert, nil
		}
	}
	return nil, fmt.Errorf("cannot use certificate '%s': %w", Redact(ref), err)
}

func certificate(ref string, o *Options) ([]byte, error) {
	p, err := connect(ref, ref, o)
	if err != nil {
		return nil, err
	}
	if p != nil {
		return p.ask(&Request{Operation: OpCertificate})
	}
	return o.read(strings.TrimPrefix(ref, schemeFile))
}

// ParseCertificate reads a certificate, the first one of a PEM file, or in DER.
func ParseCertificate(text []byte) (*x509.Certificate, error) {
	if block, _ := pem.Decode(text); block != nil {
		text = block.Bytes
	}
	cert, err := x509.ParseCertificate(text)
	if err != nil {
		return nil, fmt.Errorf("it is no certificate: %w", err)
	}
	return cert, nil
}

// Certificate is the function of that name with the options of the keyring.
func (k *Keyring) Certificate(ref string) (*x509.Certificate, error) { return Certificate(ref, k.opts) }
