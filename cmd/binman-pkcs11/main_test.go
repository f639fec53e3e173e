// SPDX-License-Identifier: GPL-2.0-or-later

//go:build pkcs11

package main

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"binman/internal/host"
	"binman/internal/judge"
	"binman/signer"
)

// TestMain makes the test binary the program when it is called like it.
func TestMain(m *testing.M) {
	if filepath.Base(os.Args[0]) == signer.TokenProgram {
		main()
		os.Exit(0)
	}
	os.Exit(m.Run())
}

const pin = "123456"

// hsm is a SoftHSM with tokens of its own.
type hsm struct {
	t      *testing.T
	module string
	dir    string
	keys   signer.Options
}

func newHSM(t *testing.T) *hsm {
	h := &hsm{t: t, dir: filepath.Join(t.TempDir(), "tokens")}
	for _, module := range []string{"/usr/lib/softhsm/libsofthsm2.so", "/usr/local/lib/softhsm/libsofthsm2.so", "/usr/lib64/pkcs11/libsofthsm2.so"} {
		if _, err := os.Stat(module); err == nil {
			h.module = module
			break
		}
	}
	if h.module == "" {
		judge.Missing(t, "SoftHSM")
	}
	if err := os.Mkdir(h.dir, 0o700); err != nil {
		t.Fatal(err)
	}
	conf := filepath.Join(t.TempDir(), "softhsm2.conf")
	if err := os.WriteFile(conf, []byte("directories.tokendir = "+h.dir+"\nobjectstore.backend = file\nlog.level = ERROR\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("SOFTHSM2_CONF", conf)
	t.Setenv("PKCS11_MODULE_PATH", h.module)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	h.keys = host.Keys()
	h.keys.Prompt = nil
	h.keys.PKCS11 = filepath.Join(t.TempDir(), signer.TokenProgram)
	if err := os.Symlink(self, h.keys.PKCS11); err != nil {
		t.Fatal(err)
	}
	return h
}

func (h *hsm) run(name string, args ...string) string {
	h.t.Helper()
	out, err := exec.Command(judge.Need(h.t, name), args...).CombinedOutput()
	if err != nil {
		h.t.Fatalf("%s %q: %v\n%s", name, args, err, out)
	}
	return string(out)
}

// token makes a token with a key of each kind, with ids 01 and 02, and returns
// its serial number.
func (h *hsm) token(label string) string {
	h.t.Helper()
	out := h.run("softhsm2-util", "--init-token", "--free", "--label", label, "--pin", pin, "--so-pin", "87654321")
	slot := regexp.MustCompile(`slot (\d+)`).FindStringSubmatch(out)
	if slot == nil {
		h.t.Fatalf("no slot in %q", out)
	}
	for id, kind := range map[string]string{"01": "rsa:2048", "02": "EC:prime256v1"} {
		h.run("pkcs11-tool", "--module", h.module, "--slot", slot[1], "--login", "--pin", pin,
			"--keypairgen", "--key-type", kind, "--id", id, "--label", kind[:strings.IndexByte(kind, ':')])
	}
	list := h.run("pkcs11-tool", "--module", h.module, "--list-token-slots")
	serials := regexp.MustCompile(`serial num\s*: (\S+)`).FindAllStringSubmatch(list, -1)
	return serials[0][1]
}

func (h *hsm) open(uri string) (*signer.Signer, error) { return signer.Open("", uri, h.keys) }

var sum = sha256.Sum256([]byte("firmware"))

func TestSign(t *testing.T) {
	h := newHSM(t)
	serial := h.token("release keys")
	t.Setenv(signer.EnvPIN, pin)
	pinFile := filepath.Join(t.TempDir(), "pin")
	if err := os.WriteFile(pinFile, []byte(pin+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	pss := &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: crypto.SHA256}
	for _, test := range []struct {
		uri  string
		opts crypto.SignerOpts
		algo string
	}{
		{"pkcs11:token=release%20keys;object=rsa", crypto.SHA256, "rsa2048"},
		{"pkcs11:token=release%20keys;object=rsa", pss, "rsa2048"},
		{"pkcs11:object=EC?pin-value=" + pin, crypto.SHA256, "ecdsa256"},
		{"pkcs11:serial=" + serial + ";id=%02?pin-source=file:" + pinFile, crypto.SHA256, "ecdsa256"},
		{"pkcs11:model=SoftHSM%20v2;id=%01;type=private?module-path=" + h.module, crypto.SHA256, "rsa2048"},
	} {
		t.Run(fmt.Sprint(test.uri, test.opts.HashFunc()), func(t *testing.T) {
			s, err := h.open(test.uri) // Sign verifies
			if err != nil {
				t.Fatal(err)
			}
			if err := signer.CheckFor(test.algo, s.Public()); err != nil {
				t.Error(err)
			}
			if _, err := s.Sign(nil, sum[:], test.opts); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestErrors(t *testing.T) {
	h := newHSM(t)
	h.token("one")
	for uri, want := range map[string]string{
		"pkcs11:token=one;object=rsa?pin-value=000000":             "wrong PIN for the token 'one'",
		"pkcs11:token=two;object=rsa?pin-value=" + pin:             "no token matches the URI; there are 'one'",
		"pkcs11:token=one;object=dsa?pin-value=" + pin:             "the token 'one' has no such key",
		"pkcs11:token=one?pin-value=" + pin:                        "the token 'one' has several such objects; choose one by object= and id=",
		"pkcs11:token=one;slot-description=x?pin-value=" + pin:     "'slot-description' in a pkcs11: URI is not supported",
		"pkcs11:token=one?module-path=/nosuch.so&pin-value=" + pin: "'/nosuch.so': cannot load it; name the token's library",
		"pkcs11:token=one;object=rsa":                              "set PKCS11_PIN or MKIMAGE_SIGN_PIN",
		"pkcs11:token=one;object=rsa?pin-source=/nosuch":           "/nosuch",
	} {
		_, err := h.open(uri)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", uri, err, want)
		} else if strings.Contains(err.Error(), pin) {
			t.Errorf("the PIN is in %q", err)
		}
	}
}

// Certificates are on tokens too, beside keys of the same name.
func TestCertificate(t *testing.T) {
	h := newHSM(t)
	h.token("one")
	t.Setenv(signer.EnvPIN, pin)
	given, err := signer.Certificate("../../signer/testdata/rsa2048.crt", h.keys)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "certificate.der")
	if err := os.WriteFile(file, given.Raw, 0o666); err != nil {
		t.Fatal(err)
	}
	h.run("pkcs11-tool", "--module", h.module, "--token-label", "one", "--login", "--pin", pin, "--write-object", file, "--type", "cert", "--id", "01", "--label", "rsa")
	cert, err := signer.Certificate("pkcs11:token=one;object=rsa", h.keys)
	if err != nil {
		t.Fatal(err)
	}
	if !cert.Equal(given) {
		t.Errorf("%x, not %x", cert.Raw, given.Raw)
	}
	_, err = signer.Certificate("pkcs11:token=one;object=EC", h.keys)
	if want := "the token 'one' has no such certificate"; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("error %v, want %s", err, want)
	}
}

// A token that is taken away between two signatures is an error of the second.
func TestGone(t *testing.T) {
	h := newHSM(t)
	h.token("one")
	s, err := h.open("pkcs11:token=one;object=rsa?pin-value=" + pin)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Sign(nil, sum[:], crypto.SHA256); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(h.dir, h.dir+".away"); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(h.dir, 0o700); err != nil {
		t.Fatal(err)
	}
	sig, err := s.Sign(nil, sum[:], crypto.SHA256)
	if sig != nil || err == nil || !strings.Contains(err.Error(), "there is no token") {
		t.Errorf("got %v", err)
	}
}

// Of two tokens with one label, the serial number chooses.
func TestTwins(t *testing.T) {
	h := newHSM(t)
	first := h.token("twin")
	h.token("twin")
	_, err := h.open("pkcs11:token=twin;object=rsa?pin-value=" + pin)
	if err == nil || !strings.Contains(err.Error(), "2 tokens match the URI; choose one by its serial=, of ") || !strings.Contains(err.Error(), first) {
		t.Errorf("got %v", err)
	}
	s, err := h.open("pkcs11:token=twin;serial=" + first + ";object=rsa?pin-value=" + pin)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Sign(nil, sum[:], crypto.SHA256); err != nil {
		t.Error(err)
	}
}

// Many threads sign at once.
func TestParallel(t *testing.T) {
	h := newHSM(t)
	h.token("one")
	ring := signer.NewKeyring(h.keys)
	for hint, object := range map[string]string{"a": "rsa", "b": "EC"} {
		if err := ring.Add(hint + "=pkcs11:token=one;object=" + object + "?pin-value=" + pin); err != nil {
			t.Fatal(err)
		}
	}
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			key, err := ring.Key([]string{"a", "b"}[i%2], "")
			if err != nil {
				t.Error(err)
				return
			}
			if _, err := key.Sign(nil, sum[:], crypto.SHA256); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}
