// SPDX-License-Identifier: GPL-2.0-or-later

package report

import (
	"fmt"
	"math"
)

// plan decides the heights of boxes. The unit is that of the drawing: a row
// of a terminal, a pixel.
type plan struct {
	min      float64 // height of the smallest box
	overMin  float64 // height of the smallest box that lies over others
	overTop  float64 // how far below the start of the box under it that is at least
	gapLimit float64 // height of the highest free space
	whole    bool    // heights are whole numbers
	scale    float64 // units for each byte of the image

	at map[*Box]place
}

// place is where a box is drawn, and how true to the scale.
type place struct {
	y, h     float64
	enlarged bool // to be seen
	broken   bool // cut short
}

// newPlan arranges the root in about the given height, more if that is too
// small for all its boxes. Nothing is drawn more than eight times as high as
// it would be if free space were not cut short.
func newPlan(root *Box, height float64, p plan) *plan {
	p.at = map[*Box]place{}
	lowest := p.height(root, 0, p.min, nil)
	height = max(height, lowest*1.25)
	low, high := 0.0, 8*height/float64(max(root.Hi-root.Lo, 1))
	if p.height(root, high, p.min, nil) > height {
		for range 60 {
			mid := (low + high) / 2
			if p.height(root, mid, p.min, nil) > height {
				high = mid
			} else {
				low = mid
			}
		}
	} else {
		low = high
	}
	p.scale = low
	p.height(root, low, p.min, &p)
	p.arrange(root, 0)
	return &p
}

// height returns how high a box is at a scale, and at least least if it holds
// no others. It notes the heights of the box and of all it holds in note, if
// that is not nil.
func (p *plan) height(b *Box, scale, least float64, note *plan) float64 {
	exact := scale * float64(b.Hi-b.Lo)
	pl := place{h: exact}
	if len(b.Children) > 0 {
		inner := scale
		if b.Space > 0 {
			inner = exact / float64(b.Space)
		}
		over := overlays(b)
		pl.h = 0
		for i, c := range b.Children {
			// What lies over an entry needs room to be seen.
			pl.h += p.height(c, inner, p.min+float64(over[i])*p.overMin, note)
		}
	} else {
		if b.Kind == KindFree && pl.h > p.gapLimit {
			pl.h, pl.broken = p.gapLimit, true
		}
		if p.whole {
			pl.h = math.Round(pl.h)
		}
		pl.h = max(pl.h, least)
		pl.enlarged = pl.h > 1.5*exact && !pl.broken
	}
	if note != nil {
		note.at[b] = pl
	}
	return pl.h
}

// overlays counts, for each child, the boxes over it that start in it.
func overlays(b *Box) map[int]int {
	if len(b.Over) == 0 {
		return nil
	}
	count := map[int]int{}
	i := 0
	for _, o := range b.Over {
		for i < len(b.Children)-1 && b.Children[i].Hi <= o.Lo {
			i++
		}
		count[i]++
	}
	return count
}

// arrange decides where the box and all it holds are, from their heights.
func (p *plan) arrange(b *Box, y float64) {
	pl := p.at[b]
	pl.y = y
	p.at[b] = pl
	for _, c := range b.Children {
		p.arrange(c, y)
		y += p.at[c].h
	}
	end := pl.y + pl.h
	free := pl.y // where the next box over others may start
	for i, o := range b.Over {
		top, bottom := p.y(b, o.Lo), p.y(b, o.Hi)
		top = max(top, free, p.at[b.under(o.Lo)].y+p.overTop)
		// Leave room for those that follow.
		top = max(pl.y, min(top, end-float64(len(b.Over)-i)*p.overMin))
		h := max(bottom-top, p.overMin)
		if p.whole {
			top, h = math.Round(top), math.Round(h)
		}
		h = max(min(h, end-top), 0)
		p.at[o] = place{y: top, h: h, enlarged: h > 1.5*(bottom-top)}
		free = top + h
	}
}

// under returns the box at a position that holds no others.
func (b *Box) under(pos int64) *Box {
	if len(b.Children) == 0 {
		return b
	}
	i := 0
	for i < len(b.Children)-1 && b.Children[i].Hi <= pos {
		i++
	}
	c := b.Children[i]
	pos -= c.Lo
	if size := c.Hi - c.Lo; c.Space != size && size > 0 {
		pos = int64(float64(pos) / float64(size) * float64(c.Space))
	}
	return c.under(pos)
}

// y returns where a position in the space of a container is drawn.
func (p *plan) y(b *Box, pos int64) float64 {
	pl := p.at[b]
	if len(b.Children) == 0 {
		if b.Hi <= b.Lo {
			return pl.y
		}
		space := b.Hi - b.Lo
		if b.Space > 0 {
			space = b.Space
		}
		return pl.y + pl.h*min(float64(pos)/float64(space), 1)
	}
	for _, c := range b.Children {
		if pos < c.Hi {
			if c.Hi <= c.Lo {
				return p.at[c].y
			}
			// Into the child's own space, which may be a compressed one.
			rel := float64(pos-c.Lo) / float64(c.Hi-c.Lo)
			space := c.Hi - c.Lo
			if c.Space > 0 {
				space = c.Space
			}
			return p.y(c, int64(rel*float64(space)))
		}
	}
	return pl.y + pl.h
}

// mark is an address beside the drawing.
type mark struct {
	y    float64
	text string
}

// marks returns the addresses at which boxes start that hold no others, and
// round ones where there is room between these. Start is that of the root. What
// is in a compressed section has no address: the mark is the offset in what
// is decompressed, with a plus sign.
func (p *plan) marks(root *Box, start int64, apart float64) []mark {
	var list []mark
	last := math.Inf(-1)
	root.walk(start, true, func(b *Box, pos int64, known bool) {
		// A container comes before what is first in it, which may have no address.
		if y := p.at[b].y; !b.Overlap && y-last >= apart {
			list = append(list, mark{y, addressText(pos, known)})
			last = y
		}
	})
	end := p.at[root].h
	if n := len(list) - 1; n > 0 && end-list[n].y < apart {
		list = list[:n]
	}
	list = append(list, mark{end, addressText(start+root.Space, true)})
	i := 0
	var out []mark
	for _, t := range p.ticks(root, 2.5*apart, 5*apart) {
		for list[i].y < t.y {
			out = append(out, list[i])
			i++
		}
		if list[i].y-t.y >= 1.5*apart && (i == 0 || t.y-list[i-1].y >= 1.5*apart) {
			out = append(out, mark{t.y, addressText(start+t.pos, true)})
		}
	}
	return append(out, list[i:]...)
}

// walk calls f for the box and all it holds, in order, with where each starts:
// in the image, or, if that is not known, in what the innermost compressed
// section holds. Pos is where the box itself starts.
func (b *Box) walk(pos int64, known bool, f func(b *Box, pos int64, known bool)) {
	f(b, pos, known)
	if b.Space != b.Hi-b.Lo {
		pos, known = 0, false
	}
	for _, list := range [][]*Box{b.Children, b.Over} {
		for _, c := range list {
			c.walk(pos+c.Lo, known, f)
		}
	}
}

// addressText writes an address, or an offset with a plus sign.
func addressText(pos int64, known bool) string {
	if !known {
		return fmt.Sprintf("+%#x", pos)
	}
	return fmt.Sprintf("%#x", uint64(pos))
}

// tick is a mark on the axis.
type tick struct {
	y   float64
	pos int64 // in the image, from its start
}

// ticks returns marks at round numbers, at least apart from each other.
func (p *plan) ticks(root *Box, apart, step0 float64) []tick {
	if p.scale <= 0 {
		return nil
	}
	step := int64(1)
	for step < math.MaxInt64/4 && float64(step)*p.scale < step0 {
		step *= 2
	}
	var list []tick
	last := math.Inf(-1)
	var walk func(b *Box, start int64)
	walk = func(b *Box, start int64) {
		pl := p.at[b]
		if len(b.Children) > 0 && b.Space == b.Hi-b.Lo {
			for _, c := range b.Children {
				walk(c, start+c.Lo)
			}
			return
		}
		if pl.broken || pl.enlarged {
			return
		}
		size := b.Hi - b.Lo
		for pos := (start + step - 1) / step * step; pos < start+size; pos += step {
			y := pl.y + pl.h*float64(pos-start)/float64(size)
			if y-last >= apart {
				list = append(list, tick{y, pos})
				last = y
			}
		}
	}
	walk(root, 0)
	return list
}
