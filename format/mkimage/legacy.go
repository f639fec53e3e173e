// SPDX-License-Identifier: GPL-2.0-or-later

package mkimage

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"

	"binman/content"
	"binman/format/uimage"
	"binman/internal/binfmt"
)

const (
	osTEE    = 26
	multi    = "multi"
	script   = "script"
	xipBlank = 0xff
)

// legacyKinds returns the types that are a legacy image.
func legacyKinds() map[string]kind {
	all := map[string]kind{}
	for name, code := range map[string]uimage.Type{
		"standalone": 1, "kernel": 2, "ramdisk": 3, "firmware": 5, "filesystem": 7, "kernel_noload": 14,
		"fdt_legacy": 8, // its header says flat_dt
	} {
		all[name] = kind{dated: true, alone: true, xip: name != "fdt_legacy", make: func(p Params, in Inputs) (content.Data, error) {
			return makeLegacy(p, in, code)
		}}
	}
	all["firmware_ivt"] = kind{dated: true, make: makeFirmwareIVT}
	for name, code := range map[string]uimage.Type{multi: uimage.Multi, script: uimage.Script} {
		all[name] = kind{dated: true, many: true, make: func(p Params, in Inputs) (content.Data, error) {
			return wrapLegacy(p, partList(in.Files), in.Time, code)
		}}
	}
	return all
}

// makeLegacy returns a legacy image of one file.
func makeLegacy(p Params, in Inputs, code uimage.Type) (content.Data, error) {
	if p.NoData {
		return wrapLegacy(p, content.Data{}, in.Time, code)
	}
	data := in.Files[0]
	if p.XIP {
		room, err := data.Slice(0, min(data.Len(), uimage.HeaderSize)).Bytes()
		if err != nil {
			return content.Data{}, err
		}
		if !bytes.Equal(room, bytes.Repeat([]byte{xipBlank}, uimage.HeaderSize)) {
			return content.Data{}, fmt.Errorf("with -x the data must start with %d bytes of %#x, the room for the header", uimage.HeaderSize, xipBlank)
		}
		data = data.Slice(uimage.HeaderSize, data.Len()-uimage.HeaderSize)
		if !p.EntrySet {
			p.Entry = p.Load + uimage.HeaderSize
		}
	}
	return wrapLegacy(p, data, in.Time, code)
}

// makeFirmwareIVT returns a legacy image of firmware with a table for NXP's boot
// ROM behind it. The data are padded so that the image has a multiple of 4096
// bytes, with bytes that count up. The table has little-endian words:
//
//	offset  size  table
//	     0     4  tag 0xd1, length 32 (big-endian), version 0x40
//	     4     4  load address
//	    20     4  address of the table
//	    24     4  address of the signature
func makeFirmwareIVT(p Params, in Inputs) (content.Data, error) {
	const align, table = 0x1000, 32
	size := uimage.HeaderSize + in.Files[0].Len()
	end := binfmt.Align(size, align)
	pad := make([]byte, end-size, end-size+table)
	for i := range pad {
		pad[i] = byte(size + int64(i))
	}
	ivt := make([]byte, table)
	copy(ivt, []byte{0xd1, 0, table, 0x40})
	self := p.Load + uint32(end) - uimage.HeaderSize
	words(ivt, map[int]uint32{4: p.Load, 20: self, 24: self + table})
	return wrapLegacy(p, content.Join(in.Files[0], content.Bytes(append(pad, ivt...))), in.Time, uimage.FirmwareIVT)
}

// fromOPTEE takes the addresses from the header of OP-TEE that the data starts
// with: where it is loaded to is behind that.
func (p *Params) fromOPTEE(data content.Data) error {
	const size, loadAt = 28, 16
	h, err := data.Peek(size)
	if err != nil {
		return err
	}
	if len(h) < size {
		return fmt.Errorf("the data have %d bytes: OP-TEE starts with a header of %d", len(h), size)
	}
	p.Entry = binary.LittleEndian.Uint32(h[loadAt:])
	p.Load = p.Entry - size
	return nil
}

// partList returns the list of sizes, that ends with 0, and the files, padded
// to words but for the last.
func partList(files []content.Data) content.Data {
	var sizes []byte
	var b content.Builder
	for i, f := range files {
		sizes = binary.BigEndian.AppendUint32(sizes, uint32(f.Len()))
		if i < len(files)-1 {
			f = padTo(f, 4)
		}
		b.Add(f)
	}
	return content.Join(content.Bytes(binary.BigEndian.AppendUint32(sizes, 0)), b.Data())
}

func wrapLegacy(p Params, data content.Data, time uint32, code uimage.Type) (content.Data, error) {
	if p.OS == osTEE {
		if err := p.fromOPTEE(data); err != nil {
			return content.Data{}, err
		}
	}
	sum := crc32.NewIEEE()
	if err := data.Hash(sum); err != nil {
		return content.Data{}, err
	}
	im := uimage.Image{
		Time: time, Load: p.Load, Entry: p.Entry, OS: p.OS, Arch: p.Arch, Type: code, Comp: p.Comp,
		Name: p.Name[:min(len(p.Name), uimage.NameSize)], Size: data.Len(), DataCRC: sum.Sum32(),
	}
	header, err := im.Header()
	return content.Join(content.Bytes(header), data), err
}
