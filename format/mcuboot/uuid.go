// SPDX-License-Identifier: GPL-2.0-or-later

package mcuboot

import (
	"crypto/sha1"
	"encoding/hex"
	"regexp"
	"strings"
	"unicode"
)

// namespaceDNS is that of names of domains (RFC 9562, 6.6).
var namespaceDNS = [16]byte{0x6b, 0xa7, 0xb8, 0x10, 0x9d, 0xad, 0x11, 0xd1, 0x80, 0xb4, 0x00, 0xc0, 0x4f, 0xd4, 0x30, 0xc8}

// ParseVendorID returns the UUID of a vendor: written as such, with dashes or
// without, or made of the name of a domain.
func ParseVendorID(text string) (*[16]byte, error) { return parseUUID(text, &namespaceDNS) }

// ParseClassID returns the UUID of a class of images: written as such, or made of
// a name among those of the vendor.
func ParseClassID(text string, vendor *[16]byte) (*[16]byte, error) { return parseUUID(text, vendor) }

func parseUUID(text string, namespace *[16]byte) (*[16]byte, error) {
	form := regexp.MustCompile(`^([0-9a-fA-F]{32}|[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})$`)
	id := new([16]byte)
	switch {
	case form.MatchString(text):
		_, err := hex.Decode(id[:], []byte(strings.ReplaceAll(text, "-", "")))
		return id, err
	case strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }):
		return nil, misuse("Unknown UUID format: %q", text)
	case namespace == nil:
		return nil, misuse("Unknown namespace for UUID: %s; the name of a class needs a vendor", text)
	}
	sum := sha1.Sum(append(namespace[:], text...)) // version 5 (RFC 9562, 5.5)
	copy(id[:], sum[:])
	id[6] = id[6]&0x0f | 5<<4
	id[8] = id[8]&0x3f | 2<<6
	return id, nil
}
