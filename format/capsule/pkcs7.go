// SPDX-License-Identifier: GPL-2.0-or-later

package capsule

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"
	_ "crypto/sha1" // what structures may name
	"crypto/sha256"
	_ "crypto/sha512"
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"fmt"
	"time"
)

// The object identifiers of PKCS #7 and what it uses (RFC 2315, RFC 5652).
var (
	oidData          = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 1}
	oidSignedData    = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 2}
	oidContentType   = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 3}
	oidMessageDigest = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 4}
	oidSigningTime   = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 5}
	oidSHA256        = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 1}
	oidRSA           = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 1}
	oidRSAWithSHA256 = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 11}
	oidECDSA         = asn1.ObjectIdentifier{1, 2, 840, 10045, 2, 1}
	oidECDSASHA256   = asn1.ObjectIdentifier{1, 2, 840, 10045, 4, 3, 2}
)

// digests lists the hashes that structures may name, with the algorithms that sign these.
var digests = []struct {
	hash       crypto.Hash
	oid        asn1.ObjectIdentifier
	rsa, ecdsa asn1.ObjectIdentifier
}{
	{crypto.SHA1, asn1.ObjectIdentifier{1, 3, 14, 3, 2, 26}, asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 5}, asn1.ObjectIdentifier{1, 2, 840, 10045, 4, 1}},
	{crypto.SHA256, oidSHA256, oidRSAWithSHA256, oidECDSASHA256},
	{crypto.SHA384, asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 2}, asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 12}, asn1.ObjectIdentifier{1, 2, 840, 10045, 4, 3, 3}},
	{crypto.SHA512, asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 3}, asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 13}, asn1.ObjectIdentifier{1, 2, 840, 10045, 4, 3, 4}},
}

// HashOf returns the hash of an object identifier, or 0 if it is not known.
func HashOf(oid asn1.ObjectIdentifier) crypto.Hash {
	for _, d := range digests {
		if d.oid.Equal(oid) {
			return d.hash
		}
	}
	return 0
}

type algorithm struct {
	OID        asn1.ObjectIdentifier
	Parameters asn1.RawValue `asn1:"optional"`
}

type contentInfo struct {
	OID     asn1.ObjectIdentifier
	Content asn1.RawValue `asn1:"optional,explicit,tag:0"`
}

type signedData struct {
	Version      int
	Digests      []algorithm `asn1:"set"`
	Content      contentInfo
	Certificates asn1.RawValue `asn1:"optional,tag:0"`
	CRLs         asn1.RawValue `asn1:"optional,tag:1"`
	Signers      []signerInfo  `asn1:"set"`
}

type signerInfo struct {
	Version    int
	Issuer     issuerAndSerial
	Digest     algorithm
	Attributes asn1.RawValue `asn1:"optional,tag:0"`
	Algorithm  algorithm
	Signature  []byte
	Unsigned   asn1.RawValue `asn1:"optional,tag:1"`
}

type issuerAndSerial struct {
	Issuer asn1.RawValue
	Serial asn1.RawValue
}

type attribute struct {
	OID    asn1.ObjectIdentifier
	Values asn1.RawValue `asn1:"set"`
}

// Sign returns the PKCS #7 structure that signs a digest (SHA-256) with the key of
// a certificate, as mkeficapsule makes it: with the certificate and the time, and
// without the content. The key must be that of the certificate.
func Sign(digest []byte, cert *x509.Certificate, key crypto.Signer, at time.Time) ([]byte, error) {
	if err := matches(cert, key.Public()); err != nil {
		return nil, err
	}
	attrs, err := attributes(digest, at)
	if err != nil {
		return nil, err
	}
	// What is signed is the set itself, not its place in the structure.
	sum := sha256.Sum256(tlv(asn1.ClassUniversal, asn1.TagSet, attrs))
	sig, err := key.Sign(nil, sum[:], crypto.SHA256)
	if err != nil {
		return nil, err
	}
	algo := algorithm{oidRSA, asn1.NullRawValue}
	if _, ok := cert.PublicKey.(*ecdsa.PublicKey); ok {
		algo = algorithm{OID: oidECDSASHA256}
	}
	serial, err := asn1.Marshal(cert.SerialNumber)
	if err != nil {
		return nil, err
	}
	body, err := asn1.Marshal(signedData{
		Version: 1, Digests: []algorithm{{OID: oidSHA256}}, Content: contentInfo{OID: oidData},
		Certificates: asn1.RawValue{FullBytes: tlv(asn1.ClassContextSpecific, 0, cert.Raw)},
		Signers: []signerInfo{{
			Version: 1, Issuer: issuerAndSerial{asn1.RawValue{FullBytes: cert.RawIssuer}, asn1.RawValue{FullBytes: serial}},
			Digest: algorithm{OID: oidSHA256}, Attributes: asn1.RawValue{FullBytes: tlv(asn1.ClassContextSpecific, 0, attrs)},
			Algorithm: algo, Signature: sig,
		}},
	})
	if err != nil {
		return nil, err
	}
	return asn1.Marshal(contentInfo{oidSignedData, asn1.RawValue{Class: asn1.ClassContextSpecific, Tag: 0, IsCompound: true, Bytes: body}})
}

// tlv returns a constructed value with a tag.
func tlv(class, tag int, b []byte) []byte {
	out, err := asn1.Marshal(asn1.RawValue{Class: class, Tag: tag, IsCompound: true, Bytes: b})
	if err != nil {
		panic(err) // bytes can be encoded
	}
	return out
}

// HasKey says whether a certificate is that of a key, and one that capsules can have.
func HasKey(cert *x509.Certificate, key crypto.PublicKey) bool { return matches(cert, key) == nil }

// matches says whether a key is that of a certificate.
func matches(cert *x509.Certificate, key crypto.PublicKey) error {
	switch cert.PublicKey.(type) {
	case *rsa.PublicKey, *ecdsa.PublicKey:
	default:
		return fmt.Errorf("the certificate has a key of type %T: capsules are signed with RSA or ECDSA", cert.PublicKey)
	}
	if p, ok := cert.PublicKey.(interface{ Equal(crypto.PublicKey) bool }); !ok || !p.Equal(key) {
		return errors.New("the private key is not that of the certificate")
	}
	return nil
}

// attributes returns the signed attributes, in the order of DER sets.
func attributes(digest []byte, at time.Time) ([]byte, error) {
	at = at.UTC()
	stamp, err := asn1.MarshalWithParams(at, "utc")
	if at.Year() >= 2050 {
		stamp, err = asn1.MarshalWithParams(at, "generalized")
	}
	if err != nil {
		return nil, err
	}
	kind, err := asn1.Marshal(oidData)
	if err != nil {
		return nil, err
	}
	sum, err := asn1.Marshal(digest)
	if err != nil {
		return nil, err
	}
	var b []byte
	for _, a := range []struct {
		oid   asn1.ObjectIdentifier
		value []byte
	}{{oidContentType, kind}, {oidSigningTime, stamp}, {oidMessageDigest, sum}} {
		der, err := asn1.Marshal(attribute{a.oid, asn1.RawValue{FullBytes: tlv(asn1.ClassUniversal, asn1.TagSet, a.value)}})
		if err != nil {
			return nil, err
		}
		b = append(b, der...)
	}
	return b, nil
}

// Signature is a PKCS #7 structure.
type Signature struct {
	Certificates []*x509.Certificate

	info    signerInfo
	content []byte // what is in it, DER; nil if it is elsewhere
}

// ParseSignature reads a PKCS #7 structure of one signer.
func ParseSignature(der []byte) (*Signature, error) {
	var outer contentInfo
	if err := unmarshal(der, &outer); err != nil {
		return nil, fmt.Errorf("PKCS #7: %w", err)
	}
	if !outer.OID.Equal(oidSignedData) {
		return nil, fmt.Errorf("PKCS #7: it holds %v, not signed data", outer.OID)
	}
	var data signedData
	if err := unmarshal(outer.Content.Bytes, &data); err != nil {
		return nil, fmt.Errorf("PKCS #7: %w", err)
	}
	if len(data.Signers) != 1 {
		return nil, fmt.Errorf("PKCS #7: there are %d signers, not one", len(data.Signers))
	}
	certs, err := x509.ParseCertificates(data.Certificates.Bytes)
	if err != nil {
		return nil, fmt.Errorf("PKCS #7: %w", err)
	}
	return &Signature{certs, data.Signers[0], data.Content.Content.Bytes}, nil
}

func unmarshal(der []byte, v any) error {
	rest, err := asn1.Unmarshal(der, v)
	if err == nil && len(rest) > 0 {
		err = fmt.Errorf("%d bytes follow the structure", len(rest))
	}
	return err
}

// Certificate returns that of the signer, or an error if it is not there.
func (s *Signature) Certificate() (*x509.Certificate, error) {
	for _, c := range s.Certificates {
		serial, err := asn1.Marshal(c.SerialNumber)
		if err == nil && bytes.Equal(c.RawIssuer, s.info.Issuer.Issuer.FullBytes) && bytes.Equal(serial, s.info.Issuer.Serial.FullBytes) {
			return c, nil
		}
	}
	return nil, errors.New("the certificate of the signer is not there")
}

// ErrSignature says that a signature is not that of the content.
var ErrSignature = errors.New("the image has changed since it was signed, or the signature is not that of the certificate")

// maxModulus bounds RSA keys in bits, since what comes out of an image may be made to take
// hours.
const maxModulus = 16384

// maxSubject bounds what is told of the owner of a certificate, in characters.
const maxSubject = 200

// Subject returns the owner of a certificate, cut where it is too long to be read.
func Subject(cert *x509.Certificate) string {
	text := []rune(cert.Subject.String())
	if len(text) <= maxSubject {
		return string(text)
	}
	return string(text[:maxSubject]) + "…"
}

// Verify checks the signature of a digest (SHA-256, the only one that firmware takes in a
// capsule) with the certificate of the signer. Whether that can be trusted is not its
// affair.
func (s *Signature) Verify(digest []byte) error {
	if !s.info.Digest.OID.Equal(oidSHA256) {
		return fmt.Errorf("the hash %v is not SHA-256", s.info.Digest.OID)
	}
	return s.verify(crypto.SHA256, digest)
}

// Hash returns the hash that the structure says is signed, or 0 if it is not known.
func (s *Signature) Hash() crypto.Hash { return HashOf(s.info.Digest.OID) }

// verify checks the signature of a digest.
func (s *Signature) verify(hash crypto.Hash, digest []byte) error {
	cert, err := s.Certificate()
	if err != nil {
		return err
	}
	algo := s.info.Algorithm.OID
	known := algo.Equal(oidRSA) || algo.Equal(oidECDSA)
	for _, d := range digests {
		known = known || d.hash == hash && (algo.Equal(d.rsa) || algo.Equal(d.ecdsa))
	}
	if !known {
		return fmt.Errorf("the signature algorithm %v is not known", algo)
	}
	signed := digest
	if len(s.info.Attributes.Bytes) > 0 {
		if err := s.checkAttributes(digest); err != nil {
			return err
		}
		signed = sumOf(hash, tlv(asn1.ClassUniversal, asn1.TagSet, s.info.Attributes.Bytes))
	}
	good := false
	switch key := cert.PublicKey.(type) {
	case *rsa.PublicKey:
		if bits := key.N.BitLen(); bits > maxModulus {
			return fmt.Errorf("the key of the certificate has %d bits, more than %d", bits, maxModulus)
		}
		good = rsa.VerifyPKCS1v15(key, hash, signed, s.info.Signature) == nil
	case *ecdsa.PublicKey:
		good = ecdsa.VerifyASN1(key, signed, s.info.Signature)
	}
	if !good {
		return ErrSignature
	}
	return nil
}

// VerifyContent checks the signature of what is in the structure, and that with a function,
// which gets it as DER.
func (s *Signature) VerifyContent(check func(der []byte) error) error {
	var value asn1.RawValue // its tag and its length are not signed
	if err := unmarshal(s.content, &value); err != nil {
		return fmt.Errorf("PKCS #7: there is nothing that is signed: %w", err)
	}
	hash := s.Hash()
	if hash == 0 {
		return fmt.Errorf("the hash %v is not known", s.info.Digest.OID)
	}
	if err := s.verify(hash, sumOf(hash, value.Bytes)); err != nil {
		return err
	}
	return check(s.content)
}

func sumOf(hash crypto.Hash, b []byte) []byte {
	h := hash.New()
	h.Write(b)
	return h.Sum(nil)
}

// checkAttributes compares the digest with that in the signed attributes.
func (s *Signature) checkAttributes(digest []byte) error {
	for rest := s.info.Attributes.Bytes; len(rest) > 0; {
		var a attribute
		var err error
		if rest, err = asn1.Unmarshal(rest, &a); err != nil {
			return fmt.Errorf("signed attributes: %w", err)
		}
		if !a.OID.Equal(oidMessageDigest) {
			continue
		}
		var sum []byte
		if err := unmarshal(a.Values.Bytes, &sum); err != nil {
			return fmt.Errorf("message digest: %w", err)
		}
		if !bytes.Equal(sum, digest) {
			return ErrSignature
		}
		return nil
	}
	return errors.New("the signed attributes have no message digest")
}
