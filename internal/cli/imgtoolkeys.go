// SPDX-License-Identifier: GPL-2.0-or-later

package cli

import (
	"crypto"
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"binman/content"
	"binman/format/mcuboot"
	"binman/internal/click"
	"binman/signer"
)

// imgtoolKey are imgtool's commands that show a key.
type imgtoolKey struct {
	*imgtool
	key, encoding, lang, out, suffix, format, require string
	minimal                                           bool
}

// keyParam is the option for the key.
func (k *imgtoolKey) keyParam() click.Param {
	return click.Param{Names: []string{"-k", "--key"}, Meta: "filename", Count: 1, Required: true, Set: click.Text(&k.key)}
}

func (k *imgtoolKey) outParam() click.Param {
	return click.Param{Names: []string{"-o", "--output"}, Meta: "output", Count: 1, Set: click.Text(&k.out), Help: "Specify the output file's name. The stdout is used if it is not provided."}
}

func (k *imgtoolKey) suffixParam(help string) click.Param {
	return click.Param{Names: []string{"--name-suffix"}, Meta: "SUFFIX", Count: 1, Help: help, Set: func(v []string) error {
		k.suffix = v[0]
		if !regexp.MustCompile(`^[A-Za-z0-9_]*$`).MatchString(v[0]) {
			return click.BadValue(fmt.Sprintf("'%s' must contain only [A-Za-z0-9_]; it is appended directly to a C/Rust identifier.", v[0]))
		}
		return nil
	}}
}

func (t *imgtool) getpubCommand() click.Command {
	k := &imgtoolKey{imgtool: t}
	return click.Command{
		Name: "getpub",
		Help: "Dump public key from keypair",
		Params: append([]click.Param{
			k.outParam(),
			k.keyParam(),
			k.suffixParam("Append SUFFIX to the emitted C/Rust symbol names (e.g. `--name-suffix _2` emits `rsa_pub_key_2` / `rsa_pub_key_2_len`). Useful when embedding multiple signing keys in the same image. Ignored for PEM/raw encodings (those emit no identifiers)."),
			{Names: []string{"-e", "--encoding"}, Meta: "encoding", Count: 1, Choices: []string{"lang-c", "lang-rust", "pem", "raw"}, Set: click.Text(&k.encoding), Help: "Valid encodings: lang-c, lang-rust, pem, raw"},
			{Names: []string{"-l", "--lang"}, Meta: "lang", Count: 1, Choices: []string{"c", "rust"}, Set: click.Text(&k.lang), Help: "This option is deprecated. Please use the `--encoding` option. Valid langs: c, rust"},
		}, t.keyParams(false)...),
		Run: k.getpub,
	}
}

func (t *imgtool) getpubhashCommand() click.Command {
	k := &imgtoolKey{imgtool: t, encoding: "lang-c"}
	return click.Command{
		Name: "getpubhash",
		Help: "Dump the SHA256 hash of the public key",
		Params: append([]click.Param{
			k.outParam(),
			k.keyParam(),
			k.suffixParam("Append SUFFIX to the emitted C symbol names (lang-c encoding only). Ignored for raw encoding."),
			{Names: []string{"-e", "--encoding"}, Meta: "encoding", Count: 1, Choices: []string{"lang-c", "raw"}, Set: click.Text(&k.encoding), Help: "Valid encodings: lang-c, raw. Default value is lang-c."},
		}, t.keyParams(false)...),
		Run: k.getpubhash,
	}
}

func (t *imgtool) getprivCommand() click.Command {
	k := &imgtoolKey{imgtool: t}
	return click.Command{
		Name: "getpriv",
		Help: "Dump private key from keypair",
		Params: append([]click.Param{
			{Names: []string{"-f", "--format"}, Count: 1, Choices: []string{"openssl", "pkcs8"}, Set: click.Text(&k.format), Help: "Valid formats: openssl, pkcs8"},
			k.keyParam(),
			{Names: []string{"--minimal"}, Set: click.Flag(&k.minimal), Help: "Reduce the size of the dumped private key to include only the minimum amount of data required to decrypt. This might require changes to the build config. Check the docs!"},
		}, t.keyParams(false)...),
		Run: k.getpriv,
	}
}

func (t *imgtool) keyinfoCommand() click.Command {
	k := &imgtoolKey{imgtool: t}
	return click.Command{
		Name:  "keyinfo",
		Help:  "Print whether KEY is a keypair PEM (`private`) or a public-only PEM (`public`). Intended for build-system use: pair with `--require` to gate the build on the expected key kind.",
		Short: "Print whether KEY is a keypair PEM (`private`) or a...",
		Params: []click.Param{
			k.keyParam(),
			{Names: []string{"--require"}, Count: 1, Choices: []string{"private", "public"}, Set: click.Text(&k.require), Help: "Exit non-zero if the key kind does not match REQUIRE. Without this option, keyinfo always exits 0 and prints the detected kind on stdout."},
		},
		Run: k.keyinfo,
	}
}

// public returns the public key with its kind and its bytes.
func (k *imgtoolKey) public() (crypto.PublicKey, mcuboot.KeyKind, []byte, error) {
	key, err := k.imgtool.key(k.key)
	if err != nil {
		return nil, mcuboot.KeyKind{}, nil, err
	}
	pub, _ := signer.PublicOf(key)
	kind, err := mcuboot.KindOf(pub)
	if err != nil {
		return nil, kind, nil, err
	}
	b, err := mcuboot.PublicBytes(pub)
	return pub, kind, b, err
}

func (k *imgtoolKey) getpub() error {
	switch {
	case k.encoding != "" && k.lang != "":
		return click.Wrong("Please use only one of `--encoding/-e` or `--lang/-l`")
	case k.suffix != "" && (k.encoding == "pem" || k.encoding == "raw"):
		return click.Wrong("`--name-suffix` is only meaningful for lang-c / lang-rust encodings")
	}
	pub, kind, b, err := k.public()
	if err != nil {
		return err
	}
	switch {
	case k.encoding == "raw":
		return k.write(string(b))
	case k.encoding == "pem":
		der, err := x509.MarshalPKIXPublicKey(pub)
		if err != nil {
			return err
		}
		return k.write(string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})))
	case k.encoding == "lang-rust" || k.lang == "rust":
		name := strings.ToUpper(kind.Short + "_pub_key" + k.suffix)
		return k.write(arrayText("static "+name+": &[u8] = &[", b, "];", ""))
	}
	return k.write(cArray(kind.Short+"_pub_key"+k.suffix, b))
}

func (k *imgtoolKey) getpubhash() error {
	if k.suffix != "" && k.encoding == "raw" {
		return click.Wrong("`--name-suffix` is only meaningful for the lang-c encoding")
	}
	_, kind, b, err := k.public()
	if err != nil {
		return err
	}
	sum := sha256.Sum256(b)
	if k.encoding == "raw" {
		return k.write(string(sum[:]))
	}
	return k.write(cArray(kind.Short+"_pub_key_hash"+k.suffix, sum[:]))
}

func (k *imgtoolKey) getpriv() error {
	key, err := k.imgtool.private(k.key)
	if err != nil {
		return err
	}
	der, err := mcuboot.PrivateBytes(key, k.format, k.minimal)
	if err != nil {
		return asWrong(err)
	}
	return k.write(cArray("enc_priv_key", der))
}

func (k *imgtoolKey) keyinfo() error {
	o, err := k.imgtool.keys.signerOptions()
	if err != nil {
		return err
	}
	o.LookupEnv, o.Prompt, o.PassphraseFile = nil, nil, ""
	key, err := k.imgtool.open(k.key, o)
	if errors.Is(err, signer.ErrNoPassphrase) {
		return click.Wrong(fmt.Sprintf("Cannot inspect %s: key is password-protected or unreadable. keyinfo runs non-interactively and does not prompt for a passphrase.", k.key))
	}
	if err != nil {
		return err
	}
	kind := "public"
	if _, private := signer.PublicOf(key); private {
		kind = "private"
	}
	fmt.Fprintln(k.stdout, kind)
	if k.require != "" && k.require != kind {
		return click.Wrong(fmt.Sprintf("Key %s is %s, but %s was required.", k.key, kind, k.require))
	}
	return nil
}

// write writes to the file, or prints.
func (k *imgtoolKey) write(text string) error {
	if k.out != "" {
		return k.save(result{path: k.out, what: "the key", data: content.String(text)})
	}
	_, err := k.stdout.Write([]byte(text))
	return err
}

// cArray returns an array of C and its length.
func cArray(name string, b []byte) string {
	return arrayText("const unsigned char "+name+"[] = {", b, "};", fmt.Sprintf("const unsigned int %s_len = %d;\n", name, len(b)))
}

func arrayText(open string, b []byte, end, after string) string {
	text := "/* Autogenerated by imgtool.py, do not edit. */\n" + open
	for i, c := range b {
		sep := " "
		if i%8 == 0 {
			sep = "\n    "
		}
		text += fmt.Sprintf("%s0x%02x,", sep, c)
	}
	return text + "\n" + end + "\n" + after
}
