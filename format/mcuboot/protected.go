// SPDX-License-Identifier: GPL-2.0-or-later

package mcuboot

import (
	"fmt"
	"unicode/utf8"
)

// CheckRole says whether a boot record has room for the role of a software.
func CheckRole(role string) error {
	if n := utf8.RuneCountInString(role); n > maxRole {
		return misuse("'%s' is too long (%d characters) for sw_type. Its maximum allowed length is %d characters.", role, n, maxRole)
	}
	return nil
}

// protected returns the area of the TLVs that are signed, in imgtool's order.
func (m *maker) protected(p part) ([]byte, error) {
	list, err := m.claims()
	if err != nil {
		return nil, err
	}
	list = append(list, p.tlvs...)
	for _, id := range []struct {
		t     Type
		value *[16]byte
	}{{VendorID, m.VendorID}, {ClassID, m.ClassID}} {
		if id.value != nil {
			list = append(list, TLV{id.t, id.value[:]})
		}
	}
	for _, t := range m.Custom {
		if t.Type < FirstVendorType || t.Type > LastVendorType {
			return nil, misuse("Invalid custom TLV type value '0x%04x', allowed value should be between 0x%04x and 0x%04x", uint16(t.Type), uint16(FirstVendorType), uint16(LastVendorType))
		}
		list = append(list, t)
	}
	return area(m.order, MagicProtected, list)
}

// emptyLast says what is wrong with the last of the protected TLVs, or "". Bootutil's
// iterator takes one for protected if its value starts within the area, and its list
// of what may stand outside of it, on by default in Zephyr, has none of these.
func emptyLast(t TLV) string {
	if len(t.Value) > 0 || t.Type < FirstVendorType {
		return ""
	}
	return fmt.Sprintf("the last protected TLV, 0x%04x, is empty: a bootloader with a list of allowed TLVs takes it for one that is not protected, and refuses the image", uint16(t.Type))
}

// claims returns what stands in front of the TLVs about compression.
func (m *maker) claims() ([]TLV, error) {
	var list []TLV
	switch {
	case m.VersionCount:
		list = append(list, TLV{SecurityCounter, m.uint32(m.Version.counter())})
	case m.Counter != nil:
		list = append(list, TLV{SecurityCounter, m.uint32(*m.Counter)})
	}
	if m.BootRecord != nil {
		if err := CheckRole(*m.BootRecord); err != nil {
			return nil, err
		}
		list = append(list, TLV{BootRecord, m.bootRecord(*m.BootRecord)})
	}
	for _, d := range m.Dependencies {
		b := make([]byte, 12) // the image, three zeros, the version
		b[0] = d.Image
		d.Version.put(m.order, b[4:])
		list = append(list, TLV{DependsOn, b})
	}
	return list, nil
}

func (m *maker) uint32(n uint32) []byte {
	b := make([]byte, 4)
	m.order.PutUint32(b, n)
	return b
}
