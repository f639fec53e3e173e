// SPDX-License-Identifier: GPL-2.0-or-later

package signer

import (
	"crypto"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
)

// What programs are asked for.
const (
	OpSign      = "sign"
	OpPublicKey = "public-key"

	OpCertificate = "certificate"
)

// Request is what a program for "exec:" references reads on its standard
// input: lines of a name, a colon, a blank and a value.
//
//	protocol     1
//	operation    "sign", "public-key" or "certificate"
//	key          name of the key: the hint of --key, or the pkcs11: URI
//	algorithm    to sign: rsa-pkcs1v15-HASH, rsa-pss-HASH, ecdsa-HASH or ed25519
//	salt-length  bytes, with rsa-pss
//	digest       in hexadecimal; with ed25519 it is the message
//	pin          of the token, for pkcs11: only
type Request struct {
	Operation  string
	Key        string
	Algorithm  string
	SaltLength int
	Digest     []byte
	PIN        string
}

const protocol = "1"

// Marshal returns the lines. Line breaks in values, which nothing has, are
// left out.
func (r *Request) Marshal() []byte {
	var b strings.Builder
	line := func(name, value string) {
		value = strings.NewReplacer("\n", "", "\r", "").Replace(value)
		fmt.Fprintf(&b, "%s: %s\n", name, value)
	}
	line("protocol", protocol)
	line("operation", r.Operation)
	line("key", r.Key)
	if r.Operation == OpSign {
		line("algorithm", r.Algorithm)
		if r.SaltLength > 0 {
			line("salt-length", strconv.Itoa(r.SaltLength))
		}
		line("digest", hex.EncodeToString(r.Digest))
	}
	if r.PIN != "" {
		line("pin", r.PIN)
	}
	return []byte(b.String())
}

// ParseRequest reads the lines. Names that it does not know are skipped, so
// that the protocol can grow.
func ParseRequest(text []byte) (*Request, error) {
	r := &Request{}
	version := ""
	for line := range strings.Lines(string(text)) {
		name, value, ok := strings.Cut(strings.TrimRight(line, "\r\n"), ": ")
		if !ok {
			return nil, fmt.Errorf("'%s' is no line of the form 'name: value'", strings.TrimRight(line, "\r\n"))
		}
		var err error
		switch name {
		case "protocol":
			version = value
		case "operation":
			r.Operation = value
		case "key":
			r.Key = value
		case "algorithm":
			r.Algorithm = value
		case "salt-length":
			r.SaltLength, err = strconv.Atoi(value)
		case "digest":
			r.Digest, err = hex.DecodeString(value)
		case "pin":
			r.PIN = value
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	if version != protocol {
		return nil, fmt.Errorf("the protocol is '%s', only '%s' is known", version, protocol)
	}
	return r, nil
}

// hashNames are the checksums of the protocol.
var hashNames = map[crypto.Hash]string{
	crypto.SHA1: "sha1", crypto.SHA224: "sha224", crypto.SHA256: "sha256", crypto.SHA384: "sha384", crypto.SHA512: "sha512",
	crypto.SHA3_384: "sha3_384",
}

// HashName returns the name of a checksum in the protocol, such as "sha256", or "" if
// nothing that is signed here uses it.
func HashName(h crypto.Hash) string { return hashNames[h] }

// FindHash returns the checksum of a name, or 0.
func FindHash(name string) crypto.Hash {
	for h, n := range hashNames {
		if n == name {
			return h
		}
	}
	return 0
}
