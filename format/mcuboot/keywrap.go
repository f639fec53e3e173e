// SPDX-License-Identifier: GPL-2.0-or-later

package mcuboot

import (
	"bytes"
	"crypto/aes"
	"encoding/binary"
	"errors"
)

// errWrap says that a key was wrapped with another one.
var errWrap = errors.New("the key was wrapped with another one")

// wrapIV is at the start of what is wrapped (RFC 3394, 2.2.3.1).
const wrapIV = 0xa6a6a6a6a6a6a6a6

// wrapKey encrypts a key with another one (RFC 3394, 2.2.1).
func wrapKey(with, key []byte) ([]byte, error) {
	block, err := aes.NewCipher(with)
	if err != nil {
		return nil, err
	}
	out := append(binary.BigEndian.AppendUint64(nil, wrapIV), key...)
	n := uint64(len(key) / 8)
	var b [16]byte
	for t := uint64(1); t <= 6*n; t++ {
		part := out[8+8*((t-1)%n):][:8]
		copy(b[:], out[:8])
		copy(b[8:], part)
		block.Encrypt(b[:], b[:])
		binary.BigEndian.PutUint64(out, binary.BigEndian.Uint64(b[:8])^t)
		copy(part, b[8:])
	}
	return out, nil
}

// unwrapKey is the reverse of wrapKey.
func unwrapKey(with, wrapped []byte) ([]byte, error) {
	block, err := aes.NewCipher(with)
	if err != nil {
		return nil, err
	}
	if len(wrapped) < 24 || len(wrapped)%8 != 0 {
		return nil, errWrap
	}
	out := bytes.Clone(wrapped)
	n := uint64(len(wrapped)/8 - 1)
	var b [16]byte
	for t := 6 * n; t > 0; t-- {
		part := out[8+8*((t-1)%n):][:8]
		binary.BigEndian.PutUint64(b[:], binary.BigEndian.Uint64(out)^t)
		copy(b[8:], part)
		block.Decrypt(b[:], b[:])
		copy(out, b[:8])
		copy(part, b[8:])
	}
	if binary.BigEndian.Uint64(out) != wrapIV {
		return nil, errWrap
	}
	return out[8:], nil
}
