// SPDX-License-Identifier: GPL-2.0-or-later

// Package srec reads and writes Motorola S-records: bytes at addresses, as text.
//
// A record is a line
//
//	STLL…CC
//
// of a letter and hexadecimal digits: a type, how many bytes follow, an address of two
// to four bytes with the highest first, data, and the complement of the sum of all
// bytes from the length on.
//
//	type  address
//	  S0  2        header: the data is a text, by convention a name
//	  S1  2        data
//	  S2  3        data
//	  S3  4        data
//	  S5  2        how many records with data there have been, as the address
//	  S6  3        the same
//	  S7  4        end of the file; the address is where to start
//	  S8  3        the same
//	  S9  2        the same
//
// The format is in Motorola's "M68000 Family Programmer's Reference Manual", appendix
// C. What that leaves open (how records are cut, how long lines are, what is in the
// header) is as GNU objcopy writes it.
package srec

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io"

	"binman/content"
	"binman/format/addressed"
)

// File is what a file holds.
type File struct {
	addressed.File
	Header string // data of the header, "" if there is none
	Entry  uint32 // where to start, 0 if nothing says so
}

// Types of records.
const (
	typeHeader  = 0
	typeData16  = 1
	typeData24  = 2
	typeData32  = 3
	typeCount16 = 5
	typeCount24 = 6
	typeEnd32   = 7
	typeEnd24   = 8
	typeEnd16   = 9
)

// addressSize returns the size of the address of a type of records in bytes, or 0 if
// the type is not known.
func addressSize(kind byte) int {
	switch kind {
	case typeHeader, typeData16, typeCount16, typeEnd16:
		return 2
	case typeData24, typeCount24, typeEnd24:
		return 3
	case typeData32, typeEnd32:
		return 4
	}
	return 0
}

// srecFile is what errors say.
const srecFile = "the S-record file"

// Detect reports whether the text in r, of which size bytes may be read, starts with a
// record.
func Detect(r io.ReaderAt, size int64) bool {
	return addressed.Detect(r, size, new(parser).record)
}

// Parse reads a file. It is read as it comes: only the data is held in memory.
func Parse(text content.Data) (*File, error) {
	p := parser{}
	err := addressed.Lines(text, srecFile, func(line []byte) (bool, error) {
		err := p.record(line)
		return !p.ended, err
	})
	if err != nil {
		return nil, err
	}
	file, err := p.data.File(srecFile)
	if err != nil {
		return nil, err
	}
	p.file.File = *file
	return &p.file, nil
}

type parser struct {
	file    File
	data    addressed.Collector
	records int64 // with data
	ended   bool
	raw     [256]byte // of a record
}

// record reads one line.
func (p *parser) record(line []byte) error {
	if len(line) < 2 || line[0] != 'S' {
		return errors.New("it does not start with an S and a digit")
	}
	kind, digits := line[1]-'0', line[2:]
	addr := addressSize(kind)
	if addr == 0 {
		return fmt.Errorf("a record of type S%c is not known", line[1])
	}
	n := hex.DecodedLen(len(digits))
	if n > len(p.raw) {
		return errors.New("it is too long")
	}
	b := p.raw[:n]
	if _, err := hex.Decode(b, digits); err != nil {
		return fmt.Errorf("it is not hexadecimal: %w", err)
	}
	if len(b) < 2+addr || len(b) != int(b[0])+1 {
		return errors.New("it does not have the length that it gives")
	}
	sum := byte(0)
	for _, c := range b {
		sum += c
	}
	if sum != 0xff {
		return errors.New("its checksum is wrong")
	}
	value := int64(0)
	for _, c := range b[1 : 1+addr] {
		value = value<<8 | int64(c)
	}
	return p.take(kind, value, b[1+addr:len(b)-1])
}

func (p *parser) take(kind byte, addr int64, data []byte) error {
	switch kind {
	case typeHeader:
		if p.file.Header == "" {
			p.file.Header = string(data)
		}
	case typeData16, typeData24, typeData32:
		p.records++
		return p.data.Add(addr, data)
	case typeCount16, typeCount24:
		if addr != p.records {
			return fmt.Errorf("it says that there are %d records with data in front of it, and there are %d", addr, p.records)
		}
	default:
		p.file.Entry, p.ended = uint32(addr), true
	}
	return nil
}
