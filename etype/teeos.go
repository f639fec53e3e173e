// SPDX-License-Identifier: GPL-2.0-or-later

package etype

import (
	"encoding/binary"

	"binman/content"
	"binman/elf"
	"binman/layout"
)

var teeOSInfo = layout.TypeInfo{
	Name: "tee-os",
	New: func() layout.Type {
		return &ArgBlob{Blob: Blob{external: true, absent: teeAbsent, segments: teeSegments}, arg: "tee-os-path"}
	},
	Summary: "Entry containing an OP-TEE Trusted OS (TEE) blob",
	Doc: `The run-time firmware of the secure world of Arm platforms, normally started by
U-Boot SPL and called tee.bin or tee.elf.

An ELF file, or a file with the header of the v1 binary format, must go into a
FIT, which takes it apart into segments. Anywhere else the entry marks itself
absent, so that together with the optional property it drops out of the image.

The entry argument or property tee-os-path gives the name of the file.`,
	Example: `tee-os {
    tee-os-path = "tee.bin";
    optional;
};
`,
}

// teeHeaderSize is the size of the header of OP-TEE's v1 binary format: magic
// "OPTE", version, architecture, flags (2 bytes), then five 32-bit
// little-endian numbers: size of the resident part, its load address (high,
// low), a reserved one and the size of the paged part. See the OP-TEE
// documentation, "Partitioning of the binary".
const teeHeaderSize = 0x1c

func isTEEv1(head []byte) bool { return len(head) >= 8 && string(head[:5]) == "OPTE\x01" }

// teeAbsent says why OP-TEE of this format is no use outside of a FIT.
func teeAbsent(d content.Data) string {
	if elf.IsValid(d) {
		return "uses Elf format which must be in a FIT"
	}
	if head, err := d.Peek(8); err == nil && isTEEv1(head) {
		return "uses v1 format which must be in a FIT"
	}
	return ""
}

// teeSegments returns the single segment of a v1 binary.
func teeSegments(ctx *layout.Context, e *layout.Entry) ([]segment, uint64, error) {
	data, err := e.Data.Bytes()
	if err != nil {
		return nil, 0, e.Errorf("%w", err)
	}
	if !isTEEv1(data) {
		return nil, 0, nil
	}
	if len(data) < teeHeaderSize {
		return nil, 0, e.Errorf("Invalid OP-TEE file: header is %d bytes, expected %d", len(data), teeHeaderSize)
	}
	word := func(i int) uint32 { return binary.LittleEndian.Uint32(data[8+4*i:]) }
	size, addr, paged := word(0), uint64(word(1))<<32|uint64(word(2)), word(4)
	if paged != 0 {
		return nil, 0, e.Errorf("OP-TEE paged mode not supported")
	}
	body := data[teeHeaderSize:]
	if int64(len(body)) != int64(size) {
		return nil, 0, e.Errorf("Invalid OP-TEE file: size mismatch (expected %#x, have %#x)", size, len(body))
	}
	return []segment{{address: addr, data: body}}, addr, nil
}
