// SPDX-License-Identifier: GPL-2.0-or-later

package signer

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"fmt"
	"strings"
)

// AlgoEd25519 is the algorithm of Ed25519 keys, which FITs do not know.
const AlgoEd25519 = "ed25519"

// CheckFor says why a public key cannot be used for an algorithm such as
// "sha256,rsa2048" or, without the checksum, "rsa2048": it is of another kind,
// size or curve. All sizes of RSA here have at least 2048 bits, so that weaker
// keys do not pass. The error tells what to do.
func CheckFor(algo string, pub crypto.PublicKey) error {
	name := algo
	if _, after, ok := strings.Cut(algo, ","); ok {
		name = after
	}
	if name == AlgoEd25519 {
		if _, ok := pub.(ed25519.PublicKey); !ok {
			return mismatch(algo, pub, "an Ed25519 key")
		}
		return nil
	}
	want, err := FindAlgorithm("," + name)
	if err != nil {
		return fmt.Errorf("Unsupported signature algorithm '%s'", algo) //lint:ignore ST1005 wording of the original
	}
	switch pub := pub.(type) {
	case *rsa.PublicKey:
		if !want.EC && pub.N.BitLen() == want.Bytes*8 {
			return nil
		}
	case *ecdsa.PublicKey:
		if want.EC && (pub.Curve.Params().BitSize+7)/8 == want.Bytes {
			return nil
		}
	}
	if want.EC {
		for _, c := range curves {
			if (c.Bits+7)/8 == want.Bytes {
				return mismatch(algo, pub, "an ECDSA key on "+c.Name)
			}
		}
	}
	return mismatch(algo, pub, fmt.Sprintf("an RSA key of %d bits", want.Bytes*8))
}

// mismatch says what key was given instead of what, and which algorithm would
// be right for it.
func mismatch(algo string, pub crypto.PublicKey, want string) error {
	advice := "use such a key"
	if other := AlgorithmOf(pub); other != "" {
		if sum, _, ok := strings.Cut(algo, ","); ok && other != AlgoEd25519 {
			other = sum + "," + other
		}
		advice += fmt.Sprintf(", or the algorithm '%s'", other)
	}
	return fmt.Errorf("%w: algorithm '%s' needs %s, but this one is %s; %s", ErrKey, algo, want, KindOf(pub), advice)
}

// AlgorithmOf returns the name of the algorithm that a key is for, such as
// "rsa2048", or "" if there is none.
func AlgorithmOf(pub crypto.PublicKey) string {
	for _, a := range algorithms {
		switch pub := pub.(type) {
		case *rsa.PublicKey:
			if !a.EC && pub.N.BitLen() == a.Bytes*8 {
				return a.Name
			}
		case *ecdsa.PublicKey:
			if a.EC && (pub.Curve.Params().BitSize+7)/8 == a.Bytes {
				return a.Name
			}
		case ed25519.PublicKey:
			return AlgoEd25519
		}
	}
	return ""
}
