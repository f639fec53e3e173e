// SPDX-License-Identifier: GPL-2.0-or-later

package signer

import (
	"bytes"
	"crypto"
	"crypto/rsa"
	"crypto/sha512"
	"errors"
	"math/big"
	"os"
	"strings"
	"testing"
)

const exponentOneFile = "../format/ticert/testdata/one.key"

// The signature of a key with the exponents 1 is the padded digest, as OpenSSL
// has it.
func TestExponentOneSigns(t *testing.T) {
	for _, later := range []*Later{nil, {}} {
		ring := NewKeyring(Options{ReadFile: os.ReadFile, Later: later})
		key, err := ring.KeyAt("one", exponentOneFile, AlgoCertificate)
		if err != nil {
			t.Fatal(err)
		}
		if !ProvesNothing(key.Public()) {
			t.Fatalf("the public key is %v", key.Public())
		}
		digest := sha512.Sum512([]byte("x"))
		sig, err := key.Sign(nil, digest[:], crypto.SHA512)
		if err != nil {
			t.Fatal(err)
		}
		want := append([]byte{0, 1}, bytes.Repeat([]byte{0xff}, 128-3-19-64)...)
		want = append(want, 0, 0x30, 0x51, 0x30, 0x0d, 6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 3, 5, 0, 4, 0x40)
		if want = append(want, digest[:]...); !bytes.Equal(sig, want) {
			t.Errorf("signature %x", sig)
		}
		if _, err := key.Sign(nil, digest[:], &rsa.PSSOptions{Hash: crypto.SHA512}); err == nil {
			t.Error("it signs with PSS")
		}
	}
}

// Nobody but certificates gets a key with the exponent 1.
func TestExponentOneIsRefused(t *testing.T) {
	o := Options{ReadFile: os.ReadFile}
	if _, err := Open("one", exponentOneFile, o); !errors.Is(err, errExponentOne) {
		t.Errorf("Open: %v", err)
	}
	for _, algo := range []string{"", "sha256,rsa2048"} {
		ring := NewKeyring(o)
		if err := ring.Add("one=" + exponentOneFile); err != nil {
			t.Fatal(err)
		}
		if err := ring.Check(); err != nil {
			t.Errorf("Check: %v", err)
		}
		if _, err := ring.Key("one", algo); !errors.Is(err, errExponentOne) {
			t.Errorf("Key %q: %v", algo, err)
		}
		if _, err := ring.KeyAt("two", exponentOneFile, algo); !errors.Is(err, errExponentOne) {
			t.Errorf("KeyAt %q: %v", algo, err)
		}
	}
}

func TestPadPKCS1(t *testing.T) {
	digest := make([]byte, 64)
	if _, err := PadPKCS1(crypto.SHA512, digest, 19+64+10); !errors.Is(err, ErrKey) {
		t.Errorf("a key that is too small: %v", err)
	}
	if _, err := PadPKCS1(crypto.SHA1, digest[:20], 256); !errors.Is(err, ErrKey) {
		t.Errorf("SHA-1: %v", err)
	}
	small := exponentOne{big.NewInt(35)}
	if _, err := small.Sign(nil, digest, crypto.SHA512); err == nil || !strings.Contains(err.Error(), "too small") {
		t.Errorf("a key of six bits: %v", err)
	}
}
