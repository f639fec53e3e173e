// SPDX-License-Identifier: GPL-2.0-or-later

package cli_test

import (
	"crypto"
	"crypto/rsa"
	"os"
	"path/filepath"
	"strings"

	"binman/signer"
)

// scriptAnswer signs what --sign-later has written, as whoever has the keys would.
func scriptAnswer(ts *script, neg bool, args []string) {
	usage(ts, neg, args, 2, 9, "answer dir hint=key...")
	keys := map[string]*signer.Signer{}
	for _, arg := range args[1:] {
		hint, file, _ := strings.Cut(arg, "=")
		key, err := signer.Open(hint, ts.MkAbs(file), signer.Options{ReadFile: os.ReadFile})
		ts.Check(err)
		keys[hint] = key
	}
	requests, err := filepath.Glob(filepath.Join(ts.MkAbs(args[0]), "*.request"))
	ts.Check(err)
	for _, name := range requests {
		answer := strings.TrimSuffix(name, ".request") + ".sig"
		if _, err := os.Stat(answer); err == nil {
			continue
		}
		text, err := os.ReadFile(name)
		ts.Check(err)
		r, err := signer.ParseRequest(text)
		ts.Check(err)
		key := keys[r.Key]
		if key == nil {
			continue
		}
		kind, hash, _ := cutLast(r.Algorithm, "-")
		var opts crypto.SignerOpts = signer.FindHash(hash)
		if kind == "rsa-pss" {
			opts = &rsa.PSSOptions{Hash: signer.FindHash(hash), SaltLength: r.SaltLength}
		}
		sig, err := key.Sign(nil, r.Digest, opts)
		ts.Check(err)
		ts.Check(os.WriteFile(answer, sig, 0o666))
	}
}

func cutLast(s, sep string) (before, after string, found bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(sep):], true
}
