// SPDX-License-Identifier: GPL-2.0-or-later

package bzip2

import (
	"io"

	"binman/codec/internal/blocks"
)

const maxRun = 255

// runs takes data from a source and shortens its runs, a block at a time.
type runs struct {
	src  *io.SectionReader
	at   int64  // of src, up to where data has been read
	rest []byte // read, and not used yet
	room []byte // what rest is in
}

// reset makes src what data is taken from.
func (r *runs) reset(src *io.SectionReader) {
	if r.room == nil {
		r.room = make([]byte, 64<<10)
	}
	*r = runs{src: src, room: r.room}
}

// block appends data to dst, runs shortened, until dst holds a block or there is no more. It
// returns how many bytes of the source that are. visit gets these, a piece at a time.
func (r *runs) block(dst []byte, visit func(piece []byte)) (block []byte, used int64, err error) {
	for len(dst) < blockSize {
		if len(r.rest) < maxRun {
			if err := r.fill(); err != nil {
				return nil, 0, err
			}
		}
		if len(r.rest) == 0 {
			break
		}
		end := len(r.rest) // a run that begins before it is there as a whole
		if r.at < r.src.Size() {
			end -= maxRun - 1
		}
		var n int
		dst, n = shorten(dst, r.rest, end)
		visit(r.rest[:n])
		r.rest = r.rest[n:]
		used += int64(n)
	}
	return dst, used, nil
}

// fill reads as much as there is room for.
func (r *runs) fill() error {
	kept := copy(r.room, r.rest)
	n := int(min(int64(len(r.room)-kept), r.src.Size()-r.at))
	r.rest = r.room[:kept+n]
	err := blocks.ReadAt(r.src, r.rest[kept:], r.at)
	r.at += int64(n)
	return err
}

// shorten appends the runs of src that begin before end to dst, shortened, until dst holds a
// block, and returns it and the number of bytes used.
func shorten(dst, src []byte, end int) (block []byte, used int) {
	for used < end && len(dst) < blockSize {
		// What has no run of four stays as it is. A block ends where a run does, so near its end
		// each run is looked at, the short ones too.
		if n := min(firstRun(src[used:])-4, end-used, blockSize-3-len(dst)); n > 0 {
			dst = append(dst, src[used:used+n]...)
			used += n
			continue
		}
		c := src[used]
		run := 1
		for run < maxRun && used+run < len(src) && src[used+run] == c {
			run++
		}
		used += run
		for range min(run, 4) {
			dst = append(dst, c)
		}
		if run >= 4 {
			dst = append(dst, byte(run-4))
		}
	}
	return dst, used
}

// crcTable is for CRC-32 with the polynomial 0x04c11db7, highest bit first.
var crcTable = func() (table [256]uint32) {
	for i := range table {
		crc := uint32(i) << 24
		for range 8 {
			top := crc >> 31
			crc = crc<<1 ^ top*0x04c11db7
		}
		table[i] = crc
	}
	return table
}()

// checksum goes on with a CRC of which all bits are inverted.
func checksum(crc uint32, b []byte) uint32 {
	for _, c := range b {
		crc = crc<<8 ^ crcTable[byte(crc>>24)^c]
	}
	return crc
}
