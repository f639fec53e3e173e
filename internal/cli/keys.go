// SPDX-License-Identifier: GPL-2.0-or-later

package cli

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"time"

	"binman/bintool"
	"binman/internal/argparse"
	"binman/internal/host"
	"binman/internal/inputs"
	"binman/layout"
	"binman/signer"
)

// defaultTimeout is how many seconds a program may take for one signature.
const defaultTimeout = int(signer.DefaultTimeout / time.Second)

// keyFlags are the options of commands that use keys.
type keyFlags struct {
	refs           []string
	passphraseFile string
	timeout        int // seconds
	reproducible   bool
	signLater      string         // directory for the first step of two
	attach         string         // directory for the second
	notes          *signer.Later  // nil unless the keys sign later
	note           *inputs.Record // what is told of key files; nil if nobody wants to know
}

// reproducibleOption is of commands that sign.
func (k *keyFlags) reproducibleOption() argparse.Option {
	return argparse.Option{Names: []string{"--reproducible"}, Extension: true, Value: argparse.Flag(&k.reproducible), Help: "Derive what is random in a signature (the salt of PSS) from key and contents, so that the same input gives the same bytes"}
}

func (k *keyFlags) options() []argparse.Option {
	return []argparse.Option{
		{Names: []string{"--key"}, Extension: true, Meta: "HINT=REF", Value: argparse.Strings(&k.refs), Help: "Say where the key is that the description calls HINT: a file, exec:COMMAND, or a pkcs11: URI (@FILE: a file of such lines)"},
		{Names: []string{"--passphrase-file"}, Extension: true, Meta: "FILE", Value: argparse.String(&k.passphraseFile, ""), Help: "Read the passphrase of encrypted keys, or the PIN of a token, from the first line of FILE"},
		{Names: []string{"--sign-timeout"}, Extension: true, Meta: "SECONDS", Value: argparse.Int(&k.timeout, defaultTimeout), Help: "How long a program may take for one signature (default: 60)"},
	}
}

// keyring returns the keys that the options name, all of them opened.
func (k *keyFlags) keyring() (*signer.Keyring, error) {
	ring, err := k.unopened()
	if err != nil {
		return nil, err
	}
	return ring, ring.Check()
}

func (k *keyFlags) unopened() (*signer.Keyring, error) {
	o, err := k.signerOptions()
	if err != nil {
		return nil, err
	}
	ring := signer.NewKeyring(o)
	for _, spec := range k.refs {
		if err := ring.Add(spec); err != nil {
			return nil, err
		}
	}
	return ring, nil
}

// signerOptions returns what the options say of how keys are opened.
func (k *keyFlags) signerOptions() (signer.Options, error) {
	o := host.Keys()
	if k.timeout < 1 {
		return o, wrongUsage("--sign-timeout is a number of seconds, at least 1")
	}
	if k.note != nil {
		o.ReadFile = k.note.ReadFile(o.ReadFile)
		run := o.Run
		o.Run = func(ctx context.Context, c signer.Command) ([]byte, error) {
			if path, err := (bintool.Set{}).Find(c.Args[0]); err == nil {
				k.note.Note(path, nil)
			}
			return run(ctx, c)
		}
	}
	o.PassphraseFile = k.passphraseFile
	o.Timeout = time.Duration(k.timeout) * time.Second
	o.PKCS11 = beside(signer.TokenProgram)
	o.Reproducible = k.reproducible
	o.Later = k.notes
	return o, nil
}

// beside returns the path of a program in the directory of this one, or "" if
// there is none, so that it is looked for in PATH.
func beside(name string) string {
	self, err := os.Executable()
	if err != nil {
		return ""
	}
	path := filepath.Join(filepath.Dir(self), name)
	if _, err := os.Stat(path); err != nil {
		return ""
	}
	return path
}

// warnUnused tells of keys that nobody has asked for.
func warnUnused(ring *signer.Keyring, log *layout.Log) {
	if unused := ring.Unused(); len(unused) > 0 {
		log.Printf(layout.Warning, "Nothing in the description uses the keys given for: %s", strings.Join(unused, ", "))
	}
}
