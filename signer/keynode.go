// SPDX-License-Identifier: GPL-2.0-or-later

package signer

import (
	"errors"
	"fmt"
	"math/big"
	"strings"

	"binman/fdt"
)

// KeyNode is a public key as U-Boot's device tree holds it, a subnode of
// /signature (doc/usage/fit/signature.rst). All numbers are big-endian; the
// properties are written in this order, which libfdt turns round:
//
//	property        value
//	key-name-hint   string
//	rsa,num-bits    cell: bits of the modulus n, a multiple of 32
//	rsa,n0-inverse  cell: -1/n mod 2^32, for Montgomery multiplication
//	rsa,exponent    two cells
//	rsa,modulus     num-bits/8 bytes
//	rsa,r-squared   num-bits/8 bytes: 2^(2*num-bits) mod n
//	algo            string, e.g. "sha256,rsa2048"
//	required        string, "image" or "conf"; absent if not required
//
// and for ECDSA, between hint and algo:
//
//	ecdsa,curve     string, e.g. "prime256v1"
//	ecdsa,x-point   coordinate, curve size/8 bytes
//	ecdsa,y-point   coordinate, curve size/8 bytes
//
// The node is named "key-" and the hint for RSA, and like the hint for ECDSA,
// as mkimage and fdt_add_pubkey do.
type KeyNode struct {
	Hint     string // name of the key
	Algo     string // checksum and algorithm, see Algorithm
	Required string // what must be signed with the key: "image", "conf" or ""
	Key      PublicKey
}

// Algorithm is what signs a checksum.
type Algorithm struct {
	Name  string // e.g. "rsa2048"
	Bytes int    // size of its key, and of a coordinate, in bytes
	EC    bool   // ECDSA; otherwise RSA
}

// algorithms are those of tools/image-sig-host.c.
var algorithms = []Algorithm{
	{"rsa2048", 256, false},
	{"rsa3072", 384, false},
	{"rsa4096", 512, false},
	{"ecdsa256", 32, true},
	{"ecdsa384", 48, true},
	{"secp521r1", 66, true},
}

// DefaultAlgo is the algorithm of fdt_add_pubkey if it is given none.
const DefaultAlgo = "sha1,rsa2048"

// FindAlgorithm returns the algorithm of a name such as "sha256,rsa2048": the
// part after the comma.
func FindAlgorithm(algo string) (Algorithm, error) {
	if _, name, ok := strings.Cut(algo, ","); ok {
		for _, a := range algorithms {
			if a.Name == name {
				return a, nil
			}
		}
	}
	return Algorithm{}, fmt.Errorf("Unsupported signature algorithm '%s'", algo) //lint:ignore ST1005 wording of the original
}

// Name returns the name of the node.
func (k *KeyNode) Name() string {
	if _, ok := k.Key.(*EC); ok {
		return k.Hint
	}
	return "key-" + k.Hint
}

// growth is by how many bytes the tools enlarge a blob that is too small.
const growth = 1024

// Add adds the key to the device tree, or changes what is there of that name.
// The blob becomes what fdt_add_pubkey makes of it, and mkimage with -K: edits
// are applied one by one, and the blob grows by 1024 bytes at a time.
func (k *KeyNode) Add(t *fdt.Tree) error {
	props, err := k.props()
	if err != nil {
		return err
	}
	if k.Hint == "" || strings.ContainsAny(k.Hint, "/\x00") {
		return fmt.Errorf("'%s' cannot be the name of a key", k.Hint)
	}
	addNode(t, "signature", k.Name(), props)
	return nil
}

// addNode adds a node with properties below a node of the root, one edit after
// the other.
func addNode(t *fdt.Tree, parent, name string, props []prop) {
	t.Sync()
	node := t.Root.AddSubnode(parent)
	t.SyncStep(growth)
	node = node.AddSubnode(name)
	t.SyncStep(growth)
	for _, p := range props {
		node.SetProp(p.name, p.value)
		t.SyncStep(growth)
	}
}

type prop struct {
	name  string
	value []byte
}

func (k *KeyNode) props() ([]prop, error) {
	algo, err := FindAlgorithm(k.Algo)
	if err != nil {
		return nil, err
	}
	props := []prop{{"key-name-hint", cString(k.Hint)}}
	switch key := k.Key.(type) {
	case *RSA:
		if algo.EC {
			return nil, fmt.Errorf("algorithm '%s' needs an ECDSA key, not RSA", k.Algo)
		}
		more, err := key.props()
		if err != nil {
			return nil, err
		}
		props = append(props, more...)
	case *EC:
		if !algo.EC {
			return nil, fmt.Errorf("algorithm '%s' needs an RSA key, not ECDSA", k.Algo)
		}
		if n := (key.Bits() + 7) / 8; n != algo.Bytes {
			return nil, fmt.Errorf("Expected a %d-bit key, got %d-bit key", algo.Bytes*8, n*8) //lint:ignore ST1005 wording of the original
		}
		if key.Bits()%32 != 0 {
			return nil, fmt.Errorf("U-Boot cannot hold a key on %s: its size is no multiple of 32 bits", key.Curve.Name)
		}
		props = append(props,
			prop{"ecdsa,curve", cString(key.Curve.Name)},
			prop{"ecdsa,x-point", key.X},
			prop{"ecdsa,y-point", key.Y})
	default:
		return nil, errors.New("there is no key")
	}
	props = append(props, prop{"algo", cString(k.Algo)})
	if k.Required != "" {
		props = append(props, prop{"required", cString(k.Required)})
	}
	return props, nil
}

func (k *RSA) props() ([]prop, error) {
	bits := k.Bits()
	if bits%32 != 0 {
		return nil, fmt.Errorf("U-Boot cannot hold an RSA key of %d bits: that is no multiple of 32", bits)
	}
	if k.E.BitLen() > 64 {
		return nil, fmt.Errorf("U-Boot cannot hold an RSA key whose exponent has %d bits, more than 64", k.E.BitLen())
	}
	return []prop{
		{"rsa,num-bits", number(big.NewInt(int64(bits)), 4)},
		{"rsa,n0-inverse", number(k.N0Inverse(), 4)},
		{"rsa,exponent", number(k.E, 8)},
		{"rsa,modulus", number(k.N, bits/8)},
		{"rsa,r-squared", number(k.RSquared(), bits/8)},
	}, nil
}

// N0Inverse returns -1/n mod 2^32, the constant with which Montgomery
// multiplication in words of 32 bits makes the lowest word zero. The modulus is
// odd, so that there is one.
func (k *RSA) N0Inverse() *big.Int {
	word := new(big.Int).Lsh(big.NewInt(1), 32)
	inv := new(big.Int).ModInverse(k.N, word)
	return inv.Sub(word, inv)
}

// RSquared returns R*R mod n, where R is the power of two above the modulus:
// the factor that brings numbers into Montgomery form.
func (k *RSA) RSquared() *big.Int {
	r2 := new(big.Int).Lsh(big.NewInt(1), 2*uint(k.Bits()))
	return r2.Mod(r2, k.N)
}

// number returns n, which fits, in so many bytes.
func number(n *big.Int, size int) []byte { return n.FillBytes(make([]byte, size)) }

func cString(s string) []byte { return append([]byte(s), 0) }
