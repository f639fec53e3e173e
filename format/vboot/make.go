// SPDX-License-Identifier: GPL-2.0-or-later

package vboot

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"fmt"

	"binman/content"
)

// ErrOtherKey says that the private key is not that of the keyblock: no machine would
// start what it signs.
var ErrOtherKey = errors.New("the private key is not the one whose public key is in the keyblock")

// Firmware says what to sign.
type Firmware struct {
	Keyblock  *Keyblock
	Version   uint64
	Flags     uint32
	KernelKey *PublicKey
	Body      content.Data
}

// Sign makes a block for the firmware with the key of its keyblock.
func (f *Firmware) Sign(key crypto.Signer) ([]byte, error) {
	public := f.Keyblock.Key
	if p, ok := key.Public().(*rsa.PublicKey); !ok || p.N.Cmp(public.modulus()) != 0 || p.E != public.Algorithm.Exponent() {
		return nil, ErrOtherKey
	}
	hash := public.Algorithm.Hash()
	sig := int64(public.Algorithm.Bits() / 8)
	kernel := int64(len(f.KernelKey.data))
	signed := preambleHeader + kernel + sig // what the signature of the preamble is about
	b := make([]byte, signed+sig)

	le.PutUint64(b, uint64(len(b)))
	putSignature(b[8:], signed-8, sig, signed)
	le.PutUint32(b[32:], 2)
	le.PutUint32(b[36:], 1)
	le.PutUint64(b[40:], f.Version)
	f.KernelKey.put(b[48:], preambleHeader-48)
	putSignature(b[80:], preambleHeader+kernel-80, sig, f.Body.Len())
	le.PutUint32(b[104:], f.Flags)
	copy(b[preambleHeader:], f.KernelKey.data)

	h := hash.New()
	if err := f.Body.Hash(h); err != nil {
		return nil, err
	}
	if err := signInto(b[preambleHeader+kernel:signed], key, hash, h.Sum(nil)); err != nil {
		return nil, fmt.Errorf("signing the firmware: %w", err)
	}
	if err := signInto(b[signed:], key, hash, sumOf(hash, b[:signed])); err != nil {
		return nil, fmt.Errorf("signing the preamble: %w", err)
	}
	return append(append([]byte(nil), f.Keyblock.bytes...), b...), nil
}

func signInto(b []byte, key crypto.Signer, hash crypto.Hash, digest []byte) error {
	sig, err := key.Sign(rand.Reader, digest, hash)
	if err != nil {
		return err
	}
	if len(sig) != len(b) {
		return fmt.Errorf("the signature has %d bytes, not %d", len(sig), len(b))
	}
	copy(b, sig)
	return nil
}

func putSignature(b []byte, offset, size, signed int64) {
	le.PutUint64(b, uint64(offset))
	le.PutUint64(b[8:], uint64(size))
	le.PutUint64(b[16:], uint64(signed))
}

// Firmware returns what a block says of the firmware, with another body.
func (b *Block) Firmware(body content.Data) *Firmware {
	return &Firmware{Keyblock: b.Keyblock, Version: b.Version, Flags: b.Flags, KernelKey: b.KernelKey, Body: body}
}
