// SPDX-License-Identifier: GPL-2.0-or-later

package mcuboot

import (
	"crypto"

	"binman/content"
	"binman/signer"
)

// signature is a signature with the key that is said to have made it.
type signature struct {
	kind   KeyKind
	public crypto.PublicKey
	pure   bool
	value  []byte
}

// verify says whether the key has made the signature. The digest is that of the
// image, by the hash that the image has.
func (s *signature) verify(signed content.Data, digest []byte) (bool, error) {
	opts := s.kind.signOptions()
	message, err := digest, error(nil)
	switch hash := opts.HashFunc(); {
	case hash != 0: // of the key, whatever that of the image is
		message, err = sum(signed, hash)
	case s.pure:
		message, err = signed.Bytes()
	}
	if err != nil {
		return false, err
	}
	pub := signer.Public{Key: s.public}
	return pub.Verify(message, s.unpadded(), opts) == nil, nil
}

// unpadded returns the signature without the zeros that make ECDSA's one of fixed
// size.
func (s *signature) unpadded() []byte {
	if v := s.value; s.kind.sig == ECDSASig && len(v) > 2 && int(v[1])+2 < len(v) {
		return v[:int(v[1])+2]
	}
	return s.value
}
