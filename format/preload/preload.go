// SPDX-License-Identifier: GPL-2.0-or-later

// Package preload makes, reads and verifies the header that U-Boot can demand
// in front of what it loads, with a signature over all of it. It is checked
// before anything in the image is looked at.
//
//	offset   size  big-endian
//	     0      4  "UBSH"
//	     4      4  version
//	     8      4  size of the header, with all that follows here
//	    12      4  size of the image behind the header
//	    16      4  offset of the signature of the image
//	    20      4  flags, 0
//	    24      8  reserved, 0
//	    32     32  SHA-256 of the signature of the image
//	    64      n  signature of the first 64 bytes
//	  64+n      n  signature of the image
//	64+2*n         zeros up to the size of the header
//
// Both signatures are made with one RSA key of n bytes. Which algorithms they
// have does not stand there: U-Boot knows it from its own device tree.
//
// The format is specified by boot/image-pre-load.c and
// include/image-pre-load.h of U-Boot.
package preload

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	_ "crypto/sha512" // for crypto.SHA384 and crypto.SHA512
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"binman/format/verify"
	"binman/internal/binfmt"
)

const (
	magic    = "UBSH"
	firstLen = 64 // bytes that the first signature covers
)

// The names of algorithms, and the sizes of their keys in bytes.
var (
	hashes  = map[string]crypto.Hash{"sha256": crypto.SHA256, "sha384": crypto.SHA384, "sha512": crypto.SHA512}
	ciphers = map[string]int{"rsa1024": 128, "rsa2048": 256, "rsa4096": 512}
)

// The names of paddings of a signature.
const (
	PKCS = "pkcs-1.5"
	PSS  = "pss"
)

// Algorithm is how a header is signed.
type Algorithm struct {
	Hash    crypto.Hash
	KeySize int  // of the RSA key, in bytes
	PSS     bool // padding by PSS instead of PKCS#1 v1.5
}

// ParseAlgorithm returns the algorithm with a name such as "sha256,rsa2048" and
// a padding, PKCS, PSS or "" for PKCS.
func ParseAlgorithm(name, padding string) (Algorithm, error) {
	h, c, _ := strings.Cut(name, ",")
	a := Algorithm{Hash: hashes[h], KeySize: ciphers[c], PSS: padding == PSS}
	switch {
	case a.Hash == 0:
		return a, fmt.Errorf("%s is not supported", h)
	case a.KeySize == 0:
		return a, fmt.Errorf("%s is not supported", c)
	case !slices.Contains([]string{"", PKCS, PSS}, padding):
		return a, fmt.Errorf("%s is not supported", padding)
	}
	return a, nil
}

// opts returns the options to sign with. The salt of PSS is as long as it can
// be.
func (a Algorithm) opts() crypto.SignerOpts {
	if a.PSS {
		return &rsa.PSSOptions{Hash: a.Hash, SaltLength: a.KeySize - a.Hash.Size() - 2}
	}
	return a.Hash
}

// ErrKeySize says that a key has another size than the algorithm asks for.
var ErrKeySize = errors.New("the key does not have the expected size")

// Header is what stands in front of an image.
type Header struct {
	Version   uint32
	Size      int64 // of the header, in bytes
	ImageSize int64 // of the image behind it, in bytes
	SigOffset int64 // of the signature of the image, in bytes
	SigHash   [sha256.Size]byte
}

// SigSize returns the size of a signature in bytes.
func (h *Header) SigSize() int64 { return h.SigOffset - firstLen }

// Make returns the header of size bytes for an image of n bytes, whose hash,
// by the algorithm, is digest.
func Make(version uint32, size, n int64, digest []byte, a Algorithm, key crypto.Signer) ([]byte, error) {
	pub, ok := key.Public().(*rsa.PublicKey)
	if !ok {
		return nil, fmt.Errorf("the key is no RSA key but a %T", key.Public())
	}
	if pub.Size() != a.KeySize {
		return nil, fmt.Errorf("%w: it has %d bits, not %d", ErrKeySize, pub.N.BitLen(), a.KeySize*8)
	}
	if need := int64(firstLen + 2*a.KeySize); size < need {
		return nil, fmt.Errorf("a header of %#x bytes has no room for two signatures: it needs %#x bytes", size, need)
	}
	if n>>32 != 0 || size>>32 != 0 {
		return nil, fmt.Errorf("sizes %#x and %#x do not fit in 32 bits", size, n)
	}
	sig, err := key.Sign(rand.Reader, digest, a.opts())
	if err != nil {
		return nil, err
	}
	b := make([]byte, 0, size)
	b = append(b, magic...)
	for _, v := range []uint32{version, uint32(size), uint32(n), uint32(firstLen + a.KeySize), 0, 0, 0} {
		b = binary.BigEndian.AppendUint32(b, v)
	}
	sum := sha256.Sum256(sig)
	b = append(b, sum[:]...)
	first, err := key.Sign(rand.Reader, digestOf(a.Hash, b), a.opts())
	if err != nil {
		return nil, err
	}
	b = append(append(b, first...), sig...)
	return b[:size], nil // zeros follow
}

func digestOf(hash crypto.Hash, b []byte) []byte {
	h := hash.New()
	h.Write(b)
	return h.Sum(nil)
}

// ErrNone says that there is no header.
var ErrNone = errors.New("no pre-load header")

// Parse reads the header in front of an image in r, which has size bytes.
func Parse(r io.ReaderAt, size int64) (*Header, error) {
	b, err := binfmt.Source{R: r, Size: size}.Bytes(0, firstLen, "pre-load header")
	if err != nil || string(b[:4]) != magic {
		return nil, ErrNone
	}
	word := func(off int) int64 { return int64(binary.BigEndian.Uint32(b[off:])) }
	h := &Header{Version: uint32(word(4)), Size: word(8), ImageSize: word(12), SigOffset: word(16)}
	copy(h.SigHash[:], b[32:])
	switch n := h.SigSize(); {
	case n <= 0 || n > 2048:
		return nil, fmt.Errorf("pre-load header: the signature of the image is at offset %#x", h.SigOffset)
	case h.Size < h.SigOffset+n:
		return nil, fmt.Errorf("pre-load header: %#x bytes have no room for two signatures", h.Size)
	case h.Size+h.ImageSize > size:
		return nil, fmt.Errorf("pre-load header: %#x bytes of header and %#x of image are more than the %#x that there are", h.Size, h.ImageSize, size)
	}
	return h, nil
}

// Verify checks the header in r, which starts with it, and the image behind it,
// with RSA keys. The algorithm is found by trying, since the header does not
// name it. Offsets of the findings are from the start of the header.
func (h *Header) Verify(r io.ReaderAt, _ int64, keys []verify.Key) ([]verify.Finding, error) {
	n := h.SigSize()
	b, err := binfmt.Source{R: r, Size: h.Size}.Bytes(0, h.SigOffset+n, "pre-load header")
	if err != nil {
		return nil, err
	}
	sigs := [2][]byte{b[firstLen:h.SigOffset], b[h.SigOffset:]}
	header := verify.Finding{What: "signature of the header", Size: firstLen}
	hash := verify.Finding{What: "sha256 of the signature", Offset: h.SigOffset, Size: n}
	image := verify.Finding{What: "signature of the image", Offset: h.Size, Size: h.ImageSize}
	if sha256.Sum256(sigs[1]) != h.SigHash {
		hash.Verdict, hash.Why = verify.Bad, "the signature of the image is another one"
	}
	s, some := find(b[:firstLen], sigs[0], keys)
	switch {
	case s != nil:
		header.What += " " + s.name
		header.Signed, hash.Signed = true, hash.Verdict == verify.Good
		sum := s.Hash.New()
		if _, err := io.Copy(sum, io.NewSectionReader(r, h.Size, h.ImageSize)); err != nil {
			return nil, err
		}
		if image.Signed = s.good(sum.Sum(nil), sigs[1]); !image.Signed {
			image.Verdict, image.Why = verify.Bad, "the image has changed since it was signed"
		}
	case some:
		header.Verdict, header.Why = verify.Bad, "none of the keys has signed it"
		image.Verdict, image.Why = verify.Bad, header.Why
	default:
		header.Verdict, header.Why = verify.NotCovered, fmt.Sprintf("no RSA key of %d bits is given", n*8)
		image.Verdict, image.Why = verify.NotCovered, header.Why
	}
	return []verify.Finding{header, hash, image}, nil
}

// signature is how something has been signed, and with which key.
type signature struct {
	Algorithm
	key  *rsa.PublicKey
	name string
}

// find returns how and by which of the keys b has been signed, or nil. Some says
// whether there is a key of the size of the signature.
func find(b, sig []byte, keys []verify.Key) (s *signature, some bool) {
	for _, k := range keys {
		key, ok := k.Public.(*rsa.PublicKey)
		if !ok || key.Size() != len(sig) {
			continue
		}
		some = true
		for _, name := range slices.Sorted(maps.Keys(hashes)) {
			digest := digestOf(hashes[name], b)
			for _, padding := range []string{PKCS, PSS} {
				s := &signature{Algorithm{hashes[name], key.Size(), padding == PSS}, key, fmt.Sprintf("%s,rsa%d %s", name, 8*len(sig), padding)}
				if s.good(digest, sig) {
					return s, true
				}
			}
		}
	}
	return nil, some
}

// good says whether the key has made the signature of the digest.
func (s *signature) good(digest, sig []byte) bool {
	if s.PSS {
		return rsa.VerifyPSS(s.key, s.Hash, digest, sig, &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthAuto}) == nil
	}
	return rsa.VerifyPKCS1v15(s.key, s.Hash, digest, sig) == nil
}

// Detect reports whether r starts with a header and has the image behind it.
func Detect(r io.ReaderAt, size int64) bool {
	_, err := Parse(r, size)
	return err == nil
}

// List returns the image behind the header.
func (h *Header) List() []binfmt.Item {
	return []binfmt.Item{{Name: "image", Type: fmt.Sprintf("image, version %d", h.Version), Offset: h.Size, Size: h.ImageSize, Details: binfmt.Details{}.With("version", int(h.Version))}}
}

// Algorithm returns the algorithm with which a key has signed the header in r; false if
// it has not.
func (h *Header) Algorithm(r io.ReaderAt, key crypto.PublicKey) (Algorithm, bool, error) {
	b, err := binfmt.Source{R: r, Size: h.Size}.Bytes(0, h.SigOffset, "pre-load header")
	if err != nil {
		return Algorithm{}, false, err
	}
	s, _ := find(b[:firstLen], b[firstLen:], []verify.Key{{Public: key}})
	if s == nil {
		return Algorithm{}, false, nil
	}
	return s.Algorithm, true, nil
}
