// SPDX-License-Identifier: GPL-2.0-or-later

package mkimage

import (
	"encoding/binary"
	"errors"
	"strings"

	"binman/content"
)

// makeKeystone makes an image for the boot ROM of TI Keystone: two big-endian
// words, the size of the data and the load address, and the data.
func makeKeystone(p Params, in Inputs) (content.Data, error) {
	if p.Load == 0 {
		return content.Data{}, errors.New("it needs a load address: -a")
	}
	h := binary.BigEndian.AppendUint32(nil, uint32(in.Files[0].Len()))
	h = binary.BigEndian.AppendUint32(h, p.Load)
	return content.Join(content.Bytes(h), in.Files[0]), nil
}

// makeOMAP makes an image for the boot ROM of OMAP: a configuration header, two
// words, and the data. All numbers are little-endian words; with the name
// "byteswap" (-n) the bytes of all words are turned round.
//
//	offset  size  header
//	     0     8  offset and size of the section: 0x40, 12
//	    20    12  its name "CHSETTINGS"
//	    32    32  0xff: the end of the sections
//	    64    12  section: key 0xc0c0c0c1, 0, version 1
//	   512     4  size of the data and these two words
//	   516     4  load address
func makeOMAP(p Params, in Inputs) (content.Data, error) {
	const header, gp = 512, 8
	if p.Load == 0 {
		return content.Data{}, errors.New("it needs a load address: -a")
	}
	h := make([]byte, header+gp)
	words(h, map[int]uint32{0: 0x40, 4: 12, 64: 0xc0c0c0c1, 68: 1 << 8, header: uint32(in.Files[0].Len() + gp), header + 4: p.Load})
	copy(h[20:], "CHSETTINGS")
	copy(h[32:64], blank(32))
	image := content.Join(content.Bytes(h), in.Files[0])
	if !strings.HasPrefix(p.Name, "byteswap") {
		return image, nil
	}
	if image.Len()%4 != 0 {
		return content.Data{}, errors.New("the data are not whole words, whose bytes could be turned round")
	}
	b, err := image.Bytes()
	if err != nil {
		return content.Data{}, err
	}
	for at := 0; at < len(b); at += 4 {
		binary.LittleEndian.PutUint32(b[at:], binary.BigEndian.Uint32(b[at:]))
	}
	return content.Bytes(b), nil
}
