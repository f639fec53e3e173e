// SPDX-License-Identifier: GPL-2.0-or-later

// Package avb reads and verifies what Android Verified Boot has in partitions: the
// vbmeta image, which speaks for other partitions, and the footer of a partition that
// has one behind its contents. All numbers are big-endian; sizes and offsets are in
// bytes.
//
//	offset  size  vbmeta image: header
//	     0     4  "AVB0"
//	     4     8  version that a reader must have: major, minor
//	    12    16  sizes of the authentication and of the auxiliary block, multiples of 64
//	    28     4  algorithm, see Algorithm
//	    32    32  offset and size in the authentication block: of the hash, of the signature
//	    64    48  offset and size in the auxiliary block: of the public key, of its metadata, of the descriptors
//	   112     8  rollback index
//	   120     4  flags: bit 0, hash trees are not to be checked; bit 1, nothing is
//	   124     4  where the rollback index is kept
//	   128    48  what made it, text that ends with a NUL
//	   176    80  zeros
//	   256        authentication block, then auxiliary block
//
// The hash, and so the signature, is of the header and the auxiliary block.
//
//	offset  size  public key
//	     0     4  bits of the modulus
//	     4     4  what Montgomery's method needs
//	     8     n  modulus; the exponent is 65537
//	   8+n     n  what Montgomery's method needs
//
//	offset  size  footer, at the end of a partition
//	     0     4  "AVBf"
//	     4     8  version: major, minor
//	    12     8  size of the contents
//	    20    16  offset in the partition and size of the vbmeta image
//	    36    28  zeros
//
// File descriptor.go has the descriptors. libavb of the Android Open Source Project
// specifies the format.
package avb

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/big"

	"binman/internal/binfmt"
)

// ErrFormat is wrapped by the errors about bytes that are not what Android Verified
// Boot has.
var ErrFormat = errors.New("not of Android Verified Boot")

var be = binary.BigEndian

// Magic is what a vbmeta image starts with.
const Magic = "AVB0"

const (
	header     = 256
	majorKnown = 1
	keyHeader  = 8
	exponent   = 65537

	// Flags of a vbmeta image.
	noHashtree     = 1
	noVerification = 2

	// What a damaged header can cost: images known have 64 KiB at most.
	maxBlock       = 1 << 20
	maxDescriptors = 4096
)

// Algorithm is how a vbmeta image is signed; 0 if it is not.
type Algorithm uint32

// algorithms lists what is known, from 1 on.
var algorithms = []struct {
	hash crypto.Hash
	bits int
}{
	{crypto.SHA256, 2048}, {crypto.SHA256, 4096}, {crypto.SHA256, 8192}, {crypto.SHA512, 2048}, {crypto.SHA512, 4096}, {crypto.SHA512, 8192},
}

// params returns the hash and the bits of the key; 0 of an algorithm that is not known.
func (a Algorithm) params() (hash crypto.Hash, bits int) {
	if a == 0 || int64(a) > int64(len(algorithms)) {
		return 0, 0
	}
	p := algorithms[a-1]
	return p.hash, p.bits
}

// String returns a name such as "sha256,rsa4096".
func (a Algorithm) String() string {
	if a == 0 {
		return "unsigned"
	}
	hash, bits := a.params()
	if hash == 0 {
		return fmt.Sprintf("algorithm %d", uint32(a))
	}
	return fmt.Sprintf("%s,rsa%d", hashNames[hash], bits)
}

var hashNames = map[crypto.Hash]string{crypto.SHA1: "sha1", crypto.SHA256: "sha256", crypto.SHA512: "sha512"}

// Image is a vbmeta image.
type Image struct {
	Size             int64 // bytes
	Algorithm        Algorithm
	Rollback         uint64
	RollbackLocation uint32
	Flags            uint32
	Release          string // what made it
	Key              *rsa.PublicKey
	KeyDigest        [sha256.Size]byte // of the key as it is stored, by which bootloaders name it
	Descriptors      []Descriptor

	hash, signature          extent // from the start of the image
	key, metadata, described extent
	signed                   []byte // the header and the auxiliary block
	authentication           extent
	digest, sig              []byte
}

// extent is where something is, in bytes.
type extent struct{ offset, size int64 }

// Detect says whether a vbmeta image starts there.
func Detect(r io.ReaderAt, size int64) bool {
	_, err := Parse(r, size)
	return err == nil
}

// Parse reads the vbmeta image at the start of r.
func Parse(r io.ReaderAt, size int64) (*Image, error) {
	src := binfmt.Source{R: r, Size: size}
	h, err := src.Bytes(0, header, "vbmeta header")
	if err != nil {
		return nil, err
	}
	if string(h[:4]) != Magic {
		return nil, fmt.Errorf("%w: it does not start with %s", ErrFormat, Magic)
	}
	if major := be.Uint32(h[4:]); major != majorKnown {
		return nil, fmt.Errorf("%w: it is for readers of version %d, known is %d", ErrFormat, major, majorKnown)
	}
	im := &Image{Algorithm: Algorithm(be.Uint32(h[28:])), Rollback: be.Uint64(h[112:]), Flags: be.Uint32(h[120:]), RollbackLocation: be.Uint32(h[124:])}
	im.Release, _ = binfmt.CString(h[128:176])
	auth, aux := be.Uint64(h[12:]), be.Uint64(h[20:])
	if auth > maxBlock || aux > maxBlock || auth%64 != 0 || aux%64 != 0 {
		return nil, fmt.Errorf("%w: blocks of %#x and %#x bytes, must be multiples of 64 and %#x at most", ErrFormat, auth, aux, maxBlock)
	}
	im.authentication = extent{header, int64(auth)}
	auxiliary := extent{header + int64(auth), int64(aux)}
	im.Size = auxiliary.offset + auxiliary.size
	for _, f := range []struct {
		name  string
		at    int
		block extent
		to    *extent
	}{
		{"hash", 32, im.authentication, &im.hash}, {"signature", 48, im.authentication, &im.signature},
		{"public key", 64, auxiliary, &im.key}, {"metadata of the key", 80, auxiliary, &im.metadata}, {"descriptors", 96, auxiliary, &im.described},
	} {
		off, n := be.Uint64(h[f.at:]), be.Uint64(h[f.at+8:])
		if off > uint64(f.block.size) || n > uint64(f.block.size)-off {
			return nil, fmt.Errorf("%w: the %s of %#x bytes at %#x is outside of its block of %#x", ErrFormat, f.name, n, off, f.block.size)
		}
		*f.to = extent{f.block.offset + int64(off), int64(n)}
	}
	all, err := src.Bytes(0, im.Size, "vbmeta image")
	if err != nil {
		return nil, err
	}
	im.signed = append(all[:header:header], all[auxiliary.offset:]...)
	im.digest, im.sig = im.hash.of(all), im.signature.of(all)
	if im.key.size > 0 {
		im.KeyDigest = sha256.Sum256(im.key.of(all))
		im.Key = publicKey(im.key.of(all))
	}
	im.Descriptors, err = descriptors(im.described.of(all), im.described.offset)
	return im, err
}

func (e extent) of(b []byte) []byte { return b[e.offset:][:e.size] }

// publicKey returns a key, or nil if it is none.
func publicKey(b []byte) *rsa.PublicKey {
	if len(b) < keyHeader {
		return nil
	}
	bits := be.Uint32(b)
	if bits%8 != 0 || int64(len(b)) < keyHeader+2*int64(bits/8) {
		return nil
	}
	n := new(big.Int).SetBytes(b[keyHeader:][:bits/8])
	if n.BitLen() != int(bits) || n.Bit(0) == 0 {
		return nil
	}
	return &rsa.PublicKey{N: n, E: exponent}
}

// Details returns what the header says, and the key.
func (im *Image) Details() binfmt.Details {
	d := binfmt.Details{}.With("rollback-index", int64(im.Rollback)).With("flags", im.Flags).With("made-by", im.Release)
	if im.Algorithm != 0 {
		d = d.With("signatures", []string{fmt.Sprintf("%s:%x", im.Algorithm, im.KeyDigest)})
	}
	return d
}

// List returns the parts of the image, and what its descriptors say.
func (im *Image) List() []binfmt.Item {
	kind := fmt.Sprintf("header, %s, rollback index %d", im.Algorithm, im.Rollback)
	for i, text := range []string{"hash trees are not checked", "nothing is checked"} {
		if im.Flags&(1<<i) != 0 {
			kind += ", " + text
		}
	}
	if im.Release != "" {
		kind += ", made by " + im.Release
	}
	list := []binfmt.Item{{Name: "header", Type: kind, Size: header}}
	add := func(name, kind string, e extent) {
		if e.size > 0 {
			list = append(list, binfmt.Item{Name: name, Type: kind, Offset: e.offset, Size: e.size})
		}
	}
	add("authentication", "hash and signature", im.authentication)
	for _, d := range im.Descriptors {
		add(d.Name, d.String(), extent{d.Offset, d.Size})
		list[len(list)-1].Details = d.details()
	}
	kind = "public key that is not known"
	if im.Key != nil {
		kind = fmt.Sprintf("public key rsa%d", im.Key.N.BitLen())
	}
	add("public-key", fmt.Sprintf("%s, sha256 %x", kind, im.KeyDigest), im.key)
	add("key-metadata", "metadata of the public key", im.metadata)
	return list
}
