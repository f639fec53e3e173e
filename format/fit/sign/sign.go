// SPDX-License-Identifier: GPL-2.0-or-later

// Package sign makes and checks what protects a FIT: the signatures of its
// images and configurations, and the encryption of images. It knows device tree
// nodes and bytes; package fit puts the two together.
//
// A node whose name starts with "signature" below an image signs the data of
// the image. Below a configuration it signs parts of the device tree, see
// [Message]. What is written into such a node, as mkimage does:
//
//	value           the signature: RSA as it is, ECDSA as r and s, each big-endian in as
//	                many bytes as the order of the curve has
//	signer-name     "mkimage"
//	signer-version  string
//	timestamp       cell: seconds since 1970
//	hashed-nodes    paths of the nodes that were signed; of configurations only
//	hashed-strings  two cells: 0, and how many bytes of the strings block were signed
//
// Sources: doc/usage/fit/signature.rst, tools/image-host.c and
// boot/image-fit-sig.c of U-Boot 2026.10.
package sign

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"
	_ "crypto/sha1" // of old FITs
	_ "crypto/sha256"
	_ "crypto/sha512"
	"encoding/asn1"
	"errors"
	"fmt"
	"math/big"
	"strings"

	"binman/signer"
)

// The paddings of RSA signatures.
const (
	PKCS = "pkcs-1.5"
	PSS  = "pss"
)

var hashes = map[string]crypto.Hash{
	"sha1": crypto.SHA1, "sha256": crypto.SHA256, "sha384": crypto.SHA384, "sha512": crypto.SHA512,
}

// ErrSignature says that a signature is not one of the data by the key.
var ErrSignature = errors.New("the signature does not match")

// Algorithm is how a signature is made.
type Algorithm struct {
	Name string      // such as "sha256,rsa2048"
	Hash crypto.Hash // of what is signed
	EC   bool        // ECDSA instead of RSA
	Size int         // of the RSA key, or of a coordinate, in bytes
	PSS  bool        // of RSA: padding by PSS instead of PKCS#1 v1.5
}

// ParseAlgorithm returns the algorithm with a name such as "sha256,rsa2048" and
// a padding: PKCS, PSS or "" for PKCS.
func ParseAlgorithm(name, padding string) (Algorithm, error) {
	sum, _, _ := strings.Cut(name, ",")
	known, err := signer.FindAlgorithm(name)
	if err != nil || hashes[sum] == 0 {
		return Algorithm{}, fmt.Errorf("unsupported signature algorithm '%s'", name)
	}
	if padding != "" && padding != PKCS && padding != PSS {
		return Algorithm{}, fmt.Errorf("unknown padding '%s': there are '%s' and '%s'", padding, PKCS, PSS)
	}
	return Algorithm{Name: name, Hash: hashes[sum], EC: known.EC, Size: known.Bytes, PSS: padding == PSS}, nil
}

// SigSize returns the size of a signature in bytes.
func (a Algorithm) SigSize() int {
	if a.EC {
		return 2 * a.Size
	}
	return a.Size
}

// opts returns the options to sign with. The salt of PSS is as long as the hash.
func (a Algorithm) opts() crypto.SignerOpts {
	if a.PSS && !a.EC {
		return &rsa.PSSOptions{Hash: a.Hash, SaltLength: rsa.PSSSaltLengthEqualsHash}
	}
	return a.Hash
}

// Sign signs a digest. The random numbers of PSS are the key's affair, and so is
// that the signature is right: a *signer.Signer verifies it.
func (a Algorithm) Sign(key crypto.Signer, digest []byte) ([]byte, error) {
	if err := signer.CheckFor(a.Name, key.Public()); err != nil {
		return nil, err
	}
	sig, err := key.Sign(nil, digest, a.opts())
	if err != nil {
		return nil, err
	}
	if a.EC {
		return a.flat(sig)
	}
	if len(sig) != a.Size {
		return nil, fmt.Errorf("the key gave a signature of %d bytes for %s", len(sig), a.Name)
	}
	return sig, nil
}

// flat turns an ECDSA signature in ASN.1 into the two numbers.
func (a Algorithm) flat(der []byte) ([]byte, error) {
	var sig struct{ R, S *big.Int }
	rest, err := asn1.Unmarshal(der, &sig)
	if err != nil || len(rest) > 0 || sig.R.Sign() <= 0 || sig.S.Sign() <= 0 || max(sig.R.BitLen(), sig.S.BitLen()) > 8*a.Size {
		return nil, fmt.Errorf("the key gave no ECDSA signature for %s", a.Name)
	}
	out := make([]byte, 2*a.Size)
	sig.R.FillBytes(out[:a.Size])
	sig.S.FillBytes(out[a.Size:])
	return out, nil
}

// Verify checks a signature of a digest. The error wraps ErrSignature if the key
// could have made it and has not.
func (a Algorithm) Verify(pub crypto.PublicKey, digest, sig []byte) error {
	if err := signer.CheckFor(a.Name, pub); err != nil {
		return err
	}
	if len(sig) != a.SigSize() {
		return fmt.Errorf("%w: it has %d bytes, and %s has %d", ErrSignature, len(sig), a.Name, a.SigSize())
	}
	good := false
	switch pub := pub.(type) {
	case *ecdsa.PublicKey:
		r, s := new(big.Int).SetBytes(sig[:a.Size]), new(big.Int).SetBytes(sig[a.Size:])
		der, err := asn1.Marshal(struct{ R, S *big.Int }{r, s})
		good = err == nil && ecdsa.VerifyASN1(pub, digest, der)
	case *rsa.PublicKey:
		if a.PSS {
			good = rsa.VerifyPSS(pub, a.Hash, digest, sig, a.opts().(*rsa.PSSOptions)) == nil
		} else {
			good = rsa.VerifyPKCS1v15(pub, a.Hash, digest, sig) == nil
		}
	}
	if !good {
		return ErrSignature
	}
	return nil
}
