// SPDX-License-Identifier: GPL-2.0-or-later

package mcuboot

import "fmt"

// maxRole is how long the role of a software may be, in characters.
const maxRole = 12

// Keys of the boot record, a CBOR map (RFC 8949) of a software component as PSA
// attestation has it.
const (
	recordType    = 1 // text: role of the software
	recordValue   = 2 // bytes: hash of the image; the bootloader fills it in, so it is last
	recordVersion = 4 // text
	recordSigner  = 5 // bytes: hash of the key
	recordHash    = 6 // text: the name of the hash
)

// Major types of CBOR.
const (
	cborBytes = 2 << 5
	cborText  = 3 << 5
	cborMap   = 5 << 5
)

// bootRecord returns the boot record for a role.
func (m *maker) bootRecord(role string) []byte {
	signer := make([]byte, 32)
	if m.public != nil {
		signer = m.keyHash()
	}
	version := fmt.Sprintf("%d.%d.%d", m.Version.Major, m.Version.Minor, m.Version.Revision)
	b := []byte{cborMap | 5}
	b = appendCBOR(append(b, recordType), cborText, []byte(role))
	b = appendCBOR(append(b, recordVersion), cborText, []byte(version))
	b = appendCBOR(append(b, recordSigner), cborBytes, signer)
	b = appendCBOR(append(b, recordHash), cborText, []byte(hashTLV(m.hash).String()))
	return appendCBOR(append(b, recordValue), cborBytes, make([]byte, m.hash.Size()))
}

// appendCBOR appends a string of at most 255 bytes.
func appendCBOR(b []byte, major byte, value []byte) []byte {
	if n := len(value); n < 24 {
		b = append(b, major|byte(n))
	} else {
		b = append(b, major|24, byte(n))
	}
	return append(b, value...)
}
