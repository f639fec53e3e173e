// SPDX-License-Identifier: GPL-2.0-or-later

package fit_test

import (
	"bytes"
	"crypto"
	"crypto/sha256"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"binman/fdt"
	"binman/format/fit"
	"binman/format/fit/sign"
	"binman/internal/golden"
	"binman/signer"
)

var protected = flag.Int("protected", 300, "how many generated FITs TestProtect makes")

const keyDir = "testdata/keys"

// protection takes the keys in testdata.
func protection(version string) *fit.Protection {
	ring := signer.NewKeyring(signer.Options{ReadFile: os.ReadFile, Reproducible: true})
	return &fit.Protection{
		Key:     func(hint, algo string) (crypto.Signer, error) { return ring.Key(hint, algo, keyDir) },
		Secret:  func(hint string) ([]byte, error) { return os.ReadFile(filepath.Join(keyDir, hint+".bin")) },
		Version: version,
		IV:      func(string) ([]byte, error) { return make([]byte, sign.IVSize), nil },
	}
}

// generated describes a FIT with signatures and ciphers.
func generated(r *rand.Rand) (src string, layout int) {
	pick := func(list ...string) string { return list[r.IntN(len(list))] }
	signature := func(name, more string) string {
		return fmt.Sprintf(`%s { algo = "%s,%s"; key-name-hint = "KEY"; %s%s };`, name, pick("sha1", "sha256", "sha384", "sha512"), "RSA",
			pick("", `padding = "pkcs-1.5"; `, `required = "conf"; `), more)
	}
	withKey := func(s string) string {
		key := pick("rsa2048", "rsa2048", "rsa2048", "rsa3072", "rsa4096")
		return strings.NewReplacer("KEY", key, "RSA", key).Replace(s)
	}
	var b strings.Builder
	images := 1 + r.IntN(4)
	b.WriteString(`description = "generated"; ` + pick("", "#address-cells = <1>; ", "timestamp = <1>; ") + "images {\n")
	for i := range images {
		fmt.Fprintf(&b, `i%d { data = "%s"; type = "%s"; `, i, strings.Repeat("x", r.IntN(80)), pick("kernel", "flat_dt", "firmware"))
		for k := range 1 + r.IntN(2) {
			fmt.Fprintf(&b, `hash-%d { algo = "%s"; }; `, k, pick("crc32", "sha1", "sha256", "sha512"))
		}
		if r.IntN(3) == 0 {
			b.WriteString(withKey(signature(pick("signature", "signature-1"), "")))
		}
		if r.IntN(4) == 0 {
			algo := pick("aes128", "aes192", "aes256")
			fmt.Fprintf(&b, `cipher { algo = "%s"; key-name-hint = "%s"; iv-name-hint = "iv"; }; `, algo, algo)
		}
		if r.IntN(5) == 0 {
			b.WriteString(`other { some = "thing"; below { x; }; }; `)
		}
		b.WriteString("};\n")
	}
	b.WriteString("}; configurations {\n" + pick("", `default = "c0"; `))
	for c := range 1 + r.IntN(3) {
		fmt.Fprintf(&b, `c%d { description = "c"; kernel = "i0"; `, c)
		if images > 1 {
			fmt.Fprintf(&b, `fdt = "i%d"; `, 1+r.IntN(images-1))
		}
		if r.IntN(2) == 0 {
			fmt.Fprintf(&b, `loadables = "i%d", "i0"; `, r.IntN(images))
		}
		for k := range r.IntN(3) {
			b.WriteString(withKey(signature(fmt.Sprintf("signature-%d", k), pick("", `sign-images = "kernel", "fdt"; `, `sign-images = "kernel"; `, `sign-images; `))))
		}
		b.WriteString("};\n")
	}
	b.WriteString("};")
	return b.String(), r.IntN(len(layouts))
}

// What is signed and encrypted is what mkimage of U-Boot makes with the same
// keys, byte for byte; the golden file has hashes of that. With mkimage of
// U-Boot 2026.10 in PATH both are compared.
func TestProtect(t *testing.T) {
	tool, version := recentMkimage(t)
	var all strings.Builder
	for seed := range *protected {
		src, layout := generated(rand.New(rand.NewPCG(uint64(seed), 1)))
		make := func(version string) []byte {
			s := source(t, src)
			layouts[layout].set(s)
			s.Protect = protection(version)
			made, err := s.Write(nil)
			if err != nil {
				t.Fatalf("seed %d: %v\n%s", seed, err, src)
			}
			data, err := made.Data.Bytes()
			if err != nil {
				t.Fatal(err)
			}
			return data
		}
		data := make("2026.10")
		if seed < 300 {
			fmt.Fprintf(&all, "%d: %#x %x\n", seed, len(data), sha256.Sum256(data))
		}
		if tool == "" {
			continue
		}
		s := source(t, src)
		layouts[layout].set(s)
		want, err := mkimage(t, tool, s, "-k", keyDir)
		if err != nil {
			t.Fatalf("seed %d: %v\n%s", seed, err, src)
		}
		if got := make(version); !bytes.Equal(got, want) {
			t.Fatalf("seed %d, %s: %#x bytes differ from mkimage's %#x\n%s", seed, layouts[layout].name, len(got), len(want), src)
		}
	}
	if *protected == 300 {
		golden.Text(t, "protect.golden", all.String())
	}
}

// A key that is missing or of the wrong size is an error, and so is an unknown
// algorithm: nothing is written that lacks what was asked for.
func TestProtectErrors(t *testing.T) {
	const image = `k { data = "x"; hash { algo = "sha256"; }; %s };`
	for _, c := range []struct{ name, image, config, want string }{
		{"no key", ``, `algo = "sha256,rsa2048"; key-name-hint = "nobody";`, "Failed to sign 'signature' signature node in 'c' conf node: there is no key 'nobody'"},
		{"no hint", ``, `algo = "sha256,rsa2048";`, "'' cannot be the name of a key"},
		{"no algorithm", ``, `key-name-hint = "rsa2048";`, "it has no property 'algo'"},
		{"unknown algorithm", ``, `algo = "sha257,rsa2048"; key-name-hint = "rsa2048";`, "unsupported signature algorithm 'sha257,rsa2048'"},
		{"unknown padding", ``, `algo = "sha256,rsa2048"; padding = "pkcs"; key-name-hint = "rsa2048";`, "unknown padding 'pkcs'"},
		{"a smaller key", ``, `algo = "sha256,rsa4096"; key-name-hint = "rsa2048";`, "needs an RSA key of 4096 bits"},
		{"a key of another kind", ``, `algo = "sha256,rsa2048"; key-name-hint = "ecdsa256";`, "needs an RSA key of 2048 bits"},
		{"nothing to sign", ``, `algo = "sha256,rsa2048"; key-name-hint = "rsa2048"; sign-images = "fdt";`, "Failed to find any images for configuration 'c/signature'"},
		{"no such image", ``, `algo = "sha256,rsa2048"; key-name-hint = "rsa2048"; sign-images = "description";`, "Failed to find image 'description' in  configuration 'c/signature'"},
		{"a signature of an image", `signature { algo = "sha256,rsa2048"; key-name-hint = "nobody"; };`, ``, "Failed to sign 'signature' signature node in 'k' image node: there is no key 'nobody'"},
		{"no key for a cipher", `cipher { algo = "aes256"; key-name-hint = "nobody"; };`, ``, "cannot encrypt image 'k': open testdata/keys/nobody.bin"},
		{"a key of another size", `cipher { algo = "aes256"; key-name-hint = "aes128"; };`, ``, "File aes128.bin don't have the expected size (size=16, expected=32)"},
		{"an unknown cipher", `cipher { algo = "aes512"; key-name-hint = "aes128"; };`, ``, "unsupported cipher algorithm 'aes512'"},
	} {
		t.Run(c.name, func(t *testing.T) {
			config := ""
			if c.config != "" {
				config = "signature { " + c.config + " };"
			}
			s := source(t, fmt.Sprintf("images { "+image+" }; configurations { c { description = \"c\"; kernel = \"k\"; %s }; };", c.image, config))
			s.Protect = protection("1")
			if made, err := s.Write(nil); made != nil || err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v; want %s", err, c.want)
			}
		})
	}
}

// U-Boot 2026.04 and later refuses a signature that leaves out an image which
// the configuration uses: that is told.
func TestProtectWarns(t *testing.T) {
	const config = `images { k { data = "x"; hash { algo = "sha1"; }; }; f { data = "y"; hash { algo = "sha1"; }; }; };
		configurations { c { kernel = "k"; firmware = "f"; signature { algo = "sha256,rsa2048"; key-name-hint = "rsa2048"; %s }; }; };`
	for more, want := range map[string]string{"": "[f]", `sign-images = "kernel", "firmware";`: "", `sign-images;`: "[k f]"} {
		s := source(t, fmt.Sprintf(config, more))
		s.Protect = protection("1")
		got := ""
		s.Protect.Warn = func(sig *fdt.Node, images []string) { got = fmt.Sprint(images) }
		if _, err := s.Write(nil); err != nil || got != want {
			t.Errorf("%q: warning %q, want %q; error %v", more, got, want, err)
		}
	}
}
