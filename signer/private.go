// SPDX-License-Identifier: GPL-2.0-or-later

package signer

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"encoding/asn1"
	"encoding/binary"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"
)

// ErrPassphrase is wrapped by errors about a passphrase that does not open the
// key, and ErrNoPassphrase by those about one that nobody gave.
var (
	ErrPassphrase   = errors.New("wrong passphrase")
	ErrNoPassphrase = errors.New("the key is encrypted and there is no passphrase for it")
)

// maxKeyFile bounds key files, in bytes: keys have some kilobytes.
const maxKeyFile = 1 << 20

// ReadPrivateKey reads a private key out of a file: PEM, of which the first
// block with a private key counts, or DER. The passphrase is asked for when
// the key turns out to be encrypted. The error is ErrNoKey, or wraps ErrKey,
// ErrPassphrase or what passphrase returned.
func ReadPrivateKey(file []byte, passphrase func() ([]byte, error)) (crypto.Signer, error) {
	file, _ = vbootDER(file)
	if len(file) > 0 && file[0] == 0x30 { // an ASN.1 sequence
		return privateDER(file, passphrase)
	}
	var other []string
	for {
		var block *pem.Block
		block, file = pem.Decode(file)
		if block == nil {
			break
		}
		read, ok := privateBlocks[block.Type]
		if !ok {
			other = append(other, block.Type)
			continue
		}
		key, err := readBlock(block, read, passphrase)
		if err != nil {
			return nil, fmt.Errorf("%w: %s: %w", ErrKey, strings.ToLower(block.Type), err)
		}
		return key, nil
	}
	if len(other) > 0 {
		return nil, noPrivateKey("it has no private key, but " + kinds(other))
	}
	return nil, noPrivateKey("it has no private key: it is neither PEM nor DER")
}

// kinds lists labels of PEM blocks, each once, and no more than a line takes.
func kinds(labels []string) string {
	const most, longest = 8, 64
	var list []string
	for _, label := range labels {
		if len(label) > longest {
			label = label[:longest] + "…"
		}
		switch {
		case slices.Contains(list, label):
		case len(list) == most:
			return strings.Join(list, ", ") + ", …"
		default:
			list = append(list, label)
		}
	}
	return strings.Join(list, ", ")
}

// noPrivateKey is an error about a file in which a private key was looked for. It is
// ErrNoKey.
type noPrivateKey string

func (e noPrivateKey) Error() string { return string(e) }

// Is says that it is ErrNoKey.
func (e noPrivateKey) Is(target error) bool { return target == ErrNoKey }

// privateBlocks reads the contents of a PEM block by its label.
var privateBlocks = map[string]func(der []byte) (any, error){
	"RSA PRIVATE KEY": parsePKCS1,
	"EC PRIVATE KEY":  parseSEC1,
	"PRIVATE KEY":     parsePKCS8,
	// Decrypted, it is a PRIVATE KEY.
	"ENCRYPTED PRIVATE KEY": parsePKCS8,
}

// vbootDER returns the DER in a file .vbprivk of Chromium OS, which the number of an
// algorithm (8 bytes, little-endian) stands in front of.
func vbootDER(file []byte) (der []byte, ok bool) {
	const number, most = 8, 18
	if len(file) > number && file[number] == 0x30 && binary.LittleEndian.Uint64(file) < most {
		return file[number:], true
	}
	return file, false
}

func readBlock(block *pem.Block, read func([]byte) (any, error), passphrase func() ([]byte, error)) (crypto.Signer, error) {
	key, err := readPrivateBlock(block, read, passphrase)
	if err != nil {
		return nil, err
	}
	return usable(key)
}

// readPrivateBlock returns a private key of any kind.
func readPrivateBlock(block *pem.Block, read func([]byte) (any, error), passphrase func() ([]byte, error)) (any, error) {
	der := block.Bytes
	encrypted := block.Type == "ENCRYPTED PRIVATE KEY"
	old := block.Headers["DEK-Info"] != ""
	if encrypted || old {
		pass, err := passphrase()
		if err != nil {
			return nil, err
		}
		if encrypted {
			der, err = decryptPKCS8(der, pass)
		} else {
			der, err = decryptPEM(block, pass)
		}
		if err != nil {
			return nil, err
		}
	}
	var whole asn1.RawValue
	if (encrypted || old) && unmarshal(der, &whole) != nil {
		// The padding was right by chance, as it is one time in 256.
		return nil, ErrPassphrase
	}
	return read(der)
}

// decryptPEM undoes OpenSSL's encryption of PEM files (RFC 1421, 4.6). Nobody
// should use it, but key files live long.
func decryptPEM(block *pem.Block, pass []byte) ([]byte, error) {
	der, err := x509.DecryptPEMBlock(block, pass) //lint:ignore SA1019 the only way to read such a file
	if errors.Is(err, x509.IncorrectPasswordError) {
		return nil, ErrPassphrase
	}
	return der, err
}

func privateDER(der []byte, passphrase func() ([]byte, error)) (crypto.Signer, error) {
	var info encryptedKeyInfo
	if unmarshal(der, &info) == nil {
		pass, err := passphrase()
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrKey, err)
		}
		if der, err = decryptPKCS8(der, pass); err != nil {
			return nil, fmt.Errorf("%w: %w", ErrKey, err)
		}
	}
	for _, read := range []string{"PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY"} {
		if key, err := privateBlocks[read](der); err == nil {
			return usable(key)
		}
	}
	return nil, fmt.Errorf("%w: it is DER, but no private key in PKCS #8, PKCS #1 or SEC 1", ErrNoKey)
}

// parsePKCS1 bounds the modulus before crypto/x509 calculates with it.
func parsePKCS1(der []byte) (any, error) {
	if _, err := rsaPrivateKey(der); err != nil {
		return nil, err
	}
	if key := readExponentOne(der); key != nil {
		return key, nil
	}
	key, err := x509.ParsePKCS1PrivateKey(der)
	if err != nil {
		return nil, tidy(err)
	}
	return key, nil
}

func parseSEC1(der []byte) (any, error) {
	key, err := x509.ParseECPrivateKey(der)
	if err != nil {
		return nil, tidy(err)
	}
	return key, nil
}

func parsePKCS8(der []byte) (any, error) {
	var info struct {
		Version   int
		Algorithm struct {
			Algorithm  asn1.ObjectIdentifier
			Parameters asn1.RawValue `asn1:"optional"`
		}
		Key  []byte
		Rest []asn1.RawValue `asn1:"optional,omitempty,tag:0"`
	}
	if _, err := asn1.Unmarshal(der, &info); err == nil && (info.Algorithm.Algorithm.Equal(oidRSA) || info.Algorithm.Algorithm.Equal(oidRSAPSS)) {
		return parsePKCS1(info.Key)
	}
	key, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return nil, tidy(err)
	}
	return key, nil
}

// tidy takes out of an error which package found it, and the names of Go
// functions.
func tidy(err error) error {
	text, _, _ := strings.Cut(err.Error(), " (use ")
	for _, p := range []string{"x509: ", "crypto/rsa: ", "ecdsa: ", "asn1: "} {
		text = strings.TrimPrefix(text, p)
	}
	return errors.New(text)
}

// usable returns the key if it is of a kind that signs.
func usable(key any) (crypto.Signer, error) {
	switch key := key.(type) {
	case *rsa.PrivateKey:
		return key, nil
	case exponentOne:
		return key, nil
	case *ecdsa.PrivateKey:
		_, err := fromECDSA(&key.PublicKey)
		return key, err
	case ed25519.PrivateKey:
		return key, nil
	}
	return nil, errors.New("it is neither RSA nor ECDSA nor Ed25519")
}

// FromCrypto returns a public key as device trees hold them.
func FromCrypto(pub crypto.PublicKey) (PublicKey, error) {
	switch pub := pub.(type) {
	case *rsa.PublicKey:
		return newRSA(pub.N, big.NewInt(int64(pub.E)))
	case *ecdsa.PublicKey:
		return fromECDSA(pub)
	}
	return nil, fmt.Errorf("%w: U-Boot has no place for a key that is %s", ErrKey, KindOf(pub))
}

// KindOf names the kind and size of a public key, for people: "RSA of 2048 bits".
func KindOf(pub crypto.PublicKey) string {
	switch pub := pub.(type) {
	case *rsa.PublicKey:
		return fmt.Sprintf("RSA of %d bits", pub.N.BitLen())
	case *ecdsa.PublicKey:
		return "ECDSA on " + curveName(pub)
	case ed25519.PublicKey:
		return "Ed25519"
	}
	return fmt.Sprintf("of the unknown kind %T", pub)
}

func curveName(pub *ecdsa.PublicKey) string {
	if k, err := fromECDSA(pub); err == nil {
		return k.(*EC).Curve.Name
	}
	return pub.Curve.Params().Name
}
