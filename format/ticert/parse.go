// SPDX-License-Identifier: GPL-2.0-or-later

package ticert

import (
	"bytes"
	"crypto"
	"encoding/asn1"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
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
}

// Parse reads the certificate at the start of r, which has size bytes, with what
// it is about behind it.
func Parse(r io.ReaderAt, size int64) (*Image, error) {
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
	next := n
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
		list = append(list, Part{Name: "image", Digest: c.Boot.Digest, Type: fmt.Sprintf("image, load %#x", c.Boot.Address)})
	}
	if c.System != nil {
		list = append(list, Part{Name: "image", Digest: *c.System, Type: "image"})
	}
	for _, comp := range c.Components {
		list = append(list, Part{Name: componentName(comp.Type), Digest: comp.Digest, Type: fmt.Sprintf("component, load %#x", comp.Address)})
	}
	return list
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

// readers are what reads the extensions, by their numbers.
func readers() map[int]func(*Cert, []byte) error {
	return map[int]func(*Cert, []byte) error{
		1: readBootSequence, 2: readIntegrity, 3: readRevision, 8: readDebug, 9: readComponents, 34: readSystem, 35: readLoad, 37: readFirewalls,
	}
}

// fill reads a SEQUENCE that fills der.
func fill(der []byte, v any) error {
	rest, err := asn1.Unmarshal(der, v)
	if err == nil && len(rest) > 0 {
		err = fmt.Errorf("%d bytes follow its end", len(rest))
	}
	return err
}

// words takes numbers of 32 bits, and keeps the first error.
type words struct{ err error }

func (w *words) u32(v int64) uint32 {
	if v < 0 || v > math.MaxUint32 {
		w.err = errors.Join(w.err, fmt.Errorf("%d is no number of 32 bits", v))
	}
	return uint32(v)
}

func (w *words) address(b []byte) uint64 {
	a, err := readAddress(b)
	w.err = errors.Join(w.err, err)
	return a
}

func (w *words) digest(oid asn1.ObjectIdentifier, sum []byte, size int64) Digest {
	d := Digest{Sum: sum, Size: size}
	for hash, known := range hashOIDs() {
		if known.Equal(oid) {
			d.Hash = hash
		}
	}
	if size < 0 {
		w.err = errors.Join(w.err, fmt.Errorf("a size of %d", size))
	}
	return d
}

func (c *Cert) boot() *Boot {
	if c.Boot == nil {
		c.Boot = &Boot{}
	}
	return c.Boot
}

func readBootSequence(c *Cert, der []byte) error {
	var s bootSequence
	if err := fill(der, &s); err != nil {
		return err
	}
	var w words
	b := c.boot()
	b.Type, b.Core, b.Options, b.Address = w.u32(s.Type), w.u32(s.Core), w.u32(s.Options), w.address(s.Address)
	b.Size = w.digest(nil, nil, s.Size).Size
	return w.err
}

func readIntegrity(c *Cert, der []byte) error {
	var s integrity
	if err := fill(der, &s); err != nil {
		return err
	}
	var w words
	d := w.digest(s.Hash, s.Sum, 0)
	c.boot().Hash, c.boot().Sum = d.Hash, d.Sum
	return w.err
}

func readRevision(c *Cert, der []byte) error {
	var s revision
	if err := fill(der, &s); err != nil {
		return err
	}
	var w words
	c.Revision = w.u32(s.Revision)
	return w.err
}

func readDebug(c *Cert, der []byte) error {
	var s debugPort
	if err := fill(der, &s); err != nil {
		return err
	}
	c.Debug = s.Type == debugOpen
	return nil
}

func readSystem(c *Cert, der []byte) error {
	var s systemIntegrity
	if err := fill(der, &s); err != nil {
		return err
	}
	var w words
	d := w.digest(s.Hash, s.Sum, s.Size)
	c.System = &d
	return w.err
}

func (c *Cert) load() *Load {
	if c.Load == nil {
		c.Load = &Load{}
	}
	return c.Load
}

func readLoad(c *Cert, der []byte) error {
	var s systemLoad
	if err := fill(der, &s); err != nil {
		return err
	}
	var w words
	c.load().Auth = w.u32(s.Auth)
	return w.err
}

func readComponents(c *Cert, der []byte) error {
	v, err := readValues(der)
	if err != nil {
		return err
	}
	all, n := v.number(), v.number()
	c.Components = []Component{}
	for range v.count(n) {
		var s component
		v.next(&s)
		c.Components = append(c.Components, Component{v.u32(s.Type), v.u32(s.Core), v.u32(s.Options), v.address(s.Address), v.digest(s.Hash, s.Sum, s.Size)})
		if all -= s.Size; v.err != nil {
			return v.err
		}
	}
	if all != 0 {
		return errors.New("the size of all is not the sum of those of the components")
	}
	return v.end()
}

func readFirewalls(c *Cert, der []byte) error {
	v, err := readValues(der)
	if err != nil {
		return err
	}
	for range v.count(v.number()) {
		f := Firewall{ID: v.u32(v.number()), Region: v.u32(v.number()), Control: v.u32(v.number())}
		for range v.count(v.number()) {
			f.Permissions = append(f.Permissions, v.u32(v.number()))
		}
		f.Start, f.End = v.address(v.bytes()), v.address(v.bytes())
		c.load().Firewalls = append(c.load().Firewalls, f)
		if v.err != nil {
			return v.err
		}
	}
	return v.end()
}

// values are those of a SEQUENCE that are still to be read.
type values struct {
	words
	rest []asn1.RawValue
}

func readValues(der []byte) (*values, error) {
	v := &values{}
	return v, fill(der, &v.rest)
}

// next reads the next value, if nothing was wrong so far.
func (v *values) next(to any) {
	switch {
	case v.err != nil:
	case len(v.rest) == 0:
		v.err = errors.New("it ends too early")
	default:
		v.err = fill(v.rest[0].FullBytes, to)
		v.rest = v.rest[1:]
	}
}

func (v *values) number() int64 {
	var n int64
	v.next(&n)
	return n
}

func (v *values) bytes() []byte {
	var b []byte
	v.next(&b)
	return b
}

// count returns a number of things that are still to come: each has a value.
func (v *values) count(n int64) int64 {
	if v.err == nil && (n < 0 || n > int64(len(v.rest))) {
		v.err = fmt.Errorf("%d things cannot be in %d values", n, len(v.rest))
	}
	if v.err != nil {
		return 0
	}
	return n
}

func (v *values) end() error {
	if v.err == nil && len(v.rest) > 0 {
		v.err = fmt.Errorf("%d values follow its end", len(v.rest))
	}
	return v.err
}

// Detect reports whether r starts with such a certificate and has what it is
// about behind it.
func Detect(r io.ReaderAt, size int64) bool {
	_, err := Parse(r, size)
	return err == nil
}

// List returns the certificate and what is behind it.
func (m *Image) List() []binfmt.Item {
	list := []binfmt.Item{{Name: "certificate", Type: m.kind(), Size: m.Size}}
	for _, p := range m.Parts {
		list = append(list, binfmt.Item{Name: p.Name, Type: p.Type, Offset: p.Offset, Size: p.Digest.Size})
	}
	return list
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
