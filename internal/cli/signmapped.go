// SPDX-License-Identifier: GPL-2.0-or-later

package cli

import (
	"crypto"
	"errors"
	"fmt"
	"strings"

	"binman/content"
	"binman/etype"
	"binman/format/fit"
	"binman/format/fit/sign"
	"binman/format/verify"
	"binman/layout"
	"binman/report"
	"binman/signer"
)

// mapped signs what the paths name in an image with an FDT map, or everything for which
// there is a key, and returns the file; and the FIT of option -f.
func (o *signOptions) mapped(img *layout.Opened, ring *signer.Keyring) (image, fit content.Data, err error) {
	if o.file != "" && len(o.paths) != 1 {
		return image, fit, errors.New("Must specify exactly one entry path to sign with -f")
	}
	entries, err := o.signedEntries(img, ring)
	if err != nil {
		return image, fit, err
	}
	if o.file == "" {
		if err := verify.First(report.Verify(img, nil, nil), nil); err != nil {
			return image, fit, fmt.Errorf("the image is damaged, and is not signed: %w", err)
		}
	}
	var list []layout.Replacement
	for _, e := range entries {
		if !isFIT(e) {
			if o.file != "" {
				return image, fit, e.Errorf("it is no FIT, which option -f is for")
			}
			if err := img.Resign(e); err != nil {
				return image, fit, err
			}
			continue
		}
		signed, err := o.fit(img, e, ring)
		if err != nil {
			return image, fit, err
		}
		list = append(list, layout.Replacement{Entry: e, Data: signed})
	}
	if image, err = img.Replace(list, true); err == nil && o.file != "" {
		fit = list[0].Data
	}
	return image, fit, err
}

// signedEntries returns what is to be signed.
func (o *signOptions) signedEntries(img *layout.Opened, ring *signer.Keyring) ([]*layout.Entry, error) {
	var list []*layout.Entry
	for _, path := range o.paths {
		e, err := img.Find(path)
		if err != nil {
			return nil, err
		}
		given, err := o.haveKeys(img, e, ring)
		if err != nil {
			return nil, err
		}
		switch _, ok := e.Type.(layout.Signed); {
		case isFIT(e):
		case !ok:
			return nil, e.Errorf("Updating signatures is not supported with this entry type")
		case !given:
			return nil, e.Errorf("say where its keys are with --key HINT=REF, for the hints '%s'", strings.Join(e.Type.(layout.Signed).Hints(), "', '"))
		}
		list = append(list, e)
	}
	if len(o.paths) > 0 {
		return list, nil
	}
	var err error
	img.Entry.Walk(func(e *layout.Entry) {
		given, err2 := o.haveKeys(img, e, ring)
		if err = errors.Join(err, err2); given {
			list = append(list, e)
		}
	})
	if err == nil && len(list) == 0 {
		err = errors.New("there is nothing to sign: nothing in the image is signed in a way that is known, or no key is given for it")
	}
	return list, err
}

func isFIT(e *layout.Entry) bool {
	_, ok := e.Type.(*etype.FIT)
	return ok
}

// haveKeys says whether an entry is signed, and all keys for that are given.
func (o *signOptions) haveKeys(img *layout.Opened, e *layout.Entry, ring *signer.Keyring) (bool, error) {
	var hints []string
	switch t := e.Type.(type) {
	case *etype.FIT:
		data, err := img.Contents(e)
		if err != nil {
			return false, err
		}
		f, err := fit.Parse(data, data.Len())
		if err != nil {
			return false, nil // it says so when it is named
		}
		if hints, err = sign.Hints(f.Tree.Root); err != nil {
			return false, err
		}
	case layout.Signed:
		hints = t.Hints()
	}
	for _, hint := range hints {
		if _, given, err := ring.Given(hint); err != nil || !given {
			return false, err
		}
	}
	return len(hints) > 0, nil
}

// fit returns the FIT of an entry, signed anew.
func (o *signOptions) fit(img *layout.Opened, e *layout.Entry, ring *signer.Keyring) (content.Data, error) {
	data, err := img.Contents(e)
	if o.file != "" {
		data, err = content.Open(o.file)
	}
	if err != nil {
		return content.Data{}, err
	}
	signed, err := fit.Resign(data, o.protection(ring))
	if err != nil {
		return content.Data{}, e.Errorf("%w", err)
	}
	return signed, nil
}

// protection returns how FITs are signed.
func (o *signOptions) protection(ring *signer.Keyring) *fit.Protection {
	return &fit.Protection{
		Key:     func(hint, algo string) (crypto.Signer, error) { return ring.Key(hint, algo) },
		Algo:    o.algo,
		Version: etype.SignerVersion,
	}
}
