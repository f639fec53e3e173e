// SPDX-License-Identifier: GPL-2.0-or-later

package signer_test

import (
	"bytes"
	"crypto"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"os"
	"path/filepath"
	"testing"

	"binman/signer"
)

// readAny reads a key file, whatever key it has.
func readAny(file []byte) (any, error) {
	return signer.ReadKeyFile("key", "", signer.Options{ReadFile: func(string) ([]byte, error) { return file, nil }})
}

// marshalAny writes a key that readAny has read, or returns nil if it is one that only
// tests have.
func marshalAny(t *testing.T, key any) []byte {
	t.Helper()
	var file []byte
	var err error
	switch key.(type) {
	case *rsa.PrivateKey, *ecdsa.PrivateKey, ed25519.PrivateKey, *ecdh.PrivateKey:
		file, err = signer.MarshalPrivateKey(key, nil)
	case *rsa.PublicKey, *ecdsa.PublicKey, ed25519.PublicKey, *ecdh.PublicKey:
		var der []byte
		der, err = x509.MarshalPKIXPublicKey(key)
		file = pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
	}
	if err != nil {
		t.Fatalf("a key of type %T was read that cannot be written: %v", key, err)
	}
	return file
}

// What was read and is written again reads as the same key, and is written with the
// same bytes.
func FuzzReadKeyFile(f *testing.F) {
	for _, pattern := range []string{"private/*.key", "private/*.pub", "*.pub", "*.key", "p256.crt"} {
		names, err := filepath.Glob(filepath.Join("testdata", pattern))
		if err != nil {
			f.Fatal(err)
		}
		for _, name := range names {
			data, err := os.ReadFile(name)
			if err != nil {
				f.Fatal(err)
			}
			for block, rest := pem.Decode(data); block != nil; block, rest = pem.Decode(rest) {
				f.Add(block.Type, block.Bytes)
			}
		}
	}
	agree, err := ecdh.X25519().NewPrivateKey(bytes.Repeat([]byte{7}, 32))
	if err != nil {
		f.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(agree)
	if err != nil {
		f.Fatal(err)
	}
	f.Add("PRIVATE KEY", der)
	f.Fuzz(func(t *testing.T, label string, der []byte) {
		key, err := readAny(pem.EncodeToMemory(&pem.Block{Type: label, Bytes: der}))
		if (key == nil) == (err == nil) {
			t.Fatalf("key %v, error %v", key, err)
		}
		if err != nil {
			return
		}
		first := marshalAny(t, key)
		if first == nil {
			return
		}
		again, err := readAny(first)
		if err != nil {
			t.Fatalf("%v\n%s", err, first)
		}
		if equal, ok := key.(interface{ Equal(crypto.PrivateKey) bool }); ok && !equal.Equal(again) {
			t.Errorf("%T became another key", key)
		}
		if second := marshalAny(t, again); !bytes.Equal(first, second) {
			t.Errorf("it is written as\n%s\nand then as\n%s", first, second)
		}
	})
}
