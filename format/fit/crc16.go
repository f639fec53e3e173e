// SPDX-License-Identifier: GPL-2.0-or-later

package fit

import "hash"

// crc16 is the checksum that U-Boot calls crc16-ccitt: polynomial 0x1021, most
// significant bit first, from 0, as XMODEM has it.
type crc16 struct{ sum uint16 }

func newCRC16() hash.Hash { return &crc16{} }

func (c *crc16) Write(p []byte) (int, error) {
	sum := c.sum
	for _, b := range p {
		sum = sum<<8 ^ crc16Table[byte(sum>>8)^b]
	}
	c.sum = sum
	return len(p), nil
}

func (c *crc16) Sum(b []byte) []byte { return append(b, byte(c.sum>>8), byte(c.sum)) }
func (c *crc16) Reset()              { c.sum = 0 }
func (c *crc16) Size() int           { return 2 }
func (c *crc16) BlockSize() int      { return 1 }

var crc16Table = func() (table [256]uint16) {
	const polynomial = 0x1021
	for i := range table {
		sum := uint16(i) << 8
		for range 8 {
			top := sum & 0x8000
			sum <<= 1
			if top != 0 {
				sum ^= polynomial
			}
		}
		table[i] = sum
	}
	return table
}()
