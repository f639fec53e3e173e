// SPDX-License-Identifier: GPL-2.0-or-later

package sparse

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"

	"binman/content"
)

// Size of the blocks that are written, in bytes, and what a chunk has at most of them,
// so that sizes fit in 32 bits.
const (
	blockSize  = 4096
	maxInChunk = math.MaxUint32/blockSize - 1
)

// Write returns the sparse image of data, which is filled up with zeros to whole blocks
// of 4096 bytes. Blocks that repeat a word become fill, zeros too: what a disk has there
// must not stay. Fills of the data and holes of files are not read for that. So the same
// bytes give the same image, however they come. Nothing of the data is held in memory.
func Write(data content.Data) (content.Data, error) {
	blocks := (data.Len() + blockSize - 1) / blockSize
	if blocks > math.MaxUint32 {
		return content.Data{}, fmt.Errorf("a sparse image has 32 bits for the number of blocks of %d bytes, %#x bytes are too many", blockSize, data.Len())
	}
	w := &writer{data: data, buf: make([]byte, 64*blockSize)}
	if err := w.all(); err != nil {
		return content.Data{}, err
	}
	w.flush()
	if w.chunks > maxChunks {
		return content.Data{}, fmt.Errorf("the sparse image would have %d chunks (at most %d)", w.chunks, maxChunks)
	}
	h := append([]byte(nil), Magic[:]...)
	h = binary.LittleEndian.AppendUint16(h, 1)
	h = binary.LittleEndian.AppendUint16(h, 0)
	h = binary.LittleEndian.AppendUint16(h, headerSize)
	h = binary.LittleEndian.AppendUint16(h, chunkSize)
	for _, v := range []uint32{blockSize, uint32(blocks), w.chunks, 0} {
		h = binary.LittleEndian.AppendUint32(h, v)
	}
	return content.Join(content.Bytes(h), w.out.Data()), nil
}

type writer struct {
	data   content.Data
	buf    []byte
	out    content.Builder
	chunks uint32

	// The chunk that grows.
	kind   uint16 // 0 if there is none
	word   [4]byte
	from   int64 // offset in the data
	blocks int64
}

// all takes all blocks.
func (w *writer) all() error {
	size := w.data.Len()
	for off := int64(0); off < size; {
		end, value, known := w.data.Uniform(off)
		if n := (end - off) / blockSize; known && n > 0 {
			w.add(fill, [4]byte{value, value, value, value}, off, n)
			off += n * blockSize
			continue
		}
		if known {
			end = off + 1
		}
		// Up to the end of the block, since what follows is looked at from there.
		end = min((end+blockSize-1)&^(blockSize-1), size)
		for off < end {
			part := w.buf[:min(end-off, int64(len(w.buf)))]
			if _, err := w.data.ReadAt(part, off); err != nil {
				return err
			}
			w.read(part, off)
			off += int64(len(part))
		}
	}
	return nil
}

// read takes blocks that were read, the last of which may be short.
func (w *writer) read(part []byte, off int64) {
	for len(part) > 0 {
		block := part[:min(blockSize, len(part))]
		part = part[len(block):]
		if len(block) == blockSize && bytes.Equal(block[:blockSize-4], block[4:]) {
			w.add(fill, [4]byte(block), off, 1)
		} else {
			w.add(raw, [4]byte{}, off, 1)
		}
		off += int64(len(block))
	}
}

// add takes n blocks from an offset on.
func (w *writer) add(kind uint16, word [4]byte, off, n int64) {
	if kind != w.kind || word != w.word {
		w.flush()
		w.kind, w.word = kind, word
	}
	for n > 0 {
		if w.blocks == maxInChunk {
			w.flush()
			w.kind = kind
		}
		if w.blocks == 0 {
			w.from = off
		}
		more := min(n, maxInChunk-w.blocks)
		w.blocks += more
		off += more * blockSize
		n -= more
	}
}

// flush writes the chunk that has grown.
func (w *writer) flush() {
	if w.blocks > 0 {
		size := int64(4)
		if w.kind == raw {
			size = w.blocks * blockSize
		}
		h := binary.LittleEndian.AppendUint32(nil, uint32(w.kind))
		h = binary.LittleEndian.AppendUint32(h, uint32(w.blocks))
		h = binary.LittleEndian.AppendUint32(h, uint32(chunkSize+size))
		if w.kind == fill {
			h = append(h, w.word[:]...)
		}
		w.out.Bytes(h)
		if w.kind == raw {
			have := min(size, w.data.Len()-w.from)
			w.out.Add(w.data.Slice(w.from, have))
			w.out.Fill(0, size-have)
		}
		w.chunks++
	}
	w.kind, w.blocks = 0, 0
}
