// SPDX-License-Identifier: GPL-2.0-or-later

package mkimage

import (
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math"
	"strconv"
	"strings"

	"binman/content"
)

// spkg is the configuration of an image for the Renesas RZ/N1.
type spkg struct {
	eccEnable, eccBlock, eccScheme, eccBytes int64
	dummy                                    int64 // 1: a dummy BLp header is in front
	padding                                  int64 // what the size is a multiple of, in bytes
	version                                  int64
}

// makeRenesas makes an image for the boot ROM of the RZ/N1: eight times the
// header, the payload, and the CRC-32 of that. All numbers are little-endian:
//
//	offset  size  header
//	     0     4  magic "RZN1"
//	     4     1  version 1
//	     5     1  ECC of NAND flash: bit 5 enables it, bits 1 and 2 are the block size
//	     6     1  scheme of the ECC
//	     7     1  its bytes in a block
//	     8     4  size of the payload with the CRC, times 256
//	    12     4  load address
//	    16     4  offset of the entry point from that
//	    20     4  CRC-32 of the header
//
// The payload is a dummy BLp header of 0x88 if asked for, the data, and padding: 4
// zeros, then 0xff, or zeros if there are fewer than 4. The configuration has a name and
// a number in each line; PADDING may have a K or an M behind it.
func makeRenesas(p Params, in Inputs) (content.Data, error) {
	const (
		header = 24
		copies = 8
		dummy  = 264
	)
	if p.Load == 0 {
		return content.Data{}, errors.New("it needs a load address: -a")
	}
	text, err := in.config(p)
	if err != nil {
		return content.Data{}, err
	}
	c, err := parseSPKG(string(text))
	if err != nil {
		return content.Data{}, fmt.Errorf("%s:%w", p.Name, err)
	}
	var payload content.Builder
	payload.Fill(0x88, c.dummy*dummy)
	payload.Add(in.Files[0])
	total := header*copies + payload.Len() + crc32.Size
	pad := (c.padding - total%c.padding) % c.padding
	if total+pad > math.MaxInt32>>7 {
		return content.Data{}, fmt.Errorf("the payload has %#x bytes with its padding, more than the 24 bits of its size can say", total+pad)
	}
	zeros := min(pad, 4)
	payload.Fill(0, zeros)
	payload.Fill(0xff, pad-zeros)
	h := make([]byte, header)
	copy(h, "RZN1")
	h[4], h[5], h[6], h[7] = byte(c.version), byte(c.eccEnable<<5|c.eccBlock<<1), byte(c.eccScheme), byte(c.eccBytes)
	words(h, map[int]uint32{8: uint32(payload.Len()+crc32.Size) << 8, 12: p.Load, 16: p.Entry - p.Load})
	words(h, map[int]uint32{20: crc32.ChecksumIEEE(h[:20])})
	data := payload.Data()
	sum := crc32.NewIEEE()
	if _, err := io.Copy(sum, data.NewReader()); err != nil {
		return content.Data{}, err
	}
	end := make([]byte, crc32.Size)
	words(end, map[int]uint32{0: sum.Sum32()})
	return content.Join(content.String(strings.Repeat(string(h), copies)), data, content.Bytes(end)), nil
}

// parseSPKG reads a configuration. Errors start with the number of the line.
func parseSPKG(text string) (spkg, error) {
	c := spkg{padding: 1}
	values := map[string]struct {
		to       *int64
		min, max int64
	}{
		"VERSION": {&c.version, 1, 1}, "NAND_ECC_ENABLE": {&c.eccEnable, 0, 1}, "NAND_ECC_BLOCK_SIZE": {&c.eccBlock, 0, 2},
		"NAND_ECC_SCHEME": {&c.eccScheme, 0, 7}, "NAND_BYTES_PER_ECC_BLOCK": {&c.eccBytes, 0, 255},
		"ADD_DUMMY_BLP": {&c.dummy, 0, 1}, "PADDING": {&c.padding, 1, 1 << 24},
	}
	line := 0
	for row := range strings.Lines(text) {
		line++
		words := strings.Fields(row)
		if len(words) == 0 || row[0] == '#' {
			continue
		}
		v, ok := values[words[0]]
		if !ok || len(words) < 2 {
			return c, fmt.Errorf("%d: '%s' is no name and value of this configuration", line, strings.TrimSpace(row))
		}
		digits, unit := words[1], int64(1)
		if words[0] == "PADDING" {
			for suffix, n := range map[string]int64{"K": 1 << 10, "M": 1 << 20} {
				if s, ok := strings.CutSuffix(digits, suffix); ok {
					digits, unit = s, n
				}
			}
		}
		n, err := strconv.ParseInt(digits, 10, 32)
		if n *= unit; err != nil || n < v.min || n > v.max {
			return c, fmt.Errorf("%d: %s is a number from %d to %d, not '%s'", line, words[0], v.min, v.max, words[1])
		}
		*v.to = n
	}
	return c, nil
}
