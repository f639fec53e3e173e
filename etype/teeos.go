// SPDX-License-Identifier: GPL-2.0-or-later

package etype

import (
	"binman/content"
	"binman/elf"
	"binman/format/optee"
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

// teeAbsent says why OP-TEE of this format is no use outside of a FIT.
func teeAbsent(d content.Data) string {
	if elf.IsValid(d) {
		return "uses Elf format which must be in a FIT"
	}
	if head, err := d.Peek(optee.Peek); err == nil && optee.IsV1(head) {
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
	if !optee.IsV1(data) {
		return nil, 0, nil
	}
	tee, err := optee.Parse(data)
	if err != nil {
		return nil, 0, e.Errorf("%w", err)
	}
	return []segment{{address: tee.Address, data: tee.Data}}, tee.Address, nil
}
