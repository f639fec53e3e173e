// SPDX-License-Identifier: GPL-2.0-or-later

package mkimage

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha1"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"binman/content"
)

// Sizes and tags of SB images, in bytes.
const (
	sbBlock      = 16
	sbHeader     = 96
	sbDictionary = 32 // key dictionary of one key
	sbDigest     = 32 // room for the SHA-1 of the image
	sbMaxSize    = 1 << 30
	sbIVT        = 32

	// Seconds from 1970 to the last day of 1999, from which mkimage counts.
	sbEpoch = 946598400
)

// Commands of SB images.
const (
	sbNop = iota
	sbTag
	sbLoad
	sbFill
	sbJump
	sbCall
	sbMode
)

// sbCommand is a command of a boot ROM: 16 bytes, and data for LOAD. Little-endian:
//
//	offset  size  command
//	     0     1  0x5a and the sum of the other bytes
//	     1     1  tag
//	     2     2  flags: 1 for the last TAG, the LOAD of a DCD, or a JUMP or CALL of HAB
//	     4    12  TAG: number, size and flags of the section
//	              LOAD: address, size, CRC-32 of the data (0x04c11db7, highest bit first)
//	              FILL: address, size, pattern
//	              JUMP, CALL: address, 0, argument
//	              MODE: 0, 0, mode to boot in
type sbCommand struct {
	tag   byte
	flags uint16
	words [3]uint32
	data  []byte // a multiple of 16 bytes
}

// sbSection is a section of an image.
type sbSection struct {
	id       uint32
	bootable bool
	commands []sbCommand
	blocks   uint32 // of 16 bytes
}

// makeMXS makes an SB image for the boot ROMs of i.MX23 and i.MX28. The option -n names
// a configuration, see parseMXS; a file of -d has no effect. Numbers
// are little-endian, sizes and offsets in blocks of 16 bytes where it says so:
//
//	offset  size  header
//	     0    20  SHA-1 of the rest of the header; its first 16 bytes start the ciphers
//	    20     4  "STMP"
//	    24     2  version 1.1
//	    26     2  flags: 1 to show the progress
//	    28     8  blocks of the image; block of the first TAG
//	    36     4  number of the section to boot from
//	    40     4  number of keys, 1; block of the key dictionary
//	    44     6  blocks of the header; sections; blocks of a section header
//	    52     4  "sgtl"
//	    56     8  microseconds since the end of 1999
//	    64    24  versions of product and component, big-endian: 0x999, 0, three times
//	    96    16  for each section: number, block behind its TAG, blocks, flags (1: bootable)
//	          32  key dictionary: last block of the header and the sections' headers,
//	              encrypted with a key of zeros; and the key, encrypted with itself
//	              commands, encrypted; the cipher starts anew with each section and behind
//	              each TAG
//	          32  SHA-1 of all that, and zeros; encrypted
//
// The cipher is AES-128 in CBC, and the key is zero.
func makeMXS(p Params, in Inputs) (content.Data, error) {
	text, err := in.config(p)
	if err != nil {
		return content.Data{}, err
	}
	m, err := parseMXS(string(text), in)
	if err != nil {
		return content.Data{}, fmt.Errorf("%s:%w", p.Name, err)
	}
	key, err := aes.NewCipher(make([]byte, sbBlock))
	if err != nil {
		return content.Data{}, err
	}
	image := m.headers(in.Time)
	iv := image[:sbBlock]
	encrypt := func(b []byte) { cipher.NewCBCEncrypter(key, iv).CryptBlocks(b, b) }

	mac := slices.Clone(image)
	cipher.NewCBCEncrypter(key, make([]byte, sbBlock)).CryptBlocks(mac, mac)
	dictionary := make([]byte, sbDictionary)
	copy(dictionary, mac[len(mac)-sbBlock:])
	encrypt(dictionary[sbBlock:])
	image = append(image, dictionary...)

	for _, s := range m.sections {
		start := len(image)
		for _, c := range s.commands {
			image = append(append(image, c.bytes()...), c.data...)
			if c.tag == sbTag {
				encrypt(image[start:])
				start = len(image)
			}
		}
		encrypt(image[start:])
	}
	digest := make([]byte, sbDigest)
	sum := sha1.Sum(image)
	copy(digest, sum[:])
	encrypt(digest)
	return content.Bytes(append(image, digest...)), nil
}

// headers returns the header and those of the sections, and fills in the TAGs.
func (m *mxsImage) headers(time uint32) []byte {
	count := uint32(len(m.sections))
	first := sbHeader/sbBlock + count + sbDictionary/sbBlock
	b := make([]byte, sbHeader)
	at := first
	for i := range m.sections {
		s := &m.sections[i]
		flags := uint32(0)
		if s.bootable {
			flags = 1
		}
		for k := range s.commands {
			if c := &s.commands[k]; c.tag == sbTag {
				c.words = [3]uint32{s.id, s.blocks - 1, flags}
			}
		}
		for _, v := range []uint32{s.id, at + 1, s.blocks - 1, flags} {
			b = binary.LittleEndian.AppendUint32(b, v)
		}
		at += s.blocks
	}
	copy(b[20:], "STMP\x01\x01")
	copy(b[52:], "sgtl")
	if m.progress {
		b[26] = 1
	}
	words(b, map[int]uint32{
		28: at + sbDigest/sbBlock, 32: first, 36: m.boot, 40: 1 | (first-sbDictionary/sbBlock)<<16, 44: sbHeader/sbBlock | count<<16, 48: 1,
	})
	binary.LittleEndian.PutUint64(b[56:], uint64(int64(time)-sbEpoch)*1e6)
	for i := 64; i < 88; i += 4 {
		binary.BigEndian.PutUint16(b[i:], 0x999)
	}
	sum := sha1.Sum(b[20:sbHeader])
	copy(b, sum[:])
	return b
}

// bytes returns the command without its data.
func (c sbCommand) bytes() []byte {
	b := make([]byte, sbBlock)
	b[1] = c.tag
	binary.LittleEndian.PutUint16(b[2:], c.flags)
	words(b, map[int]uint32{4: c.words[0], 8: c.words[1], 12: c.words[2]})
	sum := byteSum(0x5a)
	sum.Write(b)
	b[0] = byte(sum)
	return b
}

// mxsImage is a configuration of the type mxsimage.
type mxsImage struct {
	progress bool
	boot     uint32 // number of the section to boot from
	sections []sbSection
	tables   map[uint32][]byte // DCDs by their number
	table    uint32            // the one that is being read
	inTable  bool
	size     int64 // of all data, in bytes
}

// sbModes are the modes to boot in; some have two names, for i.MX28 and i.MX23.
func sbModes() map[string]uint32 {
	return map[string]uint32{
		"USB": 0, "I2C": 1, "SPI2_FLASH": 2, "SPI1_FLASH": 2, "SPI3_FLASH": 3, "NAND_BCH": 4, "JTAG": 6, "SPI3_EEPROM": 8, "SPI2_EEPROM": 8,
		"SD_SSP0": 9, "SD_SSP1": 10,
	}
}

// parseMXS reads a configuration. Lines have a command and values, hexadecimal numbers
// with or without 0x; what follows # at the start of a word is a comment:
//
//	DISPLAYPROGRESS            the boot ROM shows what it does
//	SECTION N BOOTABLE         starts a section; the first bootable one is booted
//	NOP                        or NOOP
//	TAG LAST                   starts a section for the boot ROM; LAST, after which none follows
//	LOAD ADDR FILE
//	LOAD IVT ADDR ENTRY        image vector table
//	LOAD DCD ADDR N            a table that DCD has made
//	FILL ADDR PATTERN SIZE
//	JUMP HAB ADDR ARG          with or without HAB and argument
//	CALL HAB ADDR ARG          likewise
//	MODE NAME                  see sbModes
//	DCD N                      starts a table of registers, with the lines:
//	WRITE.W ADDR VALUE         and ANDC, ORR, EQZ, EQ, NEQ, NEZ; W is 1, 2 or 4
//	NOOP
//
// Errors start with the number of the line.
func parseMXS(text string, in Inputs) (*mxsImage, error) {
	m := &mxsImage{tables: map[uint32][]byte{}}
	last, bootable := 0, false
	for line, f := range configLines(text) {
		last = line
		if err := m.line(f[0], f[1:], in); err != nil {
			return nil, fmt.Errorf("%d: %w", line, err)
		}
		if len(m.sections) > 1<<15 {
			return nil, fmt.Errorf("%d: there are too many sections", line)
		}
	}
	for i := range m.sections {
		s := &m.sections[i]
		if len(s.commands) == 0 {
			return nil, fmt.Errorf("%d: section %#x has no command", last, s.id)
		}
		for _, c := range s.commands {
			s.blocks += uint32(1 + len(c.data)/sbBlock)
		}
		if s.bootable && !bootable {
			m.boot, bootable = s.id, true
		}
	}
	if !bootable {
		return nil, fmt.Errorf("%d: no section is BOOTABLE", last)
	}
	return m, nil
}

func (m *mxsImage) line(name string, values []string, in Inputs) error {
	switch name {
	case "DISPLAYPROGRESS":
		m.progress = true
		return noMore(values, 0)
	case "SECTION":
		m.inTable = false
		bootable := len(values) > 1 && values[1] == "BOOTABLE"
		if bootable {
			values = values[:1]
		}
		n, err := configWords(values, 1, 1)
		m.sections = append(m.sections, sbSection{id: n[0], bootable: bootable})
		return err
	case "DCD":
		n, err := configWords(values, 1, 1)
		if m.table, m.inTable = n[0], true; m.tables[m.table] != nil {
			return fmt.Errorf("there are two tables with the number %#x", m.table)
		}
		m.tables[m.table] = make([]byte, 4)
		return err
	}
	switch {
	case m.inTable:
		return m.register(name, values)
	case len(m.sections) == 0:
		return fmt.Errorf("'%s' stands before the first SECTION", name)
	}
	c, err := m.command(name, values, in)
	if err != nil {
		return err
	}
	if m.size += sbBlock + int64(len(c.data)); m.size > sbMaxSize {
		return fmt.Errorf("the image would have more than %#x bytes", sbMaxSize)
	}
	s := &m.sections[len(m.sections)-1]
	s.commands = append(s.commands, c)
	return nil
}

// command reads a command of a section.
func (m *mxsImage) command(name string, values []string, in Inputs) (c sbCommand, err error) {
	first := ""
	if len(values) > 0 {
		first = values[0]
	}
	var n [3]uint32
	switch name {
	case "NOP", "NOOP": // the manual has the second one
		return c, noMore(values, 0)
	case "TAG":
		c.tag = sbTag
		if first == "LAST" {
			c.flags, values = 1, values[1:]
		}
		return c, noMore(values, 0)
	case "LOAD":
		return m.load(first, values, in)
	case "FILL":
		n, err = configWords(values, 3, 3)
		c.tag, c.words = sbFill, [3]uint32{n[0], n[2], n[1]}
	case "JUMP", "CALL":
		if c.tag = sbJump; name == "CALL" {
			c.tag = sbCall
		}
		if first == "HAB" {
			c.flags, values = 1, values[1:]
		}
		n, err = configWords(values, 1, 2)
		c.words = [3]uint32{n[0], 0, n[1]}
	case "MODE":
		mode, ok := sbModes()[first]
		if !ok {
			return c, fmt.Errorf("there is no mode '%s'", first)
		}
		c.tag, c.words[2], err = sbMode, mode, noMore(values, 1)
	default:
		err = fmt.Errorf("there is no command '%s'", name)
	}
	return c, err
}

// load reads LOAD.
func (m *mxsImage) load(what string, values []string, in Inputs) (c sbCommand, err error) {
	c.tag = sbLoad
	var n [3]uint32
	switch what {
	case "IVT":
		if n, err = configWords(values[1:], 2, 2); err != nil {
			return c, err
		}
		c.data = make([]byte, sbIVT)
		copy(c.data, []byte{0xd1, sbIVT, 0, 0x40}) // the size is in the wrong byte, as mkimage has it
		words(c.data, map[int]uint32{4: n[1], 20: n[0]})
	case "DCD":
		if n, err = configWords(values[1:], 2, 2); err != nil {
			return c, err
		}
		table := m.tables[n[1]]
		if table == nil {
			return c, fmt.Errorf("there is no table %#x: 'DCD %#x' has to stand before", n[1], n[1])
		}
		c.flags = 1
		c.data = append(slices.Clone(table), make([]byte, (sbBlock-len(table)%sbBlock)%sbBlock)...)
		binary.BigEndian.PutUint32(c.data, 0xd2<<24|uint32(len(table))<<8|0x40)
	default:
		if len(values) != 2 {
			return c, errors.New("'LOAD' has an address and a file")
		}
		if n, err = configWords(values[:1], 1, 1); err != nil {
			return c, err
		}
		d, err := in.open(values[1])
		if err != nil {
			return c, err
		}
		if d.Len() == 0 || d.Len() > sbMaxSize {
			return c, fmt.Errorf("file '%s' has %#x bytes: it is loaded into memory", values[1], d.Len())
		}
		if c.data, err = padTo(d, sbBlock).Bytes(); err != nil {
			return c, err
		}
	}
	c.words = [3]uint32{n[0], uint32(len(c.data)), msbCRC(^uint32(0), c.data)}
	return c, nil
}

// register adds a command to a table: a tag, its size, flags, an address and a value,
// big-endian.
func (m *mxsImage) register(name string, values []string) error {
	name, width, given := strings.Cut(name, ".")
	if name == "NOOP" && !given {
		width = "1" // it makes no difference
	}
	if width != "1" && width != "2" && width != "4" {
		return fmt.Errorf("'%s' has the width '%s': it is 1, 2 or 4", name, width)
	}
	code, err := strconv.Atoi(width)
	if err != nil {
		return err
	}
	table := m.tables[m.table]
	if name == "NOOP" {
		m.tables[m.table] = append(table, 0xc0, 0, 4, 0)
		return noMore(values, 0)
	}
	kind, ok := map[string][2]byte{
		"WRITE": {0xcc, 0}, "ANDC": {0xcc, 0x10}, "ORR": {0xcc, 0x18}, "EQZ": {0xcf, 0}, "EQ": {0xcf, 0x10}, "NEQ": {0xcf, 8}, "NEZ": {0xcf, 0x18},
	}[name]
	if !ok {
		return fmt.Errorf("there is no command '%s' in a DCD", name)
	}
	n, err := configWords(values, 2, 2)
	if err != nil {
		return err
	}
	if len(table) > 1<<16-16 {
		return errors.New("the table has too many commands")
	}
	table = append(table, kind[0], 0, 12, kind[1]|byte(code-1)) // mkimage has the width less 1
	table = binary.BigEndian.AppendUint32(table, n[0])
	m.tables[m.table] = binary.BigEndian.AppendUint32(table, n[1])
	return nil
}

// noMore says that there are more values than that.
func noMore(values []string, count int) error {
	if len(values) > count {
		return fmt.Errorf("'%s' is too much", values[count])
	}
	return nil
}

// configWords reads so many numbers, up to three; those that are not there are 0.
func configWords(values []string, least, most int) (n [3]uint32, err error) {
	if len(values) < least {
		return n, fmt.Errorf("there are %d numbers, not %d", len(values), least)
	}
	if err := noMore(values, most); err != nil {
		return n, err
	}
	for i, v := range values {
		if n[i], err = configWord(v); err != nil {
			return n, err
		}
	}
	return n, nil
}
