// SPDX-License-Identifier: GPL-2.0-or-later

package ticert

import (
	"bytes"
	"crypto"
	"crypto/sha256"
	"encoding/asn1"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"

	"binman/internal/binfmt"
)

// ErrNone says that there is no certificate of TI's kind.
var ErrNone = errors.New("no certificate for a K3 device")

// Image is a certificate and where what it is about is behind it.
type Image struct {
	Cert
	Size  int64  // of the certificate, in bytes
	Parts []Part // behind it, one after the other

	signed    []byte // what the signature covers
	key       []byte // SubjectPublicKeyInfo
	algorithm asn1.ObjectIdentifier
	signature []byte
}

// Part is something that a certificate is about.
type Part struct {
	Name   string
	Offset int64 // in bytes, from the start of the certificate
	Digest
	Type string // for people

	load   uint64 // address
	loaded bool   // load is known
}

// ParseAlone reads the certificate at the start of r, which has size bytes.
func ParseAlone(r io.ReaderAt, size int64) (*Image, error) {
	src := binfmt.Source{R: r, Size: size}
	head, err := src.Bytes(0, 4, "certificate")
	if err != nil || head[0] != 0x30 || head[1] != 0x82 {
		return nil, ErrNone // it has 256 bytes at least, and not more than 64 KiB
	}
	n := 4 + int64(binary.BigEndian.Uint16(head[2:]))
	b, err := src.Bytes(0, n, "certificate")
	if err != nil {
		return nil, ErrNone
	}
	m := &Image{Size: n}
	if err := m.read(b); err != nil {
		return nil, err
	}
	if m.Boot == nil && m.System == nil && m.Components == nil {
		return nil, ErrNone
	}
	return m, nil
}

// Parse reads the certificate at the start of r, which has size bytes, with what
// it is about behind it.
func Parse(r io.ReaderAt, size int64) (*Image, error) {
	m, err := ParseAlone(r, size)
	if err != nil {
		return nil, err
	}
	next := m.Size
	for _, p := range m.parts() {
		p.Offset = next
		if p.Digest.Size < 0 || p.Digest.Size > size-next {
			return nil, fmt.Errorf("certificate for a K3 device: %s of %#x bytes does not fit behind offset %#x into %#x bytes", p.Name, p.Digest.Size, next, size)
		}
		next += p.Digest.Size
		m.Parts = append(m.Parts, p)
	}
	return m, nil
}

// read reads a certificate that fills b.
func (m *Image) read(b []byte) error {
	var cert certificate
	var inner body
	if rest, err := asn1.Unmarshal(b, &cert); err != nil || len(rest) > 0 {
		return ErrNone
	}
	if rest, err := asn1.Unmarshal(cert.Body.FullBytes, &inner); err != nil || len(rest) > 0 {
		return ErrNone
	}
	if a, b := cert.Algorithm, inner.Algorithm; !a.Algorithm.Equal(b.Algorithm) || !bytes.Equal(a.Parameters.FullBytes, b.Parameters.FullBytes) {
		return errors.New("certificate for a K3 device: it names two algorithms")
	}
	known := readers()
	var seen []int
	for _, ext := range inner.Extensions {
		last := len(ext.Id) - 1
		if last < 0 || !ext.Id.Equal(oidTI(ext.Id[last])) {
			continue
		}
		x := ext.Id[last]
		if slices.Contains(seen, x) {
			return fmt.Errorf("certificate for a K3 device: extension %v is there twice", ext.Id)
		}
		seen = append(seen, x)
		if read := known[x]; read != nil {
			if err := read(&m.Cert, ext.Value); err != nil {
				return fmt.Errorf("certificate for a K3 device: extension %v: %w", ext.Id, err)
			}
		}
	}
	if slices.Contains(seen, 1) != slices.Contains(seen, 2) {
		return errors.New("certificate for a K3 device: one of the extensions 1 and 2 lacks")
	}
	m.signed, m.key = cert.Body.FullBytes, inner.Key.FullBytes
	m.algorithm, m.signature = cert.Algorithm.Algorithm, cert.Signature.RightAlign()
	return nil
}

// parts returns what the certificate is about, without offsets.
func (c *Cert) parts() []Part {
	var list []Part
	if c.Boot != nil {
		list = append(list, Part{Name: "image", Digest: c.Boot.Digest, Type: fmt.Sprintf("image, load %#x", c.Boot.Address), load: c.Boot.Address, loaded: true})
	}
	if c.System != nil {
		list = append(list, Part{Name: "image", Digest: *c.System, Type: "image"})
	}
	for _, comp := range c.Components {
		list = append(list, Part{Name: componentName(comp.Type), Digest: comp.Digest, Type: fmt.Sprintf("component, load %#x", comp.Address), load: comp.Address, loaded: true})
	}
	return list
}

// SameImages says whether both certificates are about the same images.
func (c *Cert) SameImages(other *Cert) bool {
	return slices.EqualFunc(c.parts(), other.parts(), func(a, b Part) bool {
		return a.Name == b.Name && a.Hash == b.Hash && a.Digest.Size == b.Digest.Size && bytes.Equal(a.Sum, b.Sum)
	})
}

func componentName(t uint32) string {
	names := map[uint32]string{
		SPL: "spl", SystemFirmware: "sysfw", InnerCert: "sysfw-inner-cert", DeviceManager: "dm-data", SystemData: "sysfw-data",
	}
	if name, ok := names[t]; ok {
		return name
	}
	return fmt.Sprintf("component-%d", t)
}

// Detect reports whether r starts with such a certificate and has what it is
// about behind it.
func Detect(r io.ReaderAt, size int64) bool {
	_, err := Parse(r, size)
	return err == nil
}

// List returns the certificate and what is behind it.
func (m *Image) List() []binfmt.Item {
	list := []binfmt.Item{binfmt.Item{Name: "certificate", Type: m.kind(), Size: m.Size}.With("version", int64(m.Revision)).
		With("signatures", []string{fmt.Sprintf("%s:%x", m.keyName(), sha256.Sum256(m.key))})}
	for _, p := range m.Parts {
		it := binfmt.Item{Name: p.Name, Type: p.Type, Offset: p.Offset, Size: p.Digest.Size}.With("hashes", []string{hashName(p.Hash)})
		if p.loaded {
			it = it.With("load", p.load)
		}
		list = append(list, it)
	}
	return list
}

// keyName returns what is known of the signature: the algorithm, or that it is not known.
func (m *Image) keyName() string {
	if key, err := m.verifier(); err == nil {
		return key.name
	}
	return "unknown"
}

// kind says in short what the certificate is.
func (m *Image) kind() string {
	s := fmt.Sprintf("X.509, revision %d", m.Revision)
	if m.Load != nil {
		if n := len(m.Load.Firewalls); n > 0 {
			s += fmt.Sprintf(", %d firewalls", n)
		}
	}
	if m.Debug {
		s += ", debug port open"
	}
	return s
}

// hashName names a hash, for people.
func hashName(h crypto.Hash) string {
	if h == 0 {
		return "hash"
	}
	return fmt.Sprintf("sha%d", 8*h.Size())
}
