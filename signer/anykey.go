// SPDX-License-Identifier: GPL-2.0-or-later

package signer

import (
	"crypto"
	"crypto/ecdh"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"strings"
)

// ReadKeyFile returns the key in a PEM file, whatever it is for: a private key
// (*rsa.PrivateKey, *ecdsa.PrivateKey, ed25519.PrivateKey, or *ecdh.PrivateKey, with
// which others encrypt to its owner), or a public key, if there is no private
// one. The passphrase of an encrypted key is asked for with the question, which
// may be "".
func ReadKeyFile(path, question string, o Options) (any, error) {
	file, err := o.read(path)
	if err != nil {
		return nil, fmt.Errorf("cannot use key '%s': %w", path, err)
	}
	if question == "" {
		question = fmt.Sprintf("Passphrase of %s: ", path)
	}
	if len(file) > 0 && file[0] == 0x30 {
		return nil, fmt.Errorf("cannot use key '%s': it is DER; 'openssl pkey -inform DER' makes PEM of it", path)
	}
	key, err := readKey(file, func() ([]byte, error) { return o.secret(question, EnvPassphrase) })
	if err != nil {
		return nil, fmt.Errorf("cannot use key '%s': %w", path, err)
	}
	return key, nil
}

// readKey returns the first private key of a file, or the first public one.
func readKey(file []byte, passphrase func() ([]byte, error)) (any, error) {
	for block, rest := pem.Decode(file); block != nil; block, rest = pem.Decode(rest) {
		read, ok := privateBlocks[block.Type]
		if !ok {
			continue
		}
		key, err := readPrivateBlock(block, read, passphrase)
		if err != nil {
			return nil, fmt.Errorf("%w: %s: %w", ErrKey, strings.ToLower(block.Type), err)
		}
		return known(key)
	}
	if block, _ := pem.Decode(file); block != nil && block.Type == "PUBLIC KEY" {
		if key, err := x509.ParsePKIXPublicKey(block.Bytes); err == nil {
			if key, ok := key.(*ecdh.PublicKey); ok {
				return key, nil
			}
		}
	}
	return ReadVerifyKey(file)
}

// known returns a private key that is of use.
func known(key any) (any, error) {
	if key, ok := key.(*ecdh.PrivateKey); ok {
		return key, nil
	}
	return usable(key)
}

// New returns a private key that has been read already, as Open would.
func New(name string, key crypto.Signer, o Options) (*Signer, error) {
	if ProvesNothing(key.Public()) {
		return nil, fmt.Errorf("cannot use key '%s': %w", Redact(name), errExponentOne)
	}
	return &Signer{Name: Redact(name), Ref: name, key: key, reproducible: o.Reproducible}, nil
}

// PublicOf returns the public key of a key that ReadKeyFile has returned, and
// whether that is a private one.
func PublicOf(key any) (pub crypto.PublicKey, private bool) {
	switch key := key.(type) {
	case *ecdh.PrivateKey:
		return key.PublicKey(), true
	case crypto.Signer:
		return key.Public(), true
	}
	return key, false
}
