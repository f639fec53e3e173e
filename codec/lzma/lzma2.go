// SPDX-License-Identifier: GPL-2.0-or-later

package lzma

import (
	"encoding/binary"
	"fmt"
	"io"

	"binman/codec/internal/flush"
	bounded "binman/codec/internal/limit"
)

// Limits and control bytes of LZMA2 chunks.
const (
	chunkUnpacked = 2 << 20 // most data in an LZMA chunk
	chunkPacked   = 1 << 16 // most bytes after its header; also of stored data
	chunkHeader   = 5       // without the properties byte
	// packetBytes is more than any packet can add: some 25 modelled bits at
	// 11 bits each, 26 direct bits, and what the coder holds back.
	packetBytes = 64

	controlEnd    = 0x00
	controlNew    = 0x01 // stored chunk, resets the dictionary
	controlStored = 0x02
	controlLZMA   = 0x80
)

// What an LZMA chunk resets before it starts, from bit 5 of its control byte.
const (
	keepAll = iota
	resetState
	resetProperties
	resetDictionary
)

// Encode2 returns src as an LZMA2 stream with its end byte. Data that does
// not become smaller is stored, so that the output is at most 3 bytes in 64 KiB
// larger than the input. src must be smaller than 2 GiB and p.LC+p.LP at
// most 4.
func Encode2(src []byte, p Params) ([]byte, error) {
	return flush.Whole(src, func(w io.Writer, src []byte) error { return Encode2To(w, src, p) })
}

// Encode2To is like Encode2, and writes the stream.
func Encode2To(w io.Writer, src []byte, p Params) error {
	p, err := p.normal()
	if err != nil {
		return err
	}
	if p.LC+p.LP > 4 {
		return fmt.Errorf("lzma: lc+lp is %d; LZMA2 allows at most 4", p.LC+p.LP)
	}
	if err := checkSize(src, p); err != nil {
		return err
	}
	e := newEncoder(src, p)
	defer e.scout.stop()
	reset := resetDictionary
	for e.pos < len(src) {
		if e.rc.out, err = flush.IfFull(w, e.rc.out); err != nil {
			return err
		}
		start, head := e.pos, len(e.rc.out)
		e.rc.out = append(e.rc.out, make([]byte, chunkHeader)...)
		if reset >= resetProperties {
			e.rc.out = append(e.rc.out, p.properties())
		}
		body := len(e.rc.out)
		e.sendChunk(body)
		unpacked, packed := e.pos-start, len(e.rc.out)-body
		if packed >= unpacked {
			e.rc.out = e.rc.out[:head]
			reset = e.store(start, reset)
			continue
		}
		h := e.rc.out[head:]
		h[0] = controlLZMA | byte(reset<<5) | byte((unpacked-1)>>16)
		binary.BigEndian.PutUint16(h[1:], uint16(unpacked-1))
		binary.BigEndian.PutUint16(h[3:], uint16(packed-1))
		reset = keepAll
	}
	_, err = w.Write(append(e.rc.out, controlEnd))
	return err
}

// sendChunk sends as many packets as fit in a chunk whose packed bytes begin
// at offset body of the output. A plan may go on in the next chunk.
func (e *encoder) sendChunk(body int) {
	start := e.pos
	e.rc.reset()
	for e.pos < len(e.src) && e.rc.pending(body) <= chunkPacked-packetBytes {
		k := e.nextPacket()
		if e.pos-start+int(k.n) > chunkUnpacked {
			break
		}
		e.send(k)
	}
	e.rc.flush()
}

// store replaces what sendChunk sent since start by stored chunks, as far as
// the match finder has looked ahead, because a plan depends on a state that
// is lost now. It returns what the next LZMA chunk must reset.
func (e *encoder) store(start, reset int) int {
	e.pos = max(e.pos, e.looked)
	control := byte(controlStored)
	if reset == resetDictionary {
		control = controlNew
	}
	for part := e.src[start:e.pos]; len(part) > 0; control = controlStored {
		n := min(len(part), chunkPacked)
		e.rc.out = append(e.rc.out, control, byte((n-1)>>8), byte(n-1))
		e.rc.out = append(e.rc.out, part[:n]...)
		part = part[n:]
	}
	e.restart()
	if reset >= resetProperties {
		return resetProperties
	}
	return resetState
}

// Decode2Prefix decodes the LZMA2 stream that src begins with and returns the
// data, at most limit bytes, and how many bytes of src the stream takes with
// its end byte. dictSize is the largest distance of a match, in bytes.
func Decode2Prefix(src []byte, dictSize, limit int64) (out []byte, consumed int64, err error) {
	buf := bounded.Buffer{Max: limit}
	consumed, err = Decode2To(&buf, src, dictSize, limit)
	out, err = buf.Done(err)
	return out, consumed, err
}

// Decode2To is like Decode2Prefix, and writes the data.
func Decode2To(w io.Writer, src []byte, dictSize, limit int64) (consumed int64, err error) {
	d := newDecoder(w, src, limit)
	d.dict = dictSize
	d.win.Reserve(dictSize, len(src))
	need := resetDictionary // the least reset that the next chunk must ask for
	at := 0
	for {
		if at >= len(src) {
			return 0, d.corrupt(at, "the LZMA2 stream ends without its end byte")
		}
		control := src[at]
		if control == controlEnd {
			return int64(at) + 1, d.win.Close()
		}
		if control < controlLZMA {
			if at, err = d.stored(at, &need); err != nil {
				return 0, err
			}
			continue
		}
		if at, err = d.chunk(at, need); err != nil {
			return 0, err
		}
		need = keepAll
	}
}

// stored copies the stored chunk at offset at and returns where it ends.
func (d *decoder) stored(at int, need *int) (int, error) {
	control := d.src[at]
	if control > controlStored {
		return 0, d.corrupt(at, "LZMA2 control byte 0x%02x is not defined", control)
	}
	if control == controlNew {
		d.start = d.win.Total()
		*need = resetProperties
	} else if *need == resetDictionary {
		return 0, d.corrupt(at, "the first LZMA2 chunk does not reset the dictionary")
	}
	// The decoder's state does not cover these bytes.
	*need = max(*need, resetState)
	if len(d.src)-at < 3 {
		return 0, d.corrupt(at, "the LZMA2 chunk header is cut off")
	}
	n := int(binary.BigEndian.Uint16(d.src[at+1:])) + 1
	at += 3
	if n > len(d.src)-at {
		return 0, d.corrupt(at, "a stored chunk of %d bytes is cut off", n)
	}
	if _, err := d.win.Pass(d.dict); err != nil {
		return 0, err
	}
	if err := d.room(n); err != nil {
		return 0, err
	}
	d.win.Out = append(d.win.Out, d.src[at:at+n]...)
	return at + n, nil
}

// chunk decodes the LZMA chunk at offset at and returns where it ends.
func (d *decoder) chunk(at, need int) (int, error) {
	h := d.src[at:]
	reset := int(h[0] >> 5 & 3)
	size := chunkHeader
	if reset >= resetProperties {
		size++
	}
	if len(h) < size {
		return 0, d.corrupt(at, "the LZMA2 chunk header is cut off")
	}
	if reset < need {
		return 0, d.corrupt(at, "LZMA2 control byte 0x%02x does not reset what must be reset here", h[0])
	}
	unpacked := int(h[0]&0x1f)<<16 + int(binary.BigEndian.Uint16(h[1:])) + 1
	packed := int(binary.BigEndian.Uint16(h[3:])) + 1
	if packed > len(h)-size {
		return 0, d.corrupt(at, "an LZMA chunk of %d bytes is cut off", packed)
	}
	if reset >= resetProperties {
		lc, lp, pb, ok := splitProperties(h[5])
		if !ok || lc+lp > 4 {
			return 0, d.corrupt(at+5, "LZMA2 properties 0x%02x are not valid", h[5])
		}
		d.model.init(lc, lp, pb)
	} else if reset == resetState {
		d.model.reset()
	}
	if reset >= resetState {
		d.context = context{}
	}
	if reset == resetDictionary {
		d.start = d.win.Total()
	}
	end := at + size + packed
	if !d.rc.start(d.src[:end], at+size) {
		return 0, d.corrupt(at+size, "the LZMA chunk does not begin with a valid range code")
	}
	if int64(unpacked) > d.win.Left() {
		return 0, d.tooLarge()
	}
	marker, err := d.run(d.win.Total() + int64(unpacked))
	if err != nil {
		return 0, err
	}
	d.rc.normalize()
	if marker || d.rc.code != 0 || d.rc.at != end || d.rc.short {
		return 0, d.corrupt(d.rc.at, "the LZMA chunk does not end with its data")
	}
	return end, nil
}
