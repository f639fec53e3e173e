// SPDX-License-Identifier: GPL-2.0-or-later

package signer_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"strings"
	"testing"

	"binman/dts"
	"binman/fdt"
	"binman/signer"
)

// Keys that are written into a tree are read back.
func TestReadTree(t *testing.T) {
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	tree := fdt.New()
	want := map[string]crypto.PublicKey{"one": &rsaKey.PublicKey}
	algos := map[string]string{"one": "sha256,rsa2048"}
	for algo, curve := range map[string]elliptic.Curve{"sha256,ecdsa256": elliptic.P256(), "sha512,ecdsa384": elliptic.P384()} {
		key, err := ecdsa.GenerateKey(curve, rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		name := strings.TrimPrefix(algo, "sha")
		want[name], algos[name] = &key.PublicKey, algo
	}
	for name, key := range want {
		pub, err := signer.FromCrypto(key)
		if err != nil {
			t.Fatal(err)
		}
		node := signer.KeyNode{Hint: name, Algo: algos[name], Required: "conf", Key: pub}
		if err := node.Add(tree); err != nil {
			t.Fatal(err)
		}
	}
	keys, err := signer.ReadTree(tree)
	if err != nil || len(keys) != len(want) {
		t.Fatalf("%d keys, error %v", len(keys), err)
	}
	for _, k := range keys {
		key, ok := want[k.Hint].(interface{ Equal(crypto.PublicKey) bool })
		if !ok || !key.Equal(k.Public) || k.Algo != algos[k.Hint] || k.Required != "conf" {
			t.Errorf("%+v is not what was written", k)
		}
	}
}

func TestReadTreeErrors(t *testing.T) {
	for body, want := range map[string]string{
		`x { };`:                   "no node /signature",
		`signature { k { a; }; };`: "node '/signature/k': cannot use key: it holds neither an RSA key nor an ECDSA key",
		`signature { k { rsa,modulus = [03]; rsa,exponent = <0>; }; };`:                           "has length 4, expecting 8",
		`signature { k { rsa,modulus = [03]; rsa,exponent = <0 1>; }; };`:                         "the exponent 1",
		`signature { k { rsa,modulus = [03]; rsa,exponent = <1 1>; }; };`:                         "the exponent 4294967297",
		`signature { k { ecdsa,curve = "c25519"; }; };`:                                           "the curve 'c25519' is not known",
		`signature { k { ecdsa,curve = "prime256v1"; ecdsa,x-point = [01]; }; };`:                 "has length 1, expecting 32",
		`signature { k { key-name-hint = <1>; }; };`:                                              "expecting a single string",
		`signature { k { ecdsa,curve = "prime256v1"; ecdsa,x-point = X; ecdsa,y-point = X; }; };`: "cannot use key",
	} {
		body = strings.ReplaceAll(body, "X", "<1 2 3 4 5 6 7 8>")
		tree, err := dts.CompileSource("k.dts", []byte("/dts-v1/; / { "+body+" };"), dts.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if keys, err := signer.ReadTree(tree); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, error %v; want %s", body, keys, err, want)
		}
	}
}
