// SPDX-License-Identifier: GPL-2.0-or-later

package mcuboot

import (
	"bytes"
	"crypto"
	"slices"

	"binman/content"
)

// Result is what a check of an image has found.
type Result int

// The results.
const (
	Valid Result = iota
	BadHash
	NoSignature // by the key, or no hash without one
	OtherKey    // the key does not go with the hash of the image
)

// Check says whether the image is whole, and signed with the key, which may be
// nil. It judges as imgtool does: the first hash or signature that is good
// counts. The digest is that of the image, and the signature that found good.
func (im *Image) Check(key crypto.PublicKey) (result Result, digest, sig []byte, err error) {
	var kind KeyKind
	if key != nil {
		if kind, err = KindOf(key); err != nil {
			return 0, nil, nil, err
		}
		if kind.sig == 0 {
			return 0, nil, nil, misuse("A key for %s is for encryption: it signs nothing", kind.Name)
		}
	}
	return im.check(key, kind)
}

func (im *Image) check(key crypto.PublicKey, kind KeyKind) (result Result, digest, sig []byte, err error) {
	signed := im.Signed()
	pure := im.Pure()
	for _, t := range im.TLVs.List {
		switch hash := t.Type.hash(); {
		case hash != 0:
			if key != nil && !slices.Contains(kind.checkHashes(), hash) {
				return OtherKey, nil, nil, nil
			}
			if digest, err = sum(signed, hash); err != nil {
				return 0, nil, nil, err
			}
			if !bytes.Equal(digest, t.Value) {
				return BadHash, digest, nil, nil
			}
			if key == nil {
				return Valid, digest, nil, nil
			}
		case key != nil && t.Type == kind.sig && pure && kind.sig != Ed25519:
			return 0, nil, nil, misuse("The image itself is signed, not its hash: that is with Ed25519, not with a key of %s", kind.Name)
		case key != nil && t.Type == kind.sig:
			s := signature{kind: kind, public: key, pure: pure, value: t.Value}
			good, err := s.verify(signed, digest)
			if err != nil {
				return 0, nil, nil, err
			}
			if good {
				return Valid, digest, t.Value, nil
			}
		}
	}
	return NoSignature, digest, nil, nil
}

// Pure says whether the signature is over the image itself, not over its hash.
func (im *Image) Pure() bool { return im.TLVs.First(SigPure) != nil }

// checkHashes returns the hashes that images may have which are signed with the
// key: more than those that are made.
func (k *KeyKind) checkHashes() []crypto.Hash {
	if k.Short == "ecdsa" {
		return []crypto.Hash{crypto.SHA256, crypto.SHA512}
	}
	return k.hashes
}

// Signed returns what the hash and the signature cover.
func (im *Image) Signed() content.Data { return im.data().Slice(0, im.TLVs.Offset) }

// data returns the image and what follows it.
func (im *Image) data() content.Data {
	if d, ok := im.src.R.(content.Data); ok {
		return d
	}
	return content.File(im.src.R, "image", 0, im.src.Size)
}
