// SPDX-License-Identifier: GPL-2.0-or-later

package signer

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"
	"fmt"
	"math/big"

	"binman/fdt"
)

// TreeKey is a public key that a device tree holds for U-Boot.
type TreeKey struct {
	Hint     string
	Algo     string // such as "sha256,rsa2048"
	Required string // "image" or "conf", or "" if nothing has to be signed with it
	Public   crypto.PublicKey
}

// ReadTree returns the public keys in the node /signature of a device tree, see
// [KeyNode].
func ReadTree(t *fdt.Tree) ([]TreeKey, error) {
	parent := t.Node("/signature")
	if parent == nil {
		return nil, fmt.Errorf("the device tree has no node /signature, which would hold keys")
	}
	var keys []TreeKey
	for _, node := range parent.Subnodes {
		k, err := readKeyNode(node)
		if err != nil {
			return nil, fmt.Errorf("node '%s': %w", node.Path(), err)
		}
		keys = append(keys, k)
	}
	return keys, nil
}

func readKeyNode(node *fdt.Node) (TreeKey, error) {
	var k TreeKey
	for _, p := range []struct {
		name string
		to   *string
	}{{"key-name-hint", &k.Hint}, {"algo", &k.Algo}, {"required", &k.Required}} {
		text, _, err := node.Str(p.name)
		if err != nil {
			return k, err
		}
		*p.to = text
	}
	if k.Hint == "" {
		k.Hint = node.Name
	}
	var err error
	switch {
	case node.Has("rsa,modulus"):
		k.Public, err = readRSANode(node)
	case node.Has("ecdsa,curve"):
		k.Public, err = readECNode(node)
	default:
		err = fmt.Errorf("%w: it holds neither an RSA key nor an ECDSA key", ErrKey)
	}
	return k, err
}

func readRSANode(node *fdt.Node) (crypto.PublicKey, error) {
	const cells = 8
	e, _, err := node.BytesN("rsa,exponent", cells)
	if err != nil {
		return nil, err
	}
	n, _ := node.Bytes("rsa,modulus")
	exponent := new(big.Int).SetBytes(e)
	const maxExponent = 1<<31 - 1 // what crypto/rsa takes
	if len(n) > maxModulus/8 || !exponent.IsInt64() || exponent.Int64() > maxExponent || exponent.Int64() < 3 {
		return nil, fmt.Errorf("%w: an RSA key of %d bits with the exponent %v", ErrKey, 8*len(n), exponent)
	}
	return &rsa.PublicKey{N: new(big.Int).SetBytes(n), E: int(exponent.Int64())}, nil
}

func readECNode(node *fdt.Node) (crypto.PublicKey, error) {
	name, _, err := node.Str("ecdsa,curve")
	if err != nil {
		return nil, err
	}
	for _, c := range curves {
		if c.Name != name {
			continue
		}
		size := (c.Bits + 7) / 8
		point := []byte{4} // uncompressed, SEC 1, 2.3.3
		for _, coordinate := range []string{"ecdsa,x-point", "ecdsa,y-point"} {
			b, _, err := node.BytesN(coordinate, size)
			if err != nil {
				return nil, err
			}
			point = append(point, b...)
		}
		key, err := ecdsa.ParseUncompressedPublicKey(c.math, point)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrKey, err)
		}
		return key, nil
	}
	return nil, fmt.Errorf("%w: the curve '%s' is not known", ErrKey, name)
}
