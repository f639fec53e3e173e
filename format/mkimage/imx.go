// SPDX-License-Identifier: GPL-2.0-or-later

package mkimage

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"

	"binman/content"
	"binman/internal/binfmt"
)

// Sizes of what boot ROMs of the i.MX read, in bytes.
const (
	imxV1Flash   = 28                         // header of version 1
	imxV1Header  = imxV1Flash + 8 + 12*60 + 4 // with the table of registers, and the size
	imxV2IVT     = 32 + 12                    // image vector table and boot data
	imxV2Header  = imxV2IVT + 4 + 4 + 8*220 + 4
	imxPlugin    = 64 << 10 // room for a plugin
	imxDataAlign = 4096
)

// imxImage is an image for the boot ROMs of i.MX25 to i.MX7.
type imxImage struct {
	version   uint32 // 1: i.MX25, 35, 51; 2: i.MX53, 6, 7
	offset    uint32 // of the header on the medium
	load      uint32 // what the ROM loads from the medium before it looks at the header
	preset    uint32 // load as the medium has it
	csf       uint32 // size of the signature, 0 if there is none
	registers []imxRegister
	plugin    []byte // nil if there is none
	pluginAt  uint32 // where it is loaded to
}

// imxRegister is something that the ROM does before it loads the image.
type imxRegister struct {
	command       string
	size          uint32 // bytes
	address, data uint32
}

// makeIMX makes an image of a configuration, which the option -n names: see
// parseIMX. There is a header, up to what the ROM loads at first, the program, and
// zeros up to a multiple of 4096 bytes.
//
// Version 1 has little-endian words:
//
//	offset  size  header
//	     0     4  address of the entry point
//	     4     4  0xb1
//	    12     4  address of the next but one
//	    20     4  address of the table
//	    24     4  address that the start of the medium is loaded to
//	    28     8  table: 0xb17219e9, size of the rest
//	    36    12  size of a register, its address, its value, and so on
//	          4  behind the last: size of all, with the offset on the medium
//
// Version 2 has little-endian words but for lengths and the table (DCD):
//
//	offset  size  header
//	     0     4  image vector table: tag 0xd1, length 32, version 0x40
//	     4     4  address of the entry point
//	    12     4  address of the DCD, or 0
//	    16     4  address of the boot data
//	    20     4  address of this header
//	    24     4  address of the signature, or 0
//	    32     4  boot data: address that the start of the medium is loaded to
//	    36     4  size of all, with the offset on the medium and the signature
//	    40     4  1 with a plugin, which follows instead of the DCD
//	    44     4  DCD: tag 0xd2, length, version 0x40
//	    48     4  command: tag, length, parameter; pairs of an address and a value follow
func makeIMX(p Params, in Inputs) (content.Data, error) {
	text, err := in.config(p)
	if err != nil {
		return content.Data{}, err
	}
	m, err := parseIMX(string(text), in)
	if err != nil {
		return content.Data{}, fmt.Errorf("%s:%w", p.Name, err)
	}
	if m.csf != 0 && m.plugin != nil {
		return content.Data{}, errors.New("an image with a plugin cannot have a signature (CSF)")
	}
	data := padTo(in.Files[0], imxDataAlign)
	size := uint32(imxV1Header)
	if m.version == 2 {
		if size = imxV2Header; m.plugin != nil {
			size = imxV2IVT + imxPlugin
		}
	}
	m.load = max(m.load, m.offset+size)
	h := make([]byte, m.load-m.offset)
	total := uint32(binfmt.Align(int64(len(h))+data.Len()+int64(m.offset), imxDataAlign))
	switch {
	case m.version == 1:
		m.v1(h, p.Entry, total)
	case m.plugin != nil:
		err = m.withPlugin(h, p.Entry, total)
	default:
		m.v2(h, p.Entry, total)
	}
	return content.Join(content.Bytes(h), data), err
}

func (m *imxImage) v1(h []byte, entry, total uint32) {
	load := m.load
	if m.preset != 0 { // a medium was named: mkimage then forgets how long the table can be
		load = max(m.preset, m.offset+imxV1Flash)
	}
	base := entry - load + m.offset
	words(h, map[int]uint32{0: entry, 4: 0xb1, 12: base + 20, 20: base + imxV1Flash, 24: base - m.offset, 28: 0xb17219e9, 32: uint32(12 * len(m.registers))})
	at := imxV1Flash + 8
	for _, r := range m.registers {
		words(h, map[int]uint32{at: r.size, at + 4: r.address, at + 8: r.data})
		at += 12
	}
	words(h, map[int]uint32{at: total})
}

// ivt writes an image vector table and boot data.
func ivt(h []byte, entry, self, start, size uint32) {
	copy(h, []byte{0xd1, 0, 32, 0x40})
	words(h, map[int]uint32{4: entry, 8: 0, 12: 0, 16: self + 32, 20: self, 24: 0, 28: 0, 32: start, 36: size, 40: 0})
}

func (m *imxImage) v2(h []byte, entry, total uint32) {
	start := entry - m.load
	self := start + m.offset
	ivt(h, entry, self, start, total+m.csf)
	if m.csf != 0 {
		words(h, map[int]uint32{24: start + total})
	}
	if len(m.registers) > 0 {
		words(h, map[int]uint32{12: self + imxV2IVT})
	}
	dcd := m.dcd()
	copy(h[imxV2IVT:], dcd)
}

// dcd returns the table of version 2: registers that are written in the same way
// one after the other share a command.
func (m *imxImage) dcd() []byte {
	b := []byte{0xd2, 0, 0, 0x40}
	command := 0
	last := ""
	for _, r := range m.registers {
		c := imxCommands()[r.command]
		if r.command != last || c.single {
			command = len(b)
			b = append(b, c.tag, 0, 4, c.parameter)
			last = r.command
		}
		b = binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(b, r.address), r.data)
		binary.BigEndian.PutUint16(b[command+1:], uint16(len(b)-command))
	}
	binary.BigEndian.PutUint16(b[1:], uint16(len(b)))
	return b
}

// withPlugin writes the header of a plugin, the plugin, and the header of the
// program, which is as far behind the first one as the plugin is long.
func (m *imxImage) withPlugin(h []byte, entry, total uint32) error {
	const header = imxV2IVT + imxPlugin // the largest
	if len(m.plugin)+imxV2IVT > len(h) {
		return fmt.Errorf("the plugin has %#x bytes: there is room for %#x", len(m.plugin), len(h)-imxV2IVT)
	}
	self := m.pluginAt + m.offset
	ivt(h, self+imxV2IVT, self, m.pluginAt, imxPlugin)
	words(h, map[int]uint32{40: 1})
	copy(h[imxV2IVT:], m.plugin)
	base := entry - header
	ivt(h[len(m.plugin):], entry, base+uint32(len(m.plugin)), base-m.offset, total)
	return nil
}

// imxCommand is how the DCD has a command.
type imxCommand struct {
	tag, parameter byte
	single         bool // has one register only
}

func imxCommands() map[string]imxCommand {
	return map[string]imxCommand{
		"DATA": {0xcc, 0x04, false}, "CLR_BIT": {0xcc, 0x0c, false}, "SET_BIT": {0xcc, 0x1c, false},
		"CHECK_BITS_SET": {0xcf, 0x14, true}, "CHECK_BITS_CLR": {0xcf, 0x04, true},
	}
}

// imxMedium is where the ROM looks for the header, and what it loads at first.
type imxMedium struct{ offset, load uint32 }

func imxMedia() map[string]imxMedium {
	usual := imxMedium{0x400, 0x1000}
	return map[string]imxMedium{
		"sd": usual, "spi": usual, "nand": usual, "sata": usual, "onenand": {0x100, 0x400}, "nor": {0x1000, 0}, "qspi": {0x1000, 0},
	}
}

// parseIMX reads a configuration. Lines have a command and values, numbers in
// hexadecimal; what follows # is a comment:
//
//	IMAGE_VERSION 2            first, if at all
//	BOOT_FROM sd               or spi, nand, sata, onenand, nor, qspi
//	BOOT_OFFSET 0x400          the same as a number
//	DATA 4 0x020e0798 0xc0000  size, address and value of a register; in version 2
//	                           CLR_BIT, SET_BIT, CHECK_BITS_SET, CHECK_BITS_CLR too
//	CSF 0x2000                 size of a signature
//	PLUGIN plugin.bin 0x907000 file, and the address that it is loaded to
//
// Errors start with the number of the line.
func parseIMX(text string, in Inputs) (*imxImage, error) {
	const undefined = ^uint32(0)
	m := &imxImage{version: 1, offset: undefined}
	line, commands := 0, 0
	for row := range strings.Lines(text) {
		line++
		row, _, _ = strings.Cut(row, "#")
		f := strings.Fields(row)
		if len(f) == 0 {
			continue
		}
		if err := m.command(f[0], f[1:], commands == 0, in); err != nil {
			return nil, fmt.Errorf("%d: %w", line, err)
		}
		commands++
	}
	switch {
	case m.offset == undefined:
		return nil, fmt.Errorf("%d: there is no BOOT_FROM, which says where the image is", line)
	case m.plugin != nil && len(m.registers) > 0:
		return nil, fmt.Errorf("%d: a plugin takes the place of the registers: there cannot be both", line)
	case m.plugin != nil && m.version != 2:
		return nil, fmt.Errorf("%d: a plugin needs IMAGE_VERSION 2", line)
	}
	return m, nil
}

// command reads a command and its values.
func (m *imxImage) command(name string, values []string, first bool, in Inputs) error {
	const mostOffset = 1 << 20
	number := func(i int) (uint32, error) {
		if i >= len(values) {
			return 0, fmt.Errorf("%s needs %d values", name, i+1)
		}
		n, err := parseWord(values[i])
		if err != nil {
			return 0, fmt.Errorf("'%s' is no hexadecimal number of 32 bits", values[i])
		}
		return n, nil
	}
	var err error
	switch _, register := imxCommands()[name]; {
	case register:
		return m.register(name, number)
	case name == "IMAGE_VERSION":
		if m.version, err = number(0); err == nil && (m.version != 1 && m.version != 2 || !first) {
			err = errors.New("IMAGE_VERSION is 1 or 2, and stands in front of other commands")
		}
	case name == "BOOT_FROM":
		if len(values) == 0 {
			return errors.New("BOOT_FROM needs the name of a medium")
		}
		medium, ok := imxMedia()[strings.ToLower(values[0])]
		if !ok {
			return fmt.Errorf("the medium '%s' is not known: there are sd, spi, nand, sata, onenand, nor, qspi", values[0])
		}
		m.offset, m.load = medium.offset, max(medium.load, medium.offset)
		m.preset = m.load
	case name == "BOOT_OFFSET":
		if m.offset, err = number(0); err == nil && m.offset > mostOffset {
			err = fmt.Errorf("BOOT_OFFSET %#x is larger than %#x", m.offset, mostOffset)
		}
	case name == "CSF":
		if m.csf, err = number(0); err == nil && m.version != 2 {
			err = errors.New("CSF is for version 2 only: IMAGE_VERSION 2")
		}
	case name == "PLUGIN":
		if m.pluginAt, err = number(1); err == nil {
			m.plugin, err = pluginOf(values[0], in)
		}
	default:
		err = fmt.Errorf("the command '%s' is not known", name)
	}
	return err
}

func pluginOf(name string, in Inputs) ([]byte, error) {
	d, err := in.open(name)
	if err != nil {
		return nil, err
	}
	if d.Len() == 0 || d.Len() > imxPlugin {
		return nil, fmt.Errorf("the plugin '%s' has %#x bytes: it can have 1 to %#x", name, d.Len(), imxPlugin)
	}
	return d.Bytes()
}

func (m *imxImage) register(name string, number func(int) (uint32, error)) error {
	r := imxRegister{command: name}
	for i, to := range []*uint32{&r.size, &r.address, &r.data} {
		var err error
		if *to, err = number(i); err != nil {
			return err
		}
	}
	most := 220
	if m.version == 1 {
		most = 60
		if r.size != 1 && r.size != 2 && r.size != 4 {
			return fmt.Errorf("a register has 1, 2 or 4 bytes, not %d", r.size)
		}
	}
	if len(m.registers) == most {
		return fmt.Errorf("there are more than %d registers", most)
	}
	m.registers = append(m.registers, r)
	return nil
}
