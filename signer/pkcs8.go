// SPDX-License-Identifier: GPL-2.0-or-later

package signer

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/des"
	"crypto/pbkdf2"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"
	"hash"
)

// encryptedKeyInfo is an EncryptedPrivateKeyInfo (RFC 5958, 3):
//
//	SEQUENCE {
//	  encryptionAlgorithm  AlgorithmIdentifier   PBES2 here
//	  encryptedData        OCTET STRING          a PrivateKeyInfo
//	}
type encryptedKeyInfo struct {
	Algorithm pkix.AlgorithmIdentifier
	Data      []byte
}

// pbes2 are the parameters of PBES2 (RFC 8018, A.4).
type pbes2 struct {
	KDF, Cipher pkix.AlgorithmIdentifier
}

// pbkdf2Params are those of PBKDF2 (RFC 8018, A.2). The salt may be something
// else than an octet string, which nobody has seen.
type pbkdf2Params struct {
	Salt       []byte
	Iterations int
	KeyLength  int                      `asn1:"optional"`
	PRF        pkix.AlgorithmIdentifier `asn1:"optional"`
}

// maxIterations bounds the work that a key file can ask for: some seconds.
const maxIterations = 10_000_000

var (
	oidPBES2  = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 13}
	oidPBKDF2 = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 12}
)

// prfs are the functions of PBKDF2 by their identifier. One that is absent is
// HMAC with SHA-1.
var prfs = map[string]func() hash.Hash{
	"":                    sha1.New,
	"1.2.840.113549.2.7":  sha1.New,
	"1.2.840.113549.2.8":  sha256.New224,
	"1.2.840.113549.2.9":  sha256.New,
	"1.2.840.113549.2.10": sha512.New384,
	"1.2.840.113549.2.11": sha512.New,
}

// ciphers are block ciphers in CBC by their identifier.
var ciphers = map[string]struct {
	keySize int // bytes
	make    func(key []byte) (cipher.Block, error)
}{
	"2.16.840.1.101.3.4.1.2":  {16, aes.NewCipher},
	"2.16.840.1.101.3.4.1.22": {24, aes.NewCipher},
	"2.16.840.1.101.3.4.1.42": {32, aes.NewCipher},
	"1.2.840.113549.3.7":      {24, des.NewTripleDESCipher},
}

// errConvert says what to do with encryption that is not read.
var errConvert = errors.New("only PBES2 with PBKDF2 and AES or 3DES in CBC is read; convert the key with 'openssl pkcs8 -topk8 -v2 aes256'")

// decryptPKCS8 returns the private key in an encrypted PKCS #8 file.
func decryptPKCS8(der, pass []byte) ([]byte, error) {
	var info encryptedKeyInfo
	if err := unmarshal(der, &info); err != nil {
		return nil, err
	}
	var scheme pbes2
	if !info.Algorithm.Algorithm.Equal(oidPBES2) {
		return nil, fmt.Errorf("its encryption is %v: %w", info.Algorithm.Algorithm, errConvert)
	}
	if err := unmarshal(info.Algorithm.Parameters.FullBytes, &scheme); err != nil {
		return nil, err
	}
	if !scheme.KDF.Algorithm.Equal(oidPBKDF2) {
		return nil, fmt.Errorf("its key is derived by %v: %w", scheme.KDF.Algorithm, errConvert)
	}
	var kdf pbkdf2Params
	if err := unmarshal(scheme.KDF.Parameters.FullBytes, &kdf); err != nil {
		return nil, err
	}
	prf, c := prfs[kdf.PRF.Algorithm.String()], ciphers[scheme.Cipher.Algorithm.String()]
	switch {
	case prf == nil:
		return nil, fmt.Errorf("its key is derived with %v: %w", kdf.PRF.Algorithm, errConvert)
	case c.make == nil:
		return nil, fmt.Errorf("its cipher is %v: %w", scheme.Cipher.Algorithm, errConvert)
	case kdf.Iterations < 1 || kdf.Iterations > maxIterations:
		return nil, fmt.Errorf("its passphrase is hashed %d times, which is not between 1 and %d", kdf.Iterations, maxIterations)
	case kdf.KeyLength != 0 && kdf.KeyLength != c.keySize:
		return nil, fmt.Errorf("it asks for a key of %d bytes, its cipher for %d", kdf.KeyLength, c.keySize)
	}
	var iv []byte
	if err := unmarshal(scheme.Cipher.Parameters.FullBytes, &iv); err != nil {
		return nil, err
	}
	key, err := pbkdf2.Key(prf, string(pass), kdf.Salt, kdf.Iterations, c.keySize)
	if err != nil {
		return nil, err
	}
	block, err := c.make(key)
	if err != nil {
		return nil, err
	}
	return unpad(block, iv, info.Data)
}

// unpad decrypts data and takes off the padding of PKCS #7.
func unpad(block cipher.Block, iv, data []byte) ([]byte, error) {
	size := block.BlockSize()
	if len(iv) != size || len(data) == 0 || len(data)%size != 0 {
		return nil, fmt.Errorf("it has %d encrypted bytes and an initialisation vector of %d, for blocks of %d", len(data), len(iv), size)
	}
	out := make([]byte, len(data))
	cipher.NewCBCDecrypter(block, iv).CryptBlocks(out, data)
	n := int(out[len(out)-1])
	if n == 0 || n > size {
		return nil, ErrPassphrase
	}
	for _, b := range out[len(out)-n:] {
		if int(b) != n {
			return nil, ErrPassphrase
		}
	}
	return out[:len(out)-n], nil
}
