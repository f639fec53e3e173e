// SPDX-License-Identifier: GPL-2.0-or-later

package cli

import (
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"binman/content"
	"binman/fdt"
	"binman/internal/argparse"
	"binman/internal/atomicfile"
	"binman/internal/host"
	"binman/signer"
)

// keyOptions holds the options of the key command.
type keyOptions struct {
	*globals
	action   string
	files    []string
	algo     string
	name     string
	keyDir   string
	required string
	iv       string
	keys     keyFlags
}

func (g *globals) keyCommand() command {
	o := &keyOptions{globals: g}
	return command{
		Command: argparse.Command{
			Name: "key",
			Help: "Make and show keys, put them into device trees",
			Description: "What is done with keys:\n\n" +
				"generate NAME... makes keys for tests: NAME.key (of ECDSA and Ed25519, NAME.pem) and a certificate, NAME.crt; for a cipher, NAME.bin.\n\n" +
				"show REF... tells of keys what they are, and how U-Boot's device tree holds them.\n\n" +
				"add-to-dtb DTB... adds a public key, or the key of a cipher, to device trees, for U-Boot to verify or decrypt with.",
			Options: append([]argparse.Option{
				{Names: []string{"-a", "--algo"}, Value: argparse.String(&o.algo, ""), Complete: keyAlgos, Help: "Algorithm, such as sha256,rsa2048, sha256,ecdsa256, ed25519 or aes256 (default: of generate, rsa2048; else that of the key, with sha256)"},
				{Names: []string{"-n", "--name"}, Value: argparse.String(&o.name, ""), Help: "Name of the key, the hint that FITs have (add-to-dtb)"},
				{Names: []string{"-k", "--keydir"}, Meta: "DIR", Value: argparse.String(&o.keyDir, "."), Help: "Directory in which the key is looked for by its name (add-to-dtb)"},
				{Names: []string{"-r", "--required"}, Value: argparse.String(&o.required, ""), Choices: []string{"conf", "image"}, Help: "What must be signed with the key: conf or image (add-to-dtb)"},
				{Names: []string{"--iv"}, Meta: "NAME", Value: argparse.String(&o.iv, ""), Help: "Name of the cipher's initialisation vector (add-to-dtb)"},
			}, o.keys.options()...),
			Args: []argparse.Arg{
				{Name: "action", Value: argparse.String(&o.action, ""), Choices: []string{"generate", "show", "add-to-dtb"}, Help: "What to do"},
				{Name: "files", Nargs: "+", Value: argparse.Strings(&o.files), Help: "Names of keys to make, keys to show, or device trees to change"},
			},
		},
		run: o.run,
	}
}

func keyAlgos(string) []argparse.Candidate {
	return argparse.Words("sha256,rsa2048", "sha256,rsa3072", "sha256,rsa4096", "sha256,ecdsa256", "sha384,ecdsa384", "ed25519", "aes128", "aes192", "aes256")
}

func (o *keyOptions) run() error {
	ring, err := o.keys.unopened()
	if err != nil {
		return err
	}
	do := map[string]func(string) error{
		"generate":   o.generate,
		"show":       o.show,
		"add-to-dtb": func(path string) error { return o.addToDTB(ring, path) },
	}[o.action]
	for _, file := range o.files {
		if err := do(file); err != nil {
			return err
		}
	}
	return nil
}

// node is something that a device tree can hold.
type node interface {
	Add(t *fdt.Tree) error
}

func (o *keyOptions) addToDTB(ring *signer.Keyring, path string) error {
	if o.name == "" {
		return wrongUsage("add-to-dtb needs the name of the key: --name")
	}
	key, err := o.node(ring)
	if err != nil {
		return err
	}
	blob, err := smallFile(path)
	if err != nil {
		return err
	}
	tree, err := fdt.Parse(blob)
	if err != nil {
		return fmt.Errorf("'%s': %w", path, err)
	}
	if err := key.Add(tree); err != nil {
		return fmt.Errorf("cannot add key '%s' to '%s': %w", o.name, path, err)
	}
	return atomicfile.Write(path, content.Bytes(tree.Marshal()))
}

// node returns the node of the key that the options name.
func (o *keyOptions) node(ring *signer.Keyring) (node, error) {
	if signer.CipherSize(o.algo) > 0 {
		return o.cipherNode()
	}
	if o.iv != "" {
		return nil, wrongUsage("--iv is for ciphers: --algo aes128, aes192 or aes256")
	}
	pub, err := ring.Public(o.name, o.keyDir)
	if err != nil {
		return nil, err
	}
	algo := o.algo
	if algo == "" {
		if algo = defaultAlgo(pub); algo == "" {
			return nil, fmt.Errorf("there is no algorithm for key '%s', which is %s", o.name, signer.KindOf(pub.Key))
		}
	}
	if err := signer.CheckFor(algo, pub.Key); err != nil {
		return nil, fmt.Errorf("key '%s': %w", o.name, err)
	}
	return keyNode(pub, o.name, algo, o.required)
}

// defaultAlgo returns the algorithm of a key, "" if there is none.
func defaultAlgo(pub *signer.Public) string {
	algo := signer.AlgorithmOf(pub.Key)
	if algo == "" || algo == signer.AlgoEd25519 {
		return algo
	}
	return "sha256," + algo
}

func keyNode(pub *signer.Public, name, algo, required string) (*signer.KeyNode, error) {
	key, err := signer.FromCrypto(pub.Key)
	if err != nil {
		return nil, fmt.Errorf("key '%s': %w", name, err)
	}
	return &signer.KeyNode{Hint: name, Algo: algo, Required: required, Key: key}, nil
}

func (o *keyOptions) cipherNode() (node, error) {
	if o.required != "" {
		return nil, wrongUsage("--required is for keys that verify, not for ciphers")
	}
	c := &signer.CipherNode{Algo: o.algo, Hint: o.name, IVHint: o.iv}
	var err error
	if c.Key, err = smallFile(filepath.Join(o.keyDir, o.name+".bin")); err != nil {
		return nil, err
	}
	if o.iv != "" {
		if c.IV, err = smallFile(filepath.Join(o.keyDir, o.iv+".bin")); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// maxSmall bounds files that are read whole, in bytes: device trees are the longest.
const maxSmall = 64 << 20

// smallFile reads a file whole.
func smallFile(path string) ([]byte, error) {
	data, err := content.Open(path)
	if err != nil {
		return nil, err
	}
	if data.Len() > maxSmall {
		return nil, fmt.Errorf("'%s' has %d bytes, more than %d", path, data.Len(), maxSmall)
	}
	return data.Bytes()
}

// show prints what a key is.
func (o *keyOptions) show(ref string) error {
	pub, kind, err := o.find(ref)
	if err != nil {
		return err
	}
	der, err := x509.MarshalPKIXPublicKey(pub.Key)
	if err != nil {
		return err
	}
	name := o.name
	if name == "" {
		name = strings.TrimSuffix(filepath.Base(pub.Name), filepath.Ext(pub.Name))
	}
	fmt.Fprintf(o.stdout, "%s\n  kind:        %s, %s\n", printable(pub.Name), signer.KindOf(pub.Key), kind)
	algo := defaultAlgo(pub)
	if algo == "" {
		algo = "none: it is too weak, or of a size that nothing here uses"
	}
	fmt.Fprintf(o.stdout, "  algorithm:   %s\n  fingerprint: %s\n", algo, fmt.Sprintf("sha256:%x (of SubjectPublicKeyInfo)", sha256.Sum256(der)))
	if o.algo != "" {
		if err := signer.CheckFor(o.algo, pub.Key); err != nil {
			return fmt.Errorf("key '%s': %w", pub.Name, err)
		}
		algo = o.algo
	}
	tree := fdt.New()
	key, err := keyNode(pub, name, algo, o.required)
	if err == nil {
		err = key.Add(tree)
	}
	if err != nil {
		fmt.Fprintf(o.stdout, "  device tree: %v\n", err)
		return nil
	}
	fmt.Fprintf(o.stdout, "  device tree: /signature/%s\n", printable(key.Name()))
	for n := range tree.Root.Child("signature").All() {
		for _, p := range n.Props {
			printProp(o.stdout, p.Name, p.Value)
		}
	}
	return nil
}

// find returns the public key, and whether it was found in a private one.
func (o *keyOptions) find(ref string) (*signer.Public, string, error) {
	opts := host.Keys()
	opts.PassphraseFile = o.keys.passphraseFile
	opts.PKCS11 = beside(signer.TokenProgram)
	s, err := signer.Open("", ref, opts)
	if err == nil {
		return s.Verifier(), "private", nil
	}
	if !errors.Is(err, signer.ErrNoKey) {
		return nil, "", err
	}
	pub, err := signer.OpenPublic("", ref, opts)
	return pub, "public", err
}

// printProp prints a property of a key as device tree source has it: text, or
// cells.
func printProp(w io.Writer, name string, value []byte) {
	text := strings.TrimSuffix(string(value), "\x00")
	if len(text) == len(value)-1 && text != "" && strings.Trim(text, " -,._abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") == "" {
		fmt.Fprintf(w, "    %s = \"%s\";\n", name, text)
		return
	}
	fmt.Fprintf(w, "    %s = <", name)
	for i := 0; i+4 <= len(value); i += 4 {
		if i > 0 {
			fmt.Fprint(w, " ")
		}
		fmt.Fprintf(w, "0x%x", value[i:i+4])
	}
	fmt.Fprintln(w, ">;")
}
