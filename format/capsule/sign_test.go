// SPDX-License-Identifier: GPL-2.0-or-later

package capsule_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"io"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"binman/content"
	"binman/format/capsule"
	"binman/format/verify"
	"binman/internal/judge"
)

// certificate returns a certificate that the key has signed itself.
func certificate(tb testing.TB, key crypto.Signer) *x509.Certificate {
	tb.Helper()
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, NotAfter: time.Unix(2e9, 0)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		tb.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		tb.Fatal(err)
	}
	return cert
}

func keys(tb testing.TB) map[string]crypto.Signer {
	tb.Helper()
	r, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		tb.Fatal(err)
	}
	e, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	return map[string]crypto.Signer{"rsa": r, "ec": e}
}

// signed returns a signed capsule.
func signed(tb testing.TB, key crypto.Signer, at time.Time) []byte {
	tb.Helper()
	c := capsule.Capsule{Kind: capsule.FirmwareManagement, Items: []capsule.Item{{Index: 1, Version: &capsule.Version{Number: 3}}}}
	data, err := c.Make(content.String("the firmware"), &capsule.Signer{Key: key, Certificate: certificate(tb, key), MonotonicCount: 5, Time: at})
	if err != nil {
		tb.Fatal(err)
	}
	b, err := data.Bytes()
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

func check(tb testing.TB, b []byte, list ...verify.Key) verify.Finding {
	tb.Helper()
	d := content.Bytes(b)
	c, err := capsule.Parse(d, d.Len())
	if err != nil {
		return verify.Finding{Verdict: verify.Bad, Why: err.Error()}
	}
	found, err := c.Verify(d, d.Len(), list)
	if err != nil {
		tb.Fatal(err)
	}
	return found[len(found)-1]
}

// What is signed is good with the key, and no change of it is.
func TestSigned(t *testing.T) {
	all := keys(t)
	for name, key := range all {
		for _, at := range []time.Time{time.Unix(1.7e9, 0), time.Date(2051, 1, 1, 0, 0, 0, 0, time.UTC)} {
			b := signed(t, key, at)
			if f := check(t, b, verify.Key{Public: key.Public()}); f.Verdict != verify.Good || !f.Signed {
				t.Errorf("%s: %+v", name, f)
			}
			if f := check(t, b); f.Verdict != verify.NotCovered {
				t.Errorf("%s without a key: %+v", name, f)
			}
			for other, public := range all {
				if f := check(t, b, verify.Key{Public: public.Public()}); (f.Verdict == verify.Good) != (other == name) {
					t.Errorf("%s with the key of %s: %+v", name, other, f)
				}
			}
			// The monotonic count, then the version and the firmware at the end.
			for _, i := range []int{92, len(b) - 28, len(b) - 20, len(b) - 12, len(b) - 1} {
				changed := append([]byte(nil), b...)
				changed[i] ^= 1
				if f := check(t, changed, verify.Key{Public: key.Public()}); f.Verdict == verify.Good {
					t.Errorf("%s: byte %#x changed: %+v", name, i, f)
				}
			}
		}
	}
}

func TestSignErrors(t *testing.T) {
	all := keys(t)
	if _, err := capsule.Sign(make([]byte, 32), certificate(t, all["rsa"]), all["ec"], time.Time{}); err == nil || err.Error() != "the private key is not that of the certificate" {
		t.Errorf("got %v", err)
	}
}

// OpenSSL accepts the signature.
func TestSignOpenSSL(t *testing.T) {
	openssl := judge.Need(t, "openssl")
	for name, key := range keys(t) {
		b := signed(t, key, time.Unix(1.7e9, 0))
		c, err := capsule.Parse(content.Bytes(b), int64(len(b)))
		if err != nil {
			t.Fatal(err)
		}
		dir := t.TempDir()
		message := append(append([]byte(nil), b[len(b)-28:]...), 5, 0, 0, 0, 0, 0, 0, 0)
		for file, data := range map[string][]byte{"sig": c.Items[0].Auth.Signature, "message": message} {
			if err := os.WriteFile(filepath.Join(dir, file), data, 0o666); err != nil {
				t.Fatal(err)
			}
		}
		cmd := exec.Command(openssl, "cms", "-verify", "-inform", "DER", "-binary", "-in", "sig", "-content", "message", "-noverify", "-out", os.DevNull)
		cmd.Dir = dir
		if text, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", name, err, text)
		}
	}
}

// No bytes break the parser.
func FuzzSignature(f *testing.F) {
	for _, key := range keys(f) {
		sig, err := capsule.Sign(make([]byte, 32), certificate(f, key), key, time.Unix(1.7e9, 0))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(sig)
	}
	f.Fuzz(func(t *testing.T, der []byte) {
		s, err := capsule.ParseSignature(der)
		if err == nil {
			_ = s.Verify(make([]byte, 32))
		}
	})
}

// pretender has a key of any size, and signs nothing.
type pretender struct{ key *rsa.PublicKey }

func (p pretender) Public() crypto.PublicKey { return p.key }

func (p pretender) Sign(io.Reader, []byte, crypto.SignerOpts) ([]byte, error) {
	return make([]byte, p.key.Size()), nil
}

// A certificate whose key would take hours is not calculated with, and a long name is cut.
func TestHostileCertificate(t *testing.T) {
	n := new(big.Int).Lsh(big.NewInt(1), 1_000_000)
	huge := &rsa.PublicKey{N: n.Add(n, big.NewInt(1)), E: 1<<31 - 1}
	_, issuer, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: strings.Repeat("x", 65000)}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, huge, issuer)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	sig, err := capsule.Sign(make([]byte, 32), cert, pretender{huge}, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	s, err := capsule.ParseSignature(sig)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Verify(make([]byte, 32)); err == nil || err.Error() != "the key of the certificate has 1000001 bits, more than 16384" {
		t.Errorf("got %v", err)
	}
	if text := capsule.Subject(cert); text != "CN="+strings.Repeat("x", 197)+"…" {
		t.Errorf("the subject is %q", text)
	}
}
