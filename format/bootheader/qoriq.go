// SPDX-License-Identifier: GPL-2.0-or-later

package bootheader

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"binman/internal/binfmt"
)

// Images for the pre-boot loader of QorIQ: package mkimage has the layout of them and
// of their commands.
const (
	pblRCW   = 72 // size of the preamble, the header and the RCW
	pblARM   = 0x01ee0100
	pblPPC   = 0x010e0100
	pblPiece = 64
	pblMost  = 32 << 20 // bytes; there is room for programs of 16 MiB
	pblItems = 16
)

func qoriqFormats() []Format {
	return []Format{{Name: "QorIQ PBL image", Short: "pbl", Magic: []byte{0xaa, 0x55, 0xaa, 0x55, 0x01}, Align: 512, parse: parsePBL}}
}

func parsePBL(src binfmt.Source) (*Image, error) {
	h, err := src.Bytes(0, pblRCW, "RCW")
	if err != nil {
		return nil, err
	}
	cores, ok := map[uint32]string{pblARM: "ARM", pblPPC: "PowerPC"}[binary.BigEndian.Uint32(h[4:])]
	if !ok {
		return nil, errMagic
	}
	im := &Image{Items: []binfmt.Item{{Name: "rcw", Type: "reset configuration word, " + cores, Size: pblRCW}}}
	r := bufio.NewReader(io.NewSectionReader(src.R, pblRCW, min(src.Size, pblMost)-pblRCW))
	add := func(it binfmt.Item) {
		last := &im.Items[len(im.Items)-1]
		if last.Name == it.Name {
			last.Size += it.Size
			return
		}
		im.Items = append(im.Items, it)
	}
	name := "commands" // "end" behind a program
	for at := int64(pblRCW); ; {
		var b [4 + pblPiece]byte
		if _, err := io.ReadFull(r, b[:4]); err != nil {
			return nil, errPBL(err)
		}
		command := binary.BigEndian.Uint32(b[:])
		size := int64(command >> 25 & 0x3f)
		if size == 0 {
			size = pblPiece
		}
		if _, err := io.ReadFull(r, b[4:4+size]); err != nil {
			return nil, errPBL(err)
		}
		it := binfmt.Item{Name: name, Type: "commands", Offset: at, Size: 4 + size}
		if command>>24 == 0x81 { // 64 bytes for the alternate space
			it.Name, it.Type = "program", fmt.Sprintf("program in pieces of 64 bytes, offset %#x", command&0xffffff)
			name = "end"
		}
		if len(im.Items) > pblItems {
			return nil, errors.New("programs and other commands take turns too often")
		}
		if command>>24&1 != 0 {
			add(it)
			at += it.Size
			continue
		}
		if size != 4 {
			return nil, fmt.Errorf("the last command has %d bytes, and not a CRC", size)
		}
		it.Size = 4
		add(it)
		at += 4
		add(binfmt.Item{Name: "crc", Type: "CRC-32", Offset: at, Size: 4})
		im.claims = []claim{{what: "CRC-32", size: at, want: b[4:8], sum: counted(^uint32(0), msbCRC, same)}}
		return im, nil
	}
}

// errPBL says why commands cannot be read.
func errPBL(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errors.New("the commands have no end")
	}
	return err
}
