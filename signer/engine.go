// SPDX-License-Identifier: GPL-2.0-or-later

package signer

import (
	"crypto"
	"strings"
)

// EngineURI returns the reference of the key that OpenSSL's engine "pkcs11" uses
// for a hint, as mkimage names it: the object of that name, in what keydir says
// of a token, unless keydir names the object itself.
func EngineURI(keydir, hint string) string {
	keydir = strings.TrimPrefix(keydir, schemePKCS11)
	switch {
	case keydir == "":
		return schemePKCS11 + "object=" + hint + ";type=private"
	case strings.Contains(keydir, "object=") || strings.Contains(keydir, "id="):
		return schemePKCS11 + keydir + ";type=private"
	}
	return schemePKCS11 + keydir + ";object=" + hint + ";type=private"
}

// KeyAt is Key for a hint whose key is at ref, unless the user says that it is
// elsewhere.
func (k *Keyring) KeyAt(hint, ref, algo string) (crypto.Signer, error) {
	if other := k.ref(hint); other != "" {
		ref = other
	}
	s, err := k.open(hint, ref)
	if err != nil {
		return nil, err
	}
	return s, k.suits(s, hint, algo)
}
