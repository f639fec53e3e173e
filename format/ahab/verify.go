// SPDX-License-Identifier: GPL-2.0-or-later

package ahab

import (
	"bytes"
	"crypto/sha256"
	"crypto/sha3"
	"crypto/sha512"
	"fmt"
	"hash"
	"io"

	"binman/format/verify"
	"binman/internal/binfmt"
)

// algorithm is one that images are hashed by.
type algorithm struct {
	name string
	new  func() hash.Hash
}

// algorithms are those that are known, by their numbers. SM3 and those of the
// SHAKE family are missing.
func algorithms() map[int]algorithm {
	return map[int]algorithm{
		0: {"sha256", sha256.New},
		1: {"sha384", sha512.New384},
		2: {"sha512", sha512.New},
		4: {"sha3-256", func() hash.Hash { return sha3.New256() }},
		5: {"sha3-384", func() hash.Hash { return sha3.New384() }},
		6: {"sha3-512", func() hash.Hash { return sha3.New512() }},
	}
}

// Verify checks the hashes of the images in r, which starts with the first
// container. Signatures of containers are not judged: their keys are on no list of
// the user's but in the fuses of the processor.
func (b *Boot) Verify(r io.ReaderAt, size int64, _ []verify.Key) ([]verify.Finding, error) {
	src := binfmt.Source{R: r, Size: size}
	list := []verify.Finding{verify.Structure(min(b.End, size), nil)}
	for i, c := range b.Containers {
		list = append(list, verify.Finding{
			Path: b.name(i), What: "signature", Verdict: verify.NotCovered, Why: c.whySigned(), Offset: c.Offset, Size: c.Length,
		})
		for k, im := range c.Images {
			f, err := im.verify(src)
			if err != nil {
				return nil, err
			}
			if f != nil {
				f.Path = b.imageName(i, k)
				list = append(list, *f)
			}
		}
	}
	if b.End < size {
		list = append(list, verify.Finding{
			What: "contents", Verdict: verify.NotCovered, Why: "no container describes what follows the images", Offset: b.End, Size: size - b.End,
		})
	}
	return list, nil
}

// whySigned says why the signature of the container is not judged.
func (c *Container) whySigned() string {
	if !c.Signed {
		return "the container has none"
	}
	switch c.Flags & 3 {
	case 1:
		return "it is made with keys of NXP, and not judged here"
	case 2:
		return "it is made with keys of the device's maker, and not judged here"
	}
	return "it is not judged here"
}

// verify judges the hash of an image. There is no finding about a stand-in without
// contents and hash.
func (im Image) verify(src binfmt.Source) (*verify.Finding, error) {
	if im.Size == 0 && im.Hash == [64]byte{} {
		return nil, nil
	}
	a, ok := algorithms()[im.HashKind]
	if !ok {
		return &verify.Finding{
			What: fmt.Sprintf("hash of kind %d", im.HashKind), Verdict: verify.NotCovered, Why: "this algorithm is not known here", Offset: im.Offset, Size: im.Size,
		}, nil
	}
	f := &verify.Finding{What: a.name, Offset: im.Offset, Size: im.Size}
	sum := a.new()
	if im.Size > 0 {
		section, err := src.Section(im.Offset, im.Size, "image")
		if err != nil {
			return nil, err
		}
		if _, err := io.Copy(sum, section); err != nil {
			return nil, err
		}
	}
	if got := sum.Sum(nil); !bytes.Equal(got, im.Hash[:len(got)]) {
		f.Verdict, f.Why = verify.Bad, fmt.Sprintf("%s hash does not match: %x is stored, the data has %x", a.name, im.Hash[:len(got)], got)
	}
	return f, nil
}
