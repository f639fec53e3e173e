// SPDX-License-Identifier: GPL-2.0-or-later

package lzma

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"

	bounded "binman/codec/internal/limit"
	"binman/codec/internal/lz77"
)

// Decode decodes an LZMA alone file that fills src. It fails with ErrTooLarge
// when the data is longer than limit bytes, and with ErrCorrupt when src is
// malformed, cut off, or goes on after the stream.
func Decode(src []byte, limit int64) ([]byte, error) {
	out, n, err := DecodePrefix(src, limit)
	if err != nil {
		return nil, err
	}
	if n != int64(len(src)) {
		return nil, fmt.Errorf("lzma: at offset %d: %w: %d bytes follow the stream",
			n, ErrCorrupt, int64(len(src))-n)
	}
	return out, nil
}

// DecodePrefix is like Decode for a file that src only begins with. It also
// returns how many bytes of src the file takes.
func DecodePrefix(src []byte, limit int64) (out []byte, consumed int64, err error) {
	buf := bounded.Buffer{Max: limit}
	consumed, err = DecodeTo(&buf, src, limit)
	out, err = buf.Done(err)
	return out, consumed, err
}

// DecodeTo is like DecodePrefix, and writes the data.
//
// It needs memory for a dictionary, which grows as data appears, and for the contexts
// of literals that really come up: at most 1.5 KiB for each of those that the header's
// lc and lp ask for, 6 MiB in all.
func DecodeTo(w io.Writer, src []byte, limit int64) (consumed int64, err error) {
	d := newDecoder(w, src, limit)
	if len(src) < headerSize {
		return 0, d.corrupt(len(src), "the LZMA header is cut off")
	}
	lc, lp, pb, ok := splitProperties(src[0])
	if !ok {
		return 0, d.corrupt(0, "LZMA properties 0x%02x are not valid", src[0])
	}
	d.dict = max(int64(binary.LittleEndian.Uint32(src[1:])), minDict)
	d.win.Reserve(d.dict, len(src))
	size := binary.LittleEndian.Uint64(src[5:])
	known := size != math.MaxUint64
	if known && size > uint64(max(limit, 0)) {
		return 0, fmt.Errorf("lzma: %w: the header says %d bytes, the limit is %d",
			ErrTooLarge, size, limit)
	}
	if !d.rc.start(src, headerSize) {
		return 0, d.corrupt(headerSize, "the LZMA stream does not begin with a valid range code")
	}
	d.model.init(lc, lp, pb)
	end := int64(math.MaxInt64)
	if known {
		end = int64(size)
	}
	marker, err := d.run(end)
	if err != nil {
		return 0, err
	}
	d.rc.normalize()
	if !marker && d.rc.code != 0 {
		// The specification allows an end marker after a known size too.
		if marker, err = d.packet(end); err != nil {
			return 0, err
		}
		if !marker {
			return 0, d.corrupt(d.rc.at, "the LZMA stream goes on after the %d bytes the header says", size)
		}
		d.rc.normalize()
	}
	switch {
	case d.rc.short:
		return 0, d.corrupt(d.rc.at, "the LZMA stream is cut off")
	case d.rc.code != 0:
		return 0, d.corrupt(d.rc.at, "the LZMA stream does not end with a finished range code")
	case known && d.win.Total() != end:
		return 0, d.corrupt(d.rc.at, "the LZMA stream ends after %d bytes, the header says %d", d.win.Total(), size)
	}
	return int64(d.rc.at), d.win.Close()
}

// splitProperties unpacks lc, lp and pb.
func splitProperties(b byte) (lc, lp, pb int, ok bool) {
	v := int(b)
	return v % 9, v / 9 % 5, v / 45, v < 9*5*5
}

// decoder puts what a stream decodes to into a window, which is the dictionary too.
type decoder struct {
	model
	context
	rc    rangeDecoder
	src   []byte
	win   bounded.Window
	start int64 // where in all of the data the dictionary was reset
	dict  int64 // largest distance
}

func newDecoder(w io.Writer, src []byte, limit int64) *decoder {
	return &decoder{src: src, win: bounded.NewWindow(w, min(max(limit, 0), math.MaxInt-maxLen))}
}

// corrupt returns an error about the input at the given offset.
func (d *decoder) corrupt(at int, format string, args ...any) error {
	return fmt.Errorf("lzma: at offset %d: %w: %s", at, ErrCorrupt, fmt.Sprintf(format, args...))
}

// room makes sure that n more bytes fit, in the limit and in memory.
func (d *decoder) room(n int) error {
	if err := d.win.Make(n); err != nil {
		return d.tooLarge()
	}
	return nil
}

func (d *decoder) tooLarge() error {
	return fmt.Errorf("lzma: %w: more than %d bytes", ErrTooLarge, d.win.Limit())
}

// run decodes packets until there are end bytes, or reports that the end marker came
// first.
func (d *decoder) run(end int64) (marker bool, err error) {
	for d.win.Total() < end && !marker {
		if _, err = d.win.Pass(d.dict); err != nil {
			return false, err
		}
		marker, err = d.packet(end)
		if err != nil {
			return false, err
		}
	}
	return marker, nil
}

// packet decodes one packet, after which there may be up to end bytes, or reports
// that it is the end marker.
func (d *decoder) packet(end int64) (marker bool, err error) {
	m, rc := &d.model, &d.rc
	pos := uint32(d.win.Total() - d.start)
	ps := pos & m.posMask
	s := d.state
	if rc.bit(&m.isMatch[s][ps]) == 0 {
		if d.win.Total() == end {
			return false, nil // the caller expects the marker and nothing else
		}
		if err := d.room(1); err != nil {
			return false, err
		}
		b, err := d.literal(pos)
		if err != nil {
			return false, err
		}
		d.win.Out = append(d.win.Out, b)
		d.state = afterLiteral[s]
		return false, d.check()
	}
	n := 1
	if rc.bit(&m.isRep[s]) == 0 {
		n = rc.length(&m.match, ps)
		dist := d.distance(lenState(n))
		if dist == math.MaxUint32 {
			return true, d.check()
		}
		d.reps = [numReps]uint32{dist, d.reps[0], d.reps[1], d.reps[2]}
		d.state = afterMatch[s]
	} else {
		k := d.whichRep(s, ps)
		if k < numReps {
			n = rc.length(&m.rep, ps)
		} else {
			k = 0
		}
		d.context = d.context.apply(k, int32(n))
	}
	if err := d.check(); err != nil {
		return false, err
	}
	if err := d.reachable(); err != nil {
		return false, err
	}
	if int64(n) > end-d.win.Total() {
		return false, d.corrupt(rc.at, "a match of %d bytes goes past the end of the data at %d", n, end)
	}
	if err := d.room(n); err != nil {
		return false, err
	}
	d.win.Out = lz77.AppendMatch(d.win.Out, int(d.reps[0])+1, n)
	return false, nil
}

// check fails when the last packet used bytes after the end of input.
func (d *decoder) check() error {
	if d.rc.short {
		return d.corrupt(d.rc.at, "the LZMA stream is cut off")
	}
	return nil
}

// reachable fails when the latest distance leads out of the dictionary.
func (d *decoder) reachable() error {
	dist := int64(d.reps[0])
	if have := d.win.Total() - d.start; dist >= have || dist >= d.dict {
		return d.corrupt(d.rc.at, "match distance %d with %d bytes of data and a dictionary of %d",
			dist+1, have, d.dict)
	}
	return nil
}

func (d *decoder) literal(pos uint32) (byte, error) {
	var prev byte
	if pos > 0 {
		prev = d.win.Out[len(d.win.Out)-1]
	}
	lit := d.literalAt(pos, prev)
	if d.state < firstMatched {
		return byte(d.rc.tree(lit[:0x100], 8)), nil
	}
	// A chunk boundary may have moved what the distance refers to.
	if err := d.reachable(); err != nil {
		return 0, err
	}
	match := uint32(d.win.Out[len(d.win.Out)-int(d.reps[0])-1])
	return byte(d.rc.matched(lit, match)), nil
}

// whichRep returns the index of a repeated distance, or numReps for the
// short form of the first.
func (d *decoder) whichRep(s state, ps uint32) uint32 {
	m, rc := &d.model, &d.rc
	if rc.bit(&m.isNotRep0[s]) == 0 {
		if rc.bit(&m.isLongRep0[s][ps]) == 0 {
			return numReps
		}
		return 0
	}
	if rc.bit(&m.isNotRep1[s]) == 0 {
		return 1
	}
	return 2 + rc.bit(&m.isNotRep2[s])
}

func (d *decoder) distance(ls int) uint32 {
	slot := d.rc.tree(d.slot[ls][:], 6)
	if slot < firstModelled {
		return slot
	}
	base, n := slotBase(slot)
	if slot < endModelled {
		return base + d.rc.reverse(d.special[base-slot:], n)
	}
	high := d.rc.direct(n - alignBits)
	return base + high<<alignBits + d.rc.reverse(d.align[:], alignBits)
}

func (r *rangeDecoder) length(m *lenModel, ps uint32) int {
	if r.bit(&m.choice) == 0 {
		return minLen + int(r.tree(m.low[ps][:], 3))
	}
	if r.bit(&m.choice2) == 0 {
		return minLen + 8 + int(r.tree(m.mid[ps][:], 3))
	}
	return minLen + 16 + int(r.tree(m.high[:], 8))
}
