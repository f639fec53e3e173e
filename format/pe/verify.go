// SPDX-License-Identifier: GPL-2.0-or-later

package pe

import (
	"bytes"
	"crypto"
	"crypto/sha256"
	"encoding/asn1"
	"errors"
	"fmt"
	"io"

	"binman/format/capsule"
	"binman/format/verify"
)

// indirect is what a signature signs: the hash of a file.
type indirect struct {
	Data asn1.RawValue
	Hash struct {
		Algorithm struct {
			OID        asn1.ObjectIdentifier
			Parameters asn1.RawValue `asn1:"optional"`
		}
		Digest []byte
	}
}

// parseSignature reads a PKCS #7 structure; zeros may follow it.
func parseSignature(b []byte) (*capsule.Signature, error) {
	var der asn1.RawValue
	if _, err := asn1.Unmarshal(b, &der); err != nil {
		return nil, fmt.Errorf("PKCS #7: %w", err)
	}
	return capsule.ParseSignature(der.FullBytes)
}

// signer returns who has signed, as the certificate says, and its fingerprint.
func signer(s *capsule.Signature) string {
	cert, err := s.Certificate()
	if err != nil {
		return "unknown:"
	}
	return fmt.Sprintf("%s:%x (%s)", cert.PublicKeyAlgorithm, sha256.Sum256(cert.RawSubjectPublicKeyInfo), capsule.Subject(cert))
}

// Verify judges the signatures.
func (f *File) Verify(r io.ReaderAt, size int64, keys []verify.Key) ([]verify.Finding, error) {
	var cut error
	if f.Size > size {
		cut = fmt.Errorf("the header names %#x bytes, and there are %#x: it is cut off", f.Size, size)
	}
	list := []verify.Finding{verify.Structure(min(f.Size, size), cut)}
	if f.certTable.size == 0 {
		return append(list, verify.Finding{What: "contents", Verdict: verify.NotCovered, Why: "the program is not signed", Size: min(f.Size, size)}), nil
	}
	if f.certEntry < f.checksum+4 || f.certTable.offset < f.certEntry+directory || f.certTable.offset > size {
		list[0] = verify.Structure(size, fmt.Errorf("the signatures are said to be at %#x", f.certTable.offset))
		return list, nil
	}
	digests := map[crypto.Hash][]byte{}
	digest := func(hash crypto.Hash) (sum []byte, err error) {
		if digests[hash] == nil {
			digests[hash], err = f.digest(r, hash)
		}
		return digests[hash], err
	}
	for _, s := range f.signatures {
		found := verify.Finding{What: "signature PKCS #7", Size: f.certTable.offset}
		if s.err != nil {
			found.Verdict, found.Why = verify.Bad, s.err.Error()
		} else {
			judgeSignature(&found, s.Signature, digest, keys)
		}
		list = append(list, found)
	}
	if len(f.signatures) == 0 {
		list = append(list, verify.Finding{What: "signature", Verdict: verify.Bad, Why: "there is room for signatures, and none in it", Size: f.certTable.size})
	}
	return list, nil
}

// digest returns the hash that signatures are of.
func (f *File) digest(r io.ReaderAt, hash crypto.Hash) ([]byte, error) {
	h := hash.New()
	at := int64(0)
	for _, gap := range []extent{{f.checksum, 4}, {f.certEntry, directory}, {f.certTable.offset, 0}} {
		if _, err := io.Copy(h, io.NewSectionReader(r, at, gap.offset-at)); err != nil {
			return nil, err
		}
		at = gap.offset + gap.size
	}
	return h.Sum(nil), nil
}

var errHash = errors.New("the program has changed since it was signed")

// hashNames are the words for the hashes that signatures may have.
var hashNames = map[crypto.Hash]string{crypto.SHA1: "sha1", crypto.SHA256: "sha256", crypto.SHA384: "sha384", crypto.SHA512: "sha512"}

// judgeSignature completes the finding about a signature. Digest returns the hash of the
// program.
func judgeSignature(found *verify.Finding, s *capsule.Signature, digest func(crypto.Hash) ([]byte, error), keys []verify.Key) {
	weak := s.Hash() == crypto.SHA1
	err := s.VerifyContent(func(content []byte) error {
		var c indirect
		if _, err := asn1.Unmarshal(content, &c); err != nil {
			return fmt.Errorf("what is signed: %w", err)
		}
		hash := capsule.HashOf(c.Hash.Algorithm.OID)
		if hash == 0 {
			return fmt.Errorf("the hash %v of the program is not known", c.Hash.Algorithm.OID)
		}
		sum, err := digest(hash)
		if err == nil && !bytes.Equal(c.Hash.Digest, sum) {
			err = errHash
		}
		found.What += " " + hashNames[hash]
		weak = weak || hash == crypto.SHA1
		return err
	})
	if weak {
		found.Warn = "it rests on SHA-1, which can be forged"
	}
	if err != nil {
		found.Verdict, found.Why = verify.Bad, err.Error()
		return
	}
	cert, _ := s.Certificate() // it has been used
	found.What += ", certificate of " + capsule.Subject(cert)
	if len(keys) == 0 {
		found.Verdict, found.Why = verify.NotCovered, "it holds for the certificate in the file, and no key is given that says who that is"
		return
	}
	for _, k := range keys {
		if capsule.Trusts(k.Public, cert) {
			found.Signed = true
			return
		}
	}
	found.Verdict, found.Why = verify.Bad, "none of the keys is that of the certificate, or has signed it"
}
