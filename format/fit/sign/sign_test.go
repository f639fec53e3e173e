// SPDX-License-Identifier: GPL-2.0-or-later

package sign_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"binman/dts"
	"binman/format/fit/sign"
)

// A digest has one signature by ECDSA, which verifies; a changed one does not.
func TestECDSA(t *testing.T) {
	for name, curve := range map[string]elliptic.Curve{"ecdsa256": elliptic.P256(), "ecdsa384": elliptic.P384(), "secp521r1": elliptic.P521()} {
		key, err := ecdsa.GenerateKey(curve, rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		algo, err := sign.ParseAlgorithm("sha256,"+name, "")
		if err != nil {
			t.Fatal(err)
		}
		digest := bytes.Repeat([]byte{7}, 32)
		sig, err := algo.Sign(key, digest)
		if err != nil || len(sig) != algo.SigSize() || algo.Verify(&key.PublicKey, digest, sig) != nil {
			t.Fatalf("%s: %x, error %v", name, sig, err)
		}
		again, err := algo.Sign(key, digest)
		if err != nil || !bytes.Equal(sig, again) {
			t.Errorf("%s: signed again it is %x, not %x; error %v", name, again, sig, err)
		}
		sig[len(sig)-1] ^= 1
		if err := algo.Verify(&key.PublicKey, digest, sig); !errors.Is(err, sign.ErrSignature) {
			t.Errorf("%s: changed: %v", name, err)
		}
		if err := algo.Verify(&key.PublicKey, digest, sig[1:]); !errors.Is(err, sign.ErrSignature) {
			t.Errorf("%s: shortened: %v", name, err)
		}
	}
}

func TestParseAlgorithm(t *testing.T) {
	for _, c := range []struct{ name, padding, want string }{
		{"sha256,rsa2048", "", ""},
		{"sha1,rsa4096", "pss", ""},
		{"sha512,ecdsa384", "pkcs-1.5", ""},
		{"md5,rsa2048", "", "unsupported signature algorithm 'md5,rsa2048'"},
		{"sha256,ecdsa521", "", "unsupported signature algorithm"},
		{"sha256", "", "unsupported signature algorithm"},
		{"sha256,rsa2048", "PSS", "unknown padding 'PSS'"},
	} {
		_, err := sign.ParseAlgorithm(c.name, c.padding)
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s, padding %q: error %v, want %q", c.name, c.padding, err, c.want)
		}
	}
}

// A key that does not suit the algorithm signs nothing and verifies nothing.
func TestWrongKey(t *testing.T) {
	key, err := rsa.GenerateKey(rand.Reader, 3072)
	if err != nil {
		t.Fatal(err)
	}
	algo, err := sign.ParseAlgorithm("sha256,rsa4096", "")
	if err != nil {
		t.Fatal(err)
	}
	const want = "algorithm 'sha256,rsa4096' needs an RSA key of 4096 bits"
	if _, err := algo.Sign(key, make([]byte, 32)); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("sign: %v", err)
	}
	if err := algo.Verify(&key.PublicKey, make([]byte, 32), make([]byte, 512)); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("verify: %v", err)
	}
}

// The example of NIST SP 800-38A, F.2.1, of which the first block stands here,
// and what is decrypted again.
func TestCipher(t *testing.T) {
	key, _ := hex.DecodeString("2b7e151628aed2a6abf7158809cf4f3c")
	iv, _ := hex.DecodeString("000102030405060708090a0b0c0d0e0f")
	plain, _ := hex.DecodeString("6bc1bee22e409f96e93d7e117393172a")
	secret, err := sign.Encrypt(plain, key, iv)
	if err != nil || len(secret) != 32 || hex.EncodeToString(secret[:16]) != "7649abac8119b246cee98e9b12e9197d" {
		t.Fatalf("%x, error %v", secret, err)
	}
	for n := range 40 {
		data := bytes.Repeat([]byte{1}, n)
		secret, err := sign.Encrypt(data, key, iv)
		if err != nil || len(secret) != (n/16+1)*16 {
			t.Fatalf("%d bytes become %d, error %v", n, len(secret), err)
		}
		if got, err := sign.Decrypt(secret, key, iv); err != nil || !bytes.Equal(got, data) {
			t.Errorf("%x, error %v", got, err)
		}
	}
	for _, bad := range [][]byte{nil, secret[:17]} {
		if _, err := sign.Decrypt(bad, key, iv); err == nil {
			t.Errorf("%d bytes are decrypted", len(bad))
		}
	}
}

const tree = `/dts-v1/; / { a; images { k { data = "x"; type = "kernel"; hash { value = [01]; }; own { below { x; }; }; }; };
	configurations { c { kernel = "k"; signature { value = [02]; }; }; d { kernel = "k"; }; }; };`

// A message changes with everything that is covered, and with nothing else.
func TestMessage(t *testing.T) {
	message := func(src string) string {
		t.Helper()
		tree, err := dts.CompileSource("x.dts", []byte(src), dts.Options{})
		if err != nil {
			t.Fatal(err)
		}
		config := tree.Node("/configurations/c")
		paths, err := sign.Verified(tree.Root, config)
		if err != nil || strings.Join(paths, " ") != "/ /configurations/c /images/k /images/k/hash" {
			t.Fatalf("paths %v, error %v", paths, err)
		}
		var out bytes.Buffer
		blob := tree.Marshal()
		if err := sign.Message(&out, blob, paths, 4); err != nil {
			t.Fatal(err)
		}
		if err := sign.Message(&out, blob, paths, sign.StringsSize(blob)+1); err == nil {
			t.Error("strings beyond their block are taken")
		}
		return out.String()
	}
	want := message(tree)
	for _, c := range []struct {
		name, old, new string
		covered        bool
	}{
		{"a property of the root", " a;", " data;", true},
		{"data", `data = "x"`, `data = "y"`, false},
		{"the type", `"kernel"`, `"kernal"`, true},
		{"a hash", `[01]`, `[03]`, true},
		{"the name of another node", `own {`, `awn {`, true},
		{"a node in another node", `below {`, `beyond {`, false},
		{"the signature", `[02]`, `[03]`, false},
		{"another configuration's images", `d { kernel = "k"`, `d { kernel = "l"`, false},
		{"the name of another configuration", `d {`, `e {`, false},
		{"the configuration", `c { kernel = "k"; `, `c { kernel = "k"; compatible = "x"; `, true},
	} {
		if got := message(strings.Replace(tree, c.old, c.new, 1)); (got != want) != c.covered {
			t.Errorf("%s: covered %v, want %v", c.name, got != want, c.covered)
		}
	}
}
