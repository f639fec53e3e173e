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
	start, err := e.Data.Peek(optee.Peek)
	if err != nil {
		return nil, 0, e.Errorf("%w", err)
	}
	if !optee.IsV1(start) {
		return nil, 0, nil
	}
	data, err := e.Data.View()
	if err != nil {
		return nil, 0, e.Errorf("%w", err)
	}
	tee, err := optee.Parse(data)
	if err != nil {
		return nil, 0, e.Errorf("%w", err)
	}
	return []segment{{address: tee.Address, data: content.Bytes(tee.Data)}}, tee.Address, nil
}
