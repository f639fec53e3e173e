// SPDX-License-Identifier: GPL-2.0-or-later

package etype

import (
	"binman/format/ifd"
	"binman/layout"
)

var intelDescriptorInfo = layout.TypeInfo{
	Name: "intel-descriptor",
	New:  func() layout.Type { return &IntelDescriptor{Blob: Blob{external: true}} },
}

// defaultMEOffset is where the ME goes when the descriptor is missing.
const defaultMEOffset = 0x1000

// IntelDescriptor says where regions of the flash are.
type IntelDescriptor struct {
	Blob
}

var (
	_ layout.Placer       = (*IntelDescriptor)(nil)
	_ layout.OffsetSetter = (*IntelDescriptor)(nil)
)

// Next places the entry at the start of its section.
func (d *IntelDescriptor) Next(ctx *layout.Context, e *layout.Entry, next int64) (int64, error) {
	return e.Parent.Section.Start(), nil
}

// Offsets places the entries that have regions.
func (d *IntelDescriptor) Offsets(ctx *layout.Context, e *layout.Entry) ([]layout.OffsetSize, error) {
	const me, ifwi = "intel-me", "intel-ifwi"
	haveME, haveIFWI := e.Sibling(me) != nil, e.Sibling(ifwi) != nil
	if e.Missing {
		if !haveME {
			return nil, nil
		}
		return []layout.OffsetSize{{Name: me, Offset: layout.Some(defaultMEOffset)}}, nil
	}
	table, err := ifd.Parse(e.Data, e.Data.Len())
	if err != nil {
		return nil, e.Errorf("%w", err)
	}
	var list []layout.OffsetSize
	if haveME {
		r := table.Regions[ifd.ME]
		if r.Size <= 0 {
			return nil, e.Errorf("The flash descriptor has no region for '%s'", me)
		}
		list = append(list, layout.OffsetSize{Name: me, Offset: layout.Some(r.Offset), Size: layout.Some(r.Size)})
	}
	if haveIFWI {
		list = append(list, layout.OffsetSize{Name: ifwi, Offset: layout.Some(table.Regions[ifd.BIOS].Offset)})
	}
	return list, nil
}
