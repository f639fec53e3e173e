// SPDX-License-Identifier: GPL-2.0-or-later

package lzma

import "slices"

// A packet is what one symbol of the stream stands for: a literal, or n bytes
// copied. code says from where: 0–3 is the index of a repeated distance
// (0 with n=1 is the short form), a larger value is the distance less one
// plus numReps.
type packet struct {
	code uint32
	n    int32
}

const literal = ^uint32(0)

// context is the part of the coder's state that packets determine by
// themselves: recent kinds and recent distances (less one).
type context struct {
	reps  [numReps]uint32
	state state
}

// apply returns the context after a packet.
func (c context) apply(code uint32, n int32) context {
	switch {
	case code == literal:
		c.state = afterLiteral[c.state]
	case code >= numReps:
		c.reps = [numReps]uint32{code - numReps, c.reps[0], c.reps[1], c.reps[2]}
		c.state = afterMatch[c.state]
	case code == 0 && n == 1:
		c.state = afterShortRep[c.state]
	default:
		d := c.reps[code]
		copy(c.reps[1:], c.reps[:code])
		c.reps[0] = d
		c.state = afterRep[c.state]
	}
	return c
}

// planSize is how many positions one plan may cover.
const planSize = 4096

// A node is a position within the plan and the cheapest known way there: a
// first packet and, when tail is not 0, a literal (unless the first
// packet is one) and a match of tail bytes at the latest distance. The
// combined ways let a plan see past a single differing byte, where the price
// of the literal alone would hide the cheap match behind it.
type node struct {
	price uint32
	code  uint32
	n     int32
	tail  int32
}

// span is how many bytes the way to the node covers.
func (a *node) span() int {
	switch {
	case a.tail == 0:
		return int(a.n)
	case a.code == literal:
		return int(1 + a.tail)
	}
	return int(a.n + 1 + a.tail)
}

// planner chooses packets: it finds the cheapest path from the present
// position to one where all paths meet, with the prices as they are now.
type planner struct {
	nodes  [planSize + 2*maxLen + 2]node
	before [planSize + 1]context // by node, valid once visited
	end    int                   // the furthest node with a way to it
	plan   []packet              // chosen, in reverse order
}

// reach makes nodes up to n known, without a way to them.
func (e *encoder) reach(n int) {
	for e.end < n {
		e.end++
		e.nodes[e.end].price = infinite
	}
}

// try records a way to node to when it is the cheapest so far.
func (e *encoder) try(to int, price, code uint32, n, tail int32) {
	if a := &e.nodes[to]; price < a.price {
		*a = node{price, code, n, tail}
	}
}

// makePlan fills e.plan with the packets to send next.
func (e *encoder) makePlan() {
	e.end = 0
	e.nodes[0].price = 0
	at := 0
	for {
		ctx := &e.before[at]
		if at == 0 {
			*ctx = e.context
		} else {
			*ctx = e.follow(at)
			if at == e.end || at == planSize {
				break
			}
		}
		p := e.pos + at
		e.look(p)
		limit := min(len(e.src)-p, maxLen)
		var repLens [numReps]int
		long := 0 // the repeated match of most bytes
		for k, d := range ctx.reps {
			if int64(d) < int64(p) && limit >= minLen {
				repLens[k] = commonLen(e.src, p-int(d)-1, p, 0, limit)
				if repLens[k] > repLens[long] {
					long = k
				}
			}
		}
		nice := e.nice
		var m match
		if len(e.matches) > 0 {
			m = e.matches[len(e.matches)-1]
		}
		if repLens[long] >= nice || int(m.n) >= nice {
			// Long enough to end the plan here and take it, first of all the
			// next time.
			if at > 0 {
				break
			}
			if repLens[long] >= nice {
				e.plan = append(e.plan[:0], packet{uint32(long), int32(repLens[long])})
				return
			}
			n := commonLen(e.src, p-int(m.dist)-1, p, int(m.n), limit)
			e.plan = append(e.plan[:0], packet{m.dist + numReps, int32(n)})
			return
		}
		e.visit(at, limit, &repLens)
		at++
	}

	e.plan = e.plan[:0]
	for at > 0 {
		a := &e.nodes[at]
		at -= a.span()
		if a.tail > 0 {
			e.plan = append(e.plan, packet{0, a.tail})
			if a.code != literal {
				e.plan = append(e.plan, packet{literal, 1})
			}
		}
		e.plan = append(e.plan, packet{a.code, a.n})
	}
	slices.Reverse(e.plan)
}

// follow returns the context at a node from that where its way began.
func (e *encoder) follow(at int) context {
	a := &e.nodes[at]
	c := e.before[at-a.span()].apply(a.code, a.n)
	if a.tail > 0 {
		if a.code != literal {
			c = c.apply(literal, 1)
		}
		c = c.apply(0, a.tail)
	}
	return c
}

// visit tries every packet that can follow the node at. limit is how many
// bytes a packet may cover, repLens how many each repeated distance offers.
func (e *encoder) visit(at, limit int, repLens *[numReps]int) {
	c := &e.before[at]
	p := e.pos + at
	ps := uint32(p) & e.posMask
	s := c.state
	base := e.nodes[at].price

	asMatch := base + price1(e.isMatch[s][ps])
	asRep := asMatch + price1(e.isRep[s])
	asNew := asMatch + price0(e.isRep[s])
	e.reach(at + 1)

	// A literal, alone or before more of the latest distance.
	cur := e.src[p]
	var prev byte
	if p > 0 {
		prev = e.src[p-1]
	}
	lit := e.literalAt(uint32(p), prev)
	price := base + price0(e.isMatch[s][ps])
	rep0 := int64(c.reps[0])
	hasRep0 := rep0 < int64(p)
	var repByte byte
	if hasRep0 {
		repByte = e.src[p-int(rep0)-1]
	}
	if s < firstMatched {
		price += lit.price(cur)
	} else {
		price += lit.priceMatched(cur, repByte)
	}
	e.try(at+1, price, literal, 1, 0)
	if hasRep0 {
		if repByte == cur {
			short := asRep + price0(e.isNotRep0[s]) + price0(e.isLongRep0[s][ps])
			e.try(at+1, short, 0, 1, 0)
		} else {
			e.tryTail(at, 0, price, literal, afterLiteral[s], int(rep0)+1)
		}
	}

	for k := range uint32(numReps) {
		n := repLens[k]
		if n < minLen {
			continue
		}
		e.reach(at + n)
		price := asRep + e.repPrice(k, s, ps)
		row := &e.prices.rep[ps]
		for m := n; m >= minLen; m-- {
			e.try(at+m, price+row[m], k, int32(m), 0)
		}
		e.tryLiteralTail(at, n, limit, price+row[n], k, afterRep[s], int(c.reps[k])+1)
	}

	n := minLen
	row := &e.prices.match[ps]
	for _, m := range e.matches {
		full := int(m.n)
		code := m.dist + numReps
		e.reach(at + full)
		for ; n < minLen+numLenStates-1 && n <= full; n++ {
			price := asNew + row[n] + e.prices.distance(n-minLen, m.dist)
			e.try(at+n, price, code, int32(n), 0)
		}
		far := asNew + e.prices.distance(numLenStates-1, m.dist)
		for ; n <= full; n++ {
			e.try(at+n, far+row[n], code, int32(n), 0)
		}
		price := asNew + row[full] + e.prices.distance(lenState(full), m.dist)
		e.tryLiteralTail(at, full, limit, price, code, afterMatch[s], int(m.dist)+1)
	}
}

// repPrice is the price of the choice among repeated distances, for
// more than a single byte.
func (e *encoder) repPrice(k uint32, s state, ps uint32) uint32 {
	if k == 0 {
		return price0(e.isNotRep0[s]) + price1(e.isLongRep0[s][ps])
	}
	price := price1(e.isNotRep0[s])
	if k == 1 {
		return price + price0(e.isNotRep1[s])
	}
	return price + price1(e.isNotRep1[s]) + priceBit(e.isNotRep2[s], k-2)
}

// tryLiteralTail tries a packet of n bytes with the given price, then a
// literal, then a match at the same distance back. s is the state after the
// packet.
func (e *encoder) tryLiteralTail(at, n, limit int, price, code uint32, s state, back int) {
	p := e.pos + at + n
	if n+1+minLen > limit || e.src[p+1] != e.src[p+1-back] || e.src[p+2] != e.src[p+2-back] {
		return
	}
	ps := uint32(p) & e.posMask
	price += price0(e.isMatch[s][ps])
	price += e.literalAt(uint32(p), e.src[p-1]).priceMatched(e.src[p], e.src[p-back])
	e.tryTail(at, n, price, code, afterLiteral[s], back)
}

// tryTail tries a match at distance back after a literal that lies n bytes
// after the node at. price and s are those after the literal; code is that of
// the packet of n bytes, or literal.
func (e *encoder) tryTail(at, n int, price, code uint32, s state, back int) {
	p := e.pos + at + n + 1
	limit := min(len(e.src)-p, e.nice)
	if limit < minLen {
		return
	}
	tail := commonLen(e.src, p-back, p, 0, limit)
	if tail < minLen {
		return
	}
	ps := uint32(p) & e.posMask
	price += price1(e.isMatch[s][ps]) + price1(e.isRep[s]) + e.repPrice(0, s, ps) + e.prices.rep[ps][tail]
	to := at + n + 1 + tail
	e.reach(to)
	e.try(to, price, code, int32(max(n, 1)), int32(tail))
}
