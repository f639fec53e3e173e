// SPDX-License-Identifier: GPL-2.0-or-later

package uefi

import "binman/internal/binfmt"

// The types of sections that are looked at.
const (
	sectionCompressed = 0x01
	sectionGUID       = 0x02
	sectionVersion    = 0x14
	sectionName       = 0x15
	sectionVolume     = 0x17
)

// maxText bounds names, in bytes.
const maxText = 512

// codecs names the GUIDs of sections that are compressed.
var codecs = map[binfmt.GUID]string{
	binfmt.MustGUID("ee4e5898-3914-4259-9d6e-dc7bd79403cf"): "lzma",
	binfmt.MustGUID("d42ae6bd-1352-4bfb-909a-ca72a6eae889"): "lzma-x86",
	binfmt.MustGUID("a31280ad-481e-41b6-95e8-127f4c984779"): "tiano",
	binfmt.MustGUID("3d532050-5cda-4fd0-879e-0f7f630d5afb"): "brotli",
}

// sections reads what the sections of a file say for people, and where there is more in
// it. One that cannot be read ends that, since files may have other contents too.
func (f *File) sections(src binfmt.Source) {
	at, end := f.data, f.Offset+f.Size
	for range maxSections {
		b, err := src.Bytes(at, 4, "section")
		if err != nil || at+4 > end {
			return
		}
		size, head := int64(b[0])|int64(b[1])<<8|int64(b[2])<<16, int64(4)
		if size == 0xffffff {
			large, err := src.Bytes(at, 8, "section")
			if err != nil {
				return
			}
			size, head = int64(le.Uint32(large[4:])), 8
		}
		if size < head || size > end-at {
			return
		}
		f.section(src, b[3], extent{at + head, size - head})
		at = binfmt.Align(at+size, 4)
	}
}

// section notes what a section has.
func (f *File) section(src binfmt.Source, kind byte, e extent) {
	switch kind {
	case sectionName, sectionVersion:
		b, err := src.Bytes(e.offset, min(e.size, maxText), "text")
		if err != nil {
			return
		}
		if kind == sectionName {
			f.Name = text(b)
		} else if len(b) > 2 {
			f.Version = text(b[2:]) // behind the number of the build
		}
	case sectionVolume:
		f.volume = e
	case sectionCompressed:
		if b, err := src.Bytes(e.offset, 5, "compressed section"); err == nil && b[4] == 1 {
			f.compressed, f.codec, f.unpacked = extent{e.offset + 5, e.size - 5}, "tiano", int64(le.Uint32(b))
		}
	case sectionGUID:
		b, err := src.Bytes(e.offset, 20, "section with a GUID")
		if err != nil {
			return
		}
		skip := int64(le.Uint16(b[16:])) - 4 // counts from the start of a small section
		codec := codecs[binfmt.GUID(b[:16])]
		if codec == "" || skip < 20 || skip > e.size {
			return
		}
		f.compressed, f.codec = extent{e.offset + skip, e.size - skip}, codec
		if lzma, err := src.Bytes(e.offset+skip, 13, "LZMA header"); err == nil && codec == "lzma" {
			if n := le.Uint64(lzma[5:]); n < 1<<40 {
				f.unpacked = int64(n)
			}
		}
	}
}
