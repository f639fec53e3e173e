// SPDX-License-Identifier: GPL-2.0-or-later

package capsule

import (
	"crypto"
	"crypto/sha256"
	"crypto/x509"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"time"

	"binman/content"
	"binman/format/verify"
)

// Signer is who signs the image of a capsule.
type Signer struct {
	Key            crypto.Signer
	Certificate    *x509.Certificate
	MonotonicCount uint64
	Time           time.Time
}

// Make returns a capsule with a payload as the firmware of its one item, signed if
// there is a signer.
func (c *Capsule) Make(payload content.Data, s *Signer) (content.Data, error) {
	if len(c.Items) != 1 {
		return content.Data{}, fmt.Errorf("a capsule is made of one item, not of %d", len(c.Items))
	}
	item := &c.Items[0]
	if s != nil {
		digest, err := item.digest(payload.NewReader(), s.MonotonicCount)
		if err != nil {
			return content.Data{}, err
		}
		sig, err := Sign(digest, s.Certificate, s.Key, s.Time)
		if err != nil {
			return content.Data{}, err
		}
		item.Auth = &Auth{MonotonicCount: s.MonotonicCount, Signature: sig}
	}
	head, err := c.Marshal([][]byte{nil})
	if err != nil {
		return content.Data{}, err
	}
	const imageSizeAt = headerSize + fmpSize + 8 + 24
	if int64(len(head))+payload.Len() > math.MaxUint32 {
		return content.Data{}, fmt.Errorf("capsule of %#x bytes is too large: the size must fit in 32 bits", int64(len(head))+payload.Len())
	}
	for _, at := range []int{24, imageSizeAt} {
		binary.LittleEndian.PutUint32(head[at:], binary.LittleEndian.Uint32(head[at:])+uint32(payload.Len()))
	}
	c.Size, item.Size = c.Size+payload.Len(), payload.Len()
	return content.Join(content.Bytes(head), payload), nil
}

// digest returns the hash of what the signature of the image is about: the header
// with the version, the firmware, and the monotonic count.
func (i *Item) digest(firmware io.Reader, count uint64) ([]byte, error) {
	h := sha256.New()
	h.Write(i.Version.header())
	if _, err := io.Copy(h, firmware); err != nil {
		return nil, err
	}
	h.Write(binary.LittleEndian.AppendUint64(nil, count))
	return h.Sum(nil), nil
}

// header returns the header with the version, nothing if there is none.
func (v *Version) header() []byte {
	if v == nil {
		return nil
	}
	b := append([]byte(nil), versionMagic...)
	for _, n := range []uint32{versionSize, v.Number, v.Lowest} {
		b = binary.LittleEndian.AppendUint32(b, n)
	}
	return b
}

// Verify says what speaks for the images: Parse has checked the structure. A
// signature has to hold for the certificate that comes with it, and one of the keys
// has to be that of the certificate, or have signed it.
func (c *Capsule) Verify(r io.ReaderAt, _ int64, keys []verify.Key) ([]verify.Finding, error) {
	list := []verify.Finding{verify.Structure(c.Size, nil)}
	for i := range c.Items {
		item := &c.Items[i]
		f := verify.Finding{Path: item.Type.String(), What: "contents", Verdict: verify.NotCovered, Why: "the image is not signed", Offset: item.Offset, Size: item.Size}
		if item.Auth != nil {
			digest, err := item.digest(io.NewSectionReader(r, item.Offset, item.Size), item.Auth.MonotonicCount)
			if err != nil {
				return nil, err
			}
			item.Auth.judge(&f, digest, keys)
		}
		list = append(list, f)
	}
	return list, nil
}

// signer returns who has signed, as the certificate says, and its fingerprint: the
// SHA-256 of the public key in it.
func (a *Auth) signer() []string {
	s, err := ParseSignature(a.Signature)
	if err != nil {
		return nil
	}
	cert, err := s.Certificate()
	if err != nil {
		return nil
	}
	return []string{fmt.Sprintf("%s:%x (%s)", cert.PublicKeyAlgorithm, sha256.Sum256(cert.RawSubjectPublicKeyInfo), Subject(cert))}
}

// judge completes the finding about a signature.
func (a *Auth) judge(f *verify.Finding, digest []byte, keys []verify.Key) {
	f.What, f.Why = "signature PKCS #7", ""
	if a.Format != PKCS7 && a.Format != (GUID{}) {
		f.Why = fmt.Sprintf("the format %s of the signature is not PKCS #7", a.Format)
		return
	}
	f.Verdict = verify.Bad
	s, err := ParseSignature(a.Signature)
	if err == nil {
		err = s.Verify(digest)
	}
	if err != nil {
		f.Why = err.Error()
		return
	}
	cert, _ := s.Certificate() // Verify has found it
	f.What += ", certificate of " + Subject(cert)
	if len(keys) == 0 {
		f.Verdict, f.Why = verify.NotCovered, "it holds for the certificate in the capsule, and no key is given that says who that is"
		return
	}
	for _, k := range keys {
		if Trusts(k.Public, cert) {
			f.Verdict, f.Signed = verify.Good, true
			return
		}
	}
	f.Why = "none of the keys is that of the certificate, or has signed it"
}

// Trusts says whether a key is that of a certificate, or has signed it.
func Trusts(key crypto.PublicKey, cert *x509.Certificate) bool {
	if matches(cert, key) == nil {
		return true
	}
	issuer := &x509.Certificate{PublicKey: key, IsCA: true, BasicConstraintsValid: true, Version: 3}
	return issuer.CheckSignature(cert.SignatureAlgorithm, cert.RawTBSCertificate, cert.Signature) == nil
}
