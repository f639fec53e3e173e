// SPDX-License-Identifier: GPL-2.0-or-later

package cli

import (
	"crypto"
	"errors"
	"fmt"

	"binman/content"
	"binman/etype"
	"binman/format/fit"
	"binman/internal/argparse"
	"binman/internal/atomicfile"
	"binman/internal/imagefile"
	"binman/layout"
	"binman/signer"
)

// signOptions holds the options of the sign command.
type signOptions struct {
	*globals
	keyFlags
	image, key, algo, file string
	paths                  []string
}

func (g *globals) signCommand() command {
	o := &signOptions{globals: g}
	return command{
		Command: argparse.Command{
			Name: "sign",
			Help: "Sign entries in image",
			Description: "Signs FITs in an image anew: all their signature nodes, with one key and algorithm. The FIT may be at any depth. " +
				"Its data stays as it is; what follows it moves if the FIT grows and the image allows that. The old image stays until the new one is complete.",
			Options: append([]argparse.Option{
				{Names: []string{"-a", "--algo"}, Value: argparse.String(&o.algo, ""), Required: true, Help: "Hash algorithm e.g. sha256,rsa4096"},
				{Names: []string{"-f", "--file"}, Value: argparse.String(&o.file, ""), Help: "FIT to sign and put into the entry; the file is signed, too"},
				{Names: []string{"-i", "--image"}, Value: argparse.String(&o.image, ""), Required: true, Help: "Image filename to update"},
				{Names: []string{"-k", "--key"}, Value: argparse.String(&o.key, ""), Required: true, Help: "Private key for signing: a file, exec:COMMAND, or a pkcs11: URI"},
				{Names: []string{"--passphrase-file"}, Extension: true, Meta: "FILE", Value: argparse.String(&o.passphraseFile, ""), Help: "Read the passphrase of an encrypted key, or the PIN of a token, from the first line of FILE"},
				{Names: []string{"--sign-timeout"}, Extension: true, Meta: "SECONDS", Value: argparse.Int(&o.timeout, defaultTimeout), Help: "How long a program may take for one signature (default: 60)"},
				o.reproducibleOption(),
			}, o.laterOptions()...),
			Args: []argparse.Arg{{Name: "paths", Nargs: "*", Value: argparse.Strings(&o.paths), Help: "Paths within file to sign (wildcard)", Complete: g.entryPaths(&o.image)}},
		},
		run:   o.run,
		later: true,
	}
}

func (o *signOptions) run() error {
	if o.attach != "" && o.image == "" && o.key == "" && o.algo == "" && len(o.paths) == 0 {
		return o.attachRecorded(o.attach)
	}
	if o.image == "" || o.key == "" || o.algo == "" {
		return wrongUsage("argument --attach: alone, or with all that --sign-later was given: -i, -k, -a and paths")
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

// update signs the FITs and writes the image, unless this is a trial.
func (o *signOptions) update(trial bool) error {
	if len(o.paths) == 0 {
		return errors.New("there is nothing to sign: name the FITs in the image")
	}
	if o.file != "" && len(o.paths) != 1 {
		return errors.New("Must specify exactly one entry path to sign with -f")
	}
	protection, err := o.protection()
	if err != nil {
		return err
	}
	file, err := imagefile.Lock(o.image, false)
	if err != nil {
		return err
	}
	defer file.Close()
	img, err := o.reader().Open(file.Data, o.image)
	if err != nil {
		return err
	}
	entries, err := o.entries(img)
	if err != nil {
		return err
	}
	var list []layout.Replacement
	for _, e := range entries {
		signed, err := o.sign(img, e, protection)
		if err != nil {
			return err
		}
		list = append(list, layout.Replacement{Entry: e, Data: signed})
	}
	data, err := img.Replace(list, true)
	if err != nil || trial {
		return err
	}
	if o.file != "" {
		if err := atomicfile.Write(o.file, list[0].Data); err != nil {
			return err
		}
	}
	defer o.log().Begin(data.Len(), "writing %s", o.image)()
	return file.Update(data)
}

// protection opens the key, which signs whatever a node names.
func (o *signOptions) protection() (*fit.Protection, error) {
	opts, err := o.signerOptions()
	if err != nil {
		return nil, err
	}
	key, err := signer.Open("", o.key, opts)
	if err != nil {
		return nil, err
	}
	if err := signer.CheckFor(o.algo, key.Public()); err != nil {
		return nil, fmt.Errorf("key '%s': %w", key.Name, err)
	}
	return &fit.Protection{
		Key:     func(string, string) (crypto.Signer, error) { return key, nil },
		Algo:    o.algo,
		Version: etype.SignerVersion,
	}, nil
}

// entries returns the FITs that the paths name.
func (o *signOptions) entries(img *layout.Opened) ([]*layout.Entry, error) {
	var list []*layout.Entry
	for _, path := range o.paths {
		e, err := img.Find(path)
		if err != nil {
			return nil, err
		}
		if _, ok := e.Type.(*etype.FIT); !ok {
			return nil, e.Errorf("Updating signatures is not supported with this entry type")
		}
		list = append(list, e)
	}
	return list, nil
}

// sign returns the FIT of an entry, signed anew.
func (o *signOptions) sign(img *layout.Opened, e *layout.Entry, p *fit.Protection) (content.Data, error) {
	data, err := img.Contents(e)
	if o.file != "" {
		data, err = content.Open(o.file)
	}
	if err != nil {
		return content.Data{}, err
	}
	signed, err := fit.Resign(data, p)
	if err != nil {
		return content.Data{}, e.Errorf("%w", err)
	}
	return signed, nil
}
