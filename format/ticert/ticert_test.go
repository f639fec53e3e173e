// SPDX-License-Identifier: GPL-2.0-or-later

package ticert

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"binman/format/verify"
	"binman/internal/judge"
	"binman/signer"
)

// testKey returns a key for tests: "test" is RSA of 2048 bits, "one" has the
// exponents 1.
func testKey(t testing.TB, name string) crypto.Signer {
	t.Helper()
	path := map[string]string{"test": "../preload/testdata/test.key", "one": "testdata/one.key"}[name]
	ring := signer.NewKeyring(signer.Options{ReadFile: os.ReadFile})
	key, err := ring.KeyAt(name, path, signer.AlgoCertificate)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// part returns the contents of the k-th image.
func part(k int) []byte {
	b := make([]byte, 100+k)
	for i := range b {
		b[i] = byte(7*i + k)
	}
	return b
}

func digest(parts ...int) Digest {
	var all []byte
	for _, k := range parts {
		all = append(all, part(k)...)
	}
	h := crypto.SHA512.New()
	h.Write(all)
	return Digest{crypto.SHA512, h.Sum(nil), int64(len(all))}
}

func boot(kind, core, options uint32, address uint64) *Boot {
	return &Boot{kind, core, options, address, digest(0)}
}

// certs are certificates of all kinds.
func certs() map[string]*Cert {
	five := []Component{
		{SPL, PublicCore, 2, 0x70000000, digest(0)},
		{SystemFirmware, SecureCore, 0, 0x40000, digest(1)},
		{SystemData, SecureCore, 0, 0x67000, digest(2)},
		{InnerCert, SecureCore, 0, 0, digest(3)},
		{DeviceManager, PublicCore, 0, 0x43c3a800, digest(4)},
	}
	one, two := digest(0), digest(0, 1)
	return map[string]*Cert{
		"combined": {Revision: 3, Components: five},
		"three": {Revision: 1, Debug: true, Components: []Component{
			{SPL, PublicCore, 0, 0, digest(0)}, {SystemFirmware, SecureCore, 0, 0, digest(1)}, {SystemData, SecureCore, 0, 0, digest(2)},
		}},
		"secure":  {Revision: 0x80, Boot: boot(SecureImage, SecureCore, 0, 0x41c00000)},
		"counter": {Revision: 1, Boot: boot(CounterImage, SecureCore, 0, 0x40000)},
		"public":  {Revision: 1, Boot: boot(PublicImage, PublicCore, 2, 0x70000000), Debug: true},
		"plain":   {Revision: 7, System: &two, Load: &Load{Auth: InPlace}},
		"walls": {Revision: 1, System: &one, Load: &Load{Auth: 0xa02, Firewalls: []Firewall{
			{257, 0, 0x31a, []uint32{0xc3ffff, 0xc3ffff, 0x10ff}, 0, 0xffffffffff},
			{0, 2, 0xffffffff, []uint32{0}, 0x9e800000, 0x9fffffff},
		}}},
		"x509": {CommonName: "o-test/cert.x509.x509-cert", Revision: 300, System: &one},
	}
}

// image returns the certificate with what it is about behind it.
func image(t testing.TB, name string, key crypto.Signer) []byte {
	t.Helper()
	c := certs()[name]
	b, err := c.Make(time.Unix(0, 0), key)
	if err != nil {
		t.Fatal(err)
	}
	n := max(len(c.Components), 1)
	if name == "plain" {
		n = 2
	}
	for k := range n {
		b = append(b, part(k)...)
	}
	return b
}

// With the serial number and the dates of a certificate that the original made,
// ours is the same.
func TestLikeOriginal(t *testing.T) {
	text, err := os.ReadFile("testdata/original.txt")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for line := range strings.Lines(string(text)) {
		f := strings.Fields(line)
		if f[0] == "#" {
			continue
		}
		n++
		c, key := certs()[f[0]], testKey(t, f[1])
		if f[0] == "x509" {
			c.CommonName = "o-" + f[1] + "/cert.x509.x509-cert"
		}
		algo, _ := algorithmFor(key.Public())
		b, err := c.body(algo, key.Public())
		if err != nil {
			t.Fatal(err)
		}
		b.Serial, _ = new(big.Int).SetString(f[2], 16)
		for i, date := range []*time.Time{&b.Validity.NotBefore, &b.Validity.NotAfter} {
			if *date, err = time.Parse("060102150405Z", f[3+i]); err != nil {
				t.Fatal(err)
			}
		}
		der, _, err := b.sign(algo, key)
		if err != nil {
			t.Fatal(err)
		}
		sum := sha256.Sum256(der)
		if got := hex.EncodeToString(sum[:]); got != f[5] {
			t.Errorf("%s with the key %s: %s", f[0], f[1], got)
		}
	}
	if n != 2*len(certs()) {
		t.Errorf("%d certificates were compared", n)
	}
}

// What was made is read back, and verified.
func TestRoundTrip(t *testing.T) {
	key, other := testKey(t, "test"), testKey(t, "one")
	for name, want := range certs() {
		b := image(t, name, key)
		m, err := Parse(bytes.NewReader(b), int64(len(b)))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		want.CommonName = "" // nobody needs it
		if d := cmp.Diff(*want, m.Cert); d != "" {
			t.Errorf("%s: %s", name, d)
		}
		goods := strings.Repeat("good, signed; ", 1+len(m.Parts))
		if got := verdicts(t, b, key.Public()); got != goods {
			t.Errorf("%s: %s", name, got)
		}
		if got := verdicts(t, append(b, 0), nil); !strings.HasPrefix(got, "not covered; good; ") || !strings.HasSuffix(got, "not covered; ") {
			t.Errorf("%s without a key: %s", name, got)
		}
		if got := verdicts(t, b, other.Public()); !strings.HasPrefix(got, "bad; good; ") {
			t.Errorf("%s with another key: %s", name, got)
		}
		if got := verdicts(t, image(t, name, other), other.Public()); !strings.HasPrefix(got, "not covered; good; ") {
			t.Errorf("%s with the key that proves nothing: %s", name, got)
		}
		if again := image(t, name, key); !bytes.Equal(again, b) {
			t.Errorf("%s: made again, it is another", name)
		}
	}
}

// verdicts returns the findings in short.
func verdicts(t testing.TB, b []byte, keys ...crypto.PublicKey) string {
	t.Helper()
	r := bytes.NewReader(b)
	m, err := Parse(r, r.Size())
	if err != nil {
		return err.Error()
	}
	var public []verify.Key
	for _, k := range keys {
		if k != nil {
			public = append(public, verify.Key{Public: k})
		}
	}
	list, err := m.Verify(r, r.Size(), public)
	if err != nil {
		t.Fatal(err)
	}
	s := ""
	for _, f := range list {
		s += f.Verdict.String()
		if f.Signed {
			s += ", signed"
		}
		s += "; "
	}
	return s
}

// A change of any byte shows.
func TestEveryByteCounts(t *testing.T) {
	for _, name := range []string{"walls", "combined"} {
		for _, keyName := range []string{"test", "one"} {
			key := testKey(t, keyName)
			b := image(t, name, key)
			good := verdicts(t, b, key.Public())
			for i := range b {
				b[i] ^= 0x40
				if got := verdicts(t, b, key.Public()); got == good {
					t.Errorf("%s, %s: byte %#x does not count", name, keyName, i)
				}
				b[i] ^= 0x40
			}
		}
	}
}

func TestErrors(t *testing.T) {
	key := testKey(t, "test")
	_, ed, _ := ed25519.GenerateKey(rand.Reader)
	c := certs()["plain"]
	for _, y := range []int{1949, 2050} {
		if _, err := c.Make(time.Date(y, 6, 1, 0, 0, 0, 0, time.UTC), key); err == nil {
			t.Errorf("a certificate of %d", y)
		}
	}
	if _, err := c.Make(time.Unix(0, 0), ed); err == nil {
		t.Error("a certificate with an Ed25519 key")
	}
	if _, err := (&Cert{CommonName: strings.Repeat("x", 65)}).Make(time.Unix(0, 0), key); err == nil {
		t.Error("a name of 65 characters")
	}
	b := image(t, "plain", key)
	if _, err := Parse(bytes.NewReader(b), int64(len(b)-1)); err == nil || !strings.Contains(err.Error(), "does not fit") {
		t.Errorf("a cut image: %v", err)
	}
	nothing, err := (&Cert{}).Make(time.Unix(0, 0), key)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Parse(bytes.NewReader(nothing), int64(len(nothing))); err != ErrNone {
		t.Errorf("a certificate about nothing: %v", err)
	}
}

// ECDSA signatures have different sizes, but certificates must not.
func TestECDSA(t *testing.T) {
	for _, curve := range []elliptic.Curve{elliptic.P256(), elliptic.P384(), elliptic.P521()} {
		key, err := ecdsa.GenerateKey(curve, rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		size := 0
		for n := range 20 {
			c := certs()["plain"]
			c.Revision = 100 + uint32(n)
			b, err := c.Make(time.Unix(0, 0), key)
			if err != nil {
				t.Fatal(err)
			}
			if size != 0 && size != len(b) {
				t.Errorf("%s: %d and %d bytes", curve.Params().Name, size, len(b))
			}
			size = len(b)
		}
		if got := verdicts(t, image(t, "plain", key), key.Public()); got != "good, signed; good, signed; " {
			t.Errorf("%s: %s", curve.Params().Name, got)
		}
	}
}

// OpenSSL takes the certificates, but for the key whose exponent it refuses.
func TestOpenSSL(t *testing.T) {
	openssl := judge.Need(t, "openssl")
	for name := range certs() {
		path := filepath.Join(t.TempDir(), "cert.der")
		pem := path + ".pem"
		c := certs()[name]
		der, err := c.Make(time.Unix(1700000000, 0), testKey(t, "test"))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, der, 0o600); err != nil {
			t.Fatal(err)
		}
		for _, args := range [][]string{
			{"x509", "-inform", "DER", "-in", path, "-out", pem},
			{"verify", "-CAfile", pem, pem},
		} {
			if out, err := exec.Command(openssl, args...).CombinedOutput(); err != nil {
				t.Errorf("%s: openssl %s: %v: %s", name, args[0], err, out)
			}
		}
		out, err := exec.Command(openssl, "x509", "-in", pem, "-noout", "-dates").CombinedOutput()
		if want := "notBefore=Nov 14 22:13:20 2023 GMT\nnotAfter=Dec 31 23:59:59 2049 GMT\n"; err != nil || string(out) != want {
			t.Errorf("%s: %s", name, out)
		}
	}
}

func TestList(t *testing.T) {
	b := image(t, "combined", testKey(t, "one"))
	m, err := Parse(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, it := range m.List() {
		lines = append(lines, fmt.Sprintf("%s %#x %s", it.Name, it.Size, it.Type))
	}
	want := []string{
		fmt.Sprintf("certificate %#x X.509, revision 3", m.Size),
		"spl 0x64 component, load 0x70000000",
		"sysfw 0x65 component, load 0x40000",
		"sysfw-data 0x66 component, load 0x67000",
		"sysfw-inner-cert 0x67 component, load 0x0",
		"dm-data 0x68 component, load 0x43c3a800",
	}
	if d := cmp.Diff(want, lines); d != "" {
		t.Error(d)
	}
}

// Whatever stands in a certificate, it is read and verified, or is an error; and
// what the key has not signed is not good.
func FuzzVerify(f *testing.F) {
	key := testKey(f, "test")
	for name := range certs() {
		f.Add(image(f, name, key))
		f.Add(image(f, name, testKey(f, "one")))
	}
	known := map[string]bool{}
	for name := range certs() {
		known[string(image(f, name, key)[:64])] = true
	}
	public := key.Public().(*rsa.PublicKey)
	f.Fuzz(func(t *testing.T, b []byte) {
		if s := verdicts(t, b, public); strings.HasPrefix(s, "good, signed") && !known[string(b[:64])] {
			t.Error("another certificate is good")
		}
	})
}
