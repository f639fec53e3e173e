// SPDX-License-Identifier: GPL-2.0-or-later

package bootheader

import (
	"bytes"
	"errors"
	"fmt"

	"binman/internal/binfmt"
)

// The headers for the boot ROMs of DaVinci, DM3xx, in NAND flash, and the scripts
// for those of OMAP-L138. Package mkimage has their layouts.
const (
	ublHeader = 2048
	ublUsed   = 32 // of it
	ublMagic  = 0xa1aced00

	aisLoad        = 0x58535901
	aisJumpEnd     = 0x58535906
	aisFunction    = 0x5853590d
	aisMaxCommands = 1 << 16
)

func davinciFormats() []Format {
	return []Format{
		{Name: "DaVinci UBL image", Short: "ubl", Magic: []byte{0xed, 0xac, 0xa1}, At: 1, Align: ublHeader, parse: parseUBL},
		{Name: "DaVinci AIS image", Short: "ais", Magic: []byte("TIPA"), Align: 512, parse: parseAIS},
	}
}

func parseUBL(src binfmt.Source) (*Image, error) {
	h, err := src.Bytes(0, ublHeader, "header")
	if err != nil {
		return nil, err
	}
	if bytes.Count(h[ublUsed:], []byte{0xff}) != ublHeader-ublUsed {
		return nil, errMagic
	}
	program := binfmt.Item{
		Name: "program", Offset: ublHeader, Size: src.Size - ublHeader,
		Type:    fmt.Sprintf("program of %d pages, entry %#x", word(h, 8), word(h, 4)),
		Details: binfmt.Details{}.With("entry", word(h, 4)),
	}
	// The header does not say how large a page is.
	program.Size = min(program.Size, int64(word(h, 8))*ublHeader)
	im := &Image{Items: []binfmt.Item{{Name: "header", Type: fmt.Sprintf("header, mode %#x", word(h, 0)-ublMagic), Size: ublHeader}, program}}
	im.notJudged("", "contents", "this header has no sum of them", 0, ublHeader+program.Size)
	return im, nil
}

// aisValues returns the number of words behind the code of a command, unless that is
// another one than load and function.
func aisValues(code uint32) (n int64, known bool) {
	n, known = map[uint32]int64{
		0x58535902: 2, // compare the sum
		0x58535903: 0, // sums on
		0x58535904: 0, // sums off
		0x58535905: 1, // call
		aisJumpEnd: 1,
		0x58535907: 4, // boot table
		0x5853590a: 4, // fill
		0x58535963: 0, // read without addresses
	}[code]
	return n, known
}

func parseAIS(src binfmt.Source) (*Image, error) {
	im := &Image{}
	start, at := int64(0), int64(4) // of the commands that are not listed yet, and of the next one
	count, programs := 0, 0
	commands := func() {
		if at > start {
			im.Items = append(im.Items, binfmt.Item{Name: fmt.Sprintf("commands%d", programs), Type: fmt.Sprintf("commands: %d", count), Offset: start, Size: at - start})
		}
		start, count = at, 0
	}
	for range aisMaxCommands {
		b, err := src.Bytes(at, 8, "command")
		if err != nil {
			return nil, err
		}
		code, first := word(b, 0), word(b, 4)
		count++
		switch values, known := aisValues(code); {
		case known:
			at += 4 + 4*values
		case code == aisFunction:
			at += 8 + 4*int64(first>>16)
		case code == aisLoad:
			size, err := src.Bytes(at+8, 4, "size of a program")
			if err != nil {
				return nil, err
			}
			at += 12
			commands()
			it := binfmt.Item{Name: fmt.Sprintf("program%d", programs), Type: fmt.Sprintf("program, load %#x", first), Offset: at, Size: int64(word(size, 0)), Details: binfmt.Details{}.With("load", first)}
			im.Items = append(im.Items, it)
			at += binfmt.Align(it.Size, 4)
			start, programs = at, programs+1
		default:
			return nil, fmt.Errorf("the command at %#x is %#x, which is not known", at, code)
		}
		if code != aisJumpEnd {
			continue
		}
		commands()
		im.notJudged("", "contents", "sums in the script are not judged here", 0, at)
		return im, nil
	}
	return nil, errors.New("the script has too many commands")
}
