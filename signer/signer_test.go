// SPDX-License-Identifier: GPL-2.0-or-later

package signer_test

import (
	"bytes"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"flag"
	"fmt"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"binman/fdt"
	"binman/internal/golden"
	"binman/signer"
)

var (
	tool = flag.String("fdt_add_pubkey", "", "path of U-Boot's fdt_add_pubkey: compare with what it makes, and record that with -update")
)

func readFile(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func readKey(t testing.TB, name string) signer.PublicKey {
	t.Helper()
	key, err := signer.ReadPublicKey(readFile(t, name))
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return key
}

// Every form of a key gives the same key.
func TestForms(t *testing.T) {
	for want, names := range map[string][]string{
		"rsa512.crt": {"rsa512-trusted.crt", "rsa512.pub", "rsa512-pkcs1.pub", "rsa512.key", "rsa512-pkcs1.key"},
		"p256.crt":   {"p256.pub", "p256-compressed.pub", "p256.key", "p256-sec1.key"},
	} {
		for _, name := range names {
			if a, b := dump(readKey(t, want)), dump(readKey(t, name)); a != b {
				t.Errorf("%s has %s\n%s has %s", want, a, name, b)
			}
		}
	}
}

func dump(k signer.PublicKey) string {
	switch k := k.(type) {
	case *signer.RSA:
		return fmt.Sprintf("RSA %d %x %x", k.Bits(), k.N, k.E)
	case *signer.EC:
		return fmt.Sprintf("EC %d %s %x %x", k.Bits(), k.Curve.Name, k.X, k.Y)
	}
	return "nothing"
}

func pemOf(t testing.TB, label string, v any) []byte {
	t.Helper()
	der, err := asn1.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: label, Bytes: der})
}

type pkcs1 struct{ N, E *big.Int }

func hexInt(s string) *big.Int {
	n, ok := new(big.Int).SetString(s, 16)
	if !ok {
		panic(s)
	}
	return n
}

// A key may come after other things, and may be weak.
func TestUnusual(t *testing.T) {
	weak := pemOf(t, "RSA PUBLIC KEY", pkcs1{big.NewInt(0xc0000001), big.NewInt(1)})
	file := append([]byte("Bag Attributes\n"), readFile(t, "ed25519.pub")...)
	file = bytes.Replace(file, []byte("PUBLIC KEY"), []byte("EC PARAMETERS"), 2)
	for _, in := range [][]byte{weak, append(file, weak...)} {
		key, err := signer.ReadPublicKey(in)
		if err != nil {
			t.Fatal(err)
		}
		if got, want := dump(key), "RSA 32 c0000001 1"; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

func TestReadErrors(t *testing.T) {
	cert := string(readFile(t, "rsa512.crt"))
	der, _ := pem.Decode([]byte(cert))
	block := func(label string, data []byte) string {
		return string(pem.EncodeToMemory(&pem.Block{Type: label, Bytes: data}))
	}
	off := bytes.Clone(mustDecode(t, "p256.pub"))
	off[len(off)-1] ^= 1
	for _, test := range []struct {
		name, file string
		is         error
		text       string
	}{
		{"empty", "", signer.ErrNoKey, "no certificate"},
		{"binary", string(der.Bytes), signer.ErrNoKey, "PEM"},
		{"parameters", block("DH PARAMETERS", nil), signer.ErrNoKey, "found DH PARAMETERS"},
		{"encrypted", string(readFile(t, "rsa512-encrypted.key")), signer.ErrKey, "is encrypted"},
		{"encrypted PKCS 8", string(readFile(t, "rsa512-encrypted8.key")), signer.ErrKey, "is encrypted"},
		{"other algorithm", string(readFile(t, "ed25519.pub")), signer.ErrKey, "neither RSA nor ECDSA"},
		{"cut off", block("CERTIFICATE", der.Bytes[:100]), signer.ErrKey, "certificate"},
		{"no certificate", block("CERTIFICATE", []byte{0x30, 0}), signer.ErrKey, "certificate"},
		{"rest", block("PUBLIC KEY", append(mustDecode(t, "rsa512.pub"), 0)), signer.ErrKey, "1 bytes follow its end"},
		{"not on the curve", block("PUBLIC KEY", off), signer.ErrKey, "not on the curve prime256v1"},
		{"even modulus", string(pemOf(t, "RSA PUBLIC KEY", pkcs1{big.NewInt(6), big.NewInt(3)})), signer.ErrKey, "odd"},
		{"negative modulus", string(pemOf(t, "RSA PUBLIC KEY", pkcs1{big.NewInt(-5), big.NewInt(3)})), signer.ErrKey, "odd positive"},
		{"no exponent", string(pemOf(t, "RSA PUBLIC KEY", pkcs1{big.NewInt(5), big.NewInt(0)})), signer.ErrKey, "exponent"},
		{"large", string(pemOf(t, "RSA PUBLIC KEY", pkcs1{new(big.Int).SetBit(big.NewInt(1), 20000, 1), big.NewInt(3)})), signer.ErrKey, "20001 bits"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := signer.ReadPublicKey([]byte(test.file))
			if !errors.Is(err, test.is) || !strings.Contains(err.Error(), test.text) {
				t.Errorf("got %v, want %v with %q", err, test.is, test.text)
			}
		})
	}
}

func mustDecode(t testing.TB, name string) []byte {
	t.Helper()
	block, _ := pem.Decode(readFile(t, name))
	return block.Bytes
}

// The constants satisfy what Montgomery multiplication needs of them.
func TestMontgomery(t *testing.T) {
	for _, n := range []string{"3", "c0000001", "ffffffff", "ffffffffffffffffffffffffffffffff", "8000000000000001"} {
		k := &signer.RSA{N: hexInt(n), E: big.NewInt(3)}
		word := big.NewInt(1 << 32)
		sum := new(big.Int).Mul(k.N, k.N0Inverse())
		if sum.Add(sum, big.NewInt(1)).Mod(sum, word).Sign() != 0 {
			t.Errorf("n=%s: n*n0' is not -1 mod 2^32", n)
		}
		r := new(big.Int).Lsh(big.NewInt(1), uint(k.N.BitLen()))
		if r.Mul(r, r).Mod(r, k.N).Cmp(k.RSquared()) != 0 {
			t.Errorf("n=%s: r-squared is %x, want %x", n, k.RSquared(), r)
		}
	}
}

// tree returns the blob of a device tree, with so many bytes of free space.
func tree(space int64, edit func(t *fdt.Tree)) []byte {
	t := fdt.New()
	t.Root.SetString("model", "test")
	t.Root.AddSubnode("chosen").SetString("stdout-path", "serial0")
	if edit != nil {
		edit(t)
	}
	t.Sync()
	t.Root.SetProp("space", nil)
	t.SyncStep(space + 18)
	return t.Marshal()
}

// The blobs are those of fdt_add_pubkey, with all their bytes: whether there
// is space, whether nodes are there already, and with keys that need it to grow
// several times. (It crashes on ECDSA: see TestECDSA.)
func TestAdd(t *testing.T) {
	recorded := map[string]string{}
	for line := range strings.Lines(string(readFile(t, "add.golden"))) {
		name, sum, _ := strings.Cut(strings.TrimSpace(line), ": ")
		recorded[name] = sum
	}
	var out strings.Builder
	for _, test := range []struct {
		name string
		in   []byte
		keys []signer.KeyNode
	}{
		{"small", tree(0, nil), []signer.KeyNode{{Hint: "rsa512", Algo: "sha1,rsa2048"}}},
		{"usual", tree(0, nil), []signer.KeyNode{{Hint: "rsa2048", Algo: "sha256,rsa2048", Required: "conf"}}},
		{"grows twice", tree(0, nil), []signer.KeyNode{{Hint: "rsa4096", Algo: "sha384,rsa4096", Required: "image"}}},
		{"some space", tree(700, nil), []signer.KeyNode{{Hint: "rsa2048", Algo: "sha256,rsa2048"}}},
		{"much space", tree(5000, nil), []signer.KeyNode{{Hint: "rsa4096", Algo: "sha256,rsa4096"}}},
		{"two keys", tree(0, nil), []signer.KeyNode{{Hint: "rsa512", Algo: "sha1,rsa2048"}, {Hint: "rsa2048", Algo: "sha256,rsa2048"}}},
		{"again", tree(0, nil), []signer.KeyNode{{Hint: "rsa2048", Algo: "sha256,rsa2048"}, {Hint: "rsa2048", Algo: "sha512,rsa2048", Required: "conf"}}},
		{"node is there", tree(3, func(t *fdt.Tree) {
			n := t.Root.AddSubnode("signature").AddSubnode("key-rsa512")
			n.SetString("x,algo", "shares its tail")
			n.SetU32("rsa,num-bits", 7)
			n.SetString("algo", "a longer string than will be needed")
		}), []signer.KeyNode{{Hint: "rsa512", Algo: "sha1,rsa2048"}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, want := test.in, test.in
			for _, k := range test.keys {
				k.Key = readKey(t, k.Hint+".crt")
				tree, err := fdt.Parse(got)
				if err != nil {
					t.Fatal(err)
				}
				if err := k.Add(tree); err != nil {
					t.Fatal(err)
				}
				got = tree.Marshal()
				if *tool != "" {
					want = runTool(t, want, k)
				}
			}
			if *tool != "" && !bytes.Equal(got, want) {
				t.Error("fdt_add_pubkey makes another blob")
			}
			sum := fmt.Sprintf("%#x %x", len(got), sha256.Sum256(got))
			fmt.Fprintf(&out, "%s: %s\n", test.name, sum)
			if sum != recorded[test.name] && !*golden.Update {
				t.Errorf("got %s, want %s", sum, recorded[test.name])
			}
		})
	}
	if *golden.Update {
		if err := os.WriteFile("testdata/add.golden", []byte(out.String()), 0o666); err != nil {
			t.Fatal(err)
		}
	}
}

func runTool(t *testing.T, blob []byte, k signer.KeyNode) []byte {
	t.Helper()
	return fdtAddPubkey(t, "testdata", blob, k)
}

// fdtAddPubkey returns what U-Boot's tool makes of a tree with a key whose
// certificate is in a directory.
func fdtAddPubkey(t *testing.T, keys string, blob []byte, k signer.KeyNode) []byte {
	t.Helper()
	file := filepath.Join(t.TempDir(), "dtb")
	if err := os.WriteFile(file, blob, 0o666); err != nil {
		t.Fatal(err)
	}
	args := []string{"-a", k.Algo, "-k", keys, "-n", k.Hint}
	if k.Required != "" {
		args = append(args, "-r", k.Required)
	}
	if msg, err := exec.Command(*tool, append(args, file)...).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, msg)
	}
	out, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// ECDSA keys are named like their hint alone. mkimage -K writes the same.
func TestECDSA(t *testing.T) {
	tree := fdt.New()
	for _, k := range []signer.KeyNode{
		{Hint: "p256", Algo: "sha256,ecdsa256", Required: "conf", Key: readKey(t, "p256.crt")},
		{Hint: "p384", Algo: "sha384,ecdsa384", Key: readKey(t, "p384.crt")},
	} {
		if err := k.Add(tree); err != nil {
			t.Fatal(err)
		}
	}
	again, err := fdt.Parse(tree.Marshal())
	if err != nil {
		t.Fatal(err)
	}
	p256, p384 := readKey(t, "p256.crt").(*signer.EC), readKey(t, "p384.crt").(*signer.EC)
	want := fmt.Sprintf(`/signature
/signature/p384
  algo = "sha384,ecdsa384\x00"
  ecdsa,y-point = %q
  ecdsa,x-point = %q
  ecdsa,curve = "secp384r1\x00"
  key-name-hint = "p384\x00"
/signature/p256
  required = "conf\x00"
  algo = "sha256,ecdsa256\x00"
  ecdsa,y-point = %q
  ecdsa,x-point = %q
  ecdsa,curve = "prime256v1\x00"
  key-name-hint = "p256\x00"
`, p384.Y, p384.X, p256.Y, p256.X)
	var got strings.Builder
	for n := range again.Root.Child("signature").All() {
		fmt.Fprintln(&got, n.Path())
		for _, p := range n.Props {
			fmt.Fprintf(&got, "  %s = %q\n", p.Name, p.Value)
		}
	}
	if diff := cmp.Diff(want, got.String()); diff != "" {
		t.Error(diff)
	}
}

func TestAddErrors(t *testing.T) {
	rsa := readKey(t, "rsa512.crt")
	odd := &signer.RSA{N: hexInt("7fffffff"), E: big.NewInt(3)}
	huge := &signer.RSA{N: hexInt("c0000001"), E: new(big.Int).Lsh(big.NewInt(1), 64)}
	for _, test := range []struct {
		name string
		key  signer.KeyNode
		want string
	}{
		{"no algorithm", signer.KeyNode{Hint: "k", Algo: "rsa2048", Key: rsa}, "Unsupported signature algorithm 'rsa2048'"},
		{"unknown algorithm", signer.KeyNode{Hint: "k", Algo: "sha1,dsa", Key: rsa}, "Unsupported signature algorithm 'sha1,dsa'"},
		{"RSA for ECDSA", signer.KeyNode{Hint: "k", Algo: "sha256,ecdsa256", Key: rsa}, "algorithm 'sha256,ecdsa256' needs an ECDSA key, not RSA"},
		{"ECDSA for RSA", signer.KeyNode{Hint: "k", Algo: "sha1,rsa2048", Key: readKey(t, "p256.crt")}, "algorithm 'sha1,rsa2048' needs an RSA key, not ECDSA"},
		{"other curve", signer.KeyNode{Hint: "k", Algo: "sha256,ecdsa256", Key: readKey(t, "p384.crt")}, "Expected a 256-bit key, got 384-bit key"},
		{"curve of odd size", signer.KeyNode{Hint: "k", Algo: "sha512,secp521r1", Key: readKey(t, "p521.crt")}, "U-Boot cannot hold a key on secp521r1: its size is no multiple of 32 bits"},
		{"odd size", signer.KeyNode{Hint: "k", Algo: "sha1,rsa2048", Key: odd}, "U-Boot cannot hold an RSA key of 31 bits: that is no multiple of 32"},
		{"large exponent", signer.KeyNode{Hint: "k", Algo: "sha1,rsa2048", Key: huge}, "U-Boot cannot hold an RSA key whose exponent has 65 bits, more than 64"},
		{"path", signer.KeyNode{Hint: "a/b", Algo: "sha1,rsa2048", Key: rsa}, "'a/b' cannot be the name of a key"},
		{"no key", signer.KeyNode{Hint: "k", Algo: "sha1,rsa2048"}, "there is no key"},
	} {
		t.Run(test.name, func(t *testing.T) {
			tree := fdt.New()
			if err := test.key.Add(tree); err == nil || err.Error() != test.want {
				t.Errorf("got %v, want %s", err, test.want)
			}
			if len(tree.Root.Subnodes) > 0 {
				t.Error("the tree has changed")
			}
		})
	}
}

// Nothing makes reading panic, and where crypto/x509 reads an RSA key, it is
// the same.
func FuzzReadPublicKey(f *testing.F) {
	for _, name := range []string{"rsa512.crt", "rsa512-trusted.crt", "rsa512.pub", "rsa512-pkcs1.pub", "rsa512.key", "p256.crt", "p384.crt", "p256-compressed.pub", "p256.key", "p256-sec1.key"} {
		block, _ := pem.Decode(readFile(f, name))
		f.Add(block.Type, block.Bytes)
	}
	f.Fuzz(func(t *testing.T, label string, der []byte) {
		key, err := signer.ReadPublicKey(pem.EncodeToMemory(&pem.Block{Type: label, Bytes: der}))
		if err == nil && key.Bits() > 16384 {
			t.Errorf("key has %d bits", key.Bits())
		}
		if label != "CERTIFICATE" {
			return
		}
		cert, err2 := x509.ParseCertificate(der)
		if err2 != nil {
			return
		}
		want, ok := cert.PublicKey.(*rsa.PublicKey)
		if !ok || want.N.Bit(0) == 0 || want.N.BitLen() > 16384 {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		if got, ok := key.(*signer.RSA); !ok || got.N.Cmp(want.N) != 0 || got.E.Int64() != int64(want.E) {
			t.Errorf("got %s, crypto/x509 has %x %x", dump(key), want.N, want.E)
		}
	})
}

// This is the cost of a key of the usual size.
func BenchmarkAdd(b *testing.B) {
	key := readKey(b, "rsa4096.crt")
	blob := tree(0, nil)
	for b.Loop() {
		t, err := fdt.Parse(blob)
		if err != nil {
			b.Fatal(err)
		}
		k := signer.KeyNode{Hint: "k", Algo: "sha256,rsa4096", Key: key}
		if err := k.Add(t); err != nil {
			b.Fatal(err)
		}
	}
}
