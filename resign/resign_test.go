// SPDX-License-Identifier: GPL-2.0-or-later

package resign_test

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"binman/content"
	"binman/format/vboot"
	"binman/resign"
)

// none is a user without keys.
func none() resign.Options {
	return resign.Options{
		Key:         func(string) (crypto.Signer, error) { return nil, nil },
		Certificate: func() (*x509.Certificate, error) { return nil, nil },
		Keyblock:    func() (*vboot.Keyblock, error) { return nil, nil },
		Time:        func() (time.Time, bool) { return time.Time{}, false },
	}
}

// Whatever a file holds: without keys nothing in it changes, and nothing is said to be
// signed.
func FuzzWithoutKeys(f *testing.F) {
	for _, pattern := range []string{"../format/*/testdata/*", "../format/*/testdata/devkeys/*"} {
		names, err := filepath.Glob(pattern)
		if err != nil {
			f.Fatal(err)
		}
		for _, name := range names {
			if b, err := os.ReadFile(name); err == nil && len(b) < 1<<16 {
				f.Add(b)
			}
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		out, done, err := resign.File(content.Bytes(b), "file", none())
		if len(done) > 0 || err == nil {
			t.Errorf("%v was signed, error %v", done, err)
		}
		if !errors.Is(err, resign.ErrNothing) {
			return // it is damaged
		}
		now, err := out.Bytes()
		if err != nil || !bytes.Equal(now, b) {
			t.Error("it has changed")
		}
	})
}
