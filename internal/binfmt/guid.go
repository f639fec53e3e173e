// SPDX-License-Identifier: GPL-2.0-or-later

package binfmt

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strings"
)

// GUID is an EFI GUID as stored: the first three groups of digits are
// little-endian numbers of 4, 2 and 2 bytes, the rest are bytes in order
// (UEFI specification, appendix A).
type GUID [16]byte

// String returns the canonical form, such as
// c12a7328-f81f-11d2-ba4b-00a0c93ec93b.
func (g GUID) String() string {
	return fmt.Sprintf("%08x-%04x-%04x-%x-%x", binary.LittleEndian.Uint32(g[:]), binary.LittleEndian.Uint16(g[4:]), binary.LittleEndian.Uint16(g[6:]), g[8:10], g[10:])
}

// ParseGUID reads the canonical form, in lower or upper case.
func ParseGUID(s string) (GUID, error) {
	var g GUID
	groups := strings.Split(s, "-")
	digits := [...]int{8, 4, 4, 4, 12}
	if len(groups) != len(digits) {
		return g, fmt.Errorf("GUID %q has %d groups of digits, must have %d", s, len(groups), len(digits))
	}
	for i, group := range groups {
		if len(group) != digits[i] {
			return g, fmt.Errorf("GUID %q: %q must have %d digits", s, group, digits[i])
		}
	}
	if _, err := hex.Decode(g[:], []byte(strings.Join(groups, ""))); err != nil {
		return g, fmt.Errorf("GUID %q: %w", s, err)
	}
	binary.LittleEndian.PutUint32(g[:], binary.BigEndian.Uint32(g[:]))
	binary.LittleEndian.PutUint16(g[4:], binary.BigEndian.Uint16(g[4:]))
	binary.LittleEndian.PutUint16(g[6:], binary.BigEndian.Uint16(g[6:]))
	return g, nil
}

// MustGUID is ParseGUID for constants; it panics on an error.
func MustGUID(s string) GUID {
	g, err := ParseGUID(s)
	if err != nil {
		panic(err)
	}
	return g
}
