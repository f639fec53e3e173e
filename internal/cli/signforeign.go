// SPDX-License-Identifier: GPL-2.0-or-later

package cli

import (
	"crypto"
	"crypto/x509"
	"errors"
	"fmt"
	"strconv"
	"time"

	"binman/content"
	"binman/etype"
	"binman/format/fdtmap"
	"binman/format/vboot"
	"binman/format/verify"
	"binman/inspect"
	"binman/internal/host"
	"binman/internal/imagefile"
	"binman/internal/wildcard"
	"binman/resign"
	"binman/signer"
)

// updateForeign signs what is found in a file without an FDT map. Cause says that it
// has none.
func (o *signOptions) updateForeign(file *imagefile.File, ring *signer.Keyring, trial bool, cause error) error {
	if !errors.Is(cause, fdtmap.ErrNone) {
		return cause
	}
	if o.file != "" {
		return fmt.Errorf("%w, which option -f needs", cause)
	}
	data, done, err := resign.File(file.Data, o.image, o.resigning(ring))
	if err != nil {
		return err
	}
	if missing := o.unsigned(done); missing != "" {
		return fmt.Errorf("there is nothing to sign at '%s'", missing)
	}
	list, err := inspect.Verify(data, o.image, nil)
	if err := verify.First(list, err); err != nil && !trial && o.notes == nil {
		return fmt.Errorf("what was signed would not verify, and is not written: %w", err)
	}
	if trial {
		return nil
	}
	for _, d := range done {
		path := d.Path
		if path == "" {
			path = o.image
		}
		fmt.Fprintf(o.stdout, "%s: %s signed with '%s'\n", printable(path), d.Format, printable(d.Hint))
	}
	return file.Update(data)
}

// resigning returns how a file without a map is signed.
func (o *signOptions) resigning(ring *signer.Keyring) resign.Options {
	r := resign.Options{
		Algo:    o.algo,
		Version: etype.SignerVersion,
		Key: func(hint string) (crypto.Signer, error) {
			if _, given, err := ring.Given(hint); err != nil || !given {
				return nil, err
			}
			return ring.Key(hint, signer.AlgoCertificate)
		},
		Certificate: func() (*x509.Certificate, error) {
			if o.cert == "" {
				return nil, nil
			}
			return ring.Certificate(o.cert)
		},
		Keyblock: func() (*vboot.Keyblock, error) {
			if o.keyblock == "" {
				return nil, nil
			}
			data, err := content.Open(o.keyblock)
			if err != nil {
				return nil, err
			}
			b, err := data.Peek(64 << 10)
			if err != nil {
				return nil, err
			}
			return vboot.ParseKeyblock(b)
		},
		Time: func() (time.Time, bool) {
			text, _ := host.Env().Variable("SOURCE_DATE_EPOCH")
			n, err := strconv.ParseInt(text, 10, 64)
			return time.Unix(n, 0), err == nil
		},
	}
	if len(o.paths) > 0 {
		r.Only = func(path string) bool { return wildcard.MatchAny(o.paths, path) }
	}
	return r
}

// unsigned returns a path that names nothing that was signed, or "".
func (o *signOptions) unsigned(done []resign.Done) string {
	for _, path := range o.paths {
		found := false
		for _, d := range done {
			found = found || wildcard.MatchAny([]string{path}, d.Path)
		}
		if !found {
			return path
		}
	}
	return ""
}
