// SPDX-License-Identifier: GPL-2.0-or-later

package signer

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"fmt"
)

// What OpenSSL encrypts keys with unless told otherwise.
const (
	newIterations = 2048
	newSaltSize   = 8
)

var (
	oidHMACSHA256 = asn1.ObjectIdentifier{1, 2, 840, 113549, 2, 9}
	oidAES256CBC  = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 1, 42}
)

// MarshalPrivateKey returns a private key as a PEM file in PKCS #8, encrypted if
// there is a passphrase (nil: there is none).
func MarshalPrivateKey(key any, pass []byte) ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	label := "PRIVATE KEY"
	if pass != nil {
		label = "ENCRYPTED PRIVATE KEY"
		if der, err = encryptPKCS8(der, pass); err != nil {
			return nil, err
		}
	}
	return pem.EncodeToMemory(&pem.Block{Type: label, Bytes: der}), nil
}

// encryptPKCS8 is the reverse of decryptPKCS8.
func encryptPKCS8(der, pass []byte) ([]byte, error) {
	salt, iv := make([]byte, newSaltSize), make([]byte, aes.BlockSize)
	rand.Read(salt) // never fails
	rand.Read(iv)
	key, err := pbkdf2.Key(sha256.New, string(pass), salt, newIterations, 32)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	n := aes.BlockSize - len(der)%aes.BlockSize
	data := append(der[:len(der):len(der)], bytes.Repeat([]byte{byte(n)}, n)...)
	cipher.NewCBCEncrypter(block, iv).CryptBlocks(data, data)

	prf := pkix.AlgorithmIdentifier{Algorithm: oidHMACSHA256, Parameters: asn1.NullRawValue}
	var scheme pbes2
	if scheme.KDF, err = algorithm(oidPBKDF2, pbkdf2Params{Salt: salt, Iterations: newIterations, PRF: prf}); err != nil {
		return nil, err
	}
	if scheme.Cipher, err = algorithm(oidAES256CBC, iv); err != nil {
		return nil, err
	}
	info := encryptedKeyInfo{Data: data}
	if info.Algorithm, err = algorithm(oidPBES2, scheme); err != nil {
		return nil, err
	}
	return asn1.Marshal(info)
}

// algorithm returns the identifier of an algorithm with its parameters.
func algorithm(oid asn1.ObjectIdentifier, parameters any) (pkix.AlgorithmIdentifier, error) {
	der, err := asn1.Marshal(parameters)
	return pkix.AlgorithmIdentifier{Algorithm: oid, Parameters: asn1.RawValue{FullBytes: der}}, err
}

// NewPassphrase returns a passphrase for a new key: from where Open would take it,
// or from whoever sits at the terminal, who has to type it twice. Each time that
// the two differ, again is called.
func NewPassphrase(o Options, again func()) ([]byte, error) {
	ask := o.Prompt
	o.Prompt = nil
	pass, err := o.secret("", EnvPassphrase)
	for ask != nil && errors.Is(err, ErrNoPassphrase) {
		var second []byte
		if pass, err = ask("Enter key passphrase: "); err != nil {
			return nil, err
		}
		if second, err = ask("Reenter passphrase: "); err != nil {
			return nil, err
		}
		if bytes.Equal(pass, second) {
			break
		}
		again()
		err = ErrNoPassphrase
	}
	if err == nil && len(pass) == 0 {
		err = fmt.Errorf("an empty passphrase protects nothing: %w", ErrPassphrase)
	}
	return pass, err
}
