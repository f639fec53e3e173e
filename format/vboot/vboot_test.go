// SPDX-License-Identifier: GPL-2.0-or-later

package vboot

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha512"
	"crypto/x509"
	"errors"
	"fmt"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"binman/content"
	"binman/format/verify"
	"binman/internal/golden"
	"binman/internal/judge"
)

// testKey reads a private key of those in testdata, which are for tests only.
func testKey(t testing.TB, name string) *rsa.PrivateKey {
	t.Helper()
	der, err := os.ReadFile("testdata/" + name + ".der")
	if err != nil {
		t.Fatal(err)
	}
	key, err := x509.ParsePKCS1PrivateKey(der)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// pair is a key with its algorithm.
type pair struct {
	algo Algorithm
	key  *rsa.PrivateKey
}

// public returns the file .vbpubk.
func (p pair) public(version uint64) []byte {
	size := p.key.Size()
	b := make([]byte, keyHeader+8+2*size)
	le.PutUint64(b, keyHeader)
	le.PutUint64(b[8:], uint64(8+2*size))
	le.PutUint64(b[16:], uint64(p.algo))
	le.PutUint64(b[24:], version)
	le.PutUint32(b[32:], uint32(size/4))
	word := new(big.Int).Lsh(big.NewInt(1), 32)
	inverse := new(big.Int).ModInverse(new(big.Int).Mod(p.key.N, word), word)
	le.PutUint32(b[36:], uint32(new(big.Int).Sub(word, inverse).Uint64()))
	rr := new(big.Int).Mod(new(big.Int).Lsh(big.NewInt(1), uint(16*size)), p.key.N)
	for at, n := range map[int]*big.Int{40: p.key.N, 40 + size: rr} {
		n.FillBytes(b[at : at+size])
		slices.Reverse(b[at : at+size])
	}
	return b
}

// private returns the file .vbprivk.
func (p pair) private() []byte {
	return append(le.AppendUint64(nil, uint64(p.algo)), x509.MarshalPKCS1PrivateKey(p.key)...)
}

// keyblock returns the file .keyblock for the key, signed by another.
func (p pair) keyblock(t testing.TB, root pair, flags uint64) []byte {
	t.Helper()
	file := p.public(1)
	data := int64(len(file) - keyHeader)
	sig := int64(root.key.Size())
	signed := keyblockHeader + data
	b := make([]byte, signed+sha512.Size+sig)
	copy(b, keyblockMagic)
	le.PutUint32(b[8:], 2)
	le.PutUint32(b[12:], 1)
	le.PutUint64(b[16:], uint64(len(b)))
	putSignature(b[24:], signed+sha512.Size-24, sig, signed)
	putSignature(b[48:], signed-48, sha512.Size, signed)
	le.PutUint64(b[72:], flags)
	copy(b[80:], file[:keyHeader])
	le.PutUint64(b[80:], keyHeader)
	copy(b[keyblockHeader:], file[keyHeader:])
	sum := sha512.Sum512(b[:signed])
	copy(b[signed:], sum[:])
	if err := signInto(b[signed+sha512.Size:], root.key, root.algo.Hash(), sumOf(root.algo.Hash(), b[:signed])); err != nil {
		t.Fatal(err)
	}
	return b
}

// The keys that tests of other packages use are made of those here.
func TestDevKeys(t *testing.T) {
	root, data := pair{8, testKey(t, "rsa4096")}, pair{4, testKey(t, "rsa2048")}
	if *golden.Update {
		if err := os.MkdirAll("testdata/devkeys", 0o777); err != nil {
			t.Fatal(err)
		}
	}
	for name, file := range map[string][]byte{
		"root_key.vbpubk":           root.public(1),
		"recovery_key.vbpubk":       root.public(2),
		"firmware.keyblock":         data.keyblock(t, root, 7),
		"firmware_data_key.vbprivk": data.private(),
		"kernel_subkey.vbpubk":      data.public(3),
	} {
		golden.Compare(t, "devkeys/"+name, file)
	}
}

const firmware = "the firmware that is signed"

func sample(t testing.TB) (pair, pair, []byte) {
	t.Helper()
	root, data := pair{8, testKey(t, "rsa4096")}, pair{4, testKey(t, "rsa2048")}
	return root, data, sign(t, data, data.keyblock(t, root, 7), data.public(3), 5, 0, firmware)
}

func sign(t testing.TB, data pair, keyblock, kernel []byte, version uint64, flags uint32, body string) []byte {
	t.Helper()
	k, err := ParseKeyblock(keyblock)
	if err != nil {
		t.Fatal(err)
	}
	sub, err := ParsePublicKey(kernel)
	if err != nil {
		t.Fatal(err)
	}
	f := Firmware{Keyblock: k, Version: version, Flags: flags, KernelKey: sub, Body: content.String(body)}
	b, err := f.Sign(data.key)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// verdicts returns the findings in short.
func verdicts(t testing.TB, block []byte, body string, keys ...verify.Key) string {
	t.Helper()
	b, err := Parse(bytes.NewReader(block), int64(len(block)))
	if err != nil {
		return "no block"
	}
	list, err := b.Verify(nil, 0, keys)
	if err != nil {
		t.Fatal(err)
	}
	f, err := b.VerifyBody(strings.NewReader(body), int64(len(body)))
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	for _, f := range append(list, f) {
		fmt.Fprintf(&text, "%s %s: %s\n", f.Path, f.What, f.Verdict)
	}
	return text.String()
}

func TestVerify(t *testing.T) {
	root, data, block := sample(t)
	trusted := verify.Key{Name: "root", Public: root.key.Public()}
	id := short(must(ParsePublicKey(data.public(1))))
	want := fmt.Sprintf(`keyblock sha512: good
keyblock signature sha512,: good
preamble signature sha256,rsa2048:%[1]s of the preamble: good
preamble signature sha256,rsa2048:%[1]s of the firmware: not covered
 signature sha256,rsa2048:%[1]s of the firmware: good
`, id)
	want = strings.Replace(want, "sha512,:", "sha512:root:", 1)
	if got := verdicts(t, block, firmware, trusted); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	if got := verdicts(t, block, firmware); !strings.Contains(got, "keyblock signature: not covered") {
		t.Errorf("without a key:\n%s", got)
	}
	other := pair{8, must(rsa.GenerateKey(rand.Reader, 4096))}
	if got := verdicts(t, block, firmware, verify.Key{Public: other.key.Public()}); !strings.Contains(got, "keyblock signature: bad") {
		t.Errorf("with another key:\n%s", got)
	}
	if got := verdicts(t, block, firmware+"more"); !strings.HasSuffix(got, "of the firmware: good\n") {
		t.Errorf("with more behind the firmware:\n%s", got)
	}
	for _, body := range []string{"", firmware[1:], "T" + firmware[1:]} {
		if got := verdicts(t, block, body); !strings.HasSuffix(got, "of the firmware: bad\n") {
			t.Errorf("with the firmware %q:\n%s", body, got)
		}
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// Whatever byte of a block is changed, or missing at its end: it is told, or it is
// no block any more.
func TestEveryByteCounts(t *testing.T) {
	root, _, block := sample(t)
	trusted := verify.Key{Public: root.key.Public()}
	for i := range block {
		changed := slices.Clone(block)
		changed[i] ^= 0x10
		if got := verdicts(t, changed, firmware, trusted); got != "no block" && !strings.Contains(got, ": bad") {
			t.Errorf("byte %#x changed:\n%s", i, got)
		}
		if got := verdicts(t, block[:i], firmware, trusted); got != "no block" {
			t.Errorf("cut at %#x:\n%s", i, got)
		}
	}
}

func TestSignRefusesOtherKey(t *testing.T) {
	root, data, _ := sample(t)
	k := must(ParseKeyblock(data.keyblock(t, root, 7)))
	f := Firmware{Keyblock: k, KernelKey: k.Key, Body: content.String("x")}
	if _, err := f.Sign(root.key); !errors.Is(err, ErrOtherKey) {
		t.Error(err)
	}
}

func TestParseRefuses(t *testing.T) {
	_, data, _ := sample(t)
	for name, change := range map[string]func([]byte){
		"algorithm":   func(b []byte) { b[16] = 18 },
		"other size":  func(b []byte) { b[16] = 7 },
		"words":       func(b []byte) { b[32]++ },
		"offset":      func(b []byte) { b[7] = 0xff },
		"size":        func(b []byte) { b[15] = 0x80 },
		"even":        func(b []byte) { b[40] &^= 1 },
		"short":       func(b []byte) { clear(b[40+255 : 40+256]) },
		"size by one": func(b []byte) { b[8]-- },
	} {
		b := data.public(1)
		change(b)
		if _, err := ParsePublicKey(b); !errors.Is(err, ErrFormat) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestMakeGBB(t *testing.T) {
	_, data, _ := sample(t)
	files := GBBFiles{Flags: 0x8001, ID: "GENERIC TEST 1234", RootKey: content.Bytes(data.public(1)), RecoveryKey: content.Bytes(data.public(2)), Bitmaps: content.String("bitmaps")}
	b := must(must(MakeGBB(0x3000, files)).Bytes())
	g := must(ParseGBB(bytes.NewReader(b), int64(len(b))))
	if g.ID != files.ID || g.Size() != 0x3000 || g.FlagText() != "dev-screen-short-delay disable-dwmp" || !g.root.Same(must(ParsePublicKey(data.public(1)))) || g.recovery.Version != 2 {
		t.Errorf("%+v", g)
	}
	for _, bad := range []struct {
		size   int64
		change func(*GBBFiles)
		want   string
	}{
		{LeastGBB - 1, func(*GBBFiles) {}, "a block has 0x2180 to"},
		{1 << 32, func(*GBBFiles) {}, "a block has 0x2180 to"},
		{LeastGBB, func(*GBBFiles) {}, "the file with bitmaps has 0x7 bytes, which exceeds its capacity (0x0)"},
		{0x3000, func(f *GBBFiles) { f.ID = strings.Repeat("x", 256) }, "null-terminated HWID exceeds capacity (256)"},
		{0x3000, func(f *GBBFiles) { f.RootKey = content.Fill(0, 0x1001) }, "the root key has 0x1001 bytes"},
	} {
		f := files
		bad.change(&f)
		if _, err := MakeGBB(bad.size, f); err == nil || !strings.HasPrefix(err.Error(), bad.want) {
			t.Errorf("want %q, got %v", bad.want, err)
		}
	}
	list := must(g.Verify(nil, 0, nil))
	if verify.Count(list, verify.Bad) != 0 {
		t.Error(list)
	}
	b[gbbHeader] ^= 1
	if list := must(must(ParseGBB(bytes.NewReader(b), int64(len(b)))).Verify(nil, 0, nil)); verify.Count(list, verify.Bad) != 1 {
		t.Error(list)
	}
}

// futility makes the same blocks of the same keys and files.
func TestLikeFutility(t *testing.T) {
	futility := judge.Need(t, "futility")
	dir := t.TempDir()
	file := func(name string, b []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	run := func(args ...string) {
		t.Helper()
		if out, err := exec.Command(futility, args...).CombinedOutput(); err != nil {
			t.Fatalf("futility %s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
	same := func(what, path string, got []byte) {
		t.Helper()
		if want, err := os.ReadFile(path); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s: not the bytes that futility makes (%v)", what, err)
		}
	}
	root := pair{8, testKey(t, "rsa4096")}
	rootPrivate, rootPublic := file("root.vbprivk", root.private()), file("root.vbpubk", root.public(1))
	for _, data := range []pair{{3, testKey(t, "rsa2048")}, {4, testKey(t, "rsa2048")}, {5, testKey(t, "rsa2048")}, {7, testKey(t, "rsa4096")}, {13, testKey(t, "rsa2048e3")}} {
		public, private := file("data.vbpubk", data.public(1)), file("data.vbprivk", data.private())
		block := filepath.Join(dir, "data.keyblock")
		run("vbutil_keyblock", "--pack", block, "--datapubkey", public, "--signprivate", rootPrivate, "--flags", "7")
		keyblock := data.keyblock(t, root, 7)
		same("keyblock", block, keyblock)
		for _, size := range []int{1, 100, 0x1001} {
			body := strings.Repeat("b", size)
			vblock := filepath.Join(dir, "vblock")
			run("vbutil_firmware", "--vblock", vblock, "--keyblock", block, "--signprivate", private, "--version", "9", "--fv", file("fv", []byte(body)), "--kernelkey", rootPublic, "--flags", "2")
			same(fmt.Sprintf("%s, %d bytes", data.algo, size), vblock, sign(t, data, keyblock, root.public(1), 9, 2, body))
			run("vbutil_firmware", "--verify", file("ours", sign(t, data, keyblock, root.public(1), 9, 0, body)), "--signpubkey", rootPublic, "--fv", filepath.Join(dir, "fv"))
		}
	}
	for _, size := range []int64{LeastGBB, LeastGBB + 1, 0x4000} {
		bitmaps := make([]byte, min(size-LeastGBB, 0x100))
		for i := range bitmaps {
			bitmaps[i] = 0xa5
		}
		gbb := filepath.Join(dir, "gbb")
		run("gbb_utility", "-c", fmt.Sprintf("0x100,0x1000,%#x,0x1000", size-LeastGBB), gbb)
		run("gbb_utility", "-s", "--hwid=A B", "--rootkey="+rootPublic, "--recoverykey="+filepath.Join(dir, "data.vbpubk"), "--flags=0x29", "--bmpfv="+file("bmp", bitmaps), gbb)
		recovery := must(os.ReadFile(filepath.Join(dir, "data.vbpubk")))
		made := must(MakeGBB(size, GBBFiles{Flags: 0x29, ID: "A B", RootKey: content.Bytes(root.public(1)), RecoveryKey: content.Bytes(recovery), Bitmaps: content.Bytes(bitmaps)}))
		same(fmt.Sprintf("GBB of %#x bytes", size), gbb, must(made.Bytes()))
	}
}

// What is parsed keeps within what there is, and what is signed anew has the bytes
// that it had.
func FuzzParse(f *testing.F) {
	_, data, block := sample(f)
	f.Add(block)
	f.Add(must(must(MakeGBB(LeastGBB, GBBFiles{ID: "x", RootKey: content.Bytes(data.public(1))})).Bytes()))
	f.Fuzz(func(t *testing.T, b []byte) {
		r, size := bytes.NewReader(b), int64(len(b))
		if g, err := ParseGBB(r, size); err == nil {
			g.List()
			must(g.Verify(r, size, nil))
			if g.Size() > size {
				t.Errorf("%#x bytes of %#x", g.Size(), size)
			}
		}
		v, err := Parse(r, size)
		if err != nil {
			return
		}
		v.List()
		if v.Size() > size {
			t.Errorf("%#x bytes of %#x", v.Size(), size)
		}
		list := must(v.Verify(r, size, nil))
		if verify.Count(list, verify.Bad) > 0 || !v.Keyblock.Key.RSA().Equal(data.key.Public()) || v.BodySize() != int64(len(firmware)) {
			return
		}
		again := must((&Firmware{Keyblock: v.Keyblock, Version: v.Version, Flags: v.Flags, KernelKey: v.KernelKey, Body: content.String(firmware)}).Sign(data.key))
		if !bytes.HasPrefix(b, again) {
			t.Error("signed anew, it has other bytes")
		}
	})
}
