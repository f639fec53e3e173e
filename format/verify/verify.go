// SPDX-License-Identifier: GPL-2.0-or-later

// Package verify says in one way, for all formats, what a check of a file has
// found: which of the claims that it makes about itself hold.
//
// What a format parses has a method
//
//	Verify(r io.ReaderAt, size int64, keys []Key) ([]Finding, error)
//
// It gets the bytes that were parsed, and returns findings for what they claim
// with checksums, hashes and signatures, and of their structure. What no claim
// covers is a finding too, so that nobody takes silence for proof. The error is
// about reading alone.
package verify

import (
	"cmp"
	"crypto"
	"crypto/rsa"
	"errors"
	"slices"
)

// Key is a public key that signatures are judged by.
type Key struct {
	Name     string // what a signature names it by, or where it is from
	Public   crypto.PublicKey
	Required string // what has to be signed with it: "image" or "conf", or "" for nothing
}

// Verdict is what a check has found of one item.
type Verdict int

// The verdicts.
const (
	Good       Verdict = iota // the claim holds
	Bad                       // it does not, or cannot be understood
	NotCovered                // there is no claim, or none that can be judged, as without a key
)

var verdicts = [...]string{"good", "bad", "not covered"}

// String returns the verdict in words.
func (v Verdict) String() string { return verdicts[v] }

// MarshalText returns the verdict in words.
func (v Verdict) MarshalText() ([]byte, error) { return []byte(v.String()), nil }

// Finding is what a check has found of one claim.
type Finding struct {
	Path    string  `json:"path"` // of the item in the file, by the names that ls prints; "" for all of it
	What    string  `json:"what"` // the claim: "crc32", "sha256", "signature sha256,rsa2048:dev", "structure"
	Verdict Verdict `json:"verdict"`
	Why     string  `json:"why,omitempty"`     // what is wrong, or why nothing can be said
	Offset  int64   `json:"offset"`            // of what the claim covers, in bytes from the start of the file
	Size    int64   `json:"size"`              // of that, in bytes
	In      string  `json:"in,omitempty"`      // path of what was unpacked, if Offset counts from the start of its contents
	File    string  `json:"file,omitempty"`    // name of the file that Offset counts in, if it is another one
	Signed  bool    `json:"signed,omitempty"`  // a signature speaks for it, directly or through a hash
	Warn    string  `json:"warning,omitempty"` // where other readers judge otherwise
}

// Count returns how many of the findings have the verdict.
func Count(list []Finding, v Verdict) int {
	n := 0
	for _, f := range list {
		if f.Verdict == v {
			n++
		}
	}
	return n
}

// Compare orders findings by where they are, then by what they are about.
func Compare(a, b Finding) int {
	return cmp.Or(cmp.Compare(a.Offset, b.Offset), cmp.Compare(a.Path, b.Path), cmp.Compare(a.What, b.What))
}

// Structure returns the finding for how something of so many bytes is built; err
// says what is wrong with that, or is nil.
func Structure(size int64, err error) Finding {
	f := Finding{What: "structure", Size: size}
	if err != nil {
		f.Verdict, f.Why = Bad, err.Error()
	}
	return f
}

// First returns the error, or one about the first finding that is bad.
func First(list []Finding, err error) error {
	if err != nil {
		return err
	}
	for _, f := range list {
		if f.Verdict == Bad {
			return errors.New(f.Why)
		}
	}
	return nil
}

// Within moves findings to where the thing they are about is: into something at
// offset, under a path.
func Within(list []Finding, path string, offset int64) []Finding {
	for i := range list {
		list[i].Path = join(path, list[i].Path)
		switch {
		case list[i].In != "":
			list[i].In = join(path, list[i].In)
		case list[i].File == "":
			list[i].Offset += offset
		}
	}
	return list
}

func join(a, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	return a + "/" + b
}

// Among says whether a public key is one of those.
func Among(keys []Key, public *rsa.PublicKey) bool {
	return slices.ContainsFunc(keys, func(k Key) bool {
		rsaKey, ok := k.Public.(*rsa.PublicKey)
		return ok && rsaKey.Equal(public)
	})
}
