// SPDX-License-Identifier: GPL-2.0-or-later

package etype

import (
	"encoding/binary"
	"math"

	"binman/content"
	"binman/layout"
)

var (
	intelFITInfo = layout.TypeInfo{
		Name: "intel-fit",
		New:  func() layout.Type { return &IntelFIT{} },
		Text: func() layout.TypeText {
			return layout.TypeText{
				Summary: "Intel Firmware Image Table (FIT)",
				Doc: `The table tells the processor, before its first instruction, about microcode
and firmware. This one has its header only, which is what processors that look
for a table need to find. It has nothing to do with a flat image tree, which is
the entry type fit.`,
				Example: topOfMemory + `intel-fit {
};

intel-fit-ptr {
};
`,
			}
		},
	}
	intelFITPtrInfo = layout.TypeInfo{
		Name: "intel-fit-ptr",
		New:  func() layout.Type { return &IntelFITPtr{} },
	}
)

// See Intel's Firmware Interface Table BIOS Specification, sections 1.2 and
// 1.3: the table is aligned to 16 bytes; its header has the magic in place of
// an address, the number of entries (24 bits; the header is the first), the
// version as binary-coded decimal, the type with the flag that a checksum
// follows, and the checksum, which makes the sum of all bytes zero.
const (
	intelFITMagic   = "_FIT_   "
	intelFITAlign   = 16
	intelFITVersion = 0x0100
	intelFITHeader  = 0x80 // type 0, checksum valid
	intelFITAddress = 0xffffffc0
)

// IntelFIT is a firmware interface table without any but its first entry.
type IntelFIT struct{}

var (
	_ layout.Reader = (*IntelFIT)(nil)
	_ layout.Leaf   = (*IntelFIT)(nil)
)

// Read aligns the entry, whatever the description says.
func (f *IntelFIT) Read(ctx *layout.Context, e *layout.Entry) error {
	e.Align = layout.Some(intelFITAlign)
	return nil
}

// Contents returns the table.
func (f *IntelFIT) Contents(ctx *layout.Context, e *layout.Entry) (content.Data, error) {
	buf := []byte(intelFITMagic)
	buf = binary.LittleEndian.AppendUint32(buf, 1)
	buf = binary.LittleEndian.AppendUint16(buf, intelFITVersion)
	buf = append(buf, intelFITHeader, 0)
	var sum byte
	for _, c := range buf {
		sum += c
	}
	buf[len(buf)-1] = -sum
	return content.Bytes(buf), nil
}

// IntelFITPtr points to the firmware interface table of its section.
type IntelFITPtr struct{}

var (
	_ layout.Reader  = (*IntelFITPtr)(nil)
	_ layout.Leaf    = (*IntelFITPtr)(nil)
	_ layout.Placer  = (*IntelFITPtr)(nil)
	_ layout.Updater = (*IntelFITPtr)(nil)
)

// Read checks that there is a table.
func (p *IntelFITPtr) Read(ctx *layout.Context, e *layout.Entry) error {
	if e.Node.Parent.Child("intel-fit") == nil {
		return e.Errorf("'intel-fit-ptr' section must have an 'intel-fit' sibling")
	}
	return nil
}

// Next places the pointer where the processor looks for it.
func (p *IntelFITPtr) Next(ctx *layout.Context, e *layout.Entry, next int64) (int64, error) {
	return intelFITAddress, nil
}

// Contents returns the pointer as far as it is known.
func (p *IntelFITPtr) Contents(ctx *layout.Context, e *layout.Entry) (content.Data, error) {
	var pos int64
	if fit := e.Sibling("intel-fit"); fit != nil {
		pos = fit.ImagePos.Or(0)
	}
	if pos < 0 || pos > math.MaxUint32 {
		return content.Data{}, e.Errorf("intel-fit at %#x is not below 4GB", pos)
	}
	return content.Bytes(binary.LittleEndian.AppendUint64(nil, uint64(pos))), nil
}

// Update returns the pointer to where the table has been placed.
func (p *IntelFITPtr) Update(ctx *layout.Context, e *layout.Entry) (content.Data, error) {
	return p.Contents(ctx, e)
}
