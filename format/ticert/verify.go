// SPDX-License-Identifier: GPL-2.0-or-later

package ticert

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"
	"io"
	"math/big"

	"binman/format/verify"
	"binman/signer"
)

// algorithm is how a certificate is signed.
type algorithm struct {
	oid  asn1.ObjectIdentifier
	hash crypto.Hash
	ec   bool
}

// algorithms are those that OpenSSL has for these keys; certificates are made
// with the first of a kind.
func algorithms() []algorithm {
	rsa := func(last int) asn1.ObjectIdentifier { return asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, last} }
	ec := func(last int) asn1.ObjectIdentifier { return asn1.ObjectIdentifier{1, 2, 840, 10045, 4, 3, last} }
	return []algorithm{
		{rsa(13), crypto.SHA512, false}, {rsa(12), crypto.SHA384, false}, {rsa(11), crypto.SHA256, false},
		{ec(4), crypto.SHA512, true}, {ec(3), crypto.SHA384, true}, {ec(2), crypto.SHA256, true},
	}
}

func algorithmFor(key crypto.PublicKey) (algorithm, bool) {
	_, isRSA := key.(*rsa.PublicKey)
	_, isEC := key.(*ecdsa.PublicKey)
	for _, a := range algorithms() {
		if a.ec == isEC && (isRSA || isEC) {
			return a, true
		}
	}
	return algorithm{}, false
}

func (a algorithm) identifier() pkix.AlgorithmIdentifier {
	id := pkix.AlgorithmIdentifier{Algorithm: a.oid}
	if !a.ec {
		id.Parameters = asn1.NullRawValue
	}
	return id
}

// fixed returns the size in bytes that a signature is to have, or 0 if all of the
// key have the same. Those of ECDSA differ, which would move what is behind the
// certificate: the most frequent size is taken.
func (a algorithm) fixed(key crypto.PublicKey) int {
	ec, ok := key.(*ecdsa.PublicKey)
	if !ok {
		return 0
	}
	bits := ec.Params().BitSize
	n := 2 * (2 + (bits+7)/8)
	if bits%8 == 0 {
		n++ // one of both numbers starts with a set bit
	}
	if n > 127 {
		return n + 3
	}
	return n + 2
}

// Verify checks the certificate in r, and what is behind it, with the keys.
func (m *Image) Verify(r io.ReaderAt, size int64, keys []verify.Key) ([]verify.Finding, error) {
	cert := m.judge(keys)
	list := []verify.Finding{cert}
	end := m.Size
	for _, p := range m.Parts {
		f := verify.Finding{What: hashName(p.Hash) + " of " + p.Name, Offset: p.Offset, Size: p.Digest.Size}
		switch good, err := p.good(r); {
		case err != nil:
			return nil, err
		case p.Hash == 0:
			f.Verdict, f.Why = verify.NotCovered, "the certificate has a hash of an unknown kind"
		case !good:
			f.Verdict, f.Why = verify.Bad, "it is not what the certificate is about"
		default:
			f.Signed = cert.Signed
		}
		list = append(list, f)
		end = p.Offset + p.Digest.Size
	}
	if end < size {
		list = append(list, verify.Finding{What: "contents", Verdict: verify.NotCovered, Why: "the certificate is not about it", Offset: end, Size: size - end})
	}
	return list, nil
}

// good says whether the part has the hash.
func (p *Part) good(r io.ReaderAt) (bool, error) {
	if p.Hash == 0 {
		return false, nil
	}
	h := p.Hash.New()
	if _, err := io.Copy(h, io.NewSectionReader(r, p.Offset, p.Digest.Size)); err != nil {
		return false, err
	}
	return bytes.Equal(h.Sum(nil), p.Sum), nil
}

// judge returns the finding for the signature of the certificate.
func (m *Image) judge(keys []verify.Key) verify.Finding {
	f := verify.Finding{What: "signature of the certificate", Size: m.Size}
	key, err := m.verifier()
	switch {
	case errors.Is(err, errUnknown):
		f.Verdict, f.Why = verify.NotCovered, err.Error()
	case err != nil:
		f.Verdict, f.Why = verify.Bad, err.Error()
	case !key.good(m.signed, m.signature):
		f.Verdict, f.Why = verify.Bad, "its own key has not made it"
	case key.trivial():
		f.Verdict, f.Why = verify.NotCovered, "the key in it has the exponent 1, so that everybody can sign with it: it is for devices that check nothing"
	case m.given(keys):
		f.What += " " + key.name
		f.Signed = true
	case len(keys) == 0:
		f.Verdict, f.Why = verify.NotCovered, "no key is given to judge it by"
	default:
		f.Verdict, f.Why = verify.Bad, "none of the keys has signed it"
	}
	return f
}

// given says whether the key of the certificate is one of those.
func (m *Image) given(keys []verify.Key) bool {
	for _, k := range keys {
		if der, err := x509.MarshalPKIXPublicKey(k.Public); err == nil && bytes.Equal(der, m.key) {
			return true
		}
	}
	return false
}

// verifier is a key with an algorithm.
type verifier struct {
	algorithm
	rsa  *rsa.PublicKey
	ec   *ecdsa.PublicKey
	name string
}

// errUnknown says that a signature cannot be judged.
var errUnknown = errors.New("its algorithm is not known")

// verifier returns what judges the signature: the key that the certificate has.
func (m *Image) verifier() (*verifier, error) {
	for _, a := range algorithms() {
		if !a.oid.Equal(m.algorithm) {
			continue
		}
		v := &verifier{algorithm: a}
		if a.ec {
			key, err := x509.ParsePKIXPublicKey(m.key)
			if err != nil {
				return nil, fmt.Errorf("its key cannot be used: %w", err)
			}
			v.ec, _ = key.(*ecdsa.PublicKey)
			if v.ec != nil {
				v.name = fmt.Sprintf("%s,ecdsa%d", hashName(a.hash), v.ec.Params().BitSize)
				return v, nil
			}
		} else if v.rsa = rsaKey(m.key); v.rsa != nil {
			v.name = fmt.Sprintf("%s,rsa%d", hashName(a.hash), v.rsa.N.BitLen())
			return v, nil
		}
		return nil, errors.New("its key is of another kind than its signature, or broken")
	}
	return nil, fmt.Errorf("%w: %v", errUnknown, m.algorithm)
}

// maxModulus bounds RSA keys, in bits.
const maxModulus = 16384

// rsaKey reads an RSA key, of any exponent, or returns nil.
func rsaKey(spki []byte) *rsa.PublicKey {
	var info struct {
		Algorithm pkix.AlgorithmIdentifier
		Key       asn1.BitString
	}
	var key struct {
		N *big.Int
		E int32
	}
	if fill(spki, &info) != nil || fill(info.Key.RightAlign(), &key) != nil {
		return nil
	}
	if n := key.N; n.Sign() <= 0 || n.Bit(0) == 0 || n.BitLen() > maxModulus || key.E <= 0 {
		return nil
	}
	return &rsa.PublicKey{N: key.N, E: int(key.E)}
}

// trivial says whether what the key signs proves nothing.
func (v *verifier) trivial() bool { return v.rsa != nil && v.rsa.E == 1 }

// good says whether the key has made the signature of b.
func (v *verifier) good(b, sig []byte) bool {
	h := v.hash.New()
	h.Write(b)
	digest := h.Sum(nil)
	switch {
	case v.ec != nil:
		return ecdsa.VerifyASN1(v.ec, digest, sig)
	case v.trivial():
		padded, err := signer.PadPKCS1(v.hash, digest, len(sig))
		return err == nil && bytes.Equal(sig, padded)
	}
	return rsa.VerifyPKCS1v15(v.rsa, v.hash, digest, sig) == nil
}
