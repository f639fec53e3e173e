// SPDX-License-Identifier: GPL-2.0-or-later

package mkimage

import (
	"encoding/binary"
	"errors"
	"fmt"

	"binman/content"
	"binman/internal/binfmt"
)

// pblCore is what an image depends on: the cores of the SoC.
type pblCore struct {
	header uint32   // of the RCW
	end    []uint32 // flush commands, and the one in front of the CRC
	fill   bool     // the last piece is filled with 0xff, not with the last byte
}

func pblCores() map[byte]pblCore {
	return map[byte]pblCore{
		2: {0x01ee0100, []uint32{0x09610000, 0, 0x096100c0, 0, 0x08610040}, true},  // ARM
		7: {0x010e0100, []uint32{0x091380c0, 0, 0x091380c0, 0, 0x08138040}, false}, // PowerPC
	}
}

// Of a PBL image.
const (
	pblPreamble = 0xaa55aa55
	pblRCW      = 8 + 64     // size of the preamble, the header and the RCW
	pblPiece    = 64         // bytes that a command writes
	pblWrite    = 0x81000000 // writes a piece, at an offset of 24 bits
	pblSpace    = 1 << 24
)

// makePBL makes an image for the pre-boot loader of QorIQ: words that are
// configured, commands that copy the program, and a sum. Words are big-endian:
//
//	size  what
//	   4  preamble 0xaa55aa55
//	   4  0x010e0100, for ARM 0x01ee0100: 64 bytes follow
//	  64  reset configuration word, RCW
//	   n  commands of the configurations
//	  68  command 0x81000000 + offset, and 64 bytes of the program; and so on
//	  16  two commands that flush what was written
//	   4  command in front of the CRC
//	   4  CRC-32 of all that stands before: polynomial 0x04c11db7, highest bit first
//
// A command has, from the highest bit on: 1 if its address is in the alternate
// space; the number of bytes, 0 for 64; 1 if another command follows; 24 bits of
// an address. The program goes to the end of the alternate space of 16 MiB, on ARM
// to the low bits of the load address (-a).
//
// The preamble, the RCW and commands come out of the file of the option -n, more
// commands out of that of -R: words in hexadecimal.
func makePBL(p Params, in Inputs) (content.Data, error) {
	core, ok := pblCores()[byte(p.Arch)]
	if !ok {
		return content.Data{}, fmt.Errorf("the architecture (-A) can be arm or powerpc, not %s", p.Arch)
	}
	if p.Name == "" {
		return content.Data{}, errors.New("it needs the option -n with the file of its configuration")
	}
	var b []byte
	for _, name := range []string{p.Name, p.Name2} {
		if name == "" {
			continue
		}
		p.Name = name
		text, err := in.config(p)
		if err != nil {
			return content.Data{}, err
		}
		if b, err = appendPBL(b, string(text)); err != nil {
			return content.Data{}, fmt.Errorf("%s:%w", name, err)
		}
	}
	be := binary.BigEndian
	switch {
	case len(b) < pblRCW:
		return content.Data{}, fmt.Errorf("the configuration has %d bytes: the preamble, the header and the RCW have %d", len(b), pblRCW)
	case be.Uint32(b) != pblPreamble || be.Uint32(b[4:]) != core.header:
		return content.Data{}, fmt.Errorf("the configuration starts with %08x %08x, not with %08x %08x as for the architecture %s", be.Uint32(b), be.Uint32(b[4:]), uint32(pblPreamble), core.header, p.Arch)
	}
	if len(in.Files) > 0 && in.Files[0].Len() > 0 {
		var err error
		if b, err = appendProgram(b, core, in.Files[0], p.Load); err != nil {
			return content.Data{}, err
		}
	}
	for _, w := range core.end {
		b = be.AppendUint32(b, w)
	}
	return content.Bytes(be.AppendUint32(b, msbCRC(^uint32(0), b))), nil
}

// appendPBL reads a configuration: words in hexadecimal, and comments from # on. Errors
// start with the number of the line.
func appendPBL(b []byte, text string) ([]byte, error) {
	for line, f := range configLines(text) {
		for _, word := range f {
			v, err := configWord(word)
			if err != nil {
				return nil, fmt.Errorf("%d: %w", line, err)
			}
			b = binary.BigEndian.AppendUint32(b, v)
		}
	}
	return b, nil
}

// appendProgram adds commands that write a program.
func appendProgram(b []byte, core pblCore, data content.Data, load uint32) ([]byte, error) {
	size := binfmt.Align(data.Len(), pblPiece)
	at := pblSpace - size
	if core.fill { // of ARM
		at = int64(load % pblSpace)
	}
	if at < 0 || at > pblSpace-size {
		return nil, fmt.Errorf("the program has %#x bytes, too many for the space of %#x bytes from %#x on", data.Len(), pblSpace, max(at, 0))
	}
	program, err := data.Bytes()
	if err != nil {
		return nil, err
	}
	end := byte(0xff)
	if !core.fill {
		end = program[len(program)-1]
	}
	for len(program) > 0 {
		b = binary.BigEndian.AppendUint32(b, pblWrite+uint32(at))
		n := min(len(program), pblPiece)
		b = append(b, program[:n]...)
		for range pblPiece - n {
			b = append(b, end)
		}
		program, at = program[n:], at+pblPiece
	}
	return b, nil
}
