// SPDX-License-Identifier: GPL-2.0-or-later

package uf2

import (
	"encoding/binary"
	"fmt"
	"io"

	"binman/content"
)

// payload is how many bytes of data a block has that is written, as most flash has
// pages of that size.
const payload = 256

// Write returns data for an address as a file, for a family of processors if it has
// one. The last block is filled up with zeros. The blocks are made when they are read:
// they take no memory.
func Write(data content.Data, addr, family uint32, hasFamily bool) (content.Data, error) {
	blocks := (data.Len() + payload - 1) / payload
	switch {
	case addr%4 != 0:
		return content.Data{}, fmt.Errorf("the address %#x of a UF2 file is no multiple of 4", addr)
	case int64(addr)+blocks*payload > 1<<32:
		return content.Data{}, fmt.Errorf("a UF2 file has addresses of 32 bits, but %#x bytes would be at address %#x", data.Len(), addr)
	}
	w := &writer{data: data, addr: addr, total: uint32(blocks)}
	if hasFamily {
		w.flags, w.family = flagFamily, family
	}
	return content.File(w, "the UF2 file", 0, blocks*BlockSize), nil
}

type writer struct {
	data   content.Data
	addr   uint32
	total  uint32 // blocks
	flags  uint32
	family uint32
}

// ReadAt implements io.ReaderAt for the file.
func (w *writer) ReadAt(p []byte, off int64) (int, error) {
	done := 0
	var raw [BlockSize]byte
	for done < len(p) {
		at := off + int64(done)
		number := at / BlockSize
		if number >= int64(w.total) {
			return done, io.EOF
		}
		if err := w.block(&raw, uint32(number)); err != nil {
			return done, err
		}
		done += copy(p[done:], raw[at%BlockSize:])
	}
	return done, nil
}

// block makes a block.
func (w *writer) block(raw *[BlockSize]byte, number uint32) error {
	clear(raw[:])
	for i, v := range [...]uint32{magic0, magic1, w.flags, w.addr + number*payload, payload, number, w.total, w.family} {
		binary.LittleEndian.PutUint32(raw[4*i:], v)
	}
	binary.LittleEndian.PutUint32(raw[endAt:], magicEnd)
	off := int64(number) * payload
	_, err := w.data.ReadAt(raw[dataAt:dataAt+min(payload, w.data.Len()-off)], off)
	return err
}
