// SPDX-License-Identifier: GPL-2.0-or-later

package pe

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"binman/format/verify"
	"binman/internal/judge"
)

// program returns an application for x86-64 with two sections, one with a long name.
func program() []byte {
	const optional, head = 240, 0x400
	b := make([]byte, head)
	copy(b, "MZ")
	le.PutUint32(b[60:], 64)
	h := b[64:]
	copy(h, "PE\x00\x00\x64\x86\x02\x00")
	le.PutUint32(h[12:], 0x800) // no symbols, the long names
	le.PutUint16(h[20:], optional)
	le.PutUint16(h[22:], 0x22)
	le.PutUint16(h[24:], 0x20b)
	for at, v := range map[int]uint32{40: 0x1000, 56: 0x1000, 60: 0x200, 80: 0x3000, 84: head, tableAt64 - 4: 16} {
		le.PutUint32(h[at:], v)
	}
	le.PutUint16(h[subsystemAt:], 10)
	for i, name := range []string{".text", "/4"} {
		s := h[coffHeader+optional+i*section:]
		copy(s, name)
		for k, v := range []uint32{0x180, uint32(0x1000 * (i + 1)), 0x200, uint32(head + 0x200*i)} {
			le.PutUint32(s[8+4*k:], v)
		}
		le.PutUint32(s[36:], 0x60000020)
	}
	b = append(b, bytes.Repeat([]byte("code"), 0x80)...)
	b = append(b, bytes.Repeat([]byte("data"), 0x80)...)
	return append(b, "\x17\x00\x00\x00a.long.name.of.it\x00..."...)
}

func view(t testing.TB, b []byte, keys ...verify.Key) string {
	t.Helper()
	r := bytes.NewReader(b)
	f, err := Parse(r, r.Size())
	if err != nil {
		return "error: " + err.Error()
	}
	var text strings.Builder
	for _, d := range f.Details() {
		fmt.Fprintf(&text, "%s\n", d)
	}
	for _, it := range f.List() {
		fmt.Fprintf(&text, "%s: %s, %#x+%#x\n", it.Name, it.Type, it.Offset, it.Size)
	}
	list, err := f.Verify(r, r.Size(), keys)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range list {
		fmt.Fprintf(&text, "%s: %s %v %s\n", f.What, f.Verdict, f.Signed, f.Why)
	}
	return text.String()
}

func TestFile(t *testing.T) {
	const want = `arch x86_64
kind EFI application
entry-offset 0x1000
.text: section, 0x400+0x200
a.long.name.of.it: section, 0x600+0x200
structure: good false 
contents: not covered false the program is not signed
`
	if got := view(t, program()); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	b := program()
	if got := view(t, b[:0x700]); !strings.Contains(got, "structure: bad false the header names 0x800 bytes, and there are 0x700: it is cut off") {
		t.Error(got)
	}
	b[0x40+subsystemAt] = 3
	if Detect(bytes.NewReader(b), int64(len(b))) {
		t.Error("a program for Windows is taken for one of UEFI")
	}
}

// certificate returns a certificate of a key.
func certificate(t *testing.T, key crypto.Signer) *x509.Certificate {
	t.Helper()
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "signer"}, NotAfter: time.Unix(1<<32, 0)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

// What sbsign has signed is judged, and a change anywhere is found.
func TestSigned(t *testing.T) {
	tool := judge.Need(t, "sbsign")
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	other, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	file := func(name string) string { return filepath.Join(dir, name) }
	for name, b := range map[string][]byte{
		"key": pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), "program": program()[:0x800],
		"cert": pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate(t, key).Raw}),
	} {
		if err := os.WriteFile(file(name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if out, err := exec.Command(tool, "--key", file("key"), "--cert", file("cert"), "--output", file("signed"), file("program")).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	b, err := os.ReadFile(file("signed"))
	if err != nil {
		t.Fatal(err)
	}
	good := verify.Key{Public: &key.PublicKey}
	for _, test := range []struct {
		want string
		keys []verify.Key
	}{
		{"signature PKCS #7 sha256, certificate of CN=signer: good true \n", []verify.Key{{Public: &other.PublicKey}, good}},
		{"signature PKCS #7 sha256, certificate of CN=signer: not covered false it holds for", nil},
		{"signature PKCS #7 sha256, certificate of CN=signer: bad false none of the keys", []verify.Key{{Public: &other.PublicKey}}},
	} {
		if got := view(t, b, test.keys...); !strings.Contains(got, test.want) || !strings.Contains(got, "(CN=signer)") {
			t.Errorf("got\n%s\nwant %s", got, test.want)
		}
	}
	before := view(t, b, good)
	for i := range b[:0x800] {
		changed := slices.Clone(b)
		changed[i] ^= 0x11
		got := view(t, changed, good)
		sum := i >= 64+checksumAt && i < 64+checksumAt+4 // not signed
		if !sum && !strings.HasPrefix(got, "error") && !strings.Contains(got, ": bad ") && !strings.Contains(got, "is not signed") {
			t.Errorf("byte %#x changed, and nothing is told:\n%s\nbefore\n%s", i, got, before)
		}
	}
}

// What osslsigncode has signed is judged with each hash, and by keys of both kinds; SHA-1
// is told to be weak, MD5 is not known.
func TestHashes(t *testing.T) {
	tool := judge.Need(t, "osslsigncode")
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	ecKey, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	file := func(name string) string { return filepath.Join(dir, name) }
	write := func(name string, b []byte) {
		if err := os.WriteFile(file(name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("program", program()[:0x800])
	for kind, key := range map[string]crypto.Signer{"rsa": rsaKey, "ecdsa": ecKey} {
		der, err := x509.MarshalPKCS8PrivateKey(key)
		if err != nil {
			t.Fatal(err)
		}
		write("key", pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
		write("cert", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate(t, key).Raw}))
		for _, hash := range []string{"md5", "sha1", "sha256", "sha384", "sha512"} {
			signed := file(kind + hash)
			if out, err := exec.Command(tool, "sign", "-h", hash, "-certs", file("cert"), "-key", file("key"), "-in", file("program"), "-out", signed).CombinedOutput(); err != nil {
				if hash != "md5" { // it may be switched off
					t.Errorf("%s %s: %v\n%s", kind, hash, err, out)
				}
				continue
			}
			b, err := os.ReadFile(signed)
			if err != nil {
				t.Fatal(err)
			}
			judged := func(b []byte) verify.Finding {
				f, err := Parse(bytes.NewReader(b), int64(len(b)))
				if err != nil {
					t.Fatal(err)
				}
				list, err := f.Verify(bytes.NewReader(b), int64(len(b)), []verify.Key{{Public: key.Public()}})
				if err != nil || len(list) != 2 {
					t.Fatalf("%v, %v", list, err)
				}
				return list[1]
			}
			f := judged(b)
			if hash == "md5" {
				if f.Verdict != verify.Bad || !strings.Contains(f.Why, "is not known") {
					t.Errorf("%s %s: %+v", kind, hash, f)
				}
				continue
			}
			want := "signature PKCS #7 " + hash + ", certificate of CN=signer"
			if f.What != want || f.Verdict != verify.Good || !f.Signed || (f.Warn != "") != (hash == "sha1") {
				t.Errorf("%s %s: %+v", kind, hash, f)
			}
			b[0x410] ^= 1
			if f := judged(b); f.Verdict != verify.Bad || f.Why != errHash.Error() {
				t.Errorf("%s %s: changed, and it is %+v", kind, hash, f)
			}
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(program())
	b := program()
	le.PutUint32(b[64+tableAt64+32:], uint32(len(b)&^7))
	le.PutUint32(b[64+tableAt64+36:], 0x40)
	f.Add(append(b[:len(b)&^7], append([]byte{0x40, 0, 0, 0, 0, 2, 2, 0, 0x30, 0x30}, make([]byte, 0x36)...)...))
	f.Fuzz(func(t *testing.T, b []byte) {
		r := bytes.NewReader(b)
		file, err := Parse(r, r.Size())
		if err != nil {
			return
		}
		for _, it := range file.List() {
			if it.Offset < 0 || it.Size <= 0 || it.Offset+it.Size > file.Size {
				t.Errorf("%s: %#x+%#x", it.Name, it.Offset, it.Size)
			}
		}
		file.Details()
		if list, err := file.Verify(r, r.Size(), nil); err != nil || len(list) == 0 {
			t.Errorf("%v, %v", list, err)
		}
	})
}
