// SPDX-License-Identifier: GPL-2.0-or-later

package lzma

import (
	"math"
	"testing"
)

// The range coder must carry into bytes already produced, through runs of
// 0xff; lopsided probabilities and long runs of one bit bring that about.
func TestRangeCoder(t *testing.T) {
	const count = 200_000
	type step struct {
		prob uint16 // 0 means a direct bit
		bit  uint32
	}
	d := dice(11)
	steps := make([]step, count)
	for i := range steps {
		s := &steps[i]
		switch d.below(4) {
		case 0:
			s.bit = uint32(d.below(2))
			continue
		case 1:
			s.prob = 31
		case 2:
			s.prob = 2017
		case 3:
			s.prob = uint16(31 + d.below(1987))
		}
		// Mostly the end of the interval where carries start.
		s.bit = 1
		if d.below(8) == 0 {
			s.bit = 0
		}
	}
	var e rangeEncoder
	e.reset()
	carries := 0
	for _, s := range steps {
		if e.run > 1 {
			carries++
		}
		if s.prob == 0 {
			e.direct(s.bit, 1)
			continue
		}
		p := s.prob
		e.bit(&p, s.bit)
	}
	pending := e.pending(0)
	e.flush()
	if int64(len(e.out)) != pending {
		t.Errorf("pending said %d, flush made %d", pending, len(e.out))
	}
	if carries == 0 {
		t.Error("no byte ever waited for a carry: the test is too tame")
	}
	var r rangeDecoder
	if !r.start(e.out, 0) {
		t.Fatal("start refuses the stream")
	}
	for i, s := range steps {
		var got uint32
		if s.prob == 0 {
			got = r.direct(1)
		} else {
			p := s.prob
			got = r.bit(&p)
		}
		if got != s.bit {
			t.Fatalf("bit %d is %d, want %d", i, got, s.bit)
		}
	}
	r.normalize()
	if r.at != len(e.out) || r.code != 0 || r.short {
		t.Errorf("ends at %d of %d with code %d", r.at, len(e.out), r.code)
	}
}

// All that the finder returns must be true, and with unlimited depth it must
// be best: no earlier place in the window is nearer for its length, and
// none is longer.
func TestFinder(t *testing.T) {
	d := dice(12)
	for _, test := range []struct {
		name    string
		symbols int
		window  int64
		nice    int
	}{
		{"two symbols", 2, 300, 20},
		{"three symbols, window larger than data", 3, 5000, 273},
		{"five symbols, tiny window", 5, 17, 8},
		{"many symbols", 90, 1000, 64},
		{"one symbol", 1, 100, 32},
	} {
		t.Run(test.name, func(t *testing.T) {
			src := make([]byte, 3000)
			for i := range src {
				src[i] = byte(d.below(test.symbols))
				if i > 60 && d.below(40) == 0 {
					copy(src[i-30:i], src[i-60:])
				}
			}
			f := newFinder(src, test.window, test.nice, math.MaxInt)
			for p := 0; p < len(src); p++ {
				if f.pos != p {
					t.Fatalf("finder is at %d, want %d", f.pos, p)
				}
				checkMatches(t, f, p, test.window)
			}
		})
	}
}

func checkMatches(t *testing.T, f *finder, p int, window int64) {
	t.Helper()
	limit := min(len(f.src)-p, f.nice)
	// nearest[n] is the smallest distance of a match of at least n bytes.
	var nearest [maxLen + 1]int
	longest := 0
	for dist := 1; dist <= p && int64(dist) <= window; dist++ {
		n := 0
		for n < limit && f.src[p-dist+n] == f.src[p+n] {
			n++
		}
		for ; longest < n; longest++ {
			nearest[longest+1] = dist
		}
	}
	found := f.next(nil)
	last := 0
	for _, m := range found {
		n, dist := int(m.n), int(m.dist)+1
		if n <= last || n > limit {
			t.Fatalf("at %d: length %d after %d, limit %d", p, n, last, limit)
		}
		last = n
		if nearest[n] == 0 {
			t.Fatalf("at %d: no match of %d bytes exists, found one at distance %d", p, n, dist)
		}
		if nearest[n] != dist && n > 3 {
			t.Fatalf("at %d: match of %d bytes at distance %d, nearest is %d", p, n, dist, nearest[n])
		}
	}
	if last != longest && longest >= 4 {
		t.Fatalf("at %d: longest match has %d bytes, found %d", p, longest, last)
	}
}

func TestPrices(t *testing.T) {
	for prob := uint16(31); prob <= 2017; prob++ {
		for bit, got := range []uint32{price0(prob), price1(prob)} {
			p := float64(prob) / 2048
			if bit == 1 {
				p = 1 - p
			}
			want := -math.Log2(p) * priceScale
			// The table knows probabilities to 1/256.
			if slack := 1 + 4/2048.0/p/math.Ln2*priceScale*1.2; math.Abs(float64(got)-want) > slack {
				t.Errorf("price of %d with probability %d/2048 of 0 is %d, want %.1f ± %.1f",
					bit, prob, got, want, slack)
			}
			if uint32(got) != priceBit(prob, uint32(bit)) {
				t.Errorf("priceBit(%d, %d) is %d, not %d", prob, bit, priceBit(prob, uint32(bit)), got)
			}
		}
	}
}

// A price computed for a whole symbol must be the sum over the bits that the
// encoder writes, which a decoder with the same model counts here.
func TestSymbolPrices(t *testing.T) {
	d := dice(13)
	var m model
	m.init(3, 0, 2)
	scramble := func(probs []uint16) {
		for i := range probs {
			probs[i] = uint16(31 + d.below(1987))
		}
	}
	lit := m.literalAt(0, 0)
	scramble(lit[:])
	scramble(m.align[:])
	scramble(m.special[:])
	for i := range m.slot {
		scramble(m.slot[i][:])
	}
	scramble(m.match.high[:])
	for i := range m.match.low {
		scramble(m.match.low[i][:])
		scramble(m.match.mid[i][:])
	}
	m.match.choice, m.match.choice2 = 700, 1500

	tree := func(probs []uint16, v uint32, n uint) (total uint32) {
		for at := uint32(1); n > 0; {
			n--
			total += priceBit(probs[at], v>>n&1)
			at = at<<1 | v>>n&1
		}
		return total
	}
	for sym := range 256 {
		if got, want := lit.price(byte(sym)), tree(lit[:], uint32(sym), 8); got != want {
			t.Errorf("price of literal %d is %d, want %d", sym, got, want)
		}
		match := byte(d.below(256))
		want, at, differs := uint32(0), uint32(1), false
		for i := 7; i >= 0; i-- {
			bit, mbit := uint32(sym)>>i&1, uint32(match)>>i&1
			if differs {
				want += priceBit(lit[at], bit)
			} else {
				want += priceBit(lit[(1+mbit)<<8+at], bit)
			}
			differs = differs || bit != mbit
			at = at<<1 | bit
		}
		if got := lit.priceMatched(byte(sym), match); got != want {
			t.Errorf("price of literal %d after %d is %d, want %d", sym, match, got, want)
		}
	}

	var p prices
	p.update(&m)
	for n := minLen; n <= maxLen; n++ {
		for ps := range 4 {
			v := uint32(n - minLen)
			var want uint32
			switch {
			case v < 8:
				want = price0(m.match.choice) + tree(m.match.low[ps][:], v, 3)
			case v < 16:
				want = price1(m.match.choice) + price0(m.match.choice2) + tree(m.match.mid[ps][:], v-8, 3)
			default:
				want = price1(m.match.choice) + price1(m.match.choice2) + tree(m.match.high[:], v-16, 8)
			}
			if got := p.match[ps][n]; got != want {
				t.Errorf("price of length %d at %d is %d, want %d", n, ps, got, want)
			}
		}
	}
	for _, dist := range []uint32{0, 1, 3, 4, 5, 6, 7, 8, 95, 96, 127, 128, 129, 191, 192, 1000, 65535, 1 << 20, 3<<29 - 1} {
		slot := distSlot(dist)
		want := tree(m.slot[1][:], slot, 6)
		if slot >= firstModelled {
			base, n := slotBase(slot)
			if dist < base || dist-base >= 1<<n {
				t.Fatalf("distance %d is not in its slot %d", dist, slot)
			}
			if slot < endModelled {
				want += reversePrice(m.special[base-slot:], dist-base, n)
			} else {
				want += uint32(n-alignBits)*priceScale + reversePrice(m.align[:], dist&15, alignBits)
			}
		}
		if got := p.distance(1, dist); got != want {
			t.Errorf("price of distance %d is %d, want %d", dist, got, want)
		}
	}
}
