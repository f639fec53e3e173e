// SPDX-License-Identifier: GPL-2.0-or-later

package sign

import (
	"crypto/aes"
	"crypto/cipher"
	"fmt"
)

// Key sizes of the ciphers in bytes.
var cipherKeys = map[string]int{"aes128": 16, "aes192": 24, "aes256": 32}

// IVSize is the size of an initialisation vector in bytes.
const IVSize = aes.BlockSize

// CipherKeySize returns the size in bytes of the key of a cipher, such as
// "aes256".
func CipherKeySize(algo string) (int, error) {
	n := cipherKeys[algo]
	if n == 0 {
		return 0, fmt.Errorf("unsupported cipher algorithm '%s'", algo)
	}
	return n, nil
}

// Encrypt returns data encrypted by AES in CBC mode, filled up to a block as by
// PKCS #7.
func Encrypt(data, key, iv []byte) ([]byte, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	if len(iv) != IVSize {
		return nil, fmt.Errorf("the initialisation vector has %d bytes, not %d", len(iv), IVSize)
	}
	pad := IVSize - len(data)%IVSize
	out := make([]byte, len(data)+pad)
	copy(out, data)
	for i := len(data); i < len(out); i++ {
		out[i] = byte(pad)
	}
	cipher.NewCBCEncrypter(block, iv).CryptBlocks(out, out)
	return out, nil
}

// Decrypt undoes Encrypt.
func Decrypt(data, key, iv []byte) ([]byte, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	if len(iv) != IVSize || len(data) == 0 || len(data)%IVSize != 0 {
		return nil, fmt.Errorf("%d bytes with a vector of %d are nothing that was encrypted in blocks of %d", len(data), len(iv), IVSize)
	}
	out := make([]byte, len(data))
	cipher.NewCBCDecrypter(block, iv).CryptBlocks(out, data)
	pad := int(out[len(out)-1])
	if pad == 0 || pad > IVSize {
		return nil, fmt.Errorf("the key or the vector is another one")
	}
	return out[:len(out)-pad], nil
}
