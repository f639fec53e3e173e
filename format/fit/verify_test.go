// SPDX-License-Identifier: GPL-2.0-or-later

package fit_test

import (
	"bytes"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"binman/fdt"

	"binman/format/verify"
	"binman/signer"
)

var (
	checkSign = flag.String("fit_check_sign", "", "path of U-Boot's program, to judge the FITs of TestMutations too")
	mutations = flag.Int("mutations", 200, "how many damaged FITs TestMutations judges")
)

// signedSource describes a signed FIT; a key may take part twice.
const signedSource = `description = "signed"; images {
		kernel { description = "k"; data = "a kernel"; type = "kernel"; arch = "arm64"; os = "linux"; compression = "none"; load = <0x40000000>; entry = <0x40000000>; hash-1 { algo = "sha256"; }; hash-2 { algo = "crc32"; }; };
		fdt { description = "f"; data = "a device tree"; type = "flat_dt"; arch = "arm64"; compression = "none"; hash-1 { algo = "sha512"; }; };
		other { data = "of nobody"; type = "firmware"; hash-1 { algo = "sha1"; }; };
	}; configurations { default = "c";
		c { description = "c"; kernel = "kernel"; fdt = "fdt"; signature-1 { algo = "ALGO"; PADDINGkey-name-hint = "KEY"; sign-images = "kernel", "fdt"; }; };
		d { description = "d"; kernel = "kernel"; signature-1 { algo = "ALGO"; PADDINGkey-name-hint = "KEY"; sign-images = "kernel"; }; };
	};`

// signedFIT returns the FIT with an algorithm and a padding.
func signedFIT(t testing.TB, algo, padding string) []byte {
	t.Helper()
	_, key, _ := strings.Cut(algo, ",")
	if padding != "" {
		padding = fmt.Sprintf("padding = %q; ", padding)
	}
	s := source(t, strings.NewReplacer("ALGO", algo, "KEY", key, "PADDING", padding).Replace(signedSource))
	s.Protect = protection("1")
	return write(t, s)
}

// public returns the public half of a key in testdata.
func public(t testing.TB, name string) verify.Key {
	t.Helper()
	ring := signer.NewKeyring(signer.Options{ReadFile: os.ReadFile})
	p, err := ring.Public(name, keyDir)
	if err != nil {
		t.Fatal(err)
	}
	return verify.Key{Name: name, Public: p.Key}
}

// verdicts returns the findings about configurations and images, in short.
func verdicts(t testing.TB, data []byte, keys ...verify.Key) string {
	t.Helper()
	f, err := parse(data)
	if err != nil {
		return "broken"
	}
	list, err := f.Verify(bytes.NewReader(data), int64(len(data)), keys)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, f := range list {
		fmt.Fprintf(&b, "%s:%s", f.Path, f.Verdict)
		if f.Signed {
			b.WriteString("+")
		}
		if f.Warn != "" {
			b.WriteString("!")
		}
		b.WriteString(" ")
	}
	return strings.TrimSpace(b.String())
}

func TestVerifySigned(t *testing.T) {
	for _, c := range [][2]string{{"sha256,rsa2048", ""}, {"sha384,rsa3072", "pss"}, {"sha1,rsa4096", "pkcs-1.5"}, {"sha256,ecdsa256", ""}, {"sha512,ecdsa384", ""}, {"sha256,secp521r1", ""}} {
		t.Run(c[0]+" "+c[1], func(t *testing.T) {
			_, name, _ := strings.Cut(c[0], ",")
			data := signedFIT(t, c[0], c[1])
			key := public(t, name)
			const all = ":good c:good+ d:good+ kernel:good+ kernel:good+ fdt:good+ other:good"
			if got := verdicts(t, data, key); got != all {
				t.Errorf("with the key: %s", got)
			}
			if got := verdicts(t, data); got != strings.NewReplacer("c:good+", "c:not covered", "d:good+", "d:not covered", "+", "").Replace(all) {
				t.Errorf("without a key: %s", got)
			}
			key.Required = "conf"
			if got := verdicts(t, data, key); got != ":good c:good+ c:good+ d:good+ d:good+ kernel:good+ kernel:good+ fdt:good+ other:good" {
				t.Errorf("with a key that is required: %s", got)
			}
			foreign := public(t, map[bool]string{true: "rsa3072", false: "rsa2048"}[name == "rsa2048"])
			foreign.Required = "conf"
			if got := verdicts(t, data, foreign); !strings.HasPrefix(got, ":good c:not covered c:bad d:not covered d:bad ") {
				t.Errorf("with a foreign key: %s", got)
			}
		})
	}
}

// What has been changed is bad, by the rules of U-Boot 2026.04 and later; where
// older ones judge otherwise, that is said.
func TestVerifyChanged(t *testing.T) {
	key := public(t, "rsa2048")
	for _, c := range []struct {
		name string
		edit func(tree *fdt.Tree)
		want string
	}{
		{"nothing", func(*fdt.Tree) {}, ":good c:good+ d:good+ kernel:good+ kernel:good+ fdt:good+ other:good"},
		{"data", func(tree *fdt.Tree) { tree.Node("/images/fdt").SetString("data", "another device tree") },
			":good c:good+ d:good+ kernel:good+ kernel:good+ fdt:bad other:good"},
		{"the load address", func(tree *fdt.Tree) { tree.Node("/images/kernel").SetU32("load", 1) }, ":good c:bad d:bad kernel:good kernel:good fdt:good other:good"},
		{"configurations are swapped", func(tree *fdt.Tree) {
			tree.Node("/configurations/c").SetString("fdt", "kernel")
		}, ":good c:bad d:good+ kernel:good+ kernel:good+ fdt:good other:good"},
		{"an image is added to a configuration", func(tree *fdt.Tree) { tree.Node("/configurations/d").SetString("firmware", "other") },
			":good c:good+ d:bad kernel:good+ kernel:good+ fdt:good+ other:good"},
		{"another configuration is the default", func(tree *fdt.Tree) { tree.Node("/configurations").SetString("default", "d") },
			":good c:good+ d:good+ kernel:good+ kernel:good+ fdt:good+ other:good"},
		{"a signature is taken away", func(tree *fdt.Tree) { tree.Node("/configurations/c/signature-1").Delete() },
			":good c:not covered d:good+ kernel:good+ kernel:good+ fdt:good other:good"},
		{"hashed-nodes are fewer", func(tree *fdt.Tree) {
			tree.Node("/configurations/c/signature-1").SetStrings("hashed-nodes", "/")
		}, ":good c:good+! d:good+ kernel:good+ kernel:good+ fdt:good+ other:good"},
		{"the strings reach too far", func(tree *fdt.Tree) {
			tree.Node("/configurations/c/signature-1").SetU32s("hashed-strings", 0, 1<<20)
		}, ":good c:bad d:good+ kernel:good+ kernel:good+ fdt:good other:good"},
		{"an algorithm nobody knows", func(tree *fdt.Tree) {
			tree.Node("/configurations/c/signature-1").SetString("algo", "rot13,rsa1")
		}, ":good c:bad d:good+ kernel:good+ kernel:good+ fdt:good other:good"},
	} {
		t.Run(c.name, func(t *testing.T) {
			tree, err := fdt.Parse(signedFIT(t, "sha256,rsa2048", ""))
			if err != nil {
				t.Fatal(err)
			}
			c.edit(tree)
			tree.SyncStep(1024)
			if got := verdicts(t, tree.Marshal(), key); got != c.want {
				t.Errorf("%s", got)
			}
		})
	}
}

// A signature that leaves out an image is good to U-Boot before 2026.04 only.
func TestVerifyLeftOut(t *testing.T) {
	s := source(t, `images { k { data = "x"; hash { algo = "sha1"; }; }; f { data = "y"; hash { algo = "sha1"; }; }; };
		configurations { c { kernel = "k"; firmware = "f"; signature { algo = "sha256,rsa2048"; key-name-hint = "rsa2048"; }; }; };`)
	s.Protect = protection("1")
	data := write(t, s)
	if got := verdicts(t, data, public(t, "rsa2048")); got != ":good c:bad! k:good f:good" {
		t.Error(got)
	}
	f, _ := parse(data)
	list, _ := f.Verify(bytes.NewReader(data), int64(len(data)), []verify.Key{public(t, "rsa2048")})
	if want := "it does not cover what the configuration uses: f"; list[1].Why != want {
		t.Errorf("%q", list[1].Why)
	}
}

// Of a FIT in which one byte has been changed, no configuration is good that
// U-Boot refuses, and the other way round: fit_check_sign judges it too, if it is
// given. Without it, a change of what is covered has to be found.
func TestMutations(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	dir := t.TempDir()
	agreed, bad := 0, 0
	for i := range *mutations {
		algo := []string{"sha256,rsa2048", "sha256,ecdsa256", "sha512,rsa3072"}[i%3]
		_, name, _ := strings.Cut(algo, ",")
		whole := signedFIT(t, algo, []string{"", "pss"}[i/3%2])
		data := bytes.Clone(whole)
		if i%10 > 0 {
			data[r.IntN(len(data))] ^= 1 << r.IntN(8)
		}
		key := public(t, name)
		key.Required = "conf"
		good := accepts(t, data, key)
		if !good {
			bad++
		}
		if i%10 == 0 && !good {
			t.Fatalf("%s: not accepted: %s", algo, verdicts(t, data, key))
		}
		if *checkSign == "" {
			continue
		}
		if theirs := fitCheckSign(t, dir, data, key, algo); theirs != good {
			t.Errorf("%d, %s: fit_check_sign says %v, we %v: %s", i, algo, theirs, good, verdicts(t, data, key))
			os.WriteFile(filepath.Join(os.TempDir(), fmt.Sprintf("mutation-%d", i)), data, 0o666)
		} else {
			agreed++
		}
	}
	t.Logf("%d FITs, %d of them refused; fit_check_sign agrees on %d", *mutations, bad, agreed)
	if bad < *mutations/4 {
		t.Errorf("only %d of %d damaged FITs are refused", bad, *mutations)
	}
}

// accepts says whether the default configuration would be booted: the key has
// signed it, and the hashes of what it uses hold.
func accepts(t *testing.T, data []byte, key verify.Key) bool {
	t.Helper()
	f, err := parse(data)
	if err != nil {
		return false
	}
	list, err := f.Verify(bytes.NewReader(data), int64(len(data)), []verify.Key{key})
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range list {
		used := x.Path == f.Default && strings.HasPrefix(x.What, "required") || x.Path == "kernel" || x.Path == "fdt" || x.Path == ""
		if used && x.Verdict == verify.Bad {
			return false
		}
	}
	return f.Default != ""
}

// fitCheckSign says whether U-Boot's program accepts a FIT.
func fitCheckSign(t *testing.T, dir string, data []byte, key verify.Key, algo string) bool {
	t.Helper()
	pub, err := signer.FromCrypto(key.Public)
	if err != nil {
		t.Fatal(err)
	}
	tree := fdt.New()
	node := signer.KeyNode{Hint: key.Name, Algo: algo, Required: key.Required, Key: pub}
	if err := node.Add(tree); err != nil {
		t.Fatal(err)
	}
	image, keys := filepath.Join(dir, "fit"), filepath.Join(dir, "keys.dtb")
	for name, content := range map[string][]byte{image: data, keys: tree.Marshal()} {
		if err := os.WriteFile(name, content, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	return exec.Command(*checkSign, "-f", image, "-k", keys).Run() == nil
}
