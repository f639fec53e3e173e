// SPDX-License-Identifier: GPL-2.0-or-later

// Package capsule reads and writes UEFI capsules that update firmware.
//
// All numbers are little-endian, and the structures are packed:
//
//	offset  size  capsule header
//	     0    16  GUID: what kind of capsule this is
//	    16     4  size of this header in bytes, 28 or more
//	    20     4  flags; bits 0 to 15 are the vendor's
//	    24     4  size of the whole capsule in bytes
//
// An accept capsule holds one more GUID, of the image to accept; a revert
// capsule nothing. A capsule for firmware management holds:
//
//	offset  size  firmware management header
//	     0     4  version, 1
//	     4     2  number of embedded drivers
//	     6     2  number of payload items
//	     8        offset of each driver, then of each item, from the start
//	              of this header (8 each)
//
//	offset  size  item header
//	     0     4  version, 1 to 3
//	     4    16  GUID of the type of image
//	    20     1  index of the image
//	    21     3  reserved
//	    24     4  size of the image in bytes
//	    28     4  size of the vendor code behind the image in bytes
//	    32     8  hardware instance (version 2 and later)
//	    40     8  support; bit 0: the image is signed (version 3)
//
// A signed image starts with the monotonic count (8) and a certificate: its
// length (4), revision 0x0200 (2), type 0x0ef1 (2), GUID of its format (16)
// and the signature, a PKCS #7 structure. Then comes, by a convention of
// EDK II, a header with the version of the firmware: "MSS1", its size (4),
// the version (4), the lowest supported version (4). Last comes the
// firmware.
//
// The format is specified in chapters 8.5.3 and 23 of the UEFI
// specification; the accept and revert capsules in the Dependable Boot
// specification of Arm.
package capsule

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"

	"binman/internal/binfmt"
)

// GUID is an EFI GUID, in the bytes of the image.
type GUID = binfmt.GUID

// The kinds of capsule.
var (
	FirmwareManagement = GUID{0xed, 0xd5, 0xcb, 0x6d, 0x2d, 0xe8, 0x44, 0x4c, 0xbd, 0xa1, 0x71, 0x94, 0x19, 0x9a, 0xd9, 0x2a}
	Accept             = GUID{0x46, 0x60, 0x99, 0x0c, 0xc0, 0xbc, 0x04, 0x4d, 0x85, 0xec, 0xe1, 0xfc, 0xed, 0xf1, 0xc6, 0xf8}
	Revert             = GUID{0x4b, 0x8b, 0xd5, 0xac, 0xe8, 0xc0, 0x5f, 0x47, 0x99, 0xb5, 0x6b, 0x3f, 0x7e, 0x07, 0xaa, 0xf0}
)

// PKCS7 is the format of certificates.
var PKCS7 = GUID{0x9d, 0xd2, 0xaf, 0x4a, 0xdf, 0x68, 0xee, 0x49, 0x8a, 0xa9, 0x34, 0x7d, 0x37, 0x56, 0x65, 0xa7}

// PersistAcrossReset is the flag of capsules that are given to the firmware
// with a reset.
const PersistAcrossReset = 0x00010000

const (
	headerSize  = 28
	fmpSize     = 8
	authSize    = 8 + certSize // with the monotonic count
	certSize    = 24           // what counts in the length of a certificate
	versionSize = 16

	supportAuth  = 1 // the image is signed
	certRevision = 0x0200
	certType     = 0x0ef1

	// What a damaged capsule can cost.
	maxItems = 256
	maxCert  = 1 << 20 // bytes
)

// itemSize gives the size of an item header by version.
var itemSize = [...]int64{1: 32, 2: 40, 3: 48}

var versionMagic = []byte("MSS1")

// ErrFormat is wrapped by the errors about bytes that are not a capsule.
var ErrFormat = errors.New("not an update capsule")

// Capsule is a capsule for firmware management, or one that accepts or
// reverts what such a capsule did.
type Capsule struct {
	Kind     GUID
	Flags    uint32
	Size     int64 // of the whole capsule in bytes; Marshal sets it
	Accepted GUID  // of an accept capsule: the image
	Drivers  []Driver
	Items    []Item
}

// Driver is code to run before the update.
type Driver struct {
	Offset int64 // bytes from the start of the capsule
	Size   int64 // bytes
}

// Item is an image for one component of the firmware.
type Item struct {
	Type     GUID
	Index    byte
	Instance uint64
	Support  uint64   // Marshal sets bit 0 if there is an Auth
	Auth     *Auth    // nil if the image is not signed
	Version  *Version // nil if there is no such header

	// The firmware, without the headers before it. Parse and Marshal set
	// them.
	Offset int64 // bytes from the start of the capsule
	Size   int64 // bytes

	VendorCode int64 // bytes behind the firmware; not written by Marshal
}

// Auth is what a signed image has before it.
type Auth struct {
	MonotonicCount uint64
	Format         GUID // Marshal takes zeros for PKCS7
	Signature      []byte
}

// Version is the version of the firmware.
type Version struct {
	Number, Lowest uint32
}

// Marshal returns the capsule with payloads[i] as the firmware of
// c.Items[i]. It sets c.Size, and Offset and Size of the items. The form is
// that of mkeficapsule: item headers have version 3.
func (c *Capsule) Marshal(payloads [][]byte) ([]byte, error) {
	le := binary.LittleEndian
	buf := make([]byte, headerSize)
	copy(buf, c.Kind[:])
	le.PutUint32(buf[16:], headerSize)
	le.PutUint32(buf[20:], c.Flags)
	switch {
	case len(payloads) != len(c.Items):
		return nil, fmt.Errorf("capsule has %d items but %d payloads", len(c.Items), len(payloads))
	case len(c.Drivers) > 0:
		return nil, fmt.Errorf("cannot write a capsule with %d embedded drivers", len(c.Drivers))
	case c.Kind == FirmwareManagement:
		var err error
		if buf, err = c.appendItems(buf, payloads); err != nil {
			return nil, err
		}
	case len(c.Items) > 0:
		return nil, fmt.Errorf("a capsule of kind %s cannot hold items", c.Kind)
	case c.Kind == Accept:
		buf = append(buf, c.Accepted[:]...)
	case c.Kind != Revert:
		return nil, fmt.Errorf("cannot write a capsule of the unknown kind %s", c.Kind)
	}
	c.Size = int64(len(buf))
	if c.Size > math.MaxUint32 {
		return nil, fmt.Errorf("capsule of %#x bytes is too large: the size must fit in 32 bits", c.Size)
	}
	le.PutUint32(buf[24:], uint32(c.Size))
	return buf, nil
}

func (c *Capsule) appendItems(buf []byte, payloads [][]byte) ([]byte, error) {
	if len(c.Items) == 0 || len(c.Items) > maxItems {
		return nil, fmt.Errorf("capsule cannot have %d items: it must have from 1 to %d", len(c.Items), maxItems)
	}
	le := binary.LittleEndian
	start := len(buf)
	buf = le.AppendUint32(buf, 1)
	buf = le.AppendUint16(buf, 0)
	buf = le.AppendUint16(buf, uint16(len(c.Items)))
	offsets := len(buf)
	buf = append(buf, make([]byte, 8*len(c.Items))...)
	for i := range c.Items {
		item := &c.Items[i]
		item.Size, item.VendorCode = int64(len(payloads[i])), 0
		le.PutUint64(buf[offsets+8*i:], uint64(len(buf)-start))
		var auth []byte
		if a := item.Auth; a != nil {
			item.Support |= supportAuth
			auth = a.append(nil)
		} else if item.Support&supportAuth != 0 {
			return nil, fmt.Errorf("capsule item %d claims to be signed, but has no signature", i)
		}
		version := item.Version.header()
		size := int64(len(auth)) + int64(len(version)) + item.Size
		if size > math.MaxUint32 {
			return nil, fmt.Errorf("capsule item %d has %#x bytes: the size must fit in 32 bits", i, size)
		}
		buf = le.AppendUint32(buf, 3)
		buf = append(buf, item.Type[:]...)
		buf = append(buf, item.Index, 0, 0, 0)
		buf = le.AppendUint32(buf, uint32(size))
		buf = le.AppendUint32(buf, 0)
		buf = le.AppendUint64(buf, item.Instance)
		buf = le.AppendUint64(buf, item.Support)
		buf = append(append(buf, auth...), version...)
		item.Offset = int64(len(buf))
		buf = append(buf, payloads[i]...)
	}
	return buf, nil
}

// append appends the monotonic count and the certificate.
func (a *Auth) append(buf []byte) []byte {
	format := a.Format
	if format == (GUID{}) {
		format = PKCS7
	}
	buf = binary.LittleEndian.AppendUint64(buf, a.MonotonicCount)
	buf = binary.LittleEndian.AppendUint32(buf, uint32(certSize+len(a.Signature)))
	buf = binary.LittleEndian.AppendUint16(buf, certRevision)
	buf = binary.LittleEndian.AppendUint16(buf, certType)
	buf = append(buf, format[:]...)
	return append(buf, a.Signature...)
}

// parseHeader reads the capsule header, and returns its size.
func parseHeader(src binfmt.Source) (*Capsule, int64, error) {
	b, err := src.Bytes(0, headerSize, "capsule header")
	if err != nil {
		return nil, 0, fmt.Errorf("%w: %w", ErrFormat, err)
	}
	c := &Capsule{
		Kind:  GUID(b[:16]),
		Flags: binary.LittleEndian.Uint32(b[20:]),
		Size:  int64(binary.LittleEndian.Uint32(b[24:])),
	}
	if c.Kind != FirmwareManagement && c.Kind != Accept && c.Kind != Revert {
		return nil, 0, fmt.Errorf("%w: GUID %s is unknown", ErrFormat, c.Kind)
	}
	head := int64(binary.LittleEndian.Uint32(b[16:]))
	if head < headerSize || head > c.Size {
		return nil, 0, fmt.Errorf("%w: its header has %#x bytes, must have from %#x to the %#x of the capsule", ErrFormat, head, headerSize, c.Size)
	}
	if err := src.Check(0, c.Size, "capsule"); err != nil {
		return nil, 0, err
	}
	return c, head, nil
}

// Detect reports whether r starts with a capsule that Parse knows.
func Detect(r io.ReaderAt, size int64) bool {
	_, _, err := parseHeader(binfmt.Source{R: r, Size: size})
	return err == nil
}

// Parse reads the headers of the capsule at the start of r, of which size
// bytes may be read. Everything in the capsule lies inside it.
func Parse(r io.ReaderAt, size int64) (*Capsule, error) {
	c, head, err := parseHeader(binfmt.Source{R: r, Size: size})
	if err != nil {
		return nil, err
	}
	src := binfmt.Source{R: r, Size: c.Size}
	switch c.Kind {
	case Accept:
		b, err := src.Bytes(head, 16, "GUID of the accepted image")
		if err != nil {
			return nil, err
		}
		c.Accepted = GUID(b)
	case FirmwareManagement:
		if err := c.parseItems(src, head); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// parseItems reads the firmware management header at offset start, and what
// it points to.
func (c *Capsule) parseItems(src binfmt.Source, start int64) error {
	b, err := src.Bytes(start, fmpSize, "firmware management header")
	if err != nil {
		return err
	}
	drivers := int(binary.LittleEndian.Uint16(b[4:]))
	count := drivers + int(binary.LittleEndian.Uint16(b[6:]))
	if count > maxItems {
		return fmt.Errorf("capsule has %d drivers and items, more than the %d allowed", count, maxItems)
	}
	list, err := src.Bytes(start+fmpSize, 8*int64(count), "list of capsule items")
	if err != nil {
		return err
	}
	last := start + fmpSize + int64(len(list)) // where the thing before ends
	for i := range count {
		offset := binary.LittleEndian.Uint64(list[8*i:])
		if offset > uint64(src.Size-start) {
			return fmt.Errorf("capsule item %d at offset %#x behind %#x is %w of %#x bytes", i, offset, start, binfmt.ErrRange, src.Size)
		}
		pos := start + int64(offset)
		if pos < last {
			return fmt.Errorf("capsule item %d at offset %#x overlaps what ends at %#x", i, pos, last)
		}
		if i < drivers {
			// A driver reaches to whatever is next.
			end := uint64(src.Size - start)
			if i+1 < count {
				end = binary.LittleEndian.Uint64(list[8*(i+1):])
			}
			if end < offset || end > uint64(src.Size-start) {
				return fmt.Errorf("capsule driver %d at offset %#x ends at %#x behind %#x, outside the capsule", i, pos, end, start)
			}
			last = start + int64(end)
			c.Drivers = append(c.Drivers, Driver{Offset: pos, Size: last - pos})
			continue
		}
		item, err := parseItem(src, pos)
		if err != nil {
			return fmt.Errorf("capsule item %d at offset %#x: %w", i-drivers, pos, err)
		}
		c.Items = append(c.Items, item)
		last = item.Offset + item.Size + item.VendorCode
	}
	return nil
}

// parseItem reads the headers of the item at offset pos.
func parseItem(src binfmt.Source, pos int64) (Item, error) {
	var item Item
	b, err := src.Bytes(pos, 4, "version")
	if err != nil {
		return item, err
	}
	version := binary.LittleEndian.Uint32(b)
	if version < 1 || version > 3 {
		return item, fmt.Errorf("version %d of the header is unknown", version)
	}
	head := itemSize[version]
	if b, err = src.Bytes(pos, head, "header"); err != nil {
		return item, err
	}
	b = append(b, make([]byte, itemSize[3]-head)...) // what older versions lack is 0
	item.Type = GUID(b[4:20])
	item.Index = b[20]
	item.Instance = binary.LittleEndian.Uint64(b[32:])
	item.Support = binary.LittleEndian.Uint64(b[40:])
	item.Offset = pos + head
	item.Size = int64(binary.LittleEndian.Uint32(b[24:]))
	item.VendorCode = int64(binary.LittleEndian.Uint32(b[28:]))
	if err := src.Check(item.Offset, item.Size+item.VendorCode, "image with vendor code"); err != nil {
		return item, err
	}
	image := binfmt.Source{R: src.R, Size: item.Offset + item.Size}
	if item.Support&supportAuth != 0 {
		if item.Auth, err = parseAuth(image, item.Offset); err != nil {
			return item, err
		}
		n := authSize + int64(len(item.Auth.Signature))
		item.Offset, item.Size = item.Offset+n, item.Size-n
	}
	if item.Size < versionSize || !image.HasAt(versionMagic, item.Offset) {
		return item, nil
	}
	if b, err = image.Bytes(item.Offset, versionSize, "version of the firmware"); err != nil {
		return item, err
	}
	// Other sizes are not this header: then the firmware starts so.
	if binary.LittleEndian.Uint32(b[4:]) == versionSize {
		item.Version = &Version{Number: binary.LittleEndian.Uint32(b[8:]), Lowest: binary.LittleEndian.Uint32(b[12:])}
		item.Offset, item.Size = item.Offset+versionSize, item.Size-versionSize
	}
	return item, nil
}

// parseAuth reads the certificate at offset pos.
func parseAuth(src binfmt.Source, pos int64) (*Auth, error) {
	b, err := src.Bytes(pos, authSize, "certificate")
	if err != nil {
		return nil, err
	}
	size := int64(binary.LittleEndian.Uint32(b[8:]))
	if size < certSize || size > maxCert {
		return nil, fmt.Errorf("certificate at offset %#x has length %#x, must be from %#x to %#x", pos, size, certSize, maxCert)
	}
	if got := [2]uint16{binary.LittleEndian.Uint16(b[12:]), binary.LittleEndian.Uint16(b[14:])}; got != [2]uint16{certRevision, certType} {
		return nil, fmt.Errorf("certificate at offset %#x has revision %#x and type %#x, must have %#x and %#x", pos, got[0], got[1], certRevision, certType)
	}
	signature, err := src.Bytes(pos+authSize, size-certSize, "signature")
	if err != nil {
		return nil, err
	}
	return &Auth{
		MonotonicCount: binary.LittleEndian.Uint64(b),
		Format:         GUID(b[16:32]),
		Signature:      bytes.Clone(signature),
	}, nil
}

// List returns the drivers and images of the capsule. Images are
// named by the GUID of their type.
func (c *Capsule) List() []binfmt.Item {
	switch c.Kind {
	case Accept:
		return []binfmt.Item{{Name: c.Accepted.String(), Type: "accept", Size: c.Size}}
	case Revert:
		return []binfmt.Item{{Type: "revert", Size: c.Size}}
	}
	var items []binfmt.Item
	for i, d := range c.Drivers {
		items = append(items, binfmt.Item{Name: fmt.Sprintf("driver[%d]", i), Type: "driver", Offset: d.Offset, Size: d.Size})
	}
	for _, item := range c.Items {
		name := item.Type.String()
		desc := fmt.Sprintf("image, index %d", item.Index)
		if item.Version != nil {
			desc += fmt.Sprintf(", version %d", item.Version.Number)
		}
		if item.Auth != nil {
			desc += ", signed"
		}
		it := binfmt.Item{Name: name, Type: desc, Offset: item.Offset, Size: item.Size}.With("index", int(item.Index))
		if item.Version != nil {
			it = it.With("version", int64(item.Version.Number)).With("lowest-version", int64(item.Version.Lowest))
		}
		if item.Auth != nil {
			it = it.With("signatures", item.Auth.signer())
		}
		items = append(items, it)
	}
	return items
}
