// SPDX-License-Identifier: GPL-2.0-or-later

package preload_test

import (
	"bytes"
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"os"
	"testing"

	"binman/format/preload"
	"binman/format/verify"
)

// testKey returns the RSA key of 2048 bits in testdata, which is for tests only.
func testKey(t testing.TB) *rsa.PrivateKey {
	t.Helper()
	text, err := os.ReadFile("testdata/test.key")
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(text)
	key, err := x509.ParsePKCS1PrivateKey(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

const payload = "the image that is signed"

func signed(t testing.TB, algo, padding string) []byte {
	t.Helper()
	a, err := preload.ParseAlgorithm(algo, padding)
	if err != nil {
		t.Fatal(err)
	}
	h := a.Hash.New()
	h.Write([]byte(payload))
	b, err := preload.Make(17, 4096, int64(len(payload)), h.Sum(nil), a, testKey(t))
	if err != nil {
		t.Fatal(err)
	}
	return append(b, payload...)
}

// The hashes are those of what the original makes with the same key.
func TestLikeOriginal(t *testing.T) {
	for algo, want := range map[string]string{
		"sha256,rsa2048": "2ea3b1ee2e86f30804aa80753466dfc7c9fd2603409b4ca9481332531437445d",
		"sha384,rsa2048": "c1edabe209eb63f8b64d640e8adfcc408c6f50303c6112bfe19cf12b4da54228",
		"sha512,rsa2048": "606a3fc6edd6659718b53ae48e70f3ca7fa78e52bd1ede7cb68cf4a21bc92d53",
	} {
		sum := sha256.Sum256(signed(t, algo, preload.PKCS))
		if got := hex.EncodeToString(sum[:]); got != want {
			t.Errorf("%s: %s", algo, got)
		}
	}
}

// verdicts returns the findings in short.
func verdicts(t testing.TB, image []byte, keys ...crypto.PublicKey) string {
	t.Helper()
	r := bytes.NewReader(image)
	h, err := preload.Parse(r, int64(len(image)))
	if err != nil {
		return err.Error()
	}
	var list []verify.Finding
	var public []verify.Key
	for _, k := range keys {
		public = append(public, verify.Key{Public: k})
	}
	list, err = h.Verify(r, r.Size(), public)
	if err != nil {
		t.Fatal(err)
	}
	s := ""
	for _, f := range list {
		s += f.Verdict.String() + "; "
	}
	return s
}

func TestVerify(t *testing.T) {
	key := testKey(t)
	other, err := rsa.GenerateKey(nil, 2048)
	if err != nil {
		t.Fatal(err)
	}
	for _, algo := range []string{"sha256,rsa2048", "sha384,rsa2048", "sha512,rsa2048"} {
		for _, padding := range []string{"", preload.PKCS, preload.PSS} {
			image := signed(t, algo, padding)
			flip := func(at int) []byte {
				b := bytes.Clone(image)
				b[at] ^= 1
				return b
			}
			for _, c := range []struct {
				name  string
				image []byte
				keys  []crypto.PublicKey
				want  string
			}{
				{"good", image, []crypto.PublicKey{&key.PublicKey}, "good; good; good; "},
				{"one of two keys", image, []crypto.PublicKey{&other.PublicKey, &key.PublicKey}, "good; good; good; "},
				{"no key", image, nil, "not covered; good; not covered; "},
				{"foreign key", image, []crypto.PublicKey{&other.PublicKey}, "bad; good; bad; "},
				{"version", flip(7), []crypto.PublicKey{&key.PublicKey}, "bad; good; bad; "},
				{"first signature", flip(64), []crypto.PublicKey{&key.PublicKey}, "bad; good; bad; "},
				{"second signature", flip(64 + 256), []crypto.PublicKey{&key.PublicKey}, "good; bad; bad; "},
				{"image", flip(4096), []crypto.PublicKey{&key.PublicKey}, "good; good; bad; "},
				{"cut", image[:len(image)-1], nil, "pre-load header: 0x1000 bytes of header and 0x18 of image are more than the 0x1017 that there are"},
				{"magic", flip(0), nil, "no pre-load header"},
				{"no room", flip(10), nil, "pre-load header: 0x1100 bytes of header and 0x18 of image are more than the 0x1018 that there are"},
			} {
				if got := verdicts(t, c.image, c.keys...); got != c.want {
					t.Errorf("%s %s, %s: %s", algo, padding, c.name, got)
				}
			}
		}
	}
}

func TestErrors(t *testing.T) {
	for _, c := range [][2]string{{"sha1,rsa2048", ""}, {"sha256,rsa3072", ""}, {"sha256", ""}, {"", ""}, {"sha256,rsa2048", "x931"}} {
		if _, err := preload.ParseAlgorithm(c[0], c[1]); err == nil {
			t.Errorf("%s is an algorithm", c)
		}
	}
	key := testKey(t)
	a, _ := preload.ParseAlgorithm("sha256,rsa4096", "")
	if _, err := preload.Make(0, 4096, 1, make([]byte, 32), a, key); !errors.Is(err, preload.ErrKeySize) {
		t.Errorf("error %v", err)
	}
	a.KeySize = 256
	for _, size := range []int64{0, 64 + 2*256 - 1, 1 << 32} {
		if _, err := preload.Make(0, size, 1, make([]byte, 32), a, key); err == nil {
			t.Errorf("a header of %#x bytes", size)
		}
	}
	if _, err := preload.Make(0, 64+2*256, 1<<32, make([]byte, 32), a, key); err == nil {
		t.Error("an image of 4 GiB")
	}
}

// Whatever stands in a header, it is read and verified, or is an error.
func FuzzVerify(f *testing.F) {
	f.Add(signed(f, "sha256,rsa2048", ""))
	f.Add([]byte("UBSH"))
	key := testKey(f)
	f.Fuzz(func(t *testing.T, image []byte) {
		if s := verdicts(t, image, &key.PublicKey); s == "good; good; good; " && !bytes.HasSuffix(image, []byte(payload)) && !bytes.Contains(image, []byte(payload)) {
			t.Error("another image is good")
		}
	})
}
