// SPDX-License-Identifier: GPL-2.0-or-later

package bootheader

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"fmt"
	"io"

	"binman/format/verify"
	"binman/internal/binfmt"
)

// A signature is one of SHA-256, by an RSA key in the image, with the padding of
// PKCS #1 v1.5.
type signature struct {
	path string // the item
	off  int64  // of what is signed
	size int64
	sig  []byte
	key  *rsa.PublicKey
	root bool   // nothing in the image speaks for the key: it has to be one that the user gives
	why  string // the image says something else about the key, unless this is ""
	hash *claim // what is signed is a hash of this, unless it is nil
}

// verifyChain judges signatures of which each is by a key that the one before speaks
// for. They count as signed only if the user gives the first key. What an image whose
// end is missing does not have is left out.
func verifyChain(chain []signature, src binfmt.Source, keys []verify.Key) (list []verify.Finding, err error) {
	trusted := false
	for _, s := range chain {
		if s.off+s.size > src.Size {
			continue
		}
		f, err := s.verify(src, keys)
		if err != nil {
			return nil, err
		}
		f.Signed = f.Verdict == verify.Good && (s.root || trusted)
		trusted = f.Signed
		list = append(list, f)
		if s.hash == nil || s.hash.off+s.hash.size > src.Size {
			continue
		}
		if f, err = s.hash.verify(src); err != nil {
			return nil, err
		}
		f.Signed = f.Verdict == verify.Good && trusted
		list = append(list, f)
	}
	return list, nil
}

func (s signature) verify(src binfmt.Source, keys []verify.Key) (verify.Finding, error) {
	f := verify.Finding{Path: s.path, What: fmt.Sprintf("signature sha256,rsa%d", s.key.N.BitLen()), Offset: s.off, Size: s.size}
	section, err := src.Section(s.off, s.size, f.What)
	if err != nil {
		return f, err
	}
	h := sha256.New()
	if _, err := io.Copy(h, section); err != nil {
		return f, err
	}
	switch {
	case s.why != "":
		f.Verdict, f.Why = verify.Bad, s.why
	case rsa.VerifyPKCS1v15(s.key, crypto.SHA256, h.Sum(nil), s.sig) != nil:
		f.Verdict, f.Why = verify.Bad, "the key in the image has not signed it, or it has changed"
	case !s.root || verify.Among(keys, s.key):
	case len(keys) == 0:
		f.Verdict, f.Why = verify.NotCovered, "the key in the image has signed it, and no key is given to judge that one by"
	default:
		f.Verdict, f.Why = verify.Bad, "the key in the image is none of the keys given"
	}
	return f, nil
}
