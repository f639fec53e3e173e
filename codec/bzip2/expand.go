// SPDX-License-Identifier: GPL-2.0-or-later

package bzip2

import (
	"encoding/binary"
	"math/bits"
)

// expand calls emit for the parts of a block, whose runs are shortened: bytes as they are, then
// the last one of them so many times more.
func expand(data []byte, emit func(p []byte, last byte, more int) error) error {
	for len(data) > 0 {
		n, more := firstRun(data), 0
		p, last := data[:n], data[n-1]
		data = data[n:]
		if len(data) > 0 {
			more = int(data[0])
			data = data[1:]
		}
		if err := emit(p, last, more); err != nil {
			return err
		}
	}
	return nil
}

// firstRun returns the end of the first four equal bytes, or of data.
func firstRun(data []byte) int {
	const lowest, highest = 0x0101010101010101, 0x8080808080808080
	i := 0
	for ; i+11 <= len(data); i += 8 {
		a, b := binary.LittleEndian.Uint64(data[i:]), binary.LittleEndian.Uint64(data[i+1:])
		c, d := binary.LittleEndian.Uint64(data[i+2:]), binary.LittleEndian.Uint64(data[i+3:])
		other := (a ^ b) | (b ^ c) | (c ^ d) // a byte of it is 0 where four equal bytes begin
		if zero := (other - lowest) &^ other & highest; zero != 0 {
			return i + bits.TrailingZeros64(zero)/8 + 4
		}
	}
	for ; i+4 <= len(data); i++ {
		if c := data[i]; c == data[i+1] && c == data[i+2] && c == data[i+3] {
			return i + 4
		}
	}
	return len(data)
}

// contentSum returns the checksum of what a block's data expand to.
func contentSum(data []byte) uint32 {
	crc := ^uint32(0)
	_ = expand(data, func(p []byte, last byte, more int) error {
		crc = checksum(crc, p)
		var rest [maxRun]byte
		for i := range more {
			rest[i] = last
		}
		crc = checksum(crc, rest[:more])
		return nil
	})
	return ^crc
}
