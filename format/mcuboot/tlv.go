// SPDX-License-Identifier: GPL-2.0-or-later

package mcuboot

import (
	"crypto"
	_ "crypto/sha256" // for crypto.SHA256
	_ "crypto/sha512" // for crypto.SHA384 and crypto.SHA512
	"encoding/binary"
	"math"
)

// TLV is one thing that an image says of itself. An area of them is
//
//	offset  size
//	     0     2  magic: 6908 protected, 6907 not
//	     2     2  size of the area with this header, in bytes
//
// and for each TLV
//
//	0     2  type: of a vendor, or one byte and a zero
//	2     2  size n of the value, in bytes
//	4     n  value
//
// in the byte order of the image. The byte and the zero of a type that MCUboot
// defines stand in this order in images of both byte orders.
type TLV struct {
	Type  Type
	Value []byte
}

// Type is the type of a TLV.
type Type uint16

// The types that MCUboot defines.
const (
	KeyHash         Type = 0x01
	PubKey          Type = 0x02
	SHA256          Type = 0x10
	SHA384          Type = 0x11
	SHA512          Type = 0x12
	RSA2048         Type = 0x20
	ECDSASig        Type = 0x22
	RSA3072         Type = 0x23
	Ed25519         Type = 0x24
	SigPure         Type = 0x25 // 1: the signature is over the bytes, not over their hash
	EncRSA2048      Type = 0x30
	EncKW           Type = 0x31
	EncEC256        Type = 0x32
	EncX25519       Type = 0x33
	EncX25519SHA512 Type = 0x34
	DependsOn       Type = 0x40
	SecurityCounter Type = 0x50
	BootRecord      Type = 0x60
	DecompSize      Type = 0x70
	DecompSHA       Type = 0x71
	DecompSignature Type = 0x72
	CompDecSize     Type = 0x73
	VendorID        Type = 0x74
	ClassID         Type = 0x75
)

// The types that vendors may use.
const (
	FirstVendorType Type = 0xa0
	LastVendorType  Type = 0xfffe
)

// Magics of areas, and the size of their headers and of those of TLVs.
const (
	MagicTLV       = 0x6907
	MagicProtected = 0x6908
	tlvHeader      = 4
)

// typeNames are imgtool's, for those types that MCUboot defines.
var typeNames = map[Type]string{
	KeyHash: "KEYHASH", PubKey: "PUBKEY", SHA256: "SHA256", SHA384: "SHA384", SHA512: "SHA512", RSA2048: "RSA2048", ECDSASig: "ECDSASIG",
	RSA3072: "RSA3072", Ed25519: "ED25519", SigPure: "SIG_PURE", EncRSA2048: "ENCRSA2048", EncKW: "ENCKW", EncEC256: "ENCEC256",
	EncX25519: "ENCX25519", EncX25519SHA512: "ENCX25519_SHA512", DependsOn: "DEPENDENCY", SecurityCounter: "SEC_CNT", BootRecord: "BOOT_RECORD",
	DecompSize: "DECOMP_SIZE", DecompSHA: "DECOMP_SHA", DecompSignature: "DECOMP_SIGNATURE", CompDecSize: "COMP_DEC_SIZE",
	VendorID: "UUID_VID", ClassID: "UUID_CID",
}

// String returns the name, or "UNKNOWN".
func (t Type) String() string {
	if name := typeNames[t]; name != "" {
		return name
	}
	return "UNKNOWN"
}

// Known says whether MCUboot defines the type.
func (t Type) Known() bool { return typeNames[t] != "" }

// put writes the type.
func (t Type) put(order binary.ByteOrder, b []byte) {
	if t.Known() {
		b[0], b[1] = byte(t), 0
		return
	}
	order.PutUint16(b, uint16(t))
}

// readType reads a type.
func readType(order binary.ByteOrder, b []byte) Type {
	if t := Type(b[0]); b[1] == 0 && t.Known() {
		return t
	}
	return Type(order.Uint16(b))
}

// hashTLV returns the type for a hash, 0 if there is none.
func hashTLV(h crypto.Hash) Type {
	return map[crypto.Hash]Type{crypto.SHA256: SHA256, crypto.SHA384: SHA384, crypto.SHA512: SHA512}[h]
}

// hash returns the hash of a type, 0 if it is none.
func (t Type) hash() crypto.Hash {
	return map[Type]crypto.Hash{SHA256: crypto.SHA256, SHA384: crypto.SHA384, SHA512: crypto.SHA512}[t]
}

// areaSize returns the size of an area; without TLVs there is none.
func areaSize(list []TLV) int64 {
	if len(list) == 0 {
		return 0
	}
	size := int64(tlvHeader)
	for _, t := range list {
		size += tlvHeader + int64(len(t.Value))
	}
	return size
}

// area returns the bytes of an area.
func area(order binary.ByteOrder, magic uint16, list []TLV) ([]byte, error) {
	size := areaSize(list)
	if size > math.MaxUint16 {
		return nil, misuse("The TLVs have %d bytes, there is room for %d", size, math.MaxUint16)
	}
	if size == 0 {
		return nil, nil
	}
	b := make([]byte, tlvHeader, size)
	order.PutUint16(b, magic)
	order.PutUint16(b[2:], uint16(size))
	for _, t := range list {
		var head [tlvHeader]byte
		t.Type.put(order, head[:])
		order.PutUint16(head[2:], uint16(len(t.Value)))
		b = append(append(b, head[:]...), t.Value...)
	}
	return b, nil
}
