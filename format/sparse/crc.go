// SPDX-License-Identifier: GPL-2.0-or-later

package sparse

import (
	"fmt"
	"hash/crc32"
)

// checksum is a CRC-32 that takes what is repeated in a time that grows with the
// logarithm of its size: an image of a few bytes may expand to very many.
//
// CRCs are polynomials modulo that of CRC-32, with the bit of the highest power last.
// That of two parts one behind the other is that of the first times x to the number of
// bits of the second, plus that of the second.
type checksum struct{ crc uint32 }

// directly is up to how many bytes are gone through, since that is faster.
const directly = 1 << 16

// Write implements io.Writer.
func (c *checksum) Write(b []byte) (int, error) {
	c.crc = crc32.Update(c.crc, crc32.IEEETable, b)
	return len(b), nil
}

// repeat adds n bytes of a repeated word, which is a multiple of 4.
func (c *checksum) repeat(word [4]byte, n int64) {
	if n <= directly {
		b := make([]byte, n)
		_, _ = pattern(word).ReadAt(b, 0)
		_, _ = c.Write(b)
		return
	}
	unit, shift := crc32.ChecksumIEEE(word[:]), uint32(crc32.IEEE) // of 1, 2, 4 … words; x to their bits
	for words := n / 4; words > 0; words /= 2 {
		if words&1 != 0 {
			c.crc = times(shift, c.crc) ^ unit
		}
		unit, shift = times(shift, unit)^unit, times(shift, shift)
	}
}

// times multiplies two polynomials.
func times(a, b uint32) uint32 {
	product := uint32(0)
	for ; a != 0; a <<= 1 {
		if a&(1<<31) != 0 {
			product ^= b
		}
		b = b>>1 ^ crc32.IEEE&-(b&1)
	}
	return product
}

// check compares the checksum of all that there has been.
func (c *checksum) check(want uint32) error {
	if c.crc != want {
		return fmt.Errorf("its checksum of the expanded image is %#08x, that of what the chunks expand to is %#08x", want, c.crc)
	}
	return nil
}
