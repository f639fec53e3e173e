// SPDX-License-Identifier: GPL-2.0-or-later

package etype

import (
	"encoding/binary"
	"fmt"
	"math"

	"binman/content"
	"binman/layout"
)

// vendor lists the types for the boot formats and programs of single vendors.
func vendor() []layout.TypeInfo {
	return []layout.TypeInfo{
		argBlob("atf-bl1", "Application Processor (AP) Trusted ROM BL1 blob",
			`The first program of ARM Trusted Firmware, which starts from ROM or flash: it
has the exception vectors and sets up processor and platform. It is normally
called bl1.bin or bl1.elf.`),
		argBlob("ti-dm", "TI Device Manager (DM) blob",
			`The program that manages resources and power of K3 devices from Texas
Instruments, normally called ti-dm.bin.`),
		crosECInfo,
		{
			Name: "powerpc-mpc85xx-bootpg-resetvec",
			New:  fixedBlob("u-boot-br.bin"),
			Text: func() layout.TypeText {
				return layout.TypeText{
					Summary: "PowerPC mpc85xx bootpg + resetvec code for U-Boot",
					Doc: `The boot page and the reset vector u-boot-br.bin of PowerPC mpc85xx processors.
It must be placed 0xffc bytes before the address of the reset vector.`,
					Example: topOfMemory + `powerpc-mpc85xx-bootpg-resetvec {
    offset = <0xfffff000>;
};
`,
				}
			},
		},
		nxpHeaderDDRFWInfo,
		nxpIMX8MInfo,
		nxpIMX8MCSTInfo,
		nxpIMX9Info,
		rcar4SA0Info,
		xilinxBootgenInfo,
	}
}

var crosECInfo = layout.TypeInfo{
	Name: "cros-ec-rw",
	New:  func() layout.Type { return &crosEC{ArgBlob{Blob: Blob{external: true}, arg: crosECArg}} },
}

const crosECArg = "cros-ec-rw-path"

// crosEC is an ArgBlob that insists on its argument.
type crosEC struct {
	ArgBlob
}

var _ layout.Reader = (*crosEC)(nil)

// Read checks that the file is named.
func (c *crosEC) Read(ctx *layout.Context, e *layout.Entry) error {
	if _, ok := ctx.Args[crosECArg]; !ok && !e.Node.Has(crosECArg) && !ctx.Opened {
		return e.Errorf("Missing required properties/entry args: %s", crosECArg)
	}
	return c.ArgBlob.Read(ctx, e)
}

var nxpHeaderDDRFWInfo = layout.TypeInfo{
	Name:       "nxp-header-ddrfw",
	New:        func() layout.Type { return &NXPHeaderDDRFW{} },
	FindsParts: true,
	Compress:   true,
	Framed:     true,
	HeaderSize: nxpHeaderWord,
}

// nxpHeaderWord is how many bytes of the header an entry takes.
const nxpHeaderWord = 4

// NXPHeaderDDRFW is a section with the sizes of its entries in front.
type NXPHeaderDDRFW struct {
	layout.Section
}

var _ layout.Container = (*NXPHeaderDDRFW)(nil)

// Make joins the header and the contents of the entries. The map says of them
// what it would say in a section, as the original's does.
func (n *NXPHeaderDDRFW) Make(ctx *layout.Context, e *layout.Entry, p layout.Parts) (content.Data, []layout.Place, error) {
	var header []byte
	for _, part := range p.List {
		data, err := e.JoinContents([]*layout.Entry{part.Entry})
		if err != nil {
			return content.Data{}, nil, err
		}
		size := data.Len()
		if size > math.MaxUint32 {
			return content.Data{}, nil, part.Entry.Errorf("Contents of %#x bytes do not fit the header", size)
		}
		header = binary.LittleEndian.AppendUint32(header, uint32(size))
	}
	body, err := e.JoinContents(e.Entries())
	if err != nil {
		return content.Data{}, nil, err
	}
	return content.Join(content.Bytes(header), body), nil, nil
}

// Open finds the entries behind the header by the sizes in it.
func (n *NXPHeaderDDRFW) Open(ctx *layout.Context, e *layout.Entry, data content.Data) ([]layout.Item, error) {
	header := int64(nxpHeaderWord * len(n.Entries))
	head, err := data.Peek(int(header))
	if err != nil {
		return nil, err
	}
	if int64(len(head)) < header {
		return nil, fmt.Errorf("it has %#x bytes, but its header takes %#x", len(head), header)
	}
	items := make([]layout.Item, len(n.Entries))
	next := header
	at := n.Start()
	for i, child := range n.Entries {
		size := int64(binary.LittleEndian.Uint32(head[nxpHeaderWord*i:]))
		if size > data.Len()-next {
			return nil, fmt.Errorf("its header gives '%s' %#x bytes, but there are %#x", child.Name, size, data.Len()-next)
		}
		// In the map, sizes are those with padding, and offsets do not count
		// the header. If it is not of these sizes, the entries follow each
		// other.
		place := layout.Place{Offset: child.Offset.Or(at), Size: child.OrigSize.Or(child.SizeFor(size)), Known: true}
		if child.Size.Or(-1) != place.Size || at > place.Offset {
			place.Offset = at
		}
		items[i] = layout.Item{Place: place, Data: data.Slice(next, size)}
		next += size
		at = place.Offset + place.Size
	}
	return items, nil
}

var rcar4SA0Info = layout.TypeInfo{
	Name:     "renesas-rcar4-sa0",
	New:      func() layout.Type { return &RCar4SA0{} },
	Compress: true,
	Framed:   true,
}

// RCar4SA0 is a section whose first part is the header of the boot ROM.
type RCar4SA0 struct {
	layout.Section
	LoaderAddress uint32 `dt:"renesas,loader-address,required" doc:"Address in memory to load the program to"`
}

var _ layout.Container = (*RCar4SA0)(nil)

// The header is all ones but for these 32-bit little-endian numbers. See the
// chapter on booting in the hardware manual of the R-Car Gen4 series.
const (
	rcar4HeaderSize  = 0x40000
	rcar4Zero0       = 0x0
	rcar4Zero1       = 0x300c
	rcar4Address     = 0x3154
	rcar4Words       = 0x3264 // size of the program in words of 4 bytes
	rcar4SizeAlign   = 0x1000 // of the size in bytes
	rcar4MaxLoadSize = 0xec000
)

// Make joins the header and the contents of the entries.
func (r *RCar4SA0) Make(ctx *layout.Context, e *layout.Entry, p layout.Parts) (content.Data, []layout.Place, error) {
	data, places, err := r.Section.Make(ctx, e, p)
	if err != nil {
		return content.Data{}, nil, err
	}
	if data, err = r.withHeader(e, data); err != nil {
		return content.Data{}, nil, err
	}
	if p.Packed {
		err = r.checkOffsets(e)
	}
	return data, places, err
}

// checkOffsets checks that the header hides nothing but space.
func (r *RCar4SA0) checkOffsets(e *layout.Entry) error {
	for _, child := range e.Entries() {
		if _, fill := child.Type.(*Fill); fill || child.Hole || child.Size.Value == 0 {
			continue
		}
		if off := child.Offset.Value - r.Start(); off < rcar4HeaderSize {
			return child.Errorf("Offset %#x (%d) is inside the header, which takes the first %#x bytes", off, off, rcar4HeaderSize)
		}
	}
	return nil
}

// withHeader puts the header over the first part of data.
func (r *RCar4SA0) withHeader(e *layout.Entry, data content.Data) (content.Data, error) {
	var program content.Data
	if n := data.Len(); n > rcar4HeaderSize {
		program = data.Slice(rcar4HeaderSize, n-rcar4HeaderSize)
	}
	size := program.Len()
	if size > rcar4MaxLoadSize {
		return content.Data{}, e.Errorf("SRAM data longer than %d Bytes", rcar4MaxLoadSize)
	}
	words := (size + rcar4SizeAlign - 1) / rcar4SizeAlign * rcar4SizeAlign / 4
	header := content.Fill(0xff, rcar4HeaderSize)
	for _, field := range []struct {
		at    int64
		value uint32
	}{
		{rcar4Zero0, 0},
		{rcar4Zero1, 0},
		{rcar4Address, r.LoaderAddress},
		{rcar4Words, uint32(words)},
	} {
		header = header.Replace(field.at, content.Bytes(binary.LittleEndian.AppendUint32(nil, field.value)))
	}
	return content.Join(header, program), nil
}
