// SPDX-License-Identifier: GPL-2.0-or-later

package ticert

import (
	"bytes"
	"crypto"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/binary"
	"errors"
)

// oidTI is the number under which TI's extensions are.
func oidTI(x int) asn1.ObjectIdentifier {
	return asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 294, 1, x}
}

// hashOIDs are the numbers of hashes.
func hashOIDs() map[crypto.Hash]asn1.ObjectIdentifier {
	oid := func(last int) asn1.ObjectIdentifier { return asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, last} }
	return map[crypto.Hash]asn1.ObjectIdentifier{crypto.SHA256: oid(1), crypto.SHA384: oid(2), crypto.SHA512: oid(3), crypto.SHA224: oid(4)}
}

// The extensions as they are written. An int64 holds every uint32.
type (
	bootSequence struct {
		Type, Core, Options int64
		Address             []byte
		Size                int64
	}
	integrity struct {
		Hash asn1.ObjectIdentifier
		Sum  []byte
	}
	revision  struct{ Revision int64 }
	debugPort struct {
		UID                  []byte
		Type, Enable, Secure int64
	}
	component struct {
		Type, Core, Options int64
		Address             []byte
		Size                int64
		Hash                asn1.ObjectIdentifier
		Sum                 []byte
	}
	systemIntegrity struct {
		Hash asn1.ObjectIdentifier
		Sum  []byte
		Size int64
	}
	systemLoad struct {
		Address []byte
		Auth    int64
	}
	constraints struct{ CA bool }
)

// debugOpen is the debug type that lets the ROM open the debug port.
const debugOpen = 4

// sequence collects the parts of a SEQUENCE.
type sequence struct{ parts []any }

func (s *sequence) add(parts ...any) { s.parts = append(s.parts, parts...) }

// bytes returns the SEQUENCE.
func (s *sequence) bytes() ([]byte, error) {
	var buf bytes.Buffer
	for _, part := range s.parts {
		b, err := asn1.Marshal(part)
		if err != nil {
			return nil, err
		}
		buf.Write(b)
	}
	return asn1.Marshal(asn1.RawValue{Tag: asn1.TagSequence, IsCompound: true, Bytes: buf.Bytes()})
}

// extensions returns all extensions, in the order in which TI's tools write them.
func (c *Cert) extensions(spki []byte) ([]pkix.Extension, error) {
	var list []pkix.Extension
	var errs []error
	add := func(oid asn1.ObjectIdentifier, der []byte, err error) {
		list, errs = append(list, pkix.Extension{Id: oid, Value: der}), append(errs, err)
	}
	value := func(x int, v any) {
		der, err := asn1.Marshal(v)
		add(oidTI(x), der, err)
	}
	der, err := asn1.Marshal(constraints{CA: true})
	add(asn1.ObjectIdentifier{2, 5, 29, 19}, der, err)
	if b := c.Boot; b != nil {
		value(1, bootSequence{int64(b.Type), int64(b.Core), int64(b.Options), address(b.Address, 4), b.Size})
		value(2, integrity{hashOIDs()[b.Hash], b.Sum})
	}
	value(3, revision{int64(c.Revision)})
	if c.System != nil {
		value(34, systemIntegrity{hashOIDs()[c.System.Hash], c.System.Sum, c.System.Size})
	}
	if c.Load != nil {
		value(35, systemLoad{make([]byte, 4), int64(c.Load.Auth)})
		der, err := firewalls(c.Load.Firewalls)
		add(oidTI(37), der, err)
	}
	if c.Components != nil {
		der, err := components(c.Components)
		add(oidTI(9), der, err)
	}
	if c.Boot != nil || c.Components != nil {
		port := debugPort{UID: make([]byte, 32)}
		if c.Debug {
			port.Type = debugOpen
		}
		value(8, port)
	}
	id, err := keyID(spki)
	add(asn1.ObjectIdentifier{2, 5, 29, 14}, id, err)
	return list, errors.Join(errs...)
}

func components(list []Component) ([]byte, error) {
	var s sequence
	var all int64
	for _, c := range list {
		all += c.Size
	}
	s.add(all, int64(len(list)))
	for _, c := range list {
		s.add(component{int64(c.Type), int64(c.Core), int64(c.Options), address(c.Address, 4), c.Size, hashOIDs()[c.Hash], c.Sum})
	}
	return s.bytes()
}

func firewalls(list []Firewall) ([]byte, error) {
	var s sequence
	s.add(int64(len(list)))
	for _, f := range list {
		s.add(int64(f.ID), int64(f.Region), int64(f.Control), int64(len(f.Permissions)))
		for _, p := range f.Permissions {
			s.add(int64(p))
		}
		s.add(address(f.Start, 1), address(f.End, 1))
	}
	return s.bytes()
}

// address returns an address in as few bytes as it takes, but not in fewer than
// least.
func address(a uint64, least int) []byte {
	b := binary.BigEndian.AppendUint64(nil, a)
	for len(b) > least && b[0] == 0 {
		b = b[1:]
	}
	return b
}
