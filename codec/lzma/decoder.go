// SPDX-License-Identifier: GPL-2.0-or-later

package lzma

import (
	"encoding/binary"
	"fmt"
	"math"
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
//
// Besides output, which grows as data appears and never above limit, it needs
// memory for the contexts of literals that really come up: at most 1.5 KiB for
// each of those that the header's lc and lp ask for, 6 MiB in all.
func DecodePrefix(src []byte, limit int64) (out []byte, consumed int64, err error) {
	d := newDecoder(src, limit)
	if len(src) < headerSize {
		return nil, 0, d.corrupt(len(src), "the LZMA header is cut off")
	}
	lc, lp, pb, ok := splitProperties(src[0])
	if !ok {
		return nil, 0, d.corrupt(0, "LZMA properties 0x%02x are not valid", src[0])
	}
	d.dict = max(int64(binary.LittleEndian.Uint32(src[1:])), minDict)
	size := binary.LittleEndian.Uint64(src[5:])
	known := size != math.MaxUint64
	if known && size > uint64(max(limit, 0)) {
		return nil, 0, fmt.Errorf("lzma: %w: the header says %d bytes, the limit is %d",
			ErrTooLarge, size, limit)
	}
	if !d.rc.start(src, headerSize) {
		return nil, 0, d.corrupt(headerSize, "the LZMA stream does not begin with a valid range code")
	}
	d.model.init(lc, lp, pb)
	end := math.MaxInt
	if known {
		end = int(size)
	}
	marker, err := d.run(end)
	if err != nil {
		return nil, 0, err
	}
	d.rc.normalize()
	if !marker && d.rc.code != 0 {
		// The specification allows an end marker after a known size too.
		if marker, err = d.packet(end); err != nil {
			return nil, 0, err
		}
		if !marker {
			return nil, 0, d.corrupt(d.rc.at, "the LZMA stream goes on after the %d bytes the header says", size)
		}
		d.rc.normalize()
	}
	switch {
	case d.rc.short:
		return nil, 0, d.corrupt(d.rc.at, "the LZMA stream is cut off")
	case d.rc.code != 0:
		return nil, 0, d.corrupt(d.rc.at, "the LZMA stream does not end with a finished range code")
	case known && len(d.out) != end:
		return nil, 0, d.corrupt(d.rc.at, "the LZMA stream ends after %d bytes, the header says %d", len(d.out), size)
	}
	return d.out, int64(d.rc.at), nil
}

// splitProperties unpacks lc, lp and pb.
func splitProperties(b byte) (lc, lp, pb int, ok bool) {
	v := int(b)
	return v % 9, v / 9 % 5, v / 45, v < 9*5*5
}

// decoder appends what a stream decodes to to out, which is the dictionary
// too.
type decoder struct {
	model
	context
	rc    rangeDecoder
	src   []byte
	out   []byte
	start int   // where in out the dictionary was reset
	dict  int64 // largest distance
	limit int64
}

func newDecoder(src []byte, limit int64) *decoder {
	return &decoder{src: src, limit: min(max(limit, 0), math.MaxInt-maxLen)}
}

// corrupt returns an error about the input at the given offset.
func (d *decoder) corrupt(at int, format string, args ...any) error {
	return fmt.Errorf("lzma: at offset %d: %w: %s", at, ErrCorrupt, fmt.Sprintf(format, args...))
}

// room makes sure that n more bytes fit, in the limit and in memory. Memory
// at least doubles each time, but follows what has been decoded, not what a
// header says.
func (d *decoder) room(n int) error {
	need := int64(len(d.out)) + int64(n)
	if need > d.limit {
		return fmt.Errorf("lzma: %w: more than %d bytes", ErrTooLarge, d.limit)
	}
	if need > int64(cap(d.out)) {
		size := min(max(need, 2*int64(cap(d.out)), 1<<14), d.limit)
		d.out = append(make([]byte, 0, size), d.out...)
	}
	return nil
}

// run decodes packets until out has end bytes, or reports that the end
// marker came first.
func (d *decoder) run(end int) (marker bool, err error) {
	for len(d.out) < end && !marker {
		marker, err = d.packet(end)
		if err != nil {
			return false, err
		}
	}
	return marker, nil
}

// packet decodes one packet, which may extend out up to end bytes, or reports
// that it is the end marker.
func (d *decoder) packet(end int) (marker bool, err error) {
	m, rc := &d.model, &d.rc
	pos := uint32(len(d.out) - d.start)
	ps := pos & m.posMask
	s := d.state
	if rc.bit(&m.isMatch[s][ps]) == 0 {
		if len(d.out) == end {
			return false, nil // the caller expects the marker and nothing else
		}
		if err := d.room(1); err != nil {
			return false, err
		}
		b, err := d.literal(pos)
		if err != nil {
			return false, err
		}
		d.out = append(d.out, b)
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
	if n > end-len(d.out) {
		return false, d.corrupt(rc.at, "a match of %d bytes goes past the end of the data at %d", n, end)
	}
	if err := d.room(n); err != nil {
		return false, err
	}
	back := int(d.reps[0]) + 1
	for n > 0 {
		// Copied bytes may serve as source of the next ones.
		from := len(d.out) - back
		part := d.out[from:min(from+n, len(d.out))]
		d.out = append(d.out, part...)
		n -= len(part)
	}
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
	if have := int64(len(d.out) - d.start); dist >= have || dist >= d.dict {
		return d.corrupt(d.rc.at, "match distance %d with %d bytes of data and a dictionary of %d",
			dist+1, have, d.dict)
	}
	return nil
}

func (d *decoder) literal(pos uint32) (byte, error) {
	var prev byte
	if pos > 0 {
		prev = d.out[len(d.out)-1]
	}
	lit := d.literalAt(pos, prev)
	if d.state < firstMatched {
		return byte(d.rc.tree(lit[:0x100], 8)), nil
	}
	// A chunk boundary may have moved what the distance refers to.
	if err := d.reachable(); err != nil {
		return 0, err
	}
	match := uint32(d.out[len(d.out)-int(d.reps[0])-1])
	at, same := uint32(1), uint32(0x100)
	for at < 0x100 {
		match <<= 1
		bit := d.rc.bit(&lit[same+match&same+at])
		at = at<<1 | bit
		same &= ^(match ^ bit<<8)
	}
	return byte(at), nil
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
