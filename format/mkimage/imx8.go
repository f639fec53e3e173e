// SPDX-License-Identifier: GPL-2.0-or-later

package mkimage

import (
	"crypto/sha512"
	"encoding/binary"
	"fmt"
	"math"

	"binman/content"
	"binman/internal/binfmt"
)

// Sizes of containers, in bytes, and the most that the boot ROMs have room for.
const (
	imx8Header     = 16
	imx8Entry      = 128
	imx8Signature  = 16
	imx8Images     = 6
	imx8Containers = 2
	imx8HashAt     = 32 // in an entry
	imx8DCDAt      = 0x240
)

// Kinds of images, and the flag for SHA-384.
const (
	imx8Exec     = 3
	imx8Data     = 4
	imx8DCD      = 5 // and OEI
	imx8DummyDDR = 0xd
	imx8DummyV2X = 0xe
	imx8SHA384   = 0x100
)

// makeIMX8 makes an image for the boot ROMs of i.MX8, 8ULP and 9 of a
// configuration, which the option -n names: see parseIMX8. There are a container of
// NXP (APPEND), containers that describe images, and the images. All numbers are
// little-endian:
//
//	offset  size  container
//	     0     1  version 0 or 2
//	     1     2  size of this, without padding
//	     3     1  tag 0x87
//	     4     4  flags: 0x10
//	     8     2  version of the software
//	    10     1  version of the fuses
//	    11     1  number of images
//	    12     2  offset of the signature block
//	    16   128  for each image:
//	               0  offset from the start of the container, size
//	               8  address that it is loaded to (8 bytes), of the entry point (8 bytes)
//	              24  flags: kind, processor<<4, 0x100 for SHA-384
//	              28  meta data: processor, message unit and partition
//	              32  hash, 64 bytes, and 32 for an initialisation vector
//	          16  signature block: version 0, size 16, tag 0x90
//
// A container takes 1 KiB, or 16 KiB in version 2; images start at 0x2000, or
// 0xc000, and are padded to sectors.
func makeIMX8(p Params, in Inputs) (content.Data, error) {
	text, err := in.config(p)
	if err != nil {
		return content.Data{}, err
	}
	return IMX8(p.Name, string(text), in.open)
}

// IMX8 makes the image of type imx8image that a configuration describes, with the
// files that it names. Name is that of the configuration, for messages.
func IMX8(name, config string, open func(name string) (content.Data, error)) (content.Data, error) {
	c, err := parseIMX8(config)
	if err != nil {
		return content.Data{}, fmt.Errorf("%s:%w", name, err)
	}
	b := imx8Builder{imx8Config: c, open: open, unit: 0x400, next: 0x2000}
	if c.version2 {
		b.unit, b.next = 0x4000, 0xc000
	}
	if err := b.append(); err != nil {
		return content.Data{}, fmt.Errorf("%s: %w", name, err)
	}
	for _, s := range c.steps {
		if err := b.step(s); err != nil {
			return content.Data{}, fmt.Errorf("%s:%d: %w", name, s.line, err)
		}
	}
	return b.image(), nil
}

// imx8Builder makes an image.
type imx8Builder struct {
	*imx8Config
	open func(name string) (content.Data, error)
	unit int64 // bytes that a container takes
	next int64 // offset of the next image

	before     content.Data // containers that come first
	headerAt   int64        // offset of the first container that is made
	containers [][]imx8Image
	files      []imx8File
	flags      uint32
	partition  uint32
}

// imx8Image is an entry of a container.
type imx8Image struct {
	offset, size int64
	load, entry  uint64
	flags, meta  uint32
	hash         []byte
}

// imx8File is a file at its place.
type imx8File struct {
	offset int64
	data   content.Data
}

// append puts the containers that come first in front, and finds out from them
// where the images start.
func (b *imx8Builder) append() error {
	for _, s := range b.steps {
		if s.command != "APPEND" {
			continue
		}
		if b.before.Len() > 0 {
			return fmt.Errorf("line %d: there is a second file to APPEND", s.line)
		}
		d, err := b.open(s.file)
		if err != nil {
			return err
		}
		b.before = d
		second := false
		first, err := readIMX8(d, 0)
		if err == nil {
			b.next += int64(first.size)
			if more, err := readIMX8(d, b.unit); err == nil {
				b.next, second = b.unit+int64(more.offset)+int64(more.size), true
			}
		}
		if err != nil {
			return fmt.Errorf("line %d: '%s': %w", s.line, s.file, err)
		}
		b.next = binfmt.Align(b.next, b.sector)
		b.headerAt = b.unit
		if second {
			b.headerAt *= 2
		}
	}
	return nil
}

// lastIMX8 is the place of the last image of a container, in bytes from its start.
type lastIMX8 struct{ offset, size uint32 }

// readIMX8 reads a container of NXP.
func readIMX8(d content.Data, at int64) (lastIMX8, error) {
	const tag, tagV2X = 0x87, 0x82
	src := binfmt.Source{R: d, Size: d.Len()}
	h, err := src.Bytes(at, imx8Header, "container")
	if err != nil {
		return lastIMX8{}, err
	}
	if h[3] != tag && (at == 0 || h[3] != tagV2X) {
		return lastIMX8{}, fmt.Errorf("there is no container at %#x: the tag is %#x", at, h[3])
	}
	n := int64(h[11])
	if n == 0 {
		return lastIMX8{}, nil
	}
	e, err := src.Bytes(at+imx8Header+(n-1)*imx8Entry, imx8Entry, "entry of a container")
	if err != nil {
		return lastIMX8{}, err
	}
	return lastIMX8{binary.LittleEndian.Uint32(e), binary.LittleEndian.Uint32(e[4:])}, nil
}

// step carries out a command.
func (b *imx8Builder) step(s imx8Step) error {
	if len(b.containers) == 0 && s.command != "CONTAINER" && s.command != "APPEND" && s.command != "FLAG" && s.command != "PARTITION" && s.command != "FILEOFF" {
		return fmt.Errorf("%s stands before CONTAINER", s.command)
	}
	switch s.command {
	case "CONTAINER":
		if len(b.containers) == imx8Containers {
			return fmt.Errorf("there are more than %d containers", imx8Containers)
		}
		b.containers = append(b.containers, nil)
		b.flags = 0
	case "FLAG":
		b.flags = s.value & 0xffff0000
	case "PARTITION":
		b.partition = s.value
	case "HOLD":
		b.next += binfmt.Align(int64(s.value), b.sector)
	case "FILEOFF":
		if at := int64(s.value); at < b.next || at%b.sector != 0 {
			return fmt.Errorf("the offset %#x is before %#x, or no multiple of %#x", at, b.next, b.sector)
		}
		b.next = int64(s.value)
	case "DUMMY_DDR":
		return b.add(imx8Image{offset: b.next, flags: imx8DummyDDR})
	case "DUMMY_V2X":
		address := uint64(s.value)
		return b.add(imx8Image{offset: b.next, load: address, entry: address, flags: imx8DummyV2X | 1<<4 | imx8SHA384, hash: hashOfNothing()})
	case "IMAGE", "DATA", "MSG_BLOCK":
		return b.file(s)
	}
	return nil
}

func hashOfNothing() []byte {
	sum := sha512.Sum384(nil)
	return sum[:]
}

// add adds an entry to the container.
func (b *imx8Builder) add(im imx8Image) error {
	last := &b.containers[len(b.containers)-1]
	if im.offset > math.MaxInt32 {
		return fmt.Errorf("the image would be at %#x, which its entry cannot say", im.offset)
	}
	if len(*last) == imx8Images {
		return fmt.Errorf("the container has more than %d images", imx8Images)
	}
	*last = append(*last, im)
	return nil
}

// file adds a file and its entry.
func (b *imx8Builder) file(s imx8Step) error {
	data, err := b.open(s.file)
	if err != nil {
		return err
	}
	im := imx8Image{offset: b.next, size: binfmt.Align(data.Len(), b.sector)}
	if im.size > 0 && b.next+im.size > math.MaxInt32 {
		return fmt.Errorf("'%s' would end at %#x", s.file, b.next+im.size)
	}
	padded := content.Join(data, content.Fill(0, im.size-data.Len()))
	sum := sha512.New384()
	if err := padded.Hash(sum); err != nil {
		return err
	}
	im.hash = sum.Sum(nil)
	if err := b.describe(&im, s); err != nil {
		return err
	}
	b.files = append(b.files, imx8File{b.next, padded})
	b.next += im.size
	if s.core == "OEI" {
		b.trainingBehind(im)
	}
	if err := b.add(im); err != nil {
		return err
	}
	if s.core == "SCU" && !b.skipDCD {
		return b.dcd(im, data)
	}
	return nil
}

// trainingBehind puts the entry for what the DDR training leaves, if it stands just
// before one of an OEI, behind that.
func (b *imx8Builder) trainingBehind(oei imx8Image) {
	list := b.containers[len(b.containers)-1]
	if len(list) == 0 || list[len(list)-1].flags&0xf != imx8DummyDDR {
		return
	}
	dummy := &list[len(list)-1]
	dummy.offset = oei.offset + oei.size
	dummy.hash, dummy.flags = hashOfNothing(), dummy.flags|imx8SHA384
}

// dcd adds the entry for the DCD in the firmware of the SCU, which says itself
// where that is.
func (b *imx8Builder) dcd(firmware imx8Image, data content.Data) error {
	at, err := binfmt.Source{R: data, Size: data.Len()}.Bytes(imx8DCDAt, 4, "address of the DCD in the firmware of the SCU")
	if err != nil {
		return err
	}
	entry := uint64(binary.LittleEndian.Uint32(at))
	return b.add(imx8Image{offset: firmware.offset, load: entry - 1, entry: entry, flags: imx8DCD | 1<<4 | imx8SHA384, hash: hashOfNothing()})
}

// imx8Role is how an SoC has a processor.
type imx8Role struct {
	core uint32 // in the flags
	meta uint32 // without the partition
	part uint32 // partition if none is given
}

// imx8Roles are the processors of the SoCs: programs may be for these.
func imx8Roles() map[string]map[string]imx8Role {
	const unitM40, unitM41, unitA = 297 << 10, 317 << 10, 213 << 10
	m40, m41 := imx8Role{2, unitM40 | 278, 0}, imx8Role{3, unitM41 | 298, 0}
	a35 := imx8Role{4, unitA | 508, 1}
	a53, a72 := imx8Role{4, unitA | 1, 1}, imx8Role{4, unitA | 6, 1}
	ulp, imx9 := imx8Role{2, 0, 0}, imx8Role{2, 2, 0}
	m33 := imx8Role{1, 0, 0}
	return map[string]map[string]imx8Role{
		"IMX8QX": {"M40": m40, "M41": m41, "M33": m40, "A35": a35, "A55": a35, "A53": a35},
		"IMX8QM": {"M40": m40, "M41": m41, "M33": m40, "A35": a53, "A55": a53, "A53": a53, "A72": a72},
		"ULP":    {"M40": m33, "M41": m33, "M33": m33, "A35": ulp, "A55": ulp, "A53": ulp},
		"IMX9":   {"M40": m33, "M41": m33, "M33": m33, "A35": imx9, "A55": imx9, "A53": imx9},
	}
}

// describe sets what the entry of a file says of it.
func (b *imx8Builder) describe(im *imx8Image, s imx8Step) error {
	address := uint64(s.value)
	simple := b.soc == "ULP" || b.soc == "IMX9"
	im.flags = imx8SHA384
	application := s.core != "" && s.core[0] == 'A'
	switch {
	case s.command == "MSG_BLOCK":
		resource := map[string]uint32{"fuse": 357, "debug": 354, "field": 236}[s.core]
		im.flags |= imx8Data | 4<<4
		im.meta, im.load = resource<<10, address
		return nil
	case s.command == "DATA" && application:
		core := uint32(4)
		if simple {
			core = 2
		}
		im.flags |= imx8Data | core<<4
		im.load = address
		return nil
	case s.core == "SCU":
		im.flags |= b.flags | imx8Exec | 1<<4
		im.load, im.entry = 0x1ffe0000, 0x1ffe0000
		return nil
	case s.core == "PWR":
		if b.soc != "ULP" {
			return fmt.Errorf("%s has no PWR: the i.MX8ULP has", b.soc)
		}
		im.flags |= imx8Exec | 4<<4
		im.load, im.entry = 0x28300200, 0x28300200
		return nil
	case s.core == "OEI":
		if b.soc != "IMX9" {
			return fmt.Errorf("%s has no OEI: the i.MX9 has", b.soc)
		}
		im.flags |= imx8DCD | 1<<4
		im.load, im.entry = address, address+1
		b.partition = 0
		return nil
	}
	role, ok := imx8Roles()[b.soc][s.core]
	if !ok {
		return fmt.Errorf("%s has no processor %s", b.soc, s.core)
	}
	if !application && address%8 != 0 {
		return fmt.Errorf("the address %#x of an M core is no multiple of 8", address)
	}
	im.flags |= imx8Exec | role.core<<4
	im.load, im.entry, im.meta = address, address, role.meta
	if part := b.partition; role.meta > 2 && (part != 0 || role.part != 0) {
		if part == 0 {
			part = role.part
		}
		im.meta |= part << 20
	}
	b.partition = 0
	return nil
}

// image returns all of it: where parts overlap, later ones win.
func (b *imx8Builder) image() content.Data {
	out := b.before
	put := func(at int64, d content.Data) {
		if d.Len() == 0 {
			return
		}
		if end := at + d.Len(); out.Len() < end {
			out = content.Join(out, content.Fill(0, end-out.Len()))
		}
		out = out.Replace(at, d)
	}
	at := b.headerAt
	for _, list := range b.containers {
		h := b.container(list, at)
		put(at, content.Bytes(h))
		at += int64(len(h))
	}
	for _, f := range b.files {
		put(f.offset, f.data)
	}
	return out
}

// container returns the container of images, which is at an offset.
func (b *imx8Builder) container(list []imx8Image, at int64) []byte {
	size := imx8Header + imx8Entry*len(list) + imx8Signature
	h := make([]byte, binfmt.Align(int64(size), b.unit))
	if b.version2 {
		h[0] = 2
	}
	binary.LittleEndian.PutUint16(h[1:], uint16(size))
	h[3] = 0x87
	words(h, map[int]uint32{4: 0x10, 8: uint32(b.swVersion) | uint32(b.fuseVersion)<<16 | uint32(len(list))<<24, 12: uint32(size - imx8Signature)})
	for i, im := range list {
		e := h[imx8Header+imx8Entry*i:]
		words(e, map[int]uint32{0: uint32(im.offset - at), 4: uint32(im.size), 24: im.flags, 28: im.meta})
		binary.LittleEndian.PutUint64(e[8:], im.load)
		binary.LittleEndian.PutUint64(e[16:], im.entry)
		copy(e[imx8HashAt:], im.hash)
	}
	copy(h[size-imx8Signature:], []byte{0, imx8Signature, 0, 0x90})
	return h
}
