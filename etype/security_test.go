// SPDX-License-Identifier: GPL-2.0-or-later

package etype_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"binman/dts"
	"binman/fdt"
)

// compile returns the blob of a device tree with these contents of its root.
func compile(t *testing.T, source string) []byte {
	t.Helper()
	tree, err := dts.CompileSource("test.dts", []byte("/dts-v1/; / { "+source+" };"), dts.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return tree.Marshal()
}

// model is a device tree that has something for SPL and something that is not.
func model(name, more string) string {
	return `model = "` + name + `"; chosen { }; soc { uart { bootph-all; clocks = <1>; status = "okay"; }; mmc { bootph-verify; }; other { }; };` + more
}

func securityInputs(t *testing.T) files {
	t.Helper()
	in := files{
		"spl/u-boot-spl.dtb": compile(t, model("default", "")),
		"tpl/u-boot-tpl.dtb": compile(t, model("tpl", "")),
		"alt/one.dtb":        compile(t, model("one", "")),
		"alt/two.dtb":        compile(t, model("two", "")),
		"alt/readme.txt":     []byte("not a device tree"),
		"large/big.dtb":      compile(t, model("big", "big { bootph-all; data = ["+strings.Repeat("11", 3000)+"]; };")),
		"none/readme.txt":    nil,
		"bad/bad.dtb":        []byte("not a device tree"),
		"iv.bin":             []byte("0123456789abcdef"),
		"key.bin":            []byte("12345"),
		"bad.crt":            []byte("not a certificate"),
	}
	for _, name := range []string{"rsa512.crt", "rsa2048.crt", "rsa4096.crt", "p256.crt", "p256.key", "p384.crt"} {
		data, err := os.ReadFile(filepath.Join("..", "signer", "testdata", name))
		if err != nil {
			t.Fatal(err)
		}
		in[name] = data
	}
	return in
}

const alternate = "alternates-fdt { fdt-list-dir = \"alt\"; "

// Alternates, cipher nodes and device trees with keys are those of U-Boot's
// binman, with its tools.
func TestSecurityGolden(t *testing.T) {
	checkGolden(t, "security.golden", securityInputs(t), []description{
		{name: "alternates", source: `binman { ` + alternate + `u-boot-spl-dtb { }; }; };`},
		{name: "alternates updated", updateFDT: true, source: `binman { text { text = "x"; }; ` + alternate + `filename-pattern = "NAME-and-NAME.img";
			section { u-boot-spl-dtb { }; u-boot-tpl-dtb { prepend = "length"; }; }; }; };`},
		{name: "alternates padded", source: `binman { pad-byte = <0x26>; ` + alternate + `pad-before = <3>; pad-after = <5>; size = <0x400>; pad-byte = <0x40>;
			text { text = "<"; }; section { size = <0x300>; align = <16>; u-boot-spl-dtb { }; }; }; };`},
		{name: "alternates for spl", updateFDT: true, source: `binman { ` + alternate + `fdt-phase = "spl"; u-boot-spl-dtb { }; }; };`},
		{name: "alternates for vpl", args: map[string]string{"of-spl-remove-props": "clocks  status"},
			source: `binman { s { type = "section"; fill { size = <1>; }; }; ` + alternate + `fdt-phase = "vpl"; of-spl-remove-props = "model"; u-boot-spl-dtb { }; }; };`},
		{name: "large alternate", source: `binman { alternates-fdt { fdt-list-dir = "large"; u-boot-spl-dtb { }; text { text = ">"; }; }; };`},
		{name: "no device tree in alternates", source: `binman { ` + alternate + `text { text = "same"; }; }; };`},
		{name: "encrypted by source", updateFDT: true, source: `binman { fdtmap { }; s { type = "section"; text { text = "x"; };
			encrypted { algo = "aes256-gcm"; iv-filename = "iv.bin"; key-source = "id"; }; }; };`},
		{name: "encrypted by file", updateFDT: true, source: `binman { text { text = "x"; }; u-boot-spl-dtb { };
			encrypted { algo = "a"; iv-filename = "iv.bin"; key-filename = "key.bin"; key-source = "id"; }; };`},
		{name: "public key", updateFDT: true, source: `binman { u-boot-spl-dtb { }; u-boot-spl-pubkey-dtb { algo = "sha384,rsa4096"; required = "conf"; key-name-hint = "rsa4096"; }; };`},
		{name: "public key by default", source: `binman { u-boot-spl-pubkey-dtb { key-name-hint = "rsa2048"; }; };`},
	})
}

// node returns a node of a device tree at the start of a file.
func node(t *testing.T, data []byte, path string) *fdt.Node {
	t.Helper()
	tree, err := fdt.Parse(data)
	if err != nil {
		t.Fatal(err)
	}
	n := tree.Node(path)
	if n == nil {
		t.Fatalf("there is no node %s", path)
	}
	return n
}

// Alternates do not depend on each other: a large one does not make those after
// it larger.
func TestAlternatesApart(t *testing.T) {
	in := securityInputs(t)
	d := description{source: `binman { ` + alternate + `u-boot-spl-dtb { }; }; };`}
	before, err := d.build(t, in)
	if err != nil {
		t.Fatal(err)
	}
	in["alt/first.dtb"] = in["large/big.dtb"]
	after, err := d.build(t, in)
	if err != nil {
		t.Fatal(err)
	}
	if len(after["first.bin"]) <= len(after["one.bin"]) {
		t.Error("the large alternate is not large")
	}
	for name, data := range before {
		if !bytes.Equal(data, after[name]) {
			t.Errorf("%s has changed", name)
		}
	}
}

// Keys get into all device trees of SPL, into every alternate, and several into
// one.
func TestPublicKeys(t *testing.T) {
	out, err := description{updateFDT: true, source: `binman { u-boot-spl-dtb { }; u-boot-spl-pubkey-dtb { key-name-hint = "rsa2048"; };
		a { type = "u-boot-spl-pubkey-dtb"; key-name-hint = "p384"; algo = "sha384,ecdsa384"; required = "image"; };
		` + alternate + `b { type = "u-boot-spl-pubkey-dtb"; key-name-hint = "rsa512"; }; }; };`}.build(t, securityInputs(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{"image.bin", "u-boot-spl.dtb.out"} {
		sig := node(t, out[file], "/signature")
		var names []string
		for _, n := range sig.Subnodes {
			names = append(names, n.Name)
		}
		if got, want := strings.Join(names, " "), "key-rsa512 p384 key-rsa2048"; got != want {
			t.Errorf("%s has keys %s, want %s", file, got, want)
		}
	}
	for _, file := range []string{"one.bin", "two.bin"} {
		if hint, _, _ := node(t, out[file], "/signature/key-rsa512").Str("key-name-hint"); hint != "rsa512" {
			t.Errorf("%s has a key %q", file, hint)
		}
	}
}

// A key that is in a device tree under that name already is replaced, also in
// one that the build does not keep up to date.
func TestPublicKeyReplaced(t *testing.T) {
	in := securityInputs(t)
	old := compile(t, `signature { key-rsa2048 { rsa,num-bits = <512>; }; };`)
	in["spl/u-boot-spl.dtb"], in["alt/one.dtb"] = old, old
	out, err := description{source: `binman { ` + alternate + `u-boot-spl-pubkey-dtb { key-name-hint = "rsa2048"; }; }; };`}.build(t, in)
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{"image.bin", "one.bin", "two.bin"} {
		if bits, _, _ := node(t, out[file], "/signature/key-rsa2048").U32("rsa,num-bits"); bits != 2048 {
			t.Errorf("%s has a key of %d bits", file, bits)
		}
	}
}

// A key for ECDSA is looked for where mkimage looks for it first.
func TestECDSAFile(t *testing.T) {
	in := securityInputs(t)
	in["k.crt"], in["k.pem"] = in["p384.crt"], in["p256.key"]
	out, err := description{source: `binman { u-boot-spl-pubkey-dtb { key-name-hint = "k"; algo = "sha256,ecdsa256"; }; };`}.build(t, in)
	if err != nil {
		t.Fatal(err)
	}
	if curve, _, _ := node(t, out["image.bin"], "/signature/k").Str("ecdsa,curve"); curve != "prime256v1" {
		t.Errorf("curve is %q", curve)
	}
}

func TestSecurityErrors(t *testing.T) {
	const enc, key = "Node '/binman/encrypted': ", "Node '/binman/u-boot-spl-pubkey-dtb': "
	for _, test := range []struct{ name, source, want string }{
		{"no directory", `alternates-fdt { };`, "Node '/binman/alternates-fdt': 'alternates-fdt' entry is missing properties: fdt-list-dir"},
		{"missing directory", `alternates-fdt { fdt-list-dir = "missing"; };`, "Filename 'missing' not found in input path"},
		{"no directory at all", `alternates-fdt { fdt-list-dir = "iv.bin"; };`, "Node '/binman/alternates-fdt': cannot list fdt-list-dir"},
		{"bad phase", alternate + `fdt-phase = "bad-phase"; };`, "Invalid U-Boot phase 'bad-phase': Use tpl/vpl/spl"},
		{"no NAME", alternate + `filename-pattern = "x.img"; };`, "filename-pattern 'x.img' is without NAME, so that 2 alternates would be written to one file"},
		{"outside", alternate + `filename-pattern = "../NAME.img"; };`, "Output file '../one.img' is outside the output directory"},
		{"over the image", `filename = "two.bin"; ` + alternate + `};`, "alternate 'two' would be written over the image 'two.bin'"},
		{"bad tree", `alternates-fdt { fdt-list-dir = "bad"; fdt-phase = "spl"; u-boot-spl-dtb { }; };`, "Node '/binman/alternates-fdt': device tree 'bad/bad.dtb': not a devicetree blob"},
		{"no algo", `encrypted { };`, enc + "'encrypted' entry is missing properties: algo iv-filename"},
		{"no key source", `encrypted { algo = "a"; iv-filename = "iv.bin"; };`, enc + "Provide either 'key-filename' or 'key-source'"},
		{"missing iv", `encrypted { algo = "a"; iv-filename = "no-iv"; key-source = "x"; };`, "Filename 'no-iv' not found in input path"},
		{"missing key file", `encrypted { algo = "a"; iv-filename = "iv.bin"; key-filename = "no-key"; };`, "Filename 'no-key' not found in input path"},
		{"two ciphers", `encrypted { algo = "a"; iv-filename = "iv.bin"; key-source = "x"; }; e { type = "encrypted"; algo = "a"; iv-filename = "iv.bin"; key-source = "x"; };`,
			"Node '/binman/e': '/binman' has a cipher node already"},
		{"no hint", `u-boot-spl-pubkey-dtb { };`, key + "'u-boot-spl-pubkey-dtb' entry is missing properties: key-name-hint"},
		{"path", `u-boot-spl-pubkey-dtb { key-name-hint = "keys/key"; };`, key + "'keys/key' is a path not a filename"},
		{"missing certificate", `u-boot-spl-pubkey-dtb { key-name-hint = "k"; };`, "Filename 'k.crt' not found in input path"},
		{"bad certificate", `u-boot-spl-pubkey-dtb { key-name-hint = "bad"; };`, key + "'bad.crt': no certificate and no key in PEM form"},
		{"bad algorithm", `u-boot-spl-pubkey-dtb { key-name-hint = "rsa512"; algo = "sha1"; };`, key + "Unsupported signature algorithm 'sha1'"},
		{"other algorithm", `u-boot-spl-pubkey-dtb { key-name-hint = "p256"; };`, key + "Cannot add public key 'p256': algorithm 'sha1,rsa2048' needs an RSA key, not ECDSA"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := description{source: "binman { " + test.source + " };"}.build(t, securityInputs(t))
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v\nwant %s", err, test.want)
			}
		})
	}
}
