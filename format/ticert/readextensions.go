// SPDX-License-Identifier: GPL-2.0-or-later

package ticert

import (
	"encoding/asn1"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
)

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

// readAddress is the other way.
func readAddress(b []byte) (uint64, error) {
	if len(b) == 0 || len(b) > 8 {
		return 0, fmt.Errorf("an address has %d bytes", len(b))
	}
	var wide [8]byte
	copy(wide[8-len(b):], b)
	return binary.BigEndian.Uint64(wide[:]), nil
}
