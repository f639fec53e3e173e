// SPDX-License-Identifier: GPL-2.0-or-later

package lzma

// topRange is the range below which a coder moves on by one byte.
const topRange = 1 << 24

// rangeEncoder turns bits with probabilities into bytes appended to out.
type rangeEncoder struct {
	out []byte
	low uint64 // 33 bits: the lowest code value of the current interval
	rng uint32
	// held is the last byte whose value a carry may still change, and run the
	// number of bytes (it and the 0xff after it) that wait for that.
	held byte
	run  int64
}

func (r *rangeEncoder) reset() {
	r.low, r.rng, r.held, r.run = 0, 0xffffffff, 0, 1
}

// pending is how many bytes the encoder will have written since reset when
// it is flushed now, given that start bytes were in out at the reset.
func (r *rangeEncoder) pending(start int) int64 {
	return int64(len(r.out)-start) + r.run + 4
}

func (r *rangeEncoder) bit(prob *uint16, bit uint32) {
	p := uint32(*prob)
	bound := r.rng >> probBits * p
	if bit == 0 {
		r.rng = bound
		*prob = uint16(p + (1<<probBits-p)>>probShift)
	} else {
		r.low += uint64(bound)
		r.rng -= bound
		*prob = uint16(p - p>>probShift)
	}
	if r.rng < topRange {
		r.rng <<= 8
		r.shift()
	}
}

// direct writes the n low bits of v, highest first, as equally likely.
func (r *rangeEncoder) direct(v uint32, n uint) {
	for n > 0 {
		n--
		r.rng >>= 1
		if v>>n&1 != 0 {
			r.low += uint64(r.rng)
		}
		if r.rng < topRange {
			r.rng <<= 8
			r.shift()
		}
	}
}

// tree writes the n low bits of v, highest first, with a bit tree.
func (r *rangeEncoder) tree(probs []uint16, v uint32, n uint) {
	at := uint32(1)
	for n > 0 {
		n--
		bit := v >> n & 1
		r.bit(&probs[at], bit)
		at = at<<1 | bit
	}
}

// reverse writes the n low bits of v, lowest first, with a bit tree.
func (r *rangeEncoder) reverse(probs []uint16, v uint32, n uint) {
	at := uint32(1)
	for ; n > 0; n-- {
		bit := v & 1
		v >>= 1
		r.bit(&probs[at], bit)
		at = at<<1 | bit
	}
}

// shift moves the top byte of low out, resolving a carry into bytes held.
func (r *rangeEncoder) shift() {
	if top := r.low >> 24; top != 0xff {
		carry := byte(top >> 8)
		r.out = append(r.out, r.held+carry)
		for ; r.run > 1; r.run-- {
			r.out = append(r.out, 0xff+carry)
		}
		r.run = 0
		r.held = byte(top)
	}
	r.run++
	r.low = r.low << 8 & 0xffffffff
}

func (r *rangeEncoder) flush() {
	for range 5 {
		r.shift()
	}
}

// rangeDecoder is the inverse. Bytes past the end read as 0 and set short.
type rangeDecoder struct {
	in    []byte
	at    int
	rng   uint32
	code  uint32
	short bool
}

// start reads the five bytes that begin a stream at offset at of in. It
// reports whether they are possible.
func (r *rangeDecoder) start(in []byte, at int) bool {
	*r = rangeDecoder{in: in, at: at, rng: 0xffffffff}
	first := r.next()
	for range 4 {
		r.code = r.code<<8 | r.next()
	}
	return first == 0 && r.code != r.rng
}

func (r *rangeDecoder) next() uint32 {
	if uint(r.at) >= uint(len(r.in)) {
		r.short = true
		return 0
	}
	b := r.in[r.at]
	r.at++
	return uint32(b)
}

// wide returns a range that is wide enough for another bit, and its code.
func (r *rangeDecoder) wide(rng, code uint32) (newRange, newCode uint32) {
	if rng < topRange {
		return rng << 8, code<<8 | r.next()
	}
	return rng, code
}

func (r *rangeDecoder) normalize() { r.rng, r.code = r.wide(r.rng, r.code) }

func (r *rangeDecoder) bit(prob *uint16) uint32 {
	r.normalize()
	p := uint32(*prob)
	bound := r.rng >> probBits * p
	if r.code < bound {
		r.rng = bound
		*prob = uint16(p + (1<<probBits-p)>>probShift)
		return 0
	}
	r.rng -= bound
	r.code -= bound
	*prob = uint16(p - p>>probShift)
	return 1
}

func (r *rangeDecoder) direct(n uint) uint32 {
	rng, code := r.rng, r.code
	v := uint32(0)
	for range n {
		rng, code = r.wide(rng, code)
		rng >>= 1
		one := uint32((uint64(rng) - uint64(code) - 1) >> 32) // as in decide
		code -= one & rng
		v = v<<1 - one
	}
	r.rng, r.code = rng, code
	return v
}

// probTurn is what a probability goes towards after a zero less what it does after a one, where
// it becomes p - p>>probShift: p + (1<<probShift - 1 - p)>>probShift is the same.
const probTurn = 1<<probBits - (1<<probShift - 1)

// decide is bit without branches, for bits that nobody can predict. It returns all ones for a one.
// range and code are arguments, so that they stay in registers from one bit to the next.
func decide(rng, code uint32, prob *uint16) (one, newRange, newCode uint32) {
	p := uint32(*prob)
	bound := rng >> probBits * p
	one = uint32((uint64(bound) - uint64(code) - 1) >> 32)
	*prob = uint16(p + uint32(int32(1<<probBits-p-one&probTurn)>>probShift))
	return one, bound + one&(rng-2*bound), code - one&bound
}

func (r *rangeDecoder) tree(probs []uint16, n uint) uint32 {
	rng, code := r.rng, r.code
	at := uint32(1)
	for range n {
		rng, code = r.wide(rng, code)
		var one uint32
		one, rng, code = decide(rng, code, &probs[at])
		at = at<<1 - one
	}
	r.rng, r.code = rng, code
	return at - 1<<n
}

// matched is tree for the eight bits of a literal where another byte was likely: other
// probabilities apply as long as its bits are the same.
func (r *rangeDecoder) matched(probs *literalModel, likely uint32) uint32 {
	rng, code := r.rng, r.code
	at, same := uint32(1), uint32(0x100)
	for at < 0x100 {
		likely <<= 1
		rng, code = r.wide(rng, code)
		var one uint32
		one, rng, code = decide(rng, code, &probs[same+likely&same+at])
		at = at<<1 - one
		same &= ^(likely ^ one<<8)
	}
	r.rng, r.code = rng, code
	return at
}

func (r *rangeDecoder) reverse(probs []uint16, n uint) uint32 {
	rng, code := r.rng, r.code
	at, v := uint32(1), uint32(0)
	for i := range n {
		rng, code = r.wide(rng, code)
		var one uint32
		one, rng, code = decide(rng, code, &probs[at])
		at = at<<1 - one
		v |= one & (1 << i)
	}
	r.rng, r.code = rng, code
	return v
}
