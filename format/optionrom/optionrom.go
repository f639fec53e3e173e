// SPDX-License-Identifier: GPL-2.0-or-later

// Package optionrom reads expansion ROMs: programs that a graphics or network card
// brings, and that firmware of PCs runs. A ROM is a chain of images for different kinds
// of firmware. All numbers are little-endian.
//
//	offset  size  image
//	     0     2  0x55, 0xaa
//	     2     1  for x86: size that is loaded, in units of 512 bytes; all its bytes sum up to 0
//	     3        for x86: where it is entered
//	     2     2  for EFI: size that is loaded, in units of 512 bytes
//	     4     4  for EFI: 0x00000ef1
//	     8     6  for EFI: kind of program, kind of processor, compression (1, or 0 for none)
//	    22     2  for EFI: offset of the program
//	    24     2  offset of the data structure; without one, the ROM has this image only
//	    26     2  for x86: offset of the header for plug and play, or 0
//
//	offset  size  data structure, at a multiple of 4
//	     0     4  "PCIR"
//	     4     4  vendor, device
//	    10     2  size of this structure, bytes
//	    12     4  its revision (1), class of the device (3)
//	    16     2  size of the image, in units of 512 bytes; the next one is behind it
//	    18     2  revision of the code
//	    20     1  what the code is for, see codes
//	    21     1  bit 7: this is the last image
//
//	offset  size  header for plug and play
//	     0     4  "$PnP"
//	    14     4  offsets of the names of manufacturer and product, texts that end with a NUL
//
// The PCI Firmware Specification, the UEFI specification (PCI option ROMs) and the Plug
// and Play BIOS Specification specify them.
package optionrom

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"binman/format/verify"
	"binman/internal/binfmt"
)

// ErrFormat is wrapped by the errors about bytes that are no expansion ROM.
var ErrFormat = errors.New("no expansion ROM")

var le = binary.LittleEndian

// Magic is what an image starts with.
const Magic = "\x55\xaa"

const (
	unit      = 512 // bytes
	header    = 28
	structure = 24
	pnpHeader = 32
	maxText   = 128 // bytes of a name that are read
	maxImages = 64
	efiMagic  = 0x0ef1
	codeX86   = 0
	codeEFI   = 3
	lastImage = 0x80
)

// codes names what the code is for.
var codes = []string{"x86", "open-firmware", "hp-pa", "efi"}

// machines names kinds of processors of EFI programs.
var machines = map[uint16]string{0x14c: "x86", 0x1c2: "ARM", 0x8664: "x86-64", 0xaa64: "ARM64", 0xebc: "EFI byte code", 0x200: "Itanium", 0x5064: "RISC-V 64", 0x6264: "LoongArch 64"}

// ROM is a chain of images.
type ROM struct {
	Images []Image
	damage error // why there may be more images
}

// Image is one for some kind of firmware. Offsets count bytes from the start of the ROM.
type Image struct {
	Offset, Size int64 // bytes
	PCI          bool  // it has a data structure, so the next fields count
	Code         byte
	Vendor       uint16
	Device       uint16
	Class        uint32 // 24 bits
	Revision     uint16

	Manufacturer, Product string // of plug and play, "" if it does not say

	loaded     int64 // bytes that sum up to 0
	program    int64 // of EFI: offset, 0 if there is none
	machine    uint16
	compressed bool
	sumIsGood  bool
	last       bool
	cut        int64 // bytes that are missing at the end of what is read
}

// Detect says whether a ROM starts there.
func Detect(r io.ReaderAt, size int64) bool {
	_, err := Parse(r, size)
	return err == nil
}

// Parse reads the ROM at the start of r.
func Parse(r io.ReaderAt, size int64) (*ROM, error) {
	src := binfmt.Source{R: r, Size: size}
	first, err := image(src, 0)
	if err != nil {
		return nil, err
	}
	if first.cut > size {
		return nil, fmt.Errorf("%w: it says that it has %#x bytes, and there are %#x", ErrFormat, first.Size, size)
	}
	rom := &ROM{Images: []Image{*first}}
	for last := first; last.PCI && !last.last; {
		at := last.Offset + last.Size
		switch {
		case last.cut > 0:
			return rom, nil
		case len(rom.Images) == maxImages:
			rom.damage = fmt.Errorf("there are more than %d images", maxImages)
			return rom, nil
		}
		if last, err = image(src, at); err != nil {
			rom.damage = fmt.Errorf("the image at %#x should not be the last one, but behind it: %w", rom.Images[len(rom.Images)-1].Offset, err)
			return rom, nil
		}
		rom.Images = append(rom.Images, *last)
	}
	return rom, nil
}

// image reads the image at an offset.
func image(src binfmt.Source, at int64) (*Image, error) {
	if !src.HasAt([]byte(Magic), at) {
		return nil, fmt.Errorf("%w: there are no bytes 0x55, 0xaa at %#x", ErrFormat, at)
	}
	b, err := src.Bytes(at, header, "header")
	if err != nil {
		return nil, err
	}
	im := &Image{Offset: at, loaded: unit * int64(b[2])}
	if pcir, err := src.Bytes(at+int64(le.Uint16(b[24:])), structure, "data structure"); err == nil && string(pcir[:4]) == "PCIR" {
		im.PCI, im.Code, im.last = true, pcir[20], pcir[21]&lastImage != 0
		im.Vendor, im.Device = le.Uint16(pcir[4:]), le.Uint16(pcir[6:])
		im.Class, im.Revision = uint32(pcir[13])|uint32(pcir[14])<<8|uint32(pcir[15])<<16, le.Uint16(pcir[18:])
		im.Size = unit * int64(le.Uint16(pcir[16:]))
	} else {
		im.Size = im.loaded
	}
	if im.Size == 0 {
		return nil, fmt.Errorf("%w: the image at %#x has no size", ErrFormat, at)
	}
	im.cut = max(im.Size-(src.Size-at), 0)
	if im.PCI && im.Code == codeEFI {
		im.efi(b)
	} else if err := im.x86(src, b); err != nil {
		return nil, err
	}
	if !im.PCI && (b[3] == 0 || !im.sumIsGood) { // two bytes are no magic
		return nil, fmt.Errorf("%w: the bytes of the image at %#x do not sum up to 0", ErrFormat, at)
	}
	return im, nil
}

func (im *Image) efi(b []byte) {
	im.loaded = 0
	if le.Uint32(b[4:]) != efiMagic {
		return
	}
	im.machine, im.compressed = le.Uint16(b[10:]), le.Uint16(b[12:]) != 0
	if at := int64(le.Uint16(b[22:])); at < im.Size {
		im.program = at
	}
}

// x86 sums up the bytes of an image, and reads its names.
func (im *Image) x86(src binfmt.Source, b []byte) error {
	if im.PCI && im.Code != codeX86 {
		im.loaded = 0
		return nil
	}
	if im.loaded > 0 && im.loaded <= src.Size-im.Offset {
		all, err := src.Bytes(im.Offset, im.loaded, "image")
		if err != nil {
			return err
		}
		var sum byte
		for _, v := range all {
			sum += v
		}
		im.sumIsGood = sum == 0
	}
	pnp, err := src.Bytes(im.Offset+int64(le.Uint16(b[26:])), pnpHeader, "header for plug and play")
	if err == nil && string(pnp[:4]) == "$PnP" {
		im.Manufacturer, im.Product = im.text(src, le.Uint16(pnp[14:])), im.text(src, le.Uint16(pnp[16:]))
	}
	return nil
}

// text reads a text; "" if there is none.
func (im *Image) text(src binfmt.Source, at uint16) string {
	off := im.Offset + int64(at)
	b, err := src.Bytes(off, min(maxText, src.Size-off), "text")
	if at == 0 || err != nil {
		return ""
	}
	s, _ := binfmt.CString(b)
	return s
}

// name returns the name of an image: what it is for, and its number but for the first.
func (rom *ROM) name(i int) string {
	im := &rom.Images[i]
	name := fmt.Sprintf("code-%d", im.Code)
	switch {
	case !im.PCI:
		name = "isa"
	case int(im.Code) < len(codes):
		name = codes[im.Code]
	}
	if i > 0 {
		name = fmt.Sprintf("%s-%d", name, i+1)
	}
	return name
}

func (im *Image) kind() string {
	kind := "option ROM without PCI data"
	if im.PCI {
		kind = fmt.Sprintf("option ROM for PCI %04x:%04x, class %06x", im.Vendor, im.Device, im.Class)
	}
	for _, s := range []string{im.Manufacturer, im.Product} {
		if s != "" {
			kind += ", " + s
		}
	}
	return kind
}

func (im *Image) details() binfmt.Details {
	var d binfmt.Details
	if im.PCI {
		d = d.With("vendor", uint32(im.Vendor)).With("device", uint32(im.Device)).With("class", im.Class).With("version", int64(im.Revision))
	}
	return d.With("manufacturer", im.Manufacturer).With("product", im.Product)
}

// List returns the images, and the programs for EFI in them.
func (rom *ROM) List() []binfmt.Item {
	var list []binfmt.Item
	for i := range rom.Images {
		im, name := &rom.Images[i], rom.name(i)
		list = append(list, binfmt.Item{Name: name, Type: im.kind(), Offset: im.Offset, Size: im.Size - im.cut, Details: im.details()})
		if im.program == 0 || im.program > im.Size-im.cut {
			continue
		}
		machine, ok := machines[im.machine]
		if !ok {
			machine = fmt.Sprintf("processor %#x", im.machine)
		}
		kind := "EFI program for " + machine
		if im.compressed {
			kind += ", compressed by EFI"
		}
		list = append(list, binfmt.Item{Name: name + ".program", Type: kind, Offset: im.Offset + im.program, Size: im.Size - im.cut - im.program})
	}
	return list
}

// Verify compares the sums.
func (rom *ROM) Verify(_ io.ReaderAt, size int64, _ []verify.Key) ([]verify.Finding, error) {
	last := &rom.Images[len(rom.Images)-1]
	list := []verify.Finding{verify.Structure(last.Offset+last.Size, rom.damage)}
	if last.cut > 0 {
		list[0] = verify.Structure(size, fmt.Errorf("the last image ends at %#x, and there are %#x bytes: it is cut off", last.Offset+last.Size, size))
	}
	for i := range rom.Images {
		im := &rom.Images[i]
		f := verify.Finding{Path: rom.name(i), What: "sum of the bytes", Offset: im.Offset, Size: im.loaded}
		switch {
		case im.loaded == 0:
			f.What, f.Size, f.Verdict, f.Why = "contents", im.Size, verify.NotCovered, "only images for x86 have a sum"
		case im.loaded > im.Size-im.cut && im.cut > 0:
			f.Verdict, f.Why = verify.Bad, "the end of it is missing"
		case !im.sumIsGood:
			f.Verdict, f.Why = verify.Bad, "the bytes that are loaded do not sum up to 0"
		}
		list = append(list, f)
	}
	return list, nil
}
