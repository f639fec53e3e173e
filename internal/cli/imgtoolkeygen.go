// SPDX-License-Identifier: GPL-2.0-or-later

package cli

import (
	"bufio"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"binman/content"
	"binman/internal/atomicfile"
	"binman/internal/click"
	"binman/signer"
)

// imgtoolKeygen is imgtool's command keygen.
type imgtoolKeygen struct {
	*imgtool
	key, kind       string
	password, force bool
	stdin           *bufio.Reader
}

// keyTypes are the types of keys, in imgtool's order.
func keyTypes() []string {
	return []string{"rsa-2048", "rsa-3072", "ecdsa-p256", "ecdsa-p384", "ed25519", "x25519"}
}

// newKey makes a key of a type.
func newKey(kind string) (any, error) {
	switch kind {
	case "rsa-2048":
		return rsa.GenerateKey(rand.Reader, 2048)
	case "rsa-3072":
		return rsa.GenerateKey(rand.Reader, 3072)
	case "ecdsa-p256":
		return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case "ecdsa-p384":
		return ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	case "ed25519":
		_, key, err := ed25519.GenerateKey(rand.Reader)
		return key, err
	}
	return ecdh.X25519().GenerateKey(rand.Reader)
}

func (t *imgtool) keygenCommand() click.Command {
	k := &imgtoolKeygen{imgtool: t, stdin: bufio.NewReader(io.LimitReader(os.Stdin, 1<<16))}
	return click.Command{
		Name: "keygen",
		Help: "Generate pub/private keypair",
		Params: append([]click.Param{
			{Names: []string{"-k", "--key"}, Meta: "filename", Count: 1, Required: true, Set: click.Text(&k.key)},
			{Names: []string{"-t", "--type"}, Meta: "type", Count: 1, Required: true, Choices: keyTypes(), Set: click.Text(&k.kind), Ask: k.ask, Help: "One of: " + strings.Join(keyTypes(), ", ")},
			{Names: []string{"-p", "--password"}, Set: click.Flag(&k.password), Help: "Prompt for password to protect key"},
			{Names: []string{"--force"}, Extra: true, Set: click.Flag(&k.force), Help: "Overwrite a file that is there already: the key in it is lost"},
		}, t.keyParams(false)...),
		Run: k.run,
	}
}

// ask asks for the type of the key until there is one.
func (k *imgtoolKeygen) ask() (string, error) {
	for {
		fmt.Fprintf(k.stdout, "Type (%s): ", strings.Join(keyTypes(), ", "))
		line, err := k.stdin.ReadString('\n')
		switch kind := strings.TrimRight(line, "\r\n"); {
		case slices.Contains(keyTypes(), kind):
			return kind, nil
		case err != nil:
			fmt.Fprintln(k.stderr, "\nAborted!")
			return "", statusOnly(statusError)
		case kind != "":
			fmt.Fprintf(k.stdout, "Error: '%s' is not one of '%s'.\n", kind, strings.Join(keyTypes(), "', '"))
		}
	}
}

func (k *imgtoolKeygen) run() error {
	if _, err := os.Stat(k.key); err == nil && !k.force {
		return fmt.Errorf("'%s' is there already, and a key that is overwritten is lost; remove it, choose another name, or give --force", k.key)
	}
	var pass []byte
	if k.password {
		o, err := k.imgtool.keys.signerOptions()
		if err != nil {
			return err
		}
		pass, err = signer.NewPassphrase(o, func() { fmt.Fprintln(k.stdout, "Passwords do not match, try again") })
		if err != nil {
			return err
		}
	}
	key, err := newKey(k.kind)
	if err != nil {
		return err
	}
	file, err := signer.MarshalPrivateKey(key, pass)
	if err != nil {
		return err
	}
	return k.write(file)
}

// write writes the key for its owner alone.
func (k *imgtoolKeygen) write(text []byte) error {
	if err := k.used.claim(k.key, "the key"); err != nil {
		return err
	}
	return atomicfile.Options{New: !k.force, Mode: 0o600}.Write(k.key, content.Bytes(text))
}
