// SPDX-License-Identifier: GPL-2.0-or-later

package signer_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"binman/signer"
)

// files are the test keys, with an environment.
func files(t testing.TB, env map[string]string) signer.Options {
	t.Helper()
	return signer.Options{
		ReadFile:  os.ReadFile,
		LookupEnv: func(name string) (string, bool) { v, ok := env[name]; return v, ok },
	}
}

func private(name string) string { return filepath.Join("testdata", "private", name) }

func samePublic(t *testing.T, got crypto.PublicKey, file string) {
	t.Helper()
	data, err := os.ReadFile(private(file))
	if err != nil {
		t.Fatal(err)
	}
	want, err := signer.ReadVerifyKey(data)
	if err != nil {
		t.Fatal(err)
	}
	if !got.(interface{ Equal(crypto.PublicKey) bool }).Equal(want) {
		t.Errorf("got another key than that in %s", file)
	}
}

// The files were made by OpenSSL 3.0, with the passphrase "secret".
func TestOpenFiles(t *testing.T) {
	env := map[string]string{signer.EnvPassphrase: "secret"}
	for name, public := range map[string]string{
		"rsa-pkcs1.key":               "rsa.pub",
		"rsa-pkcs8.key":               "rsa.pub",
		"rsa-pkcs1.der":               "rsa.pub",
		"rsa-old-aes256.key":          "rsa.pub",
		"rsa-old-des3.key":            "rsa.pub",
		"rsa-pbes2-aes256.key":        "rsa.pub",
		"rsa-pbes2-aes192-sha512.key": "rsa.pub",
		"rsa-pbes2-des3-sha1.key":     "rsa.pub",
		"rsa-pbes2.der":               "rsa.pub",
		"ec-params.key":               "ec.pub",
		"ec-pkcs8.key":                "ec.pub",
		"ec-sec1.der":                 "ec.pub",
		"ed25519.key":                 "ed25519.pub",
	} {
		t.Run(name, func(t *testing.T) {
			s, err := signer.Open("", private(name), files(t, env))
			if err != nil {
				t.Fatal(err)
			}
			samePublic(t, s.Public(), public)
			if name == "rsa-pkcs8.key" {
				p, err := signer.OpenPublic("", "file:"+private(name), files(t, nil))
				if err != nil {
					t.Fatal(err)
				}
				samePublic(t, p.Key, public)
			}
		})
	}
}

func TestOpenErrors(t *testing.T) {
	for _, test := range []struct {
		file, pass, want string
		is               error
	}{
		{"rsa-old-aes256.key", "wrong", "wrong passphrase", signer.ErrPassphrase},
		{"rsa-old-des3.key", "wrong", "wrong passphrase", signer.ErrPassphrase},
		{"rsa-pbes2-aes256.key", "wrong", "wrong passphrase", signer.ErrPassphrase},
		{"rsa-pbes2.der", "wrong", "wrong passphrase", signer.ErrPassphrase},
		{"rsa-pbes2.der", "", "set MKIMAGE_SIGN_PASSWORD, or name a file that has it (--passphrase-file)", signer.ErrNoPassphrase},
		{"rsa-old-des3.key", "", "the key is encrypted and there is no passphrase for it", signer.ErrNoPassphrase},
		{"rsa-scrypt.key", "secret", "its key is derived by 1.3.6.1.4.1.11591.4.11: only PBES2", signer.ErrKey},
		{"rsa-pbes1.key", "secret", "convert the key with 'openssl pkcs8 -topk8 -v2 aes256'", signer.ErrKey},
		{"rsa.pub", "", "it has no private key, but PUBLIC KEY", signer.ErrNoKey},
		{"ec-k1.key", "", "curve", signer.ErrKey},
		{"nosuch.key", "", "no such file", fs.ErrNotExist},
		{"../add.golden", "", "it is neither PEM nor DER", signer.ErrNoKey},
	} {
		t.Run(test.file+" "+test.pass, func(t *testing.T) {
			env := map[string]string{signer.EnvPassphrase: test.pass}
			_, err := signer.Open("dev", private(test.file), files(t, env))
			if err == nil || !strings.Contains(err.Error(), test.want) || !errors.Is(err, test.is) {
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
}

// A passphrase comes from the file before the environment, and from the
// terminal at last.
func TestPassphrase(t *testing.T) {
	o := files(t, map[string]string{signer.EnvPassphrase: "wrong"})
	read := o.ReadFile
	o.ReadFile = func(name string) ([]byte, error) {
		if name == "pass" {
			return []byte("secret\r\nmore\n"), nil
		}
		return read(name)
	}
	o.PassphraseFile = "pass"
	if _, err := signer.Open("", private("rsa-pbes2-aes256.key"), o); err != nil {
		t.Error(err)
	}
	o = files(t, nil)
	asked := ""
	o.Prompt = func(question string) ([]byte, error) { asked = question; return []byte("secret"), nil }
	if _, err := signer.Open("", private("rsa-pbes2-aes256.key"), o); err != nil {
		t.Error(err)
	}
	if asked != "Passphrase of testdata/private/rsa-pbes2-aes256.key: " {
		t.Errorf("asked %q", asked)
	}
}

func open(t *testing.T, file string, o signer.Options) *signer.Signer {
	t.Helper()
	s, err := signer.Open("dev", private(file), o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// The same digest gives the same signature, but for PSS; every one verifies,
// and not with another digest.
func TestSign(t *testing.T) {
	sum, other := sha256.Sum256([]byte("firmware")), sha256.Sum256([]byte("other"))
	pss := &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: crypto.SHA256}
	for _, test := range []struct {
		file               string
		opts               crypto.SignerOpts
		reproducible, same bool
	}{
		{"rsa-pkcs8.key", crypto.SHA256, false, true},
		{"rsa-pkcs8.key", pss, false, false},
		{"rsa-pkcs8.key", pss, true, true},
		{"ec-pkcs8.key", crypto.SHA256, false, true},
		{"ed25519.key", crypto.Hash(0), false, true},
	} {
		t.Run(fmt.Sprint(test.file, test.opts.HashFunc(), test.reproducible), func(t *testing.T) {
			o := files(t, nil)
			o.Reproducible = test.reproducible
			s := open(t, test.file, o)
			a, err := s.Sign(nil, sum[:], test.opts)
			if err != nil {
				t.Fatal(err)
			}
			b, err := s.Sign(nil, sum[:], test.opts)
			if err != nil {
				t.Fatal(err)
			}
			if bytes.Equal(a, b) != test.same {
				t.Errorf("signed twice: equal %v", !test.same)
			}
			if err := s.Verifier().Verify(sum[:], b, test.opts); err != nil {
				t.Error(err)
			}
			if err := s.Verifier().Verify(other[:], b, test.opts); !errors.Is(err, signer.ErrSignature) {
				t.Errorf("of another digest: %v", err)
			}
		})
	}
	_, err := open(t, "rsa-pkcs8.key", files(t, nil)).Sign(nil, sum[:31], crypto.SHA256)
	if err == nil || !strings.Contains(err.Error(), "the digest has 31 bytes, SHA-256 has 32") {
		t.Errorf("short digest: %v", err)
	}
}

// ECDSA signatures are those of RFC 6979, A.2.5 (P-256, SHA-256, "sample").
func TestRFC6979(t *testing.T) {
	d := hexInt("C9AFA9D845BA75166B5C215767B1D6934E50C3DB36E89B127B8A622B120F6721")
	key, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), d.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	s, err := signer.Open("", "k", signer.Options{ReadFile: func(string) ([]byte, error) { return der, nil }})
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256([]byte("sample"))
	sig, err := s.Sign(nil, sum[:], crypto.SHA256)
	if err != nil {
		t.Fatal(err)
	}
	var got struct{ R, S *big.Int }
	if _, err := asn1.Unmarshal(sig, &got); err != nil {
		t.Fatal(err)
	}
	if got.R.Cmp(hexInt("EFD48B2AACB6A8FD1140DD9CD45E81D69D2C877B56AAF991C34D0EA84EAF3716")) != 0 ||
		got.S.Cmp(hexInt("F7CB1C942D657C41D436C7A1B6E29F65F3E900DBB9AFF4064DC4AB2F843ACDA8")) != 0 {
		t.Errorf("got %x", sig)
	}
}

func TestCheckFor(t *testing.T) {
	rsa2048 := open(t, "rsa-pkcs8.key", files(t, nil)).Public()
	p256 := open(t, "ec-pkcs8.key", files(t, nil)).Public()
	ed := open(t, "ed25519.key", files(t, nil)).Public()
	weak := &rsa.PublicKey{N: new(big.Int).Lsh(big.NewInt(1), 1023), E: 65537}
	for _, test := range []struct {
		algo string
		key  crypto.PublicKey
		want string
	}{
		{"sha256,rsa2048", rsa2048, ""},
		{"rsa2048", rsa2048, ""},
		{"sha256,ecdsa256", p256, ""},
		{"ed25519", ed, ""},
		{"sha256,rsa4096", rsa2048, "algorithm 'sha256,rsa4096' needs an RSA key of 4096 bits, but this one is RSA of 2048 bits; use such a key, or the algorithm 'sha256,rsa2048'"},
		{"sha256,rsa2048", weak, "needs an RSA key of 2048 bits, but this one is RSA of 1024 bits; use such a key"},
		{"sha384,ecdsa384", p256, "needs an ECDSA key on secp384r1, but this one is ECDSA on prime256v1; use such a key, or the algorithm 'sha384,ecdsa256'"},
		{"sha256,rsa2048", p256, "needs an RSA key of 2048 bits, but this one is ECDSA on prime256v1"},
		{"sha256,ecdsa256", rsa2048, "needs an ECDSA key on prime256v1"},
		{"ed25519", p256, "needs an Ed25519 key"},
		{"sha256,rsa2048", ed, "but this one is Ed25519"},
		{"sha256,dsa", rsa2048, "Unsupported signature algorithm 'sha256,dsa'"},
	} {
		err := signer.CheckFor(test.algo, test.key)
		if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
			t.Errorf("%s: got %v, want %q", test.algo, err, test.want)
		}
	}
}

func TestKeyring(t *testing.T) {
	ring := signer.NewKeyring(files(t, nil))
	for _, spec := range []string{"dev=" + private("rsa-pkcs1.key"), "@list"} {
		if err := ring.Add(spec); err == nil && spec[0] == '@' {
			t.Errorf("%s: no error", spec)
		}
	}
	for _, spec := range []string{"dev", "=x", "dev=", "dev=other.key", "pkcs11:token=a?pin-value=1"} {
		if err := ring.Add(spec); err == nil {
			t.Errorf("%s: no error", spec)
		}
	}
	if err := ring.Check(); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join("testdata", "private")
	for _, test := range []struct{ hint, algo, file string }{
		{"dev", "sha256,rsa2048", "rsa.pub"},
		{"rsa-pkcs8", "sha256,rsa2048", "rsa.pub"},
		{"ec-pkcs8", "sha256,ecdsa256", "ec.pub"},
		{"ed25519", "ed25519", "ed25519.pub"},
		{"rsa-pkcs8", "", "rsa.pub"},
	} {
		key, err := ring.Key(test.hint, test.algo, "testdata", dir)
		if err != nil {
			t.Fatal(err)
		}
		samePublic(t, key.Public(), test.file)
	}
	p, err := ring.Public("ec", dir)
	if err != nil {
		t.Fatal(err)
	}
	samePublic(t, p.Key, "ec.pub")
	for hint, want := range map[string]string{
		"nosuch": "there is no key 'nosuch': looked for 'testdata/private/nosuch.key', 'testdata/private/nosuch.pem'; say where it is with --key nosuch=REF",
		"../x":   "'../x' cannot be the name of a key",
		"":       "'' cannot be the name of a key",
	} {
		if _, err := ring.Key(hint, "sha256,rsa2048", dir); err == nil || err.Error() != want {
			t.Errorf("%s: got %v", hint, err)
		}
	}
	if _, err := ring.Key("nosuch", "", dir); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	if _, err := ring.Key("ec-pkcs8", "sha256,rsa2048", dir); err == nil || !strings.Contains(err.Error(), "key 'ec-pkcs8': cannot use key: algorithm") {
		t.Error(err)
	}
	if err := ring.Add("lost=nosuch.key"); err != nil {
		t.Fatal(err)
	}
	if err := ring.Check(); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "cannot use key 'lost'") {
		t.Error(err)
	}
	if got := ring.Unused(); len(got) != 1 || got[0] != "lost" {
		t.Errorf("unused: %q", got)
	}
}

func TestKeyringFile(t *testing.T) {
	text := "# keys of the release\n\ndev = x\nrel=exec:sign --profile a=b\n"
	o := signer.Options{ReadFile: func(string) ([]byte, error) { return []byte(text), nil }}
	ring := signer.NewKeyring(o)
	if err := ring.Add("@keys"); err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(ring.Hints(), ","); got != "dev,rel" {
		t.Errorf("got %q", got)
	}
	text = "x=y\nbad\n"
	if err := signer.NewKeyring(o).Add("@keys"); err == nil || !strings.HasPrefix(err.Error(), "keys:2: 'bad' does not say where a key is") {
		t.Error(err)
	}
}

// A certificate is in a file, or a program has it.
func TestCertificate(t *testing.T) {
	pem, err := os.ReadFile("testdata/rsa2048.crt")
	if err != nil {
		t.Fatal(err)
	}
	o := signer.Options{ReadFile: os.ReadFile, Run: func(_ context.Context, c signer.Command) ([]byte, error) {
		r, err := signer.ParseRequest(c.Stdin)
		if err != nil || r.Operation != signer.OpCertificate || c.Args[0] != "server" {
			t.Errorf("%q %s: %v", c.Args, c.Stdin, err)
		}
		return pem, nil
	}}
	file, err := signer.Certificate("testdata/rsa2048.crt", o)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := signer.Certificate("exec:server", o)
	if err != nil || !file.Equal(answer) {
		t.Errorf("the program's certificate is another one, error %v", err)
	}
	for ref, want := range map[string]string{
		"testdata/rsa512.key": "cannot use certificate 'testdata/rsa512.key': it is no certificate",
		"testdata/nosuch":     "no such file",
		"exec:":               "there is no command behind 'exec:'",
	} {
		if _, err := signer.Certificate(ref, o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %s", ref, err, want)
		}
	}
}

// fake is a program for exec: references, which has a key.
type fake struct {
	key  *signer.Signer
	last *signer.Request
	args []string
	bad  func(ctx context.Context, sig []byte) ([]byte, error)
	raw  bool // ECDSA as r‖s
}

func (f *fake) run(ctx context.Context, c signer.Command) ([]byte, error) {
	r, err := signer.ParseRequest(c.Stdin)
	if err != nil {
		return nil, err
	}
	f.last, f.args = r, c.Args
	if r.Operation == signer.OpPublicKey {
		der, err := x509.MarshalPKIXPublicKey(f.key.Public())
		return der, err
	}
	var opts crypto.SignerOpts = crypto.SHA256
	switch {
	case strings.HasPrefix(r.Algorithm, "rsa-pss"):
		opts = &rsa.PSSOptions{SaltLength: r.SaltLength, Hash: crypto.SHA256}
	case r.Algorithm == signer.AlgoEd25519:
		opts = crypto.Hash(0)
	}
	sig, err := f.key.Sign(nil, r.Digest, opts)
	if f.raw {
		var v struct{ R, S *big.Int }
		if _, err := asn1.Unmarshal(sig, &v); err != nil {
			return nil, err
		}
		sig = append(v.R.FillBytes(make([]byte, 32)), v.S.FillBytes(make([]byte, 32))...)
	}
	if err == nil && f.bad != nil {
		return f.bad(ctx, sig)
	}
	return sig, err
}

func TestExec(t *testing.T) {
	sum := sha256.Sum256([]byte("firmware"))
	for _, test := range []struct {
		file string
		opts crypto.SignerOpts
		algo string
		raw  bool
	}{
		{"rsa-pkcs8.key", crypto.SHA256, "rsa-pkcs1v15-sha256", false},
		{"rsa-pkcs8.key", &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: crypto.SHA256}, "rsa-pss-sha256", false},
		{"ec-pkcs8.key", crypto.SHA256, "ecdsa-sha256", false},
		{"ec-pkcs8.key", crypto.SHA256, "ecdsa-sha256", true},
		{"ed25519.key", crypto.Hash(0), "ed25519", false},
	} {
		t.Run(test.algo, func(t *testing.T) {
			f := &fake{key: open(t, test.file, files(t, nil)), raw: test.raw}
			s, err := signer.Open("rel", `exec:sign 'a b' c\ d --x="1 2"`, signer.Options{Run: f.run})
			if err != nil {
				t.Fatal(err)
			}
			sig, err := s.Sign(nil, sum[:], test.opts)
			if err != nil {
				t.Fatal(err)
			}
			if f.last.Algorithm != test.algo || f.last.Key != "rel" || !bytes.Equal(f.last.Digest, sum[:]) {
				t.Errorf("asked %+v", f.last)
			}
			if got := fmt.Sprintf("%q", f.args); got != `["sign" "a b" "c d" "--x=1 2"]` {
				t.Errorf("ran %s", got)
			}
			if err := f.key.Verifier().Verify(sum[:], sig, test.opts); err != nil {
				t.Error(err)
			}
		})
	}
}

// One program serves several keys: it is asked for each by its hint.
func TestExecSeveral(t *testing.T) {
	keys := map[string]*fake{"a": {key: open(t, "rsa-pkcs8.key", files(t, nil))}, "b": {key: open(t, "ec-pkcs8.key", files(t, nil))}}
	ring := signer.NewKeyring(signer.Options{Run: func(ctx context.Context, c signer.Command) ([]byte, error) {
		r, err := signer.ParseRequest(c.Stdin)
		if err != nil {
			return nil, err
		}
		return keys[r.Key].run(ctx, c)
	}})
	for _, hint := range []string{"a", "b"} {
		if err := ring.Add(hint + "=exec:sign"); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 {
		for hint, f := range keys {
			s, err := ring.Signer(hint, "")
			if err != nil {
				t.Fatal(err)
			}
			public, err := ring.Public(hint)
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(s.Public(), f.key.Public()) || !reflect.DeepEqual(public.Key, f.key.Public()) {
				t.Errorf("'%s' is the key of another hint", hint)
			}
		}
	}
}

func TestExecErrors(t *testing.T) {
	sum := sha256.Sum256([]byte("firmware"))
	f := &fake{key: open(t, "rsa-pkcs8.key", files(t, nil))}
	s, err := signer.Open("rel", "exec:sign", signer.Options{Run: f.run, Timeout: 20 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	for want, bad := range map[string]func(context.Context, []byte) ([]byte, error){
		"'sign' failed: it is closed":                          func(context.Context, []byte) ([]byte, error) { return nil, errors.New("it is closed") },
		"'sign' ended well but printed nothing":                func(context.Context, []byte) ([]byte, error) { return nil, nil },
		"'sign' gave no answer within 20ms; --sign-timeout":    func(ctx context.Context, _ []byte) ([]byte, error) { <-ctx.Done(); return nil, ctx.Err() },
		"answered with 256 bytes that are no signature of its": func(_ context.Context, sig []byte) ([]byte, error) { sig[9] ^= 1; return sig, nil },
		"answered with 2 bytes":                                func(context.Context, []byte) ([]byte, error) { return []byte("ok"), nil },
	} {
		f.bad = bad
		if sig, err := s.Sign(nil, sum[:], crypto.SHA256); sig != nil || err == nil || !strings.Contains(err.Error(), "cannot sign with key 'rel': ") || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
	for ref, want := range map[string]string{
		"exec:":         "there is no command behind 'exec:'",
		"exec:a 'b":     "the quotes in the command 'a 'b' do not match",
		"pkcs11:x=y":    "a pkcs11: URI has no 'x'",
		"pkcs11:object": "not of the form name=value",
	} {
		if _, err := signer.Open("rel", ref, signer.Options{Run: f.run}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", ref, err, want)
		}
	}
	text := func(context.Context, signer.Command) ([]byte, error) { return []byte("hello"), nil }
	if _, err := signer.Open("rel", "exec:sign", signer.Options{Run: text}); err == nil || !strings.Contains(err.Error(), "'sign' was asked for the public key: no certificate and no key") {
		t.Error(err)
	}
}

// The PIN is in no argument and in no message.
func TestToken(t *testing.T) {
	f := &fake{key: open(t, "rsa-pkcs8.key", files(t, nil))}
	for _, test := range []struct {
		uri, pin string
		env      map[string]string
	}{
		{"pkcs11:token=a%20b;object=k?pin-value=12%2034", "12 34", nil},
		{"pkcs11:token=a?pin-source=file:pin", "5678", nil},
		{"pkcs11:token=a", "1", map[string]string{signer.EnvPIN: "1", signer.EnvPINMkimage: "2"}},
		{"pkcs11:token=a", "2", map[string]string{signer.EnvPINMkimage: "2"}},
	} {
		o := signer.Options{Run: f.run, LookupEnv: func(name string) (string, bool) { v, ok := test.env[name]; return v, ok },
			ReadFile: func(string) ([]byte, error) { return []byte("5678\n"), nil }}
		s, err := signer.Open("", test.uri, o)
		if err != nil {
			t.Fatal(err)
		}
		if f.last.PIN != test.pin || f.last.Key != test.uri || fmt.Sprint(f.args) != "[binman-pkcs11]" {
			t.Errorf("%s: ran %q with %+v", test.uri, f.args, f.last)
		}
		if strings.Contains(s.Name, "12%2034") {
			t.Errorf("the name %s has the PIN", s.Name)
		}
	}
}

func FuzzReadPrivateKey(f *testing.F) {
	for _, name := range []string{"rsa-pkcs1.der", "rsa-pbes2.der", "ec-sec1.der", "ed25519.key", "rsa-old-des3.key", "ec-params.key"} {
		data, err := os.ReadFile(private(name))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		key, err := signer.ReadPrivateKey(data, func() ([]byte, error) { return nil, signer.ErrNoPassphrase })
		if (key == nil) == (err == nil) {
			t.Errorf("key %v, error %v", key, err)
		}
	})
}

func FuzzParseRequest(f *testing.F) {
	f.Add([]byte("protocol: 1\noperation: sign\nkey: a\nalgorithm: ecdsa-sha256\ndigest: 00ff\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		r, err := signer.ParseRequest(text)
		if err != nil || r.Operation != signer.OpSign {
			return
		}
		again, err := signer.ParseRequest(r.Marshal())
		if err != nil {
			t.Fatalf("%v\n%s", err, r.Marshal())
		}
		if !bytes.Equal(again.Digest, r.Digest) || again.Algorithm != strings.ReplaceAll(r.Algorithm, "\r", "") {
			t.Errorf("%+v became %+v", r, again)
		}
	})
}

// What is told of a file with ten thousand blocks, or of a line that is none, is short.
func TestManyBlocks(t *testing.T) {
	var file []byte
	for i := range 10000 {
		file = append(file, pem.EncodeToMemory(&pem.Block{Type: fmt.Sprintf("KIND %d", i%20)})...)
	}
	const want = "KIND 0, KIND 1, KIND 2, KIND 3, KIND 4, KIND 5, KIND 6, KIND 7, …"
	if _, err := signer.ReadPrivateKey(file, nil); !errors.Is(err, signer.ErrNoKey) || !strings.HasSuffix(err.Error(), want) {
		t.Errorf("got %.300v", err)
	}
	if _, err := signer.ReadPublicKey(file); !errors.Is(err, signer.ErrNoKey) || !strings.HasSuffix(err.Error(), want) {
		t.Errorf("got %.300v", err)
	}
	if err := signer.NewKeyring(signer.Options{}).Add(strings.Repeat("x", 100000)); err == nil || len(err.Error()) > 250 {
		t.Errorf("got %.300v", err)
	}
}
