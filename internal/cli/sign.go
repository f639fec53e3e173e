// SPDX-License-Identifier: GPL-2.0-or-later

package cli

import (
	"os"
	"strings"

	"binman/internal/argparse"
	"binman/internal/atomicfile"
	"binman/internal/imagefile"
	"binman/signer"
)

// signOptions holds the options of the sign command.
type signOptions struct {
	*globals
	keyFlags
	image, algo, file string
	cert, keyblock    string
	keys              []string // as given: references, and HINT=REF
	paths             []string
}

func (g *globals) signCommand() command {
	o := &signOptions{globals: g}
	return command{
		Command: argparse.Command{
			Name: "sign",
			Help: "Sign entries in image",
			Description: "Signs what is signed in an image anew, with other keys: FITs, certificates for K3 devices, capsules, pre-load headers, images for ZynqMP, " +
				"firmware of Chromium OS; at any depth, from the inside out. Everything else stays as it is; what follows moves if something grows and the image allows that. " +
				"Without paths, everything is signed for which there is a key. The old image stays until the new one is complete.",
			Options: append([]argparse.Option{
				{Names: []string{"-a", "--algo"}, Value: argparse.String(&o.algo, ""), Help: "Hash algorithm e.g. sha256,rsa4096; without it, FITs keep theirs"},
				{Names: []string{"-f", "--file"}, Value: argparse.String(&o.file, ""), Help: "FIT to sign and put into the entry; the file is signed, too"},
				{Names: []string{"-i", "--image"}, Value: argparse.String(&o.image, ""), Required: true, Help: "Image filename to update"},
				{Names: []string{"-k", "--key"}, Value: argparse.Strings(&o.keys), Help: "Private key for signing: a file, exec:COMMAND, or a pkcs11: URI; HINT=REF for one of several keys, also more than once"},
				{Names: []string{"--cert"}, Extension: true, Meta: "FILE", Value: argparse.String(&o.cert, ""), Help: "Certificate of the key that signs capsules; without it, the one that they have"},
				{Names: []string{"--keyblock"}, Extension: true, Meta: "FILE", Value: argparse.String(&o.keyblock, ""), Help: "Keyblock for firmware of Chromium OS; without it, the one that it has"},
				{Names: []string{"--passphrase-file"}, Extension: true, Meta: "FILE", Value: argparse.String(&o.passphraseFile, ""), Help: "Read the passphrase of an encrypted key, or the PIN of a token, from the first line of FILE"},
				{Names: []string{"--sign-timeout"}, Extension: true, Meta: "SECONDS", Value: argparse.Int(&o.timeout, defaultTimeout), Help: "How long a program may take for one signature (default: 60)"},
				o.reproducibleOption(),
				g.pluginOption(),
			}, o.laterOptions()...),
			Args: []argparse.Arg{{Name: "paths", Nargs: "*", Value: argparse.Strings(&o.paths), Help: "Paths within file to sign (wildcard)", Complete: g.entryPaths(&o.image)}},
		},
		run:   o.run,
		later: true,
	}
}

func (o *signOptions) run() error {
	if o.attach != "" && o.image == "" && len(o.keys) == 0 && o.algo == "" && len(o.paths) == 0 {
		return o.attachRecorded(o.attach)
	}
	if o.image == "" || len(o.keys) == 0 {
		if o.attach != "" {
			return wrongUsage("argument --attach: alone, or with all that --sign-later was given: -i, -k, -a and paths")
		}
		return wrongUsage("the following arguments are required: -k/--key")
	}
	l, err := o.newLater(&o.keyFlags)
	if err != nil {
		return err
	}
	if l == nil {
		return o.update(false)
	}
	return l.run(&o.keyFlags, o.stdout, func() error { return o.update(true) }, func() error { return o.update(false) })
}

// update signs and writes the image, unless this is a trial.
func (o *signOptions) update(trial bool) error {
	ring, err := o.ring()
	if err != nil {
		return err
	}
	file, err := imagefile.Lock(o.image, false)
	if err != nil {
		return err
	}
	defer file.Close()
	if err := changeable(o.image, file.Data); err != nil {
		return err
	}
	b, err := o.reader()
	if err != nil {
		return err
	}
	b.Env.Keys = ring
	img, err := b.Open(file.Data, o.image)
	if err != nil {
		return o.updateForeign(file, ring, trial, err)
	}
	o.used.Note(o.image, nil)
	data, fit, err := o.mapped(img, ring)
	if err != nil || trial {
		return err
	}
	defer o.log().Begin(data.Len(), "writing %s", o.image)()
	if o.file == "" {
		return file.Update(data)
	}
	if err := o.used.claim(o.file, "the FIT"); err != nil {
		return err
	}
	signed, err := atomicfile.Options{}.Prepare(o.file, fit)
	if err != nil {
		return err
	}
	defer signed.Abort()
	return file.UpdateWith(data, signed)
}

// ring returns the keys that the options name.
func (o *signOptions) ring() (*signer.Keyring, error) {
	o.refs, o.note = nil, &o.used.Record
	other := ""
	for _, key := range o.keys {
		if namesHint(key) {
			o.refs = append(o.refs, key)
		} else {
			other = key
		}
	}
	ring, err := o.unopened()
	if err != nil {
		return nil, err
	}
	ring.Default(other)
	return ring, ring.Check()
}

// namesHint says whether a key is given as HINT=REF, or @FILE with such lines, and not
// as a reference alone, which may have = in it too.
func namesHint(key string) bool {
	hint, _, ok := strings.Cut(key, "=")
	if strings.HasPrefix(key, "@") {
		return true
	}
	if !ok || strings.ContainsAny(hint, ":/") {
		return false
	}
	_, err := os.Stat(key)
	return err != nil
}
