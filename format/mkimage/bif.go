// SPDX-License-Identifier: GPL-2.0-or-later

package mkimage

import (
	debugelf "debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"strings"

	"binman/content"
	"binman/elf"
	"binman/internal/binfmt"
)

const (
	bifAlign     = 64
	bifMax       = math.MaxUint32 // offsets of the boot header have 32 bits
	bifTable     = 64
	bifPartition = 64
)

// bifPiece is a part of an image that is being made.
type bifPiece struct {
	at   int64
	data content.Data
	head []byte // instead of data: a header, which may still change
}

// bifImage is an image that is being made.
type bifImage struct {
	in     Inputs
	header []byte
	table  []byte // nil if there is none yet
	last   []byte // header of the last partition
	pieces []bifPiece
	end    int64
}

// makeBIF makes an image for the boot ROM of the ZynqMP from a description, which is the
// file of -d: see parseBIF. All numbers are little-endian, and pieces start at multiples
// of 64 bytes:
//
//	header, as makeZynqMP has it, with the offset of the table at 152
//	PMU firmware
//	partition 0, its header
//	table of partitions
//	partition 1, its header; and so on
//
//	offset  size  table of partitions
//	     0     4  0x01020000
//	     4     4  number of partitions
//	     8     4  offset of the header of the first one, in words
//	    60     4  inverted sum of the words before it
//
//	offset  size  header of a partition
//	     0    12  size of the data in words, three times
//	    12     4  offset of the next header in words, 0 for none
//	    16     8  entry point
//	    24     8  load address
//	    32     4  offset of the data in words; for the boot loader that of the PMU firmware in front of it, in bytes
//	    36     4  attributes: processor in bits 8 to 11, kind of memory in bits 4 to 6, AArch32 in
//	              bit 3, exception level in bits 1 and 2, TrustZone in bit 0
//	    60     4  inverted sum of the words before it
//
// Chapter 11 of Xilinx's UG1085 specifies the headers. The offset in bytes, and that the
// boot header says AArch64 for every A53, are as mkimage has them.
func makeBIF(p Params, in Inputs) (content.Data, error) {
	if p.Load != 0 || p.EntrySet {
		return content.Data{}, errors.New("it has no load address (-a) and no entry point (-e): the description has those of each file")
	}
	if n := in.Files[0].Len(); n > maxConfig {
		return content.Data{}, fmt.Errorf("the description has %#x bytes, more than %#x", n, maxConfig)
	}
	text, err := in.Files[0].Bytes()
	if err != nil {
		return content.Data{}, err
	}
	list, err := parseBIF(string(text))
	if err != nil {
		return content.Data{}, err
	}
	for i := range list {
		if e := &list[i]; e.config {
			if err := configureBIF(list, e); err != nil {
				return content.Data{}, err
			}
		}
	}
	orderBIF(list)
	m := &bifImage{in: in}
	if m.header, err = xilinx(Params{}, in, zynqMPHeader, 0xb8, 0); err != nil {
		return content.Data{}, err
	}
	words(m.header, map[int]uint32{68: 2 << 10})
	if _, err := m.add(bifPiece{head: m.header}); err != nil {
		return content.Data{}, err
	}
	for i := range list {
		if e := &list[i]; !e.config {
			if err := m.entry(e); err != nil {
				return content.Data{}, fmt.Errorf("line %d: '%s': %w", e.line, e.file, err)
			}
		}
	}
	sumXilinx(m.header)
	sumBIF(m.table)
	var b content.Builder
	for _, piece := range m.pieces {
		b.PadTo(piece.at, 0)
		b.Bytes(piece.head)
		b.Add(piece.data)
	}
	b.PadTo(m.end, 0)
	return b.Data(), nil
}

// sumBIF sets the sum of a header of 64 bytes.
func sumBIF(b []byte) {
	if len(b) == 0 {
		return
	}
	var sum uint32
	for at := 0; at < 60; at += 4 {
		sum += binary.LittleEndian.Uint32(b[at:])
	}
	words(b, map[int]uint32{60: ^sum})
}

// add adds a piece, at its offset unless that is 0, and returns where it is.
func (m *bifImage) add(piece bifPiece) (int64, error) {
	if piece.at == 0 {
		piece.at = m.end
	}
	size := piece.data.Len() + int64(len(piece.head))
	switch {
	case piece.at < m.end:
		return 0, fmt.Errorf("the offset %#x is before the end of what is in front, %#x", piece.at, m.end)
	case size > bifMax-2*bifAlign-piece.at:
		return 0, fmt.Errorf("with its %#x bytes at %#x the image has more than %#x", size, piece.at, int64(bifMax))
	}
	m.pieces = append(m.pieces, piece)
	m.end = binfmt.Align(piece.at+size, bifAlign)
	return piece.at, nil
}

// entry adds a file.
func (m *bifImage) entry(e *bifEntry) error {
	d, err := m.in.open(e.file)
	if err != nil {
		return err
	}
	magic, err := d.Peek(4)
	switch {
	case err != nil:
		return err
	case len(magic) < 4:
		return fmt.Errorf("it has %d bytes: 4 at least tell what it is", len(magic))
	}
	e.bits |= bifPS
	switch string(magic) {
	case "\x00\x09\x0f\xf0":
		e.bits, e.load, e.start = e.bits&^bifPS|bifPL, math.MaxUint32, 0
		if d, err = bitstream(d); err != nil {
			return err
		}
	case "\x7fELF":
		f, err := elf.Parse(d)
		if err != nil {
			return err
		}
		if f.ByteOrder != binary.LittleEndian {
			return errors.New("it is a big-endian program: the processors are little-endian")
		}
		flat, err := f.FlattenSections()
		if err != nil {
			return err
		}
		d, e.load, e.start = flat.Data, flat.Load, flat.Entry
		e.aarch32 = e.aarch32 || f.Class == debugelf.ELFCLASS32
	}
	switch {
	case e.pmu:
		return m.firmware(e, d)
	case e.init:
		return m.registers(e.file, d)
	}
	return m.partition(e, d)
}

// firmware adds firmware of the PMU.
func (m *bifImage) firmware(e *bifEntry, d content.Data) error {
	if binary.LittleEndian.Uint32(m.header[48:]) != 0 {
		return errors.New("there is PMU firmware or a boot loader in front of this PMU firmware")
	}
	at, err := m.add(bifPiece{at: e.offset, data: d})
	if err != nil {
		return err
	}
	size := uint32(binfmt.Align(d.Len(), bifAlign))
	words(m.header, map[int]uint32{48: uint32(at), 52: size, 56: size})
	return nil
}

// registers takes a list of registers.
func (m *bifImage) registers(name string, d content.Data) error {
	if d.Len() > maxConfig {
		return fmt.Errorf("it has %#x bytes, more than %#x", d.Len(), maxConfig)
	}
	text, err := d.Bytes()
	if err != nil {
		return err
	}
	return registers(m.header[0xb8:], name, string(text))
}

// partition adds a partition.
func (m *bifImage) partition(e *bifEntry, d content.Data) error {
	switch {
	case e.loader && m.last != nil:
		return errors.New("the boot loader is behind other partitions: its line has to be before theirs")
	case e.loader && e.load > math.MaxUint32:
		return fmt.Errorf("the load address %#x of the boot loader has more than 32 bits", e.load)
	}
	at, err := m.add(bifPiece{at: e.offset, data: d})
	if err != nil {
		return err
	}
	size := uint32(binfmt.Align(d.Len(), 4))
	length, offset := size/4, uint32(at/4)
	if e.loader {
		offset = binary.LittleEndian.Uint32(m.header[48:])
		length = uint32((at + d.Len() - int64(offset)) / 4)
	}
	bits := e.bits
	if e.aarch32 && bits&bifCPUs <= bifCPU(bifA53+3) {
		bits |= bifAArch32
	}
	level := uint32(3)
	if e.level > 0 {
		level = e.level - 1
	}
	h := make([]byte, bifPartition)
	words(h, map[int]uint32{0: length, 4: length, 8: length, 32: offset, 36: bits | level<<1})
	binary.LittleEndian.PutUint64(h[16:], e.start)
	binary.LittleEndian.PutUint64(h[24:], e.load)
	if err := m.link(h); err != nil {
		return err
	}
	if e.loader {
		m.loader(e, uint32(at), size)
	}
	return nil
}

// link adds the header of a partition, and the table in front of the second one.
func (m *bifImage) link(h []byte) error {
	at, err := m.add(bifPiece{head: h})
	if err != nil {
		return err
	}
	if m.table == nil {
		m.table = make([]byte, bifTable)
		table, err := m.add(bifPiece{head: m.table})
		if err != nil {
			return err
		}
		words(m.table, map[int]uint32{0: 0x01020000, 8: uint32(at / 4)})
		words(m.header, map[int]uint32{152: uint32(table)})
	} else {
		words(m.last, map[int]uint32{12: uint32(at / 4)})
		sumBIF(m.last)
	}
	words(m.table, map[int]uint32{4: binary.LittleEndian.Uint32(m.table[4:]) + 1})
	sumBIF(h)
	m.last = h
	return nil
}

// loader tells the boot ROM of the boot loader.
func (m *bifImage) loader(e *bifEntry, at, size uint32) {
	processor := uint32(2) // A53, 64 bits
	switch e.bits & bifCPUs {
	case bifCPU(bifR5):
		processor = 0
	case bifCPU(bifR5L):
		processor = 3
	}
	words(m.header, map[int]uint32{44: uint32(e.load), 60: size, 64: size, 68: processor << 10})
	if binary.LittleEndian.Uint32(m.header[48:]) == 0 {
		words(m.header, map[int]uint32{48: at})
	}
}

// bitstream returns what the programmable logic gets of a .bit file, whose words are the
// other way round there. Big-endian:
//
//	offset  size  file
//	     0    13  0009 0ff00ff00ff00ff000 0001
//	    13     1  "a"
//	    14     2  size of the name of the design, and that
//	           3  "b", size of the part number, and that
//	           3  "c", size of the date, and that
//	           3  "d", size of the time, and that
//	           5  "e", size of the data
//	              data
func bitstream(d content.Data) (content.Data, error) {
	var none content.Data
	const start = "\x00\x09\x0f\xf0\x0f\xf0\x0f\xf0\x0f\xf0\x00\x00\x01"
	head, err := d.Peek(len(start) + 4*(3+math.MaxUint16) + 5)
	if err != nil {
		return none, err
	}
	rest, ok := strings.CutPrefix(string(head), start)
	at := len(start)
	for _, tag := range []byte("abcd") {
		if !ok || len(rest) < 3 || rest[0] != tag {
			return none, fmt.Errorf("it starts as a bitstream (.bit), and has no field '%c' at %#x", tag, at)
		}
		n := 3 + int(binary.BigEndian.Uint16([]byte(rest[1:3])))
		if ok = n <= len(rest); ok {
			rest, at = rest[n:], at+n
		}
	}
	if !ok || len(rest) < 5 || rest[0] != 'e' {
		return none, fmt.Errorf("it starts as a bitstream (.bit), and has no field 'e' at %#x", at)
	}
	size := int64(binary.BigEndian.Uint32([]byte(rest[1:5])))
	from := int64(at) + 5
	switch {
	case size > d.Len()-from:
		return none, fmt.Errorf("the bitstream has %#x bytes at %#x, and the file ends at %#x", size, from, d.Len())
	case size%4 != 0:
		return none, fmt.Errorf("the bitstream has %#x bytes, no multiple of 4", size)
	}
	b, err := d.Slice(from, size).Bytes()
	if err != nil {
		return none, err
	}
	for w := b; len(w) > 0; w = w[4:] {
		binary.LittleEndian.PutUint32(w, binary.BigEndian.Uint32(w))
	}
	return content.Bytes(b), nil
}
