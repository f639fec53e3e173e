// SPDX-License-Identifier: GPL-2.0-or-later

package signer

import (
	"cmp"
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/asn1"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"slices"
	"sync"
)

// Later is for keys that never meet the machine: it notes what they are to
// sign, and hands out the signatures that came back. What is not signed yet gets
// a placeholder, so that all that is to be signed shows at once; the result must
// not be kept then. It may be used by several goroutines at once.
type Later struct {
	// Answer returns the signature for a request, as a program for "exec:"
	// prints it. The error is fs.ErrNotExist if it has not come.
	Answer func(id string) ([]byte, error)
	// Salt makes the placeholders. What depends on them changes with it.
	Salt byte

	mu    sync.Mutex
	asked map[string]*Asked
}

// Asked is something to be signed.
type Asked struct {
	Request
	ID     string // 32 hexadecimal digits, made of the key, the algorithm and the digest
	Public crypto.PublicKey
	Signed bool // the signature has come
}

// All returns what was to be signed, by the name of the key.
func (l *Later) All() []*Asked {
	l.mu.Lock()
	defer l.mu.Unlock()
	var list []*Asked
	for _, a := range l.asked {
		list = append(list, a)
	}
	slices.SortFunc(list, func(a, b *Asked) int { return cmp.Or(cmp.Compare(a.Key, b.Key), cmp.Compare(a.ID, b.ID)) })
	return list
}

// signLater is Sign for keys that are not here.
func (s *Signer) signLater(digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	a := &Asked{Request: Request{Operation: OpSign, Key: s.Name, Digest: digest}, Public: s.Public()}
	if err := a.setAlgorithm(a.Public, opts); err != nil {
		return nil, err
	}
	der, err := x509.MarshalPKIXPublicKey(a.Public)
	if err != nil {
		return nil, err
	}
	nameless := a.Request
	nameless.Key = ""
	sum := sha256.Sum256(append(der, nameless.Marshal()...))
	a.ID = hex.EncodeToString(sum[:16])

	l := s.later
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.asked == nil {
		l.asked = map[string]*Asked{}
	}
	l.asked[a.ID] = a
	sig, err := l.Answer(a.ID)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return placeholder(a.Public, append(sum[:], l.Salt))
	case err != nil:
		return nil, err
	}
	if key, ok := a.Public.(*ecdsa.PublicKey); ok {
		sig = toASN1(sig, (key.Curve.Params().BitSize+7)/8)
	}
	if err := s.Verifier().Verify(digest, sig, opts); err != nil {
		return nil, fmt.Errorf("the signature %s, of %d bytes, is not that of key '%s' for what is to be signed: %w", a.ID, len(sig), s.Name, err)
	}
	a.Signed = true
	return sig, nil
}

// placeholder returns something of the form of a signature.
func placeholder(pub crypto.PublicKey, seed []byte) ([]byte, error) {
	fill := func(n int) []byte {
		b := make([]byte, n)
		_, err := (&salt{seed: seed}).Read(b)
		if err != nil {
			panic(err) // it never fails
		}
		return b
	}
	switch pub := pub.(type) {
	case *rsa.PublicKey:
		return fill(pub.Size()), nil
	case *ecdsa.PublicKey:
		n := pub.Curve.Params().BitSize/8 - 1
		b := fill(2 * n)
		b[0], b[n] = 0x7f, 0x7f // not zero
		return asn1.Marshal(struct{ R, S *big.Int }{new(big.Int).SetBytes(b[:n]), new(big.Int).SetBytes(b[n:])})
	}
	return fill(64), nil // Ed25519
}

// openLater returns a key that signs when its signatures have come: the
// reference leads to the public key.
func openLater(name, ref string, o Options) (*Signer, error) {
	later := o.Later
	o.Later = nil
	p, err := OpenPublic(name, ref, o)
	if errors.Is(err, fs.ErrNotExist) {
		err = fmt.Errorf("%w; to sign later, say where the public key is: --key %s=PUBLIC.pem", err, Redact(name))
	}
	if err != nil {
		return nil, err
	}
	if ProvesNothing(p.Key) {
		return openAny(name, ref, o) // it need not be elsewhere
	}
	return &Signer{Name: Redact(name), Ref: ref, public: p.Key, later: later}, nil
}
