// SPDX-License-Identifier: GPL-2.0-or-later

// Package ticert makes, reads and verifies the X.509 certificates that the boot
// ROM and the system firmware of TI's K3 devices want in front of what they
// load. The certificate holds no secret of its own: extensions say how large
// what follows is, where it goes, and what its hash is.
//
//	offset  size  DER (ITU-T X.690)
//	     0     n  certificate (RFC 5280), of version 3, signed by its own key
//	     n        what it is about: one image or several, one after the other
//
// Extensions have the number 1.3.6.1.4.1.294.1.x and are a SEQUENCE each; what
// is in brackets there is an OCTET STRING, big-endian, all else an INTEGER or,
// for a hash, an OBJECT IDENTIFIER. An image has "hash [sum]".
//
//	 x  for         SEQUENCE
//	 1  ROM         type of certificate, core, options of the core, [load address], size
//	 2  ROM         hash [sum]
//	 3  all         revision of the software
//	 8  ROM         [32 zeros], debug type, 0, 0
//	 9  ROM         size of all, number of components, and of each a SEQUENCE:
//	                type, core, options, [load address], size, hash [sum]
//	34  firmware    hash [sum], size
//	35  firmware    [00000000], host and way of authentication
//	37  firmware    number of firewalls, and of each: id, region, control,
//	                number of permissions, permissions, [start], [end]
//
// The ROM takes either 1 and 2, for one image, or 9, for all that it boots. It
// reads no GeneralizedTime, so no date can be beyond 2049.
//
// The format is specified by the K3 security documentation of TI and by
// tools/binman of U-Boot, as far as OpenSSL makes of it what it does.
package ticert

import (
	"crypto"
	"crypto/rand"
	"crypto/sha1"
	"crypto/sha256"
	_ "crypto/sha512" // for crypto.SHA384 and crypto.SHA512
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"
	"math/big"
	"time"
)

// Cert is what a certificate says. It has one of Boot, Components and System, or
// none if it is about nothing.
type Cert struct {
	CommonName string // of issuer and subject; "" for those that TI's tools write
	Revision   uint32 // of the software, for rollback protection

	Boot       *Boot       // for the ROM: one image
	Components []Component // for the ROM: all that it boots
	Debug      bool        // for the ROM: opens the debug port

	System *Digest // for system firmware: the image
	Load   *Load   // for system firmware: how it is loaded
}

// Digest is the hash of an image and its size.
type Digest struct {
	Hash crypto.Hash
	Sum  []byte
	Size int64 // in bytes
}

// Component is one of the images that the ROM boots.
type Component struct {
	Type    uint32
	Core    uint32 // that runs it: 16 is the public one, 0 the secure one
	Options uint32 // of the core: 0 for lockstep, 2 for split
	Address uint64 // in memory
	Digest
}

// Boot is the only image that the ROM boots. Its Type is that of a certificate.
type Boot Component

// Types of certificates for one image.
const (
	PublicImage  = 1
	SecureImage  = 2
	CounterImage = 3 // system firmware that TI has signed, countersigned
)

// Types of components.
const (
	SPL            = 1
	SystemFirmware = 2
	InnerCert      = 3
	DeviceManager  = 17
	SystemData     = 18
)

// Cores.
const (
	SecureCore = 0
	PublicCore = 16
)

// InPlace is the way of authentication that leaves an image where it is.
const InPlace = 2

// Load is how system firmware loads an image.
type Load struct {
	Auth      uint32 // low byte: InPlace; high byte: host that owns the firewalls
	Firewalls []Firewall
}

// Firewall is how a region of memory is protected.
type Firewall struct {
	ID, Region, Control uint32
	Permissions         []uint32
	Start, End          uint64 // addresses, the last one inclusive
}

// last is the end of validity: the last date that the ROM can read.
func last() time.Time { return time.Date(2049, 12, 31, 23, 59, 59, 0, time.UTC) }

// maxName bounds a common name, in characters (RFC 5280, appendix A.1).
const maxName = 64

// validity, body and certificate are those of RFC 5280, section 4.1.
type (
	validity struct {
		NotBefore, NotAfter time.Time `asn1:"utc"`
	}
	body struct {
		Version    int `asn1:"explicit,tag:0"`
		Serial     *big.Int
		Algorithm  pkix.AlgorithmIdentifier
		Issuer     asn1.RawValue
		Validity   validity
		Subject    asn1.RawValue
		Key        asn1.RawValue
		Extensions []pkix.Extension `asn1:"explicit,tag:3"`
	}
	certificate struct {
		Body      asn1.RawValue
		Algorithm pkix.AlgorithmIdentifier
		Signature asn1.BitString
	}
)

// Make returns the certificate, signed with its own key, an RSA or ECDSA key. It
// is valid from the date to the end of 2049. The same arguments give the same
// bytes, if the key makes the same signature.
func (c *Cert) Make(notBefore time.Time, key crypto.Signer) ([]byte, error) {
	algo, ok := algorithmFor(key.Public())
	if !ok {
		return nil, fmt.Errorf("the key is neither RSA nor ECDSA but a %T", key.Public())
	}
	notBefore = notBefore.UTC()
	if y := notBefore.Year(); y < 1950 || y > last().Year() {
		return nil, fmt.Errorf("a certificate from the year %d on cannot be made: it holds dates from 1950 to 2049", y)
	}
	b, err := c.body(algo, key.Public())
	if err != nil {
		return nil, err
	}
	b.Validity = validity{notBefore, last()}
	for try := range maxTries {
		if err := b.number(byte(try)); err != nil {
			return nil, err
		}
		der, sig, err := b.sign(algo, key)
		if err != nil {
			return nil, err
		}
		if want := algo.fixed(key.Public()); want == 0 || want == len(sig) {
			return der, nil
		}
	}
	return nil, errors.New("the key makes no signature of the usual size")
}

// body returns the certificate without serial number and dates.
func (c *Cert) body(algo algorithm, key crypto.PublicKey) (*body, error) {
	b := &body{Version: 2, Serial: new(big.Int), Algorithm: algo.identifier()}
	var err error
	if b.Issuer.FullBytes, err = c.name(); err != nil {
		return nil, err
	}
	b.Subject = b.Issuer
	if b.Key.FullBytes, err = x509.MarshalPKIXPublicKey(key); err != nil {
		return nil, err
	}
	b.Extensions, err = c.extensions(b.Key.FullBytes)
	return b, err
}

// maxTries is how many serial numbers are tried for an ECDSA signature of the
// usual size, which every second one has.
const maxTries = 64

// number gives the certificate a serial number.
func (b *body) number(try byte) error {
	b.Serial = new(big.Int)
	der, err := asn1.Marshal(*b)
	b.Serial = serial(append(der, try))
	return err
}

// sign returns the certificate and its signature.
func (b *body) sign(algo algorithm, key crypto.Signer) (der, sig []byte, err error) {
	signed, err := asn1.Marshal(*b)
	if err != nil {
		return nil, nil, err
	}
	h := algo.hash.New()
	h.Write(signed)
	if sig, err = key.Sign(rand.Reader, h.Sum(nil), algo.hash); err != nil {
		return nil, nil, err
	}
	der, err = asn1.Marshal(certificate{asn1.RawValue{FullBytes: signed}, b.Algorithm, asn1.BitString{Bytes: sig, BitLength: 8 * len(sig)}})
	return der, sig, err
}

// serial returns a positive number of 20 bytes that follows from what is signed.
// That it never has fewer keeps the size of the certificate.
func serial(b []byte) *big.Int {
	sum := sha256.Sum256(b)
	n := sum[:20]
	n[0] = n[0]&0x3f | 0x40
	return new(big.Int).SetBytes(n)
}

// attribute is a part of a name.
type attribute struct {
	oid   asn1.ObjectIdentifier
	tag   int
	value string
}

// name returns the name of issuer and subject.
func (c *Cert) name() ([]byte, error) {
	list := texasInstruments()
	if c.CommonName != "" {
		if n := len([]rune(c.CommonName)); n > maxName {
			return nil, fmt.Errorf("the name '%s' has %d characters: a certificate takes up to %d", c.CommonName, n, maxName)
		}
		list = []attribute{{asn1.ObjectIdentifier{2, 5, 4, 3}, asn1.TagUTF8String, c.CommonName}}
	}
	var name pkix.RDNSequence
	for _, a := range list {
		name = append(name, pkix.RelativeDistinguishedNameSET{{Type: a.oid, Value: asn1.RawValue{Tag: a.tag, Bytes: []byte(a.value)}}})
	}
	return asn1.Marshal(name)
}

// texasInstruments is the name in certificates of TI's tools.
func texasInstruments() []attribute {
	return []attribute{
		{asn1.ObjectIdentifier{2, 5, 4, 6}, asn1.TagPrintableString, "US"},
		{asn1.ObjectIdentifier{2, 5, 4, 8}, asn1.TagUTF8String, "TX"},
		{asn1.ObjectIdentifier{2, 5, 4, 7}, asn1.TagUTF8String, "Dallas"},
		{asn1.ObjectIdentifier{2, 5, 4, 10}, asn1.TagUTF8String, "Texas Instruments Incorporated"},
		{asn1.ObjectIdentifier{2, 5, 4, 11}, asn1.TagUTF8String, "Processors"},
		{asn1.ObjectIdentifier{2, 5, 4, 3}, asn1.TagUTF8String, "TI Support"},
		{asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 1}, asn1.TagIA5String, "support@ti.com"},
	}
}

// keyID returns the identifier of a key (RFC 5280, section 4.2.1.2).
func keyID(spki []byte) ([]byte, error) {
	var info struct {
		Algorithm pkix.AlgorithmIdentifier
		Key       asn1.BitString
	}
	if _, err := asn1.Unmarshal(spki, &info); err != nil {
		return nil, err
	}
	sum := sha1.Sum(info.Key.Bytes)
	return asn1.Marshal(sum[:])
}
