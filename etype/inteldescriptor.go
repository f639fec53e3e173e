// SPDX-License-Identifier: GPL-2.0-or-later

package etype

import (
	"bytes"
	"encoding/binary"

	"binman/layout"
)

var intelDescriptorInfo = layout.TypeInfo{
	Name:    "intel-descriptor",
	New:     func() layout.Type { return &IntelDescriptor{Blob: Blob{external: true}} },
	Summary: "Intel flash descriptor block (4KB)",
	Doc: `The descriptor stands at the start of the flash and says which of its regions
belong to whom. This entry goes to the start of its section, unless it has an
offset, and places the entry intel-me of the section in its region. An entry
intel-ifwi is placed at the start of the BIOS region.`,
	Example: `end-at-4gb;
size = <0x800000>;

intel-descriptor {
    filename = "descriptor.bin";
};

intel-me {
    filename = "me.bin";
    offset-unset;
};
`,
}

// Of a flash descriptor this is needed, all little-endian 32-bit numbers:
//
//	magic   0x0ff0a55a
//	flmap0  bits 23:16 are bits 11:4 of the offset of the region table, which
//	        counts from the start of the flash
//
// The table has a number for each region: bits 14:0 are bits 26:12 of the
// offset of its first byte, bits 30:16 those of its last one, in the flash. A
// region whose end is before its start is not in use. See the SPI programming
// guides of Intel's chipsets, and ifdtool.
const (
	descriptorMagic   = 0x0ff0a55a
	descriptorMapSize = 16

	regionBIOS = 1
	regionME   = 2
	regions    = 5

	regionUnit = 0x1000

	// Where the ME goes when the descriptor is missing.
	defaultMEOffset = 0x1000
)

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

// A flashRegion is a part of the flash, in bytes from its start; size is not
// positive if the region is not in use.
type flashRegion struct{ base, size int64 }

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
	table, err := readRegions(e)
	if err != nil {
		return nil, err
	}
	var list []layout.OffsetSize
	if haveME {
		r := table[regionME]
		if r.size <= 0 {
			return nil, e.Errorf("The flash descriptor has no region for '%s'", me)
		}
		list = append(list, layout.OffsetSize{Name: me, Offset: layout.Some(r.base), Size: layout.Some(r.size)})
	}
	if haveIFWI {
		list = append(list, layout.OffsetSize{Name: ifwi, Offset: layout.Some(table[regionBIOS].base)})
	}
	return list, nil
}

// readRegions reads the regions from the contents of a descriptor.
func readRegions(e *layout.Entry) (table [regions]flashRegion, err error) {
	data, err := e.Data.Bytes()
	if err != nil {
		return table, e.Errorf("%w", err)
	}
	le := binary.LittleEndian
	start := bytes.Index(data, le.AppendUint32(nil, descriptorMagic))
	if start < 0 {
		return table, e.Errorf("Cannot find Intel Flash Descriptor (FD) signature")
	}
	if len(data)-start < descriptorMapSize {
		return table, e.Errorf("Intel Flash Descriptor (FD) at offset %#x is cut short: the file has %#x bytes", start, len(data))
	}
	at := int(le.Uint32(data[start+4:])>>16&0xff) << 4
	if len(data)-at < 4*regions {
		return table, e.Errorf("Intel Flash Descriptor (FD) has its regions at offset %#x, but the file has %#x bytes", at, len(data))
	}
	for i := range table {
		v := int64(le.Uint32(data[at+4*i:]))
		base, last := v&0x7fff, v>>16&0x7fff
		table[i] = flashRegion{base * regionUnit, (last - base + 1) * regionUnit}
	}
	return table, nil
}
