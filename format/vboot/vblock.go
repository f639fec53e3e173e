// SPDX-License-Identifier: GPL-2.0-or-later

package vboot

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"

	"binman/internal/binfmt"
)

var keyblockMagic = []byte("CHROMEOS")

const (
	sigHeader      = 24 // bytes
	keyblockHeader = 112
	preambleHeader = 108

	// What a damaged block can cost, in bytes.
	maxKeyblock = 64 << 10
	maxPreamble = 64 << 10
)

// Keyblock says which key may sign firmware.
type Keyblock struct {
	Flags uint64 // modes in which it counts
	Key   *PublicKey

	bytes []byte // all of it
	sig   signature
	hash  signature
}

// ModeText returns the modes in which the keyblock counts, in words; "" for all.
func (k *Keyblock) ModeText() string {
	if k.Flags == 0 {
		return ""
	}
	var list []string
	for i, name := range [...]string{"!developer", "developer", "!recovery", "recovery", "!minios", "minios"} {
		if k.Flags>>i&1 != 0 {
			list = append(list, name)
		}
	}
	return strings.Join(list, " ")
}

// signature is one, and how much is signed.
type signature struct {
	extent
	signed int64
}

func signatureAt(b []byte, at int64, what string, most int64) (signature, error) {
	e, err := extentAt(b, at, what)
	if err != nil {
		return signature{}, err
	}
	signed := le.Uint64(b[at+16:])
	if signed > uint64(most) {
		return signature{}, fmt.Errorf("%w: the %s is said to be of %#x bytes, and there are %#x", ErrFormat, what, signed, most)
	}
	return signature{e, int64(signed)}, nil
}

// ParseKeyblock reads the keyblock at the start of a file .keyblock or of a block.
func ParseKeyblock(b []byte) (*Keyblock, error) {
	if len(b) < keyblockHeader || !bytes.HasPrefix(b, keyblockMagic) {
		return nil, fmt.Errorf("%w: a keyblock has %d bytes or more and starts with %s", ErrFormat, keyblockHeader, keyblockMagic)
	}
	if major := le.Uint32(b[8:]); major != 2 {
		return nil, fmt.Errorf("%w: a keyblock has version 2, not %d", ErrFormat, major)
	}
	size := le.Uint64(b[16:])
	if size < keyblockHeader || size > uint64(min(len(b), maxKeyblock)) {
		return nil, fmt.Errorf("%w: the keyblock is said to have %#x bytes, and there are %#x", ErrFormat, size, len(b))
	}
	k := &Keyblock{bytes: b[:size], Flags: le.Uint64(b[72:])}
	var errs [3]error
	k.sig, errs[0] = signatureAt(k.bytes, 24, "signature of the keyblock", int64(size))
	k.hash, errs[1] = signatureAt(k.bytes, 48, "hash of the keyblock", int64(size))
	k.Key, errs[2] = publicKeyAt(k.bytes, 80)
	return k, errors.Join(errs[:]...)
}

// Bytes returns the keyblock as it is kept.
func (k *Keyblock) Bytes() []byte { return k.bytes }

// Block is a vblock: a keyblock and a preamble.
type Block struct {
	Keyblock  *Keyblock
	Version   uint64 // of the firmware
	Flags     uint32
	KernelKey *PublicKey

	preamble []byte // all of it
	sig      signature
	body     signature
}

// Detect says whether a block starts there.
func Detect(r io.ReaderAt, size int64) bool {
	_, err := Parse(r, size)
	return err == nil
}

// Parse reads the block at the start of r.
func Parse(r io.ReaderAt, size int64) (*Block, error) {
	src := binfmt.Source{R: r, Size: size}
	if !src.HasAt(keyblockMagic, 0) {
		return nil, fmt.Errorf("%w: it does not start with %s", ErrFormat, keyblockMagic)
	}
	b, err := src.Bytes(0, min(size, maxKeyblock+maxPreamble), "block")
	if err != nil {
		return nil, err
	}
	k, err := ParseKeyblock(b)
	if err != nil {
		return nil, err
	}
	return parsePreamble(k, b[len(k.bytes):], size)
}

func parsePreamble(k *Keyblock, b []byte, most int64) (*Block, error) {
	if len(b) < preambleHeader {
		return nil, fmt.Errorf("%w: there is no preamble behind the keyblock", ErrFormat)
	}
	size := le.Uint64(b)
	if size < preambleHeader || size > uint64(min(len(b), maxPreamble)) {
		return nil, fmt.Errorf("%w: the preamble is said to have %#x bytes, and there are %#x", ErrFormat, size, len(b))
	}
	b = b[:size]
	if major, minor := le.Uint32(b[32:]), le.Uint32(b[36:]); major != 2 || minor < 1 {
		return nil, fmt.Errorf("%w: a preamble has version 2.1, not %d.%d", ErrFormat, major, minor)
	}
	block := &Block{Keyblock: k, preamble: b, Version: le.Uint64(b[40:]), Flags: le.Uint32(b[104:])}
	var errs [3]error
	block.sig, errs[0] = signatureAt(b, 8, "signature of the preamble", int64(size))
	block.body, errs[1] = signatureAt(b, 80, "signature of the firmware", 1<<62)
	block.KernelKey, errs[2] = publicKeyAt(b, 48)
	return block, errors.Join(errs[:]...)
}

// Size returns the size of the block in bytes.
func (b *Block) Size() int64 { return int64(len(b.Keyblock.bytes) + len(b.preamble)) }

// BodySize returns the size in bytes of the firmware that is signed.
func (b *Block) BodySize() int64 { return b.body.signed }

// List returns the parts.
func (b *Block) List() []binfmt.Item {
	n := int64(len(b.Keyblock.bytes))
	kind := "keyblock, key " + short(b.Keyblock.Key)
	if modes := b.Keyblock.ModeText(); modes != "" {
		kind += ", " + modes
	}
	return []binfmt.Item{
		binfmt.Item{Name: "keyblock", Type: kind, Size: n}.With("version", int64(b.Keyblock.Key.Version)).With("key", fmt.Sprintf("%s:%x", b.Keyblock.Key.Algorithm, b.Keyblock.Key.Fingerprint())),
		binfmt.Item{Name: "preamble", Type: fmt.Sprintf("preamble, firmware version %d, kernel key %s", b.Version, short(b.KernelKey)), Offset: n, Size: int64(len(b.preamble))}.
			With("version", int64(b.Version)).With("signatures", []string{fmt.Sprintf("%s:%x", b.Keyblock.Key.Algorithm, b.Keyblock.Key.Fingerprint())}),
	}
}

// short returns the first bytes of the fingerprint of a key.
func short(k *PublicKey) string {
	sum := k.Fingerprint()
	return hex.EncodeToString(sum[:4])
}
