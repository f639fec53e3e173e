// SPDX-License-Identifier: GPL-2.0-or-later

package fit_test

import (
	"bytes"
	"crypto"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"binman/content"
	"binman/format/fit"
	"binman/format/verify"
)

// resign signs a FIT with a key, whatever its nodes name.
func resign(data []byte, key, algo, version string) ([]byte, error) {
	p := protection(version)
	ring := p.Key
	p.Key = func(hint, algo string) (crypto.Signer, error) { return ring(key, algo) }
	p.Algo = algo
	out, err := fit.Resign(content.Bytes(data), p)
	if err != nil {
		return nil, err
	}
	return out.Bytes()
}

// A FIT that is signed again holds what it held, is good by the new key, and, with
// its data in the device tree, has mkimage's bytes.
func TestResign(t *testing.T) {
	tool, version := recentMkimage(t)
	compared := 0
	for seed := range 100 {
		src, layout := generated(rand.New(rand.NewPCG(uint64(seed), 2)))
		s := source(t, src)
		layouts[layout].set(s)
		if seed%2 == 0 {
			s.Protect = protection("before")
		}
		made, err := s.Write(nil)
		if err != nil {
			t.Fatal(err)
		}
		old, err := made.Data.Bytes()
		if err != nil {
			t.Fatal(err)
		}
		got, err := resign(old, "rsa3072", "sha512,rsa3072", version)
		if !strings.Contains(src, "signature") {
			if !errors.Is(err, fit.ErrNothing) {
				t.Errorf("seed %d: error %v", seed, err)
			}
			continue
		}
		if err != nil {
			t.Fatalf("seed %d, %s: %v", seed, layouts[layout].name, err)
		}
		f, err := parse(got)
		if err != nil {
			t.Fatal(err)
		}
		list, err := f.Verify(bytes.NewReader(got), int64(len(got)), []verify.Key{public(t, "rsa3072")})
		if err != nil {
			t.Fatal(err)
		}
		before, _ := parse(old)
		for i, im := range f.Images {
			was := before.Images[i]
			if !bytes.Equal(got[im.Offset:][:im.Size], old[was.Offset:][:was.Size]) || im.Storage != was.Storage || im.Storage == fit.Position && im.Offset != was.Offset {
				t.Errorf("seed %d: image %s has changed", seed, im.Name)
			}
		}
		for _, x := range list {
			if strings.HasPrefix(x.What, "signature ") && x.Verdict != verify.Good && !strings.Contains(x.Why, "does not cover") {
				t.Errorf("seed %d: %+v", seed, x)
			}
		}
		if tool == "" || layouts[layout].name == "external" || s.External {
			continue
		}
		compared++
		file := filepath.Join(t.TempDir(), "fit")
		if err := os.WriteFile(file, old, 0o666); err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command(tool, "-G", filepath.Join(keyDir, "rsa3072.key"), "-r", "-o", "sha512,rsa3072", "-F", file)
		cmd.Env = append(os.Environ(), fmt.Sprintf("SOURCE_DATE_EPOCH=%d", stamp(t, f)))
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("seed %d: %#x bytes differ from mkimage's %#x", seed, len(got), len(want))
		}
	}
	t.Logf("%d compared with mkimage", compared)
}

func stamp(t *testing.T, f *fit.FIT) uint32 {
	t.Helper()
	v, _, err := f.Tree.Root.U32("timestamp")
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// What has changed since it was made is not signed.
func TestResignErrors(t *testing.T) {
	s := source(t, signedSource)
	s.Protect = nil
	data := write(t, s)
	at := bytes.Index(data, []byte("a kernel"))
	changed := bytes.Clone(data)
	changed[at]++
	if _, err := resign(changed, "rsa2048", "sha256,rsa2048", "1"); err == nil || !strings.Contains(err.Error(), "hash does not match") {
		t.Errorf("changed data: error %v", err)
	}
	if _, err := resign(data, "nobody", "sha256,rsa2048", "1"); err == nil || !strings.Contains(err.Error(), "there is no key 'nobody'") {
		t.Errorf("no key: error %v", err)
	}
	if _, err := resign([]byte("no FIT"), "rsa2048", "sha256,rsa2048", "1"); err == nil {
		t.Error("what is no FIT is signed")
	}
}
